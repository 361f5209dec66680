/*
 * Equal all-to-all. Inside one domain every pair talks over the switch ("direct"). Across domains either every GPU's
 * NIC talks to every remote GPU ("naive": most flows change rails and climb to the spine), or bytes first move over
 * NVLink to the GPU on the destination's rail and leave there ("rail-aligned", NCCL's PXN): fewer, larger messages that
 * stay on a leaf where they can.
 */
#include "internal.h"

/* Share of the domain's bulk rate that an all-to-all reaches. */
double moe_coll_all_to_all_share(const MoeCluster *cluster)
{
  const MoeDomain *domain = &cluster->domain;

  return domain->all_to_all_efficiency > 0 ? domain->all_to_all_efficiency / domain->efficiency : 1;
}

/* Members' `each` bytes for every other member, sent directly; `messages` per member over the network. */
void moe_coll_pairwise(const MoeCollRequest *request, MoeCollWork *work, double each, gboolean aligned)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double exchange_s = network->exchange_s > 0 ? network->exchange_s : network->step_s;
  double d = (double)request->per_domain, remote = (double)request->n - d;
  double forwarded = aligned ? remote * (d - 1) / d : 0;
  gboolean crosses = request->domains > 1;

  moe_coll_set_bytes(work, each * (d - 1 + forwarded), each * remote);
  work->nvlink_share = moe_coll_all_to_all_share(request->cluster);
  work->network_share = network->tree;
  work->floor_s = crosses ? MAX(domain->floor_s, network->floor_s) : domain->floor_s;
  work->steps_s = crosses
                      ? moe_coll_network_step_s(request, exchange_s, moe_topo_latency(request->topo, request->reach))
                      : moe_coll_domain_step_s(request, domain->step_s, request->inside.far_s);
  work->fixed_s =
      (d - 1) * domain->message_s + (aligned ? (double)(request->domains - 1) : remote) * network->message_s;
  work->leaf_share = aligned || request->cluster->network.rails == 0 ? request->pair_leaf : 1;
  work->scattered = TRUE;
  work->sms = request->stack->sms_collective;
}

static gboolean direct_work(const MoeCollRequest *request, MoeCollWork *work)
{
  *work = (MoeCollWork){0};
  moe_coll_pairwise(request, work, request->collective->bytes / (double)request->n, FALSE);
  return request->domains == 1;
}

static gboolean naive_work(const MoeCollRequest *request, MoeCollWork *work)
{
  *work = (MoeCollWork){0};
  moe_coll_pairwise(request, work, request->collective->bytes / (double)request->n, FALSE);
  return request->domains > 1;
}

static gboolean rail_aligned_work(const MoeCollRequest *request, MoeCollWork *work)
{
  *work = (MoeCollWork){0};
  moe_coll_pairwise(request, work, request->collective->bytes / (double)request->n, TRUE);
  return request->domains > 1 && request->per_domain > 1 && request->cluster->network.rails > 0;
}

#define KINDS MOE_COLL_BIT(MOE_ALL_TO_ALL)

const MoeCollAlgorithm moe_coll_direct = {"direct", KINDS, MOE_COLL_AUTOMATIC, direct_work};
const MoeCollAlgorithm moe_coll_naive = {"naive", KINDS, MOE_COLL_AUTOMATIC, naive_work};
const MoeCollAlgorithm moe_coll_rail_aligned = {"rail-aligned", KINDS, MOE_COLL_AUTOMATIC, rail_aligned_work};
