/*
 * goodput: simulated trainings and their cost as tables, JSON and CSV.
 * Part of report (floor 12).
 */
#ifndef MOESIM_REPORT_GOODPUT_H
#define MOESIM_REPORT_GOODPUT_H

#include "certainty/certainty.h"
#include <moesim/goodput.h>
#include <moesim/report.h>

G_BEGIN_DECLS

/* The answer with its distribution, the overhead by kind beside what was published, the intervals of theory, the cost,
 * what went in and what of it is assumed. The caller frees. */
char *moe_report_goodput_table(const MoeRun *run, const MoeResult *result, const MoeGoodput *goodput, MoeSheet sheet);
/* One object; keys in docs/outputs.md. */
char *moe_report_goodput_json(const MoeResult *result, const MoeGoodput *goodput, const MoeCertainty *certainty);
/* Lines: wall-clock with all that it may be wrong by, and the shares of that. */
char *moe_report_doubts(const MoeCertainty *certainty, const MoeModelError *error);
/* One line per seed. */
char *moe_report_goodput_csv(const MoeGoodput *goodput);

/* "$3.2 M"; "-" when the price is unknown (0). */
char *moe_dollars_format(double dollars);
/* "5.38 GWh", "820 MWh"; "-" when the power is unknown (0). */
char *moe_energy_format(double mwh);

G_END_DECLS

#endif
