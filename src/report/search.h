/*
 * search: a search as text. Part of report (floor 12).
 */
#ifndef MOESIM_REPORT_SEARCH_H
#define MOESIM_REPORT_SEARCH_H

#include <moesim/report.h>
#include <moesim/search.h>

G_BEGIN_DECLS

/* The ranking; why the first beats the second; where the run's own layout stands; how much was looked at. Caller frees.
 */
char *moe_report_search_table(const MoeSearchResult *result, MoeSheet sheet);
/* The ranking as an array of records (report/sweep.h), best first. */
char *moe_report_search_json(const MoeSearchResult *result);
/* The same as lines of CSV. */
char *moe_report_search_csv(const MoeSearchResult *result);

G_END_DECLS

#endif
