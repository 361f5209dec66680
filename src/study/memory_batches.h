/*
 * memory_batches: which micro-batches a GPU holds activations of at its fullest instant. Part of study (floor 8).
 *
 * Micro-batches of one chunk that follow each other and hold the same are one row. What all rows of a stage hold is the
 * part `activations` of its footprint.
 */
#ifndef MOESIM_MEMORY_BATCHES_H
#define MOESIM_MEMORY_BATCHES_H

#include "program/program.h"

G_BEGIN_DECLS

typedef struct {
  int64_t stage, chunk;
  int64_t first_layer, n_layers;   /* of the chunk; none in one that has an end of the model alone */
  int64_t first_batch, last_batch; /* micro-batches, in the order of the step */
  double batch_bytes;              /* each holds, at the instant at which the stage holds most */
} MoeMemoryBatches;

/* Rows of every stage, *n of them, in order of stage, chunk and micro-batch. NULL and *error when the run has no
 * program. Free with g_free. */
MoeMemoryBatches *moe_memory_batches(const MoeRun *run, guint *n, GError **error);

G_END_DECLS

#endif
