/*
 * Hierarchical: a ring inside each domain and one along each rail between domains, chunk by chunk side by side.
 * All-reduce is reduce-scatter inside, all-reduce along rails on 1/d, all-gather inside. The latency grows with d + h
 * where a flat ring's grows with d h. Built by the framework from two communicators (HSDP, ZeRO++ 's hierarchical
 * gather; Wang et al., ICLR 2024).
 */
#include "internal.h"

static gboolean hierarchical_work(const MoeCollRequest *request, MoeCollWork *work)
{
  int64_t d = request->per_domain, h = request->domains;
  int64_t phases = request->collective->kind == MOE_ALL_REDUCE ? 2 : 1;
  double bytes = request->collective->bytes * (double)phases;

  if (d < 2 || h < 2)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = request->cluster->domain.collectives.ring,
                        .network_share = request->cluster->network.collectives.ring,
                        .bus_bytes = bytes * (double)(request->n - 1) / (double)request->n,
                        .leaf_share = request->hop_leaf,
                        .reduces = request->collective->kind != MOE_ALL_GATHER,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, bytes * (double)(d - 1) / (double)d, bytes * (double)(h - 1) / (double)(h * d));
  moe_coll_add_steps(request, work, MOE_COLL_LEVELS, phases * (d - 1), phases * (h - 1));
  if (work->reduces)
    moe_coll_add_reductions(request, work, h - 1);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_hierarchical = {
    "hierarchical", MOE_COLL_BIT(MOE_ALL_REDUCE) | MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER),
    MOE_COLL_HIERARCHICAL, hierarchical_work};
