/* moesim explain: where the MFU of a run goes; what makes two runs differ. */
#include "cli.h"

#include <moesim/explain.h>
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "explain",
    .arguments = "RUN.yaml[:VARIANT] [OTHER.yaml[:VARIANT]]",
    .examples = "  moesim explain models/mai-base-1/v5.yaml\n"
                "  moesim explain models/deepseek-v3.yaml --orders 64\n"
                "  moesim explain models/mai-base-1/v2.yaml:initial models/mai-base-1/v2.yaml\n"
                "  moesim explain models/mai-base-1/v5.yaml --with 'cluster.network.nic=800 Gbit/s'\n"
                "  moesim explain models/deepseek-v3.yaml models/mai-base-1/v5.yaml --format json\n",
    .least = 1,
    .most = 2,
};

typedef struct {
  gint orders, jobs;
  gboolean keys;
  char **with; /* what makes the second run of the first */
} Chosen;

static void clear_chosen(Chosen *chosen)
{
  g_strfreev(chosen->with);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Chosen, clear_chosen)

static int explain_one(const MoeRun *run, const MoeExplainOptions *options, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeExplanation) explanation = moe_explain_run(run, options, &error);

  moe_cli_progress_end(options->progress_data);
  if (!explanation)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_explanation(explanation, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

static int explain_two(const MoeRun *before, const MoeRun *after, const MoeExplainOptions *options, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDifference) difference = moe_explain_difference(before, after, options, &error);

  moe_cli_progress_end(options->progress_data);
  if (!difference)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_difference(difference, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* The other run: named, or the first one with the changes of --with on top of its options. */
static MoeRun *load_second(int n, char **arguments, const Chosen *chosen, const MoeCliRun *run_options, GError **error)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new();
  MoeCliRun changed = *run_options;

  if (n > 1)
    return moe_cli_load_run(arguments[1], run_options, error);
  for (char **set = run_options->sets; set && *set; set++)
    g_ptr_array_add(sets, *set);
  for (char **set = chosen->with; *set; set++)
    g_ptr_array_add(sets, *set);
  g_ptr_array_add(sets, NULL);
  changed.sets = (char **)sets->pdata;
  return moe_cli_load_run(arguments[0], &changed, error);
}

/* Options that change a run change both: said, since the difference between the two does not show it. */
static void note_both(const MoeCliRun *options)
{
  if (options->sets || options->cluster || options->stack || options->gpus_text)
    moe_cli_note("explain: --set, --cluster, --stack and --gpus change both runs; RUN --with KEY=VALUE changes the "
                 "second alone");
}

static int explain(int n, char **arguments, const Chosen *chosen, const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  MoeProgress progress;
  MoeExplainOptions options = {.by_key = chosen->keys,
                               .orders = (guint)MAX(chosen->orders, 0),
                               .jobs = (guint)MAX(chosen->jobs, 0),
                               .progress = moe_cli_progress,
                               .progress_data = &progress};
  MoeFormat format;

  if (!moe_cli_format(run_options, &format) || !moe_cli_sim_options(run_options, &options.sim))
    return MOE_EXIT_BAD_INPUT;
  if (chosen->orders < 0 || chosen->jobs < 0)
    return moe_cli_complain("%s: negative", chosen->orders < 0 ? "--orders" : "--jobs");
  gboolean two = n > 1 || chosen->with;

  if (n > 1 && chosen->with)
    return moe_cli_complain("explain: --with and a second run, expected one of them");
  if (n > 1)
    note_both(run_options);
  g_autoptr(MoeRun) first = moe_cli_load_run(arguments[0], run_options, &error);
  g_autoptr(MoeRun) second = first && two ? load_second(n, arguments, chosen, run_options, &error) : NULL;

  if (!first || (two && !second))
    return moe_cli_fail(error);
  moe_cli_progress_init(&progress);
  return second ? explain_two(first, second, &options, format) : explain_one(first, &options, format);
}

int moe_cmd_explain(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  g_auto(Chosen) chosen = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"orders", 0, 0, G_OPTION_ARG_INT, &chosen.orders,
       "one run: sample so many orders of removal (default: all orders)", "N"},
      {"keys", 0, 0, G_OPTION_ARG_NONE, &chosen.keys, "two runs: a row per key, not per mechanism", NULL},
      {"with", 0, 0, G_OPTION_ARG_STRING_ARRAY, &chosen.with, "the second run is the first with this changed",
       "KEY=VALUE"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &chosen.jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  moe_cli_run_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status != MOE_CLI_GO ? status : explain(argc - 1, argv + 1, &chosen, &options);
}
