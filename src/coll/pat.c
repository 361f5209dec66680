/*
 * Logarithmic gather and scatter, one member per domain: PAT (Jeaugey, "PAT: a new algorithm for all-gather and
 * reduce-scatter operations at scale", 2025) as NCCL has it, and recursive doubling with its ideal bandwidth. All of
 * the buffer but the own part crosses the NIC, in log2(n) steps.
 */
#include "internal.h"

/* Of NCCL's tuning, for want of measurements (nccl/src/graph/tuning.cc): bandwidth three quarters of a ring's, network
 * hops that overlap, and a part that is linear in the members. */
#define PAT_SHARE    0.75
#define PAT_HOPS     3.5
#define PAT_MEMBER_S 2.8e-6

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

/* Hops hide behind one another, but every member still adds its turn. */
static gboolean pat_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double path_s = moe_topo_latency(request->topo, request->reach);
  gboolean serves = logarithmic_work(request, work, PAT_SHARE);

  work->steps_s =
      (double)moe_coll_log2_ceil(request->n) / PAT_HOPS * moe_coll_network_step_s(request, network->step_s, path_s) +
      (double)request->n * PAT_MEMBER_S;
  work->ll_steps_s = work->ll128_steps_s = 0; /* Simple only */
  return serves;
}

static gboolean recursive_doubling_work(const MoeCollRequest *request, MoeCollWork *work)
{
  return logarithmic_work(request, work, 1);
}

#define KINDS (MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER))

const MoeCollAlgorithm moe_coll_pat = {"pat", KINDS, MOE_COLL_AUTOMATIC, pat_work, MOE_NCCL_PAT};
const MoeCollAlgorithm moe_coll_recursive_doubling = {"recursive-doubling", KINDS, MOE_COLL_NAMED,
                                                      recursive_doubling_work};
