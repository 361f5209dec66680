/* V-Half: half the memory of 1F1B and less bubble (Qi et al. 2024, arXiv:2405.15362, section 3; the slots are those of
 * the authors' published scheduler, sail-sg/zero-bubble-pipeline-parallelism, zbv_greedy.py, there followed by a
 * reordering of warm-up and cool-down). */
#include "v_block.h"

/* Where the stages are even, the way back waits three slots, or passes would meet. */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t p = placement->stages, wait = p % 2 == 0 ? 3 : 0;
  MoeVBlock block = {.forward = {2 * stage, 3 * p - stage - 2},
                     .backward = {6 * p + wait - stage - 2, 3 * p + wait + 2 * stage - 1}};

  moe_v_block_actions(placement, &block, out);
}

const MoeSchedule moe_schedule_v_half =
    MOE_V_BLOCK_ROW("V-Half: two chunks a stage in a V, half the memory of 1F1B, less bubble", actions);
