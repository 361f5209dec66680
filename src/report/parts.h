/* parts: parts of iterations and kernel classes of a pair, beside published ones. Part of report (floor 12). */
#ifndef MOESIM_REPORT_PARTS_H
#define MOESIM_REPORT_PARTS_H

#include "validate/published_parts.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* One row per part and one for the step; `cases` of MoePartsCase. The caller frees the text. */
char *moe_report_parts_table(const GPtrArray *cases, MoeSheet sheet);
/* One row per class, one for all kernels and one for the pair's duration. The caller frees the text. */
char *moe_report_pair_table(const MoePairTrace *trace, const MoeIteration *iteration, MoeSheet sheet);

G_END_DECLS

#endif
