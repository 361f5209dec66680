/* findings: explanations, differences and sensitivities as tables, JSON, CSV and figure data. Part of report
 * (floor 8). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_FINDINGS_H
#define MOESIM_REPORT_FINDINGS_H

#include "metrics/findings.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* The waterfall: a row per cause, largest share first, from 100 % of peak down to the MFU; then method, cost and
 * interaction. */
char *moe_report_explanation_table(const MoeExplanation *explanation, MoeSheet sheet);
char *moe_report_explanation_json(const MoeExplanation *explanation);
char *moe_report_explanation_csv(const MoeExplanation *explanation);
/* Rows for plots/waterfall.gp: label, upper %, lower %, by order-averaged shares. */
char *moe_plot_explanation_data(const MoeExplanation *explanation);

/* A row per change, alone and in order, with interaction and total; then the keys of each. */
char *moe_report_difference_table(const MoeDifference *difference, MoeSheet sheet);
char *moe_report_difference_json(const MoeDifference *difference);
char *moe_report_difference_csv(const MoeDifference *difference);

/* The interval, then the assumptions by swing. */
char *moe_report_sensitivity_table(const MoeSensitivity *sensitivity, MoeSheet sheet);
char *moe_report_sensitivity_json(const MoeSensitivity *sensitivity);
char *moe_report_sensitivity_csv(const MoeSensitivity *sensitivity);
/* Rows for plots/sensitivity.gp: key, MFU % low, MFU % high, MFU % as is, values; the last block holds P10, P50, P90 in
 * %. */
char *moe_plot_sensitivity_data(const MoeSensitivity *sensitivity);

G_END_DECLS

#endif
