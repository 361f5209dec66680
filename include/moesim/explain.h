/*
 * explain: where the MFU of one run goes, and what each change between two runs is worth. Part of explain (floor 9).
 *
 * One run. Each cause of loss is removed in a counterfactual simulation (MoeSimOptions.without). What a cause costs
 * depends on what else is there: a slow network hides behind slow kernels. The share of a cause is therefore its gain
 * averaged over all orders in which the causes can be removed, its Shapley value (Shapley 1953, "A value for n-person
 * games"): with n causes, 2^n simulations give it exactly, and shares sum to the whole gain. Two savings, both stated
 * in the answer: causes that are worth next to nothing both first and last are removed together as one; and where 2^n
 * simulations are still too many, orders are sampled, in pairs of a random order and its reverse (antithetic; Mitchell
 * et al. 2022, "Sampling permutations for Shapley value estimation", JMLR 23), seeded.
 *
 * Two runs. Their resolved documents are compared key by key. Keys that mean something only together form one
 * mechanism. Each mechanism is tried alone on the first run, then all in order until the second run is reached. A
 * mechanism that alone gives no legal run is put together with the fewest others that make it legal.
 *
 * Times are seconds per step, MFU values fractions of peak.
 */
#ifndef MOESIM_EXPLAIN_H
#define MOESIM_EXPLAIN_H

#include <moesim/predict.h>

G_BEGIN_DECLS

/* ---- why one run is as slow as it is ----------------------------------------------------------------------------- */

/* One cause that a counterfactual run can do without. */
typedef struct {
  MoeCause cause;
  gboolean present;   /* FALSE: nothing of the kind is in this run, all values are 0 */
  double accounted_s; /* by the account of the run as it is: time during which it was this cause that kept the GPU from
                         math */
  double alone_s;     /* what the step gains when this cause alone is removed */
  double last_s;      /* what it gains when everything else has been removed before */
  double
      share_s; /* Shapley value: the gain of removing it, averaged over all orders in which the causes can be removed */
  gboolean joint; /* too small to be ordered by itself: removed together with the other small ones */
  double error_s; /* of share_s: standard error when orders were sampled, 0 when all were taken; of a joint cause half
                     the difference of first and last besides */
} MoeLossShare;

/* The step time in parts: step = left_s summed + share_s summed. */
typedef struct {
  MoeResult *result; /* the run as it is */
  guint n_causes;    /* causes that can be removed at all; those of MoeWithout */
  MoeLossShare causes[MOE_N_CAUSES];
  double
      left_s[MOE_N_CAUSES]; /* the step without any of them, by its own account: math, the bubble, what else remains */
  double ideal_s;           /* its length */
  double interaction_s; /* (step - ideal) - sum of alone_s: what only goes when several causes are removed together */
  guint n_orders;       /* orders sampled; 0 = all */
  guint n_simulations;
} MoeExplanation;

/* ---- what makes two runs differ ---------------------------------------------------------------------------------- */

/* A key of the resolved documents. Texts are short forms; NULL: absent. */
typedef struct {
  char *path, *before, *after;
} MoeChangedKey;

/* A run with some of the changes. */
typedef struct {
  double step_time_s, mfu_causal, tokens_per_s_per_gpu;
  gboolean fits;
} MoeEffect;

/* Keys that make one mechanism, or that are legal only together. */
typedef struct {
  char *name; /* "architecture", "accelerator + host" */
  guint n_keys;
  MoeChangedKey *keys;
  gboolean merged;    /* mechanisms put together because one of them alone gives no legal run */
  char *merged_why;   /* the message of the run that cannot be; NULL */
  MoeEffect alone;    /* the first run with this change only */
  MoeEffect in_order; /* the first run with this change and those before it */
} MoeChange;

typedef struct {
  MoeResult *before, *after;
  guint n_changes;
  MoeChange *changes;     /* in the order in which they are applied */
  double mfu_interaction; /* total change of the MFU less the sum of the changes alone */
  guint n_simulations;
} MoeDifference;

/* ---- asking ------------------------------------------------------------------------------------------------------ */

typedef struct {
  MoeSimOptions sim; /* of every simulation; `without` and slices are ours */
  guint orders;      /* sampled orders, rounded up to pairs; 0 = all orders, or 32 where that would take minutes */
  gboolean by_key;   /* two runs: each key is its own mechanism */
  guint jobs;        /* threads, 0 = as many as the machine has */
  MoeProgressFunc progress; /* may be NULL */
  gpointer progress_data;
} MoeExplainOptions;

/* NULL and *error when the run cannot be simulated. */
MoeExplanation *moe_explain_run(const MoeRun *run, const MoeExplainOptions *options, GError **error);
void moe_explanation_free(MoeExplanation *explanation);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeExplanation, moe_explanation_free)

/* No changes when both say the same. NULL and *error when one of the two cannot be simulated, or they differ in more
 * than MOE_EXPLAIN_MAX_CHANGES mechanisms. */
#define MOE_EXPLAIN_MAX_CHANGES 1024
MoeDifference *moe_explain_difference(const MoeRun *before, const MoeRun *after, const MoeExplainOptions *options,
                                      GError **error);
void moe_difference_free(MoeDifference *difference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeDifference, moe_difference_free)

G_END_DECLS

#endif
