/* kernel: one kernel's time with its reasons. Part of report (floor 12). Every text is the caller's to free. */
#ifndef MOESIM_REPORT_KERNEL_H
#define MOESIM_REPORT_KERNEL_H

#include "cost/cost.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* A priced kernel. */
typedef struct {
  const MoeCostModel *model;
  const MoeKernel *kernel;
  const MoeCost *cost;
  double quoted_flop_per_s; /* of the accelerator: what shares of peak divide by */
} MoePricedKernel;

/* Time and rate, the reasons for it, whose constants price it, and the rows that these rest on. */
char *moe_report_kernel_table(const MoePricedKernel *priced, MoeSheet sheet);
char *moe_report_kernel_json(const MoePricedKernel *priced);

G_END_DECLS

#endif
