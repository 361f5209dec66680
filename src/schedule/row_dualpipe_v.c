/* DualPipe-V: the second half of DualPipe folded back onto the first: one copy of the weights, two chunks per stage in
 * a V (DeepSeek's published dualpipev). */
#include "dual_steps.h"

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t p = placement->stages;
  MoeDualOrder order = {.depth = p,
                        .rank = stage,
                        .steady = placement->batches - 2 * p,
                        .middle = stage == p - 1,
                        .chunk = {0, 1},
                        .first = {0, 0}};

  moe_dualpipe_actions(&order, out);
}

/* When the first gradient comes, the stage has filled both lanes. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  return chunk == 0 ? 2 * placement->stages - stage - 1 : stage + 1;
}

const MoeSchedule moe_schedule_dualpipe_v = {.title = "DualPipe-V: DualPipe folded back, one copy of the weights",
                                             .demand = {.min_stages = 2, .batches_per_stage = 2},
                                             .chunks = 2,
                                             .chains = 1,
                                             .folded = TRUE,
                                             .splits_backward = TRUE,
                                             .actions = actions,
                                             .held = held};
