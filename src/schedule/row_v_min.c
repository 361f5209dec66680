/* V-Min: the V shape with the shortest stay of a micro-batch, a third of the memory of 1F1B and a bubble like its own
 * (Qi et al. 2024, arXiv:2405.15362, section 3; the slots are those of the authors' published scheduler,
 * sail-sg/zero-bubble-pipeline-parallelism, zbv_greedy.py, there followed by a reordering of warm-up and cool-down). */
#include "v_block.h"

/* Where the stages are a multiple of three, the way back waits two slots, or passes would meet. */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t p = placement->stages, wait = p % 3 == 0 ? 2 : 0;
  MoeVBlock block = {.forward = {stage, 2 * p - stage - 1},
                     .backward = {4 * p + wait - stage - 1, 2 * p + wait + stage}};

  moe_v_block_actions(placement, &block, out);
}

const MoeSchedule moe_schedule_v_min =
    MOE_V_BLOCK_ROW("V-Min: two chunks a stage in a V, a third of the memory of 1F1B, a bubble like its own", actions);
