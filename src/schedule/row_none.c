/* No pipeline: gradient accumulation, one micro-batch after another. */
#include "internal.h"

/* F0 B0 F1 B1 ... Where a micro-batch's forward may run beside another's backward: F0 (F1 B0) (F2 B1) ...
 * (Megatron-core, combined 1F1B without pipeline). */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t m = placement->batches;

  (void)stage;
  if (!placement->merge) {
    for (int64_t i = 0; i < m; i++) {
      moe_action_add(out, MOE_ACTION_FORWARD, 0, i);
      moe_action_add(out, MOE_ACTION_BACKWARD, 0, i);
    }
    return;
  }
  moe_action_add(out, MOE_ACTION_FORWARD, 0, 0);
  for (int64_t i = 1; i < m; i++)
    moe_action_add_both(out, 0, i, 0, i - 1);
  moe_action_add(out, MOE_ACTION_BACKWARD, 0, m - 1);
}

/* One after another. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  (void)placement, (void)stage, (void)chunk;
  return 1;
}

const MoeSchedule moe_schedule_none = {.title = "no pipeline: one micro-batch after another",
                                       .demand = {.min_stages = 1, .max_stages = 1},
                                       .chunks = 1,
                                       .chains = 1,
                                       .actions = actions,
                                       .held = held};
