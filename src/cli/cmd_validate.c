/* moesim validate: predicted beside published, for every case of a folder. */
#include "cli.h"
#include "record/output.h"
#include "validate_parts.h"

#include "certainty/certainty.h"
#include "report/findings.h"
#include "validate/baseline.h"

static const MoeUsage usage = {
    .command = "validate",
    .arguments = "",
    .examples = "  moesim validate\n"
                "  moesim validate --group-by stack --worst\n"
                "  moesim validate --cases my-measurements/ --format json\n"
                "  moesim validate --baseline validation/baseline/baseline.yaml\n"
                "  moesim validate --save-residuals validation/baseline/residuals.yaml\n"
                "  moesim validate --memory --summary\n"
                "  moesim validate --once --summary\n"
                "  moesim validate --parts\n"
                "  moesim validate --pair validation/measured/traces/h800-dualpipe.yaml\n",
    .least = 0,
    .most = 0,
};

typedef struct {
  char *cases, *group_by, *format, *fidelity, *baseline, *save_baseline, *save_residuals, *pair, *stage;
  gint jobs;
  gboolean worst, pairs, once, summary, leave_one_out, parts, memory;
} Options;

static void clear_options(Options *options)
{
  g_free(options->cases);
  g_free(options->group_by);
  g_free(options->format);
  g_free(options->fidelity);
  g_free(options->baseline);
  g_free(options->save_baseline);
  g_free(options->save_residuals);
  g_free(options->pair);
  g_free(options->stage);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

static char *cases_dir(const Options *options, const char *data_dir)
{
  return options->cases ? g_strdup(options->cases) : g_build_filename(data_dir ? data_dir : ".", "validation", NULL);
}

/* ---- output ----------------------------------------------------------------------------------------------------- */

/* Peaks of memory are published by more runs than times: they are predicted besides. */
static gboolean save_residuals(const MoeValidation *validation, const MoeSimOptions *sim, const Options *options,
                               GError **error)
{
  g_autofree char *data_dir = moe_data_dir(), *dir = cases_dir(options, data_dir);
  g_autoptr(MoeValidation) memory =
      moe_validate_memory(dir, data_dir, (guint)MAX(options->jobs, 0), sim, NULL, NULL, error);
  g_autofree char *text = memory ? moe_residuals_text(validation, memory) : NULL;

  return text && moe_output_save(options->save_residuals, text, error);
}

static gboolean save_baseline(const MoeValidation *validation, const char *path, GError **error)
{
  g_autofree char *text = moe_baseline_text(validation);

  return moe_output_save(path, text, error);
}

/* Stores and compares; before anything is printed, since either may fail. */
static int finish(const MoeValidation *validation, const MoeSimOptions *sim, const Options *options,
                  const MoeBaseline *baseline)
{
  g_autoptr(GError) error = NULL;

  if (options->save_residuals && !save_residuals(validation, sim, options, &error))
    return moe_cli_fail(error);
  if (options->save_baseline && !save_baseline(validation, options->save_baseline, &error))
    return moe_cli_fail(error);
  g_auto(GStrv) worse = baseline ? moe_baseline_compare(validation, baseline) : NULL;
  for (char **group = worse; group && *group; group++)
    moe_cli_warn("%s", *group);
  if (validation->n_failed > 0)
    moe_cli_warn("%u of %u cases have no prediction", validation->n_failed, validation->n);
  return (worse && *worse) || validation->n_failed > 0 ? MOE_EXIT_NO : MOE_EXIT_DONE;
}

/* What is asked of which cases, and how. */
typedef struct {
  char *data_dir, *dir;
  MoeSimOptions sim;
  MoeFormat format;
  MoeGroupBy by;
} Question;

static void clear_question(Question *question)
{
  g_free(question->data_dir);
  g_free(question->dir);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Question, clear_question)

/* FALSE after a message. */
static gboolean read_question(const Options *options, MoeGroupBy usual, Question *question)
{
  MoeCliRun run = {.format = options->format, .fidelity = options->fidelity};
  int by = options->group_by ? moe_cli_word("--group-by", options->group_by, moe_group_by_words) : (int)usual;

  if (by < 0 || !moe_cli_format(&run, &question->format) || !moe_cli_sim_options(&run, &question->sim))
    return FALSE;
  question->by = (MoeGroupBy)by;
  question->data_dir = moe_data_dir();
  question->dir = cases_dir(options, question->data_dir);
  return TRUE;
}

/* Predicts the cases by one of the functions that do; NULL after a message. */
static gpointer answer(const Question *question, const Options *options,
                       gpointer (*predict)(const Question *question, guint jobs, MoeProgress *progress, GError **error))
{
  g_autoptr(GError) error = NULL;
  MoeProgress progress;

  moe_cli_progress_init(&progress);
  gpointer found = predict(question, (guint)MAX(options->jobs, 0), &progress, &error);
  moe_cli_progress_end(&progress);
  if (!found)
    moe_cli_fail(error);
  return found;
}

static gpointer predict_times(const Question *q, guint jobs, MoeProgress *progress, GError **error)
{
  return moe_validate(q->dir, q->data_dir, jobs, &q->sim, moe_cli_progress, progress, error);
}

static gpointer predict_memory(const Question *q, guint jobs, MoeProgress *progress, GError **error)
{
  return moe_validate_memory(q->dir, q->data_dir, jobs, &q->sim, moe_cli_progress, progress, error);
}

static gpointer fit_rates(const Question *q, guint jobs, MoeProgress *progress, GError **error)
{
  return moe_fit_rates(q->dir, q->data_dir, jobs, &q->sim, moe_cli_progress, progress, error);
}

/* What is read and written at the end is looked at first. */
static gboolean check_files(const Options *options, MoeBaseline **baseline, GError **error)
{
  *baseline = options->baseline ? moe_baseline_load(options->baseline, error) : NULL;
  return (*baseline || !options->baseline) &&
         (!options->save_residuals || moe_output_check(options->save_residuals, error)) &&
         (!options->save_baseline || moe_output_check(options->save_baseline, error));
}

static int validate(const Options *options)
{
  g_auto(Question) question = {0};
  g_autoptr(MoeBaseline) baseline = NULL;
  g_autoptr(GError) error = NULL;

  if (!read_question(options, MOE_GROUP_BY_FAMILY, &question))
    return MOE_EXIT_BAD_INPUT;
  if (!check_files(options, &baseline, &error))
    return moe_cli_fail(error);
  g_autoptr(MoeValidation) validation = answer(&question, options, predict_times);
  if (!validation)
    return MOE_EXIT_BAD_INPUT;
  int status = finish(validation, &question.sim, options, baseline);

  if (status != MOE_EXIT_DONE && status != MOE_EXIT_NO)
    return status;
  const MoeValidationView view = {.by = question.by,
                                  .summary = options->summary,
                                  .worst_first = options->worst,
                                  .wrong_pairs = options->pairs,
                                  .once = options->once};
  moe_cli_show(question.format, moe_report_validation(validation, &view, moe_cli_sheet(question.format)));
  return status;
}

/* --memory: published peaks, and whether what ran fits. */
static int memory(const Options *options)
{
  g_auto(Question) question = {0};

  if (!read_question(options, MOE_GROUP_BY_STACK, &question))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeValidation) validation = answer(&question, options, predict_memory);
  if (!validation)
    return MOE_EXIT_BAD_INPUT;
  MoeSheet sheet = moe_cli_sheet(question.format);

  moe_cli_show(question.format, moe_report_validation_memory(validation, question.by, options->summary, sheet));
  return MOE_EXIT_DONE;
}

/* --leave-one-out: the shared fit, and what each family owes to being part of it. */
static int leave_one_out(const Options *options)
{
  g_auto(Question) question = {0};

  if (!read_question(options, MOE_GROUP_BY_FAMILY, &question))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRateFit) fit = answer(&question, options, fit_rates);
  if (!fit)
    return MOE_EXIT_BAD_INPUT;
  moe_cli_show(question.format, moe_report_rates(fit, moe_cli_sheet(question.format)));
  return MOE_EXIT_DONE;
}

/* --parts and --pair: what one step consists of. */
static int inside_step(const Options *options)
{
  g_auto(Question) q = {0};
  gint64 stage = -1;

  if (!read_question(options, MOE_GROUP_BY_FAMILY, &q))
    return MOE_EXIT_BAD_INPUT;
  if (options->stage && !g_ascii_string_to_signed(options->stage, 10, 0, G_MAXINT32, &stage, NULL))
    return moe_cli_complain("--stage: '%s', expected a number from 0", options->stage);
  return options->pair ? moe_cli_validate_pair(options->pair, q.data_dir, &q.sim, q.format)
                       : moe_cli_validate_parts(q.dir, q.data_dir, stage, &q.sim, q.format);
}

/* The question that was asked, and the options that it reads. */
static int ask(const Options *o, const GOptionEntry *entries)
{
  const struct {
    gboolean asked;
    const char *what, *used;
    int (*answer)(const Options *options);
  } kinds[] = {
      {o->pair != NULL, "validate --pair", "pair format fidelity", inside_step},
      {o->parts, "validate --parts", "parts stage cases format fidelity", inside_step},
      {o->memory, "validate --memory", "memory cases group-by summary format fidelity jobs", memory},
      {o->leave_one_out, "validate --leave-one-out", "leave-one-out cases format fidelity jobs", leave_one_out},
      {TRUE, "validate",
       "cases group-by worst pairs once summary format fidelity jobs baseline save-baseline save-residuals", validate},
  };
  guint kind = 0;

  while (!kinds[kind].asked)
    kind++;
  return moe_cli_applies(kinds[kind].what, entries, kinds[kind].used) ? kinds[kind].answer(o) : MOE_EXIT_BAD_INPUT;
}

int moe_cmd_validate(int argc, char **argv)
{
  g_auto(Options) o = {0};
  const GOptionEntry entries[] = {
      {"cases", 0, 0, G_OPTION_ARG_FILENAME, &o.cases, "folder of case files (default: validation/)", "DIR"},
      {"group-by", 0, 0, G_OPTION_ARG_STRING, &o.group_by, "family, gpu, stack or kind", "WHAT"},
      {"worst", 0, 0, G_OPTION_ARG_NONE, &o.worst, "worst cases first", NULL},
      {"pairs", 0, 0, G_OPTION_ARG_NONE, &o.pairs, "also list the pair questions answered wrongly", NULL},
      {"once", 0, 0, G_OPTION_ARG_NONE, &o.once,
       "also time per micro-batch and what a step pays once, where two sizes were published", NULL},
      {"summary", 0, 0, G_OPTION_ARG_NONE, &o.summary, "groups only, no cases", NULL},
      {"format", 0, 0, G_OPTION_ARG_STRING, &o.format, "table, json or csv", "FORMAT"},
      {"fidelity", 0, 0, G_OPTION_ARG_STRING, &o.fidelity, "auto, folded or full", "HOW"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &o.jobs, "threads (default: one per core)", "N"},
      {"leave-one-out", 0, 0, G_OPTION_ARG_NONE, &o.leave_one_out,
       "refit the training rates, leaving out one family at a time", NULL},
      {"memory", 0, 0, G_OPTION_ARG_NONE, &o.memory,
       "published peaks of memory, and whether what ran fits; also reads DIR/memory", NULL},
      {"parts", 0, 0, G_OPTION_ARG_NONE, &o.parts, "parts of the iteration, where they were published", NULL},
      {"stage", 0, 0, G_OPTION_ARG_STRING, &o.stage, "with --parts: pipeline stage (default: the middle one)", "N"},
      {"pair", 0, 0, G_OPTION_ARG_FILENAME, &o.pair, "kernel classes of a profiled forward-backward pair", "FILE"},
      {"baseline", 0, 0, G_OPTION_ARG_FILENAME, &o.baseline, "exit 1 when a group is worse than stored here", "FILE"},
      {"save-residuals", 0, 0, G_OPTION_ARG_FILENAME, &o.save_residuals,
       "store what each case is wrong by, for intervals", "FILE"},
      {"save-baseline", 0, 0, G_OPTION_ARG_FILENAME, &o.save_baseline, "store the groups' errors", "FILE"},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : ask(&o, entries);
}
