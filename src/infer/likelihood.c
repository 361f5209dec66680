/* How likely the rows are at a state, by the surrogates. */
#include <math.h>

#include "internal.h"

void moe_row_error(const MoeProblem *problem, const MoeDatum *row, const double *state, double *bias, double *scatter)
{
  const MoeErrorPrior *prior = &row->prior;
  const double *z = state + problem->keys->len;

  *bias = prior->bias_mean;
  *scatter = exp(prior->log_run_mean);
  if (moe_problem_normals(problem) == 0 || prior->bias_sd == 0)
    return;
  double of_models = exp(prior->log_model_mean + prior->log_model_sd * z[MOE_AXIS_MODEL_SCATTER]);

  *bias += prior->bias_sd * z[MOE_AXIS_BIAS] + of_models * z[MOE_AXIS_MODEL + row->model];
  *scatter *= exp(prior->log_run_sd * z[MOE_AXIS_RUN_SCATTER]);
}

static gboolean counts(const MoeLikelihood *l, guint i)
{
  const MoeDatum *row = moe_problem_row(l->problem, i);

  return row->surrogate && (!l->counts || l->counts[i]);
}

#define LIKELY_TO_FAIL 0.5

static void fill_shares(const MoeInferCase *c, const double *state, double *share)
{
  for (guint i = 0; i < c->n_varied; i++)
    share[i] = state[c->unknown[i]];
}

static double predicted(const MoeProblem *problem, const MoeDatum *row, const double *state)
{
  const MoeInferCase *c = moe_problem_case(problem, row->of);
  double share[MOE_SURROGATE_AXES];

  fill_shares(c, state, share);
  return moe_surrogate_mean(row->surrogate, share);
}

/* Whether the case of a row gives a run at all. */
static gboolean can_run(const MoeProblem *problem, const MoeDatum *row, const double *state)
{
  const MoeInferCase *c = moe_problem_case(problem, row->of);
  double share[MOE_SURROGATE_AXES];

  if (!c->failing)
    return TRUE;
  fill_shares(c, state, share);
  return moe_surrogate_mean(c->failing, share) < LIKELY_TO_FAIL;
}

double moe_log_likelihood(const double *state, gconstpointer data)
{
  const MoeLikelihood *l = data;
  double sum = 0;

  for (guint i = 0; i < l->problem->rows->len; i++) {
    const MoeDatum *row = moe_problem_row(l->problem, i);
    double bias = 0, scatter = l->tightness, known;

    if (!counts(l, i))
      continue;
    if (!can_run(l->problem, row, state))
      return -INFINITY;
    if (l->tightness <= 0)
      moe_row_error(l->problem, row, state, &bias, &scatter);
    known = moe_surrogate_error(row->surrogate);
    double variance = scatter * scatter + row->rounding * row->rounding + known * known;
    double off = row->target - predicted(l->problem, row, state) - bias;
    sum -= 0.5 * (off * off / variance + log(variance));
  }
  return sum;
}

double moe_worst_row(const MoeLikelihood *l, const double *state)
{
  double worst = 0;

  for (guint i = 0; i < l->problem->rows->len; i++)
    if (counts(l, i)) {
      const MoeDatum *row = moe_problem_row(l->problem, i);

      if (!can_run(l->problem, row, state))
        return HUGE_VAL;
      worst = fmax(worst, fabs(row->target - predicted(l->problem, row, state)));
    }
  return worst;
}

MoeSmc moe_problem_smc(const MoeLikelihood *likelihood, guint n_particles)
{
  const MoeInferOptions *options = likelihood->problem->options;

  return (MoeSmc){.n_shares = likelihood->problem->keys->len,
                  .n_normals = moe_problem_normals(likelihood->problem),
                  .n_particles = n_particles,
                  .seed = options->sim.seed,
                  .jobs = options->jobs,
                  .likelihood = moe_log_likelihood,
                  .data = likelihood};
}
