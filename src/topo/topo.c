/* The graph of resources: who hangs where, and what each port carries. */
#include "internal.h"

#include <math.h>

/* Ports of one switch: Quantum-2 and Spectrum-4 at 400 Gbit/s have 64 (NVIDIA data sheets). */
#define SWITCH_PORTS 64
/* Leaves below one group of spines in a three-tier tree of such switches, half the ports facing up. */
#define POD_LEAVES (SWITCH_PORTS / 2)

int64_t moe_topo_leaf_ports(const MoeNetwork *network)
{
  double down = SWITCH_PORTS * network->oversubscription / (1 + network->oversubscription);

  if (network->leaf_gpus > 0)
    return network->leaf_gpus;
  return MAX(1, (int64_t)floor(down / network->nics_per_gpu));
}

/* Share of a leaf's ports that this run has; all where nothing is said. */
static double own_share(const MoeNetwork *network)
{
  return network->leaf_share > 0 ? network->leaf_share : 1;
}

/* Of those, the GPUs of this run. */
static int64_t own_ports(const MoeNetwork *network)
{
  return MAX(1, (int64_t)floor((double)moe_topo_leaf_ports(network) * own_share(network)));
}

static void place(MoeTopo *topo)
{
  const MoeNetwork *network = &topo->cluster->network;
  int64_t hosts = moe_ceil_div(topo->gpus, topo->cluster->host.gpus);

  topo->planes = MAX(network->planes, 1);
  topo->rails = network->rails > 0 ? MIN(network->rails, topo->cluster->host.gpus) : 1;
  topo->per_rail = moe_ceil_div(topo->cluster->host.gpus, topo->rails);
  topo->leaf_gpus = network->tiers == 1 ? G_MAXINT32 : own_ports(network);
  topo->leaves = moe_ceil_div(hosts * topo->per_rail, topo->leaf_gpus) * topo->rails;
  if (topo->cluster->domain.kind == MOE_DOMAIN_TWO_TIER)
    topo->islands = moe_ceil_div(topo->gpus, topo->cluster->domain.island_gpus);
  topo->pod_leaves = network->tiers == 3 ? POD_LEAVES : G_MAXINT64;
}

/* GPU to host memory: the link, or the GPU's share of the host's memory bandwidth. */
static double host_bytes_per_s(const MoeHost *host)
{
  if (host->memory_bytes_per_s > 0)
    return MIN(host->memory_link_bytes_per_s, host->memory_bytes_per_s / (double)host->gpus);
  return host->memory_link_bytes_per_s;
}

double moe_topo_port_bytes_per_s(const MoeTopo *topo, MoePort port)
{
  const MoeCluster *cluster = topo->cluster;

  switch (port) {
  case MOE_PORT_NVLINK_OUT:
  case MOE_PORT_NVLINK_IN:
    return cluster->domain.bytes_per_s * cluster->domain.efficiency;
  case MOE_PORT_NIC_OUT:
  case MOE_PORT_NIC_IN:
    return cluster->network.nic_bytes_per_s * cluster->network.nics_per_gpu * cluster->network.efficiency;
  default:
    return host_bytes_per_s(&cluster->host);
  }
}

int64_t moe_topo_below_leaf(const MoeTopo *topo, int64_t ports)
{
  return own_share(&topo->cluster->network) < 1 ? ports : MIN(ports, moe_ceil_div(topo->gpus, topo->rails));
}

/* What the uplinks of one full leaf carry: the NICs below it, of this run and of others, over the oversubscription. */
static double leaf_bytes_per_s(const MoeTopo *topo)
{
  const MoeNetwork *network = &topo->cluster->network;
  int64_t ports = network->tiers == 1 ? G_MAXINT32 : moe_topo_leaf_ports(network);
  int64_t below = moe_topo_below_leaf(topo, ports);

  return (double)below * moe_topo_port_bytes_per_s(topo, MOE_PORT_NIC_OUT) / topo->cluster->network.oversubscription;
}

double moe_topo_leaf_bytes_per_s(const MoeTopo *topo)
{
  return leaf_bytes_per_s(topo) * (1 - topo->cluster->network.background);
}

static void fill_capacities(MoeTopo *topo)
{
  double leaf = moe_topo_leaf_bytes_per_s(topo), rate[MOE_N_PORTS];

  for (int port = 0; port < MOE_N_PORTS; port++)
    rate[port] = moe_topo_port_bytes_per_s(topo, (MoePort)port);
  topo->n_resources = moe_topo_first_way(topo) + (guint)(2 * topo->leaves) + moe_topo_count_domain_ways(topo);
  topo->capacity = g_new(double, topo->n_resources);
  for (int64_t gpu = 0; gpu < topo->gpus; gpu++)
    memcpy(&topo->capacity[moe_topo_port(gpu, (MoePort)0)], rate, sizeof rate);
  for (int64_t i = 0; i < 2 * topo->leaves; i++)
    topo->capacity[topo->gpus * MOE_N_PORTS + i] = leaf * moe_topo_path_share(topo, i);
  moe_topo_fill_domain_ways(topo);
}

static gboolean apply_degradations(MoeTopo *topo, guint n, const MoeDegradation *degradations, GError **error)
{
  for (guint i = 0; i < n; i++) {
    const MoeDegradation *change = &degradations[i];

    if (change->resource >= topo->n_resources || !(change->factor > 0 && change->factor <= 1))
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "degradation of resource %u by factor %g, expected a resource below %u and a factor in (0, 1]",
                      change->resource, change->factor, topo->n_resources);
    topo->capacity[change->resource] *= change->factor;
  }
  return TRUE;
}

/* What the NICs below a leaf send together at most. */
static double below_leaf(const MoeTopo *topo, int64_t leaf)
{
  double sum = 0;

  for (int64_t gpu = 0; gpu < topo->gpus; gpu++)
    if (moe_topo_leaf(topo, gpu) == leaf)
      sum += topo->capacity[moe_topo_port(gpu, MOE_PORT_NIC_OUT)];
  return sum;
}

/* Whether an uplink can be the limit: oversubscribed, or degraded below what hangs on it. */
static gboolean find_leaves_matter(const MoeTopo *topo)
{
  double full = leaf_bytes_per_s(topo);

  if (topo->cluster->network.oversubscription > 1)
    return TRUE;
  for (int64_t leaf = 0; leaf < topo->leaves; leaf++) {
    double least = MIN(topo->capacity[moe_topo_leaf_up(topo, leaf)], topo->capacity[moe_topo_leaf_down(topo, leaf)]);

    if (least < full && least < below_leaf(topo, leaf) * (1 - MOE_TOPO_ROUNDING))
      return TRUE;
  }
  return FALSE;
}

MoeTopo *moe_topo_new(const MoeCluster *cluster, int64_t gpus, guint n_degradations, const MoeDegradation *degradations,
                      GError **error)
{
  g_autoptr(MoeTopo) topo = g_new0(MoeTopo, 1);

  g_assert(gpus >= 1 && gpus <= (G_MAXINT32 / (2 * MOE_N_PORTS)));
  topo->cluster = cluster;
  topo->gpus = gpus;
  place(topo);
  fill_capacities(topo);
  if (!moe_topo_apply_faults(topo, error) || !apply_degradations(topo, n_degradations, degradations, error))
    return NULL;
  topo->leaves_matter = find_leaves_matter(topo);
  topo->islands_matter = moe_topo_find_islands_matter(topo);
  return g_steal_pointer(&topo);
}

void moe_topo_free(MoeTopo *topo)
{
  if (!topo)
    return;
  g_free(topo->capacity);
  g_free(topo);
}

/* ---- where a GPU hangs ------------------------------------------------------------------------------------------- */

const MoeCluster *moe_topo_cluster(const MoeTopo *topo)
{
  return topo->cluster;
}
int64_t moe_topo_gpus(const MoeTopo *topo)
{
  return topo->gpus;
}
int64_t moe_topo_domain(const MoeTopo *topo, int64_t gpu)
{
  return gpu / topo->cluster->domain.gpus;
}
int64_t moe_topo_host(const MoeTopo *topo, int64_t gpu)
{
  return gpu / topo->cluster->host.gpus;
}

int64_t moe_topo_rail(const MoeTopo *topo, int64_t gpu)
{
  return gpu % topo->cluster->host.gpus % topo->rails;
}

int64_t moe_topo_leaf(const MoeTopo *topo, int64_t gpu)
{
  int64_t local = gpu % topo->cluster->host.gpus;
  int64_t on_rail = moe_topo_host(topo, gpu) * topo->per_rail + local / topo->rails;

  return on_rail / topo->leaf_gpus * topo->rails + local % topo->rails;
}

/* A number of GPUs in which there is room for all of them when it is larger. */
static uint32_t at_most_all(int64_t gpus)
{
  return (uint32_t)MIN(gpus, G_MAXINT32);
}

void moe_topo_sites(const MoeTopo *topo, guint n, uint32_t *domain, uint32_t *host, uint32_t *leaf)
{
  uint32_t domain_gpus = at_most_all(topo->cluster->domain.gpus), host_gpus = at_most_all(topo->cluster->host.gpus);
  uint32_t rails = at_most_all(topo->rails), per_rail = at_most_all(topo->per_rail);
  uint32_t leaf_gpus = at_most_all(topo->leaf_gpus);
  uint32_t d = 0, in_domain = 0, h = 0, local = 0, rail = 0, on_rail = 0;

  for (guint gpu = 0; gpu < n; gpu++) {
    domain[gpu] = d;
    host[gpu] = h;
    leaf[gpu] = on_rail / leaf_gpus * rails + rail;
    if (++in_domain == domain_gpus) {
      in_domain = 0;
      d++;
    }
    if (++rail == rails) {
      rail = 0;
      on_rail++;
    }
    if (++local == host_gpus) {
      local = rail = 0;
      on_rail = ++h * per_rail;
    }
  }
}

MoeReach moe_topo_reach(const MoeTopo *topo, int64_t a, int64_t b)
{
  int64_t leaf_a = moe_topo_leaf(topo, a), leaf_b = moe_topo_leaf(topo, b);

  if (a == b)
    return MOE_REACH_SELF;
  if (moe_topo_domain(topo, a) == moe_topo_domain(topo, b))
    return MOE_REACH_DOMAIN;
  if (leaf_a == leaf_b)
    return MOE_REACH_LEAF;
  return leaf_a / topo->rails / topo->pod_leaves == leaf_b / topo->rails / topo->pod_leaves ? MOE_REACH_SPINE
                                                                                            : MOE_REACH_CORE;
}

double moe_topo_latency(const MoeTopo *topo, MoeReach reach)
{
  const MoeNetwork *network = &topo->cluster->network;

  switch (reach) {
  case MOE_REACH_SELF:
    return 0;
  case MOE_REACH_DOMAIN:
    return topo->cluster->domain.latency_s;
  case MOE_REACH_LEAF:
    return network->host_latency_s + network->leaf_latency_s;
  case MOE_REACH_SPINE:
    return network->host_latency_s + network->spine_latency_s;
  default:
    return network->host_latency_s + network->core_latency_s;
  }
}

/* ---- resources --------------------------------------------------------------------------------------------------- */

guint moe_topo_n_resources(const MoeTopo *topo)
{
  return topo->n_resources;
}
const double *moe_topo_capacities(const MoeTopo *topo)
{
  return topo->capacity;
}
int64_t moe_topo_n_leaves(const MoeTopo *topo)
{
  return topo->leaves;
}
gboolean moe_topo_leaves_matter(const MoeTopo *topo)
{
  return topo->leaves_matter;
}

void moe_topo_count_leaves(MoeTopo *topo)
{
  topo->leaves_matter = topo->cluster->network.tiers > 1;
  topo->islands_matter = topo->islands > 0;
}

gboolean moe_topo_uniform(const MoeTopo *topo)
{
  for (int64_t i = MOE_N_PORTS; i < topo->gpus * MOE_N_PORTS; i++)
    if (topo->capacity[i] != topo->capacity[i - MOE_N_PORTS])
      return FALSE;
  return TRUE;
}

guint moe_topo_leaf_up(const MoeTopo *topo, int64_t leaf)
{
  return (guint)(topo->gpus * MOE_N_PORTS + 2 * leaf);
}
guint moe_topo_leaf_down(const MoeTopo *topo, int64_t leaf)
{
  return moe_topo_leaf_up(topo, leaf) + 1;
}

char *moe_topo_resource_name(const MoeTopo *topo, guint resource)
{
  static const char *const words[MOE_N_PORTS] = {"NVLink out", "NVLink in", "NIC out", "NIC in", "host out", "host in"};
  guint first_leaf = moe_topo_leaf_up(topo, 0);

  g_assert(resource < topo->n_resources);
  if (resource < first_leaf)
    return g_strdup_printf("GPU %u %s", resource / MOE_N_PORTS, words[resource % MOE_N_PORTS]);
  MoeWay way = moe_topo_way_kind(topo, resource);
  guint at = resource - first_leaf, first_domain = (guint)(2 * topo->leaves);
  if (way <= MOE_WAY_LEAF_DOWN)
    return g_strdup_printf("leaf %u %s", at / 2, at % 2 ? "down" : "up");
  if (way <= MOE_WAY_ISLAND_DOWN)
    return g_strdup_printf("island %u %s", (at - first_domain) / 2, at % 2 ? "down" : "up");
  return g_strdup_printf("GPU %u links along %c", (at - first_domain) / MOE_MAX_DIMENSIONS,
                         'x' + (int)(way - MOE_WAY_X));
}
