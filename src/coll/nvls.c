/*
 * NVLink SHARP in one domain: the switch reduces and multicasts (all-reduce; with registered buffers also all-gather
 * and reduce-scatter). Each member's data is read once and its 1/n of the result goes out once: (1 + 1/n) of the buffer
 * per direction, which is what makes 8 GPUs 1.3 times faster than a ring and 4 not at all (H200, ML Engineering,
 * network).
 */
#include "internal.h"

/* A read-reduce pass and a multicast pass. */
#define ALL_REDUCE_PASSES 2

void moe_coll_nvls_bytes(const MoeCollRequest *request, double bytes, MoeCollWork *work)
{
  double n = (double)request->per_domain;
  double whole = bytes * (n - 1) / n, part = bytes / n;

  switch (request->collective->kind) {
  case MOE_ALL_GATHER:
    work->bytes[MOE_PORT_NVLINK_OUT] = part;
    work->bytes[MOE_PORT_NVLINK_IN] = whole;
    break;
  case MOE_REDUCE_SCATTER:
    work->bytes[MOE_PORT_NVLINK_OUT] = whole;
    work->bytes[MOE_PORT_NVLINK_IN] = part;
    break;
  default:
    work->bytes[MOE_PORT_NVLINK_OUT] = work->bytes[MOE_PORT_NVLINK_IN] = bytes + part;
  }
}

static gboolean nvls_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  int passes = request->collective->kind == MOE_ALL_REDUCE ? ALL_REDUCE_PASSES : 1;

  if (request->domains > 1 || !request->cluster->domain.multicast)
    return FALSE;
  *work = (MoeCollWork){.nvlink_share = domain->multicast,
                        .network_share = 1,
                        .floor_s = domain->floor_s,
                        .steps_s =
                            passes * moe_coll_domain_step_s(request, domain->multicast_step_s, request->inside.far_s),
                        .chunk_s = passes * domain->chunk_s,
                        .window_s = domain->window_s,
                        .sms = request->stack->sms_collective};
  moe_coll_nvls_bytes(request, request->collective->bytes, work);
  return TRUE;
}

/* Gather and scatter over the switch need buffers registered by the framework: only by name. */
const MoeCollAlgorithm moe_coll_nvls = {"nvls", MOE_COLL_BIT(MOE_ALL_REDUCE), MOE_COLL_MULTICAST, nvls_work,
                                        MOE_NCCL_NVLS};
const MoeCollAlgorithm moe_coll_nvls_registered = {
    "nvls", MOE_COLL_BIT(MOE_ALL_GATHER) | MOE_COLL_BIT(MOE_REDUCE_SCATTER), MOE_COLL_NAMED, nvls_work};

/*
 * NVLSTree: NVLink SHARP inside each domain, double binary tree between them, pipelined (NCCL's NVLSTree).
 */
static gboolean nvls_tree_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double bytes = request->collective->bytes, domain_bytes = request->domains > 2 ? 2 * bytes : bytes;
  double levels = 2 * (double)moe_coll_log2_ceil(request->domains);
  double path_s = moe_topo_latency(request->topo, request->reach);

  if (request->domains < 2 || request->per_domain < 2 || !request->cluster->domain.multicast)
    return FALSE;
  *work = (MoeCollWork){
      .nvlink_share = domain->multicast,
      .network_share = network->tree,
      .floor_s = MAX(domain->floor_s, network->floor_s),
      .steps_s = ALL_REDUCE_PASSES * moe_coll_domain_step_s(request, domain->multicast_step_s, request->inside.far_s) +
                 levels * moe_coll_network_step_s(request, network->multicast_step_s, path_s),
      .chunk_s = ALL_REDUCE_PASSES * domain->chunk_s,
      .window_s = domain->window_s,
      .network_chunk_s = levels * network->chunk_s,
      .network_window_s = network->window_s,
      .leaf_share = request->pair_leaf,
      .reduces = TRUE,
      .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, 0, domain_bytes / (double)request->per_domain);
  moe_coll_nvls_bytes(request, bytes, work);
  moe_coll_limit_channels(request, work, domain_bytes);
  return TRUE;
}

const MoeCollAlgorithm moe_coll_nvls_tree = {"nvls-tree", MOE_COLL_BIT(MOE_ALL_REDUCE), MOE_COLL_MULTICAST,
                                             nvls_tree_work, MOE_NCCL_NVLS_TREE};
