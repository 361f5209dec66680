/* moesim report: one run as one self-contained HTML page. */
#include "cli.h"

#include <moesim/report_html.h>
#include <moesim/sensitivity.h>

#define DEFAULT_SAMPLES 50  /* combinations of the assumptions: a page should not take minutes */
#define DEFAULT_SEEDS   200 /* simulated trainings, for runs that say how many tokens they train on */

static const MoeUsage usage = {
    .command = "report",
    .arguments = "RUN.yaml[:VARIANT] -o FILE.html",
    .examples = "  moesim report models/deepseek-v3.yaml -o deepseek-v3.html\n"
                "  moesim report models/mai-base-1/v5.yaml --samples 0 -o v5.html\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  char *output;
  gint samples, seeds, jobs;
} Options;

static MoeSensitivity *find_sensitivity(const MoeRun *run, const MoeSimOptions *sim, const Options *options,
                                        GError **error)
{
  MoeProgress progress;
  MoeSensitivityOptions study = {.sim = *sim,
                                 .samples = (guint)options->samples,
                                 .jobs = (guint)options->jobs,
                                 .progress = moe_cli_progress,
                                 .progress_data = &progress};

  moe_cli_progress_init(&progress);
  MoeSensitivity *sensitivity = moe_sensitivity(run, &study, error);

  moe_cli_progress_end(&progress);
  return sensitivity;
}

static MoeGoodput *find_goodput(const MoeRun *run, const MoeSimOptions *sim, const MoeResult *result,
                                const Options *options, GError **error)
{
  MoeGoodputOptions study = {.seeds = (guint)options->seeds, .seed = sim->seed, .jobs = (guint)options->jobs};
  MoeGoodputModel model;

  if (!moe_goodput_model(run, &run->goodput, result, &model, error))
    return NULL;
  return moe_goodput(&model, result, &study, error);
}

static gboolean write_page(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim, const Options *options,
                           GError **error)
{
  gboolean assumed = options->samples > 0 && run->n_assumptions > 0;
  gboolean trained = options->seeds > 0 && run->goodput.tokens > 0;
  g_autoptr(MoeSensitivity) sensitivity = assumed ? find_sensitivity(run, sim, options, error) : NULL;

  if (assumed && !sensitivity)
    return FALSE;
  g_autoptr(MoeGoodput) goodput = trained ? find_goodput(run, sim, result, options, error) : NULL;

  if (trained && !goodput)
    return FALSE;
  MoePage page = {
      .run = run, .result = result, .sensitivity = sensitivity, .goodput = goodput, .version = MOESIM_VERSION};
  g_autofree char *html = moe_report_html(&page);

  return moe_output_save(options->output, html, error);
}

static int report(const char *argument, const Options *options, const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  MoeSimOptions sim;

  if (!options->output)
    return moe_cli_complain("report: no output given, expected -o FILE.html");
  if (options->samples < 0 || options->seeds < 0 || options->jobs < 0)
    return moe_cli_complain("report: --samples, --seeds and --jobs take no negative numbers");
  if (!moe_cli_sim_options(run_options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, run_options, &error);
  g_autoptr(MoeResult) result = run ? moe_cli_predict_steps(run, &sim, MAX(run_options->steps, 1), &error) : NULL;

  if (!result || !write_page(run, result, &sim, options, &error))
    return moe_cli_fail(error);
  return MOE_EXIT_DONE;
}

int moe_cmd_report(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  Options options = {.samples = DEFAULT_SAMPLES, .seeds = DEFAULT_SEEDS};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "the page", "FILE.html"},
      {"samples", 0, 0, G_OPTION_ARG_INT, &options.samples, "combinations of the assumptions; 0: no sensitivity", "N"},
      {"seeds", 0, 0, G_OPTION_ARG_INT, &options.seeds, "simulated trainings, when the run says its tokens; 0: none",
       "N"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  moe_cli_run_entries(&run_options, shared);
  moe_cli_drop_entry(shared, "format"); /* the page is HTML */
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status == MOE_CLI_GO)
    status = report(argv[1], &options, &run_options);
  g_free(options.output);
  return status;
}
