/* Transfers in flight: a share activity per collective, a movable event per activity, one solve per instant. */
#include "fabric/fabric.h"

#include <math.h>

/* An activity that moves bytes. Its number is the share's id. `remaining` holds at time `since` and falls at `rate`. */
typedef struct {
  double remaining; /* bytes of the busiest port */
  double rate;      /* bytes/s, 0 until the first solve */
  MoeTime since;
  MoeTime latency;
  uint32_t tag;
} Running;

/* Load of one activity, built member by member. */
typedef struct {
  guint n;
  guint *resource;
  double *load;
  guint room;
} Load;

struct MoeFabric {
  MoeEngine *engine;
  const MoeTopo *topo;
  MoeShare *share;
  uint32_t done_class, delivery_class, solve_class;
  gboolean solve_pending;
  guint active;
  GArray *activities;     /* Running by share id */
  GArray *deliveries;     /* tag by delivery id; of a free id the next free one */
  uint32_t free_delivery; /* last freed first; NONE when there is none */
  Load load;
  double *way_load; /* [resources behind ports] of the activity being started */
  GArray *ways;     /* those with load */
  int64_t *carried; /* [n_resources] bytes; NULL when they are not counted */
};

#define NONE UINT32_MAX

/* Movable ids that the engine makes room for at first; doubled as needed. */
#define FIRST_ACTIVITIES 1024

MoeFabric *moe_fabric_new(MoeEngine *engine, const MoeTopo *topo)
{
  MoeFabric *fabric = g_new0(MoeFabric, 1);

  fabric->engine = engine;
  fabric->topo = topo;
  fabric->share = moe_share_new(moe_topo_n_resources(topo), moe_topo_capacities(topo));
  fabric->done_class = moe_engine_add_class(engine, TRUE, FIRST_ACTIVITIES);
  fabric->delivery_class = moe_engine_add_class(engine, FALSE, 0);
  fabric->solve_class = moe_engine_add_class(engine, FALSE, 0);
  fabric->activities = g_array_new(FALSE, TRUE, sizeof(Running));
  g_array_set_size(fabric->activities, FIRST_ACTIVITIES);
  fabric->deliveries = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  fabric->free_delivery = NONE;
  fabric->way_load = g_new0(double, moe_topo_n_resources(topo) - moe_topo_first_way(topo) + 1);
  fabric->ways = g_array_new(FALSE, FALSE, sizeof(guint));
  return fabric;
}

void moe_fabric_free(MoeFabric *fabric)
{
  if (!fabric)
    return;
  moe_share_free(fabric->share);
  g_array_unref(fabric->activities);
  g_array_unref(fabric->deliveries);
  g_array_unref(fabric->ways);
  g_free(fabric->load.resource);
  g_free(fabric->load.load);
  g_free(fabric->way_load);
  g_free(fabric->carried);
  g_free(fabric);
}

/* ---- deliveries -------------------------------------------------------------------------------------------------- */

/* An end that lies beyond all time still comes: the executor refuses it by its time. Without a rate there is none. */
static MoeTime later(MoeTime now, MoeTime duration)
{
  return MIN(moe_time_add(now, duration), MOE_TIME_MAX - 1);
}

static void post_delivery(MoeFabric *fabric, MoeTime latency, uint32_t tag)
{
  uint32_t id = fabric->free_delivery;

  if (id == NONE) {
    id = fabric->deliveries->len;
    g_array_append_val(fabric->deliveries, tag);
  } else {
    fabric->free_delivery = g_array_index(fabric->deliveries, uint32_t, id);
    g_array_index(fabric->deliveries, uint32_t, id) = tag;
  }
  moe_engine_post(fabric->engine, fabric->delivery_class, id, later(moe_engine_now(fabric->engine), latency));
}

static uint32_t take_delivery(MoeFabric *fabric, uint32_t id)
{
  uint32_t tag = g_array_index(fabric->deliveries, uint32_t, id);

  g_array_index(fabric->deliveries, uint32_t, id) = fabric->free_delivery;
  fabric->free_delivery = id;
  return tag;
}

/* ---- solving ----------------------------------------------------------------------------------------------------- */

static void request_solve(MoeFabric *fabric)
{
  if (fabric->solve_pending)
    return;
  fabric->solve_pending = TRUE;
  moe_engine_post(fabric->engine, fabric->solve_class, 0, moe_engine_now(fabric->engine));
}

/* Brings an activity's progress up to now, gives it its new rate and moves its end. */
static void change_rate(MoeFabric *fabric, guint id, double rate)
{
  Running *activity = &g_array_index(fabric->activities, Running, id);
  MoeTime now = moe_engine_now(fabric->engine);
  double moved = activity->rate * moe_time_to_seconds(now - activity->since);

  activity->remaining = MAX(0, activity->remaining - moved);
  activity->since = now;
  activity->rate = rate;
  moe_engine_set(fabric->engine, fabric->done_class, id,
                 rate > 0 ? later(now, moe_time_from_seconds(activity->remaining / rate)) : MOE_TIME_MAX);
}

static void solve(MoeFabric *fabric)
{
  guint n = 0;

  fabric->solve_pending = FALSE;
  moe_share_solve(fabric->share);
  const guint *changed = moe_share_changed(fabric->share, &n);
  for (guint i = 0; i < n; i++)
    change_rate(fabric, changed[i], moe_share_rate(fabric->share, changed[i]));
}

/* ---- starting ---------------------------------------------------------------------------------------------------- */

static void reserve(Load *load, guint more)
{
  if (load->n + more <= load->room)
    return;
  load->room = MAX(2 * load->room, load->n + more);
  load->resource = g_renew(guint, load->resource, load->room);
  load->load = g_renew(double, load->load, load->room);
}

/* Adds `bytes` on a resource as a load relative to the busiest port's `scale` bytes. */
static inline void add_load(MoeFabric *fabric, guint resource, double bytes, double scale)
{
  Load *load = &fabric->load;

  load->resource[load->n] = resource;
  load->load[load->n++] = bytes / scale;
  if (fabric->carried)
    fabric->carried[resource] += (int64_t)(bytes + 0.5);
}

/* Bytes of the port that takes longest on an undegraded machine, at skew 1: what rates and caps are stated in. */
static double busiest_bytes(const MoeFabric *fabric, const MoeCollPlan *plan)
{
  double longest_s = 0, bytes = 0;

  for (int port = 0; port < MOE_N_PORTS; port++) {
    double time_s = plan->port_bytes[port] / moe_topo_port_bytes_per_s(fabric->topo, (MoePort)port);

    if (time_s > longest_s) {
      longest_s = time_s;
      bytes = plan->port_bytes[port];
    }
  }
  return bytes;
}

/* Ways that bytes leave a member by, and those that they reach one by. */
#define OUT_WAYS (1u << MOE_WAY_LEAF_UP | 1u << MOE_WAY_ISLAND_UP | 1u << MOE_WAY_X | 1u << MOE_WAY_Y | 1u << MOE_WAY_Z)
#define IN_WAYS  (1u << MOE_WAY_LEAF_DOWN | 1u << MOE_WAY_ISLAND_DOWN)

/* The ways of a set that a plan loads. */
static guint used_ways(const MoeCollPlan *plan, guint set)
{
  guint used = 0;

  for (guint way = 0; way < MOE_N_WAYS; way++)
    used |= plan->way_bytes[way] > 0 ? set & 1u << way : 0;
  return used;
}

/* Loads of members behind their ports add up: collected per resource, then appended once. */
static void collect_ways(MoeFabric *fabric, const MoeCollPlan *plan, uint32_t gpu, guint ways)
{
  guint first = moe_topo_first_way(fabric->topo);

  for (guint way = 0; way < MOE_N_WAYS; way++) {
    if (!(ways & 1u << way))
      continue;
    guint resource = moe_topo_way(fabric->topo, gpu, (MoeWay)way);
    g_assert(resource != MOE_NO_RESOURCE);
    if (fabric->way_load[resource - first] == 0)
      g_array_append_val(fabric->ways, resource);
    fabric->way_load[resource - first] += plan->way_bytes[way];
  }
}

static void append_ways(MoeFabric *fabric, double scale)
{
  guint first = moe_topo_first_way(fabric->topo);

  reserve(&fabric->load, fabric->ways->len);
  for (guint i = 0; i < fabric->ways->len; i++) {
    guint resource = g_array_index(fabric->ways, guint, i);

    add_load(fabric, resource, fabric->way_load[resource - first], scale);
    fabric->way_load[resource - first] = 0;
  }
  g_array_set_size(fabric->ways, 0);
}

/* The ports that a plan uses, once per activity. */
typedef struct {
  guint n;
  MoePort port[MOE_N_PORTS];
  double bytes[MOE_N_PORTS];
  const double *factor[MOE_N_PORTS]; /* per-member factor, or NULL */
} Ports;

static Ports used_ports(const MoeCollPlan *plan, gboolean skewed)
{
  Ports ports = {0};

  for (int port = 0; port < MOE_N_PORTS; port++) {
    if (plan->port_bytes[port] <= 0)
      continue;
    ports.port[ports.n] = (MoePort)port;
    ports.bytes[ports.n] = plan->port_bytes[port];
    ports.factor[ports.n++] = !skewed ? NULL : port % 2 ? plan->in_factor : plan->out_factor;
  }
  return ports;
}

static void load_members(MoeFabric *fabric, const MoeCollPlan *plan, guint n, const uint32_t *gpus,
                         const uint32_t *index, double scale)
{
  Ports ports = used_ports(plan, index && plan->n_skew > 0);
  guint ways = used_ways(plan, OUT_WAYS | IN_WAYS);

  fabric->load.n = 0;
  reserve(&fabric->load, n * ports.n);
  for (guint i = 0; i < n; i++) {
    for (guint p = 0; p < ports.n; p++) {
      double factor = index && ports.factor[p] ? ports.factor[p][index[i]] : 1;

      if (factor > 0)
        add_load(fabric, moe_topo_port(gpus[i], ports.port[p]), ports.bytes[p] * factor, scale);
    }
    if (ways)
      collect_ways(fabric, plan, gpus[i], ways);
  }
  append_ways(fabric, scale);
}

/* Enters the load just built as an activity of `bytes`. */
static void start_activity(MoeFabric *fabric, const MoeCollPlan *plan, double bytes, uint32_t tag)
{
  guint id =
      moe_share_add(fabric->share, fabric->load.n, fabric->load.resource, fabric->load.load, plan->cap_bytes_per_s);

  if (id >= fabric->activities->len) {
    g_array_set_size(fabric->activities, 2 * id);
    moe_engine_grow_class(fabric->engine, fabric->done_class, 2 * id);
  }
  g_array_index(fabric->activities, Running, id) =
      (Running){.remaining = bytes, .since = moe_engine_now(fabric->engine), .latency = plan->latency, .tag = tag};
  fabric->active++;
  request_solve(fabric);
}

void moe_fabric_start(MoeFabric *fabric, const MoeCollPlan *plan, guint n, const uint32_t *gpus, const uint32_t *index,
                      uint32_t tag)
{
  double bytes = busiest_bytes(fabric, plan);

  if (bytes > 0)
    load_members(fabric, plan, n, gpus, index, bytes);
  if (bytes > 0 && fabric->load.n > 0)
    start_activity(fabric, plan, bytes, tag);
  else
    post_delivery(fabric, plan->latency, tag);
}

void moe_fabric_start_p2p(MoeFabric *fabric, const MoeCollPlan *plan, uint32_t from, uint32_t to, uint32_t tag)
{
  double bytes = busiest_bytes(fabric, plan);

  if (bytes <= 0) {
    post_delivery(fabric, plan->latency, tag);
    return;
  }
  Ports ports = used_ports(plan, FALSE);
  fabric->load.n = 0;
  reserve(&fabric->load, ports.n);
  for (guint p = 0; p < ports.n; p++)
    add_load(fabric, moe_topo_port(ports.port[p] % 2 ? to : from, ports.port[p]), ports.bytes[p], bytes);
  collect_ways(fabric, plan, from, used_ways(plan, OUT_WAYS));
  collect_ways(fabric, plan, to, used_ways(plan, IN_WAYS));
  append_ways(fabric, bytes);
  start_activity(fabric, plan, bytes, tag);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

gboolean moe_fabric_owns(const MoeFabric *fabric, uint32_t klass)
{
  return klass == fabric->done_class || klass == fabric->delivery_class || klass == fabric->solve_class;
}

/* Last byte has left: the resources are free, the delivery follows after the latency. TRUE when that is now. */
static gboolean finish(MoeFabric *fabric, guint id, uint32_t *tag)
{
  const Running activity = g_array_index(fabric->activities, Running, id);

  moe_share_remove(fabric->share, id);
  fabric->active--;
  request_solve(fabric);
  *tag = activity.tag;
  if (activity.latency > 0)
    post_delivery(fabric, activity.latency, activity.tag);
  return activity.latency == 0;
}

gboolean moe_fabric_handle(MoeFabric *fabric, const MoeEvent *event, uint32_t *tag)
{
  g_assert(moe_fabric_owns(fabric, event->klass));
  if (event->klass == fabric->done_class)
    return finish(fabric, event->id, tag);
  if (event->klass == fabric->solve_class) {
    solve(fabric);
    return FALSE;
  }
  *tag = take_delivery(fabric, event->id);
  return TRUE;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

guint moe_fabric_active(const MoeFabric *fabric)
{
  return fabric->active;
}

void moe_fabric_set_capacities(MoeFabric *fabric, guint first, guint n, const double *bytes_per_s)
{
  moe_share_set_capacities(fabric->share, first, n, bytes_per_s);
  request_solve(fabric);
}

double moe_fabric_used(const MoeFabric *fabric, guint resource)
{
  return moe_share_used(fabric->share, resource);
}

const MoeTopo *moe_fabric_topo(const MoeFabric *fabric)
{
  return fabric->topo;
}

void moe_fabric_count_carried(MoeFabric *fabric)
{
  g_assert(!fabric->carried && fabric->active == 0);
  fabric->carried = g_new0(int64_t, moe_topo_n_resources(fabric->topo));
}

double moe_fabric_carried(const MoeFabric *fabric, guint resource)
{
  g_assert(fabric->carried);
  return (double)fabric->carried[resource];
}
