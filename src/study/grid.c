/* One run at many points, for those who compare their results. */
#include "study/grid.h"

#include <string.h>

/* ---- points ------------------------------------------------------------------------------------------------------ */

typedef struct {
  const MoeSweep *sweep;
  const MoeSimOptions *sim;
} Work;

static MoeOutcome predict_point(guint index, gpointer user_data)
{
  const Work *work = user_data;
  MoeOutcome outcome = {0};
  g_autoptr(MoeRun) run = moe_sweep_load(work->sweep, index, &outcome.error);

  if (run)
    outcome.result = moe_study_predict(run, work->sim, &outcome.error);
  return outcome;
}

MoeOutcome *moe_grid_predict(const MoeSweep *sweep, const MoeSimOptions *sim, MoeProgressFunc progress,
                             gpointer user_data)
{
  Work work = {sweep, sim};

  return moe_study_map(sweep->n_points, 0, predict_point, &work, progress, user_data);
}

char *moe_grid_label(const MoeSweep *sweep, guint point)
{
  GString *label = g_string_new(NULL);

  for (guint a = 0; a < sweep->n_axes; a++) {
    const char *dot = strrchr(sweep->axes[a].key, '.');

    g_string_append_printf(label, "%s%s=%s", a > 0 ? ", " : "", dot ? dot + 1 : sweep->axes[a].key,
                           moe_sweep_value(sweep, point, a));
  }
  return g_string_free(label, FALSE);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

#define SMALLEST_DIVISOR 16
#define LARGEST_MULTIPLE 2

GArray *moe_grid_sizes(int64_t gpus)
{
  GArray *sizes = g_array_new(FALSE, FALSE, sizeof(int64_t));

  for (int64_t size = gpus * LARGEST_MULTIPLE; size >= MAX(gpus / SMALLEST_DIVISOR, 1); size /= 2)
    g_array_prepend_val(sizes, size);
  return sizes;
}
