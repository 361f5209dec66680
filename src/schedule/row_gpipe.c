/* GPipe: all forward passes, then all backward passes (Huang et al. 2019). With virtual stages: breadth-first over
 * them, each chunk's micro-batches in a row (Lamy-Poirier 2023). */
#include "internal.h"

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  (void)stage;
  for (int64_t chunk = 0; chunk < placement->chunks; chunk++)
    for (int64_t i = 0; i < placement->batches; i++)
      moe_action_add(out, MOE_ACTION_FORWARD, chunk, i);
  for (int64_t chunk = placement->chunks; chunk-- > 0;)
    for (int64_t i = 0; i < placement->batches; i++)
      moe_action_add(out, MOE_ACTION_BACKWARD, chunk, i);
}

static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)stage, (void)chunk;
  return placement->batches;
}

const MoeSchedule moe_schedule_gpipe = {
    .title = "GPipe: all forward passes, then all backward passes; breadth-first over virtual stages",
    .demand = {.min_stages = 1, .min_chunks = 1},
    .chains = 1,
    .actions = actions,
    .held = held};
