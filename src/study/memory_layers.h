/*
 * memory_layers: what each layer of a run keeps on one GPU, and which module keeps it. Part of study (floor 8).
 *
 * Neighbouring layers that keep the same are one row. A module's bytes are what recomputing it alone would free:
 * modules overlap, so they need not sum to what the layer keeps.
 */
#ifndef MOESIM_MEMORY_LAYERS_H
#define MOESIM_MEMORY_LAYERS_H

#include "layer/layer.h"

G_BEGIN_DECLS

#define MOE_MEMORY_MODULES 16 /* bits of MoeModule looked at, at most */

typedef struct {
  int64_t first, last;                     /* layers */
  MoeLayerKind kind;                       /* its two sub-layers */
  gboolean recomputed;                     /* as a whole */
  double parameters;                       /* of one layer on this GPU */
  double weight_bytes;                     /* all copies, when they are whole */
  double gradient_bytes;                   /* whole */
  double kept_bytes;                       /* activations, per micro-batch, with the run's recomputation */
  double module_bytes[MOE_MEMORY_MODULES]; /* [module in the order of moe_module_words] freed by recomputing it; 0
                                              beyond */
} MoeMemoryLayer;

/* Rows for the layers of a run, *n of them, without its prediction modules. Free with g_free. */
MoeMemoryLayer *moe_memory_layers(const MoeRun *run, guint *n);

G_END_DECLS

#endif
