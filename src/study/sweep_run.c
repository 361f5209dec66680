/* Points computed, kept and resumed. */
#include "sweep_internal.h"

#include <string.h>

/* ---- one point -------------------------------------------------------------------------------------------------- */

void moe_sweep_point_clear(MoeSweepPoint *point)
{
  g_free(point->hash);
  g_free(point->record);
  *point = (MoeSweepPoint){0};
}

void moe_sweep_points_free(MoeSweepPoint *points, guint n)
{
  for (guint i = 0; points && i < n; i++)
    moe_sweep_point_clear(&points[i]);
  g_free(points);
}

/* Of the resolved run, or of the reason why there is none. */
static char *hash_of(const MoeRun *run, const char *reason, const char *salt)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
  g_autofree char *text = run ? moe_node_print(moe_doc_root(run->doc), FALSE) : g_strdup(reason);

  g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text));
  g_checksum_update(checksum, (const guchar *)salt, (gssize)strlen(salt));
  return g_strdup(g_checksum_get_string(checksum));
}

static void refuse(const MoeSweep *sweep, const MoeSweepWork *work, guint point, const GError *error,
                   MoeSweepPoint *result)
{
  result->failed = TRUE;
  result->record = work->refuse(sweep, point, error->message, work->user_data);
}

void moe_sweep_compute(const MoeSweep *sweep, const MoeSweepWork *work, guint point, const char *known,
                       MoeSweepPoint *result)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_sweep_load(sweep, point, &error);

  *result = (MoeSweepPoint){.hash = hash_of(run, error ? error->message : "", work->salt)};
  if (g_strcmp0(known, result->hash) == 0)
    return;
  if (run)
    result->record = work->predict(sweep, point, run, work->user_data, &error);
  if (!result->record)
    refuse(sweep, work, point, error, result);
}

gboolean moe_sweep_finish(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint point,
                          MoeSweepPoint *result, GError **error)
{
  g_autofree char *known = store ? moe_store_hash(store, point) : NULL;

  moe_sweep_compute(sweep, work, point, known, result);
  if (!store)
    return TRUE;
  if (result->record)
    return moe_store_put(store, sweep, point, result, error);
  moe_sweep_point_clear(result);
  return moe_store_get(store, point, result, error);
}

/* ---- all points ------------------------------------------------------------------------------------------------- */

typedef struct {
  const MoeSweep *sweep;
  const MoeSweepWork *work;
  MoeStore *store;
  MoeSweepPoint *points;
} Job;

static MoeOutcome finish_point(guint index, gpointer user_data)
{
  Job *job = user_data;
  MoeOutcome outcome = {0};

  moe_sweep_finish(job->sweep, job->work, job->store, index, &job->points[index], &outcome.error);
  return outcome;
}

MoeSweepPoint *moe_sweep_run(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint jobs,
                             MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  Job job = {sweep, work, store, g_new0(MoeSweepPoint, sweep->n_points + 1)};
  MoeOutcome *outcomes = moe_study_map(sweep->n_points, jobs, finish_point, &job, progress, progress_data);
  GError *first = NULL;

  for (guint i = 0; i < sweep->n_points && !first; i++)
    first = g_steal_pointer(&outcomes[i].error);
  moe_outcomes_free(outcomes, sweep->n_points);
  if (!first)
    return job.points;
  g_propagate_error(error, first);
  moe_sweep_points_free(job.points, sweep->n_points);
  return NULL;
}
