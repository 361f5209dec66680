/* DualPipe: two chains run through the stages in opposite directions; in the steady part each block is one chain's
 * forward pass beside the other's backward pass (DeepSeek-V3 report, section 3.2.1; the eight steps are those of
 * DeepSeek's published implementation). */
#include "dual_steps.h"

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

/* When the first gradient comes, the stage has filled both lanes. */
static int64_t held(const MoePlacement *placement, int64_t stage, int64_t chunk)
{
  int64_t p = placement->stages, rank = MIN(stage, p - 1 - stage);
  gboolean outward = (chunk == 0) == (stage < p / 2);

  return outward ? p - rank - 1 : rank + 1;
}

const MoeSchedule moe_schedule_dualpipe = {
    .title = "DualPipe: from both ends at once, two copies of the weights",
    .demand = {.min_stages = 2, .even_stages = TRUE, .even_batches = TRUE, .batches_per_stage = 2},
    .chunks = 2,
    .chains = 2,
    .splits_backward = TRUE,
    .actions = actions,
    .held = held};
