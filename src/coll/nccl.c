/*
 * NCCL's own choice: its tuner gives every algorithm and protocol a time from constants that depend on its version, and
 * takes the least. The choice is made here, what the chosen one takes is said by the algorithms and the fabric's fit.
 * Formulas and constants: nccl/src/graph/tuning.cc at the tags named below (github.com/NVIDIA/nccl). A node of NCCL is
 * an NVLink domain.
 */
#include "internal.h"

#include <math.h>

/* By number of nodes: one, two, more. */
typedef struct {
  double nodes[3]; /* bytes/s */
} Caps;

typedef struct {
  int version;                  /* first that has these constants: major x 10000 + minor x 100 + patch */
  double tree_simple_base_s;    /* of a Simple tree */
  double tree_nvlink_s, tree_s; /* Simple tree hops over NVLink and network */
  double nvls_s, nvls_tree_s;   /* NVLink pass of NVLS; network hop of NVLSTree */
  gboolean pat;                 /* the logarithmic gather and scatter */
  Caps ll[MOE_N_GENERATIONS];   /* LL of one node by its GPUs; between nodes by CPU, see below */
  Caps ll128_ring[MOE_N_GENERATIONS], ll128_tree[MOE_N_GENERATIONS]; /* per channel */
  Caps tree[MOE_N_GENERATIONS];                                      /* Simple, per channel */
  Caps nvls_tree[MOE_N_GENERATIONS];                                 /* per channel */
} Version;

#define GB 1e9
#define US 1e-6
#define CAPS(one, two, more)                                                                                           \
  {                                                                                                                    \
    {                                                                                                                  \
      (one) * GB, (two)*GB, (more)*GB                                                                                  \
    }                                                                                                                  \
  }
#define NO_CAP                                                                                                         \
  {                                                                                                                    \
    {                                                                                                                  \
      INFINITY, INFINITY, INFINITY                                                                                     \
    }                                                                                                                  \
  }

/* Constants that many versions share. Ampere, Hopper, Blackwell. */
#define LL_218                                                                                                         \
  {                                                                                                                    \
    CAPS(87.7, 22.5, 19), CAPS(87.7, 22.5, 19), CAPS(87.7, 22.5, 19)                                                   \
  }
#define LL_221                                                                                                         \
  {                                                                                                                    \
    CAPS(87.7, 22.5, 19), CAPS(141, 45, 35), CAPS(141, 45, 35)                                                         \
  }
#define LL_225                                                                                                         \
  {                                                                                                                    \
    CAPS(87.7, 22.5, 19), CAPS(141, 45, 35), CAPS(282, 90, 70)                                                         \
  }
#define AMPERE_LL128 CAPS(20, 20, 20)
#define HOPPER_RING  CAPS(36.7, 36.7, 36.7)
#define HOPPER_LL128 CAPS(36.7, 36.7, 29)
#define AMPERE_TREE  CAPS(24, 23.6, 17.8)
#define HOPPER_TREE  CAPS(38.7, 41.4, 36)
#define LL128_RING_218                                                                                                 \
  {                                                                                                                    \
    AMPERE_LL128, HOPPER_RING, HOPPER_RING                                                                             \
  }
#define LL128_TREE_218                                                                                                 \
  {                                                                                                                    \
    AMPERE_LL128, HOPPER_LL128, HOPPER_LL128                                                                           \
  }
#define TREE_218                                                                                                       \
  {                                                                                                                    \
    AMPERE_TREE, HOPPER_TREE, HOPPER_TREE                                                                              \
  }
#define LL128_RING(one, two, more)                                                                                     \
  {                                                                                                                    \
    AMPERE_LL128, HOPPER_RING, CAPS(one, two, more)                                                                    \
  }
#define LL128_TREE_225                                                                                                 \
  {                                                                                                                    \
    AMPERE_LL128, HOPPER_LL128, CAPS(73.4, 73.4, 58)                                                                   \
  }
#define LL128_TREE_228                                                                                                 \
  {                                                                                                                    \
    AMPERE_LL128, HOPPER_LL128, CAPS(55.6, 31.67, 20)                                                                  \
  }
#define TREE_225                                                                                                       \
  {                                                                                                                    \
    AMPERE_TREE, HOPPER_TREE, CAPS(77.4, 82.8, 72)                                                                     \
  }
#define TREE_228                                                                                                       \
  {                                                                                                                    \
    AMPERE_TREE, HOPPER_TREE, CAPS(70, 42.8, 24)                                                                       \
  }
#define UNCAPPED                                                                                                       \
  {                                                                                                                    \
    NO_CAP, NO_CAP, NO_CAP                                                                                             \
  }
#define NVLS_TREE(two, more)                                                                                           \
  {                                                                                                                    \
    AMPERE_TREE, CAPS(57.7, 57.7, 45.5), CAPS(two, two, more)                                                          \
  }

static const Version versions[] = {
    {21803, 0, 4 * US, 14 * US, 23 * US, 19 * US, FALSE, LL_218, LL128_RING_218, LL128_TREE_218, TREE_218, UNCAPPED},
    {21901, 0, 28 * US, 28 * US, 23 * US, 14 * US, FALSE, LL_218, LL128_RING_218, LL128_TREE_218, TREE_218, UNCAPPED},
    {22105, 0, 28 * US, 28 * US, 25 * US, 14 * US, FALSE, LL_221, LL128_RING_218, LL128_TREE_218, TREE_218, UNCAPPED},
    {22304, 8.4 * US, 4 * US, 14 * US, 25 * US, 14 * US, TRUE, LL_221, LL128_RING_218, LL128_TREE_218, TREE_218,
     UNCAPPED},
    {22501, 8.4 * US, 4 * US, 14 * US, 25 * US, 14 * US, TRUE, LL_225, LL128_RING(73.4, 73.4, 73.4), LL128_TREE_225,
     TREE_225, UNCAPPED},
    {22803, 8.4 * US, 4 * US, 14 * US, 25 * US, 14 * US, TRUE, LL_225, LL128_RING(73.4, 73.4, 73.4), LL128_TREE_228,
     TREE_228, NVLS_TREE(96, 43.1)},
    {22809, 8.4 * US, 4 * US, 14 * US, 25 * US, 20.9 * US, TRUE, LL_225, LL128_RING(73.4, 34.6, 73.4), LL128_TREE_228,
     TREE_228, NVLS_TREE(96, 43.8)},
    {22902, 8.4 * US, 4 * US, 14 * US, 25 * US, 20.9 * US, TRUE, LL_225, LL128_RING(34.5, 34.6, 34.5), LL128_TREE_228,
     TREE_228, NVLS_TREE(96, 43.8)},
    {22907, 8.4 * US, 4 * US, 14 * US, 25 * US, 20.9 * US, TRUE, LL_225, LL128_RING(40, 40, 40), LL128_TREE_228,
     TREE_228, NVLS_TREE(96, 43.8)},
    {23003, 8.4 * US, 4 * US, 14 * US, 25 * US, 20.9 * US, TRUE, LL_225, LL128_RING(40, 40, 40), LL128_TREE_228,
     TREE_228, NVLS_TREE(96, 80)},
};

/* The same in all versions: base and hops of rings (LL, LL128, Simple) and of the low-latency trees. */
static const double ring_base_s[] = {6.6 * US, 14 * US, 8.4 * US};
static const double ring_nvlink_s[] = {0.6 * US, 1.9 * US, 3.4 * US};
static const double ring_network_s[] = {2.7 * US, 4 * US, 14 * US};
static const double tree_base_s[] = {6.8 * US, 14 * US};
static const double tree_low_nvlink_s[] = {0.6 * US, 1.25 * US};
static const double tree_low_network_s[] = {5 * US, 8.5 * US};
/* Every step of a ring between nodes costs the proxy at least so much, three times that with Simple. */
static const double overhead_s[] = {1 * US, 1 * US, 3 * US};
/* Between nodes LL is capped by the kind of CPU: Intel's and ARM's row. */
static const Caps ll_between = CAPS(39, 39, 20.4);
/* Share of a graph's bandwidth that NVLS keeps: Ampere has none. */
static const double nvls_share[MOE_N_GENERATIONS] = {0, 0.85, 0.74};
/* A Simple ring over several nodes is this much slower than its steps while a channel's part of a rank is 64 B or more.
 */
#define PLATEAU       1.4
#define PLATEAU_BYTES 64
#define NVLS_NET_S    (18 * US)
#define PAT_BASE_S    (8 * US)
#define PAT_RANK_S    (2.8 * US)
#define PAT_HOPS      3.5 /* network hops that PAT hides behind one another */
#define PAT_SHARE     0.75

/* What trees reach of their bandwidth at 64 B x 2^i (LL, LL128, Simple). */
static const double tree_correction[MOE_N_PROTOCOLS][24] = {
    {1, 1, 1, 1, .9, .8, .7, .7, .7, .7, .6, .5, .4, .4, .5, .6, .7, .8, .9, 1, 1, 1, 1, 1},
    {1, 1, 1, 1, 1, .9, .8, .8, .8, .7, .6, .6, .6, .6, .6, .6, .8, .9, .9, .9, .9, 1, 1, 1},
    {.9, .9, .9, .9, .9, .9, .9, .8, .7, .6, .6, .5, .5, .5, .5, .6, .7, .8, .7, .7, .8, .9, .9, .9},
};

/* The constants of the newest row that is not newer; those of the oldest for older ones. */
static const Version *find_version(int number)
{
  const Version *found = &versions[0];

  for (guint i = 0; i < G_N_ELEMENTS(versions); i++)
    if (versions[i].version <= number)
      found = &versions[i];
  return found;
}

gboolean moe_coll_nccl_has_pat(const MoeCollRequest *request)
{
  return find_version(request->stack->nccl)->pat && request->per_domain == 1;
}

/* What the tuner counts with, in a domain and per NIC: the wires of a generation's usual machine (NCCL's own table for
 * NVLink, one NIC of 200 or 400 Gbit/s per GPU). Not those at hand: on a what-if machine with faster wires the choice
 * stays, and nothing gets slower for it. */
static const double nvlink_bytes_per_s[MOE_N_GENERATIONS] = {240 * GB, 370 * GB, 722 * GB};
static const double nic_bytes_per_s[MOE_N_GENERATIONS] = {25 * GB, 50 * GB, 50 * GB};

/* What the tuner sees of a communicator. */
typedef struct {
  const Version *version;
  MoeGeneration generation;
  double n, nodes, per_node, channels, bytes;
  int by_nodes;                /* index of Caps */
  double inside, between, bus; /* bytes/s of all channels: in the domain, out of one, the lower of both */
  gboolean all_reduce;
} View;

static View view_of(const MoeCollRequest *request)
{
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  View view = {.version = find_version(request->stack->nccl),
               .generation = domain->generation,
               .n = request->n,
               .nodes = (double)request->domains,
               .per_node = (double)request->n / (double)request->domains,
               .channels = (double)MAX(request->stack->sms_collective, 2),
               .bytes = request->collective->bytes,
               .by_nodes = (int)MIN(request->domains, 3) - 1,
               .inside = nvlink_bytes_per_s[domain->generation],
               .between = (double)request->per_domain * nic_bytes_per_s[domain->generation],
               .all_reduce = request->collective->kind == MOE_ALL_REDUCE};

  if (request->domains == 1)
    view.bus = view.inside;
  else
    view.bus = request->per_domain == 1 ? view.between : MIN(view.inside, view.between);
  return view;
}

static double cap_of(const View *view, const Caps *by_generation)
{
  return by_generation[view->generation].nodes[view->by_nodes];
}

/* ---- algorithms -------------------------------------------------------------------------------------------------- */

static double ring_s(const View *v, MoeProtocol protocol)
{
  double phases = v->all_reduce ? 2 : 1, steps = phases * (v->n - 1), between = phases * (v->nodes - 1);
  double hop_s = ring_nvlink_s[protocol], bus = v->bus;
  double network_s = ring_network_s[protocol];

  if (v->per_node == 1) /* fully exposed: as a tree's */
    network_s = protocol == MOE_SIMPLE ? v->version->tree_s : tree_low_network_s[protocol];
  if (v->nodes > 1)
    hop_s = MAX(hop_s, overhead_s[protocol]);
  if (protocol == MOE_LL)
    bus = MIN(bus / 2, v->nodes > 1 ? ll_between.nodes[v->by_nodes] : cap_of(v, v->version->ll));
  else if (protocol == MOE_LL128)
    bus = MIN(bus * 0.92, v->channels * cap_of(v, v->version->ll128_ring));
  double latency_s = ring_base_s[protocol] + (steps - between) * hop_s + between * network_s;
  if (protocol == MOE_SIMPLE && v->nodes > 1 && v->all_reduce && v->bytes / (v->channels * v->n) >= PLATEAU_BYTES)
    latency_s *= PLATEAU;
  return latency_s + v->bytes * steps / v->n / bus;
}

static double correction(const View *v, MoeProtocol protocol)
{
  double index = floor(log2(MAX(v->bytes, 1) / 64));

  return index >= 0 && index < 24 ? tree_correction[protocol][(int)index] : 1;
}

static double tree_s(const View *v, MoeProtocol protocol)
{
  gboolean simple = protocol == MOE_SIMPLE;
  double base_s = simple ? v->version->tree_simple_base_s : tree_base_s[protocol];
  double hop_s = simple ? v->version->tree_nvlink_s : tree_low_nvlink_s[protocol];
  double network_s = simple ? v->version->tree_s : tree_low_network_s[protocol];
  double bus = MIN(v->bus * 0.92, v->channels * cap_of(v, v->version->tree));

  if (protocol == MOE_LL)
    bus = MIN(bus / 3.8, ll_between.nodes[v->by_nodes]);
  else if (protocol == MOE_LL128)
    bus = MIN(bus * 120 / 128, v->channels * cap_of(v, v->version->ll128_tree));
  return base_s + 2 * ((v->per_node - 1) * hop_s + floor(log2(v->nodes)) * network_s) +
         2 * v->bytes / (bus * correction(v, protocol));
}

/* Bus bandwidth of the switch's two passes at once. */
static double nvls_bus(const View *v)
{
  return 2 * v->inside * nvls_share[v->generation] * (v->channels - 1) / v->channels;
}

static double switch_s(const View *v, double bus, double latency_s)
{
  return bus > 0 ? latency_s + v->bytes * 2 * (v->n - 1) / v->n / bus : INFINITY;
}

static double nvls_tree_s(const View *v)
{
  double cap = v->channels * cap_of(v, v->version->nvls_tree);
  double between = v->between * (v->nodes <= 2 ? 2 : 1);

  return switch_s(v, MIN(nvls_bus(v), MIN(between, cap)),
                  v->version->nvls_s + 2 * floor(log2(v->nodes)) * v->version->nvls_tree_s);
}

static double pat_s(const View *v)
{
  double latency_s = PAT_BASE_S + floor(log2(v->nodes)) * ring_network_s[MOE_SIMPLE] / PAT_HOPS + v->n * PAT_RANK_S;

  return latency_s + v->bytes / (PAT_SHARE * v->bus);
}

double moe_coll_nccl_s(const MoeCollRequest *request, MoeNcclAlgorithm algorithm, MoeProtocol protocol)
{
  View view = view_of(request);

  switch (algorithm) {
  case MOE_NCCL_RING:
    return ring_s(&view, protocol);
  case MOE_NCCL_TREE:
    return tree_s(&view, protocol);
  default:
    break;
  }
  if (protocol != MOE_SIMPLE)
    return INFINITY;
  switch (algorithm) {
  case MOE_NCCL_NVLS:
    return switch_s(&view, nvls_bus(&view), view.version->nvls_s);
  case MOE_NCCL_NVLS_TREE:
    return nvls_tree_s(&view);
  case MOE_NCCL_COLLNET:
    return switch_s(&view, MIN(nvls_bus(&view) > 0 ? nvls_bus(&view) : view.inside, view.between),
                    view.version->nvls_s + NVLS_NET_S);
  case MOE_NCCL_PAT:
    return moe_coll_nccl_has_pat(request) ? pat_s(&view) : INFINITY;
  default:
    return INFINITY;
  }
}
