/*
 * Double binary tree between domains, chain inside: all-reduce (Sanders, Speck & Traff, "Two-tree algorithms for full
 * bandwidth broadcast, reduction and scan", Parallel Computing 2009; as NCCL's tree). Each tree carries half; a domain
 * is inner in one tree and leaf in the other: the busiest one sends twice the buffer, once with only two domains.
 */
#include "internal.h"

static gboolean tree_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double bytes = request->collective->bytes, d = (double)request->per_domain;
  double domain_bytes = request->domains > 2 ? 2 * bytes : bytes;

  if (request->domains < 2)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = request->cluster->domain.collectives.tree,
                        .network_share = network->tree,
                        .bus_bytes = 2 * bytes,
                        .leaf_share = request->pair_leaf,
                        .reduces = TRUE,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, 2 * bytes * (d - 1) / d, domain_bytes / d);
  moe_coll_add_steps(request, work, MOE_COLL_TREE, 2 * (request->per_domain - 1),
                     2 * moe_coll_log2_ceil(request->domains));
  moe_coll_limit_channels(request, work, domain_bytes);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_tree = {"tree", MOE_COLL_BIT(MOE_ALL_REDUCE), MOE_COLL_AUTOMATIC, tree_work,
                                        MOE_NCCL_TREE};
