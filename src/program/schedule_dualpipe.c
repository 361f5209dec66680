/* DualPipe: two chains run through the stages in opposite directions; in the steady part each block is one chain's
 * forward pass beside the other's backward pass (DeepSeek-V3 report, section 3.2.1; the eight steps are those of
 * DeepSeek's published implementation). */
#include "dualpipe.h"

static const char *check(const MoePlacement *placement)
{
  if (placement->stages < 2 || placement->stages % 2 != 0)
    return "schedule dualpipe pairs stages, expected an even parallelism.pipeline";
  if (placement->batches % 2 != 0 || placement->batches < 2 * placement->stages)
    return "schedule dualpipe needs an even number of micro-batches, at least two per stage";
  return NULL;
}

/* Seen from either end of the pipeline the order is the same; on the second half of the stages the chains swap their
 * roles. */
static void actions(const MoePlacement *placement, int64_t stage, GArray *out)
{
  int64_t p = placement->stages, half = placement->batches / 2, mirrored = p - 1 - stage;
  gboolean second = stage >= p / 2;
  MoeDualOrder order = {
      .depth = p / 2, .rank = MIN(stage, mirrored), .steady = half - p, .middle = MIN(stage, mirrored) == p / 2 - 1};

  for (int i = 0; i < 2; i++) {
    int64_t chain = second ? 1 - i : i;

    order.chunk[i] = chain;
    order.first[i] = chain == 0 ? 0 : half;
  }
  moe_dualpipe_actions(&order, out);
}

const MoeSchedule moe_schedule_dualpipe = {
    .kind = MOE_SCHEDULE_DUALPIPE, .chunks_per_stage = 2, .chains = 2, .check = check, .actions = actions};
