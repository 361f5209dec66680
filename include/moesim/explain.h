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
 */
#ifndef MOESIM_EXPLAIN_H
#define MOESIM_EXPLAIN_H

#include "metrics/findings.h"
#include "study/study.h"

G_BEGIN_DECLS

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
