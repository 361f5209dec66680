/* Collectives, pipeline messages and copies: who must arrive, what goes on the fabric, who is told. */
#include "internal.h"

#include <math.h>

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static void take_away(MoeCollPlan *plan)
{
  *plan = (MoeCollPlan){.algorithm = plan->algorithm, .cap_bytes_per_s = INFINITY};
}

/* Leaves out of a plan what the counterfactual does without. */
static void simplify_plan(const Sim *sim, MoePass pass, MoeCollPlan *plan)
{
  if (((sim->without & MOE_WITHOUT_RECOMPUTE) && pass == MOE_PASS_RECOMPUTE) ||
      ((sim->without & MOE_WITHOUT_NETWORK) && plan->network) ||
      ((sim->without & MOE_WITHOUT_NVLINK) && !plan->network))
    take_away(plan);
  if (sim->without & MOE_WITHOUT_NETWORK) {
    plan->port_bytes[MOE_PORT_NIC_OUT] = plan->port_bytes[MOE_PORT_NIC_IN] = 0;
    plan->way_bytes[MOE_WAY_LEAF_UP] = plan->way_bytes[MOE_WAY_LEAF_DOWN] = 0;
  }
  if (sim->without & MOE_WITHOUT_NVLINK) {
    plan->port_bytes[MOE_PORT_NVLINK_OUT] = plan->port_bytes[MOE_PORT_NVLINK_IN] = 0;
    for (int way = MOE_WAY_ISLAND_UP; way < MOE_N_WAYS; way++)
      plan->way_bytes[way] = 0;
  }
  if (sim->without & MOE_WITHOUT_PEER_WAIT)
    plan->n_skew = 0, plan->in_factor = plan->out_factor = NULL;
}

const MoeCollPlan *sim_plan(Sim *sim, MoeGroupKind kind, uint32_t group, uint32_t collective)
{
  Shape *shape = &g_array_index(sim->shapes, Shape, sim->groups[kind].shape[group]);

  if (!shape->planned[collective]) {
    MoeCollGroup members = {.n = shape->n, .gpus = shape->gpus};

    moe_coll_plan(sim->topo, &sim->run->stack.collectives, &sim->collectives[collective], &members,
                  &shape->plans[collective]);
    simplify_plan(sim, sim->collectives[collective].pass, &shape->plans[collective]);
    shape->planned[collective] = TRUE;
  }
  return &shape->plans[collective];
}

static gboolean is_free(const MoeCollPlan *plan)
{
  for (unsigned p = 0; p < MOE_N_PORTS; p++)
    if (plan->port_bytes[p] > 0)
      return FALSE;
  return plan->latency == 0;
}

static MoeCause cause_of(const MoeCollPlan *plan)
{
  return plan->network ? MOE_CAUSE_NETWORK_EXPOSED : MOE_CAUSE_NVLINK_EXPOSED;
}

/* ---- flights ----------------------------------------------------------------------------------------------------- */

static uint32_t new_flight(Sim *sim, Flight flight)
{
  flight.start = sim->now;
  uint32_t id = sim->free_flight;
  if (id == NONE) {
    g_array_append_val(sim->flights, flight);
    return sim->flights->len - 1;
  }
  sim->free_flight = g_array_index(sim->flights, Flight, id).a;
  g_array_index(sim->flights, Flight, id) = flight;
  return id;
}

/* `kind`: the group's, MOE_N_GROUPS for messages of the pipeline. */
static void count_traffic(Sim *sim, const MoeCollPlan *plan, guint kind, double ranks)
{
  MoeSimTraffic *traffic = sim->options->traffic;

  if (traffic) {
    traffic->nvlink_bytes[kind] += plan->wire_nvlink_bytes * ranks;
    traffic->network_bytes[kind] += plan->wire_network_bytes * ranks;
  }
  sim->nvlink_bytes += plan->wire_nvlink_bytes * ranks;
  sim->network_bytes += plan->wire_network_bytes * ranks;
}

static void stream_runs(Unit *unit, unsigned stream, MoeCause cause)
{
  unit->stream[stream].state = STREAM_RUNS;
  unit->stream[stream].cause = (uint8_t)cause;
}

/* ---- collectives ------------------------------------------------------------------------------------------------- */

/* Members' factors in the micro-batch that these ranks are in. */
static void shift_skew(const Sim *sim, const Unit *unit, unsigned stream, MoeCollPlan *plan)
{
  gsize first = (gsize)sim_load_draw(sim, unit, unit->stream[stream].call) * plan->n_skew;

  if (plan->in_factor)
    plan->in_factor += first;
  if (plan->out_factor)
    plan->out_factor += first;
}

static void launch(Sim *sim, MoeGroupKind kind, uint32_t group, unsigned stream, const MoeCollPlan *plan,
                   const MoeCollective *collective)
{
  const Groups *groups = &sim->groups[kind];
  uint32_t first = groups->first[group], n = groups->first[group + 1] - first;
  gboolean expert = collective->kind == MOE_DISPATCH || collective->kind == MOE_COMBINE;
  MoeCollPlan drawn = *plan;
  uint8_t sms_class = plan->sms > 0 ? (expert ? 1 : 2) : 0;
  uint32_t flight = new_flight(sim, (Flight){.kind = FLIGHT_COLLECTIVE,
                                             .stream = (uint8_t)stream,
                                             .group_kind = kind,
                                             .sms_class = sms_class,
                                             .a = group});

  sim_between_group(sim, kind, group, plan);
  if (plan->n_skew > 0)
    shift_skew(sim, &sim->unit[groups->unit[first]], stream, &drawn);
  moe_fabric_start(sim->fabric, &drawn, n, &groups->gpu[first], plan->n_skew ? &groups->index[first] : NULL, flight);
  for (uint32_t i = first; i < first + n; i++) {
    Unit *unit = &sim->unit[groups->unit[i]];

    stream_runs(unit, stream, cause_of(plan));
    count_traffic(sim, plan, kind, (double)sim->multiplicity[groups->unit[i]]);
    if (sms_class) {
      unit->communicating[sms_class - 1]++;
      sim_mode_changed(sim, unit);
    }
    sim_idle_update(sim, unit);
  }
}

static void finish_members(Sim *sim, MoeGroupKind kind, uint32_t group, unsigned stream)
{
  const Groups *groups = &sim->groups[kind];

  for (uint32_t i = groups->first[group]; i < groups->first[group + 1]; i++)
    sim_stream_done(sim, &sim->unit[groups->unit[i]], stream, 1);
}

static void start_collective(Sim *sim, Unit *unit, unsigned stream, const MoeOp *op)
{
  const MoeCollective *collective = &sim->collectives[op->work];
  MoeGroupKind kind = collective->group;
  uint32_t group = sim->groups[kind].of_unit[unit - sim->unit];

  if (group == NONE) { /* this rank has no part in it */
    sim_stream_done(sim, unit, stream, 1);
    return;
  }
  Gathering *gathering = &sim->gathering[kind][stream][group];
  g_assert(gathering->arrived == 0 || gathering->work == op->work);
  gathering->work = op->work;
  gathering->arrived++;
  unit->stream[stream].state = STREAM_ARRIVED;
  if (gathering->arrived < sim->groups[kind].first[group + 1] - sim->groups[kind].first[group])
    return;
  gathering->arrived = 0;
  const MoeCollPlan *plan = sim_plan(sim, kind, group, op->work);
  if (is_free(plan))
    finish_members(sim, kind, group, stream);
  else
    launch(sim, kind, group, stream, plan, collective);
}

static void land_collective(Sim *sim, const Flight *flight)
{
  const Groups *groups = &sim->groups[flight->group_kind];

  for (uint32_t i = groups->first[flight->a]; i < groups->first[flight->a + 1]; i++) {
    Unit *unit = &sim->unit[groups->unit[i]];

    if (sim_traced(sim, unit)) {
      sim_slice(sim, unit, flight->stream, sim_head_index(sim, unit, flight->stream),
                unit->stream[flight->stream].cause, flight->start, sim->now);
    }
    if (flight->sms_class) {
      unit->communicating[flight->sms_class - 1]--;
      sim_mode_changed(sim, unit);
    }
  }
  finish_members(sim, flight->group_kind, flight->a, flight->stream);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static uint32_t message_of(const Sim *sim, const Unit *unit, unsigned stream)
{
  return sim_call(unit, unit->stream[stream].call)->message[sim_head(sim, unit, stream)->work];
}

static Unit *unit_on_stage(const Sim *sim, const Unit *unit, uint32_t stage)
{
  int64_t rank = moe_layout_on_stage(sim->program->layout, unit->rank, stage);

  return &sim->unit[sim->colour_of_rank[rank]];
}

static void slice_message(Sim *sim, const Unit *unit, unsigned stream, MoeTime start)
{
  if (sim_traced(sim, unit))
    sim_slice(sim, unit, stream, sim_head_index(sim, unit, stream), unit->stream[stream].cause, start, sim->now);
}

/* The receiver may go on when it already waits for this message. */
static void land_message(Sim *sim, uint32_t message, Unit *to, MoeTime start)
{
  Stream *receive = &to->stream[MOE_STREAM_RECV];

  to->inbox[sim->message_slot[message]] = MESSAGE_ARRIVED;
  if (receive->state == STREAM_MESSAGE && message_of(sim, to, MOE_STREAM_RECV) == message) {
    slice_message(sim, to, MOE_STREAM_RECV, MAX(start, to->received));
    to->received = sim->now;
    sim_stream_done(sim, to, MOE_STREAM_RECV, 1);
  }
}

static void start_send(Sim *sim, Unit *unit, unsigned stream)
{
  uint32_t id = message_of(sim, unit, stream);
  const MoeMessage *message = &sim->program->messages[id];
  Unit *to = unit_on_stage(sim, unit, message->to_stage);
  MoeCollPlan plan;

  moe_coll_plan_p2p(sim->topo, &sim->run->stack.collectives, unit->rank,
                    moe_layout_on_stage(sim->program->layout, unit->rank, message->to_stage), message->bytes, &plan);
  simplify_plan(sim, MOE_PASS_FORWARD, &plan);
  stream_runs(unit, stream, cause_of(&plan));
  count_traffic(sim, &plan, MOE_N_GROUPS, (double)sim->multiplicity[unit - sim->unit]);
  sim_between_message(sim, unit->rank, to->rank, &plan);
  if (is_free(&plan)) {
    land_message(sim, id, to, sim->now);
    sim_stream_done(sim, unit, stream, 1);
    return;
  }
  to->inbox[sim->message_slot[id]] = MESSAGE_IN_FLIGHT;
  if (to->stream[MOE_STREAM_COMPUTE].state != STREAM_RUNS)
    sim_idle_update(sim, to);
  uint32_t flight = new_flight(sim, (Flight){.kind = FLIGHT_MESSAGE,
                                             .stream = (uint8_t)stream,
                                             .a = (uint32_t)(unit - sim->unit),
                                             .b = (uint32_t)(to - sim->unit),
                                             .message = id});
  moe_fabric_start_p2p(sim->fabric, &plan, unit->rank, to->rank, flight);
}

/* A message that is there already is taken at once; its slice, of no length, is where the timeline's arrow ends. */
static void take_arrived(Sim *sim, Unit *unit, unsigned stream, uint32_t message)
{
  if (sim_traced(sim, unit)) {
    unit->stream[stream].cause = (uint8_t)sim_message_cause(sim, unit, message);
    slice_message(sim, unit, stream, sim->now);
    unit->received = sim->now;
  }
  sim_stream_done(sim, unit, stream, 1);
}

static void start_receive(Sim *sim, Unit *unit, unsigned stream)
{
  uint32_t message = message_of(sim, unit, stream);

  if (unit->inbox[sim->message_slot[message]] == MESSAGE_ARRIVED)
    take_arrived(sim, unit, stream, message);
  else
    unit->stream[stream].state = STREAM_MESSAGE;
}

/* ---- copies ------------------------------------------------------------------------------------------------------ */

static void start_copy(Sim *sim, Unit *unit, unsigned stream, const MoeOp *op)
{
  const MoeCopy *copy = &sim->program->copies[op->work];
  MoeCollPlan plan;
  uint32_t gpu = unit->rank;

  if (sim->without & MOE_WITHOUT_COPY) {
    sim_stream_done(sim, unit, stream, 1);
    return;
  }
  moe_coll_plan_copy(sim->topo, copy, &plan);
  sim->host_bytes += copy->bytes * (double)sim->multiplicity[unit - sim->unit];
  stream_runs(unit, stream, MOE_CAUSE_COPY_EXPOSED);
  uint32_t flight =
      new_flight(sim, (Flight){.kind = FLIGHT_COPY, .stream = (uint8_t)stream, .a = (uint32_t)(unit - sim->unit)});
  moe_fabric_start(sim->fabric, &plan, 1, &gpu, NULL, flight);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

void sim_exchange_start(Sim *sim, Unit *unit, unsigned stream, const MoeOp *op)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_COLLECTIVE:
    start_collective(sim, unit, stream, op);
    break;
  case MOE_OP_SEND:
    start_send(sim, unit, stream);
    break;
  case MOE_OP_RECV:
    start_receive(sim, unit, stream);
    break;
  case MOE_OP_COPY:
    start_copy(sim, unit, stream, op);
    break;
  default:
    g_assert_not_reached();
  }
}

void sim_exchange_delivered(Sim *sim, uint32_t id)
{
  Flight flight = g_array_index(sim->flights, Flight, id);

  g_array_index(sim->flights, Flight, id).a = sim->free_flight;
  sim->free_flight = id;
  if (flight.kind == FLIGHT_COLLECTIVE) {
    land_collective(sim, &flight);
    return;
  }
  Unit *unit = &sim->unit[flight.a];
  slice_message(sim, unit, flight.stream, flight.start);
  if (flight.kind == FLIGHT_MESSAGE)
    land_message(sim, flight.message, &sim->unit[flight.b], flight.start);
  sim_stream_done(sim, unit, flight.stream, 1);
}

static void make_inboxes(Sim *sim)
{
  const MoeProgram *program = sim->program;
  g_autofree uint32_t *incoming = g_new0(uint32_t, program->n_roles + 1);
  gsize total = 0;

  sim->message_slot = g_new(uint32_t, program->n_messages + 1);
  for (guint m = 0; m < program->n_messages; m++)
    sim->message_slot[m] = incoming[program->messages[m].to_stage]++;
  for (guint u = 0; u < sim->n_units; u++)
    total += incoming[sim->unit[u].role];
  sim->inboxes = g_new0(uint8_t, total + 1);
  total = 0;
  for (guint u = 0; u < sim->n_units; u++) {
    sim->unit[u].inbox = &sim->inboxes[total];
    total += incoming[sim->unit[u].role];
  }
}

void sim_exchange_init(Sim *sim)
{
  sim->flights = g_array_new(FALSE, FALSE, sizeof(Flight));
  sim->free_flight = NONE;
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    for (unsigned s = 0; sim->groups[kind].n_groups > 0 && s < MOE_N_STREAMS; s++)
      sim->gathering[kind][s] = g_new0(Gathering, sim->groups[kind].n_groups);
  make_inboxes(sim);
}

void sim_exchange_clear(Sim *sim)
{
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    for (unsigned s = 0; s < MOE_N_STREAMS; s++)
      g_free(sim->gathering[kind][s]);
  if (sim->flights)
    g_array_free(sim->flights, TRUE);
  g_free(sim->message_slot);
  g_free(sim->inboxes);
}
