/* Zero bubble, handcrafted: the backward pass is split into data gradients (B), which the stage before waits for, and
 * weight gradients (W), which nobody does (Qi et al. 2024, arXiv:2401.10241, section 2.2). H1 keeps the memory of 1F1B.
 */
#include "zero_bubble.h"

static const char *check(const MoePlacement *placement)
{
  return placement->chunks > 1 ? "schedule zb-h1 has one chunk per stage, expected parallelism.virtual_stages 1" : NULL;
}

/* As many forward passes ahead as 1F1B. Stage s then holds fewer micro-batches than the first stage by s, and may leave
 * so many weight gradients undone. */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  moe_zero_bubble_actions(placement, placement->stages - 1 - stage, stage, out);
}

const MoeSchedule moe_schedule_zb_h1 = {.kind = MOE_SCHEDULE_ZB_H1, .chains = 1, .check = check, .actions = actions};
