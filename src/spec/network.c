/* Readers of the machine's links: cluster sections domain, host, network. */
#include "internal.h"

/* Host to host, 64 B, InfiniBand NDR: below one leaf, over a spine (DeepSeek, ISCA 2025). A third tier is two more
 * switches, as the spine is over the leaf. */
#define LEAF_LATENCY_S  2.8e-6
#define SPINE_LATENCY_S 3.7e-6
#define TIER_LATENCY_S  (SPINE_LATENCY_S - LEAF_LATENCY_S)

/* Defaults of MoeCollectiveFit where a cluster gives none. Steps and LL limits are NCCL's tuning constants for Hopper
 * (hw latency of ring and tree, Simple protocol; nccl/src/graph/tuning.cc); the floors are nccl-tests at 8 B (8 x
 * H100 13.7 us less 14 LL steps; two hosts 47.5 us less theirs); shares are the medians of the fits in
 * docs/model-network.md. */
#define DOMAIN_FIT                                                                                                     \
  {                                                                                                                    \
    .generation = MOE_HOPPER, .floor_s = 6.6e-6, .path_s = 1e-6, .step_s = 3.4e-6, .low_latency_step_s = 0.6e-6,       \
    .chunk_s = 1e-6, .window_s = 10e-3, .multicast_step_s = 6e-6, .ring = 0.97, .tree = 0.85, .multicast = 0.8,        \
    .low_latency_bytes_per_s = 141e9, .message_s = 0.1e-6, .send_s = 6.3e-6, .send_chunk_s = 5e-6,                     \
    .send_window_s = 10e-3                                                                                             \
  }

#define NETWORK_FIT                                                                                                    \
  {                                                                                                                    \
    .floor_s = 20e-6, .path_s = LEAF_LATENCY_S, .step_s = 14e-6, .low_latency_step_s = 5e-6, .chunk_s = 25e-6,         \
    .window_s = 50e-6, .hide_s = 30e-6, .multicast_step_s = 20.9e-6, .ring = 0.97, .tree = 0.97, .multicast = 0.97,    \
    .low_latency_bytes_per_s = 35e9, .message_s = 0.4e-6, .send_s = 20e-6, .send_chunk_s = 180e-6,                     \
    .send_window_s = 150e-6                                                                                            \
  }

static const MoeCollectiveFit domain_fit = DOMAIN_FIT;
static const MoeCollectiveFit network_fit = NETWORK_FIT;

/* Largest share of the bulk rate a fitted algorithm may reach: bulk rates are medians themselves. */
#define MAX_SHARE 1.5
/* Ceilings that no machine of today comes near; they catch slipped digits. */
#define MAX_DOMAIN_GPUS      65536
#define MAX_EXTENT           1024
#define MAX_HOST_GPUS        1024
#define MAX_RAILS            1024
#define MAX_PLANES           64
#define MAX_BACKGROUND       0.99
#define MAX_NICS_PER_GPU     64
#define MAX_OVERSUBSCRIPTION 64
#define MAX_LEAF_GPUS        65536
#define MAX_FLOWS            1024
#define MAX_INDEX            1e9
#define MAX_SECONDS          1.0
#define MAX_BYTES_PER_S      1e18

static const char *const generations[] = {"ampere", "hopper", "blackwell", NULL};

static const char *const tuners[] = {"nccl", "plugin", NULL};

G_STATIC_ASSERT(sizeof(MoeGeneration) == sizeof(int) && sizeof(MoeTunerKind) == sizeof(int));

static const MoeField fit_fields[] = {
    {"generation", MOE_FIELD_CHOICE(MoeCollectiveFit, generation, generations),
     .meaning = "domain: whose constants NCCL's tuner takes"},
    {"tuner", MOE_FIELD_CHOICE(MoeCollectiveFit, tuner, tuners),
     .meaning = "who chooses among algorithms: NCCL, or a plugin with measured tables, which takes the fastest"},
    {"floor", MOE_FIELD_BETWEEN(MoeCollectiveFit, floor_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "launch, barrier and exit of one collective; the larger of domain and network counts"},
    {"path", MOE_FIELD_BETWEEN(MoeCollectiveFit, path_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "latency of the route that steps and sends contain"},
    {"step", MOE_FIELD_BETWEEN(MoeCollectiveFit, step_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "one step of a bulk ring or tree"},
    {"reduce", MOE_FIELD_BETWEEN(MoeCollectiveFit, reduce_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "network: what a ring step that adds takes longer than one that only passes on"},
    {"low_latency_step", MOE_FIELD_BETWEEN(MoeCollectiveFit, low_latency_step_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "one tree step of the low-latency protocol"},
    {"chunk", MOE_FIELD_BETWEEN(MoeCollectiveFit, chunk_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "domain: cost of one more chunk per step; network: time of the largest chunk per step"},
    {"window", MOE_FIELD_BETWEEN(MoeCollectiveFit, window_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "bandwidth time at which chunks stop growing (domain) or are half their largest (network)"},
    {"hide", MOE_FIELD_BETWEEN(MoeCollectiveFit, hide_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "network: bytes of a ring step that hide half of its latency, as time; 0: never"},
    {"handshake", MOE_FIELD_BETWEEN(MoeCollectiveFit, handshake_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "network: part of a ring step that steps with few bytes do without"},
    {"handshake_half", MOE_FIELD_BETWEEN(MoeCollectiveFit, handshake_half_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "network: bytes of a ring step that save half of its handshake, as time"},
    {"multicast_step", MOE_FIELD_BETWEEN(MoeCollectiveFit, multicast_step_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "one step of NVLink SHARP (domain) or of a tree between domains (network)"},
    {"ring", MOE_FIELD_BETWEEN(MoeCollectiveFit, ring, MOE_DIM_NONE, 0.001, MAX_SHARE),
     .meaning = "share of the bulk bandwidth that rings reach"},
    {"tree", MOE_FIELD_BETWEEN(MoeCollectiveFit, tree, MOE_DIM_NONE, 0.001, MAX_SHARE),
     .meaning = "share of the bulk bandwidth that trees reach"},
    {"multicast", MOE_FIELD_BETWEEN(MoeCollectiveFit, multicast, MOE_DIM_NONE, 0.001, MAX_SHARE),
     .meaning = "share that NVLink SHARP (domain) or in-network reduction (network) reaches"},
    {"low_latency",
     MOE_FIELD_BETWEEN(MoeCollectiveFit, low_latency_bytes_per_s, MOE_DIM_BYTES_PER_S, 0, MAX_BYTES_PER_S),
     .meaning = "largest bus bandwidth of the low-latency protocol; 0: there is none"},
    {"domain_limit", MOE_FIELD_BETWEEN(MoeCollectiveFit, domain_bytes_per_s, MOE_DIM_BYTES_PER_S, 0, MAX_BYTES_PER_S),
     .meaning = "network: what one communicator moves out of a domain at most; 0: no limit"},
    {"exchange", MOE_FIELD_BETWEEN(MoeCollectiveFit, exchange_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "network: fixed time of an all-to-all besides its messages; 0: as step"},
    {"message", MOE_FIELD_BETWEEN(MoeCollectiveFit, message_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "port time of one message of an all-to-all besides its bytes"},
    {"send", MOE_FIELD_BETWEEN(MoeCollectiveFit, send_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "latency of one send and receive"},
    {"send_chunk", MOE_FIELD_BETWEEN(MoeCollectiveFit, send_chunk_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "as chunk, for sends"},
    {"send_window", MOE_FIELD_BETWEEN(MoeCollectiveFit, send_window_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "as window, for sends"},
    {"name", .kind = MOE_FIELD_TEXT, .own = TRUE, .meaning = "short name"},
    {"title", .kind = MOE_FIELD_TEXT, .own = TRUE, .meaning = "one line that describes it"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

static const MoeSection domain_fit_section = {"domain.collectives", fit_fields, &domain_fit};

static const MoeSection network_fit_section = {"network.collectives", fit_fields, &network_fit};

/* Of a file, which either place may name: defaults are those of the place. */
const MoeSection moe_fabric_section = {"collectives", fit_fields, NULL};

gboolean moe_collective_fit_read(const MoeNode *node, gboolean network, MoeCollectiveFit *fit, GError **error)
{
  *fit = network ? network_fit : domain_fit;
  return moe_node_read_fields(node, fit_fields, "collectives", fit, error);
}

/* Latency: NVLink 64 B on H800 (DeepSeek, ISCA 2025) is 3.33 us end to end with its kernel; one hop is about 1 us.
 * Efficiency: p2p 376 of 450 GB/s on H100 and 747 to 780 of 900 on GB200. */
static const MoeDomain domain_defaults = {.latency_s = 1e-6,
                                          .efficiency = 0.835,
                                          .oversubscription = 1,
                                          .extent = {1, 1, 1},
                                          .wrap = TRUE,
                                          .collectives = DOMAIN_FIT};

static const char *const domain_kinds[] = {"switch", "two-tier", "torus", NULL};

G_STATIC_ASSERT(sizeof(MoeDomainKind) == sizeof(int));

static const MoeField domain_topology_fields[] = {
    {"kind", MOE_FIELD_CHOICE(MoeDomain, kind, domain_kinds), .meaning = "how its GPUs are joined"},
    {"island", MOE_FIELD_COUNT(MoeDomain, island_gpus, 0, MAX_DOMAIN_GPUS),
     .meaning = "two-tier: GPUs below the first tier of one rack or node, a divisor of gpus"},
    {"oversubscription", MOE_FIELD_BETWEEN(MoeDomain, oversubscription, MOE_DIM_NONE, 1, MAX_OVERSUBSCRIPTION),
     .meaning = "two-tier: what an island's GPUs can send over what its links to the second tier carry"},
    {"latency", MOE_FIELD_BETWEEN(MoeDomain, far_latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .otherwise = "as domain.latency", .meaning = "two-tier: between islands, at least domain.latency"},
    {"x", MOE_FIELD_COUNT(MoeDomain, extent[0], 1, MAX_EXTENT), .meaning = "torus: GPUs along the first dimension"},
    {"y", MOE_FIELD_COUNT(MoeDomain, extent[1], 1, MAX_EXTENT), .meaning = "torus: along the second"},
    {"z", MOE_FIELD_COUNT(MoeDomain, extent[2], 1, MAX_EXTENT), .meaning = "torus: along the third; x y z is gpus"},
    {"dimensions", MOE_FIELD_COUNT(MoeDomain, dimensions, 0, MOE_MAX_DIMENSIONS),
     .otherwise = "as many as have more than one GPU",
     .meaning = "torus: dimensions that a GPU has two links for, which share its bandwidth equally"},
    {"wrap", MOE_FIELD_FLAG(MoeDomain, wrap), .meaning = "torus: the ends of a dimension are joined"},
    {NULL},
};

static const MoeSection domain_topology_section = {"domain.topology", domain_topology_fields, &domain_defaults};

static const MoeField domain_fields[] = {
    {"gpus", MOE_FIELD_COUNT(MoeDomain, gpus, 1, MAX_DOMAIN_GPUS), .required = TRUE,
     .meaning = "GPUs of a domain that runs use"},
    {"of", MOE_FIELD_COUNT(MoeDomain, of, 1, MAX_DOMAIN_GPUS), .otherwise = "as gpus",
     .meaning = "GPUs that are there"},
    {"bandwidth", MOE_FIELD_BETWEEN(MoeDomain, bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S), .required = TRUE,
     .meaning = "of one GPU, one direction, as specified"},
    {"latency", MOE_FIELD_BETWEEN(MoeDomain, latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS), .meaning = "of one hop"},
    {"efficiency", MOE_FIELD_BETWEEN(MoeDomain, efficiency, MOE_DIM_NONE, 0.001, 1),
     .meaning = "share of the bandwidth that bulk transfers reach"},
    {"all_to_all_efficiency", MOE_FIELD_BETWEEN(MoeDomain, all_to_all_efficiency, MOE_DIM_NONE, 0, 1),
     .meaning = "share that an all-to-all reaches; 0: as efficiency"},
    {"topology", MOE_FIELD_PART(domain_topology_section), .meaning = "one switch, two tiers of switches, a torus"},
    {"multicast", MOE_FIELD_FLAG(MoeDomain, multicast), .meaning = "the switch reduces and multicasts (NVLink SHARP)"},
    {"collectives", MOE_FIELD_PART_AT(MoeDomain, collectives, domain_fit_section), .folder = "clusters/fabrics",
     .meaning = "fitted constants of collectives in the domain"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_domain_section = {"domain", domain_fields, &domain_defaults};

static gboolean refuse_topology(const MoeNode *map, const char *key, GError **error, const char *what)
{
  const MoeNode *topology = moe_node_get(map, "topology"), *at = moe_node_get(topology, key);

  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(at ? at : topology), "%s", what);
}

static gboolean check_two_tier(const MoeNode *map, MoeDomain *domain, GError **error)
{
  if (domain->far_latency_s == 0)
    domain->far_latency_s = domain->latency_s;
  if (domain->island_gpus < 1)
    return refuse_topology(map, "kind", error,
                           "two tiers without domain.topology.island, expected the GPUs of one rack or node");
  if (domain->gpus % domain->island_gpus != 0)
    return refuse_topology(map, "island", error,
                           "domain.topology.island does not divide domain.gpus, expected the GPUs of one rack or node");
  return domain->far_latency_s >= domain->latency_s ||
         refuse_topology(map, "latency", error,
                         "domain.topology.latency is below domain.latency, expected at least as much: it contains it");
}

static gboolean check_torus(const MoeNode *map, MoeDomain *domain, GError **error)
{
  int64_t gpus = 1, spanned = 0;

  for (int i = 0; i < MOE_MAX_DIMENSIONS; i++) {
    gpus *= domain->extent[i];
    spanned = domain->extent[i] > 1 ? i + 1 : spanned;
  }
  if (domain->dimensions == 0)
    domain->dimensions = MAX(spanned, 1);
  if (gpus != domain->gpus)
    return refuse_topology(map, "x", error, "x times y times z is not domain.gpus, expected a torus of as many GPUs");
  if (domain->multicast)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(map, "multicast")),
                    "multicast in a torus, expected false: there is no switch");
  return domain->dimensions >= spanned ||
         refuse_topology(map, "dimensions", error,
                         "domain.topology.dimensions leaves out one that has more than one GPU, expected all of them");
}

static gboolean read_domain_topology(const MoeNode *map, MoeDomain *domain, GError **error)
{
  if (!moe_section_read(map, "topology", domain_topology_fields, "domain.topology", domain, error))
    return FALSE;
  switch (domain->kind) {
  case MOE_DOMAIN_TWO_TIER:
    return check_two_tier(map, domain, error);
  case MOE_DOMAIN_TORUS:
    return check_torus(map, domain, error);
  default:
    return TRUE;
  }
}

gboolean moe_domain_read(const MoeNode *node, MoeDomain *domain, GError **error)
{
  *domain = domain_defaults;
  if (!moe_node_read_fields(node, domain_fields, "domain", domain, error) ||
      !moe_section_read(node, "collectives", fit_fields, "domain.collectives", &domain->collectives, error) ||
      !read_domain_topology(node, domain, error))
    return FALSE;
  if (domain->of == 0)
    domain->of = domain->gpus;
  if (domain->of < domain->gpus)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "of")),
                    "domain.of is %" G_GINT64_FORMAT ", expected at least domain.gpus (%" G_GINT64_FORMAT ")",
                    domain->of, domain->gpus);
  return TRUE;
}

static const MoeHost host_defaults = {.cpu = "x86"};

static const MoeField host_fields[] = {
    {"gpus", MOE_FIELD_COUNT(MoeHost, gpus, 1, MAX_HOST_GPUS), .required = TRUE,
     .meaning = "GPUs of a host: no more than a domain has, or a multiple of those in use"},
    {"memory_link", MOE_FIELD_BETWEEN(MoeHost, memory_link_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S),
     .required = TRUE, .meaning = "GPU to host memory, one direction, per GPU, as measured"},
    {"cpu", MOE_FIELD_STRING(MoeHost, cpu), .meaning = "kind of CPU, which selects the stack's launch cost"},
    {"memory_bandwidth", MOE_FIELD_BETWEEN(MoeHost, memory_bytes_per_s, MOE_DIM_BYTES_PER_S, 0, MAX_BYTES_PER_S),
     .meaning = "host memory bandwidth that the host's GPUs share; 0: no limit"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_host_section = {"host", host_fields, &host_defaults};

gboolean moe_host_read(const MoeNode *node, MoeHost *host, GError **error)
{
  *host = host_defaults;
  return moe_node_read_fields(node, host_fields, "host", host, error);
}

/* ---- network ----------------------------------------------------------------------------------------------------- */

static const char *const network_kinds[] = {"infiniband", "roce", NULL};
static const char *const rdma_kinds[] = {"gpudirect", "staged", NULL};
static const char *const topology_kinds[] = {"fat-tree", NULL};
static const char *const routing_kinds[] = {"adaptive", "ecmp", "ecmp-queue-pairs", NULL};
static const char *const fault_kinds[] = {"nvlink", "nic",  "host", "leaf",   "rail",
                                          "plane",  "link", "gpu",  "island", NULL};

/* Word -> C enum, which the table reader fills as int. */
G_STATIC_ASSERT(sizeof(MoeNetworkKind) == sizeof(int) && sizeof(MoeRdmaKind) == sizeof(int));
G_STATIC_ASSERT(sizeof(MoeFaultKind) == sizeof(int) && sizeof(MoeRoutingKind) == sizeof(int));

/* Efficiency: 48 to 49 of 50 GB/s on ConnectX-7 (nccl-tests issue 267). Staged: about half of a NIC through host memory
 * (docs/model-network.md). */
static const MoeNetwork network_defaults = {.nics_per_gpu = 1,
                                            .tiers = 2,
                                            .planes = 1,
                                            .oversubscription = 1,
                                            .leaf_share = 1,
                                            .leaf_latency_s = LEAF_LATENCY_S,
                                            .spine_latency_s = SPINE_LATENCY_S,
                                            .efficiency = 0.97,
                                            .staged_bytes_per_s = 25e9,
                                            .collectives = NETWORK_FIT};

static const MoeField topology_fields[] = {
    {"kind", .kind = MOE_FIELD_WORD, .own = TRUE, .words = topology_kinds, .otherwise = "fat-tree",
     .meaning = "how switches are joined"},
    {"tiers", MOE_FIELD_COUNT(MoeNetwork, tiers, 1, 3), .meaning = "tiers of switches"},
    {"rails", MOE_FIELD_COUNT(MoeNetwork, rails, 0, MAX_RAILS),
     .meaning = "GPU i of a host hangs on rail i modulo so many; 0: not rail-optimized"},
    {"oversubscription", MOE_FIELD_BETWEEN(MoeNetwork, oversubscription, MOE_DIM_NONE, 1, MAX_OVERSUBSCRIPTION),
     .meaning = "capacity of a leaf downwards over that upwards"},
    {"routing", MOE_FIELD_CHOICE(MoeNetwork, routing, routing_kinds),
     .meaning = "how flows are spread over the ways between leaves"},
    {"path_share", MOE_FIELD_BETWEEN(MoeNetwork, path_share, MOE_DIM_NONE, 0.01, 1), .otherwise = "as routing reaches",
     .meaning = "share of the uplinks that flows so spread reach"},
    {"flows", MOE_FIELD_COUNT(MoeNetwork, flows, 0, MAX_FLOWS), .otherwise = "as measured over two hosts",
     .meaning = "ecmp: flows of a NIC at a time, connections x queue pairs, each hashed to an uplink of its own"},
    {"draw", MOE_FIELD_COUNT(MoeNetwork, draw, 0, MAX_INDEX),
     .meaning = "ecmp with flows: which hash; under assumptions with a range, the spread of what collisions cost"},
    {"planes", MOE_FIELD_COUNT(MoeNetwork, planes, 1, MAX_PLANES),
     .meaning = "planes of the network, each with a port of every NIC"},
    {"leaf_share", MOE_FIELD_BETWEEN(MoeNetwork, leaf_share, MOE_DIM_NONE, 0.01, 1),
     .meaning = "share of a leaf's ports that GPUs of this run have; another job's hosts stand below the same leaves"},
    {"leaf_gpus", MOE_FIELD_COUNT(MoeNetwork, leaf_gpus, 0, MAX_LEAF_GPUS),
     .meaning = "GPU ports below a leaf, per rail; 0: as a switch of 64 ports has"},
    {NULL},
};

static const MoeSection topology_section = {"network.topology", topology_fields, &network_defaults};

static const MoeField latency_fields[] = {
    {"host", MOE_FIELD_BETWEEN(MoeNetwork, host_latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "GPU to NIC and NIC to GPU together, beyond what the others contain"},
    {"leaf", MOE_FIELD_BETWEEN(MoeNetwork, leaf_latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "host to host below one leaf"},
    {"spine", MOE_FIELD_BETWEEN(MoeNetwork, spine_latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .meaning = "over a spine, at least leaf"},
    {"core", MOE_FIELD_BETWEEN(MoeNetwork, core_latency_s, MOE_DIM_SECONDS, 0, MAX_SECONDS),
     .otherwise = "spine and what a spine is beyond a leaf", .meaning = "over a third tier, at least spine"},
    {NULL},
};

static const MoeSection latency_section = {"network.latency", latency_fields, &network_defaults};

static const MoeField fault_fields[] = {
    {"what", MOE_FIELD_CHOICE(MoeFault, kind, fault_kinds), .required = TRUE, .meaning = "the part that is slow"},
    {"index", MOE_FIELD_COUNT(MoeFault, index, 0, MAX_INDEX), .required = TRUE, .meaning = "which one, from 0"},
    {"factor", MOE_FIELD_BETWEEN(MoeFault, factor, MOE_DIM_NONE, 0, 1), .required = TRUE,
     .meaning = "what is left of its rate; 0: failed (leaf, rail, plane, link)"},
    {NULL},
};

static const MoeSection fault_section = {"network.faults", fault_fields, NULL};

static char *print_faults(gconstpointer target)
{
  const MoeNetwork *network = target;
  GString *out = g_string_new("[");

  for (guint i = 0; i < network->n_faults; i++) {
    g_autofree char *fault = moe_section_print_flow(&fault_section, &network->faults[i]);

    g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", fault);
  }
  g_string_append_c(out, ']');
  return g_string_free(out, network->n_faults == 0);
}

static const MoeField network_fields[] = {
    {"nics_per_gpu", MOE_FIELD_BETWEEN(MoeNetwork, nics_per_gpu, MOE_DIM_NONE, 0.01, MAX_NICS_PER_GPU),
     .meaning = "NICs per GPU; below 1 GPUs share one"},
    {"nic", MOE_FIELD_BETWEEN(MoeNetwork, nic_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S), .required = TRUE,
     .meaning = "bandwidth of one NIC, one direction"},
    {"kind", MOE_FIELD_CHOICE(MoeNetwork, kind, network_kinds), .meaning = "what it is"},
    {"topology", MOE_FIELD_PART(topology_section), .meaning = "switches"},
    {"latency", MOE_FIELD_PART(latency_section), .meaning = "host to host, small messages"},
    {"efficiency", MOE_FIELD_BETWEEN(MoeNetwork, efficiency, MOE_DIM_NONE, 0.001, 1),
     .meaning = "share of the NIC rate that bulk transfers reach"},
    {"rdma", MOE_FIELD_CHOICE(MoeNetwork, rdma, rdma_kinds), .mechanism = "RDMA path",
     .meaning = "NICs read GPU memory themselves, or bytes go through host memory"},
    {"staged", MOE_FIELD_BETWEEN(MoeNetwork, staged_bytes_per_s, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S),
     .mechanism = "RDMA path", .meaning = "what goes through host memory, per GPU, one direction"},
    {"sharp", MOE_FIELD_FLAG(MoeNetwork, sharp), .meaning = "switches reduce (SHARP)"},
    {"collectives", MOE_FIELD_PART_AT(MoeNetwork, collectives, network_fit_section), .folder = "clusters/fabrics",
     .meaning = "fitted constants of collectives on the network"},
    {"faults", MOE_FIELD_PART(fault_section), .form = MOE_FORM_LIST, .print = print_faults,
     .meaning = "what is broken or slow, at most 64"},
    {"background", MOE_FIELD_BETWEEN(MoeNetwork, background, MOE_DIM_NONE, 0, MAX_BACKGROUND),
     .meaning = "share of the leaves' uplinks that other jobs take on average"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_network_section = {"network", network_fields, &network_defaults};

static gboolean read_fault(const MoeNode *node, MoeFault *fault, GError **error)
{
  if (!moe_node_read_fields(node, fault_fields, "network.faults", fault, error))
    return FALSE;
  fault->mark = moe_node_mark(node);
  if (fault->factor == 0 && (fault->kind <= MOE_FAULT_HOST || fault->kind >= MOE_FAULT_GPU))
    return moe_fail(error, MOE_ERROR_INPUT, fault->mark,
                    "factor 0 cuts a GPU off for good, expected a factor above 0 (only a leaf, rail, plane or link can "
                    "fail altogether)");
  return TRUE;
}

static gboolean read_faults(const MoeNode *list, MoeNetwork *network, GError **error)
{
  if (!list)
    return TRUE;
  if (!moe_node_expect(list, MOE_NODE_LIST, "network.faults", error))
    return FALSE;
  network->n_faults = moe_node_size(list);
  if (network->n_faults > MOE_MAX_FAULTS)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(list), "%u faults, expected at most %d", network->n_faults,
                    MOE_MAX_FAULTS);
  for (guint i = 0; i < network->n_faults; i++)
    if (!read_fault(moe_node_at(list, i), &network->faults[i], error))
      return FALSE;
  return TRUE;
}

/* One route contains the other: a longer one cannot be faster. */
static gboolean check_order(const MoeNode *latency, const char *key, double seconds, const char *inner,
                            double inner_seconds, GError **error)
{
  const MoeNode *at = moe_node_get(latency, key);

  if (seconds >= inner_seconds)
    return TRUE;
  if (!at)
    at = moe_node_get(latency, inner);
  return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(at ? at : latency),
                  "network.latency.%s is %.4g us, expected at least network.latency.%s (%.4g us), which it contains",
                  key, seconds * 1e6, inner, inner_seconds * 1e6);
}

static gboolean read_latency(const MoeNode *map, MoeNetwork *network, GError **error)
{
  const MoeNode *latency = moe_node_get(map, "latency");

  if (!moe_section_read(map, "latency", latency_fields, "network.latency", network, error))
    return FALSE;
  if (!latency || !moe_node_get(latency, "core"))
    network->core_latency_s = network->spine_latency_s + TIER_LATENCY_S;
  return !latency || (check_order(latency, "spine", network->spine_latency_s, "leaf", network->leaf_latency_s, error) &&
                      check_order(latency, "core", network->core_latency_s, "spine", network->spine_latency_s, error));
}

static gboolean read_topology(const MoeNode *map, MoeNetwork *network, GError **error)
{
  const MoeNode *topology = moe_node_get(map, "topology");
  const MoeNode *kind = topology ? moe_node_get(topology, "kind") : NULL;
  int word = 0;

  return moe_section_read(map, "topology", topology_fields, "network.topology", network, error) &&
         (!kind || moe_node_read_word(kind, topology_kinds, &word, error));
}

gboolean moe_network_read(const MoeNode *node, MoeNetwork *network, GError **error)
{
  *network = network_defaults;
  return moe_node_read_fields(node, network_fields, "network", network, error) && read_topology(node, network, error) &&
         read_latency(node, network, error) &&
         moe_section_read(node, "collectives", fit_fields, "network.collectives", &network->collectives, error) &&
         read_faults(moe_node_get(node, "faults"), network, error);
}
