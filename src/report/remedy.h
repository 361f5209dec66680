/* Remedies for a run that does not fit, as a table and as JSON. Part of report (floor 12). */
#ifndef MOESIM_REPORT_REMEDY_H
#define MOESIM_REPORT_REMEDY_H

#include "study/remedy.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* The first `top` remedies (0 = all), one row each, and how many there are. */
char *moe_report_remedies_table(const MoeRemedies *remedies, guint top, MoeSheet sheet);
/* The first `top` that fit, a line each: what to change, what that does to MFU, step and memory; "" where there is
 * none. */
char *moe_report_remedies_hints(const MoeRemedies *remedies, guint top);
/* {"step_time_s", "peak_bytes", "fits", "pairs", "remedies": [{"set", "step_time_s", "slower", "peak_bytes", "fits"}]}.
 */
char *moe_report_remedies_json(const MoeRemedies *remedies);

G_END_DECLS

#endif
