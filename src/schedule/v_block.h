/* v_block, private: orders made of one building block, repeated for every micro-batch. */
#ifndef MOESIM_SCHEDULE_V_BLOCK_H
#define MOESIM_SCHEDULE_V_BLOCK_H

#include "internal.h"

/* Slots, each as long as a forward pass, a data gradient or a weight gradient of a chunk, at which a stage works on the
 * first micro-batch; chunk 0 runs down the stages, chunk 1 back. Each further micro-batch comes MOE_V_PERIOD later. */
typedef struct {
  int64_t forward[2], backward[2]; /* [chunk] */
} MoeVBlock;

/* Six passes of a micro-batch fill a stage. */
#define MOE_V_PERIOD 6

/* The stage's passes by slot; weight gradients fill the slots that are free, oldest first. */
void moe_v_block_actions(const MoePlacement *placement, const MoeVBlock *block, GArray *actions);
/* As MoeSchedule has it: a micro-batch on its way back has passed both chunks. */
int64_t moe_v_block_held(const MoePlacement *placement, int64_t stage, int64_t chunk);

/* The row of a schedule whose block `order` lays out. */
#define MOE_V_BLOCK_ROW(says, order)                                                                                   \
  {                                                                                                                    \
    .title = (says), .demand = {.min_stages = 2, .batches_per_stage = 1}, .chunks = 2, .chains = 1, .folded = TRUE,    \
    .splits_backward = TRUE, .actions = (order), .held = moe_v_block_held                                              \
  }

#endif
