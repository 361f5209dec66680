/*
 * predict: the step of a run, and what bounds the time of studies. Part of study (floor 8).
 */
#ifndef MOESIM_PREDICT_H
#define MOESIM_PREDICT_H

#include <moesim/result.h>
#include <moesim/run.h>

G_BEGIN_DECLS

/* Predicts one loaded run: spec -> topo, cost, program -> sim -> metrics. `options` may be NULL (seed 0, auto). */
MoeResult *moe_study_predict(const MoeRun *run, const MoeSimOptions *options, GError **error);

/* Predicts `n` (at least 1) steps with successive seeds and returns their mean (of times, bytes and rates); a timeline
 * is of the first. */
MoeResult *moe_study_predict_steps(const MoeRun *run, const MoeSimOptions *options, int64_t n, GError **error);

/* Loads and predicts. */
MoeResult *moe_study_predict_file(const char *path, const MoeRunOptions *run_options, const MoeSimOptions *options,
                                  GError **error);

/* ---- bounds of studies ------------------------------------------------------------------------------------------- */

/* When a study comes back with what it has: at the end of its time, or when somebody asks. Studies look at it between
 * pieces of work, the longest of which is one simulation. */
typedef struct {
  gint64 end_us;     /* monotonic time, microseconds; 0 = none */
  MoeStopFunc asked; /* may be NULL; called from any thread */
  gpointer user_data;
} MoeStop;

/* `budget_s` from now, 0 = without end. */
MoeStop moe_stop_after(double budget_s, MoeStopFunc asked, gpointer user_data);
/* NULL: never. */
gboolean moe_stop_is_due(const MoeStop *stop);
/* For a piece of the work: ends when that share (0 ... 1) of what is left is over. */
MoeStop moe_stop_share(const MoeStop *stop, double share);

/* Called as a study gets on, from its threads, one at a time. */
typedef void (*MoeProgressFunc)(guint done, guint total, gpointer user_data);

/* Threads beyond this are a slip of the keyboard. */
#define MOE_STUDY_MAX_JOBS 1024

G_END_DECLS

#endif
