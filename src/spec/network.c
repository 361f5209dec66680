/* Readers of the machine's links (cluster sections domain, host, network) and of a stack's collectives. */
#include <moesim/spec_network.h>

#include <stddef.h>

/* Host to host, 64 B, InfiniBand NDR: below one leaf, over a spine (DeepSeek, ISCA 2025). A third tier is two more
 * switches, as the spine is over the leaf. */
#define LEAF_LATENCY_S  2.8e-6
#define SPINE_LATENCY_S 3.7e-6
#define TIER_LATENCY_S  (SPINE_LATENCY_S - LEAF_LATENCY_S)

/* Defaults of MoeCollectiveFit where a cluster gives none. Steps and LL limits are NCCL's tuning constants for Hopper
 * (hw latency of ring and tree, Simple protocol; nccl/src/graph/tuning.cc); the floors are nccl-tests at 8 B (8 x
 * H100 13.7 us less 14 LL steps; two hosts 47.5 us less theirs); shares are the medians of the fits in
 * docs/model-network.md. */
static const MoeCollectiveFit domain_fit = {.generation = MOE_HOPPER,
                                            .floor_s = 6.6e-6,
                                            .path_s = 1e-6,
                                            .step_s = 3.4e-6,
                                            .low_latency_step_s = 0.6e-6,
                                            .chunk_s = 1e-6,
                                            .window_s = 10e-3,
                                            .multicast_step_s = 6e-6,
                                            .ring = 0.97,
                                            .tree = 0.85,
                                            .multicast = 0.8,
                                            .low_latency_bytes_per_s = 141e9,
                                            .message_s = 0.1e-6,
                                            .send_s = 6.3e-6,
                                            .send_chunk_s = 5e-6,
                                            .send_window_s = 10e-3};
static const MoeCollectiveFit network_fit = {.floor_s = 20e-6,
                                             .path_s = LEAF_LATENCY_S,
                                             .step_s = 14e-6,
                                             .low_latency_step_s = 5e-6,
                                             .chunk_s = 25e-6,
                                             .window_s = 50e-6,
                                             .hide_s = 30e-6,
                                             .multicast_step_s = 20.9e-6,
                                             .ring = 0.97,
                                             .tree = 0.97,
                                             .multicast = 0.97,
                                             .low_latency_bytes_per_s = 35e9,
                                             .message_s = 0.4e-6,
                                             .send_s = 20e-6,
                                             .send_chunk_s = 180e-6,
                                             .send_window_s = 150e-6};

/* Largest share of the bulk rate a fitted algorithm may reach: bulk rates are medians themselves. */
#define MAX_SHARE 1.5
/* Ceilings that no machine of today comes near; they catch slipped digits. */
#define MAX_DOMAIN_GPUS      65536
#define MAX_HOST_GPUS        1024
#define MAX_RAILS            1024
#define MAX_PLANES           64
#define MAX_BACKGROUND       0.99
#define MAX_NICS_PER_GPU     64
#define MAX_OVERSUBSCRIPTION 64
#define MAX_LEAF_GPUS        65536
#define MAX_INDEX            1e9
#define MAX_SMS              1024
#define MAX_SECONDS          1.0
#define MAX_BYTES_PER_S      1e18

#define SECONDS(key, member)                                                                                           \
  {                                                                                                                    \
    key, MOE_FIELD_QUANTITY, offsetof(MoeCollectiveFit, member), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS                \
  }
#define SHARE(key, member)                                                                                             \
  {                                                                                                                    \
    key, MOE_FIELD_QUANTITY, offsetof(MoeCollectiveFit, member), FALSE, MOE_DIM_NONE, 0.001, MAX_SHARE                 \
  }

static const char *const generations[] = {"ampere", "hopper", "blackwell", NULL};

static const char *const tuners[] = {"nccl", "plugin", NULL};

G_STATIC_ASSERT(sizeof(MoeGeneration) == sizeof(int) && sizeof(MoeTunerKind) == sizeof(int));

static const MoeField fit_fields[] = {
    {"generation", MOE_FIELD_WORD, offsetof(MoeCollectiveFit, generation), FALSE, .words = generations},
    {"tuner", MOE_FIELD_WORD, offsetof(MoeCollectiveFit, tuner), FALSE, .words = tuners},
    SECONDS("floor", floor_s),
    SECONDS("path", path_s),
    SECONDS("step", step_s),
    SECONDS("low_latency_step", low_latency_step_s),
    SECONDS("chunk", chunk_s),
    SECONDS("window", window_s),
    SECONDS("hide", hide_s),
    SECONDS("multicast_step", multicast_step_s),
    SHARE("ring", ring),
    SHARE("tree", tree),
    SHARE("multicast", multicast),
    {"low_latency", MOE_FIELD_QUANTITY, offsetof(MoeCollectiveFit, low_latency_bytes_per_s), FALSE, MOE_DIM_BYTES_PER_S,
     0, MAX_BYTES_PER_S},
    {"domain_limit", MOE_FIELD_QUANTITY, offsetof(MoeCollectiveFit, domain_bytes_per_s), FALSE, MOE_DIM_BYTES_PER_S, 0,
     MAX_BYTES_PER_S},
    SECONDS("message", message_s),
    SECONDS("send", send_s),
    SECONDS("send_chunk", send_chunk_s),
    SECONDS("send_window", send_window_s),
    {"name", MOE_FIELD_IGNORE},
    {"title", MOE_FIELD_IGNORE},
    {"source", MOE_FIELD_IGNORE},
    {NULL},
};

gboolean moe_collective_fit_read(const MoeNode *node, gboolean network, MoeCollectiveFit *fit, GError **error)
{
  *fit = network ? network_fit : domain_fit;
  return moe_node_read_fields(node, fit_fields, "collectives", fit, error);
}

/* Reads map[key], when present, by `fields` into `target`. */
static gboolean read_section(const MoeNode *map, const char *key, const MoeField *fields, const char *what,
                             gpointer target, GError **error)
{
  const MoeNode *node = moe_node_get(map, key);

  return !node || moe_node_read_fields(node, fields, what, target, error);
}

static const MoeField domain_fields[] = {
    {"gpus", MOE_FIELD_INT, offsetof(MoeDomain, gpus), TRUE, MOE_DIM_NONE, 1, MAX_DOMAIN_GPUS},
    {"of", MOE_FIELD_INT, offsetof(MoeDomain, of), FALSE, MOE_DIM_NONE, 1, MAX_DOMAIN_GPUS},
    {"bandwidth", MOE_FIELD_QUANTITY, offsetof(MoeDomain, bytes_per_s), TRUE, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S},
    {"latency", MOE_FIELD_QUANTITY, offsetof(MoeDomain, latency_s), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS},
    {"efficiency", MOE_FIELD_QUANTITY, offsetof(MoeDomain, efficiency), FALSE, MOE_DIM_NONE, 0.001, 1},
    {"all_to_all_efficiency", MOE_FIELD_QUANTITY, offsetof(MoeDomain, all_to_all_efficiency), FALSE, MOE_DIM_NONE, 0,
     1},
    {"multicast", MOE_FIELD_BOOL, offsetof(MoeDomain, multicast)},
    {"collectives", MOE_FIELD_IGNORE},
    {"source", MOE_FIELD_IGNORE},
    {NULL},
};

gboolean moe_domain_read(const MoeNode *node, MoeDomain *domain, GError **error)
{
  /* Latency: NVLink 64 B on H800 (DeepSeek, ISCA 2025) is 3.33 us end to end with its kernel; one hop is about 1 us.
   * Efficiency: p2p 376 of 450 GB/s on H100 and 747 to 780 of 900 on GB200. */
  *domain = (MoeDomain){.latency_s = 1e-6, .efficiency = 0.835, .collectives = domain_fit};
  if (!moe_node_read_fields(node, domain_fields, "domain", domain, error) ||
      !read_section(node, "collectives", fit_fields, "domain.collectives", &domain->collectives, error))
    return FALSE;
  if (domain->of == 0)
    domain->of = domain->gpus;
  if (domain->of < domain->gpus)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "of")),
                    "domain.of is %" G_GINT64_FORMAT ", expected at least domain.gpus (%" G_GINT64_FORMAT ")",
                    domain->of, domain->gpus);
  return TRUE;
}

static const MoeField host_fields[] = {
    {"gpus", MOE_FIELD_INT, offsetof(MoeHost, gpus), TRUE, MOE_DIM_NONE, 1, MAX_HOST_GPUS},
    {"memory_link", MOE_FIELD_QUANTITY, offsetof(MoeHost, memory_link_bytes_per_s), TRUE, MOE_DIM_BYTES_PER_S, 1,
     MAX_BYTES_PER_S},
    {"cpu", MOE_FIELD_TEXT, offsetof(MoeHost, cpu)},
    {"memory_bandwidth", MOE_FIELD_QUANTITY, offsetof(MoeHost, memory_bytes_per_s), FALSE, MOE_DIM_BYTES_PER_S, 0,
     MAX_BYTES_PER_S},
    {"source", MOE_FIELD_IGNORE},
    {NULL},
};

gboolean moe_host_read(const MoeNode *node, MoeHost *host, GError **error)
{
  *host = (MoeHost){.cpu = "x86"};
  return moe_node_read_fields(node, host_fields, "host", host, error);
}

/* ---- network ----------------------------------------------------------------------------------------------------- */

static const char *const network_kinds[] = {"infiniband", "roce", NULL};
static const char *const rdma_kinds[] = {"gpudirect", "staged", NULL};
static const char *const topology_kinds[] = {"fat-tree", NULL};
static const char *const routing_kinds[] = {"adaptive", "ecmp", "ecmp-queue-pairs", NULL};
static const char *const fault_kinds[] = {"nvlink", "nic", "host", "leaf", "rail", "plane", "link", "gpu", NULL};

static const MoeField network_fields[] = {
    {"nics_per_gpu", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, nics_per_gpu), FALSE, MOE_DIM_NONE, 0.01,
     MAX_NICS_PER_GPU},
    {"nic", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, nic_bytes_per_s), TRUE, MOE_DIM_BYTES_PER_S, 1, MAX_BYTES_PER_S},
    {"kind", MOE_FIELD_WORD, offsetof(MoeNetwork, kind), FALSE, .words = network_kinds},
    {"topology", MOE_FIELD_IGNORE},
    {"latency", MOE_FIELD_IGNORE},
    {"efficiency", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, efficiency), FALSE, MOE_DIM_NONE, 0.001, 1},
    {"rdma", MOE_FIELD_WORD, offsetof(MoeNetwork, rdma), FALSE, .words = rdma_kinds},
    {"staged", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, staged_bytes_per_s), FALSE, MOE_DIM_BYTES_PER_S, 1,
     MAX_BYTES_PER_S},
    {"sharp", MOE_FIELD_BOOL, offsetof(MoeNetwork, sharp)},
    {"collectives", MOE_FIELD_IGNORE},
    {"faults", MOE_FIELD_IGNORE},
    {"background", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, background), FALSE, MOE_DIM_NONE, 0, MAX_BACKGROUND},
    {"source", MOE_FIELD_IGNORE},
    {NULL},
};

typedef struct {
  MoeNetwork network;
  int kind;
} Topology;

static const MoeField topology_fields[] = {
    {"kind", MOE_FIELD_WORD, offsetof(Topology, kind), FALSE, .words = topology_kinds},
    {"tiers", MOE_FIELD_INT, offsetof(Topology, network.tiers), FALSE, MOE_DIM_NONE, 1, 3},
    {"rails", MOE_FIELD_INT, offsetof(Topology, network.rails), FALSE, MOE_DIM_NONE, 0, MAX_RAILS},
    {"oversubscription", MOE_FIELD_QUANTITY, offsetof(Topology, network.oversubscription), FALSE, MOE_DIM_NONE, 1,
     MAX_OVERSUBSCRIPTION},
    {"routing", MOE_FIELD_WORD, offsetof(Topology, network.routing), FALSE, .words = routing_kinds},
    {"path_share", MOE_FIELD_QUANTITY, offsetof(Topology, network.path_share), FALSE, MOE_DIM_NONE, 0.01, 1},
    {"planes", MOE_FIELD_INT, offsetof(Topology, network.planes), FALSE, MOE_DIM_NONE, 1, MAX_PLANES},
    {"leaf_gpus", MOE_FIELD_INT, offsetof(Topology, network.leaf_gpus), FALSE, MOE_DIM_NONE, 0, MAX_LEAF_GPUS},
    {NULL},
};

static const MoeField latency_fields[] = {
    {"host", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, host_latency_s), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS},
    {"leaf", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, leaf_latency_s), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS},
    {"spine", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, spine_latency_s), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS},
    {"core", MOE_FIELD_QUANTITY, offsetof(MoeNetwork, core_latency_s), FALSE, MOE_DIM_SECONDS, 0, MAX_SECONDS},
    {NULL},
};

/* Word -> C enum, which the table reader fills as int. */
G_STATIC_ASSERT(sizeof(MoeNetworkKind) == sizeof(int) && sizeof(MoeRdmaKind) == sizeof(int));
G_STATIC_ASSERT(sizeof(MoeFaultKind) == sizeof(int) && sizeof(MoeRoutingKind) == sizeof(int));

static const MoeField fault_fields[] = {
    {"what", MOE_FIELD_WORD, offsetof(MoeFault, kind), TRUE, .words = fault_kinds},
    {"index", MOE_FIELD_INT, offsetof(MoeFault, index), TRUE, MOE_DIM_NONE, 0, MAX_INDEX},
    {"factor", MOE_FIELD_QUANTITY, offsetof(MoeFault, factor), TRUE, MOE_DIM_NONE, 0, 1},
    {NULL},
};

static gboolean read_fault(const MoeNode *node, MoeFault *fault, GError **error)
{
  if (!moe_node_read_fields(node, fault_fields, "network.faults", fault, error))
    return FALSE;
  fault->mark = moe_node_mark(node);
  if (fault->factor == 0 && (fault->kind <= MOE_FAULT_HOST || fault->kind == MOE_FAULT_GPU))
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

  if (!read_section(map, "latency", latency_fields, "network.latency", network, error))
    return FALSE;
  if (!latency || !moe_node_get(latency, "core"))
    network->core_latency_s = network->spine_latency_s + TIER_LATENCY_S;
  return !latency || (check_order(latency, "spine", network->spine_latency_s, "leaf", network->leaf_latency_s, error) &&
                      check_order(latency, "core", network->core_latency_s, "spine", network->spine_latency_s, error));
}

gboolean moe_network_read(const MoeNode *node, MoeNetwork *network, GError **error)
{
  /* Efficiency: 48 to 49 of 50 GB/s on ConnectX-7 (nccl-tests issue 267). Staged: about half of a NIC through host
   * memory (docs/model-network.md). */
  Topology top = {.network = {.nics_per_gpu = 1,
                              .tiers = 2,
                              .planes = 1,
                              .oversubscription = 1,
                              .leaf_latency_s = LEAF_LATENCY_S,
                              .spine_latency_s = SPINE_LATENCY_S,
                              .efficiency = 0.97,
                              .staged_bytes_per_s = 25e9,
                              .collectives = network_fit}};

  if (!moe_node_read_fields(node, network_fields, "network", &top.network, error) ||
      !read_section(node, "topology", topology_fields, "network.topology", &top, error) ||
      !read_latency(node, &top.network, error) ||
      !read_section(node, "collectives", fit_fields, "network.collectives", &top.network.collectives, error) ||
      !read_faults(moe_node_get(node, "faults"), &top.network, error))
    return FALSE;
  *network = top.network;
  return TRUE;
}

/* ---- stack ------------------------------------------------------------------------------------------------------- */

static const MoeField stack_fields[] = {
    {"nvls", MOE_FIELD_BOOL, offsetof(MoeStackCollectives, nvls)},
    {"sharp", MOE_FIELD_BOOL, offsetof(MoeStackCollectives, sharp)},
    {"deterministic", MOE_FIELD_BOOL, offsetof(MoeStackCollectives, deterministic)},
    {"hierarchical", MOE_FIELD_BOOL, offsetof(MoeStackCollectives, hierarchical)},
    {"deduplicate", MOE_FIELD_BOOL, offsetof(MoeStackCollectives, deduplicate)},
    {"expert_library", MOE_FIELD_IGNORE},
    {"nccl", MOE_FIELD_IGNORE},
    {"communicators", MOE_FIELD_IGNORE},
    {"sms", MOE_FIELD_IGNORE},
    {"source", MOE_FIELD_IGNORE},
    {NULL},
};

static const MoeField sms_fields[] = {
    {"collective", MOE_FIELD_INT, offsetof(MoeStackCollectives, sms_collective), FALSE, MOE_DIM_NONE, 0, MAX_SMS},
    {"expert", MOE_FIELD_INT, offsetof(MoeStackCollectives, sms_expert), FALSE, MOE_DIM_NONE, 0, MAX_SMS},
    {"p2p", MOE_FIELD_INT, offsetof(MoeStackCollectives, sms_p2p), FALSE, MOE_DIM_NONE, 0, MAX_SMS},
    {NULL},
};

static gboolean read_expert_library(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "expert_library");
  const char *const *names = moe_expert_library_names();
  int word = 0;

  if (node && !moe_node_read_word(node, names, &word, error))
    return FALSE;
  collectives->library = moe_expert_library(node ? names[word] : NULL);
  collectives->expert_library = collectives->library->name;
  collectives->deduplicate = collectives->library->deduplicates;
  return TRUE;
}

/* How the software builds the communicators of data-parallel groups; `hierarchical` is the older key and prevails. */
static gboolean read_communicators(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  static const char *const words[] = {"flat", "two-level", NULL};
  const MoeNode *node = moe_node_get(map, "communicators");
  int word = 0;

  if (node && !moe_node_read_word(node, words, &word, error))
    return FALSE;
  collectives->hierarchical = word == 1;
  return TRUE;
}

/* "2.27.3" or "2.27" -> 22703 or 22700. */
static gboolean read_nccl(const MoeNode *map, MoeStackCollectives *collectives, GError **error)
{
  const MoeNode *node = moe_node_get(map, "nccl");
  g_auto(GStrv) parts = NULL;
  guint64 number[3] = {0};

  if (!node)
    return TRUE;
  const char *text = moe_node_text(node);
  gboolean good = text != NULL;

  parts = g_strsplit(text ? text : "", ".", 4);
  guint n = g_strv_length(parts);
  for (guint i = 0; i < MIN(n, 3); i++)
    good = good && g_ascii_string_to_unsigned(parts[i], 10, 0, 99, &number[i], NULL);
  if (!good || n < 2 || n > 3)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(node),
                    "nccl is \"%s\", expected the version of NCCL as in \"2.27.3\"", text ? text : "not a text");
  collectives->nccl = (int64_t)(number[0] * 10000 + number[1] * 100 + number[2]);
  return TRUE;
}

gboolean moe_stack_collectives_read(const MoeNode *node, MoeStackCollectives *collectives, GError **error)
{
  /* SMs: NCCL takes 16 channels of one SM each for rings on Hopper and Blackwell, DeepSeek-V3 took 20 for expert
   * traffic (ISCA 2025), NCCL sends take 2 to 4. */
  *collectives = (MoeStackCollectives){
      .nvls = TRUE, .nccl = MOE_NCCL_DEFAULT, .sms_collective = 16, .sms_expert = 20, .sms_p2p = 2};
  return moe_node_expect(node, MOE_NODE_MAP, "collectives", error) && read_expert_library(node, collectives, error) &&
         read_nccl(node, collectives, error) && read_communicators(node, collectives, error) &&
         moe_node_read_fields(node, stack_fields, "collectives", collectives, error) &&
         read_section(node, "sms", sms_fields, "collectives.sms", collectives, error);
}
