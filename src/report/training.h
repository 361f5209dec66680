/* What a training costs at a step time, as a member of records. Private to report. */
#ifndef MOESIM_REPORT_TRAINING_H
#define MOESIM_REPORT_TRAINING_H

#include "record/tables.h"
#include "study/economy.h"
#include <json-glib/json-glib.h>
#include <moesim/report.h>

/* The member `training`. */
void moe_training_cost_write(JsonObject *record, const MoeTrainingCost *training);
/* The same of a prediction that is only a record: it knows what a trillion tokens take. Others stay as they are. */
void moe_training_cost_scale(JsonObject *record, double tokens);

#endif
