/* moesim report: one run as one self-contained HTML page, other runs beside it. */
#include "cli.h"
#include "record/output.h"

#include "figure/page.h"
#include "study/study.h"
#include <moesim/sensitivity.h>

#define DEFAULT_SAMPLES 50  /* combinations of the assumptions: a page should not take minutes */
#define SCALE_SAMPLES   20  /* of them at each other number of GPUs, at most */
#define DEFAULT_SEEDS   200 /* simulated trainings, for runs that say how many tokens they train on */

static const MoeUsage usage = {
    .command = "report",
    .arguments = "RUN.yaml[:VARIANT]... -o FILE.html",
    .examples =
        "  moesim report models/deepseek-v3.yaml -o deepseek-v3.html\n"
        "  moesim report models/mai-base-1/v5.yaml --samples 0 -o v5.html\n"
        "  moesim report models/mai-base-1/v5.yaml models/mai-base-1/v4.yaml models/deepseek-v3.yaml -o three.html\n",
    .least = 1,
    .most = -1,
};

typedef struct {
  char *output;
  gint samples, seeds, jobs;
} Options;

static MoeSensitivity *find_sensitivity(const MoeRun *run, const MoeSimOptions *sim, const Options *options,
                                        GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  MoeProgress progress;
  MoeSensitivityOptions study = {.sim = *sim,
                                 .samples = (guint)options->samples,
                                 .jobs = (guint)options->jobs,
                                 .progress = moe_cli_progress,
                                 .progress_data = &progress};

  moe_cli_progress_init(&progress);
  MoeSensitivity *sensitivity = moe_ask_sensitivity(data_dir, run, &study, error);

  moe_cli_progress_end(&progress);
  return sensitivity;
}

static MoeGoodput *find_goodput(const MoeRun *run, const MoeSimOptions *sim, const MoeResult *result,
                                const Options *options, GError **error)
{
  MoeGoodputOptions study = {.seeds = (guint)options->seeds, .seed = sim->seed, .jobs = (guint)options->jobs};

  return moe_goodput_of_run(run, result, &study, error);
}

/* ---- timeline ---------------------------------------------------------------------------------------------------- */

#define MOST_STAGES 8 /* on the timeline; with more than two of them only what computes is shown */

typedef struct {
  MoeTimeline *timeline;
  gboolean compute_only;
} Watch;

static void watch_slice(const MoeSlice *slice, gpointer user_data)
{
  const Watch *watch = user_data;

  if (!watch->compute_only || slice->stream == MOE_STREAM_COMPUTE || slice->stream == MOE_N_STREAMS)
    moe_timeline_slice(slice, watch->timeline);
}

/* The first rank of some stages, evenly chosen, of int64_t. */
static GArray *watched_ranks(const MoeRun *run, GError **error)
{
  g_autoptr(MoeLayout) layout = moe_layout_new(&run->parallelism, error);
  int64_t stages = run->parallelism.pipeline, n = MIN(stages, MOST_STAGES);
  GArray *ranks = layout ? g_array_new(FALSE, FALSE, sizeof(int64_t)) : NULL;

  for (int64_t i = 0; ranks && i < n; i++) {
    int64_t rank = moe_layout_on_stage(layout, 0, n > 1 ? i * (stages - 1) / (n - 1) : 0);

    g_array_append_val(ranks, rank);
  }
  return ranks;
}

static MoeResult *predict_watched(const MoeRun *run, const MoeSimOptions *sim, int steps, MoeTimeline *timeline,
                                  GError **error)
{
  g_autoptr(GArray) ranks = watched_ranks(run, error);
  Watch watch = {timeline, run->parallelism.pipeline > 2};
  MoeSimOptions chosen = *sim;

  if (!ranks)
    return NULL;
  chosen.slice = watch_slice;
  chosen.slice_data = &watch;
  chosen.n_trace_ranks = ranks->len;
  chosen.trace_ranks = (const int64_t *)(gpointer)ranks->data;
  return moe_study_predict_steps(run, &chosen, steps, error);
}

/* ---- other sizes ------------------------------------------------------------------------------------------------- */

/* A quarter of the run's GPUs to twice as many. */
static const double sizes[] = {0.25, 0.5, 1, 2};

typedef struct {
  const char *argument;
  MoeCliRun options;
  MoeSimOptions sim;
  int64_t gpus;
} Sizes;

static MoeOutcome predict_size(guint index, gpointer user_data)
{
  const Sizes *study = user_data;
  MoeCliRun options = study->options;
  MoeOutcome outcome = {0};

  if (sizes[index] != 1) /* its own size is the run as it is, with what was published of it */
    options.gpus = (gint64)((double)study->gpus * sizes[index]);
  if (sizes[index] == 1 || options.gpus > 0)
    outcome.result = moe_cli_predict(study->argument, &options, &study->sim, &outcome.error);
  return outcome;
}

/* Takes the results, ascending; a layout that cannot be at a size leaves a gap, any other error is one. */
static GPtrArray *take_sizes(MoeOutcome *outcomes, GError **error)
{
  g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);

  for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
    if (outcomes[i].result) {
      g_ptr_array_add(results, g_steal_pointer(&outcomes[i].result));
    } else if (outcomes[i].error && !g_error_matches(outcomes[i].error, MOE_ERROR, MOE_ERROR_LAYOUT)) {
      g_propagate_error(error, g_steal_pointer(&outcomes[i].error));
      return NULL;
    }
  }
  return g_steal_pointer(&results);
}

/* The run at each size where its layout can be, ascending; owned. */
static GPtrArray *predict_sizes(const char *argument, const MoeRun *run, const MoeSimOptions *sim,
                                const MoeCliRun *run_options, const Options *options, GError **error)
{
  Sizes study = {argument, *run_options, *sim, run->parallelism.gpus};
  MoeProgress progress;

  study.options.samples = run->n_assumptions > 0 ? MIN(options->samples, SCALE_SAMPLES) : 0;
  moe_cli_progress_init(&progress);
  MoeOutcome *outcomes =
      moe_study_map(G_N_ELEMENTS(sizes), (guint)options->jobs, predict_size, &study, moe_cli_progress, &progress);

  moe_cli_progress_end(&progress);
  GPtrArray *results = take_sizes(outcomes, error);

  moe_outcomes_free(outcomes, G_N_ELEMENTS(sizes));
  return results;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static gboolean write_page(const MoePage *begun, const char *argument, const MoeSimOptions *sim,
                           const MoeCliRun *run_options, const Options *options, GError **error)
{
  const MoeRun *run = begun->run;
  gboolean assumed = options->samples > 0 && run->n_assumptions > 0;
  gboolean trained = options->seeds > 0 && run->goodput.tokens > 0;
  g_autoptr(MoeSensitivity) sensitivity = assumed ? find_sensitivity(run, sim, options, error) : NULL;

  if (assumed && !sensitivity)
    return FALSE;
  g_autoptr(MoeGoodput) goodput = trained ? find_goodput(run, sim, begun->result, options, error) : NULL;

  if (trained && !goodput)
    return FALSE;
  g_autoptr(GPtrArray) scaled = predict_sizes(argument, run, sim, run_options, options, error);

  if (!scaled)
    return FALSE;
  g_autofree char *label = g_strdup_printf("on %s", run->cluster.name);
  MoeScaleSeries series = {label, scaled};
  MoePage page = *begun;

  page.sensitivity = sensitivity;
  page.goodput = goodput;
  page.scale = &series;
  page.n_scale = scaled->len > 1 ? 1 : 0;
  g_autofree char *html = moe_page_html(&page);

  return moe_output_save(options->output, html, error);
}

static gboolean check_options(const Options *options)
{
  if (!options->output)
    moe_cli_complain("report: no output given, expected -o FILE.html");
  else if (options->samples < 0 || options->seeds < 0 || options->jobs < 0)
    moe_cli_complain("report: --samples, --seeds and --jobs take no negative numbers");
  else
    return TRUE;
  return FALSE;
}

static int report(int n, char **arguments, const Options *options, const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();
  g_autoptr(GPtrArray) rivals = NULL;
  MoeSimOptions sim;

  if (!check_options(options) || !moe_cli_sim_options(run_options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(arguments[0], run_options, &error);
  gboolean begun = run && moe_output_check(options->output, &error);
  g_autoptr(MoeResult) result = begun ? predict_watched(run, &sim, MAX(run_options->steps, 1), timeline, &error) : NULL;

  if (!result)
    return moe_cli_fail(error);
  if (n > 1 && !(rivals = moe_cli_predict_all(n - 1, arguments + 1, FALSE, run_options, &sim, &error)))
    return moe_cli_fail(error);
  MoePage page = {.run = run, .result = result, .timeline = timeline, .rivals = rivals, .version = MOESIM_VERSION};

  return write_page(&page, arguments[0], &sim, run_options, options, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
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
    status = report(argc - 1, argv + 1, &options, &run_options);
  g_free(options.output);
  return status;
}
