/* A sweep by several processes. */
#ifndef MOESIM_SWEEP_RANKS_H
#define MOESIM_SWEEP_RANKS_H

#include <moesim/sweep.h>

/* Coordinator: as moe_sweep_run, with the points handed out to the workers and to a thread of its own. When no point is
 * left that nobody works on, those in work are handed out again, and the first answer counts: a worker that is lost or
 * slow delays nothing else. Workers that found nothing left to do are added to `idle` (of int) and wait. */
MoeSweepPoint *moe_sweep_coordinate(const MoeSweep *sweep, const MoeSweepWork *work, MoeStore *store, GArray *idle,
                                    MoeProgressFunc progress, gpointer progress_data, GError **error);
/* Coordinator: sends the workers home, those in `idle` and the others as they ask. TRUE when some never did: they are
 * lost. */
gboolean moe_sweep_dismiss(GArray *idle);
/* Worker: computes what the coordinator says until there is no more. TRUE when another one was lost. */
gboolean moe_sweep_serve(const MoeSweep *sweep, const MoeSweepWork *work);

#endif
