/* moesim goodput: a training of weeks, with failures, checkpoints, cost and energy. */
#include "cli.h"
#include "door/ask.h"
#include "goodput/model.h"

#include "report/findings.h"

static const MoeUsage usage = {
    .command = "goodput",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples =
        "  moesim goodput models/mai-base-1/v5.yaml\n"
        "  moesim goodput models/deepseek-v3.yaml --tokens 14.8e12 --mtbf 50000h --checkpoint optimum\n"
        "  moesim goodput models/deepseek-v3.yaml --tokens 14.8e12 --checkpoint 30min --checkpoint-mode sync \\\n"
        "    --storage '50 GB/s' --restart 10min --spares 4 --degraded '60000 h,72 min,1.35' --price 2.00\n",
    .least = 1,
    .most = 1,
};

/* Text of the options; NULL = as the run and the cluster say. */
typedef struct {
  char *tokens, *step_time, *mtbf, *host_mtbf, *link_mtbf, *shape;
  char *checkpoint, *mode, *bytes, *storage;
  char *detect, *restart, *repair, *reschedule, *degraded, *stragglers, *price, *spares;
  gint seeds, jobs, samples;
} Options;

static void clear_options(Options *options)
{
  char *texts[] = {options->tokens,     options->step_time,  options->mtbf,   options->host_mtbf,  options->link_mtbf,
                   options->shape,      options->checkpoint, options->mode,   options->bytes,      options->storage,
                   options->detect,     options->restart,    options->repair, options->reschedule, options->degraded,
                   options->stragglers, options->price,      options->spares};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* ---- the command ------------------------------------------------------------------------------------------------- */

/* `doubts` is NULL where the step was measured: then only failures are not known. */
static void print_answer(MoeFormat format, const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput,
                         const MoeDoubts *doubts)
{
  const MoeCertainty *certainty = doubts ? &doubts->certainty : NULL;
  g_autofree char *lines = doubts ? moe_report_doubts(certainty, &doubts->model_error) : NULL;

  moe_cli_show(format, moe_report_goodput(run, result, goodput, certainty, moe_cli_sheet(format)));
  if (lines && format == MOE_FORMAT_TABLE)
    moe_cli_print("\n");
  if (lines && format == MOE_FORMAT_TABLE)
    moe_cli_print_text(lines);
}

static MoeGoodput *simulate(const MoeRun *run, const MoeGoodputPlan *plan, const MoeResult *result,
                            MoeGoodputOptions *options, GError **error)
{
  MoeProgress progress;
  MoeGoodputModel model;

  if (!moe_goodput_model(run, plan, result, &model, error))
    return NULL;
  moe_cli_progress_init(&progress);
  options->progress = moe_cli_progress;
  options->progress_data = &progress;
  MoeGoodput *goodput = moe_goodput(&model, result, options, error);

  moe_cli_progress_end(&progress);
  return goodput;
}

static int answer(const MoeRun *run, const MoeCliRun *run_options, const MoeGoodputPlan *plan,
                  MoeGoodputOptions *options, guint samples, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  MoeSimOptions sim;

  if (!moe_cli_sim_options(run_options, &sim))
    return MOE_EXIT_BAD_INPUT;
  options->seed = sim.seed;
  g_autoptr(MoeResult) result = moe_study_predict_steps(run, &sim, MAX(run_options->steps, 1), &error);
  g_autoptr(MoeGoodput) goodput = result ? simulate(run, plan, result, options, &error) : NULL;

  if (!goodput)
    return moe_cli_fail(error);
  if (goodput->job_mtbf_s > G_MAXDOUBLE)
    moe_cli_warn("nothing fails: neither the run, its cluster nor --mtbf says how often parts do");
  moe_cli_warn_memory(result);
  MoeSensitivityOptions doubt = {
      .sim = sim, .samples = samples, .jobs = options->jobs, .posterior = run_options->posterior};
  g_auto(MoeDoubts) doubts = {0};
  g_autofree char *data_dir = moe_data_dir();
  gboolean measured = plan->step_time_s > 0;

  if (!measured && !moe_ask_doubts(data_dir, run, result, &doubt, goodput, &doubts, &error))
    return moe_cli_fail(error);
  print_answer(format, run, result, goodput, measured ? NULL : &doubts);
  return MOE_EXIT_DONE;
}

static int goodput(const char *argument, const Options *options, const MoeWords *words, const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  MoeGoodputOptions study = {.seeds = (guint)MAX(options->seeds, 0), .jobs = (guint)MAX(options->jobs, 0)};
  MoeFormat format;

  if (options->seeds < 1 || options->jobs < 0)
    return moe_cli_complain("%s: expected a positive number", options->seeds < 1 ? "--seeds" : "--jobs");
  if (!moe_cli_format(run_options, &format) ||
      !moe_cli_quantity("--price", options->price, MOE_DIM_DOLLARS, &study.price_gpu_hour))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, run_options, &error);

  if (!run)
    return moe_cli_fail(error);
  MoeGoodputPlan plan = run->goodput;

  if (!moe_ask_goodput(words, &plan, &error))
    return moe_cli_complain("%s", error->message);
  return answer(run, run_options, &plan, &study, (guint)MAX(options->samples, 0), format);
}

#define TEXT(name, member, help, what)                                                                                 \
  {                                                                                                                    \
    name, 0, 0, G_OPTION_ARG_STRING, &options.member, help, what                                                       \
  }

int moe_cmd_goodput(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  g_auto(Options) options = {.seeds = MOE_ASK_GOODPUT_SEEDS, .samples = MOE_ASK_GOODPUT_SAMPLES};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      TEXT("tokens", tokens, "tokens to train on", "N"),
      TEXT("step-time", step_time, "measured step time, instead of the predicted one", "S"),
      TEXT("mtbf", mtbf, "mean time between failures of one GPU; 0: none fails", "T"),
      TEXT("host-mtbf", host_mtbf, "the same of one host", "T"),
      TEXT("link-mtbf", link_mtbf, "the same of one network link", "T"),
      TEXT("weibull-shape", shape, "of times between failures; 1: exponential", "K"),
      TEXT("checkpoint", checkpoint, "stepping time between checkpoints, or optimum", "T"),
      TEXT("checkpoint-mode", mode, "async or sync", "WORD"),
      TEXT("checkpoint-bytes", bytes, "size, instead of counting", "B"),
      TEXT("storage", storage, "bandwidth of checkpoint storage, all hosts together", "B/S"),
      TEXT("detect", detect, "from a failure until it is noticed", "T"),
      TEXT("restart", restart, "until the job steps again, besides loading", "T"),
      TEXT("spares", spares, "spare hosts (default: always enough)", "N"),
      TEXT("repair", repair, "until a failed host is a spare again", "T"),
      TEXT("reschedule", reschedule, "until another host joins when no spare is left", "T"),
      TEXT("degraded", degraded, "slow periods that pass: MTBF per GPU, length, slowdown", "T,T,X"),
      TEXT("stragglers", stragglers, "slow hosts until replaced: MTBF per GPU, time to notice, slowdown", "T,T,X"),
      TEXT("price", price, "dollars per GPU-hour", "D"),
      {"samples", 0, 0, G_OPTION_ARG_INT, &options.samples,
       "combinations of the assumptions for the interval (default: 24)", "N"},
      {"seeds", 0, 0, G_OPTION_ARG_INT, &options.seeds, "simulated trainings (default: 200)", "N"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  const MoeWords words = moe_cli_words(entries);

  moe_cli_interval_entries(&run_options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  return moe_cli_load_posterior(&run_options) ? goodput(argv[1], &options, &words, &run_options) : MOE_EXIT_BAD_INPUT;
}
