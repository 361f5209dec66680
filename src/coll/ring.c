/*
 * Ring: all-reduce, all-gather, reduce-scatter. One ring per channel through all members, domain by domain; channels
 * leave a domain by different members, so that each member's NIC carries its part. Patarasuk & Yuan, "Bandwidth optimal
 * all-reduce algorithms for clusters of workstations", JPDC 2009: (n-1)/n of the buffer per phase, two phases for
 * all-reduce.
 */
#include "internal.h"

static gboolean ring_work(const MoeCollRequest *request, MoeCollWork *work)
{
  gboolean all_reduce = request->collective->kind == MOE_ALL_REDUCE;
  int64_t n = request->n, phases = all_reduce ? 2 : 1;
  double edge = request->collective->bytes * (double)phases * (double)(n - 1) /
                (double)n; /* bytes over each edge, all channels */
  double leaving =
      request->domains > 1 ? 1.0 / (double)request->per_domain : 0; /* share of channels that leave at a member */

  *work = (MoeCollWork){.nvlink_share = request->cluster->domain.collectives.ring,
                        .network_share = request->cluster->network.collectives.ring,
                        .bus_bytes = edge,
                        .leaf_share = request->hop_leaf,
                        .reduces = request->collective->kind != MOE_ALL_GATHER,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, edge * (1 - leaving), edge * leaving);
  moe_coll_add_steps(request, work, MOE_COLL_RING, phases * (n - request->domains), phases * (request->domains - 1));
  if (work->reduces)
    moe_coll_add_reductions(request, work, request->domains - 1);
  moe_coll_limit_channels(request, work, edge);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_ring = {
    "ring", MOE_COLL_BIT(MOE_ALL_REDUCE) | MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER),
    MOE_COLL_AUTOMATIC, ring_work, MOE_NCCL_RING};
