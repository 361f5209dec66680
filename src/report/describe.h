/* describe: records that several findings share, for figures and pages, too. Part of report (floor 12). */
#ifndef MOESIM_REPORT_DESCRIBE_H
#define MOESIM_REPORT_DESCRIBE_H

#include "record/json.h"
#include "record/record.h"
#include "report/losses.h"
#include <json-glib/json-glib.h>
#include <moesim/explain.h>
#include <moesim/report.h>
#include <moesim/sensitivity.h>

/* ---- findings of several outputs -------------------------------------------------------------------------------- */

JsonNode *moe_describe_sensitivity(const MoeSensitivity *sensitivity);
/* Of its `assumptions`. */
extern const MoeColumn moe_swing_columns[];
extern const guint moe_n_swing_columns;

/* ---- predictions ------------------------------------------------------------------------------------------------- */

JsonNode *moe_describe_result(const MoeResult *result);
/* A list of them. */
JsonNode *moe_describe_results(const GPtrArray *results);
/* Members of the open object: what run it is, on which GPUs; and with seed, step time and MFU. */
void moe_json_identity(JsonBuilder *builder, const MoeResult *result);
void moe_json_answer(JsonBuilder *builder, const MoeResult *result);
/* The member `interval`: assumptions and the model's own error together; only where it was asked for. */
void moe_json_interval(JsonBuilder *builder, const MoeResult *result);
/* "mai-base-1/v4 (after)" of a record that has run and variant; a rumour says so. */
char *moe_record_label(JsonObject *record);
/* "mai-base-1/v4 (after) on gb200-nvl72 with yolo:v4, 8192 GPUs" of one that also has cluster, stack and GPUs. */
char *moe_record_title(JsonObject *record);
/* The same with the answer: "...: 7.39 s per step, MFU 20.0 % causal". */
char *moe_record_answer(JsonObject *record);
/* What the two largest losses of a prediction take, as many as a row has room for: "kernels below peak 31.0 %, exposed
 * network 12.1 %". */
char *moe_record_losses(JsonObject *record);
/* The same with the rows that only pages have: `waterfall` from 100 % of peak down to the MFU, and `kernels`, why they
 * take as long as they do. */
JsonNode *moe_describe_page(const MoeResult *result);
extern const MoeColumn moe_reason_columns[];
extern const guint moe_n_reason_columns;
/* Chosen keys and their values, as the member `set`. */
void moe_record_choose(JsonObject *record, const MoeSettings *settings);

/* ---- cases ------------------------------------------------------------------------------------------------------- */

/* Members of the open object: what case it is, and why it has no prediction. */
void moe_json_case(JsonBuilder *builder, const MoeCase *c);

#endif
