/* Many predictions side by side. Outcomes stand in index order, so the number of threads changes nothing but the time.
 */
#include "study/study.h"

typedef struct {
  MoeOutcome *outcomes;
  guint n, next, done;
  MoeStudyFunc func;
  gpointer user_data;
  MoeProgressFunc progress;
  gpointer progress_data;
  GMutex lock; /* guards next, done and the progress call */
} Map;

static gboolean take(Map *map, guint *index)
{
  g_mutex_lock(&map->lock);
  gboolean left = map->next < map->n;
  if (left)
    *index = map->next++;
  g_mutex_unlock(&map->lock);
  return left;
}

static void report(Map *map)
{
  g_mutex_lock(&map->lock);
  map->done++;
  if (map->progress)
    map->progress(map->done, map->n, map->progress_data);
  g_mutex_unlock(&map->lock);
}

static gpointer work(gpointer data)
{
  Map *map = data;
  guint index;

  while (take(map, &index)) {
    map->outcomes[index] = map->func(index, map->user_data);
    report(map);
  }
  return NULL;
}

MoeOutcome *moe_study_map(guint n, guint jobs, MoeStudyFunc func, gpointer user_data, MoeProgressFunc progress,
                          gpointer progress_data)
{
  Map map = {.outcomes = g_new0(MoeOutcome, n + 1),
             .n = n,
             .func = func,
             .user_data = user_data,
             .progress = progress,
             .progress_data = progress_data};
  guint threads = MIN(MIN(jobs > 0 ? jobs : g_get_num_processors(), MOE_STUDY_MAX_JOBS), MAX(n, 1));
  g_autofree GThread **thread = g_new0(GThread *, threads);

  g_mutex_init(&map.lock);
  for (guint t = 1; t < threads; t++)
    thread[t] =
        g_thread_try_new("moesim", work, &map, NULL); /* where there is none to be had, the others do its work */
  work(&map);
  for (guint t = 1; t < threads; t++)
    if (thread[t])
      g_thread_join(thread[t]);
  g_mutex_clear(&map.lock);
  return map.outcomes;
}

gboolean moe_outcomes_check(MoeOutcome *outcomes, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (outcomes[i].error) {
      g_propagate_error(error, g_steal_pointer(&outcomes[i].error));
      return FALSE;
    }
  return TRUE;
}

void moe_outcomes_free(MoeOutcome *outcomes, guint n)
{
  for (guint i = 0; outcomes && i < n; i++) {
    moe_result_free(outcomes[i].result);
    g_clear_error(&outcomes[i].error);
  }
  g_free(outcomes);
}
