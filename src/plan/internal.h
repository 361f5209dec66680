/* Inside plan. */
#ifndef MOESIM_PLAN_INTERNAL_H
#define MOESIM_PLAN_INTERNAL_H

#include "plan/plan.h"

/* Fills a row of which cluster and gpus are known; `time_s` is for its search, 0 = no end. Where that ends it, layouts
 * of the plan's other rows are tried too. */
void moe_plan_row_fill(const MoePlanOptions *options, double time_s, const MoePlan *plan, MoePlanRow *row);
void moe_plan_row_clear(MoePlanRow *row);

#endif
