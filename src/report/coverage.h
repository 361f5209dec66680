/* Whether intervals hold, as part of a record. Private to report. */
#ifndef MOESIM_REPORT_COVERAGE_H
#define MOESIM_REPORT_COVERAGE_H

#include <json-glib/json-glib.h>
#include <moesim/validate.h>

/* Member "coverage" of the open object: a record per family, then of all. */
void moe_coverage_describe(JsonBuilder *builder, const MoeValidation *validation);

#endif
