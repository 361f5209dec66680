/* 1F1B: as many forward passes ahead as stages follow, then one forward, one backward (Narayanan et al. 2019,
 * PipeDream-flush). */
#include "internal.h"

/* Forward and backward of different micro-batches in one block: a stage then hands both on at the end of a block, so
 * that a gradient needs two blocks per stage on its way there and back, and the warm-up is twice as long (as in
 * interleaved 1F1B). */
static int64_t warm_up(const MoePlacement *placement, int64_t stage)
{
  int64_t behind = placement->stages - 1 - stage;

  return MIN(placement->merge ? 2 * behind + 1 : behind, placement->batches);
}

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t warm = warm_up(placement, stage), m = placement->batches;

  for (int64_t i = 0; i < warm; i++)
    moe_action_add(out, MOE_ACTION_FORWARD, 0, i);
  for (int64_t i = 0; i < m - warm; i++) {
    if (placement->merge) {
      moe_action_add_both(out, 0, warm + i, 0, i);
      continue;
    }
    moe_action_add(out, MOE_ACTION_FORWARD, 0, warm + i);
    moe_action_add(out, MOE_ACTION_BACKWARD, 0, i);
  }
  for (int64_t i = m - warm; i < m; i++)
    moe_action_add(out, MOE_ACTION_BACKWARD, 0, i);
}

/* Those ahead, and the one that goes back next. Inside a shared block what comes and what goes overlap. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)chunk;
  return MIN(warm_up(placement, stage) + (placement->merge ? 0 : 1), placement->batches);
}

const MoeSchedule moe_schedule_1f1b = {.title = "1F1B: one forward, one backward pass in turn",
                                       .demand = {.min_stages = 1},
                                       .chunks = 1,
                                       .chains = 1,
                                       .actions = actions,
                                       .held = held};
