/* To what each instant of a unit's compute stream belongs, and the sums. */
#include "price.h"

/* ---- idle causes ------------------------------------------------------------------------------------------------- */

/* Waiting for ranks of other stages is the pipeline's bubble, for ranks of the own stage it is imbalance. */
static MoeCause peers_cause(const Sim *sim, MoeGroupKind kind)
{
  gboolean spans_stages = kind == MOE_GROUP_EMBEDDING || kind == MOE_GROUP_PIPELINE || kind == MOE_GROUP_WORLD;

  return spans_stages && sim->program->n_roles > 1 ? MOE_CAUSE_BUBBLE : MOE_CAUSE_PEER_WAIT;
}

MoeCause sim_message_cause(const Sim *sim, const Unit *unit, uint32_t message)
{
  int64_t from = moe_layout_on_stage(sim->program->layout, unit->rank, sim->program->messages[message].from_stage);

  return moe_topo_reach(sim->topo, from, unit->rank) <= MOE_REACH_DOMAIN ? MOE_CAUSE_NVLINK_EXPOSED
                                                                         : MOE_CAUSE_NETWORK_EXPOSED;
}

static MoeCause message_cause(const Sim *sim, const Unit *unit)
{
  const MoeCall *call = sim_call(unit, unit->stream[MOE_STREAM_RECV].call);
  uint32_t id = call->message[sim_head(sim, unit, MOE_STREAM_RECV)->work];

  return unit->inbox[sim->message_slot[id]] == MESSAGE_IN_FLIGHT ? sim_message_cause(sim, unit, id) : MOE_CAUSE_BUBBLE;
}

/* The compute stream has nothing left: what still runs, or the other ranks. */
static int unfinished_stream(const Unit *unit)
{
  for (unsigned s = 0; s < MOE_N_STREAMS; s++)
    if (unit->stream[s].state != STREAM_FINISHED)
      return (int)s;
  return -1;
}

static MoeCause finished_cause(const Sim *sim)
{
  return sim->program->n_roles > 1 ? MOE_CAUSE_BUBBLE : MOE_CAUSE_PEER_WAIT;
}

/* Follows what the compute stream waits for to the thing that is really going on. */
static MoeCause waiting_cause(const Sim *sim, const Unit *unit)
{
  int stream = MOE_STREAM_COMPUTE;

  for (unsigned step = 0; step <= MOE_N_STREAMS + 1; step++) {
    const Stream *s = &unit->stream[stream];

    switch ((StreamState)s->state) {
    case STREAM_RUNS:
      return s->cause;
    case STREAM_ARRIVED:
      return peers_cause(sim, sim->collectives[sim_head(sim, unit, (unsigned)stream)->work].group);
    case STREAM_MESSAGE:
      return message_cause(sim, unit);
    case STREAM_WAITS:
      stream = s->waits_on;
      break;
    case STREAM_HOST:
      if (!unit->host_waits)
        return MOE_CAUSE_HOST;
      stream = unit->host_waits_on;
      break;
    case STREAM_FINISHED:
      stream = unfinished_stream(unit);
      if (stream < 0)
        return finished_cause(sim);
      break;
    default:
      return MOE_CAUSE_HOST;
    }
  }
  return MOE_CAUSE_HOST;
}

void sim_idle_close(Sim *sim, Unit *unit, MoeTime until)
{
  if (until <= unit->idle_since)
    return;
  unit->idle[unit->idle_cause] += until - unit->idle_since;
  if (sim_traced(sim, unit))
    sim_slice(sim, unit, MOE_N_STREAMS, NONE, unit->idle_cause, unit->idle_since, until);
  unit->idle_since = until;
}

void sim_idle_update(Sim *sim, Unit *unit)
{
  if (unit->stream[MOE_STREAM_COMPUTE].state == STREAM_RUNS)
    return;
  MoeCause cause = waiting_cause(sim, unit);
  if (cause != unit->idle_cause) {
    sim_idle_close(sim, unit, sim->now);
    unit->idle_cause = (uint8_t)cause;
  }
}

/* ---- slices ------------------------------------------------------------------------------------------------------ */

static const char *op_name(const Sim *sim, const MoeOp *op)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_KERNEL:
    return sim->program->kernels[op->work].name;
  case MOE_OP_COLLECTIVE:
    return sim->program->collectives[op->work].name;
  case MOE_OP_COPY:
    return sim->program->copies[op->work].name;
  case MOE_OP_SEND:
    return "send";
  case MOE_OP_RECV:
    return "receive";
  case MOE_OP_HOST_SYNC:
    return "synchronize";
  default:
    return "data";
  }
}

static void fill_memory(const MoeBlock *block, uint32_t op, MoeSlice *slice)
{
  for (uint32_t m = 0; m < block->n_memory; m++) {
    const MoeMemoryEvent *event = &block->memory[m];

    if (event->op == op)
      *(event->at_end ? &slice->memory_end_bytes : &slice->memory_start_bytes) += event->bytes;
  }
}

/* The collective ran, so that its plan has been made. */
static void fill_collective(const Sim *sim, const Unit *unit, uint32_t work, MoeSlice *slice)
{
  const Groups *groups = &sim->groups[sim->collectives[work].group];
  uint32_t group = groups->of_unit[unit - sim->unit];
  const Shape *shape = &g_array_index(sim->shapes, Shape, groups->shape[group]);

  slice->collective = &sim->collectives[work];
  slice->algorithm = shape->plans[work].algorithm;
  slice->group = moe_layout_group_of(sim->program->layout, sim->collectives[work].group, unit->rank);
  slice->members = shape->n;
  slice->payload_bytes = sim->collectives[work].bytes;
  slice->sent_bytes[MOE_LINK_NVLINK] = shape->plans[work].wire_nvlink_bytes;
  slice->sent_bytes[MOE_LINK_NETWORK] = shape->plans[work].wire_network_bytes;
}

static void fill_message(const Sim *sim, const MoeOp *op, const MoeCall *call, MoeSlice *slice)
{
  gboolean nvlink = slice->cause == MOE_CAUSE_NVLINK_EXPOSED;

  slice->message = call->message[op->work];
  slice->payload_bytes = sim->program->messages[slice->message].bytes;
  if (op->kind == MOE_OP_SEND)
    slice->sent_bytes[nvlink ? MOE_LINK_NVLINK : MOE_LINK_NETWORK] = slice->payload_bytes;
}

static void fill_work(const Sim *sim, const Unit *unit, const MoeOp *op, const MoeCall *call, MoeSlice *slice)
{
  if (op->kind == MOE_OP_COLLECTIVE) {
    fill_collective(sim, unit, op->work, slice);
  } else if (op->kind == MOE_OP_SEND || op->kind == MOE_OP_RECV) {
    fill_message(sim, op, call, slice);
  } else if (op->kind == MOE_OP_COPY) {
    slice->payload_bytes = sim->program->copies[op->work].bytes;
    slice->sent_bytes[MOE_LINK_HOST] = slice->payload_bytes;
  }
}

static void fill_causes(const Sim *sim, const Unit *unit, uint32_t work, MoeSlice *slice)
{
  Price price;

  sim_price_alone(sim, unit->load, work, &price);
  slice->cause = (uint8_t)sim_busy_causes(&price, slice->cause_s);
}

/* Gives the rest of a slice's length - contention, jitter, a slow GPU - to kernel inefficiency, as account_busy does;
 * all of what is no kernel to its cause. */
static void settle_causes(MoeSlice *slice)
{
  double rest = moe_time_to_seconds(slice->end - slice->start);

  if (slice->stream != MOE_STREAM_COMPUTE && slice->stream != MOE_N_STREAMS)
    return;
  for (unsigned c = 0; c < MOE_N_CAUSES; c++)
    rest -= slice->cause_s[c];
  slice->cause_s[slice->kernel ? MOE_CAUSE_KERNEL_INEFFICIENCY : slice->cause] += rest;
}

static MoeSlice idle_slice(MoeCause cause)
{
  return (MoeSlice){
      .name = moe_cause_words[cause], .cause = (uint8_t)cause, .block = "idle", .layer = -1, .message = MOE_NO_MESSAGE};
}

/* The operation's own members; `kernel` is room for what it points to. */
static MoeSlice operation_slice(const Sim *sim, const Unit *unit, unsigned stream, uint32_t op, MoeCause cause,
                                MoeKernel *kernel)
{
  const MoeCall *call = sim_call(unit, unit->stream[stream].call);
  const MoeBlock *block = &sim->program->blocks[call->block];
  const MoeOp *o = &block->ops[op];
  MoeSlice slice = {.name = op_name(sim, o),
                    .block = block->name,
                    .pass = o->pass,
                    .cause = (uint8_t)cause,
                    .layer = o->layer,
                    .micro_batch = call->micro_batch,
                    .message = MOE_NO_MESSAGE};

  if (o->kind == MOE_OP_KERNEL) {
    moe_program_kernel(sim->program, unit->load, o->work, kernel);
    slice.kernel = kernel;
    fill_causes(sim, unit, o->work, &slice);
  } else if (o->kind == MOE_OP_DELAY) {
    slice.cause = (uint8_t)sim_delay_cause(o);
  }
  fill_memory(block, op, &slice);
  fill_work(sim, unit, o, call, &slice);
  return slice;
}

void sim_slice(Sim *sim, const Unit *unit, unsigned stream, uint32_t op, MoeCause cause, MoeTime start, MoeTime end)
{
  MoeKernel kernel;

  if (end <= start && stream == MOE_N_STREAMS)
    return;
  MoeSlice slice = stream == MOE_N_STREAMS ? idle_slice(cause) : operation_slice(sim, unit, stream, op, cause, &kernel);

  slice.rank = unit->rank;
  slice.stream = (uint8_t)stream;
  slice.start = start;
  slice.end = end;
  settle_causes(&slice);
  sim->options->slice(&slice, sim->options->slice_data);
}

/* ---- totals ------------------------------------------------------------------------------------------------------ */

static MoeTime step_end(const Sim *sim)
{
  MoeTime end = 0;

  for (guint u = 0; u < sim->n_units; u++)
    end = MAX(end, sim->unit[u].end);
  return end;
}

/* Busy time by the role's undisturbed account; what it exceeds that (contention, jitter, a slow GPU) is kernel
 * inefficiency. */
static void account_busy(const Sim *sim, const Unit *unit, MoeUnitAccount *account)
{
  const RolePlan *plan = &sim->role[unit->role];
  const gsize load = sim_load_class(sim, unit->rack, unit->index);
  double known = 0;

  for (unsigned c = 0; c < MOE_N_CAUSES; c++) {
    account->cause_s[c] = plan->cause_s[load * MOE_N_CAUSES + c];
    known += account->cause_s[c];
  }
  double extra = moe_time_to_seconds(unit->busy) - known;
  account->cause_s[MOE_CAUSE_KERNEL_INEFFICIENCY] += extra;
  for (unsigned r = 0; r < MOE_N_REASONS; r++)
    account->reason_s[r] = plan->reason_s[load * MOE_N_REASONS + r];
  account->reason_s[MOE_REASON_CONTENTION] += extra;
  memcpy(account->scope_s, &plan->scope_s[load * MOE_N_SCOPES], sizeof account->scope_s);
  memcpy(account->pass_s, &plan->pass_s[load * MOE_N_PASSES], sizeof account->pass_s);
}

static void account_unit(Sim *sim, Unit *unit, MoeTime end, MoeUnitAccount *account)
{
  account->rank = unit->rank;
  account->multiplicity = sim->multiplicity[unit - sim->unit];
  account->role = unit->role;
  account->end = unit->end;
  sim_idle_close(sim, unit, end);
  account_busy(sim, unit, account);
  for (unsigned c = 0; c < MOE_N_CAUSES; c++)
    account->cause_s[c] += moe_time_to_seconds(unit->idle[c]);
}

static void add_mean(double *mean, const double *part, unsigned n, double weight)
{
  for (unsigned i = 0; i < n; i++)
    mean[i] += part[i] * weight;
}

static void account_units(Sim *sim, double ranks, MoeSimResult *result)
{
  result->units = g_new0(MoeUnitAccount, sim->n_units);
  for (guint u = 0; u < sim->n_units; u++) {
    MoeUnitAccount *account = &result->units[u];
    double weight = (double)sim->multiplicity[u] / ranks;

    account_unit(sim, &sim->unit[u], result->step, account);
    add_mean(result->cause_s, account->cause_s, MOE_N_CAUSES, weight);
    add_mean(result->reason_s, account->reason_s, MOE_N_REASONS, weight);
    add_mean(result->scope_s, account->scope_s, MOE_N_SCOPES, weight);
    add_mean(result->pass_s, account->pass_s, MOE_N_PASSES, weight);
    result->hardware_flop +=
        sim->role[sim->unit[u].role].flop[sim_load_class(sim, sim->unit[u].rack, sim->unit[u].index)] *
        (double)sim->multiplicity[u];
  }
}

MoeSimResult *sim_account(Sim *sim)
{
  MoeSimResult *result = g_new0(MoeSimResult, 1);
  double ranks = (double)moe_layout_ranks(sim->program->layout);

  result->step = step_end(sim);
  result->fidelity = sim->fidelity;
  result->n_units = sim->n_units;
  if (!sim->options->step_alone)
    account_units(sim, ranks, result);
  result->nvlink_bytes = sim->nvlink_bytes / ranks;
  result->network_bytes = sim->network_bytes / ranks;
  result->host_bytes = sim->host_bytes / ranks;
  result->events = moe_engine_events(sim->engine);
  result->operations = sim->operations;
  return result;
}

void moe_sim_result_free(MoeSimResult *result)
{
  if (!result)
    return;
  g_free(result->units);
  g_free(result);
}
