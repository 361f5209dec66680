/* What the posterior says of each row: learned ones by the surrogate, held-out ones by simulation. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define FORECAST_DRAWS 192 /* of the posterior, that held-out cases are simulated at: P10 then rests on 19 of them */
#define ERROR_PARTS    21  /* equally likely values of what a row scatters by */

/* Quantiles of a logarithm, in units of the metric: of a rate the other way round. */
static MoeQuantiles in_metric(const MoeDatum *row, double *said, guint n)
{
  MoeQuantiles q = moe_quantiles(said, n);
  double low = moe_row_value(row, q.p10), high = moe_row_value(row, q.p90);

  return (MoeQuantiles){fmin(low, high), moe_row_value(row, q.p50), fmax(low, high)};
}

/* ---- learned rows ------------------------------------------------------------------------------------------------ */

static void fit_row(const MoeProblem *problem, const MoeInference *inference, const MoeDatum *row, MoeInferRow *out)
{
  const MoeInferCase *c = moe_problem_case(problem, row->of);
  g_autofree double *said = g_new(double, inference->n_draws + 1);

  for (guint k = 0; k < inference->n_draws; k++) {
    g_autofree double *share = moe_case_shares(c, inference->draws + (gsize)k * inference->n_unknowns);

    said[k] = moe_surrogate_mean(row->surrogate, share);
  }
  out->fitted = in_metric(row, said, inference->n_draws);
}

/* ---- held-out rows ----------------------------------------------------------------------------------------------- */

static const double *draw_of(const MoeParticles *particles, guint k)
{
  return particles->state + (gsize)(k * particles->n / FORECAST_DRAWS) * particles->d;
}

static void forecast_row(const MoeProblem *problem, const MoeParticles *particles, const MoeDatum *row,
                         const MoeShot *shots, MoeInferRow *out)
{
  g_autofree double *said = g_new(double, FORECAST_DRAWS *ERROR_PARTS);
  guint n = 0, below = 0;

  for (guint k = 0; k < FORECAST_DRAWS; k++) {
    double bias, scatter;

    if (shots[k].failure)
      continue;
    moe_row_error(problem, row, draw_of(particles, k), &bias, &scatter);
    scatter = hypot(scatter, row->rounding);
    for (guint e = 0; e < ERROR_PARTS; e++) {
      said[n] = shots[k].said[row->said] + bias + scatter * moe_normal_quantile((e + 0.5) / ERROR_PARTS);
      below += said[n++] < row->target;
    }
  }
  out->rank = n > 0 && isfinite(row->target) ? (double)below / n : NAN;
  out->fitted = in_metric(row, said, n);
}

static MoeShot *simulate_draws(MoeProblem *problem, const MoeParticles *particles, guint of, GError **error)
{
  MoeShotWish wishes[FORECAST_DRAWS];

  for (guint k = 0; k < FORECAST_DRAWS; k++)
    wishes[k] = (MoeShotWish){of, moe_case_shares(moe_problem_case(problem, of), draw_of(particles, k))};
  MoeShot *shots = moe_simulate(problem, wishes, FORECAST_DRAWS, error);
  for (guint k = 0; k < FORECAST_DRAWS; k++)
    g_free(wishes[k].share);
  return shots;
}

static gboolean forecast_case(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference, guint of,
                              GError **error)
{
  MoeShot *shots = simulate_draws(problem, particles, of, error);

  for (guint i = 0; shots && i < problem->rows->len; i++)
    if (moe_problem_row(problem, i)->of == of)
      forecast_row(problem, particles, moe_problem_row(problem, i), shots, &inference->rows[i]);
  moe_shots_free(shots, FORECAST_DRAWS);
  return shots != NULL;
}

/* ---- the best set ------------------------------------------------------------------------------------------------ */

static gboolean add_best(MoeProblem *problem, MoeInference *inference, GError **error)
{
  guint n = problem->cases->len;
  g_autofree MoeShotWish *wishes = g_new0(MoeShotWish, n + 1);

  for (guint i = 0; i < n; i++)
    wishes[i] = (MoeShotWish){i, moe_case_shares(moe_problem_case(problem, i), inference->best)};
  MoeShot *shots = moe_simulate(problem, wishes, n, error);
  for (guint i = 0; i < n; i++)
    g_free(wishes[i].share);
  for (guint i = 0; shots && i < problem->rows->len; i++) {
    const MoeDatum *row = moe_problem_row(problem, i);
    double said = shots[row->of].failure ? NAN : shots[row->of].said[row->said];

    inference->rows[i].best = moe_row_value(row, said);
    inference->rows[i].error = expm1(said - row->target);
  }
  moe_shots_free(shots, n);
  return shots != NULL;
}

gboolean moe_infer_forecast(MoeProblem *problem, const MoeParticles *particles, MoeInference *inference, GError **error)
{
  for (guint i = 0; i < problem->rows->len; i++)
    if (moe_problem_row(problem, i)->surrogate)
      fit_row(problem, inference, moe_problem_row(problem, i), &inference->rows[i]);
  for (guint i = 0; i < problem->cases->len; i++)
    if (moe_problem_case(problem, i)->held_out && !forecast_case(problem, particles, inference, i, error))
      return FALSE;
  return add_best(problem, inference, error);
}
