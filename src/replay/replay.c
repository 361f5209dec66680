/* A trace on a cluster: nodes start when all before them are done; kernels, host and transfers take their time. */
#include "replay/replay.h"
#include "coll/coll.h"
#include "engine/engine.h"
#include "fabric/fabric.h"
#include "interchange/chakra_trace.h"
#include <math.h>
#include <string.h>

/* A queue of nodes that wait for the one resource they need; earlier nodes of the file first. */
typedef struct {
  GArray *waiting;  /* of uint32_t */
  uint32_t running; /* NO_NODE: free */
} Lane;

typedef struct {
  Lane kernels, host;
  MoeTime started;          /* of the running kernel, or of its last change of state */
  double left;              /* share of it still to do */
  uint8_t state;            /* bits of MOE_STATE_* it runs in */
  uint8_t communicating[2]; /* running transfers that hold SMs: expert, others */
} Gpu;

typedef struct {
  uint32_t work; /* instance or message; COPY: node */
  uint8_t kind;  /* ChakraKind */
  uint8_t holds; /* 1 + index in Gpu.communicating, 0 = no SMs */
} Sending;

typedef struct {
  MoeChakra *chakra;
  const MoeStack *stack;
  MoeTopo *topo;
  MoeEngine *engine;
  MoeFabric *fabric;
  uint32_t class_kernel, class_host;
  ChakraNode *nodes;
  uint32_t *pending; /* [n_nodes] dependencies not done yet */
  uint32_t *arrived; /* [n_instances] members that are there */
  uint8_t *message;  /* [n_messages] MESSAGE_* */
  Gpu *gpus;
  GArray *ready; /* of uint32_t: nodes to start */
  GArray *flights, *free_flights;
  uint64_t done;
  MoeReplay *replay;
} Replay;

enum { MESSAGE_LANDED = 1, MESSAGE_AWAITED = 2 };

static void node_done(Replay *replay, uint32_t index)
{
  const ChakraNode *node = &replay->nodes[index];

  replay->done++;
  for (uint32_t i = node->first_next; i < node->first_next + node->n_next; i++) {
    uint32_t next = g_array_index(replay->chakra->next, uint32_t, i);

    if (--replay->pending[next] == 0)
      g_array_append_val(replay->ready, next);
  }
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Takes the earliest of the nodes that wait. */
static uint32_t take_first(Lane *lane)
{
  guint first = 0;

  if (lane->waiting->len == 0)
    return NO_NODE;
  for (guint i = 1; i < lane->waiting->len; i++)
    if (g_array_index(lane->waiting, uint32_t, i) < g_array_index(lane->waiting, uint32_t, first))
      first = i;
  uint32_t node = g_array_index(lane->waiting, uint32_t, first);

  g_array_remove_index_fast(lane->waiting, first);
  return node;
}

static uint8_t state_of(const Gpu *gpu)
{
  return (gpu->communicating[0] ? MOE_STATE_EXPERT : 0u) | (gpu->communicating[1] ? MOE_STATE_COLLECTIVE : 0u);
}

static MoeTime rest_of(const Replay *replay, const Gpu *gpu)
{
  MoeTime full = replay->nodes[gpu->kernels.running].duration[gpu->state];

  return gpu->left < 1 ? (MoeTime)((double)full * gpu->left) : full;
}

static void set_kernel_end(Replay *replay, Gpu *gpu)
{
  moe_engine_set(replay->engine, replay->class_kernel, (uint32_t)(gpu - replay->gpus),
                 moe_time_add(gpu->started, rest_of(replay, gpu)));
}

static void start_kernel(Replay *replay, Gpu *gpu)
{
  if (gpu->kernels.running != NO_NODE || (gpu->kernels.running = take_first(&gpu->kernels)) == NO_NODE)
    return;
  gpu->started = moe_engine_now(replay->engine);
  gpu->left = 1;
  gpu->state = state_of(gpu);
  set_kernel_end(replay, gpu);
}

static void end_kernel(Replay *replay, Gpu *gpu)
{
  uint32_t node = gpu->kernels.running;

  replay->replay->compute_s += moe_time_to_seconds(moe_engine_now(replay->engine) - gpu->started);
  gpu->kernels.running = NO_NODE;
  node_done(replay, node);
  start_kernel(replay, gpu);
}

/* Communication beside the kernel began or ended: what is left of it goes on at another pace. */
static void state_changed(Replay *replay, Gpu *gpu)
{
  MoeTime now = moe_engine_now(replay->engine);
  uint8_t state = state_of(gpu);

  if (gpu->kernels.running == NO_NODE || state == gpu->state)
    return;
  MoeTime full = replay->nodes[gpu->kernels.running].duration[gpu->state];

  gpu->left = CLAMP(gpu->left - (full > 0 ? (double)(now - gpu->started) / (double)full : 0), 0, 1);
  replay->replay->compute_s += moe_time_to_seconds(now - gpu->started);
  gpu->started = now;
  gpu->state = state;
  set_kernel_end(replay, gpu);
}

static void start_host(Replay *replay, Gpu *gpu)
{
  if (gpu->host.running != NO_NODE || (gpu->host.running = take_first(&gpu->host)) == NO_NODE)
    return;
  MoeTime time = replay->nodes[gpu->host.running].duration[0];

  replay->replay->host_s += moe_time_to_seconds(time);
  moe_engine_post(replay->engine, replay->class_host, (uint32_t)(gpu - replay->gpus),
                  moe_time_add(moe_engine_now(replay->engine), time));
}

static void end_host(Replay *replay, Gpu *gpu)
{
  uint32_t node = gpu->host.running;

  gpu->host.running = NO_NODE;
  node_done(replay, node);
  start_host(replay, gpu);
}

/* ---- transfers ------------------------------------------------------------------------------- */

static uint32_t new_flight(Replay *replay, Sending flight)
{
  if (replay->free_flights->len > 0) {
    uint32_t id = g_array_index(replay->free_flights, uint32_t, replay->free_flights->len - 1);

    g_array_set_size(replay->free_flights, replay->free_flights->len - 1);
    g_array_index(replay->flights, Sending, id) = flight;
    return id;
  }
  g_array_append_val(replay->flights, flight);
  return replay->flights->len - 1;
}

static gboolean is_free(const MoeCollPlan *plan)
{
  for (unsigned p = 0; p < MOE_N_PORTS; p++)
    if (plan->port_bytes[p] > 0)
      return FALSE;
  return plan->latency == 0;
}

static void count_traffic(Replay *replay, const MoeCollPlan *plan, double members)
{
  replay->replay->nvlink_bytes += plan->wire_nvlink_bytes * members;
  replay->replay->network_bytes += plan->wire_network_bytes * members;
}

static void hold(Replay *replay, const ChakraInstance *instance, unsigned class, int by)
{
  const ChakraGroup *group = g_ptr_array_index(replay->chakra->groups, instance->group);

  for (guint i = 0; class > 0 && i < group->ranks->len; i++) {
    Gpu *gpu = &replay->gpus[g_array_index(group->ranks, int64_t, i)];

    gpu->communicating[class - 1] = (uint8_t)(gpu->communicating[class - 1] + by);
    state_changed(replay, gpu);
  }
}

static void finish_instance(Replay *replay, const ChakraInstance *instance)
{
  for (guint i = 0; i < instance->nodes->len; i++)
    node_done(replay, g_array_index(instance->nodes, uint32_t, i));
}

static void launch(Replay *replay, uint32_t work, const ChakraInstance *instance, const MoeCollPlan *plan)
{
  const ChakraGroup *group = g_ptr_array_index(replay->chakra->groups, instance->group);
  guint n = group->ranks->len;
  g_autofree uint32_t *gpus = g_new(uint32_t, n);
  g_autofree uint32_t *index = g_new(uint32_t, n);
  gboolean expert = instance->collective.kind == MOE_DISPATCH || instance->collective.kind == MOE_COMBINE;
  uint8_t class = plan->sms > 0 ? (expert ? 1 : 2) : 0;

  for (guint i = 0; i < n; i++) {
    gpus[i] = (uint32_t)g_array_index(group->ranks, int64_t, i);
    index[i] = i;
  }
  moe_fabric_start(replay->fabric, plan, n, gpus, plan->n_skew ? index : NULL,
                   new_flight(replay, (Sending){.work = work, .kind = CHAKRA_COLLECTIVE, .holds = class}));
  count_traffic(replay, plan, n);
  hold(replay, instance, class, 1);
}

static void arrive(Replay *replay, uint32_t work)
{
  const ChakraInstance *instance = &g_array_index(replay->chakra->instances, ChakraInstance, work);
  const ChakraGroup *group = g_ptr_array_index(replay->chakra->groups, instance->group);
  MoeCollGroup members = {.n = group->ranks->len, .gpus = (const int64_t *)(gpointer)group->ranks->data};
  MoeCollPlan plan;

  if (++replay->arrived[work] < members.n)
    return;
  moe_coll_plan(replay->topo, &replay->stack->collectives, &instance->collective, &members, &plan);
  if (is_free(&plan))
    finish_instance(replay, instance);
  else
    launch(replay, work, instance, &plan);
}

/* ---- messages and copies --------------------------------------------------------------------- */

static void land(Replay *replay, uint32_t work)
{
  const ChakraMessage *message = &g_array_index(replay->chakra->messages, ChakraMessage, work);

  node_done(replay, message->send);
  if (replay->message[work] & MESSAGE_AWAITED)
    node_done(replay, message->receive);
  replay->message[work] |= MESSAGE_LANDED;
}

static void start_send(Replay *replay, uint32_t work)
{
  const ChakraMessage *message = &g_array_index(replay->chakra->messages, ChakraMessage, work);
  MoeCollPlan plan;

  moe_coll_plan_p2p(replay->topo, &replay->stack->collectives, message->from, message->to, message->bytes, &plan);
  count_traffic(replay, &plan, 1);
  if (is_free(&plan))
    land(replay, work);
  else
    moe_fabric_start_p2p(replay->fabric, &plan, message->from, message->to,
                         new_flight(replay, (Sending){.work = work, .kind = CHAKRA_SEND}));
}

static void start_receive(Replay *replay, uint32_t work, uint32_t node)
{
  if (replay->message[work] & MESSAGE_LANDED)
    node_done(replay, node);
  else
    replay->message[work] |= MESSAGE_AWAITED;
}

static void start_copy(Replay *replay, uint32_t index)
{
  const ChakraNode *node = &replay->nodes[index];
  MoeCopy copy = {.to_host = node->to_host, .bytes = node->bytes, .name = ""};
  MoeCollPlan plan;

  moe_coll_plan_copy(replay->topo, &copy, &plan);
  replay->replay->host_bytes += node->bytes;
  if (is_free(&plan))
    node_done(replay, index);
  else
    moe_fabric_start(replay->fabric, &plan, 1, &node->rank, NULL,
                     new_flight(replay, (Sending){.work = index, .kind = CHAKRA_COPY}));
}

static void deliver(Replay *replay, uint32_t id)
{
  Sending flight = g_array_index(replay->flights, Sending, id);

  g_array_append_val(replay->free_flights, id);
  if (flight.kind == CHAKRA_COLLECTIVE) {
    const ChakraInstance *instance = &g_array_index(replay->chakra->instances, ChakraInstance, flight.work);

    hold(replay, instance, flight.holds, -1);
    finish_instance(replay, instance);
  } else if (flight.kind == CHAKRA_SEND) {
    land(replay, flight.work);
  } else {
    node_done(replay, flight.work);
  }
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void start_node(Replay *replay, uint32_t index)
{
  const ChakraNode *node = &replay->nodes[index];
  Gpu *gpu = &replay->gpus[node->rank];

  switch ((ChakraKind)node->kind) {
  case CHAKRA_JOIN:
    node_done(replay, index);
    break;
  case CHAKRA_HOST:
    g_array_append_val(gpu->host.waiting, index);
    start_host(replay, gpu);
    break;
  case CHAKRA_KERNEL:
    g_array_append_val(gpu->kernels.waiting, index);
    start_kernel(replay, gpu);
    break;
  case CHAKRA_COLLECTIVE:
    arrive(replay, node->work);
    break;
  case CHAKRA_SEND:
    start_send(replay, node->work);
    break;
  case CHAKRA_RECEIVE:
    start_receive(replay, node->work, index);
    break;
  case CHAKRA_COPY:
    start_copy(replay, index);
    break;
  }
}

static void start_ready(Replay *replay)
{
  while (replay->ready->len > 0) {
    uint32_t index = g_array_index(replay->ready, uint32_t, replay->ready->len - 1);

    g_array_set_size(replay->ready, replay->ready->len - 1);
    start_node(replay, index);
  }
}

static void handle(Replay *replay, const MoeEvent *event)
{
  uint32_t flight = 0;

  if (event->klass == replay->class_kernel)
    end_kernel(replay, &replay->gpus[event->id]);
  else if (event->klass == replay->class_host)
    end_host(replay, &replay->gpus[event->id]);
  else if (moe_fabric_handle(replay->fabric, event, &flight))
    deliver(replay, flight);
}

static void loop(Replay *replay)
{
  MoeEvent event;

  for (uint32_t i = 0; i < replay->chakra->nodes->len; i++)
    if (replay->pending[i] == 0)
      g_array_append_val(replay->ready, i);
  start_ready(replay);
  while (moe_engine_pop(replay->engine, &event)) {
    handle(replay, &event);
    start_ready(replay);
  }
}

/* ---- before and after ------------------------------------------------------------------------ */

static gboolean check_finished(const Replay *replay, GError **error)
{
  guint n = replay->chakra->nodes->len;

  for (guint i = 0; replay->done < n && i < n; i++)
    if (replay->pending[i] > 0)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "the trace cannot finish: rank %u, node %" G_GUINT64_FORMAT " waits for %u others",
                      replay->nodes[i].rank, replay->nodes[i].id, replay->pending[i]);
  return replay->done == n || moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                                       "the trace cannot finish: members of process groups wait for one another");
}

static void init(Replay *replay)
{
  const MoeChakra *chakra = replay->chakra;

  replay->nodes = &g_array_index(chakra->nodes, ChakraNode, 0);
  replay->engine = moe_engine_new(MOE_CALENDAR_WHEEL);
  replay->class_kernel = moe_engine_add_class(replay->engine, TRUE, chakra->n_ranks);
  replay->class_host = moe_engine_add_class(replay->engine, FALSE, 0);
  replay->fabric = moe_fabric_new(replay->engine, replay->topo);
  replay->pending = g_new0(uint32_t, chakra->nodes->len + 1);
  for (guint i = 0; i < chakra->nodes->len; i++)
    replay->pending[i] = replay->nodes[i].n_deps;
  replay->arrived = g_new0(uint32_t, chakra->instances->len + 1);
  replay->message = g_new0(uint8_t, chakra->messages->len + 1);
  replay->gpus = g_new0(Gpu, chakra->n_ranks + 1);
  for (guint g = 0; g < chakra->n_ranks; g++) {
    replay->gpus[g].kernels = (Lane){g_array_new(FALSE, FALSE, sizeof(uint32_t)), NO_NODE};
    replay->gpus[g].host = (Lane){g_array_new(FALSE, FALSE, sizeof(uint32_t)), NO_NODE};
  }
  replay->ready = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  replay->flights = g_array_new(FALSE, FALSE, sizeof(Sending));
  replay->free_flights = g_array_new(FALSE, FALSE, sizeof(uint32_t));
}

static void clear(Replay *replay)
{
  for (guint g = 0; g < replay->chakra->n_ranks; g++) {
    g_array_free(replay->gpus[g].kernels.waiting, TRUE);
    g_array_free(replay->gpus[g].host.waiting, TRUE);
  }
  g_array_free(replay->ready, TRUE);
  g_array_free(replay->flights, TRUE);
  g_array_free(replay->free_flights, TRUE);
  g_free(replay->gpus);
  g_free(replay->pending);
  g_free(replay->arrived);
  g_free(replay->message);
  moe_fabric_free(replay->fabric);
  moe_engine_free(replay->engine);
}

static void take_means(MoeReplay *result, const Replay *replay)
{
  double n = MAX(replay->chakra->n_ranks, 1);

  result->step = moe_engine_now(replay->engine);
  result->events = moe_engine_events(replay->engine);
  result->compute_s /= n;
  result->host_s /= n;
  result->nvlink_bytes /= n;
  result->network_bytes /= n;
  result->host_bytes /= n;
}

gboolean moe_chakra_replay(MoeChakra *chakra, const MoeCluster *cluster, const MoeStack *stack, MoeReplay *result,
                           GError **error)
{
  Replay replay = {.chakra = chakra, .stack = stack, .replay = result};

  *result = (MoeReplay){.ranks = chakra->n_ranks, .nodes = chakra->nodes->len, .unsized = chakra->unsized};
  if (chakra->nodes->len == 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "a trace without nodes, expected some");
  if (!chakra_check(chakra, error))
    return FALSE;
  g_autoptr(MoeTopo) topo = moe_topo_new(cluster, chakra->n_ranks, 0, NULL, error);

  if (!topo)
    return FALSE;
  replay.topo = topo;
  init(&replay);
  chakra_time_kernels(chakra, &cluster->accelerator);
  loop(&replay);
  gboolean finished = check_finished(&replay, error);

  take_means(result, &replay);
  clear(&replay);
  return finished;
}
