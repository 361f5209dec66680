/* moesim sweep: one run at many points, kept as they finish. */
#include "build.h"
#include "cli.h"
#include "ranks.h"
#include "sweep_ranks.h"

#include <moesim/report.h>
#include <moesim/sweep.h>

static const MoeUsage usage = {
    .command = "sweep",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples =
        "  moesim sweep models/mai-base-1/v5.yaml --vary parallelism.expert=8,16,32,64\n"
        "  moesim sweep models/mai-base-1/v5.yaml --vary gpus=4096,8192 --tokens 30T\n"
        "  moesim sweep models/deepseek-v3.yaml --vary gpus=1024:8192:*2 --vary training.micro_batch=1,2 --format csv\n"
        "  moesim sweep models/deepseek-v3.yaml --vary 'cluster.network.nic=100:800:*2 Gbit/s' \\\n"
        "    --store nic.sqlite --resume\n"
        "  mpirun -n 16 moesim sweep models/deepseek-v3.yaml --vary parallelism.zero=1,2,3 --store zero.sqlite\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  char **vary, *store, *tokens_text;
  double tokens;
  gboolean zip, resume;
  gint jobs;
} SweepOptions;

static void say_unkept(const char *message, gpointer user_data)
{
  (void)user_data;
  moe_cli_warn("%s; the sweep goes on, what is not kept is tried again at its end", message);
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void print_records(const MoeSweepPoint *points, guint n, double tokens, MoeFormat format)
{
  g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add(made, moe_report_record_training(points[i].record, tokens));
  moe_cli_show(format, moe_report_records(n, (const char *const *)made->pdata, moe_cli_sheet(format)));
}

/* A sweep without a single answer is a wrong sweep: the first reason tells. */
static guint count_failed(const MoeSweepPoint *points, guint n)
{
  guint failed = 0;

  for (guint i = 0; i < n; i++)
    failed += points[i].failed;
  return failed;
}

static int fail_like(const MoeSweep *sweep)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run G_GNUC_UNUSED = moe_sweep_load(sweep, 0, &error);

  return error ? moe_cli_fail(error) : moe_cli_complain("no point of the sweep can be simulated; moesim run tells why");
}

/* What decides at the first point that can be: the table says the rest. */
static void print_deciding(const MoeSweep *sweep, const MoeSimOptions *sim)
{
  g_autoptr(MoeRun) run = moe_sweep_load(sweep, 0, NULL);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, sim, NULL) : NULL;
  g_autofree char *deciding = result ? moe_ask_deciding(run, result, sim) : NULL;
  g_autofree char *text = deciding && *deciding ? g_strdup_printf("\nfirst point: %s", deciding) : NULL;

  if (text)
    moe_cli_print_text(text);
}

/* Which input makes an MFU above 1, at the first point that has one. */
static void warn_mfu(const MoeSweep *sweep, const MoeSweepPoint *points)
{
  for (guint i = 0; i < sweep->n_points; i++) {
    double mfu = moe_report_record_mfu(points[i].record);
    g_autoptr(MoeRun) run = mfu > 1 ? moe_sweep_load(sweep, i, NULL) : NULL;

    if (run) {
      moe_cli_warn_mfu(run, run->name, mfu);
      return;
    }
  }
}

static int print_points(const MoeSweep *sweep, const MoeSweepPoint *points, double tokens, MoeFormat format,
                        const MoeSimOptions *sim)
{
  guint failed = count_failed(points, sweep->n_points);

  if (failed == sweep->n_points)
    return fail_like(sweep);

  print_records(points, sweep->n_points, tokens, format);
  if (format == MOE_FORMAT_TABLE)
    print_deciding(sweep, sim);
  warn_mfu(sweep, points);
  if (failed > 0)
    moe_cli_warn("%u of %u points cannot be", failed, sweep->n_points);
  return MOE_EXIT_DONE;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* `idle`: the workers of an mpirun, NULL without one. */
static MoeSweepPoint *finish_points(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint jobs,
                                    GArray *idle, GError **error)
{
  MoeSweepPoint *points;
  MoeProgress progress;

  moe_cli_progress_init(&progress);
  if (idle)
    points = moe_sweep_coordinate(sweep, work, store, idle, moe_cli_progress, &progress, error);
  else
    points = moe_sweep_run(sweep, work, store, jobs, moe_cli_progress, &progress, error);
  moe_cli_progress_end(&progress);
  return points;
}

static MoeStore *open_store(const MoeSweep *sweep, const MoeSweepWork *work, const SweepOptions *options,
                            GError **error)
{
  g_autoptr(MoeStore) store = moe_store_open(options->store, sweep, work, options->resume, error);
  g_autofree char *damage = store ? moe_store_damage(store) : NULL;

  if (damage)
    moe_cli_warn("%s: damaged points: %s; they are computed again", options->store, damage);
  return g_steal_pointer(&store);
}

/* The answer is printed whatever becomes of the store. */
static int settle(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, MoeSweepPoint *points, int status)
{
  g_autoptr(GError) error = NULL;

  return !store || moe_store_settle(store, sweep, work, points, &error) ? status : moe_cli_fail(error);
}

static int sweep_here(const MoeSweep *sweep, const MoeSweepWork *work, const SweepOptions *options, MoeFormat format,
                      GArray *idle)
{
  g_autoptr(GError) error = NULL;

  moe_cli_comfort(options->store ? "; finished points are in the store, --resume carries on" : NULL);
  g_autoptr(MoeStore) store = options->store ? open_store(sweep, work, options, &error) : NULL;

  if (error)
    return moe_cli_fail(error);
  MoeSweepPoint *points = finish_points(sweep, work, store, (guint)options->jobs, idle, &error);

  if (!points)
    return moe_cli_fail(error);
  int status =
      settle(sweep, work, store, points,
             print_points(sweep, points, options->tokens, format, &((const MoeAskPoint *)work->user_data)->sim));

  moe_sweep_points_free(points, sweep->n_points);
  return status;
}

/* Workers keep nothing and print nothing; the coordinator prints before it waits for them. */
static int sweep_as_rank(const MoeSweep *sweep, const MoeSweepWork *work, const SweepOptions *options, MoeFormat format)
{
  g_autoptr(GArray) idle = g_array_new(FALSE, FALSE, sizeof(int));
  gboolean lost, unread = moe_cli_unread();
  int status = MOE_EXIT_DONE;

  if (moe_ranks_count() == 1)
    return sweep_here(sweep, work, options, format, NULL);
  if (moe_ranks_own() > 0) {
    lost = moe_sweep_serve(sweep, work);
  } else {
    status = moe_cli_finish(sweep_here(sweep, work, options, format, idle), unread);
    lost = moe_sweep_dismiss(idle);
  }
  moe_ranks_end(lost, status);
  return status;
}

static gboolean check_options(const SweepOptions *options, const MoeCliRun *run_options)
{
  if (options->resume && !options->store)
    moe_cli_complain("--resume without --store, expected the file to resume from");
  else if (options->jobs < 0 || run_options->samples < 0)
    moe_cli_complain("%s: negative", options->jobs < 0 ? "--jobs" : "--samples");
  else
    return TRUE;
  return FALSE;
}

static int sweep_with(const MoeSweep *sweep, const SweepOptions *options, const MoeCliRun *run_options,
                      MoeFormat format)
{
  g_autofree char *data_dir = moe_data_dir();
  MoeAskPoint predicting = {.steps = MAX(run_options->steps, 1),
                            .data_dir = data_dir,
                            .samples = (guint)run_options->samples,
                            .posterior = run_options->posterior};

  if (!moe_cli_sim_options(run_options, &predicting.sim))
    return MOE_EXIT_BAD_INPUT;
  g_autofree char *salt = moe_ask_point_salt(&predicting, MOESIM_BUILD, run_options->posterior_file);
  MoeSweepWork work = {.predict = moe_ask_point,
                       .refuse = moe_ask_refusal,
                       .user_data = &predicting,
                       .salt = salt,
                       .build = MOESIM_BUILD,
                       .columns = moe_ask_point_columns,
                       .notice = say_unkept};

  return moe_ranks_begin() ? sweep_as_rank(sweep, &work, options, format) : MOE_EXIT_BAD_INPUT;
}

static int run_sweep(const char *argument, const SweepOptions *options, const MoeCliRun *run_options)
{
  g_autofree char *file = NULL;
  g_autofree char *variant = NULL;
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(GError) error = NULL;
  MoeRunOptions load;
  MoeFormat format;

  if (!moe_cli_format(run_options, &format) || !check_options(options, run_options))
    return MOE_EXIT_BAD_INPUT;
  moe_ask_split_variant(argument, &file, &variant);
  if (!moe_cli_load_options(run_options, &load, &error))
    return moe_cli_fail(error);
  load.variant = variant ? variant : run_options->variant;
  load.data_dir = data_dir;
  g_autoptr(MoeSweep) sweep = moe_sweep_new(file, &load, (const char *const *)options->vary, options->zip, &error);

  return sweep && moe_sweep_check_values(sweep, &error) ? sweep_with(sweep, options, run_options, format)
                                                        : moe_cli_fail(error);
}

static void clear_options(SweepOptions *options)
{
  g_strfreev(options->vary);
  g_free(options->store);
  g_free(options->tokens_text);
}

int moe_cmd_sweep(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  SweepOptions options = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"vary", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.vary, "values of one key; several: their cross product",
       "KEY=A,B|LO:HI:STEP|LO:HI:*F"},
      {"zip", 0, 0, G_OPTION_ARG_NONE, &options.zip, "lists side by side instead of their cross product", NULL},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "threads (default: as many as the machine has)", "N"},
      {"store", 0, 0, G_OPTION_ARG_FILENAME, &options.store, "keep each point in this SQLite file as it finishes",
       "FILE.sqlite"},
      {"tokens", 0, 0, G_OPTION_ARG_STRING, &options.tokens_text,
       "days, dollars, energy and power of a training on so many, without interruption, as 30T", "N"},
      {"samples", 0, 0, G_OPTION_ARG_INT, &run_options.samples,
       "combinations of the assumptions for P10 to P90 beside each point (default: none)", "N"},
      {"resume", 0, 0, G_OPTION_ARG_NONE, &options.resume, "take from the store what is done", NULL},
      {NULL},
  };

  moe_cli_interval_entries(&run_options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status == MOE_CLI_GO && !moe_cli_quantity("--tokens", options.tokens_text, MOE_DIM_NONE, &options.tokens))
    status = MOE_EXIT_BAD_INPUT;
  if (status == MOE_CLI_GO && !moe_cli_load_posterior(&run_options))
    status = MOE_EXIT_BAD_INPUT;
  if (status == MOE_CLI_GO)
    status = run_sweep(argv[1], &options, &run_options);
  clear_options(&options);
  return status;
}
