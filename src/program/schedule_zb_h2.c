/* Zero bubble H2: twice the warm-up of H1, so that the wait before the first backward pass fills with forward passes
 * (Qi et al. 2024, section 2.2). */
#include "zero_bubble.h"

static const char *check(const MoePlacement *placement)
{
  return placement->chunks > 1 ? "schedule zb-h2 has one chunk per stage, expected parallelism.virtual_stages 1" : NULL;
}

static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  moe_zero_bubble_actions(placement, 2 * (placement->stages - 1 - stage), 2 * stage, out);
}

const MoeSchedule moe_schedule_zb_h2 = {.kind = MOE_SCHEDULE_ZB_H2, .chains = 1, .check = check, .actions = actions};
