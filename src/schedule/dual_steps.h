/* dualpipe, private: the eight steps that DualPipe and DualPipe-V share. */
#ifndef MOESIM_SCHEDULE_DUAL_STEPS_H
#define MOESIM_SCHEDULE_DUAL_STEPS_H

#include "internal.h"

/* One stage's view: lane 0 is what comes first on this stage, lane 1 what comes back. */
typedef struct {
  int64_t depth;    /* stages from the outer end to the innermost one */
  int64_t rank;     /* of this stage among them, 0 = outermost */
  int64_t steady;   /* micro-batches per lane beyond 2 * depth */
  gboolean middle;  /* the innermost stage: both lanes meet, its first pair cannot overlap */
  int64_t chunk[2]; /* of each lane */
  int64_t first[2]; /* first micro-batch of each lane */
} MoeDualOrder;

void moe_dualpipe_actions(const MoeDualOrder *order, GArray *actions);

#endif
