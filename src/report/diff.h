/* report/diff: a prediction beside a profile. Part of report (floor 12). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_DIFF_H
#define MOESIM_REPORT_DIFF_H

#include "diff/diff.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* Both steps; then by cause, layer, class and product, largest difference first, the longer lists cut. */
char *moe_report_diff_table(const MoeProfileDiff *diff, MoeSheet sheet);
/* All of it. */
char *moe_report_diff_json(const MoeProfileDiff *diff);
/* All rows. */
char *moe_report_diff_csv(const MoeProfileDiff *diff);

G_END_DECLS

#endif
