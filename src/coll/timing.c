/* From an algorithm's work to a plan: steps, protocols, pipelines, ports. */
#include "internal.h"

#include <math.h>

/* Steps of NCCL's low-latency protocols relative to an LL step of a tree, from its tuning constants
 * (nccl/src/graph/tuning.cc, LL / LL128 in us): NVLink ring 0.6 / 1.9, tree 0.6 / 1.25; network ring 2.7 / 4.0,
 * tree 5.0 / 8.5. */
typedef struct {
  double ll, ll128;
} LowLatency;

/* A step of a ring between domains costs the proxy at least so much wherever it goes, three times that with Simple
 * (getNetOverhead there). */
#define OVERHEAD_S 1e-6

static const LowLatency nvlink_ring = {0.6 / 0.6, 1.9 / 0.6}, nvlink_tree = {0.6 / 0.6, 1.25 / 0.6};
static const LowLatency network_ring = {2.7 / 5.0, 4.0 / 5.0}, network_tree = {5.0 / 5.0, 8.5 / 5.0};

/* LL sends a flag with every 4 bytes, LL128 8 bytes of flags with every 120: share of the wire that is payload. */
#define LL_PAYLOAD    0.5
#define LL128_PAYLOAD (120.0 / 128.0)
/* One network step without GPUDirect: CPU-proxy put against GPU-posted put at 8 B, GB200 (38.64 less 16.89 us,
 * torchcomms IbrcBenchmarkResults). */
#define STAGED_STEP_S 21.75e-6

int64_t moe_coll_log2_ceil(int64_t n)
{
  int64_t steps = 0;

  while (((int64_t)1 << steps) < n)
    steps++;
  return steps;
}

double moe_coll_domain_step_s(const MoeCollRequest *request, double step_s, double path_s)
{
  return MAX(0, step_s + path_s - request->cluster->domain.collectives.path_s);
}

double moe_coll_network_step_s(const MoeCollRequest *request, double step_s, double path_s)
{
  const MoeNetwork *network = &request->cluster->network;
  double detour_s = network->rdma == MOE_RDMA_STAGED ? STAGED_STEP_S : 0;

  return MAX(0, step_s + path_s - network->collectives.path_s) + detour_s;
}

/* The steps of a ring go round all its hops; those of trees and exchanges wait for the farthest pair. */
static double route_s(const MoeCollRequest *request, MoeCollPattern pattern)
{
  return (pattern == MOE_COLL_RING || pattern == MOE_COLL_LEVELS) && request->domains > 1
             ? request->hop_path_s
             : moe_topo_latency(request->topo, request->reach);
}

void moe_coll_add_steps(const MoeCollRequest *request, MoeCollWork *work, MoeCollPattern pattern, int64_t nvlink_steps,
                        int64_t network_steps)
{
  gboolean ring = pattern == MOE_COLL_RING || pattern == MOE_COLL_LEVELS, tree = !ring;
  const LowLatency *nvlink = tree ? &nvlink_tree : &nvlink_ring, *between = tree ? &network_tree : &network_ring;
  const MoeCollectiveFit *domain = &request->cluster->domain.collectives;
  const MoeCollectiveFit *network = &request->cluster->network.collectives;
  double low_nvlink_s = domain->low_latency_step_s, low_network_s = network->low_latency_step_s;
  double path_s = route_s(request, pattern), hop_s = request->inside.hop_s;
  double least_s = pattern == MOE_COLL_RING && network_steps > 0 ? OVERHEAD_S : 0;

  work->steps_s += (double)nvlink_steps * MAX(3 * least_s, moe_coll_domain_step_s(request, domain->step_s, hop_s)) +
                   (double)network_steps * moe_coll_network_step_s(request, network->step_s, path_s);
  work->ll_steps_s +=
      (double)nvlink_steps * MAX(least_s, moe_coll_domain_step_s(request, low_nvlink_s * nvlink->ll, hop_s)) +
      (double)network_steps * moe_coll_network_step_s(request, low_network_s * between->ll, path_s);
  work->ll128_steps_s +=
      (double)nvlink_steps * MAX(least_s, moe_coll_domain_step_s(request, low_nvlink_s * nvlink->ll128, hop_s)) +
      (double)network_steps * moe_coll_network_step_s(request, low_network_s * between->ll128, path_s);
  work->chunk_s += (double)nvlink_steps * domain->chunk_s;
  work->window_s = domain->window_s;
  work->network_chunk_s += pattern == MOE_COLL_TREE ? (double)network_steps * network->chunk_s : 0;
  work->network_window_s = network->window_s;
  work->ll_levels = pattern == MOE_COLL_TREE ? (double)network_steps : 0;
  if (ring && network_steps > 0) {
    work->hidden_s += (double)network_steps * network->step_s;
    work->hide_s = network->hide_s * (double)network_steps;
  }
  if (pattern != MOE_COLL_TREE && network_steps > 0) {
    double pieces = ring ? (double)network_steps : (double)request->n - 1; /* a doubling step sends several */

    work->handshake_s += (double)network_steps * network->handshake_s;
    work->handshake_half_s = network->handshake_half_s * pieces;
  }
  work->ll_bytes_per_s = network_steps > 0 ? network->low_latency_bytes_per_s : domain->low_latency_bytes_per_s;
  work->floor_s = network_steps > 0 ? MAX(network->floor_s, domain->floor_s) : domain->floor_s;
}

void moe_coll_add_reductions(const MoeCollRequest *request, MoeCollWork *work, int64_t network_steps)
{
  work->steps_s += (double)network_steps * request->cluster->network.collectives.reduce_s;
}

void moe_coll_limit_channels(const MoeCollRequest *request, MoeCollWork *work, double domain_bytes)
{
  double limit = request->cluster->network.collectives.domain_bytes_per_s;

  if (limit > 0 && request->domains > 1 && request->per_domain > 1)
    work->limit_s = domain_bytes / limit;
}

void moe_coll_set_bytes(MoeCollWork *work, double nvlink, double network)
{
  work->bytes[MOE_PORT_NVLINK_OUT] = work->bytes[MOE_PORT_NVLINK_IN] = nvlink;
  work->bytes[MOE_PORT_NIC_OUT] = work->bytes[MOE_PORT_NIC_IN] = network;
}

/* ---- protocols --------------------------------------------------------------------------------------------------- */

/* A protocol's offer: bytes on the ports grow by `factor`, and the plan takes `latency_s` + `bandwidth_s`, which is at
 * least `factor` x (bandwidth time of Simple). */
typedef struct {
  double latency_s;
  double factor;
  double bandwidth_s;
} Offer;

/* Cost of filling a pipeline. In a domain chunks are as small as pays: k chunks take depth x (chunk + X / k) + k chunk,
 * and the best k gives 2 sqrt(depth chunk X), until chunks reach the library's buffers (window). Between domains the
 * chunk grows with the root of the message up to a largest one: depth x chunk / (1 + sqrt(window / X)); that of a
 * single message with the message itself: chunk / (1 + window / X). */
static double fill_s(const MoeCollWork *work, double bandwidth_s)
{
  double growing_s = work->window_s > 0 ? bandwidth_s / (1 + bandwidth_s / work->window_s) : bandwidth_s;
  double fill_s = 2 * sqrt(work->chunk_s * growing_s);

  if (work->network_chunk_s > 0 && bandwidth_s > 0) {
    double ratio = work->network_window_s / bandwidth_s;

    fill_s += work->network_chunk_s / (1 + (work->single ? ratio : sqrt(ratio)));
  }
  return fill_s;
}

/* Step latency that bytes hide: a library that cuts a ring step's bytes into pieces sends the next while one is
 * acknowledged. */
static double hidden_s(const MoeCollWork *work, double bandwidth_s)
{
  double ratio = work->hide_s > 0 ? bandwidth_s / work->hide_s : 0;

  return work->hidden_s * (1 - 1 / (1 + ratio * ratio));
}

/* Steps with few bytes do without the handshake that others begin with. */
static double short_s(const MoeCollWork *work, double bandwidth_s)
{
  double ratio = work->handshake_half_s > 0 ? bandwidth_s / work->handshake_half_s : 1;

  return work->handshake_s / (1 + ratio * ratio);
}

static Offer offer_simple(const MoeCollWork *work, double bandwidth_s)
{
  double steps_s = work->steps_s - hidden_s(work, bandwidth_s) - short_s(work, bandwidth_s);

  return (Offer){work->floor_s + MAX(0, steps_s) + fill_s(work, bandwidth_s), 1, bandwidth_s};
}

static Offer offer_ll128(const MoeCollWork *work, double bandwidth_s)
{
  double finer = work->steps_s > 0 ? MIN(1, work->ll128_steps_s / work->steps_s) : 1;

  return (Offer){work->floor_s + work->ll128_steps_s + finer * fill_s(work, bandwidth_s), 1 / LL128_PAYLOAD,
                 bandwidth_s / LL128_PAYLOAD};
}

/* The limit is what the protocol itself can keep moving: it holds back this collective, not others on its ports. A
 * tree's message is too small for a pipeline of chunks: each level takes it whole (half the bus bytes: up and down). */
static Offer offer_ll(const MoeCollWork *work, double bandwidth_s)
{
  double limit_s = work->bus_bytes / work->ll_bytes_per_s;

  return (Offer){work->floor_s + work->ll_steps_s + work->ll_levels * limit_s / 2, 1 / LL_PAYLOAD,
                 MAX(bandwidth_s / LL_PAYLOAD, limit_s)};
}

static Offer offer(const MoeCollWork *work, MoeProtocol protocol, double bandwidth_s)
{
  switch (protocol) {
  case MOE_LL:
    return offer_ll(work, bandwidth_s);
  case MOE_LL128:
    return offer_ll128(work, bandwidth_s);
  default:
    return offer_simple(work, bandwidth_s);
  }
}

gboolean moe_coll_has_protocol(const MoeCollWork *work, MoeProtocol protocol)
{
  return protocol == MOE_SIMPLE || (work->ll_steps_s > 0 && work->ll_bytes_per_s > 0);
}

static Offer fastest_offer(const MoeCollWork *work, double bandwidth_s)
{
  Offer best = offer_simple(work, bandwidth_s);

  for (int protocol = MOE_SIMPLE - 1; protocol >= 0 && bandwidth_s > 0; protocol--) {
    Offer other = offer(work, (MoeProtocol)protocol, bandwidth_s);

    if (moe_coll_has_protocol(work, (MoeProtocol)protocol) &&
        other.latency_s + other.bandwidth_s < best.latency_s + best.bandwidth_s)
      best = other;
  }
  return best;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* Bytes on the ports such that bytes / capacity is the time of the leg; returns the longest leg. */
static double fill_ports(const MoeCollRequest *request, const MoeCollWork *work, MoeCollPlan *plan, MoePort *busiest)
{
  double longest_s = 0;

  for (int port = MOE_PORT_NVLINK_OUT; port <= MOE_PORT_NIC_IN; port++) {
    double share = port <= MOE_PORT_NVLINK_IN ? work->nvlink_share : work->network_share;
    double time_s;

    plan->port_bytes[port] = work->bytes[port] > 0 ? work->bytes[port] / share : 0;
    time_s = plan->port_bytes[port] / moe_topo_port_bytes_per_s(request->topo, (MoePort)port);
    if (time_s > longest_s) {
      longest_s = time_s;
      *busiest = (MoePort)port;
    }
  }
  return longest_s;
}

/* Bytes behind the ports, and the time that the fullest of the domain's own ways needs for them. */
static double fill_ways(const MoeCollRequest *request, const MoeCollWork *work, MoeCollPlan *plan)
{
  const MoeCollInside *inside = &request->inside;
  const double *share = work->scattered ? inside->pairs : inside->ring;
  double longest_s = 0;

  for (int way = MOE_WAY_ISLAND_UP; way < MOE_N_WAYS; way++) {
    if (share[way] == 0)
      continue;
    plan->way_bytes[way] =
        share[way] * plan->port_bytes[way == MOE_WAY_ISLAND_DOWN ? MOE_PORT_NVLINK_IN : MOE_PORT_NVLINK_OUT];
    longest_s = MAX(longest_s, plan->way_bytes[way] * (double)inside->per_island /
                                   moe_topo_way_bytes_per_s(request->topo, (MoeWay)way));
  }
  if (moe_topo_leaves_matter(request->topo)) {
    plan->way_bytes[MOE_WAY_LEAF_UP] = plan->port_bytes[MOE_PORT_NIC_OUT] * work->leaf_share;
    plan->way_bytes[MOE_WAY_LEAF_DOWN] = plan->port_bytes[MOE_PORT_NIC_IN] * work->leaf_share;
  }
  return longest_s;
}

/* Without GPUDirect the network's bytes also cross the host link, at no more than the staged rate. */
static double add_staging(const MoeCollRequest *request, const MoeCollWork *work, MoeCollPlan *plan)
{
  const MoeNetwork *network = &request->cluster->network;
  double bytes = MAX(work->bytes[MOE_PORT_NIC_OUT], work->bytes[MOE_PORT_NIC_IN]);

  if (network->rdma != MOE_RDMA_STAGED || bytes <= 0)
    return 0;
  plan->port_bytes[MOE_PORT_HOST_OUT] = work->bytes[MOE_PORT_NIC_OUT];
  plan->port_bytes[MOE_PORT_HOST_IN] = work->bytes[MOE_PORT_NIC_IN];
  return bytes / network->staged_bytes_per_s;
}

static void account(const MoeCollWork *work, MoeCollPlan *plan)
{
  double out = work->bytes[MOE_PORT_NVLINK_OUT] + work->bytes[MOE_PORT_NIC_OUT];
  double in = work->bytes[MOE_PORT_NVLINK_IN] + work->bytes[MOE_PORT_NIC_IN];

  plan->wire_nvlink_bytes = work->bytes[MOE_PORT_NVLINK_OUT];
  plan->wire_network_bytes = work->bytes[MOE_PORT_NIC_OUT];
  plan->memory_bytes =
      out + in * (work->reduces ? 2 : 1); /* read what is sent, write what arrives, read the local addend */
  plan->sms = work->sms;
  plan->scattered = work->scattered;
}

void moe_coll_finish(const MoeCollRequest *request, const MoeCollWork *work, MoeProtocol protocol, const char *name,
                     MoeCollPlan *plan)
{
  MoePort busiest = MOE_PORT_NVLINK_OUT;

  *plan = (MoeCollPlan){.algorithm = name, .cap_bytes_per_s = INFINITY};
  double ports_s = fill_ports(request, work, plan, &busiest);
  double ways_s = fill_ways(request, work, plan), staged_s = add_staging(request, work, plan);
  double bandwidth_s = MAX(MAX(ports_s, ways_s), MAX(work->limit_s, staged_s));
  Offer taken = protocol < MOE_N_PROTOCOLS ? offer(work, protocol, bandwidth_s) : fastest_offer(work, bandwidth_s);

  for (int port = 0; port < MOE_N_PORTS; port++)
    plan->port_bytes[port] *= taken.factor;
  for (int way = 0; way < MOE_N_WAYS; way++)
    plan->way_bytes[way] *= taken.factor;
  if (taken.bandwidth_s > taken.factor * ports_s && ports_s > 0)
    plan->cap_bytes_per_s = plan->port_bytes[busiest] / taken.bandwidth_s;
  plan->latency = moe_time_from_seconds(taken.latency_s + work->fixed_s);
  plan->network = (busiest >= MOE_PORT_NIC_OUT && ways_s <= ports_s) || staged_s > MAX(ports_s, ways_s);
  account(work, plan);
}

/* ---- as nccl-tests has it ---------------------------------------------------------------------------------------- */

gboolean moe_coll_time(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollOperation *operation,
                       const MoeCollGroup *group, double bytes, MoeCollTiming *timing)
{
  const MoeCollective collective = {.kind = operation->kind, .bytes = bytes};

  *timing = (MoeCollTiming){.bytes = bytes,
                            .bus_factor = operation->send ? 1 : moe_coll_bus_factor(operation->kind, group->n)};
  if (operation->send)
    moe_coll_plan_p2p(topo, stack, group->gpus[0], group->gpus[1], bytes, &timing->plan);
  else if (!operation->algorithm)
    moe_coll_plan(topo, stack, &collective, group, &timing->plan);
  else if (!moe_coll_plan_with(operation->algorithm, topo, stack, &collective, group, &timing->plan))
    return FALSE;
  timing->time_s = moe_coll_alone_s(topo, &timing->plan);
  return TRUE;
}

#define SIZE_FACTOR 2 /* -f of nccl-tests */

GArray *moe_coll_times(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollOperation *operation,
                       const MoeCollGroup *group, double first, double last)
{
  g_autoptr(GArray) timings = g_array_new(FALSE, FALSE, sizeof(MoeCollTiming));

  for (double bytes = first; bytes <= last; bytes *= SIZE_FACTOR) {
    MoeCollTiming timing;

    if (!moe_coll_time(topo, stack, operation, group, bytes, &timing))
      return NULL;
    g_array_append_val(timings, timing);
  }
  return g_steal_pointer(&timings);
}

double moe_coll_bus_rate(const MoeCollTiming *timing)
{
  return timing->bytes / timing->time_s * timing->bus_factor;
}
