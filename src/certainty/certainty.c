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

void moe_certainty(const MoeResult *result, const double *stepped, guint n, const MoeModelError *model_error,
                   const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  double variance[MOE_N_DOUBTS] = {log_variance(stepped, n), log_variance(model_error->ratio, MOE_N_MODEL_ERRORS)};
  g_autoptr(GArray) steps = products(stepped, n, model_error->ratio, MOE_N_MODEL_ERRORS);

  *certainty = (MoeCertainty){.chance = NAN};
  certainty->step_time_s = quantiles_of(steps);
  certainty->mfu_causal = mfu_of(result->mfu_causal, result->step_time_s, &certainty->step_time_s);
  certainty->mfu_full = mfu_of(result->mfu_full, result->step_time_s, &certainty->step_time_s);
  fill_shares(variance, MOE_N_DOUBTS - 1, certainty->step_share);
  if (!goodput)
    return;
  variance[MOE_DOUBT_FAILURES] = failure_variance(goodput);
  fill_shares(variance, MOE_N_DOUBTS, certainty->wall_share);
  fill_training(steps, goodput, deadline_s, certainty);
}
