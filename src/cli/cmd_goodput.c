/* moesim goodput: a training of weeks, with failures, checkpoints, cost and energy. */
#include "certainty.h"
#include "cli.h"

#include <moesim/report_goodput.h>

#include <string.h>

#define DEFAULT_SAMPLES 24  /* combinations of the assumptions */
#define DEFAULT_SEEDS   200 /* P10 and P90 then rest on twenty trainings each */

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
  char *detect, *restart, *repair, *reschedule, *degraded, *stragglers, *price;
  gint64 spares;
  gint seeds, jobs, samples;
} Options;

static void clear_options(Options *options)
{
  char *texts[] = {options->tokens,     options->step_time,  options->mtbf,   options->host_mtbf,  options->link_mtbf,
                   options->shape,      options->checkpoint, options->mode,   options->bytes,      options->storage,
                   options->detect,     options->restart,    options->repair, options->reschedule, options->degraded,
                   options->stragglers, options->price};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* ---- options onto the plan --------------------------------------------------------------------------------------- */

/* "MTBF,LENGTH,SLOWDOWN" */
static gboolean read_slow(const char *option, const char *text, MoeSlowPeriods *slow)
{
  g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);

  if (!text)
    return TRUE;
  if (g_strv_length(words) != 3) {
    moe_cli_complain("%s: expected MTBF,LENGTH,SLOWDOWN such as '60000 h,72 min,1.35', got '%s'", option, text);
    return FALSE;
  }
  if (!moe_cli_amount(option, words[0], MOE_DIM_SECONDS, &slow->mtbf_s) ||
      !moe_cli_amount(option, words[1], MOE_DIM_SECONDS, &slow->lasts_s) ||
      !moe_cli_amount(option, words[2], MOE_DIM_NONE, &slow->slowdown))
    return FALSE;
  if (slow->slowdown >= 1)
    return TRUE;
  moe_cli_complain("%s: slowdown %s is below 1", option, words[2]);
  return FALSE;
}

static gboolean read_checkpoint(const Options *options, MoeGoodputPlan *plan)
{
  if (options->checkpoint && strcmp(options->checkpoint, "optimum") == 0)
    plan->interval_s = 0;
  else if (!moe_cli_quantity("--checkpoint", options->checkpoint, MOE_DIM_SECONDS, &plan->interval_s))
    return FALSE;
  int mode = options->mode ? moe_cli_word("--checkpoint-mode", options->mode, moe_checkpoint_words) : (int)plan->mode;

  plan->mode = (MoeCheckpointMode)mode;
  return mode >= 0 && moe_cli_quantity("--checkpoint-bytes", options->bytes, MOE_DIM_BYTES, &plan->checkpoint_bytes) &&
         moe_cli_quantity("--storage", options->storage, MOE_DIM_BYTES_PER_S, &plan->storage_bytes_per_s);
}

static gboolean read_plan(const Options *options, MoeGoodputPlan *plan)
{
  if (options->spares >= 0)
    plan->spares = options->spares;
  return moe_cli_quantity("--tokens", options->tokens, MOE_DIM_NONE, &plan->tokens) &&
         moe_cli_quantity("--step-time", options->step_time, MOE_DIM_SECONDS, &plan->step_time_s) &&
         moe_cli_amount("--mtbf", options->mtbf, MOE_DIM_SECONDS, &plan->gpu_mtbf_s) &&
         moe_cli_amount("--host-mtbf", options->host_mtbf, MOE_DIM_SECONDS, &plan->host_mtbf_s) &&
         moe_cli_amount("--link-mtbf", options->link_mtbf, MOE_DIM_SECONDS, &plan->link_mtbf_s) &&
         moe_cli_quantity("--weibull-shape", options->shape, MOE_DIM_NONE, &plan->weibull_shape) &&
         moe_cli_amount("--detect", options->detect, MOE_DIM_SECONDS, &plan->detect_s) &&
         moe_cli_amount("--restart", options->restart, MOE_DIM_SECONDS, &plan->restart_s) &&
         moe_cli_amount("--repair", options->repair, MOE_DIM_SECONDS, &plan->repair_s) &&
         moe_cli_amount("--reschedule", options->reschedule, MOE_DIM_SECONDS, &plan->reschedule_s) &&
         read_slow("--degraded", options->degraded, &plan->degraded) &&
         read_slow("--stragglers", options->stragglers, &plan->stragglers) && read_checkpoint(options, plan);
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static char *with_doubts(char *table, const MoeCliCertainty *doubts)
{
  g_autofree char *page = table, *lines = moe_report_doubts(&doubts->certainty, &doubts->model_error);

  return g_strdup_printf("%s\n%s", page, lines);
}

/* `doubts` is NULL where the step was measured: then only failures are not known. */
static char *format_answer(MoeFormat format, const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput,
                           const MoeCliCertainty *doubts)
{
  char *table;

  switch (format) {
  case MOE_FORMAT_JSON:
    return moe_report_goodput_json(result, goodput, doubts ? &doubts->certainty : NULL);
  case MOE_FORMAT_CSV:
    return moe_report_goodput_csv(goodput);
  default:
    table = moe_report_goodput_table(run, result, goodput, moe_cli_styled());
    return doubts ? with_doubts(table, doubts) : table;
  }
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
  MoeSensitivityOptions doubt = {.sim = sim, .samples = samples, .jobs = options->jobs};
  g_auto(MoeCliCertainty) doubts = {0};
  gboolean measured = plan->step_time_s > 0;

  if (!measured && !moe_cli_certainty(run, result, &doubt, goodput, &doubts, &error))
    return moe_cli_fail(error);
  g_autofree char *text = format_answer(format, run, result, goodput, measured ? NULL : &doubts);

  moe_cli_print(text);
  return MOE_EXIT_DONE;
}

static int goodput(const char *argument, const Options *options, const MoeCliRun *run_options)
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

  if (!read_plan(options, &plan))
    return MOE_EXIT_BAD_INPUT;
  return answer(run, run_options, &plan, &study, (guint)MAX(options->samples, 0), format);
}

#define TEXT(name, member, help, what)                                                                                 \
  {                                                                                                                    \
    name, 0, 0, G_OPTION_ARG_STRING, &options.member, help, what                                                       \
  }

int moe_cmd_goodput(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  g_auto(Options) options = {.spares = -1, .seeds = DEFAULT_SEEDS, .samples = DEFAULT_SAMPLES};
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
      {"spares", 0, 0, G_OPTION_ARG_INT64, &options.spares, "spare hosts (default: always enough)", "N"},
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

  moe_cli_run_entries(&run_options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status != MOE_CLI_GO ? status : goodput(argv[1], &options, &run_options);
}
