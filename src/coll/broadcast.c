/* Broadcast: a pipelined ring (chain) from the root through all members; every edge carries the buffer once. */
#include "internal.h"

static gboolean broadcast_work(const MoeCollRequest *request, MoeCollWork *work)
{
  double bytes = request->collective->bytes, d = (double)request->per_domain;
  double leaving = request->domains > 1 ? 1 / d : 0;

  *work = (MoeCollWork){.nvlink_share = request->cluster->domain.collectives.ring,
                        .network_share = request->cluster->network.collectives.ring,
                        .bus_bytes = bytes,
                        .leaf_share = request->hop_leaf,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, bytes * (1 - leaving), bytes * leaving);
  moe_coll_add_steps(request, work, MOE_COLL_RING, (int64_t)request->n - request->domains, request->domains - 1);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_broadcast = {"ring", MOE_COLL_BIT(MOE_BROADCAST), MOE_COLL_AUTOMATIC, broadcast_work};
