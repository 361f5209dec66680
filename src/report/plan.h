/* plan: plans (plan.h) as text. Floor 12. Every function returns UTF-8 that the caller frees. */
#ifndef MOESIM_REPORT_PLAN_H
#define MOESIM_REPORT_PLAN_H

#include "plan/plan.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* What makes `moesim run` give a row: "run FILE --cluster C ...", with the words that a shell would split in quotes.
 * `prefix` are the words that all rows have ("models/x.yaml", "--stack", "s"), NULL-terminated. */
char *moe_report_plan_command(const MoePlanRow *row, const char *const *prefix);
/* A row per cluster and size, who meets deadline and budget, what decides, prices and how to run each row. */
char *moe_report_plan_table(const MoePlan *plan, const char *const *prefix, MoeSheet sheet);
/* One object; rows as docs/outputs.md says. Ends with a line feed. */
char *moe_report_plan_json(const MoePlan *plan, const char *const *prefix);
/* A line per row, with its command. */
char *moe_report_plan_csv(const MoePlan *plan, const char *const *prefix);
/* The largest of what each assumption does alone, `n` lines at most: "lm_head tf32 ... fp32: MFU 25.1 % to 17.3 %". ""
 * without any. */
char *moe_report_deciding(const MoeSensitivity *sensitivity, guint n);

G_END_DECLS

#endif
