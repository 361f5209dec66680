/*
 * Rings along all dimensions of a torus at once, as XLA lowers collectives on TPUs: the buffer is cut in parts that go
 * through the dimensions in different orders, so that every link is busy all the time. Between domains a ring of each
 * member with its like, as in hierarchical.c.
 *
 * Each member receives (d - 1) / d of the buffer per pass over L links (domain.c), which no algorithm can beat; parts
 * of the right size reach it, since a dimension of e members can carry any share from (e - 1) / d to (e - 1) / e.
 */
#include "internal.h"

static gboolean torus_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  int64_t phases = request->collective->kind == MOE_ALL_REDUCE ? 2 : 1;
  double bytes = request->collective->bytes * (double)phases;
  double d = (double)request->per_domain, h = (double)request->domains;
  double path_s = request->inside.steps_path_s - request->inside.steps * domain->path_s;

  if (!request->inside.torus)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = domain->ring,
                        .network_share = request->cluster->network.collectives.ring,
                        .leaf_share = request->hop_leaf,
                        .reduces = request->collective->kind != MOE_ALL_GATHER,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, bytes * (d - 1) / d, bytes * (h - 1) / (h * d));
  moe_coll_add_steps(request, work, MOE_COLL_LEVELS, 0, phases * (request->domains - 1));
  work->steps_s += (double)phases * MAX(0, request->inside.steps * domain->step_s + path_s);
  work->ll_steps_s = work->ll128_steps_s = 0; /* one protocol */
  if (work->reduces)
    moe_coll_add_reductions(request, work, request->domains - 1);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_torus = {
    "torus", MOE_COLL_BIT(MOE_ALL_REDUCE) | MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER),
    MOE_COLL_DIMENSIONS, torus_work};
