/* Assumptions, model error and failures as one interval. */
#include "certainty/certainty.h"
#include "base/base.h"
#include "goodput/model.h"

#include <math.h>
#include <stdlib.h>

const char *const moe_doubt_words[] = {"assumptions", "model_error", "failures", NULL};

static double log_variance(const double *values, guint n)
{
  double sum = 0, squares = 0;

  for (guint i = 0; i < n; i++) {
    double l = log(values[i]);

    sum += l;
    squares += l * l;
  }
  return n > 1 ? MAX(squares / n - (sum / n) * (sum / n), 0) : 0;
}

static void fill_shares(const double *variance, guint n, double *share)
{
  double sum = 0;

  for (guint d = 0; d < n; d++)
    sum += variance[d];
  for (guint d = 0; d < n; d++)
    share[d] = sum > 0 ? variance[d] / sum : 0;
}

/* Every product of a value of each. */
static GArray *products(const double *a, guint n_a, const double *b, guint n_b)
{
  GArray *all = g_array_sized_new(FALSE, FALSE, sizeof(double), n_a * n_b);

  for (guint i = 0; i < n_a; i++)
    for (guint j = 0; j < n_b; j++) {
      double product = a[i] * b[j];

      g_array_append_val(all, product);
    }
  return all;
}

static MoeQuantiles quantiles_of(GArray *values)
{
  return moe_quantiles((double *)(gpointer)values->data, values->len);
}

/* A longer step is a lower MFU. */
static MoeQuantiles mfu_of(double mfu, double step_s, const MoeQuantiles *step)
{
  return (MoeQuantiles){mfu * step_s / step->p90, mfu * step_s / step->p50, mfu * step_s / step->p10};
}

static void fill_training(const GArray *steps, const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  guint n = goodput->n_samples, in_time = 0;
  double ideal_of_step = (double)goodput->model->steps;
  g_autofree double *factor = g_new(double, n);

  for (guint i = 0; i < n; i++)
    factor[i] = ideal_of_step * goodput->samples[i].wall_s / goodput->samples[i].ideal_s;
  g_autoptr(GArray) walls = products((const double *)(gconstpointer)steps->data, steps->len, factor, n);
  certainty->wall_s = quantiles_of(walls);
  for (guint i = 0; i < walls->len; i++)
    in_time += g_array_index(walls, double, i) <= deadline_s;
  certainty->chance = deadline_s > 0 ? (double)in_time / walls->len : NAN;
}

static double failure_variance(const MoeGoodput *goodput)
{
  g_autofree double *wall = g_new(double, goodput->n_samples);

  for (guint i = 0; i < goodput->n_samples; i++)
    wall[i] = goodput->samples[i].wall_s;
  return log_variance(wall, goodput->n_samples);
}

/* Every combination at equally likely values of its own error. */
static GArray *with_errors(const MoeCombinations *c)
{
  GArray *all = g_array_sized_new(FALSE, FALSE, sizeof(double), c->n * MOE_N_MODEL_ERRORS);

  for (guint i = 0; i < c->n; i++)
    for (guint j = 0; j < MOE_N_MODEL_ERRORS; j++) {
      double z = moe_normal_quantile((j + 0.5) / MOE_N_MODEL_ERRORS);
      double step_s = c->step_s[i] * exp(c->error_bias[i] + c->error_scatter[i] * z);

      g_array_append_val(all, step_s);
    }
  return all;
}

/* Variance of the logarithm that errors by a posterior add. */
static double error_variance(const MoeCombinations *c)
{
  double scatter = 0;
  g_autofree double *bias = g_new(double, c->n);

  for (guint i = 0; i < c->n; i++) {
    scatter += c->error_scatter[i] * c->error_scatter[i] / c->n;
    bias[i] = exp(c->error_bias[i]);
  }
  return scatter + log_variance(bias, c->n);
}

/* Steps at all that is not known; variances of the logarithm by what makes them. */
static GArray *doubtful_steps(const MoeCombinations *c, const MoeModelError *error, double *variance)
{
  variance[MOE_DOUBT_ASSUMPTIONS] = log_variance(c->step_s, c->n);
  variance[MOE_DOUBT_MODEL] = c->error_bias ? error_variance(c) : log_variance(error->ratio, MOE_N_MODEL_ERRORS);
  return c->error_bias ? with_errors(c) : products(c->step_s, c->n, error->ratio, MOE_N_MODEL_ERRORS);
}

static void fill_memory(const MoeCombinations *c, const MoeModelError *error, MoeCertainty *certainty)
{
  double variance[MOE_N_DOUBTS] = {log_variance(c->peak_bytes, c->n),
                                   log_variance(error->memory_ratio, MOE_N_MODEL_ERRORS)};
  g_autoptr(GArray) all = products(c->peak_bytes, c->n, error->memory_ratio, MOE_N_MODEL_ERRORS);

  fill_shares(variance, MOE_N_DOUBTS - 1, certainty->memory_share);
  certainty->peak_bytes = quantiles_of(all);
}

void moe_certainty(const MoeResult *result, const MoeCombinations *combinations, const MoeModelError *model_error,
                   const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  double variance[MOE_N_DOUBTS] = {0};
  g_autoptr(GArray) steps = doubtful_steps(combinations, model_error, variance);

  *certainty = (MoeCertainty){.chance = NAN};
  fill_shares(variance, MOE_N_DOUBTS - 1, certainty->step_share);
  certainty->step_time_s = quantiles_of(steps);
  certainty->mfu_causal = mfu_of(result->mfu_causal, result->step_time_s, &certainty->step_time_s);
  certainty->mfu_full = mfu_of(result->mfu_full, result->step_time_s, &certainty->step_time_s);
  fill_memory(combinations, model_error, certainty);
  if (!goodput)
    return;
  variance[MOE_DOUBT_FAILURES] = failure_variance(goodput);
  fill_shares(variance, MOE_N_DOUBTS, certainty->wall_share);
  fill_training(steps, goodput, deadline_s, certainty);
}

void moe_certainty_of(const MoeResult *result, const MoeSensitivity *s, const MoeModelError *model_error,
                      const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  MoeCombinations one = {.n = 1, .step_s = &result->step_time_s, .peak_bytes = &result->memory.peak_bytes};
  MoeCombinations all = {0};

  if (s)
    all = (MoeCombinations){s->n_samples - s->n_failed, s->stepped_s, s->peaked_bytes, s->error_bias, s->error_scatter};

  moe_certainty(result, all.n > 0 ? &all : &one, model_error, goodput, deadline_s, certainty);
}
