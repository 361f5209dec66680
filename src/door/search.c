/* The best layouts, on one cluster or several. */
#include "door/ask.h"
#include "internal.h"
#include "search/join.h"
#include "spec/spec.h"

#include <moesim/report.h>

/* ---- several clusters -------------------------------------------------------------------------------------------- */

static void free_results(MoeSearchResult **results, guint n)
{
  for (guint i = 0; i < n; i++)
    moe_search_result_free(results[i]);
  g_free(results);
}

/* An equal part of the time that is left. */
static double part_of(double budget_s, gint64 begin_us, guint n)
{
  double spent_s = (double)(g_get_monotonic_time() - begin_us) / G_USEC_PER_SEC;

  return budget_s > 0 ? MAX(budget_s - spent_s, budget_s / 100) / n : 0;
}

/* The layouts of one cluster; FALSE when there is no such run, else *result is NULL where none is legal or fits, and
 * `unanswered` has the reason. */
static gboolean search_on(const char *cluster, const MoeAskClusters *ask, const MoeSearchOptions *search,
                          GPtrArray *unanswered, MoeSearchResult **result, GError **error)
{
  g_autoptr(MoeRun) run = ask->load(cluster, ask->user_data, error);
  g_autoptr(GError) none = NULL;

  *result = run ? moe_search(run, search, &none) : NULL;
  if (none)
    g_ptr_array_add(unanswered, g_strdup_printf("%s: %s", cluster, none->message));
  return run != NULL;
}

/* All of them in one; takes the reasons over. */
static MoeSearchResult *join(MoeSearchResult **parts, guint n, guint top, GPtrArray *unanswered, GError **error)
{
  MoeSearchResult *joined = n > 0 ? moe_search_join(parts, n, top) : NULL;

  if (!joined) {
    moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
             "no answer on any of the clusters (%s), expected wider limits or other clusters",
             (const char *)unanswered->pdata[0]);
    return NULL;
  }
  if (unanswered->len > 0) {
    g_ptr_array_add(unanswered, NULL);
    joined->unanswered = (char **)g_ptr_array_steal(unanswered, NULL);
  }
  return joined;
}

MoeSearchResult *moe_ask_search_clusters(const MoeAskClusters *ask, const MoeSearchOptions *search, GError **error)
{
  guint n = g_strv_length((char **)ask->clusters), found = 0;
  MoeSearchResult **parts = g_new0(MoeSearchResult *, n + 1), *joined = NULL;
  g_autoptr(GPtrArray) unanswered = g_ptr_array_new_with_free_func(g_free);
  MoeSearchOptions part = *search;
  gint64 begin_us = g_get_monotonic_time();
  gboolean good = TRUE;

  for (guint i = 0; i < n && good; i++) {
    part.budget_s = part_of(search->budget_s, begin_us, n - i);
    good = search_on(ask->clusters[i], ask, &part, unanswered, &parts[found], error);
    found += parts[found] != NULL;
  }
  if (good)
    joined = join(parts, found, search->top, unanswered, error);
  free_results(parts, n);
  return joined;
}

/* ---- the door ---------------------------------------------------------------------------------------------------- */

static MoeRun *load_on(const char *cluster, gpointer user_data, GError **error)
{
  const MoeAsked *asked = user_data;
  MoeRunOptions load = asked->load;

  load.cluster = cluster;
  return moe_run_load(asked->path, &load, error);
}

/* Where no cluster is named, the run's own. */
static MoeSearchResult *search_asked(MoeAsked *asked, const char *const *clusters, const MoeSearchOptions *search,
                                     GError **error)
{
  MoeAskClusters ask = {.clusters = clusters, .load = load_on, .user_data = asked};

  if (*clusters && asked->load.cluster) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "cluster beside clusters, expected one of them");
    return NULL;
  }
  if (*clusters)
    return moe_ask_search_clusters(&ask, search, error);
  g_autoptr(MoeRun) run = moe_run_load(asked->path, &asked->load, error);
  return run ? moe_search(run, search, error) : NULL;
}

char *moe_door_search(const MoeRequest *request, GError **error)
{
  MoeSearchOptions search = {.verify = TRUE,
                             .stopped = moe_request_is_over,
                             .stopped_data = (gpointer)request,
                             .progress = moe_request_progress,
                             .progress_data = (gpointer)request};
  int64_t top = MOE_ASK_SEARCH_TOP;
  g_auto(MoeAsked) asked = {0};

  if (!moe_ask_sim_options(&request->words, &search.sim, error) || !moe_ask_search(&request->words, &search, error) ||
      !moe_request_jobs(request, &search.jobs, error) ||
      !moe_request_integer(request, "top", 1, G_MAXINT32, &top, error))
    return NULL;
  g_autoptr(GPtrArray) limits = moe_request_list(request, "limit", error);
  g_autoptr(GPtrArray) clusters = limits ? moe_request_list(request, "clusters", error) : NULL;

  if (!clusters || !moe_asked_init(&asked, request, "run", error))
    return NULL;
  search.top = (guint)top;
  search.limits = (const char *const *)limits->pdata;
  search.budget_s = moe_request_time(request, search.budget_s);
  g_autoptr(MoeSearchResult) result = search_asked(&asked, (const char *const *)clusters->pdata, &search, error);
  return result ? moe_report_search(result, MOE_JSON) : NULL;
}
