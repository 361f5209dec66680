/* The table of schedules, and the arithmetic of where positions lie. */
#include "schedule.h"

static const MoeSchedule *const schedules[MOE_N_SCHEDULES] = {
    [MOE_SCHEDULE_NONE] = &moe_schedule_none,
    [MOE_SCHEDULE_GPIPE] = &moe_schedule_gpipe,
    [MOE_SCHEDULE_1F1B] = &moe_schedule_1f1b,
    [MOE_SCHEDULE_INTERLEAVED] = &moe_schedule_interleaved,
    [MOE_SCHEDULE_ZB_H1] = &moe_schedule_zb_h1,
    [MOE_SCHEDULE_ZB_H2] = &moe_schedule_zb_h2,
    [MOE_SCHEDULE_ZB_V] = &moe_schedule_zb_v,
    [MOE_SCHEDULE_DUALPIPE] = &moe_schedule_dualpipe,
    [MOE_SCHEDULE_DUALPIPE_V] = &moe_schedule_dualpipe_v,
};

const MoeSchedule *moe_schedule_find(MoeScheduleKind kind)
{
  g_assert(kind < MOE_N_SCHEDULES);
  return schedules[kind];
}

void moe_placement_init(const MoeSchedule *schedule, const MoeParallelism *parallelism, gboolean merge,
                        MoePlacement *placement)
{
  int64_t stages = MAX(parallelism->pipeline, 1), virtual_stages = MAX(parallelism->virtual_stages, 1);
  int64_t chunks = schedule->chunks_per_stage > 0 ? schedule->chunks_per_stage : virtual_stages;

  *placement = (MoePlacement){.stages = stages,
                              .chunks = chunks,
                              .positions = stages * chunks / schedule->chains,
                              .batches = parallelism->micro_batches,
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
