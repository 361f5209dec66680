/*
 * kept: what a run computes again in place of keeping, what it keeps in host memory, what it leaves free. Part of spec
 * (floor 2); included by spec.h.
 */
#ifndef MOESIM_SPEC_KEPT_H
#define MOESIM_SPEC_KEPT_H

#include <moesim/run.h>

G_BEGIN_DECLS

typedef struct {
  MoeRecomputeMode mode;
  int64_t layers; /* layers per pipeline stage recomputed in mode full; -1 = all */
  guint modules;  /* bits of MoeModule, mode selective */
} MoeRecompute;

/* Where offloaded optimizer state is stepped: by the host's CPU, or on the GPU, which it visits for the update. */
typedef enum { MOE_UPDATE_HOST, MOE_UPDATE_DEVICE } MoeUpdatePlace;

typedef struct {
  double activations; /* share 0..1 of checkpointed activations kept in host memory */
  double optimizer;   /* share 0..1 of the parameters whose optimizer state is kept there */
  MoeUpdatePlace update;
  gboolean master;    /* their FP32 master weights are kept there too */
  gboolean gradients; /* reduced gradients are kept and summed there (ZeRO-2 and 3) */
  gboolean overlap;   /* gradients and weights are copied beside the host's update of other parameters */
} MoeOffload;

/* What of a GPU's memory a run has to leave free for `fits`. */
typedef struct {
  double headroom_bytes; /* default MOE_DEFAULT_HEADROOM_BYTES */
} MoeRunMemory;

/* Free memory that a published training run had left on its device and ran with: 80,999 of 81,559 MiB in use (GLM-5.2
 * on H100, Megatron-Bridge's model verification card). */
#define MOE_DEFAULT_HEADROOM_BYTES (560.0 * 1024 * 1024)

G_END_DECLS

#endif
