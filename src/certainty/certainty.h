/*
 * certainty: one interval for every answer. Part of certainty (floor 10).
 *
 * What an answer may be wrong by has three causes, taken as independent:
 *
 *   assumptions    what nobody published about the run: combinations of its `assumptions` (sensitivity.h)
 *   model error    what predictions of other runs were wrong by: published over predicted step time of validation cases
 * of the same kind (dense or with experts) and accelerator, families weighted equally, the run's own family left out
 *   failures       simulated trainings (goodput.h): wall-clock over ideal time
 *
 * The interval of a step combines the first two, that of a training all three: every combination of their samples
 * counts alike. The share of a cause is its part of the variance of the logarithm.
 */
#ifndef MOESIM_CERTAINTY_H
#define MOESIM_CERTAINTY_H

#include <moesim/goodput.h>
#include <moesim/validate.h>

G_BEGIN_DECLS

/* ---- what the model is wrong by ---------------------------------------------------------------------------------- */

/* Published over predicted step times of all validation cases, by family, kind and accelerator. */
typedef struct MoeResiduals MoeResiduals;

/* The text of a residuals file, from predicted cases. Caller frees. */
char *moe_residuals_text(const MoeValidation *validation);
/* Reads such a file. NULL and *error (MOE_ERROR_INPUT, _IO). */
MoeResiduals *moe_residuals_load(const char *path, GError **error);
void moe_residuals_free(MoeResiduals *residuals);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeResiduals, moe_residuals_free)

#define MOE_N_MODEL_ERRORS 41 /* equally likely values that stand for a distribution */

typedef struct {
  guint n_cases, n_families;        /* that it rests on; 0 = nothing is known, ratios are 1 */
  char *like;                       /* what they have in common with the run: "experts on gb200" */
  double ratio[MOE_N_MODEL_ERRORS]; /* published over predicted step time, ascending */
} MoeModelError;

/* The model error of a run: cases of its kind and accelerator when there are enough of them (MOE_LEAST_RESIDUALS of two
 * families), else of its kind, else all; never of the run's own family. `residuals` may be NULL. Clear with
 * moe_model_error_clear. */
#define MOE_LEAST_RESIDUALS 20
void moe_model_error(const MoeResiduals *residuals, const MoeRun *run, MoeModelError *error);
void moe_model_error_clear(MoeModelError *error);

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
  MoeQuantiles wall_s;             /* of the training; 0 without one */
  double chance;                   /* that the training ends within the deadline; NaN without one */
  double step_share[MOE_N_DOUBTS]; /* of the variance of the logarithm of the step time; all 0 where nothing varies */
  double wall_share[MOE_N_DOUBTS]; /* of that of the wall-clock */
} MoeCertainty;

/* `stepped`: step times of combinations of assumptions, seconds (n > 0; one value: nothing is assumed); `goodput` (may
 * be NULL): the training at the predicted step of `result`; `deadline_s` 0 = none. */
void moe_certainty(const MoeResult *result, const double *stepped, guint n, const MoeModelError *model_error,
                   const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty);

G_END_DECLS

#endif
