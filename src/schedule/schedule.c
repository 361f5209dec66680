/* The table of schedules, and the arithmetic of where positions lie. */
#include "internal.h"

#define MOE_SCHEDULE_WORD(constant, row, word) [MOE_SCHEDULE_##constant] = word,
const char *const moe_schedule_words[] = {MOE_SCHEDULE_ROWS(MOE_SCHEDULE_WORD) NULL};

#define MOE_SCHEDULE_ENTRY(constant, row, word) [MOE_SCHEDULE_##constant] = &moe_schedule_##row,
static const MoeSchedule *const schedules[MOE_N_SCHEDULES] = {MOE_SCHEDULE_ROWS(MOE_SCHEDULE_ENTRY)};

const MoeSchedule *moe_schedule_find(MoeScheduleKind kind)
{
  g_assert(kind < MOE_N_SCHEDULES);
  return schedules[kind];
}

void moe_placement_init(MoeScheduleKind kind, int64_t stages, int64_t virtual_stages, int64_t batches, gboolean merge,
                        MoePlacement *placement)
{
  const MoeSchedule *schedule = moe_schedule_find(kind);
  int64_t chunks = schedule->chunks > 0 ? schedule->chunks : virtual_stages;

  *placement = (MoePlacement){.stages = stages,
                              .chunks = chunks,
                              .positions = stages * chunks / schedule->chains,
                              .batches = batches,
                              .chains = schedule->chains,
                              .merge = merge};
}

int64_t moe_placement_position(const MoeSchedule *schedule, const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  if (schedule->chains > 1)
    return chunk == 0 ? stage : placement->stages - 1 - stage;
  if (schedule->folded && chunk % 2 == 1)
    return (chunk + 1) * placement->stages - 1 - stage;
  return chunk * placement->stages + stage;
}

int64_t moe_placement_stage(const MoeSchedule *schedule, const MoePlacement *placement, int64_t position, int64_t chain)
{
  int64_t stage = position % placement->stages, chunk = position / placement->stages;

  if (chain > 0 || (schedule->folded && chunk % 2 == 1))
    return placement->stages - 1 - stage;
  return stage;
}

/* The first half of the micro-batches enters at the first stage, the second half at the last. */
int64_t moe_placement_chain(const MoeSchedule *schedule, const MoePlacement *placement, int64_t batch)
{
  return schedule->chains > 1 && batch >= placement->batches / 2 ? 1 : 0;
}

/* ---- actions ----------------------------------------------------------------------------------------------------- */

gboolean moe_action_forwards(const MoeAction *action)
{
  return action->kind == MOE_ACTION_FORWARD || action->kind == MOE_ACTION_BOTH;
}

gboolean moe_action_backwards(const MoeAction *action)
{
  return action->kind == MOE_ACTION_BACKWARD || action->kind == MOE_ACTION_BOTH || action->kind == MOE_ACTION_DGRAD;
}

gboolean moe_action_weighs(const MoeAction *action)
{
  return action->kind == MOE_ACTION_BACKWARD || action->kind == MOE_ACTION_BOTH || action->kind == MOE_ACTION_WGRAD;
}

void moe_action_add(GArray *actions, MoeActionKind kind, int64_t chunk, int64_t batch)
{
  MoeAction action = {.kind = (uint8_t)kind,
                      .chunk = (uint8_t)chunk,
                      .chunk_b = (uint8_t)chunk,
                      .batch = (uint32_t)batch,
                      .batch_b = (uint32_t)batch};

  g_array_append_val(actions, action);
}

void moe_action_add_both(GArray *actions, int64_t chunk, int64_t batch, int64_t chunk_b, int64_t batch_b)
{
  MoeAction action = {.kind = MOE_ACTION_BOTH,
                      .chunk = (uint8_t)chunk,
                      .chunk_b = (uint8_t)chunk_b,
                      .batch = (uint32_t)batch,
                      .batch_b = (uint32_t)batch_b};

  g_array_append_val(actions, action);
}
