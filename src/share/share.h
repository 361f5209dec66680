/*
 * share: max-min fair sharing of capacities among activities. Pure mathematics.
 *
 * Floor 4. Uses base. Knows no engine, no topology, no time.
 *
 * System: resources r with capacity c_r > 0; activities a with a rate x_a >= 0, a rate cap u_a (may be infinite) and
 * loads l_ar > 0 on the resources it uses. Constraints: sum_a l_ar x_a <= c_r, x_a <= u_a. The solution is max-min fair
 * in x: no rate can grow without lowering a rate that is no larger. A load of 1 on each link of a route and x in
 * bytes/s is the classical flow model; a collective uses loads relative to its busiest port (which has load 1).
 *
 * Solved by progressive filling (Bertsekas & Gallager, Data Networks, 6.5.2). moe_share_solve() recomputes only what a
 * change reaches: what was added or removed, and from there whoever can no longer keep its rate because it is too fast
 * or its bottleneck has let it go. A resource is contended when it could not carry all its activities at the largest
 * rates they could have alone; any other never matters, so the uplinks of a non-blocking network join nobody, and an
 * activity that meets no contended resource costs a few nanoseconds per resource. The result is a function of the
 * system to a relative 1e-12, whatever the order of insertion and what was there before; solved together, activities in
 * the same position get the same bits, in whatever order they and their resources are listed.
 */
#ifndef MOESIM_SHARE_H
#define MOESIM_SHARE_H

#include "base/base.h"

G_BEGIN_DECLS

typedef struct MoeShare MoeShare;

/* `capacity` (units per second) is read as resources are first used and must outlive the system; every entry must be >
 * 0 and finite. Resources that nobody uses cost a bit each. */
MoeShare *moe_share_new(guint n_resources, const double *capacity);
void moe_share_free(MoeShare *share);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeShare, moe_share_free)

/* Changes the capacities of `n` resources from `first` on (links degrade); rates follow at the next solve. Costs the
 * sizes of the activities that use any whose capacity is another now, each once. */
void moe_share_set_capacities(MoeShare *share, guint first, guint n, const double *capacity);

/* Adds an activity with n distinct resources and finite loads > 0; `cap` >= 0 is its largest rate, INFINITY for none (n
 * > 0 then). Arrays are copied. Returns its id: the lowest free one, so ids stay small. Its rate is 0 until the next
 * solve. */
guint moe_share_add(MoeShare *share, guint n, const guint *resources, const double *loads, double cap);
void moe_share_remove(MoeShare *share, guint activity);

/* Recomputes rates after changes. The ids whose rate changed (including new ones) are then in moe_share_changed(),
 * ascending; valid until the next call of a function that changes `share`. */
void moe_share_solve(MoeShare *share);
const guint *moe_share_changed(const MoeShare *share, guint *n);

double moe_share_rate(const MoeShare *share, guint activity);
/* A resource that holds the activity back, or G_MAXUINT when its own cap does. Ties when the rate was found: the lowest
 * resource that slows the activity below what it would have without others or, when none does, the lowest that sets its
 * rate alone; then the cap. */
guint moe_share_bottleneck(const MoeShare *share, guint activity);
/* Sum of load x rate on a resource. */
double moe_share_used(const MoeShare *share, guint resource);
/* Largest id + 1 ever in use. */
guint moe_share_n_ids(const MoeShare *share);

G_END_DECLS

#endif
