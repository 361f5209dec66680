/*
 * parts: what one GPU's step consists of, by the calls of its pipeline schedule. Part of study (floor 8).
 *
 * Every instant of the compute stream belongs to one part: kernels to the part of their call, waiting for the pipeline
 * to the bubble, any other waiting to the part of the next kernel. Parts sum to the step time.
 */
#ifndef MOESIM_PARTS_H
#define MOESIM_PARTS_H

#include "study/study.h"

G_BEGIN_DECLS

/* Named as in DeepSeek, "Insights into DeepSeek-V3" (ISCA 2025), Table 4: moe_iteration_part_words of spec.h. */
typedef enum {
  MOE_ITERATION_FORWARD, /* 1F: forward passes alone */
  MOE_ITERATION_BUBBLE,
  MOE_ITERATION_BACKWARD,  /* 1B: backward passes alone, with or without their weight gradients */
  MOE_ITERATION_WEIGHT,    /* 1W: weight gradients that had been left for later */
  MOE_ITERATION_BOTH,      /* 1F1B: a forward beside a backward pass */
  MOE_ITERATION_OPTIMIZER, /* all that follows the last pass */
  MOE_N_ITERATION_PARTS,
} MoeIterationPart;

/* What kernels a pair of passes spends its time in. */
typedef enum {
  MOE_PAIR_DENSE_GEMM,      /* forward and data gradient, without the router's */
  MOE_PAIR_WEIGHT_GRADIENT, /* of dense and routed weights */
  MOE_PAIR_GROUPED_GEMM,    /* routed experts, forward and data gradient */
  MOE_PAIR_ATTENTION,
  MOE_PAIR_NORM,
  MOE_PAIR_ROTARY, /* rotary embedding and copies of queries, keys and values */
  MOE_PAIR_ACTIVATION,
  MOE_PAIR_QUANTIZE, /* casts between precisions and transposes of what was cast */
  MOE_PAIR_PERMUTE,
  MOE_PAIR_ROUTER,   /* GEMMs, scores, counts, maps */
  MOE_PAIR_RESIDUAL, /* sums of branches */
  MOE_PAIR_OTHER,
  MOE_N_PAIR_CLASSES,
} MoePairClass;
extern const char *const moe_pair_class_words[];

typedef struct {
  int64_t rank;
  guint role; /* pipeline stage */
  MoeTime step;
  MoeTime part[MOE_N_ITERATION_PARTS];     /* sums to `step` */
  guint n_pairs;                           /* calls that hold a forward and a backward pass */
  double pair_s;                           /* their mean duration, first kernel to last, less bubble; 0: no pairs */
  double pair_class_s[MOE_N_PAIR_CLASSES]; /* mean time in kernels per pair */
} MoeIteration;

/* Simulates twice: once to find the busiest rank of pipeline stage `stage` (< 0: the middle one), once to watch it.
 * `options` may be NULL; its slice function is not used. FALSE and *error as moe_study_predict. */
gboolean moe_study_iteration(const MoeRun *run, const MoeSimOptions *options, int64_t stage, MoeIteration *iteration,
                             GError **error);

G_END_DECLS

#endif
