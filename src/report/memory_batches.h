/* Which micro-batches are held. Part of report (floor 12). */
#ifndef MOESIM_REPORT_MEMORY_BATCHES_H
#define MOESIM_REPORT_MEMORY_BATCHES_H

#include "study/memory_batches.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* The rows of one stage. */
char *moe_report_memory_batches(const MoeMemoryBatches *rows, guint n, int64_t stage, MoeSheet sheet);
/* All rows: a list; keys in docs/outputs.md. */
char *moe_report_memory_batches_json(const MoeMemoryBatches *rows, guint n);
char *moe_report_memory_batches_csv(const MoeMemoryBatches *rows, guint n);

G_END_DECLS

#endif
