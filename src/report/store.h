/* store: what the store of a sweep holds. Part of report (floor 12). */
#ifndef MOESIM_REPORT_STORE_H
#define MOESIM_REPORT_STORE_H

#include <moesim/report.h>
#include <moesim/sweep.h>

G_BEGIN_DECLS

/* How many points of how many, who computed them, what is damaged; "whole" where nothing is. Caller frees. */
char *moe_report_store_table(const MoeStoreReport *report, MoeSheet sheet);

G_END_DECLS

#endif
