/*
 * The host issues operations in the order of the program. Between two synchronizations it never waits, so the issue
 * time of an operation is host_base + its place in the issue order (call_issue + BlockPlan.issue); a synchronization
 * moves host_base.
 */
#include "internal.h"

#define LONG_AGO (G_MININT64 / 4)

static MoeTime place_of(const Sim *sim, const Unit *unit, uint32_t call, uint32_t op)
{
  return sim->role[unit->role].call_issue[call] + sim->block[sim_call(unit, call)->block].issue[op];
}

/* Finds the next synchronization from (front_call, front_sync) on and when the host gets there. */
static void find_front(Sim *sim, Unit *unit)
{
  const MoeRole *role = &sim->program->roles[unit->role];

  while (unit->front_call < role->n_calls &&
         unit->front_sync >= sim->block[role->calls[unit->front_call].block].n_syncs) {
    unit->front_call++;
    unit->front_sync = 0;
  }
  if (unit->front_call >= role->n_calls)
    return;
  unit->front_op = sim->block[role->calls[unit->front_call].block].syncs[unit->front_sync];
  unit->host_arrival = unit->host_base + place_of(sim, unit, unit->front_call, unit->front_op);
  if (unit->host_arrival > sim->now)
    moe_engine_post(sim->engine, sim->class_host, (uint32_t)(unit - sim->unit), unit->host_arrival);
}

void sim_host_start(Sim *sim, Unit *unit)
{
  find_front(sim, unit);
}

/* The synchronization at the front holds: the host wakes and issues on. */
static void pass_front(Sim *sim, Unit *unit)
{
  MoeTime awake = sim->now + sim->sync;

  unit->host_base = awake - place_of(sim, unit, unit->front_call, unit->front_op);
  unit->epoch_call = unit->front_call;
  unit->epoch_op = unit->front_op + 1;
  unit->front_sync++;
  unit->ready |= unit->host_blocked;
  unit->host_blocked = 0;
  unit->host_waits = FALSE;
  sim->operations++;
}

void sim_host_run(Sim *sim, Unit *unit)
{
  guint n_calls = sim->program->roles[unit->role].n_calls;

  while (unit->front_call < n_calls && sim->now >= unit->host_arrival) {
    const MoeBlock *block = sim_block(sim, unit, unit->front_call);
    unsigned on = sim_wait(unit, sim_call(unit, unit->front_call), block, &block->ops[unit->front_op], HOST_BIT);

    if (on < MOE_N_STREAMS) {
      unit->host_waits = TRUE;
      unit->host_waits_on = (uint8_t)on;
      return;
    }
    pass_front(sim, unit);
    find_front(sim, unit);
  }
}

gboolean sim_host_reached(const Unit *unit, uint32_t call, uint32_t op)
{
  return call < unit->front_call || (call == unit->front_call && op < unit->front_op);
}

MoeTime sim_host_offset(const Sim *sim, const Unit *unit, uint32_t call, uint32_t op)
{
  if (call < unit->epoch_call || (call == unit->epoch_call && op < unit->epoch_op))
    return LONG_AGO;
  return unit->host_base + sim->role[unit->role].call_issue[call];
}
