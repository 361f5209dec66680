/* Streams of one unit: what can start now, what completes. */
#include "internal.h"

/* What the compute stream runs next has the loads of its micro-batch. */
static void follow_load(const Sim *sim, Unit *unit)
{
  if (sim->program->n_load_draws > 1)
    unit->load = sim_load_class(sim, sim_load_draw(sim, unit, unit->stream[MOE_STREAM_COMPUTE].call), unit->index);
}

/* Moves past the end of a block to the next call that has operations for this stream. */
static gboolean settle_cursor(const Sim *sim, Unit *unit, unsigned stream)
{
  const uint32_t n_calls = sim->program->roles[unit->role].n_calls;
  Stream *s = &unit->stream[stream];

  while (s->call < n_calls && s->pos >= sim_block(sim, unit, s->call)->n_stream[stream]) {
    s->call++;
    s->pos = 0;
    if (stream == MOE_STREAM_COMPUTE)
      unit->segment = 0;
  }
  if (s->call < n_calls && s->pos == 0 && stream == MOE_STREAM_COMPUTE)
    follow_load(sim, unit);
  return s->call < n_calls;
}

void sim_unit_ready(Sim *sim, Unit *unit, unsigned bit)
{
  unit->ready |= (uint16_t)(1u << bit);
  if (!unit->in_work_list) {
    unit->in_work_list = TRUE;
    sim->work_list[sim->n_work++] = (uint32_t)(unit - sim->unit);
  }
}

void sim_stream_done(Sim *sim, Unit *unit, unsigned stream, uint32_t count)
{
  Stream *s = &unit->stream[stream];

  s->done += count;
  s->pos += count;
  s->state = STREAM_IDLE;
  sim->operations += count;
  unit->ready |= unit->waiting_on[stream];
  unit->waiting_on[stream] = 0;
  sim_unit_ready(sim, unit, stream);
}

/* The first wait of an operation that does not hold yet, as a stream; MOE_N_STREAMS when all hold. */
static unsigned unmet_wait(const Unit *unit, const MoeCall *call, const MoeBlock *block, const MoeOp *op)
{
  const MoeWait *waits = &block->waits[op->first_wait];

  for (uint32_t w = 0; w < op->n_waits; w++)
    if (unit->stream[waits[w].stream].done < call->base[waits[w].stream] + waits[w].count)
      return waits[w].stream;
  return MOE_N_STREAMS;
}

unsigned sim_wait(Unit *unit, const MoeCall *call, const MoeBlock *block, const MoeOp *op, unsigned waiter)
{
  unsigned on = unmet_wait(unit, call, block, op);

  if (on < MOE_N_STREAMS)
    unit->waiting_on[on] |= (uint16_t)(1u << waiter);
  return on;
}

/* Starts the head of a communication stream now, or posts the moment at which the host has issued it. */
static void start_transfer(Sim *sim, Unit *unit, unsigned stream, uint32_t block, uint32_t index)
{
  Stream *s = &unit->stream[stream];
  MoeTime issued = sim_host_offset(sim, unit, s->call, index) + sim->block[block].issue[index];

  if (issued > sim->now) {
    s->state = STREAM_ISSUE;
    moe_engine_post(sim->engine, sim->class_issue, (uint32_t)(unit - sim->unit) * MOE_N_STREAMS + stream, issued);
    return;
  }
  sim_exchange_start(sim, unit, stream, &sim->program->blocks[block].ops[index]);
}

static void try_stream(Sim *sim, Unit *unit, unsigned stream)
{
  Stream *s = &unit->stream[stream];

  if (s->state > STREAM_ISSUE)
    return;
  if (!settle_cursor(sim, unit, stream)) {
    s->state = STREAM_FINISHED;
    unit->end = sim->now;
    return;
  }
  const MoeCall *call = sim_call(unit, s->call);
  const MoeBlock *block = &sim->program->blocks[call->block];
  uint32_t index = block->stream_ops[stream][s->pos];
  unsigned on = sim_wait(unit, call, block, &block->ops[index], stream);
  if (on < MOE_N_STREAMS) {
    s->state = STREAM_WAITS;
    s->waits_on = (uint8_t)on;
  } else if (!sim_host_reached(unit, s->call, index)) {
    s->state = STREAM_HOST;
    unit->host_blocked |= (uint16_t)(1u << stream);
  } else if (stream == MOE_STREAM_COMPUTE) {
    sim_segment_start(sim, unit);
  } else {
    start_transfer(sim, unit, stream, call->block, index);
  }
}

void sim_unit_run(Sim *sim, Unit *unit)
{
  while (unit->ready) {
    unsigned bit = (unsigned)__builtin_ctz(unit->ready);

    unit->ready &= (uint16_t) ~(1u << bit);
    if (bit == HOST_BIT)
      sim_host_run(sim, unit);
    else
      try_stream(sim, unit, bit);
  }
  sim_idle_update(sim, unit);
}

void sim_unit_start(Sim *sim, Unit *unit)
{
  unit->idle_cause = MOE_CAUSE_HOST;
  unit->calls = sim->program->roles[unit->role].calls;
  sim_host_start(sim, unit);
  for (unsigned stream = 0; stream < MOE_N_STREAMS; stream++)
    sim_unit_ready(sim, unit, stream);
  sim_unit_ready(sim, unit, HOST_BIT);
}
