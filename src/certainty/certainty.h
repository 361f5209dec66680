/*
 * certainty: one interval for every answer. Part of certainty (floor 10).
 *
 * What an answer may be wrong by has three causes, taken as independent:
 *
 *   assumptions    what nobody published about the run: combinations of its `assumptions` (sensitivity.h)
 *   model error    what predictions of other runs were wrong by: published over predicted step time of validation cases
 * of the same kind (dense or with experts), those weighing most that are near in scale, in accelerator and in how much
 * of the step waits for wires and hosts; the run's own family left out. On an accelerator without published runs also
 * what the rates of others differ by
 *
 *   failures       simulated trainings (goodput.h): wall-clock over ideal time
 *
 * The interval of a step combines the first two, that of a training all three: every combination of their samples
 * counts alike. The share of a cause is its part of the variance of the logarithm. moe_coverage tells whether such
 * intervals hold, each family's from the other families.
 */
#ifndef MOESIM_CERTAINTY_H
#define MOESIM_CERTAINTY_H

#include <moesim/goodput.h>
#include <moesim/sensitivity.h>
#include <moesim/validate.h>

G_BEGIN_DECLS

/* ---- what the model is wrong by ---------------------------------------------------------------------------------- */

/* Published over predicted step times of all validation cases, and peaks of memory, by family and kind. */
typedef struct MoeResiduals MoeResiduals;

/* The text of a residuals file, from predicted cases, and from those of moe_validate_memory (may be NULL). Caller
 * frees. */
char *moe_residuals_text(const MoeValidation *validation, const MoeValidation *memory);
/* Reads such a file. NULL and *error (MOE_ERROR_INPUT, _IO). */
MoeResiduals *moe_residuals_load(const char *path, GError **error);
void moe_residuals_free(MoeResiduals *residuals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeResiduals, moe_residuals_free)

#define MOE_N_MODEL_ERRORS 101 /* equally likely values that stand for a distribution */

typedef struct {
  guint n_cases, n_families;               /* that it rests on; 0 = nothing is known, ratios are 1 */
  char *like;                              /* what they have in common with the run: "runs with experts" */
  double ratio[MOE_N_MODEL_ERRORS];        /* published over predicted step time, ascending */
  guint n_peaks;                           /* of memory; 0 = nothing is known */
  double memory_ratio[MOE_N_MODEL_ERRORS]; /* published over predicted peak, ascending */
} MoeModelError;

/* The model error of a run that was predicted as `result` (NULL: scale and waiting are not compared). From cases of its
 * kind when there are MOE_LEAST_RESIDUALS of two families, else from all; never of the run's own family. `residuals`
 * may be NULL. Clear with moe_model_error_clear. */
#define MOE_LEAST_RESIDUALS 20
void moe_model_error(const MoeResiduals *residuals, const MoeRun *run, const MoeResult *result, MoeModelError *error);
void moe_model_error_clear(MoeModelError *error);

/* Whether intervals of model error alone hold: each case beside P10 to P90 that the other families give it. */
typedef struct {
  char *name; /* family, or "all" */
  guint n;
  double inside_80, inside_90; /* shares of the cases inside P10 to P90 and P5 to P95 */
  double width;                /* median of P90 less P10, in units of the predicted step time */
  double crps;                 /* mean continuous ranked probability score of log(published / predicted) */
  /* The same of one factor for all, 1 + constant either way, that holds as many of all cases; P5 to P95 and score as if
   * it were a normal distribution. */
  double constant, constant_80, constant_90, constant_width, constant_crps;
} MoeCoverage;

/* Families in order of name, then "all"; *n is their number. Free with moe_coverage_free. */
MoeCoverage *moe_coverage(const MoeValidation *validation, guint *n);
void moe_coverage_free(MoeCoverage *coverage, guint n);

/* How far predictions are off, as logarithms of published over predicted step time, in three levels: a bias that all of
 * a family share, what models of a family differ in, and what runs of one model do. Each as a normal distribution over
 * families; of the two scatters it is that of their logarithm. */
typedef struct {
  double bias_mean, bias_sd;
  double log_model_mean, log_model_sd; /* of models of a family */
  double log_run_mean, log_run_sd;     /* of runs of one model */
  guint n_families;                    /* that it rests on */
} MoeErrorPrior;

/* From the families of the run's kind, without those named (NULL-terminated) and without the run's own; from all kinds
 * when fewer than MOE_LEAST_FAMILIES say something of each level. Without so many at all: no bias give or take 10 %,
 * both scatters 7 % give or take a factor of 2. `residuals` may be NULL. */
#define MOE_LEAST_FAMILIES 4
void moe_error_prior(const MoeResiduals *residuals, const MoeRun *run, const char *const *without,
                     MoeErrorPrior *prior);
/* Which model a run is of: the same short text for the same architecture. Caller frees. */
char *moe_model_label(const MoeRun *run);

/* ---- the interval ------------------------------------------------------------------------------------------------ */

typedef enum { MOE_DOUBT_ASSUMPTIONS, MOE_DOUBT_MODEL, MOE_DOUBT_FAILURES, MOE_N_DOUBTS } MoeDoubt;
extern const char *const moe_doubt_words[];

typedef struct MoeCertainty {
  MoeQuantiles step_time_s, mfu_causal, mfu_full;
  MoeQuantiles peak_bytes;           /* of memory */
  MoeQuantiles wall_s;               /* of the training; 0 without one */
  gboolean learned;                  /* the model's error is what a posterior says, not that of other runs */
  double chance;                     /* that the training ends within the deadline; NaN without one */
  double step_share[MOE_N_DOUBTS];   /* of the variance of the logarithm of the step time; all 0 where nothing varies */
  double memory_share[MOE_N_DOUBTS]; /* of that of the peak of memory */
  double wall_share[MOE_N_DOUBTS];   /* of that of the wall-clock */
} MoeCertainty;

/* Answers to equally likely combinations of assumptions. */
typedef struct {
  guint n;                                  /* > 0; one: nothing is assumed */
  const MoeCombination *gives;              /* [n] */
  const double *error_bias, *error_scatter; /* [n], log(published / predicted step time) of each by a posterior, instead
                                               of the model error; NULL without */
} MoeCombinations;

/* What the run gives when nothing is assumed. */
void moe_combination_of(const MoeResult *result, MoeCombination *combination);

/* MFU is of each combination's own FLOPs, and a training's wall-clock of its own tokens per step: a larger batch makes
 * a longer step of neither. `goodput` (may be NULL): the training at the predicted step of `result`; `deadline_s` 0 =
 * none. */
void moe_certainty(const MoeResult *result, const MoeCombinations *combinations, const MoeModelError *model_error,
                   const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty);
/* The same from a sensitivity of the run; NULL, or one in which no combination exists: nothing is assumed. */
void moe_certainty_of(const MoeResult *result, const MoeSensitivity *sensitivity, const MoeModelError *model_error,
                      const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty);

G_END_DECLS

#endif
