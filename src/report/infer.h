/* Reports of inferences (infer.h). Part of report (floor 12). */
#ifndef MOESIM_REPORT_INFER_H
#define MOESIM_REPORT_INFER_H

#include "infer/infer.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* Unknowns before and after, rows, pairs, the set that meets all best, what no set meets. Caller frees, as of the
 * others. */
char *moe_report_infer_table(const MoeInference *inference, MoeSheet sheet);
char *moe_report_infer_json(const MoeInference *inference);
/* A line per unknown and one per row, in one table. */
char *moe_report_infer_csv(const MoeInference *inference);

G_END_DECLS

#endif
