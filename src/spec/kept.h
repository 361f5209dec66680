/*
 * kept: what a run computes again in place of keeping, what it keeps in host memory, what it leaves free. Part of spec
 * (floor 2); included by spec.h.
 */
#ifndef MOESIM_SPEC_KEPT_H
#define MOESIM_SPEC_KEPT_H

#include <moesim/run.h>

G_BEGIN_DECLS

/* Which layers mode full takes (Megatron-core, --recompute-method): the first of each chunk, each from its own input;
 * or all, in units that are replayed together from the input of their first layer. */
typedef enum { MOE_METHOD_BLOCK, MOE_METHOD_UNIFORM } MoeRecomputeMethod;

/* Operators whose outputs mode operators keeps. Bits. */
typedef enum {
  MOE_SAVE_LINEAR = 1 << 0,           /* every product with a weight, the router's and the experts' left out */
  MOE_SAVE_ALTERNATE_LINEAR = 1 << 1, /* the first, third, fifth of them in a layer */
  MOE_SAVE_GROUPED_LINEAR = 1 << 2,   /* of the experts */
  MOE_SAVE_CORE_ATTENTION = 1 << 3,
  MOE_SAVE_REDUCE_SCATTER = 1 << 4, /* after row-parallel products */
  MOE_SAVE_ALL_TO_ALL = 1 << 5,     /* dispatch and combine */
  MOE_SAVE_QKV = 1 << 6,            /* products that make queries, keys and values */
} MoeSave;

typedef struct {
  MoeRecomputeMode mode;
  MoeRecomputeMethod method;
  int64_t layers; /* modes full and operators: layers per pipeline stage; method uniform: of a unit; -1 = all, 1 */
  int64_t every;  /* modes full and operators: only every such layer of a chunk, 1 = each */
  guint modules;  /* bits of MoeModule, mode selective */
  guint saves;    /* bits of MoeSave, mode operators */
} MoeRecompute;

/* Parts of a layer whose inputs wait in host memory between the passes (Megatron-core, offload_modules of
 * transformer_config.py). Bits. */
typedef enum {
  MOE_AWAY_ATTENTION_NORM = 1 << 0,
  MOE_AWAY_QKV = 1 << 1,
  MOE_AWAY_CORE_ATTENTION = 1 << 2,
  MOE_AWAY_ATTENTION_OUTPUT = 1 << 3,
  MOE_AWAY_FFN_NORM = 1 << 4,
  MOE_AWAY_EXPERTS = 1 << 5, /* the first product of the experts */
  MOE_AWAY_MOE_ACTIVATION = 1 << 6,
} MoeAway;
extern const char *const moe_away_words[]; /* NULL-terminated */

/* Where offloaded optimizer state is stepped: by the host's CPU, or on the GPU, which it visits for the update. */
typedef enum { MOE_UPDATE_HOST, MOE_UPDATE_DEVICE } MoeUpdatePlace;

typedef struct {
  double activations; /* share 0..1 of checkpointed activations kept in host memory */
  guint modules;      /* bits of MoeAway: in layers that are not offloaded whole or recomputed whole */
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
