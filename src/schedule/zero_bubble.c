/* Orders with a split backward pass. */
#include "zero_bubble.h"

void moe_zero_bubble_actions(const MoePlacement *placement, int64_t warm, int64_t lag, GArray *actions)
{
  int64_t m = placement->batches, weights = 0;

  warm = MIN(warm, m);
  for (int64_t i = 0; i < warm; i++)
    moe_action_add(actions, MOE_ACTION_FORWARD, 0, i);
  for (int64_t i = 0; i < m; i++) {
    if (warm + i < m)
      moe_action_add(actions, MOE_ACTION_FORWARD, 0, warm + i);
    moe_action_add(actions, MOE_ACTION_DGRAD, 0, i);
    if (i >= lag)
      moe_action_add(actions, MOE_ACTION_WGRAD, 0, weights++);
  }
  while (weights < m)
    moe_action_add(actions, MOE_ACTION_WGRAD, 0, weights++);
}
