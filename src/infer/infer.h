/*
 * infer: what was not published, learned from what was. Part of infer (floor 11).
 *
 * Cases (runs of validation files, or a user's own) share unknowns: the declared assumptions of their runs, clusters
 * and stacks. The same key of several cases is one unknown, a share from 0 to 1 of each case's own range (varied.h).
 * What the file of cases itself says of a key is known there. The model's own error is unknown, too: one bias of all
 * cases, what models differ in, and a scatter of runs of a model, with priors from what predictions of other families
 * are wrong by (certainty.h).
 *
 *     log(published / predicted(shares)) = bias + off(model) + scatter * normal + rounding of what was printed
 *
 * Simulations at the places of a Latin hypercube fit a surrogate per row; particles sample the posterior on it
 * (sequential Monte Carlo); simulations at particles check the surrogate and refine it, twice; held-out cases are
 * predicted by simulation of particles. docs/infer.md has the equations. Everything is a function of the inputs and the
 * seed, whatever the number of threads and however often it was killed and resumed.
 *
 * Life cycle: moe_infer -> read -> moe_inference_free.
 */
#ifndef MOESIM_INFER_H
#define MOESIM_INFER_H

#include "certainty/certainty.h"

G_BEGIN_DECLS

/* ---- what goes in ------------------------------------------------------------------------------------------------ */

typedef struct {
  const char *const *from;     /* FILE or FILE:ID, to learn from; NULL-terminated */
  const char *const *hold_out; /* FILE or FILE:ID, to predict; taken out of `from`; may be NULL */
  const char *data_dir;
  const MoeResiduals *residuals; /* prior of the model's error; own families are left out */
  double noise;        /* > 0: rows scatter by this share of their value and nothing is biased, instead of residuals */
  double within;       /* a row is explained when it is met within this share of its value */
  guint n_simulations; /* per case, for the surrogate; 0 = by the number of unknowns */
  guint n_particles;   /* of the posterior */
  MoeSimOptions sim;   /* its seed is that of everything */
  guint jobs;          /* threads, 0 = as many as the machine has */
  const char *store;   /* simulations are kept in this file; NULL = nowhere */
  const char *salt;    /* who simulates and how: what other builds kept is not used */
  MoeProgressFunc progress; /* may be NULL */
  gpointer progress_data;
} MoeInferOptions;

/* ---- what comes out ---------------------------------------------------------------------------------------------- */

/* What was measured of a case. Parts of iterations follow MOE_ROW_PART in the order of MoeIterationPart. */
typedef enum { MOE_ROW_STEP, MOE_ROW_MEMORY, MOE_ROW_PART } MoeRowKind;

typedef struct {
  char *key, *why;
  guint n_values;                       /* 0: a range */
  char **value;                         /* [n_values] */
  double *before_weight, *after_weight; /* [n_values] */
  MoeDimension dimension;
  MoeQuantiles before, after; /* of a range, by the first case that has it; NaN of a list */
  double bits;                /* what all rows together say of it: relative entropy of posterior and prior */
  double *row_bits;           /* [rows]: what each row says alone */
} MoeUnknown;

/* Two unknowns of which the rows say more together than of each alone. */
typedef struct {
  guint a, b;
  double bits, correlation;
} MoeUnknownPair;

typedef struct {
  char *name, *metric;     /* FILE:ID; "mfu", "peak_memory", a part's word */
  double published;        /* in units of the metric */
  MoeQuantiles fitted;     /* of the posterior, without the model's error; of a held-out row with it */
  double best;             /* by the best joint set */
  double error;            /* best over published, as a time, less 1 */
  double rank;             /* held out: share of the prediction below what was published; NaN without one */
  double surrogate_error;  /* of the logarithm, root mean square at new places */
  double model_bits;       /* what it says of the model's bias and scatter, alone */
  gboolean held_out, rate; /* rate: more is faster */
} MoeInferRow;

typedef struct {
  guint n_unknowns, n_rows, n_held_out, n_pairs;
  MoeUnknown *unknowns;
  MoeInferRow *rows;     /* learned from, then held out */
  MoeUnknownPair *pairs; /* most first */
  guint n_draws;         /* of the posterior, equally likely */
  double *draws;         /* n_draws rows of n_unknowns shares */
  /* Of the logarithm of time: the bias of all, what models of a family scatter by, what runs of a model do, and what
   * each model is off by beside the bias. */
  double *bias, *model_scatter, *run_scatter; /* [n_draws] */
  guint n_models;
  char **model;      /* [n_models + 1]: labels (moe_model_label) */
  double *model_off; /* n_draws rows of n_models */
  MoeQuantiles bias_before, bias_after, model_scatter_before, model_scatter_after, run_scatter_before,
      run_scatter_after;
  double *best; /* [n_unknowns]: shares of the joint set that meets all rows best */
  guint n_cases;
  char **case_name;   /* [n_cases + 1] */
  char ***case_best;  /* [n_cases]: "key=value" of that set, NULL-terminated, as the ranges of each case have it */
  gboolean explained; /* by the best joint set, all rows within `within` */
  guint n_conflict;   /* rows of which some cannot be met together: the fewest that were found */
  guint *conflict;
  double within;
  struct {
    double median, p90; /* of |surrogate / simulation - 1| at draws of the posterior, before they refined it */
    guint n;
  } check;
  guint n_simulated, n_known; /* made now; found in the store */
  guint n_stages;
  uint64_t seed;
} MoeInference;

/* NULL and *error when a file or case is wrong, a case cannot be simulated anywhere within its ranges, or the store
 * cannot be written. */
MoeInference *moe_infer(const MoeInferOptions *options, GError **error);
void moe_inference_free(MoeInference *inference);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeInference, moe_inference_free)

/* The text of a posterior file. Caller frees. */
char *moe_inference_text(const MoeInference *inference);

G_END_DECLS

#endif
