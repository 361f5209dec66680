/* schedule, private: the rows, and how their actions are written. */
#ifndef MOESIM_SCHEDULE_INTERNAL_H
#define MOESIM_SCHEDULE_INTERNAL_H

#include "schedule/schedule.h"

#define MOE_SCHEDULE_ROW(constant, row, word) extern const MoeSchedule moe_schedule_##row;
MOE_SCHEDULE_ROWS(MOE_SCHEDULE_ROW)
#undef MOE_SCHEDULE_ROW

void moe_action_add(GArray *actions, MoeActionKind kind, int64_t chunk, int64_t batch);
void moe_action_add_both(GArray *actions, int64_t chunk, int64_t batch, int64_t chunk_b, int64_t batch_b);

#endif
