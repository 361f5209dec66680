/* report/log: a training's log beside its prediction. Part of report (floor 12). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_LOG_H
#define MOESIM_REPORT_LOG_H

#include "interchange/log.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* `result`: what is predicted of the run that was logged; NULL: no run was named. */
char *moe_report_log_table(const MoeLog *log, const MoeResult *result, MoeSheet sheet);
char *moe_report_log_json(const MoeLog *log, const MoeResult *result);

G_END_DECLS

#endif
