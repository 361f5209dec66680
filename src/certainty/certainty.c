/* Assumptions, model error and failures as one interval. */
#include "certainty/certainty.h"
#include "base/base.h"
#include "goodput/model.h"

#include <math.h>
#include <string.h>

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

/* ---- combinations and the model's error -------------------------------------------------------------------------- */

/* A member of every combination, by its offset. Caller frees. */
static double *members(const MoeCombinations *c, size_t offset)
{
  double *values = g_new(double, c->n);

  for (guint i = 0; i < c->n; i++)
    values[i] = G_STRUCT_MEMBER(double, &c->gives[i], offset);
  return values;
}
#define MEMBERS(c, member) members(c, G_STRUCT_OFFSET(MoeCombination, member))

/* Time of each combination for as many tokens as a step of the run has. Caller frees. */
static double *times_of_work(const MoeCombinations *c, double tokens)
{
  double *times_s = MEMBERS(c, step_time_s);

  for (guint i = 0; i < c->n; i++)
    if (tokens > 0 && c->gives[i].tokens_per_step > 0)
      times_s[i] *= tokens / c->gives[i].tokens_per_step;
  return times_s;
}

/* Published over predicted step time of every combination, at MOE_N_MODEL_ERRORS equally likely values: rows of those.
 * Caller frees. */
static double *step_errors(const MoeCombinations *c, const MoeModelError *error)
{
  double *ratio = g_new(double, (gsize)c->n *MOE_N_MODEL_ERRORS);

  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++) {
    double z = moe_normal_quantile((k + 0.5) / MOE_N_MODEL_ERRORS);

    for (guint i = 0; i < c->n; i++)
      ratio[(gsize)i * MOE_N_MODEL_ERRORS + k] =
          c->error_bias ? exp(c->error_bias[i] + c->error_scatter[i] * z) : error->ratio[k];
  }
  return ratio;
}

/* The same of peaks of memory. */
static double *memory_errors(const MoeCombinations *c, const MoeModelError *error)
{
  double *ratio = g_new(double, (gsize)c->n *MOE_N_MODEL_ERRORS);

  for (guint i = 0; i < c->n; i++)
    memcpy(&ratio[(gsize)i * MOE_N_MODEL_ERRORS], error->memory_ratio, sizeof error->memory_ratio);
  return ratio;
}

typedef enum { GROWS, FALLS } Sense; /* with the ratio */

/* A value of each of `n` combinations at every one of its errors. */
static GArray *doubtful(const double *values, guint n, const double *ratio, Sense sense)
{
  GArray *all = g_array_sized_new(FALSE, FALSE, sizeof(double), n * MOE_N_MODEL_ERRORS);

  for (guint i = 0; i < n * MOE_N_MODEL_ERRORS; i++) {
    double of = values[i / MOE_N_MODEL_ERRORS], value = sense == GROWS ? of * ratio[i] : of / ratio[i];

    g_array_append_val(all, value);
  }
  return all;
}

static MoeQuantiles interval_of(const double *values, guint n, const double *ratio, Sense sense)
{
  g_autoptr(GArray) all = doubtful(values, n, ratio, sense);

  return moe_quantiles((double *)(gpointer)all->data, all->len);
}

/* ---- trainings --------------------------------------------------------------------------------------------------- */

/* `works` are times of a step's work, at everything that is not known. */
static void fill_training(const GArray *works, const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  guint n = goodput->n_samples, in_time = 0;
  double ideal_of_step = (double)goodput->model->steps;
  g_autoptr(GArray) walls = g_array_sized_new(FALSE, FALSE, sizeof(double), works->len * n);

  for (guint w = 0; w < works->len; w++)
    for (guint i = 0; i < n; i++) {
      double factor = ideal_of_step * goodput->samples[i].wall_s / goodput->samples[i].ideal_s;
      double wall_s = g_array_index(works, double, w) * factor;

      g_array_append_val(walls, wall_s);
    }
  certainty->wall_s = moe_quantiles((double *)(gpointer)walls->data, walls->len);
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

static double model_variance(const MoeCombinations *c, const MoeModelError *error)
{
  return c->error_bias ? error_variance(c) : log_variance(error->ratio, MOE_N_MODEL_ERRORS);
}

/* ---- the interval ------------------------------------------------------------------------------------------------ */

static void fill_step(const MoeCombinations *c, const MoeModelError *error, const double *ratio,
                      MoeCertainty *certainty)
{
  g_autofree double *step_s = MEMBERS(c, step_time_s), *causal = MEMBERS(c, mfu_causal), *full = MEMBERS(c, mfu_full);
  double variance[MOE_N_DOUBTS] = {log_variance(step_s, c->n), model_variance(c, error)};

  fill_shares(variance, MOE_N_DOUBTS - 1, certainty->step_share);
  certainty->step_time_s = interval_of(step_s, c->n, ratio, GROWS);
  certainty->mfu_causal = interval_of(causal, c->n, ratio, FALLS);
  certainty->mfu_full = interval_of(full, c->n, ratio, FALLS);
}

static void fill_memory(const MoeCombinations *c, const MoeModelError *error, MoeCertainty *certainty)
{
  g_autofree double *peak_bytes = MEMBERS(c, peak_bytes), *ratio = memory_errors(c, error);
  double variance[MOE_N_DOUBTS] = {log_variance(peak_bytes, c->n),
                                   log_variance(error->memory_ratio, MOE_N_MODEL_ERRORS)};

  fill_shares(variance, MOE_N_DOUBTS - 1, certainty->memory_share);
  certainty->peak_bytes = interval_of(peak_bytes, c->n, ratio, GROWS);
}

void moe_certainty(const MoeResult *result, const MoeCombinations *combinations, const MoeModelError *model_error,
                   const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  const MoeCombinations *c = combinations;
  g_autofree double *ratio = step_errors(c, model_error);

  *certainty = (MoeCertainty){.chance = NAN, .learned = c->error_bias != NULL};
  fill_step(c, model_error, ratio, certainty);
  fill_memory(c, model_error, certainty);
  if (!goodput)
    return;
  g_autofree double *work_s = times_of_work(c, result->tokens_per_step);
  g_autoptr(GArray) works = doubtful(work_s, c->n, ratio, GROWS);
  double variance[MOE_N_DOUBTS] = {log_variance(work_s, c->n), model_variance(c, model_error),
                                   failure_variance(goodput)};

  fill_shares(variance, MOE_N_DOUBTS, certainty->wall_share);
  fill_training(works, goodput, deadline_s, certainty);
}

void moe_certainty_of(const MoeResult *result, const MoeSensitivity *s, const MoeModelError *model_error,
                      const MoeGoodput *goodput, double deadline_s, MoeCertainty *certainty)
{
  MoeCombination stated;
  MoeCombinations one = {.n = 1, .gives = &stated}, all = {0};

  moe_combination_of(result, &stated);
  if (s)
    all = (MoeCombinations){s->n_samples - s->n_failed, s->combinations, s->error_bias, s->error_scatter};
  moe_certainty(result, all.n > 0 ? &all : &one, model_error, goodput, deadline_s, certainty);
}
