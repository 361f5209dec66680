/* collective: one collective over sizes, as nccl-tests prints it. Part of report (floor 12). Every text is the caller's
 * to free. */
#ifndef MOESIM_REPORT_COLLECTIVE_H
#define MOESIM_REPORT_COLLECTIVE_H

#include "coll/coll.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* One size: its plan, how long it takes alone, and what bus bandwidth is of algorithm bandwidth. */
typedef struct {
  double bytes, time_s, bus_factor;
  MoeCollPlan plan;
} MoeCollTiming;

/* A row per size; microseconds and GB/s, as nccl-tests has them. */
char *moe_report_collective_table(const MoeCollTiming *timings, guint n, MoeSheet sheet);
char *moe_report_collective_csv(const MoeCollTiming *timings, guint n);
/* A list: "bytes", "time_s", "algorithm_bytes_per_s", "bus_bytes_per_s", "algorithm", "limit". */
char *moe_report_collective_json(const MoeCollTiming *timings, guint n);
/* Rows for plots/collective.gp: bytes, bus bandwidth in GB/s. */
char *moe_plot_collective_data(const MoeCollTiming *timings, guint n);

G_END_DECLS

#endif
