/* Counters of a trace: what is in use or in flight at every moment. Private to report. */
#ifndef MOESIM_REPORT_TRACE_COUNTERS_H
#define MOESIM_REPORT_TRACE_COUNTERS_H

#include <moesim/report.h>

typedef struct MoeCounters MoeCounters;

MoeCounters *moe_counters_new(void);
void moe_counters_free(MoeCounters *counters);
/* Notes what a slice changes. */
void moe_counters_add(MoeCounters *counters, const MoeSlice *slice);
/* Writes all changes as counter events, each beginning with a comma; by rank, counter, time. */
void moe_counters_write(MoeCounters *counters, MoeOutput *output);

#endif
