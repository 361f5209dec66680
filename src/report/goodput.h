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

G_END_DECLS

#endif
