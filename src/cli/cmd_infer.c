/* moesim infer: what was not published, learned from what was. */
#include "build.h"
#include "cli.h"
#include "record/output.h"

#include "door/ask.h"
#include "report/findings.h"
#include <math.h>
#include <moesim/door.h>
#include <moesim/report.h>

#define DEFAULT_PARTICLES 1000
#define DEFAULT_WITHIN    0.05

static const MoeUsage usage = {
    .command = "infer",
    .arguments = "[CASES.yaml...]",
    .examples = "  moesim infer validation/mai-base-1.yaml -o posterior.yaml\n"
                "  moesim infer validation/mai-base-1.yaml --hold-out validation/mai-base-1.yaml:mai-base-1-v5-after\n"
                "  moesim infer --from mine.yaml:64-gpus,mine.yaml:512-gpus --hold-out mine.yaml:8192-gpus \\\n"
                "    --noise 0.03 --store mine.sqlite\n",
    .least = 0,
    .most = -1,
};

typedef struct {
  char *from, *hold_out, *store, *output, *format, *fidelity;
  gint64 seed;
  gint jobs, particles, simulations;
  double noise, within;
} Options;

static void clear_options(Options *options)
{
  g_free(options->from);
  g_free(options->hold_out);
  g_free(options->store);
  g_free(options->output);
  g_free(options->format);
  g_free(options->fidelity);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* "FILE:ID,ID2,FILE2:ID3": an ID alone is of the file before it, or of the first of `files`. */
static gboolean add_names(const char *option, const char *text, const char *const *files, GPtrArray *names)
{
  g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
  g_autofree char *file = g_strdup(files[0]);

  for (guint i = 0; parts[i]; i++) {
    const char *colon = strrchr(parts[i], ':');
    gboolean whole = !colon && g_file_test(parts[i], G_FILE_TEST_IS_REGULAR);

    if (colon || whole) {
      g_free(file);
      file = colon ? g_strndup(parts[i], (gsize)(colon - parts[i])) : g_strdup(parts[i]);
      g_ptr_array_add(names, g_strdup(parts[i]));
    } else if (file)
      g_ptr_array_add(names, g_strconcat(file, ":", parts[i], NULL));
    else
      return moe_cli_complain("%s: \"%s\", expected FILE:ID, or a file of cases before", option, parts[i]) < 0;
  }
  return TRUE;
}

static int infer_with(MoeInferOptions *options, const Options *said, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeResiduals) residuals = moe_ask_residuals(options->data_dir, &error);
  MoeProgress progress;

  if (error || (said->output && !moe_output_check(said->output, &error)))
    return moe_cli_fail(error);
  options->residuals = residuals;
  moe_cli_progress_init(&progress);
  options->progress = moe_cli_progress;
  options->progress_data = &progress;
  g_autoptr(MoeInference) inference = moe_infer(options, &error);
  moe_cli_progress_end(&progress);
  if (!inference)
    return moe_cli_fail(error);
  g_autofree char *posterior = moe_inference_text(inference);
  if (said->output && !moe_output_save(said->output, posterior, &error))
    return moe_cli_fail(error);

  moe_cli_show(format, moe_report_infer(inference, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

static gboolean check_options(const Options *options)
{
  if (options->jobs < 0 || options->simulations < 0)
    moe_cli_complain("%s: negative", options->jobs < 0 ? "--jobs" : "--simulations");
  else if (options->particles < 100 || options->particles > 100000)
    moe_cli_complain("--particles: %d, expected 100 to 100000", options->particles);
  else if (!(options->noise >= 0 && options->noise < 1) || !(options->within > 0 && options->within < 1))
    moe_cli_complain("%s: expected a share above 0 and below 1, as 0.03", options->within > 0 ? "--noise" : "--within");
  else
    return TRUE;
  return FALSE;
}

static int infer(const char *const *files, const Options *said)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(GPtrArray) from = g_ptr_array_new_with_free_func(g_free), out = g_ptr_array_new_with_free_func(g_free);
  MoeCliRun run = {.format = said->format, .fidelity = said->fidelity, .seed = said->seed};
  MoeInferOptions options = {.data_dir = data_dir,
                             .noise = said->noise,
                             .within = said->within,
                             .n_particles = (guint)said->particles,
                             .n_simulations = (guint)said->simulations,
                             .jobs = (guint)said->jobs,
                             .store = said->store};
  MoeFormat format;

  if (!check_options(said) || !moe_cli_format(&run, &format) || !moe_cli_sim_options(&run, &options.sim) ||
      !add_names("--from", said->from, files, from) || !add_names("--hold-out", said->hold_out, files, out))
    return MOE_EXIT_BAD_INPUT;
  for (guint i = 0; !said->from && files[i]; i++)
    g_ptr_array_add(from, g_strdup(files[i]));
  if (from->len == 0)
    return moe_cli_complain("infer: expected %s or --from FILE:ID; moesim infer --help tells more", usage.arguments);
  g_ptr_array_add(from, NULL);
  g_ptr_array_add(out, NULL);
  options.from = (const char *const *)from->pdata;
  options.hold_out = (const char *const *)out->pdata;
  g_autofree char *salt = g_strdup_printf("moesim " MOESIM_BUILD " fidelity %d seed %" G_GUINT64_FORMAT,
                                          options.sim.fidelity, options.sim.seed);
  options.salt = salt;
  return infer_with(&options, said, format);
}

int moe_cmd_infer(int argc, char **argv)
{
  g_auto(Options) o = {.particles = DEFAULT_PARTICLES, .within = DEFAULT_WITHIN};
  const GOptionEntry entries[] = {
      {"from", 0, 0, G_OPTION_ARG_STRING, &o.from, "learn from these alone (default: all cases of the files)",
       "FILE:ID,..."},
      {"hold-out", 0, 0, G_OPTION_ARG_STRING, &o.hold_out, "predict these instead of learning from them",
       "FILE:ID,..."},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output, "write the posterior, as YAML", "FILE"},
      {"store", 0, 0, G_OPTION_ARG_FILENAME, &o.store, "keep simulations here; the same command goes on after a kill",
       "FILE"},
      {"noise", 0, 0, G_OPTION_ARG_DOUBLE, &o.noise,
       "rows scatter by this share and nothing is biased (default: as predictions of other families)", "SHARE"},
      {"within", 0, 0, G_OPTION_ARG_DOUBLE, &o.within, "a row is explained within this share (default: 0.05)", "SHARE"},
      {"simulations", 0, 0, G_OPTION_ARG_INT, &o.simulations, "per case, to fit surrogates (default: by unknowns)",
       "N"},
      {"particles", 0, 0, G_OPTION_ARG_INT, &o.particles, "draws of the posterior (default: 1000)", "N"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "of everything that is drawn (default: 0)", "N"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &o.jobs, "threads (default: as many as the machine has)", "N"},
      {"fidelity", 0, 0, G_OPTION_ARG_STRING, &o.fidelity, "auto, folded or full", "HOW"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &o.format, "table, json or csv", "FORMAT"},
      {NULL, 0, 0, 0, NULL, NULL, NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : infer((const char *const *)argv + 1, &o);
}
