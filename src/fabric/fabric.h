/*
 * fabric: transfers in flight. Routes + share + engine.
 *
 * Floor 5. Uses base, engine, topo, share, coll. Does not know what ranks mean.
 *
 * An activity starts, progresses at the max-min fair rate of the resources it crosses, and is delivered `latency` after
 * its last byte. Rates are recomputed once per instant: starting or ending activities schedules one "solve" event of
 * the last class in the same instant.
 *
 * The caller registers the fabric's engine classes by moe_fabric_new and hands it its events from the calendar.
 */
#ifndef MOESIM_FABRIC_H
#define MOESIM_FABRIC_H

#include "coll/coll.h"
#include "engine/engine.h"
#include "share/share.h"
#include "topo/topo.h"

G_BEGIN_DECLS

typedef struct MoeFabric MoeFabric;

/* Both must outlive the fabric. Adds its event classes to the engine: create the fabric after the caller's own classes,
 * so that deliveries and solves leave last within an instant. */
MoeFabric *moe_fabric_new(MoeEngine *engine, const MoeTopo *topo);
void moe_fabric_free(MoeFabric *fabric);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeFabric, moe_fabric_free)

/* Starts a planned collective over n distinct member GPUs now; `index[i]` is the member's index in its group for skew
 * factors (NULL when balanced). `tag` comes back on delivery. A plan without bytes is delivered after its latency.
 * Fewer members than the group has may be given (one representative per class of equal GPUs): loads are per member. The
 * plan is not kept. */
void moe_fabric_start(MoeFabric *fabric, const MoeCollPlan *plan, guint n, const uint32_t *gpus, const uint32_t *index,
                      uint32_t tag);
/* One message: OUT ports of `from`, IN ports of `to`. */
void moe_fabric_start_p2p(MoeFabric *fabric, const MoeCollPlan *plan, uint32_t from, uint32_t to, uint32_t tag);

/* Whether an event's class is the fabric's. */
gboolean moe_fabric_owns(const MoeFabric *fabric, uint32_t klass);
/* Handles one of its events. TRUE when an activity was delivered: *tag is the caller's. */
gboolean moe_fabric_handle(MoeFabric *fabric, const MoeEvent *event, uint32_t *tag);

/* Activities that move bytes now. */
guint moe_fabric_active(const MoeFabric *fabric);
/* Changes `n` resources from `first` on now (degradation in mid-run); each `bytes_per_s` > 0. */
void moe_fabric_set_capacities(MoeFabric *fabric, guint first, guint n, const double *bytes_per_s);
/* What its activities take of a resource now, bytes/s. */
double moe_fabric_used(const MoeFabric *fabric, guint resource);
/* The graph it was made for. */
const MoeTopo *moe_fabric_topo(const MoeFabric *fabric);
/* Counts, from now on, when nothing moves yet, the bytes each resource is given to carry: whole activities, counted
 * when they start; whole numbers, so that the order of simultaneous starts cannot show. For link load reports; a step
 * without is faster. */
void moe_fabric_count_carried(MoeFabric *fabric);
/* Bytes counted so far. */
double moe_fabric_carried(const MoeFabric *fabric, guint resource);

G_END_DECLS

#endif
