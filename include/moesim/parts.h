/*
 * parts: what one GPU's step consists of, by the calls of its pipeline schedule. Part of study (floor 8).
 *
 * Every instant of the compute stream belongs to one part: kernels to the part of their call, waiting for the pipeline
 * to the bubble, any other waiting to the part of the next kernel. Parts sum to the step time.
 */
#ifndef MOESIM_PARTS_H
#define MOESIM_PARTS_H

#include <moesim/study.h>

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
  double pair_s;                           /* their mean duration, first kernel to last; 0 without pairs */
  double pair_class_s[MOE_N_PAIR_CLASSES]; /* mean time in kernels per pair */
} MoeIteration;

/* Simulates twice: once to find the busiest rank of pipeline stage `stage` (< 0: the middle one), once to watch it.
 * `options` may be NULL; its slice function is not used. FALSE and *error as moe_study_predict. */
gboolean moe_study_iteration(const MoeRun *run, const MoeSimOptions *options, int64_t stage, MoeIteration *iteration,
                             GError **error);

/* ---- cases with published parts ---------------------------------------------------------------------------------- */

typedef struct {
  char *id;
  double published_s[MOE_N_ITERATION_PARTS]; /* NaN: not published */
  MoeIteration iteration;
} MoePartsCase;

void moe_parts_case_free(MoePartsCase *c);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoePartsCase, moe_parts_case_free)

/* Every case of `dir` (as moe_validate) that has published.iteration_parts_s, watched on pipeline stage `stage` (< 0:
 * the middle one). An array of MoePartsCase that frees its elements; NULL and *error when a file or such a case is
 * wrong. */
GPtrArray *moe_validate_parts(const char *dir, const char *data_dir, int64_t stage, const MoeSimOptions *options,
                              GError **error);

/* ---- a profiled pair -------------------------------------------------------------------------------------------- */

/* Sums of a published profile, from a file `title, source, run, stage, pair_s, class_s: {CLASS: seconds}`. */
typedef struct {
  char *title, *run; /* path of the run file */
  int64_t stage;     /* of the run, that does the same as the profile */
  double pair_s;
  double class_s[MOE_N_PAIR_CLASSES]; /* 0: none */
} MoePairTrace;

gboolean moe_pair_trace_load(const char *path, MoePairTrace *trace, GError **error);
void moe_pair_trace_clear(MoePairTrace *trace);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePairTrace, moe_pair_trace_clear)

G_END_DECLS

#endif
