/* Inside infer: cases, rows and unknowns on the way to an inference. */
#ifndef MOESIM_INFER_INTERNAL_H
#define MOESIM_INFER_INTERNAL_H

#include "certainty/varied.h"
#include "infer/infer.h"
#include "study/parts.h"

#include "smc.h"
#include "store.h"
#include "surrogate.h"

/* ---- simulations ------------------------------------------------------------------------------------------------- */

/* What is kept of a simulation: what the rows are about, then the answer itself. */
enum {
  MOE_SAID_STEP,   /* logarithm of the published metric as a time: minus that of a rate */
  MOE_SAID_MEMORY, /* logarithm of the bytes that were published */
  MOE_SAID_PART,   /* logarithms of parts of the iteration */
  MOE_SAID_STEP_S = MOE_SAID_PART + MOE_N_ITERATION_PARTS,
  MOE_SAID_MFU,
  MOE_N_SAID
};

typedef struct {
  double *share; /* [n_varied] of the case */
  double said[MOE_N_SAID];
  char *failure; /* why there is no answer */
} MoeShot;

/* ---- cases ------------------------------------------------------------------------------------------------------- */

typedef struct {
  char *name, *family;
  MoeRun *run;
  gboolean held_out;
  guint n_varied;
  MoeVaried *varied;     /* [n_varied] what is unknown in this case */
  guint *unknown;        /* [n_varied] which it is among all */
  guint *choices;        /* [n_varied + 1] values of a list, 0 of a range */
  GArray *shots;         /* of MoeShot: what the surrogates know */
  MoeSurrogate *failing; /* 1 where a set gives no run, 0 where it does; NULL where all do */
} MoeInferCase;

typedef struct {
  guint of; /* index of the case */
  MoeRowKind kind;
  guint said;      /* index into MoeShot.said */
  double target;   /* what was published, as said */
  double rounding; /* standard deviation of the target by the digits that were printed */
  const char *metric;
  double published;
  gboolean rate;
  MoeErrorPrior prior;
  guint model;             /* which of the problem's models the case is of */
  MoeSurrogate *surrogate; /* NULL of a held-out row */
} MoeDatum;

typedef struct {
  const MoeInferOptions *options;
  GPtrArray *cases;  /* of MoeInferCase */
  GArray *rows;      /* of MoeDatum */
  GPtrArray *keys;   /* of the unknowns */
  GPtrArray *models; /* labels of the models that the cases are of */
  GArray *first;     /* of guint pairs: case and index in it where the unknown stands first */
  MoeShotStore *kept;
  guint n_simulated, n_known;
} MoeProblem;

/* Where an unknown stands first. */
typedef struct {
  guint of, index;
} MoeStand;

MoeProblem *moe_problem_new(const MoeInferOptions *options, GError **error);
void moe_problem_free(MoeProblem *problem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeProblem, moe_problem_free)
const MoeVaried *moe_problem_varied(const MoeProblem *problem, guint unknown);
static inline MoeInferCase *moe_problem_case(const MoeProblem *problem, guint i)
{
  return g_ptr_array_index(problem->cases, i);
}
static inline MoeDatum *moe_problem_row(const MoeProblem *problem, guint i)
{
  return &g_array_index(problem->rows, MoeDatum, i);
}
/* What was published of the case, appended to the rows. */
gboolean moe_rows_add(MoeProblem *problem, guint of, GError **error);
/* A value of a row in units of its metric, from what is said of it. */
double moe_row_value(const MoeDatum *row, double said);

/* One more simulation of a case, at `share` (copied). */
typedef struct {
  guint of;
  double *share;
} MoeShotWish;
/* Simulates all wishes; the shots in their order. NULL and *error when the store or a file fails. Free with
 * moe_shots_free. */
MoeShot *moe_simulate(MoeProblem *problem, const MoeShotWish *wishes, guint n, GError **error);
void moe_shot_clear(MoeShot *shot);
void moe_shots_free(MoeShot *shots, guint n);
/* Shares of a case out of those of all unknowns. Caller frees. */
double *moe_case_shares(const MoeInferCase *c, const double *state);

/* ---- the likelihood ---------------------------------------------------------------------------------------------- */

/* Which rows count, and how far they may be off. */
typedef struct {
  const MoeProblem *problem;
  const gboolean *counts; /* [rows]; NULL = all that are not held out */
  double tightness;       /* > 0: no bias, and every row scatters by this: for the set that meets the rows best */
} MoeLikelihood;

double moe_log_likelihood(const double *state, gconstpointer likelihood);
/* Of the rows that count: the largest |log(published / predicted)| beyond rounding, by the surrogate. */
double moe_worst_row(const MoeLikelihood *likelihood, const double *state);
/* What a row is expected to be off by at a state, and what it scatters by around that. */
void moe_row_error(const MoeProblem *problem, const MoeDatum *row, const double *state, double *bias, double *scatter);
/* Axes of a state behind the shares, when the model's error is unknown: standard normal values of the bias, of the two
 * scatters, and of what each model is off by. */
enum { MOE_AXIS_BIAS, MOE_AXIS_MODEL_SCATTER, MOE_AXIS_RUN_SCATTER, MOE_AXIS_MODEL };
static inline guint moe_problem_normals(const MoeProblem *problem)
{
  return problem->options->noise > 0 ? 0 : MOE_AXIS_MODEL + problem->models->len;
}
MoeSmc moe_problem_smc(const MoeLikelihood *likelihood, guint n_particles);

/* ---- parts of an inference --------------------------------------------------------------------------------------- */

gboolean moe_surrogates_fit(MoeProblem *problem, GError **error);
/* Bits, pairs, quantiles of the unknowns and of the model's error. */
void moe_infer_inform(const MoeProblem *problem, const MoeParticles *particles, MoeInference *inference);
/* The set that meets all rows best, and which rows no set meets. */
gboolean moe_infer_explain(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference, GError **error);
/* Rows: fitted and held out, by simulation of draws. */
gboolean moe_infer_forecast(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference,
                            GError **error);

#endif
