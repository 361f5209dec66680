/* What each layer keeps, as a table. Part of report (floor 12). */
#ifndef MOESIM_REPORT_MEMORY_LAYERS_H
#define MOESIM_REPORT_MEMORY_LAYERS_H

#include "study/memory_layers.h"
#include <moesim/report.h>

G_BEGIN_DECLS

/* One row per run of equal layers: parameters, weights, gradients, what is kept, and what each module keeps of it. */
char *moe_report_memory_layers(const MoeMemoryLayer *rows, guint n, MoeSheet sheet);
/* A list: "first", "last", "mixer", "ffn", "parameters", "weight_bytes", "gradient_bytes", "kept_bytes", "modules". */
char *moe_report_memory_layers_json(const MoeMemoryLayer *rows, guint n);

G_END_DECLS

#endif
