/* Points computed, kept and resumed. */
#include "base/base.h"
#include "doc/doc.h"
#include "spec/spec.h"
#include "study/study.h"
#include "sweep_internal.h"

#include <string.h>
#include <unistd.h>

/* ---- one point -------------------------------------------------------------------------------------------------- */

void moe_sweep_point_clear(MoeSweepPoint *point)
{
  g_free(point->hash);
  g_free(point->record);
  g_clear_error(&point->trouble);
  *point = (MoeSweepPoint){0};
}

void moe_sweep_points_free(MoeSweepPoint *points, guint n)
{
  for (guint i = 0; points && i < n; i++)
    moe_sweep_point_clear(&points[i]);
  g_free(points);
}

static void add_text(GChecksum *checksum, const char *text)
{
  g_checksum_update(checksum, (const guchar *)text, (gssize)strlen(text) + 1);
}

/* A data file counts by what is in it. One that cannot be read counts as nothing: the prediction says why. */
static void add_file(GChecksum *checksum, const char *path)
{
  g_autofree char *bytes = NULL;
  gsize length = 0;

  if (path && g_file_test(path, G_FILE_TEST_IS_REGULAR) && g_file_get_contents(path, &bytes, &length, NULL))
    g_checksum_update(checksum, (const guchar *)bytes, (gssize)length);
}

/* Of the resolved run and its data file, or of the reason why there is none. */
static char *hash_of(const MoeRun *run, const char *reason, const char *salt)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
  g_autofree char *text = run ? moe_node_print(moe_doc_root(run->doc), FALSE) : g_strdup(reason);

  add_text(checksum, text);
  add_text(checksum, salt);
  if (run)
    add_file(checksum, run->training.routing.counts_file);
  return g_strdup(g_checksum_get_string(checksum));
}

static void refuse(const MoeSweep *sweep, const MoeSweepWork *work, guint point, GError *error, MoeSweepPoint *result)
{
  if (moe_study_is_trouble(error)) {
    result->trouble = g_error_copy(error);
    return;
  }
  result->failed = TRUE;
  result->record = work->refuse(sweep, point, error ? error->message : "", work->user_data);
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

void moe_sweep_finish(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint point,
                      MoeSweepPoint *result)
{
  g_auto(MoeSweepPoint) known = {0};

  if (store)
    moe_store_get(store, point, &known);
  moe_sweep_compute(sweep, work, point, known.hash, result);
  if (result->record && store)
    moe_store_put(store, sweep, work, point, result);
  if (result->record || result->trouble)
    return;
  moe_sweep_point_clear(result);
  *result = known;
  known = (MoeSweepPoint){0};
}

/* ---- all points ------------------------------------------------------------------------------------------------- */

typedef struct {
  const MoeSweep *sweep;
  const MoeSweepWork *work;
  MoeStore *store;
  MoeSweepPoint *points;
  const guint *order;
} Job;

static MoeOutcome finish_point(guint index, gpointer user_data)
{
  Job *job = user_data;
  guint point = job->order[index];

  if (moe_stop_is_due(job->work->stop))
    moe_fail(&job->points[point].trouble, MOE_ERROR_STOPPED, (MoeMark){0}, "stopped before all points were predicted");
  else
    moe_sweep_finish(job->sweep, job->work, job->store, point, &job->points[point]);
  return (MoeOutcome){0};
}

/* Points in their order; or, where another process may be at work on the same store, shuffled by the process: two that
 * take points in different orders seldom compute the same one. */
static guint *order_of(guint n, gboolean shuffled)
{
  guint *order = g_new(guint, n + 1);
  uint64_t stream = moe_random_stream("order of points");

  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n; shuffled && i > 1; i--) {
    guint other = (guint)(moe_random_u64((uint64_t)getpid(), stream, 0, i) % i), kept = order[i - 1];

    order[i - 1] = order[other];
    order[other] = kept;
  }
  return order;
}

gboolean moe_sweep_check_points(const MoeSweep *sweep, const MoeSweepPoint *points, GError **error)
{
  const GError *first = NULL;
  guint n = 0;

  for (guint i = 0; i < sweep->n_points; i++)
    if (points[i].trouble) {
      first = first ? first : points[i].trouble;
      n++;
    }
  if (!first)
    return TRUE;
  g_set_error(error, first->domain, first->code, "%s (%u of %u points have no answer)", first->message, n,
              sweep->n_points);
  return FALSE;
}

MoeSweepPoint *moe_sweep_run(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, guint jobs,
                             MoeProgressFunc progress, gpointer progress_data, GError **error)
{
  g_autofree guint *order = order_of(sweep->n_points, store && moe_store_is_shared(store));
  Job job = {sweep, work, store, g_new0(MoeSweepPoint, sweep->n_points + 1), order};
  MoeOutcome *outcomes = moe_study_map(sweep->n_points, jobs, finish_point, &job, progress, progress_data);

  moe_outcomes_free(outcomes, sweep->n_points);
  if (moe_sweep_check_points(sweep, job.points, error))
    return job.points;
  moe_sweep_points_free(job.points, sweep->n_points);
  return NULL;
}
