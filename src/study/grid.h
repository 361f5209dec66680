/*
 * grid: one run predicted at every point of a sweep, as results instead of records. Part of study (floor 8).
 */
#ifndef MOESIM_STUDY_GRID_H
#define MOESIM_STUDY_GRID_H

#include "study/study.h"
#include <moesim/sweep.h>

G_BEGIN_DECLS

/* The outcome of each point, on as many threads as the machine has. Free with moe_outcomes_free. */
MoeOutcome *moe_grid_predict(const MoeSweep *sweep, const MoeSimOptions *sim, MoeProgressFunc progress,
                             gpointer user_data);
/* "expert=16, zero=1": the values at a point by the last words of their keys. Caller frees. */
char *moe_grid_label(const MoeSweep *sweep, guint point);

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* Numbers of GPUs around a run's own: from twice as many down to a sixteenth, halved each time, in int64_t, ascending.
 * Free with g_array_unref. */
GArray *moe_grid_sizes(int64_t gpus);

G_END_DECLS

#endif
