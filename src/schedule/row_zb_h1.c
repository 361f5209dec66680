/* Zero bubble, handcrafted: the backward pass is split into data gradients (B), which the stage before waits for, and
 * weight gradients (W), which nobody does (Qi et al. 2024, arXiv:2401.10241, section 2.2). H1 keeps the memory of 1F1B.
 */
#include "zero_bubble.h"

/* As many forward passes ahead as 1F1B. Stage s then holds fewer micro-batches than the first stage by s, and may leave
 * so many weight gradients undone. */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  moe_zero_bubble_actions(placement, placement->stages - 1 - stage, stage, out);
}

/* What waits for its weight gradient is held. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)stage, (void)chunk;
  return MIN(placement->stages, placement->batches);
}

const MoeSchedule moe_schedule_zb_h1 = {.title = "zero bubble H1: weight gradients fill waits, memory of 1F1B",
                                        .demand = {.min_stages = 2},
                                        .chunks = 1,
                                        .chains = 1,
                                        .splits_backward = TRUE,
                                        .actions = actions,
                                        .held = held};
