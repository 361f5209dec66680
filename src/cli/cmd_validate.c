/* moesim validate: predicted beside published, for every case of a folder. */
#include "cli.h"
#include "record/output.h"
#include "validate_parts.h"

#include "certainty/certainty.h"
#include "report/findings.h"

/* A stored median or P90 counts as worse from this on: rounding of the stored figures, and the smallest change worth
 * stopping for. */
#define BASELINE_TOLERANCE 0.001

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
  char *cases, *group_by, *format, *fidelity, *baseline, *save_baseline, *save_residuals, *pair;
  gint jobs, stage;
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
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

static char *cases_dir(const Options *options, const char *data_dir)
{
  return options->cases ? g_strdup(options->cases) : g_build_filename(data_dir ? data_dir : ".", "validation", NULL);
}

/* ---- baseline ---------------------------------------------------------------------------------------------------- */

static void print_baseline_group(GString *text, const MoeCaseGroup *group)
{
  if (group->n > 0)
    g_string_append_printf(text, "  - {name: %s, cases: %u, median_abs_error: %.4f, p90_abs_error: %.4f}\n",
                           group->name, group->n, group->median_abs_error, group->p90_abs_error);
}

static gboolean save_baseline(const MoeValidation *validation, const char *path, GError **error)
{
  g_autoptr(GString) text =
      g_string_new("# Errors that a change must not make worse: moesim validate --save-baseline\ngroups:\n");
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n);

  for (guint g = 0; g < n; g++)
    print_baseline_group(text, &groups[g]);
  print_baseline_group(text, &validation->all);
  moe_case_groups_free(groups, n);
  return moe_output_save(path, text->str, error);
}

typedef struct {
  const char *name;
  double median_abs_error, p90_abs_error;
  int64_t cases;
} Stored;

static gboolean read_stored(const MoeNode *node, Stored *stored, GError **error)
{
  static const MoeField fields[] = {
      {"name", MOE_FIELD_TEXT, offsetof(Stored, name), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {"cases", MOE_FIELD_INT, offsetof(Stored, cases), TRUE, MOE_DIM_NONE, 0, 1e9, NULL},
      {"median_abs_error", MOE_FIELD_QUANTITY, offsetof(Stored, median_abs_error), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {"p90_abs_error", MOE_FIELD_QUANTITY, offsetof(Stored, p90_abs_error), TRUE, MOE_DIM_NONE, 0, 0, NULL},
      {NULL, MOE_FIELD_IGNORE, 0, FALSE, MOE_DIM_NONE, 0, 0, NULL},
  };

  return moe_node_read_fields(node, fields, "baseline group", stored, error);
}

/* Whether a group is worse than stored; says so. */
static gboolean is_worse(const MoeCaseGroup *group, const Stored *stored)
{
  gboolean worse = group->median_abs_error > stored->median_abs_error + BASELINE_TOLERANCE ||
                   group->p90_abs_error > stored->p90_abs_error + BASELINE_TOLERANCE || group->n < stored->cases;

  if (worse)
    moe_cli_warn("%s is worse than the baseline: median %.2f %% (was %.2f), P90 %.2f %% (was %.2f), %u cases (were "
                 "%" G_GINT64_FORMAT ")",
                 group->name, 100 * group->median_abs_error, 100 * stored->median_abs_error, 100 * group->p90_abs_error,
                 100 * stored->p90_abs_error, group->n, stored->cases);
  return worse;
}

static const MoeCaseGroup *find_group(const MoeCaseGroup *groups, guint n, const MoeCaseGroup *all, const char *name)
{
  for (guint g = 0; g < n; g++)
    if (g_str_equal(groups[g].name, name))
      return &groups[g];
  return g_str_equal(name, "all") ? all : NULL;
}

/* Number of groups that are worse than stored; -1 and *error when the file cannot be read. */
static int compare_baseline(const MoeValidation *validation, const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_load(path, error);
  const MoeNode *list = doc ? moe_node_get(moe_doc_root(doc), "groups") : NULL;
  guint n = 0;
  int worse = 0;

  if (!doc)
    return -1;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n);
  for (guint i = 0; worse >= 0 && list && i < moe_node_size(list); i++) {
    Stored stored = {0};

    if (!read_stored(moe_node_at(list, i), &stored, error)) {
      worse = -1;
      break;
    }
    const MoeCaseGroup *group = find_group(groups, n, &validation->all, stored.name);
    worse += !group || is_worse(group, &stored);
  }
  moe_case_groups_free(groups, n);
  return worse;
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

/* Stores and compares; before anything is printed, since either may fail. */
static int finish(const MoeValidation *validation, const MoeSimOptions *sim, const Options *options)
{
  g_autoptr(GError) error = NULL;

  if (options->save_residuals && !save_residuals(validation, sim, options, &error))
    return moe_cli_fail(error);
  if (options->save_baseline && !save_baseline(validation, options->save_baseline, &error))
    return moe_cli_fail(error);
  int worse = options->baseline ? compare_baseline(validation, options->baseline, &error) : 0;
  if (worse < 0)
    return moe_cli_fail(error);
  if (validation->n_failed > 0)
    moe_cli_warn("%u of %u cases have no prediction", validation->n_failed, validation->n);
  return worse > 0 || validation->n_failed > 0 ? MOE_EXIT_NO : MOE_EXIT_DONE;
}

static int validate(const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moe_data_dir(), *dir = cases_dir(options, data_dir);
  MoeCliRun run = {.format = options->format, .fidelity = options->fidelity};
  int by = options->group_by ? moe_cli_word("--group-by", options->group_by, moe_group_by_words) : MOE_GROUP_BY_FAMILY;
  MoeFormat format;
  MoeSimOptions sim;
  MoeProgress progress;

  if (by < 0 || !moe_cli_format(&run, &format) || !moe_cli_sim_options(&run, &sim))
    return MOE_EXIT_BAD_INPUT;
  moe_cli_progress_init(&progress);
  g_autoptr(MoeValidation) validation =
      moe_validate(dir, data_dir, (guint)MAX(options->jobs, 0), &sim, moe_cli_progress, &progress, &error);
  moe_cli_progress_end(&progress);
  if (!validation)
    return moe_cli_fail(error);
  int status = finish(validation, &sim, options);

  if (status != MOE_EXIT_DONE && status != MOE_EXIT_NO)
    return status;
  const MoeValidationView view = {.by = (MoeGroupBy)by,
                                  .summary = options->summary,
                                  .worst_first = options->worst,
                                  .wrong_pairs = options->pairs,
                                  .once = options->once};
  moe_cli_show(format, moe_report_validation(validation, &view, moe_cli_sheet(format)));
  return status;
}

/* --memory: published peaks, and whether what ran fits. */
static int memory(const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moe_data_dir(), *dir = cases_dir(options, data_dir);
  MoeCliRun run = {.format = options->format, .fidelity = options->fidelity};
  int by = options->group_by ? moe_cli_word("--group-by", options->group_by, moe_group_by_words) : MOE_GROUP_BY_STACK;
  MoeFormat format;
  MoeSimOptions sim;
  MoeProgress progress;

  if (by < 0 || !moe_cli_format(&run, &format) || !moe_cli_sim_options(&run, &sim))
    return MOE_EXIT_BAD_INPUT;
  if (format == MOE_FORMAT_CSV)
    return moe_cli_complain("--memory has no CSV, expected --format table or json");
  moe_cli_progress_init(&progress);
  g_autoptr(MoeValidation) validation =
      moe_validate_memory(dir, data_dir, (guint)MAX(options->jobs, 0), &sim, moe_cli_progress, &progress, &error);
  moe_cli_progress_end(&progress);
  if (!validation)
    return moe_cli_fail(error);
  moe_cli_show(format,
               moe_report_validation_memory(validation, (MoeGroupBy)by, options->summary, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* --leave-one-out: the shared fit, and what each family owes to being part of it. */
static int leave_one_out(const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moe_data_dir(), *dir = cases_dir(options, data_dir);
  MoeCliRun run = {.format = options->format, .fidelity = options->fidelity};
  MoeSimOptions sim;
  MoeFormat format;
  MoeProgress progress;

  if (!moe_cli_format(&run, &format) || !moe_cli_sim_options(&run, &sim))
    return MOE_EXIT_BAD_INPUT;
  if (format == MOE_FORMAT_CSV)
    return moe_cli_complain("--leave-one-out has no CSV, expected --format table or json");
  moe_cli_progress_init(&progress);
  g_autoptr(MoeRateFit) fit =
      moe_fit_rates(dir, data_dir, (guint)MAX(options->jobs, 0), &sim, moe_cli_progress, &progress, &error);
  moe_cli_progress_end(&progress);
  if (!fit)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_rates(fit, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* --parts and --pair: what one step consists of. */
static int inside_step(const Options *options)
{
  g_autofree char *data_dir = moe_data_dir(), *dir = cases_dir(options, data_dir);
  MoeCliRun run = {.fidelity = options->fidelity};
  MoeSimOptions sim;

  if (!moe_cli_sim_options(&run, &sim))
    return MOE_EXIT_BAD_INPUT;
  return options->pair ? moe_cli_validate_pair(options->pair, data_dir, &sim)
                       : moe_cli_validate_parts(dir, data_dir, options->stage, &sim);
}

int moe_cmd_validate(int argc, char **argv)
{
  g_auto(Options) o = {.stage = -1};
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
      {"stage", 0, 0, G_OPTION_ARG_INT, &o.stage, "with --parts: pipeline stage (default: the middle one)", "N"},
      {"pair", 0, 0, G_OPTION_ARG_FILENAME, &o.pair, "kernel classes of a profiled forward-backward pair", "FILE"},
      {"baseline", 0, 0, G_OPTION_ARG_FILENAME, &o.baseline, "exit 1 when a group is worse than stored here", "FILE"},
      {"save-residuals", 0, 0, G_OPTION_ARG_FILENAME, &o.save_residuals,
       "store what each case is wrong by, for intervals", "FILE"},
      {"save-baseline", 0, 0, G_OPTION_ARG_FILENAME, &o.save_baseline, "store the groups' errors", "FILE"},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  if (o.parts || o.pair)
    return inside_step(&o);
  if (o.memory)
    return memory(&o);
  return o.leave_one_out ? leave_one_out(&o) : validate(&o);
}
