/* Private to report: records read back. */
#ifndef MOESIM_REPORT_SWEEP_INTERNAL_H
#define MOESIM_REPORT_SWEEP_INTERNAL_H

#include "report/sweep.h"
#include <json-glib/json-glib.h>
#include <moesim/report.h>

/* The object of a record; free *node, which owns it. */
JsonObject *moe_record_parse(const char *record, JsonNode **node);
/* Text of a scalar, "" for null or nothing. Caller frees. */
char *moe_record_cell(JsonNode *value);
/* "kernels below peak 31.0 %, exposed network 12.1 %": the largest losses of a prediction. Caller frees. */
char *moe_losses_text(const MoeResult *result);

#endif
