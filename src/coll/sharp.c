/*
 * In-network reduction: the switches add (InfiniBand SHARP; Graham et al., COMHPC 2016). Inside the domain the NVLink
 * switch does, or a ring where it cannot; every member's NIC sends its 1/d once up and receives it once.
 */
#include "internal.h"

/* Up to the root of the aggregation tree and down. */
#define PASSES 2

static gboolean sharp_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double bytes = request->collective->bytes, d = (double)request->per_domain;
  gboolean nvls = request->cluster->domain.multicast && request->stack->nvls && request->per_domain > 1;

  if (request->domains < 2 || !request->cluster->network.sharp)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = nvls ? domain->multicast : domain->ring,
                        .network_share = network->multicast,
                        .leaf_share = request->pair_leaf,
                        .reduces = TRUE,
                        .sms = request->stack->sms_collective};
  moe_coll_add_steps(request, work, MOE_COLL_TREE, nvls ? 0 : 2 * (request->per_domain - 1), PASSES);
  if (nvls)
    work->steps_s += PASSES * moe_coll_domain_step_s(request, domain->multicast_step_s, request->inside.far_s);
  work->ll_steps_s = work->ll128_steps_s = 0; /* Simple only */
  moe_coll_set_bytes(work, nvls ? bytes * (1 + 1 / d) : 2 * bytes * (d - 1) / d, bytes / d);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_sharp = {"sharp", MOE_COLL_BIT(MOE_ALL_REDUCE), MOE_COLL_SWITCHES, sharp_work,
                                         MOE_NCCL_COLLNET};
