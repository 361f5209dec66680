/*
 * Logarithmic gather and scatter, one member per domain: PAT (Jeaugey, "PAT: a new algorithm for all-gather and
 * reduce-scatter operations at scale", 2025) as NCCL has it, and recursive doubling with its ideal bandwidth. All of
 * the buffer but the own part crosses the NIC, in log2(n) steps.
 */
#include "internal.h"

/* NCCL's tuning halves its trust in PAT's bandwidth to three quarters of a ring's (nccl/src/graph/tuning.cc). */
#define PAT_SHARE 0.75

static gboolean logarithmic_work(const MoeCollRequest *request, MoeCollWork *work, double share)
{
  double n = (double)request->n, bytes = request->collective->bytes * (n - 1) / n;

  if (request->per_domain > 1 || request->domains < 2)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = 1,
                        .network_share = request->cluster->network.collectives.ring * share,
                        .bus_bytes = bytes,
                        .leaf_share = request->pair_leaf,
                        .reduces = request->collective->kind == MOE_REDUCE_SCATTER,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, 0, bytes);
  moe_coll_add_steps(request, work, MOE_COLL_LOGARITHMIC, 0, moe_coll_log2_ceil(request->n));
  return TRUE;
}

static gboolean pat_work(const MoeCollRequest *request, MoeCollWork *work)
{
  gboolean serves = logarithmic_work(request, work, PAT_SHARE);

  work->ll_steps_s = work->ll128_steps_s = 0; /* Simple only */
  return serves;
}

static gboolean recursive_doubling_work(const MoeCollRequest *request, MoeCollWork *work)
{
  return logarithmic_work(request, work, 1);
}

#define KINDS (MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER))

const MoeCollAlgorithm moe_coll_pat = {"pat", KINDS, MOE_COLL_AUTOMATIC, pat_work};
const MoeCollAlgorithm moe_coll_recursive_doubling = {"recursive-doubling", KINDS, MOE_COLL_NAMED,
                                                      recursive_doubling_work};
