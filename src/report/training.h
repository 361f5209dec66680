/* What a training costs at a step time, without interruption. Private to report. */
#ifndef MOESIM_REPORT_TRAINING_H
#define MOESIM_REPORT_TRAINING_H

#include <json-glib/json-glib.h>
#include <moesim/report.h>

/* Of `tokens`; 0 where price or power is not known. */
typedef struct {
  double tokens, days, dollars, mwh, megawatts;
} MoeTrainingCost;

MoeTrainingCost moe_training_cost_of(const MoeResult *result, double tokens);
/* The same from a record (report/sweep.h), as it was added to it; all 0 where it was not. */
MoeTrainingCost moe_training_cost_read(JsonObject *record);
/* As the member `training`. */
void moe_training_cost_write(JsonObject *record, const MoeTrainingCost *training);
/* Four cells under four headings. */
void moe_training_cost_header(MoeTable *table);
void moe_training_cost_cells(MoeTable *table, const MoeTrainingCost *training);
/* The columns' alignment: what of them is optional goes before what has no digit. */
#define MOE_TRAINING_COLUMNS "rrr1r2"
#define MOE_TRAINING_CELLS   4

#endif
