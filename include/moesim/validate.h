/*
 * validate: predicted beside published, for every case of a folder. Part of validate (floor 9).
 *
 * A case file (each .yaml file of the folder) has a list `cases:` of runs with an `id` and a `published` section. The
 * error of a case is predicted / published step time - 1, whatever metric was published (a throughput or an MFU gives
 * the step time by its own FLOP convention and peak). A case with nothing but memory published (`peak_memory`,
 * `out_of_memory`) has no step time to be judged by: it counts in questions of memory alone.
 */
#ifndef MOESIM_VALIDATE_H
#define MOESIM_VALIDATE_H

#include <moesim/predict.h>

G_BEGIN_DECLS

typedef enum {
  MOE_GROUP_BY_FAMILY,
  MOE_GROUP_BY_GPU,
  MOE_GROUP_BY_STACK,
  MOE_GROUP_BY_KIND,
  MOE_N_GROUP_BY
} MoeGroupBy;
extern const char *const moe_group_by_words[];

/* What two cases of a pair question differ in. */
typedef enum {
  MOE_DIFFERS_LAYOUT,
  MOE_DIFFERS_PRECISION,
  MOE_DIFFERS_SCALE,
  MOE_DIFFERS_OVERLAP,
  MOE_DIFFERS_RECOMPUTE,
  MOE_DIFFERS_MODEL,
  MOE_DIFFERS_MACHINE,
  MOE_DIFFERS_EXPERTS,  /* the library that carries tokens to their experts, and whether copies to one rank travel once
                         */
  MOE_DIFFERS_SOFTWARE, /* the stack but for those */
  MOE_N_DIFFERS,
} MoeDiffers;
extern const char *const moe_differs_words[];

typedef struct {
  char *id;
  char *group[MOE_N_GROUP_BY];  /* family (file name), accelerator, stack, "moe" or "dense" */
  char *differs[MOE_N_DIFFERS]; /* printed values of each part, compared between cases */
  const char *metric;           /* what was published, static: "step_time_s", "mfu", ... */
  double published;             /* value of that metric */
  double predicted;             /* the same metric, predicted */
  double published_step_s, predicted_step_s;
  double tokens_per_s_per_gpu_published, tokens_per_s_per_gpu_predicted;
  double error;              /* predicted_step_s / published_step_s - 1 */
  double extrapolated_share; /* of kernel time, see MoeResult */
  double waiting_share;      /* of the predicted step: moe_waiting_share */
  double busy_share;         /* of it: neither waiting nor in a pipeline bubble */
  double training_rate;      /* of the accelerator, see rates.h */
  int64_t gpus, micro_batches, sequence_length;
  gboolean fits; /* predicted footprint within the GPU's memory, headroom included */
  struct {
    double peak_bytes, capacity_bytes, headroom_bytes; /* predicted, of the most loaded GPU, on the device */
    double published_bytes, predicted_bytes; /* the published peak (0: none) and the same one predicted: same stage,
                                                same way of counting */
    double error;                            /* predicted_bytes / published_bytes - 1 */
    MoeMemoryKind kind;
    gboolean out_of_memory; /* published: the run was stopped by lack of memory */
  } memory;
  char *failure; /* why there is no prediction, NULL when there is one */
} MoeCase;

typedef struct {
  char *name;
  guint n;
  double median_abs_error, p90_abs_error, bias; /* bias: median of the signed error */
  double rank_correlation; /* Spearman, of published and predicted throughput per GPU; NaN below 3 cases */
} MoeCaseGroup;

/* Two cases of one family that differ in one thing: was the faster one predicted to be faster? */
typedef struct {
  guint a, b; /* into cases; a was measured to be the faster one per GPU */
  MoeDiffers differs;
  double published_ratio, predicted_ratio; /* throughput per GPU, a over b */
  gboolean right;
  gboolean clear; /* measured to be more than 5 % apart */
} MoeCasePair;

typedef struct {
  guint n, n_failed;
  MoeCase *cases;
  MoeCaseGroup all;
  guint n_pairs, n_pairs_right;
  MoeCasePair *pairs;
} MoeValidation;

/* Two cases that do the same in every micro-batch, of which they have different numbers m: T = t m + F through both.
 * [0] published, [1] predicted. */
typedef struct {
  guint many, few;      /* into cases: the most micro-batches published, and the fewest */
  double batch_s[2];    /* t */
  double once_s[2];     /* F: what a step pays once, the bubble included */
  double efficiency[2]; /* throughput per GPU of the few over that of the many */
} MoeStepSplit;

/* Predicts every case of every *.yaml file in `dir` (sorted by name), on `jobs` threads. A case that cannot be read or
 * simulated stands with its `failure`; NULL and *error only when the folder or a file as a whole cannot be read. */
MoeValidation *moe_validate(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                            MoeProgressFunc progress, gpointer progress_data, GError **error);
/* The same with overrides "key=value" (NULL-terminated) applied to every case. */
MoeValidation *moe_validate_with(const char *dir, const char *data_dir, const char *const *sets, guint jobs,
                                 const MoeSimOptions *options, MoeProgressFunc progress, gpointer progress_data,
                                 GError **error);
void moe_validation_free(MoeValidation *validation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeValidation, moe_validation_free)

/* Share of a predicted step that waits for wires, hosts, copies, data and peers: what kernels do not decide. */
double moe_waiting_share(const MoeResult *result);

/* Groups in order of name; *n is their number. Free with moe_case_groups_free. */
MoeCaseGroup *moe_validation_group(const MoeValidation *validation, MoeGroupBy by, guint *n);
void moe_case_groups_free(MoeCaseGroup *groups, guint n);

/* In the order of cases; *n is their number. Free with g_free. */
MoeStepSplit *moe_validation_splits(const MoeValidation *validation, guint *n);

/* Pair questions of cases that differ in one thing, and answers that were right. */
typedef struct {
  const char *differs; /* of moe_differs_words, or "all" */
  guint asked, right;
  guint clear_asked, clear_right; /* of those that are clear */
} MoePairCount;
/* Returns how many it fills: things without a question are left out, the last is all. */
guint moe_validation_pair_counts(const MoeValidation *validation, MoePairCount counts[MOE_N_DIFFERS + 1]);

/* How much of what was predicted rests on no measurement of its kind, a share of kernel time: over the cases. NaN
 * without a prediction. */
void moe_validation_extrapolated(const MoeValidation *validation, double *median, double *p90);

/* Cases of one family that differ in their layout alone (degrees, schedule, overlap, recomputation), two or more. */
#define MOE_TOP_LAYOUTS 3
typedef struct {
  guint n, n_first,
      n_top; /* groups; those whose fastest published layout is predicted to be the fastest, among the first three */
  guint n_large, n_large_top; /* the same of groups of more than three */
} MoeLayoutGroups;
void moe_validation_layouts(const MoeValidation *validation, MoeLayoutGroups *groups);

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Whether a step time was published for the case and predicted. */
gboolean moe_case_has_step(const MoeCase *c);

/* The same as moe_validate for the cases of `dir` and of its subfolder `memory`, if there is one. */
MoeValidation *moe_validate_memory(const char *dir, const char *data_dir, guint jobs, const MoeSimOptions *options,
                                   MoeProgressFunc progress, gpointer progress_data, GError **error);

/* Errors of published peaks by group, groups without any left out; the last is all. Free with moe_case_groups_free. */
MoeCaseGroup *moe_validation_memory_groups(const MoeValidation *validation, MoeGroupBy by, guint *n);

/* Predicted cases: n[was stopped by lack of memory][is predicted to fit]. */
typedef struct {
  guint n[2][2];
  double worst_excess; /* of those that ran and are not predicted to fit: peak and headroom over capacity, less 1 */
} MoeFitTable;
/* Predicted cases that ran and are predicted not to fit, or the other way, farthest over capacity first: of MoeCase
 * *, in the validation. Free with g_ptr_array_unref. */
GPtrArray *moe_validation_wrong_fits(const MoeValidation *validation);
void moe_validation_fit(const MoeValidation *validation, MoeFitTable *table);
/* Peak and headroom over capacity, less 1. */
double moe_case_excess(const MoeCase *c);

G_END_DECLS

#endif
