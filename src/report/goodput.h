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

/* Lines: wall-clock with all that it may be wrong by, and the shares of that. */
char *moe_report_doubts(const MoeCertainty *certainty, const MoeModelError *error);
/* "$3.2 M"; "-" when the price is unknown (0). */
char *moe_dollars_format(double dollars);
/* "5.38 GWh", "820 MWh"; "-" when the power is unknown (0). */
char *moe_energy_format(double mwh);

G_END_DECLS

#endif
