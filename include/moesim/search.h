/*
 * search: which layout of a model on a cluster is the best. Part of search (floor 10).
 *
 * Legal layouts are enumerated dimension by dimension. Each gets two bounds that cost microseconds: memory it needs at
 * least (too much: dropped) and time its step takes at least. Layouts are then simulated in the order of their time
 * bounds, and the search ends when the next bound is above the worst of those kept: whatever was not simulated is
 * slower than it. Bounds are *admissible*: never above what the simulation says, so the best layout is never lost
 * (tested against exhaustive search).
 */
#ifndef MOESIM_SEARCH_H
#define MOESIM_SEARCH_H

#include <moesim/predict.h>

G_BEGIN_DECLS

/* What a layout chooses. */
typedef enum {
  MOE_DIMENSION_GPUS,
  MOE_DIMENSION_TENSOR,
  MOE_DIMENSION_CONTEXT,
  MOE_DIMENSION_PIPELINE,
  MOE_DIMENSION_SCHEDULE, /* MoeScheduleKind */
  MOE_DIMENSION_VIRTUAL,
  MOE_DIMENSION_EXPERT,
  MOE_DIMENSION_EXPERT_TENSOR,
  MOE_DIMENSION_MICRO_BATCH,
  MOE_DIMENSION_ZERO,
  MOE_DIMENSION_RECOMPUTE, /* MoeRecomputeMode; selective: the run's modules; those of a run that names none, or only
                              attention scores that its kernels never store: scores, norms and activation functions */
  MOE_DIMENSION_OFFLOAD,   /* percent of checkpointed activations */
  MOE_DIMENSION_SEQUENCE,  /* sequence_parallel, 0 or 1 */
  MOE_DIMENSION_OVERLAP_TENSOR,
  MOE_DIMENSION_OVERLAP_REDUCE,
  MOE_DIMENSION_OVERLAP_GATHER,
  MOE_DIMENSION_OVERLAP_PIPELINE,
  MOE_N_DIMENSIONS,
} MoeDimensionKind;

/* Short name ("overlap_tensor"), by which a key of a run says that it is a dimension of searches; NULL-terminated. */
extern const char *const moe_dimension_names[];
/* Path of that key ("parallelism.overlap.tensor"). Caller frees. */
char *moe_dimension_key(MoeDimensionKind dimension);

typedef struct {
  int32_t value[MOE_N_DIMENSIONS];
} MoeLayoutChoice;

/* Value of a dimension as it is written in a run file ("1f1b", "0.5", "true"). Caller frees. */
char *moe_choice_text(const MoeLayoutChoice *choice, MoeDimensionKind dimension);

typedef enum {
  MOE_SPACE_USUAL,    /* what training stacks are run with: sequence parallelism with tensor parallelism, 1F1B and
                         interleaving and the run's own schedule, ZeRO 2 and 3 without a pipeline, overlap as in the
                         run; with experts: chunks and micro-batches double, experts sliced as in the run */
  MOE_SPACE_ALL,      /* every schedule, ZeRO stage and share of offload */
  MOE_SPACE_CALCULON, /* that of Calculon's search for dense models (Isaev et al., SC 2023): with and without sequence
                         parallelism, each overlap, optimizer sharding, offload; micro-batches and interleaving in full
                       */
} MoeSpace;
extern const char *const moe_space_words[];

typedef enum { MOE_OBJECTIVE_MFU, MOE_OBJECTIVE_TIME, MOE_OBJECTIVE_COST, MOE_OBJECTIVE_GPUS } MoeObjective;
extern const char *const moe_objective_words[];

/* Replaces each value by the largest that any of the processes has at its place. */
typedef void (*MoeLargestFunc)(double *values, guint n, gpointer user_data);

typedef struct {
  MoeObjective objective;
  MoeSpace space;
  guint top;                 /* how many are ranked, at least 1 */
  const char *const *limits; /* NULL-terminated "key=a,b,c" or "key=LOW:HIGH:*2" by path or short name; may be NULL */
  double tokens;             /* of the whole training run; 0 = not said */
  double deadline_s;         /* objective gpus */
  gboolean verify;           /* run what is ranked again with noise, and with failures for a deadline; rank that */
  double memory_slack;       /* share by which a layout may exceed the GPU's memory and still be ranked, 0 = none */
  double budget_s;     /* seconds after which nothing further is begun, in any phase; 0 = until the best is found */
  MoeStopFunc stopped; /* asked between pieces of work: TRUE ends the search as its budget does; may be NULL */
  gpointer stopped_data;
  guint jobs;
  /* Several processes share a search: each makes the same call but for `part` (0 ... parts - 1), looks at its share of
   * the layouts, and knows all that came out. Then without budget or `stopped`, which would part them. 0 or 1: one
   * process.
   */
  guint parts, part;
  MoeLargestFunc largest; /* with several; called in step by all */
  gpointer largest_data;
  MoeSimOptions sim; /* kernel jitter is left out: layouts are compared without noise */
  MoeProgressFunc progress;
  gpointer progress_data;
} MoeSearchOptions;

typedef struct {
  MoeLayoutChoice choice;
  double bound_s;        /* step time at least; < 0 when there was no time to bound it */
  double bound_bytes;    /* memory at least */
  double value;          /* what is ranked, smaller is better: s (time), GPU s (mfu), dollars (cost) per step */
  double wall_s;         /* objective gpus, verified: mean of a training with failures; else 0 */
  double price_gpu_hour; /* of its cluster, dollars; 0 = unknown */
  MoeResult *result;
} MoeCandidate;

typedef struct {
  MoeObjective objective;
  double tokens, deadline_s;
  guint n_legal;           /* layouts that can exist */
  guint n_too_large;       /* of those, by the memory bound */
  guint n_lowered;         /* of the rest, by the program's own bounds: */
  guint n_did_not_fit;     /* too large by their footprint */
  guint n_simulated;       /* the others are slower by the bound of their program */
  guint n_not_reached;     /* within the budget: any of them could be better than what is ranked */
  double not_reached_s;    /* lowest bound among those, seconds; 0 without any, or when one has no bound */
  gboolean cut_short;      /* there was no time to enumerate all layouts: there are more than n_legal */
  gboolean verified;       /* what is ranked was run with noise */
  guint n_refuted;         /* ranked, and then too large or too late */
  gboolean noise_left_out; /* `moesim run` of the same layout has jitter or GPUs of different speeds, and is a little
                              slower */
  guint recompute_modules; /* bits of MoeModule: what `recompute.mode: selective` means in the layouts tried */
  guint n_clusters;        /* that were searched, and had an answer */
  char **unanswered;       /* NULL-terminated, "CLUSTER: why" of those that had none; NULL without any */
  guint n_ranked;
  MoeCandidate *ranked; /* best first; ties in order of enumeration */
  MoeCandidate own;     /* the run's own layout; result NULL when it cannot be simulated */
  guint own_behind; /* simulated layouts that fit and are better than the run's own: it ranks below at least so many */
} MoeSearchResult;

/* NULL and *error when a limit is wrong, a price is needed and unknown, or no layout is legal, fits or meets the
 * deadline. */
MoeSearchResult *moe_search(const MoeRun *run, const MoeSearchOptions *options, GError **error);
void moe_search_result_free(MoeSearchResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeSearchResult, moe_search_result_free)

G_END_DECLS

#endif
