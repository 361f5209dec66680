/* DualPipe-V: the second half of DualPipe folded back onto the first: one copy of the weights, two chunks per stage in
 * a V (DeepSeek's published dualpipev). */
#include "dualpipe.h"

static const char *check(const MoePlacement *placement)
{
  if (placement->batches < 2 * placement->stages)
    return "schedule dualpipe-v needs at least two micro-batches per stage";
  return NULL;
}

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

const MoeSchedule moe_schedule_dualpipe_v = {.kind = MOE_SCHEDULE_DUALPIPE_V,
                                             .chunks_per_stage = 2,
                                             .chains = 1,
                                             .folded = TRUE,
                                             .check = check,
                                             .actions = actions};
