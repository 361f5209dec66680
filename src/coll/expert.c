/*
 * Dispatch and combine: tokens to the ranks of their experts and back.
 *
 * Copies per token are expectations under balanced random routing (copies.c). Node-limited libraries (DeepEP, HybridEP)
 * send one copy per destination domain over the sender's own rail, then forward one copy per destination rank over
 * NVLink: both legs are charged. Pairwise libraries (NCCL all-to-all, device-initiated stores in one domain) send one
 * copy per chosen expert. A combine moves the same bytes the other way, reduced inside the domain first where dispatch
 * forwarded.
 */
#include "internal.h"

/* How far a library drives the wires, relative to bulk transfers of the fabric, and its fixed time. */
typedef struct {
  double nvlink_share, network_share;
  double floor_s; /* notify, barriers, launch */
} Library;

/* From validation/measured/expert.yaml: shares set by hand, all rows in view, NVLink on groups that NVLink
 * limits and network on the others; floors of the order of the libraries' notify and barrier kernels. DeepEP's normal
 * kernels on H800 and HybridEP's kernel times on H100 and GB200 (docs/model-network.md). */
static const Library deepep = {0.85, 0.92, 60e-6};
static const Library hybridep = {0.88, 0.90, 40e-6};

/* Sets .share and .padding to 1 where the program left them out. */
static double scaled_bytes(const MoeCollective *c)
{
  return c->bytes * (c->padding > 0 ? c->padding : 1);
}
static double expert_share(const MoeCollective *c)
{
  return c->share > 0 ? c->share : 1;
}

static void start_work(const MoeCollRequest *request, MoeCollWork *work)
{
  *work = (MoeCollWork){.reduces = request->collective->kind == MOE_COMBINE};
}

/* Node-limited, rail-aligned exchange with one copy per domain and one per rank. */
static void node_limited(const MoeCollRequest *request, MoeCollWork *work, const Library *library)
{
  const MoeCollective *c = request->collective;
  double d = (double)request->per_domain, h = (double)request->domains;
  double ranks = moe_coll_expected_parts(c, request->n, expert_share(c));
  double domains = moe_coll_expected_parts(c, request->domains, expert_share(c));

  moe_coll_set_bytes(work, scaled_bytes(c) * ranks * (d - 1) / d, scaled_bytes(c) * domains * (h - 1) / h);
  work->nvlink_share = library->nvlink_share;
  work->network_share = library->network_share;
  work->floor_s = library->floor_s;
  if (request->domains > 1)
    work->steps_s = moe_topo_latency(request->topo, request->reach);
  work->leaf_share = request->pair_leaf;
  work->sms = request->stack->sms_expert;
}

static gboolean deepep_work(const MoeCollRequest *request, MoeCollWork *work)
{
  start_work(request, work);
  node_limited(request, work, &deepep);
  return TRUE;
}

static gboolean hybridep_work(const MoeCollRequest *request, MoeCollWork *work)
{
  start_work(request, work);
  node_limited(request, work, &hybridep);
  return TRUE;
}

/* Copies to each other member: one per chosen expert there, or one in all. */
static double copies_each(const MoeCollRequest *request)
{
  const MoeCollective *c = request->collective;

  if (request->stack->deduplicate)
    return moe_coll_expected_parts(c, request->n, expert_share(c)) / (double)request->n;
  return (double)c->top_k * expert_share(c) / (double)request->n;
}

/* Device-initiated stores over NVLink reach the all-to-all rate without a library's floor; across domains they do not
 * work. */
static gboolean nvlink_direct_work(const MoeCollRequest *request, MoeCollWork *work)
{
  start_work(request, work);
  moe_coll_pairwise(request, work, scaled_bytes(request->collective) * copies_each(request), FALSE);
  work->floor_s = request->cluster->domain.collectives.floor_s;
  work->sms = request->stack->sms_expert;
  return request->domains == 1;
}

static gboolean expert_nccl_work(const MoeCollRequest *request, MoeCollWork *work)
{
  gboolean aligned = request->domains > 1 && request->per_domain > 1 && request->cluster->network.rails > 0;

  start_work(request, work);
  moe_coll_pairwise(request, work, scaled_bytes(request->collective) * copies_each(request), aligned);
  work->sms = request->stack->sms_expert;
  return TRUE;
}

#define KINDS (MOE_COLL_BIT(MOE_DISPATCH) | MOE_COLL_BIT(MOE_COMBINE))

const MoeCollAlgorithm moe_coll_deepep = {"deepep", KINDS, MOE_COLL_LIBRARY, deepep_work};
const MoeCollAlgorithm moe_coll_hybridep = {"hybridep", KINDS, MOE_COLL_LIBRARY, hybridep_work};
const MoeCollAlgorithm moe_coll_nvlink_direct = {"nvlink-direct", KINDS, MOE_COLL_LIBRARY, nvlink_direct_work};
const MoeCollAlgorithm moe_coll_expert_nccl = {"nccl", KINDS, MOE_COLL_LIBRARY, expert_nccl_work};
