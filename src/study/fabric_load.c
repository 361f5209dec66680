/* Loads of links in one step, counted by a simulation in full. */
#include "study/fabric_load.h"

#include "prepared.h"

#include <stdlib.h>

const char *const moe_tier_words[] = {"NVLink", "NIC", "leaf", "host link", "second tier", "torus", NULL};

static const char *const group_names[] = {
    "tensor",      "context",        "data",         "expert",         "expert tensor",
    "expert data", "data shard",     "data replica", "expert shard",   "expert replica",
    "embedding",   "pipeline group", "world",        "tensor context", "stage",
};
G_STATIC_ASSERT(G_N_ELEMENTS(group_names) == MOE_N_GROUPS);

static MoeTier tier_of(const MoeTopo *topo, guint resource)
{
  static const MoeTier tiers[MOE_N_PORTS] = {MOE_TIER_NVLINK, MOE_TIER_NVLINK, MOE_TIER_NIC,
                                             MOE_TIER_NIC,    MOE_TIER_HOST,   MOE_TIER_HOST};

  if (resource < moe_topo_first_way(topo))
    return tiers[resource % MOE_N_PORTS];
  MoeWay way = moe_topo_way_kind(topo, resource);
  if (way <= MOE_WAY_LEAF_DOWN)
    return MOE_TIER_LEAF;
  return way <= MOE_WAY_ISLAND_DOWN ? MOE_TIER_ISLAND : MOE_TIER_TORUS;
}

double moe_fabric_load_used(const MoeFabricLoad *load, guint resource)
{
  return load->bytes[resource] / moe_topo_capacities(load->topo)[resource] / load->step_s;
}

gboolean moe_fabric_load_has(const MoeFabricLoad *load, MoeTier tier)
{
  return tier <= MOE_TIER_HOST || load->tier[tier].links > 0;
}

static void sum_tiers(MoeFabricLoad *load)
{
  for (guint r = 0; r < moe_topo_n_resources(load->topo); r++) {
    MoeTierLoad *tier = &load->tier[tier_of(load->topo, r)];
    double used = moe_fabric_load_used(load, r);

    tier->links++;
    tier->bytes += load->bytes[r];
    tier->mean_used += used;
    tier->most_used = MAX(tier->most_used, used);
  }
  for (int t = 0; t < MOE_N_TIERS; t++)
    load->tier[t].mean_used /= MAX(load->tier[t].links, 1);
}

/* Keeps the most used links, most used first; of equals the lower resource. */
static void keep_busiest(MoeFabricLoad *load, guint resource)
{
  double used = moe_fabric_load_used(load, resource);
  guint at = load->n_busiest;

  while (at > 0 && load->busiest[at - 1].used < used)
    at--;
  if (used <= 0 || at == MOE_BUSIEST)
    return;
  load->n_busiest = MIN(load->n_busiest + 1, MOE_BUSIEST);
  for (guint i = load->n_busiest - 1; i > at; i--)
    load->busiest[i] = load->busiest[i - 1];
  load->busiest[at] = (MoeLinkLoad){.resource = resource,
                                    .bytes = load->bytes[resource],
                                    .bytes_per_s = moe_topo_capacities(load->topo)[resource],
                                    .used = used};
}

static void find_busiest(MoeFabricLoad *load)
{
  for (guint r = 0; r < moe_topo_n_resources(load->topo); r++)
    keep_busiest(load, r);
  for (guint i = 0; i < load->n_busiest; i++)
    load->busiest[i].name = moe_topo_resource_name(load->topo, load->busiest[i].resource);
}

static void name_purposes(MoeFabricLoad *load, const MoeSimTraffic *traffic)
{
  for (guint kind = 0; kind <= MOE_N_GROUPS; kind++) {
    double nvlink = traffic->nvlink_bytes[kind], network = traffic->network_bytes[kind];

    if (nvlink + network > 0)
      load->purpose[load->n_purposes++] =
          (MoePurposeLoad){kind < MOE_N_GROUPS ? group_names[kind] : "pipeline messages", nvlink, network};
  }
}

double moe_fabric_load_between(const MoeFabricLoad *load, guint from, guint to, guint n)
{
  double sum = 0;

  for (guint i = from; i < MIN(from + n, load->n_blocks); i++)
    for (guint j = to; j < MIN(to + n, load->n_blocks); j++)
      sum += load->between[i * load->n_blocks + j];
  return sum;
}

/* Room for the traffic between blocks of domains, where there are several. */
static void ask_between(MoeFabricLoad *load, const MoeTopo *topo, MoeSimTraffic *traffic)
{
  int64_t domains = moe_topo_domain(topo, moe_topo_gpus(topo) - 1) + 1;

  if (domains < 2)
    return;
  load->block_domains = traffic->block_domains = moe_ceil_div(domains, MOE_TRAFFIC_BLOCKS);
  load->n_blocks = traffic->n_blocks = (guint)moe_ceil_div(domains, load->block_domains);
  load->between = traffic->between = g_new0(double, (gsize)load->n_blocks * load->n_blocks);
}

/* Step time of the same machine without the neighbour. */
static gboolean time_alone(MoeFabricLoad *load, const MoePrepared *made, const MoeSimOptions *sim, GError **error)
{
  MoeSimOptions options = *sim;

  options.tick = NULL;
  options.fidelity = MOE_FIDELITY_FULL;
  g_autoptr(MoeSimResult) result = moe_sim_run(made->program, load->run, made->topo, made->cost, &options, error);
  if (result)
    load->alone_s = moe_time_to_seconds(result->step);
  return result != NULL;
}

MoeFabricLoad *moe_fabric_load(MoeRun *run, const MoeSimOptions *sim, GError **error)
{
  g_autoptr(MoeFabricLoad) load = g_new0(MoeFabricLoad, 1);
  g_auto(MoePrepared) made = {0};
  MoeSimTraffic traffic = {0};

  if (!moe_prepare(run, sim, &made, error))
    return NULL;
  moe_topo_count_leaves(made.topo);
  load->run = run;
  load->bytes = traffic.link_bytes = g_new0(double, moe_topo_n_resources(made.topo));
  ask_between(load, made.topo, &traffic);
  MoeSimOptions options = *sim;
  options.fidelity = MOE_FIDELITY_FULL;
  options.traffic = &traffic;
  g_autoptr(MoeSimResult) result = moe_sim_run(made.program, run, made.topo, made.cost, &options, error);
  if (!result || (sim->tick && !time_alone(load, &made, sim, error)))
    return NULL;
  load->topo = g_steal_pointer(&made.topo);
  load->step_s = moe_time_to_seconds(result->step);
  sum_tiers(load);
  find_busiest(load);
  name_purposes(load, &traffic);
  return g_steal_pointer(&load);
}

void moe_fabric_load_free(MoeFabricLoad *load)
{
  if (!load)
    return;
  for (guint i = 0; i < load->n_busiest; i++)
    g_free(load->busiest[i].name);
  moe_topo_free(load->topo);
  g_free(load->bytes);
  g_free(load->between);
  g_free(load);
}
