/* Zero bubble H2: twice the warm-up of H1, so that the wait before the first backward pass fills with forward passes
 * (Qi et al. 2024, section 2.2). */
#include "zero_bubble.h"

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  moe_zero_bubble_actions(placement, 2 * (placement->stages - 1 - stage), 2 * stage, out);
}

static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)stage, (void)chunk;
  return MIN(2 * placement->stages - 1, placement->batches);
}

const MoeSchedule moe_schedule_zb_h2 = {.title = "zero bubble H2: twice the warm-up and memory of H1, hardly a wait",
                                        .demand = {.min_stages = 2},
                                        .chunks = 1,
                                        .chains = 1,
                                        .splits_backward = TRUE,
                                        .actions = actions,
                                        .held = held};
