/* moesim search: the best layouts of a run. */
#include "cli.h"
#include "ranks.h"

#include <moesim/report.h>
#include <stdio.h>

static const MoeUsage usage = {
    .command = "search",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim search models/deepseek-v3.yaml --top 5\n"
                "  moesim search models/gpt3-175b.yaml --space calculon --cluster h100-hgx \\\n"
                "    --set parallelism.gpus=4096 --set training.global_batch=1536\n"
                "  moesim search models/mai-base-1/v5.yaml --limit expert=8:64:*2 --limit pipeline=1\n"
                "  moesim search models/mai-base-1/v5.yaml --budget 60s --format json\n"
                "  moesim search models/mixtral-8x7b.yaml --clusters h100-hgx,h200-hgx --objective cost\n"
                "  moesim search models/deepseek-v3.yaml --objective gpus --deadline 30d --tokens 14.8e12\n"
                "  mpirun -n 8 moesim search models/deepseek-v3.yaml --space all --jobs 1\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  gint top, jobs;
  char *objective, *space, *deadline, *tokens, *slack, *headroom, *budget, *clusters, **limits;
} SearchOptions;

static gboolean read_options(const SearchOptions *options, const MoeWords *words, MoeSearchOptions *search)
{
  g_autoptr(GError) error = NULL;

  if (options->top < 1 || options->jobs < 0) {
    moe_cli_complain("%s: expected a number of at least %d", options->top < 1 ? "--top" : "--jobs",
                     options->top < 1 ? 1 : 0);
    return FALSE;
  }
  search->top = (guint)options->top;
  search->jobs = (guint)options->jobs;
  search->limits = (const char *const *)options->limits;
  if (moe_ask_search(words, search, &error))
    return TRUE;
  moe_cli_complain("%s", error->message);
  return FALSE;
}

static gboolean is_interrupted(gpointer user_data)
{
  (void)user_data;
  return moe_cli_interrupted();
}

static int print_result(const MoeSearchResult *result, MoeFormat format)
{

  if (result->n_not_reached > 0 || result->cut_short)
    moe_cli_warn("%s: %u layouts%s were not looked at, each could be better than those ranked",
                 moe_cli_interrupted() ? "interrupted" : "out of time", result->n_not_reached,
                 result->cut_short ? " and those not enumerated" : "");
  for (char **reason = result->unanswered; reason && *reason; reason++)
    moe_cli_warn("%s", *reason);
  moe_cli_show(format, moe_report_search(result, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* Searches and, as the only process or the first of several, says how far it is. */
static int search_and_print(const MoeRun *run, MoeSearchOptions *search, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  MoeProgress progress;

  moe_cli_progress_init(&progress);
  search->progress = moe_cli_progress;
  search->progress_data = &progress;
  g_autoptr(MoeSearchResult) result = moe_search(run, search, &error);
  moe_cli_progress_end(&progress);
  int status = result ? print_result(result, format) : moe_cli_fail(error);
  const MoeResult *best = result ? result->ranked[0].result : NULL;

  if (best)
    moe_cli_warn_mfu(run, best->run, MAX(best->mfu_causal, best->mfu_full));
  fflush(stdout);
  return status;
}

static int search_alone(const MoeRun *run, MoeSearchOptions *search, MoeFormat format)
{
  search->stopped = is_interrupted;
  moe_cli_hold(); /* an interrupted search says what it has */
  int status = search_and_print(run, search, format);

  moe_cli_release();
  return status;
}

/* ---- several clusters -------------------------------------------------------------------------------------------- */

typedef struct {
  const char *argument;
  const MoeCliRun *options;
  MoeProgress progress;
} Loading;

static MoeRun *load_on(const char *cluster, gpointer user_data, GError **error)
{
  Loading *loading = user_data;
  MoeCliRun own = *loading->options;

  own.cluster = (char *)cluster; /* is not changed */
  moe_cli_progress_end(&loading->progress);
  moe_cli_progress_init(&loading->progress);
  return moe_cli_load_run(loading->argument, &own, error);
}

static int search_clusters(const char *argument, char **clusters, MoeSearchOptions *search,
                           const MoeCliRun *run_options, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  Loading loading = {argument, run_options, {0}};
  MoeAskClusters ask = {(const char *const *)clusters, load_on, &loading};

  moe_cli_progress_init(&loading.progress);
  search->progress_data = &loading.progress;
  g_autoptr(MoeSearchResult) joined = moe_ask_search_clusters(&ask, search, &error);
  moe_cli_progress_end(&loading.progress);
  if (joined)
    return print_result(joined, format);
  return moe_cli_fail(error);
}

static int search_several(const char *argument, const SearchOptions *options, MoeSearchOptions *search,
                          const MoeCliRun *run_options, MoeFormat format)
{
  g_auto(GStrv) clusters = g_strsplit(options->clusters, ",", -1);

  if (run_options->cluster)
    return moe_cli_complain("--cluster beside --clusters: expected one of them");
  for (char **cluster = clusters; *cluster; cluster++)
    if (!*g_strstrip(*cluster))
      return moe_cli_complain("--clusters: expected names between commas, as h100-hgx,h200-hgx");
  search->stopped = is_interrupted;
  search->progress = moe_cli_progress;
  moe_cli_hold();
  int status = search_clusters(argument, clusters, search, run_options, format);
  moe_cli_release();
  return status;
}

static void largest(double *values, guint n, gpointer user_data)
{
  (void)user_data;
  moe_ranks_largest(values, n);
}

/* Processes divide the layouts of one run. */
static int search_clusters_alone(const char *argument, const SearchOptions *options, MoeSearchOptions *search,
                                 const MoeCliRun *run_options, MoeFormat format)
{
  if (!moe_ranks_begin())
    return MOE_EXIT_BAD_INPUT;
  if (moe_ranks_count() < 2)
    return search_several(argument, options, search, run_options, format);
  if (moe_ranks_own() == 0)
    moe_cli_complain("--clusters: expected one process, under mpirun the layouts of one cluster are searched");
  moe_ranks_end(FALSE, MOE_EXIT_BAD_INPUT);
  return MOE_EXIT_BAD_INPUT;
}

/* All processes search and know the same; the first one answers. */
static int search_as_rank(const MoeRun *run, MoeSearchOptions *search, MoeFormat format)
{
  int status = MOE_EXIT_DONE;

  search->parts = (guint)moe_ranks_count();
  search->part = (guint)moe_ranks_own();
  search->largest = largest;
  if (search->budget_s > 0) {
    if (search->part == 0)
      moe_cli_complain("--budget: expected one process, under mpirun a search ends when it has the best");
    status = MOE_EXIT_BAD_INPUT;
  } else if (search->part == 0) {
    status = search_and_print(run, search, format);
  } else { /* its part of the answer is in the first process */
    moe_search_result_free(moe_search(run, search, NULL));
  }
  moe_ranks_end(FALSE, status);
  return status;
}

static int search_run(const char *argument, const SearchOptions *options, const MoeWords *words,
                      const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  MoeSearchOptions search = {0};
  MoeFormat format;

  if (!moe_cli_format(run_options, &format) || !moe_cli_sim_options(run_options, &search.sim) ||
      !read_options(options, words, &search))
    return MOE_EXIT_BAD_INPUT;
  search.verify = TRUE;
  if (options->clusters)
    return search_clusters_alone(argument, options, &search, run_options, format);
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, run_options, &error);
  if (!run)
    return moe_cli_fail(error);
  if (!moe_ranks_begin())
    return MOE_EXIT_BAD_INPUT;
  return moe_ranks_count() > 1 ? search_as_rank(run, &search, format) : search_alone(run, &search, format);
}

static void clear_options(SearchOptions *options)
{
  g_free(options->objective);
  g_free(options->space);
  g_free(options->deadline);
  g_free(options->tokens);
  g_free(options->slack);
  g_free(options->headroom);
  g_free(options->budget);
  g_free(options->clusters);
  g_strfreev(options->limits);
}

int moe_cmd_search(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  SearchOptions options = {.top = MOE_ASK_SEARCH_TOP};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"top", 0, 0, G_OPTION_ARG_INT, &options.top, "how many layouts are ranked (default: 10)", "K"},
      {"objective", 0, 0, G_OPTION_ARG_STRING, &options.objective,
       "mfu, time, cost, or gpus: the smallest cluster that meets --deadline", "WORD"},
      {"clusters", 0, 0, G_OPTION_ARG_STRING, &options.clusters,
       "search the layouts of each and rank them together (default: the run's alone)", "C,C,..."},
      {"deadline", 0, 0, G_OPTION_ARG_STRING, &options.deadline, "of the training, as 30d", "TIME"},
      {"tokens", 0, 0, G_OPTION_ARG_STRING, &options.tokens, "that are trained on, as 14.8e12", "N"},
      {"limit", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.limits,
       "the values of a key that are tried, as tensor=1:8:*2", "KEY=A,B"},
      {"space", 0, 0, G_OPTION_ARG_STRING, &options.space, "usual, all or calculon", "WORD"},
      {"memory-slack", 0, 0, G_OPTION_ARG_STRING, &options.slack,
       "share by which a layout may exceed the memory, as 0.05 (default: 0)", "SHARE"},
      {"headroom", 0, 0, G_OPTION_ARG_STRING, &options.headroom,
       "memory that has to stay free, as '2 GB' (memory.headroom)", "BYTES"},
      {"budget", 0, 0, G_OPTION_ARG_STRING, &options.budget,
       "begin nothing further after this time, as 60s; what was not reached is said", "TIME"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &options.jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  const MoeWords words = moe_cli_words(entries);

  moe_cli_run_entries(&run_options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  moe_cli_run_headroom(&run_options, options.headroom);
  if (status == MOE_CLI_GO)
    status = search_run(argv[1], &options, &words, &run_options);
  clear_options(&options);
  return status;
}
