/* validation: validations as tables, JSON and CSV. Part of report (floor 12). Every text is the caller's to
 * free.
 */
#ifndef MOESIM_REPORT_VALIDATION_H
#define MOESIM_REPORT_VALIDATION_H

#include "validate/rates.h"
#include <moesim/report.h>
#include <moesim/validate.h>

G_BEGIN_DECLS

/* Groups, then the pair questions by what differs, then what sizes of one run tell about micro-batch and step. */
char *moe_report_validation_summary(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet);
/* One row per case, worst first when `worst_first`, else in file order. */
char *moe_report_validation_cases(const MoeValidation *validation, gboolean worst_first, MoeSheet sheet);
/* Time t of a micro-batch and F that a step pays once, T = t m + F through two sizes of one run; efficiency against
 * size.
 */
char *moe_report_validation_once(const MoeValidation *validation, MoeSheet sheet);
/* Pair questions answered wrongly. */
char *moe_report_validation_wrong_pairs(const MoeValidation *validation, MoeSheet sheet);
/* {"cases": [...], "groups": [...], "pairs": {...}, "median_abs_error", "p90_abs_error"}. */
char *moe_report_validation_json(const MoeValidation *validation, MoeGroupBy by);
/* What ran and what ran out of memory against what is predicted to fit, and errors of published peaks by group; without
 * `summary` also every peak and every wrong answer. */
char *moe_report_validation_memory(const MoeValidation *validation, MoeGroupBy by, gboolean summary, MoeSheet sheet);
/* {"cases": [...], "groups": [...], "fit": {...}}. */
char *moe_report_validation_memory_json(const MoeValidation *validation, MoeGroupBy by);
/* Fitted rates per accelerator, then each family with and without itself in the fit. */
char *moe_report_rates_table(const MoeRateFit *fit, MoeSheet sheet);
char *moe_report_validation_csv(const MoeValidation *validation);

G_END_DECLS

#endif
