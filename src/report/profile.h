/* report/profile: what the trace of a profiler shows. Part of report (floor 12). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_PROFILE_H
#define MOESIM_REPORT_PROFILE_H

#include "interchange/profile.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* The profile as a whole, time by class, the matrix products and collectives that took longest. */
char *moe_report_profile_table(const MoeProfile *profile, MoeSheet sheet);
/* All of it. */
char *moe_report_profile_json(const MoeProfile *profile);

G_END_DECLS

#endif
