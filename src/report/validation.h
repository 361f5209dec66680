/* validation: validations as tables, JSON and CSV. Part of report (floor 12). Every text is the caller's to
 * free.
 */
#ifndef MOESIM_REPORT_VALIDATION_H
#define MOESIM_REPORT_VALIDATION_H

#include "certainty/certainty.h"
#include "validate/rates.h"
#include <moesim/report.h>
#include <moesim/validate.h>

G_BEGIN_DECLS

/* Time t of a micro-batch and F that a step pays once, T = t m + F through two sizes of one run; efficiency against
 * size.
 */
char *moe_report_validation_once(const MoeValidation *validation, MoeSheet sheet);
/* Whether intervals of the model's own error hold: each family's from the others, beside one factor for all. */
char *moe_report_coverage(const MoeValidation *validation, MoeSheet sheet);
/* Pair questions answered wrongly. */
char *moe_report_validation_wrong_pairs(const MoeValidation *validation, MoeSheet sheet);
/* What ran and what ran out of memory against what is predicted to fit, and errors of published peaks by group; without
 * `summary` also every peak and every wrong answer. */
char *moe_report_validation_memory(const MoeValidation *validation, MoeGroupBy by, gboolean summary, MoeSheet sheet);
/* {"cases": [...], "groups": [...], "fit": {...}}. */
char *moe_report_validation_memory_json(const MoeValidation *validation, MoeGroupBy by);
/* Fitted rates per accelerator, then each family with and without itself in the fit. */
char *moe_report_rates_table(const MoeRateFit *fit, MoeSheet sheet);
/* {"parameters", "rates": [...], "families": [...]}. */
char *moe_report_rates_json(const MoeRateFit *fit);

G_END_DECLS

#endif
