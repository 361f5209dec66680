/*
 * Gather and scatter rail by rail on symmetric windows, NCCL from 2.29.7 on (nccl/src/sym_kernels.cc at v2.29.7-1;
 * device/symmetric/{all_gather,reduce_scatter}_gin.cuh): GPUs post to the network themselves.
 *
 * Gather (AllGather_RailRing_LsaSTMC): a ring along each rail carries its 1/d of the buffer, and what a GPU receives it
 * multicasts into its domain: the switch must multicast. Scatter (ReduceScatter_RailA2A_LsaLD): each GPU sums, over
 * NVLink, what its domain has for a rail's member and sends it there in one exchange: no ring, no switch needed.
 */
#include "internal.h"

#include <math.h>

/* A rank's part goes round the rail in chunks of this (ncclSymkAllGather_RailRing_ChunkSize). */
#define CHUNK_BYTES 0x1p20
/* What the SMs take before the first sum can leave (getSmLat_ReduceScatter_RailA2A). */
#define SUM_S 10e-6

static gboolean rails_work(const MoeCollRequest *request, double nvlink_share, MoeCollWork *work)
{
  double d = (double)request->per_domain, h = (double)request->domains, bytes = request->collective->bytes;

  *work = (MoeCollWork){.nvlink_share = nvlink_share,
                        .network_share = request->cluster->network.collectives.ring,
                        .leaf_share = request->hop_leaf,
                        .reduces = request->collective->kind == MOE_REDUCE_SCATTER,
                        .sms = request->stack->sms_collective};
  moe_coll_set_bytes(work, bytes * (d - 1) / d, bytes * (h - 1) / (h * d));
  return request->domains > 1 && request->per_domain > 1;
}

/* What a ring between h domains waits besides its bytes. A GPU posts its own part at once, all K chunks of it, and
 * passes each chunk on as soon as it is there (all_gather_gin.cuh: one wait and one put per chunk, flushed at the end):
 * a chunk waits for nothing but its own arrival, t + L after it left, and for the one before it. So the last chunk of
 * the last part is there after (h - 1) (t + L) + (K - 1) t or (h - 1) K t + L, whichever is later; (h - 1) K t are the
 * bytes. */
static double ring_wait_s(const MoeCollRequest *request, const MoeCollWork *work)
{
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double hops = (double)(request->domains - 1), part = request->collective->bytes / (double)request->n;
  double chunks = MAX(1, ceil(part / CHUNK_BYTES));
  double hop_s = moe_coll_network_step_s(request, network->step_s, request->hop_path_s);
  double chunk_s = part / chunks / (moe_topo_port_bytes_per_s(request->topo, MOE_PORT_NIC_OUT) * work->network_share);

  return MAX(hop_s, hops * (hop_s - (chunks - 1) * chunk_s) + (chunks - 1) * chunk_s);
}

static gboolean rail_ring_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeDomain *domain = &request->cluster->domain;

  if (!rails_work(request, domain->collectives.multicast, work) || !domain->multicast)
    return FALSE;
  work->bytes[MOE_PORT_NVLINK_OUT] = request->collective->bytes / (double)request->per_domain;
  moe_coll_add_steps(request, work, MOE_COLL_LEVELS, 0, request->domains - 1);
  work->ll_steps_s = work->ll128_steps_s = 0; /* Simple only */
  work->hidden_s = work->handshake_s = 0;     /* signals, no proxy */
  work->steps_s = ring_wait_s(request, work) +
                  moe_coll_domain_step_s(request, domain->collectives.multicast_step_s, request->inside.far_s);
  return TRUE;
}

static gboolean rail_scatter_work(const MoeCollRequest *request, MoeCollWork *work)
{
  const MoeCluster *cluster = request->cluster;

  if (!rails_work(request, cluster->domain.collectives.ring, work))
    return FALSE;
  moe_coll_add_steps(request, work, MOE_COLL_LOGARITHMIC, 0, 1);
  work->ll_steps_s = work->ll128_steps_s = 0;
  work->steps_s += SUM_S;
  work->fixed_s = (double)(request->domains - 1) * cluster->network.collectives.message_s;
  work->leaf_share = request->pair_leaf;
  work->scattered = TRUE;
  return TRUE;
}

const MoeCollAlgorithm moe_coll_rail_ring = {"rail-ring", MOE_COLL_BIT(MOE_ALL_GATHER), MOE_COLL_WINDOWS_MULTICAST,
                                             rail_ring_work};
const MoeCollAlgorithm moe_coll_rail_scatter = {"rail-direct", MOE_COLL_BIT(MOE_REDUCE_SCATTER), MOE_COLL_WINDOWS,
                                                rail_scatter_work};
