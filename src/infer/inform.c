/* What the rows say: of each unknown, of pairs, of the model itself. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define BINS         10   /* of a range, for its entropy */
#define PAIR_BINS    4    /* of a range beside another */
#define PRIOR_DRAWS  4000 /* that a row alone is weighed by */
#define MOST_PAIRS   10
#define LEAST_BITS   0.02 /* of a pair: what chance leaves of so many draws */
#define LEAST_WEIGHT 1e-300

/* ---- entropy ----------------------------------------------------------------------------------------------------- */

/* Relative entropy in bits of weights in equally likely bins, less what `effective` draws have of it by chance (Miller
 * 1955). */
static double bits_of(const double *weight, guint n_bins, double effective)
{
  double sum = 0, total = 0;

  for (guint b = 0; b < n_bins; b++)
    total += weight[b];
  for (guint b = 0; b < n_bins; b++)
    if (weight[b] > 0)
      sum += weight[b] / total * log2(weight[b] / total * n_bins);
  return fmax(0, sum - (n_bins - 1) / (2 * effective * G_LN2));
}

static guint bin_of(double share, guint n_bins)
{
  return MIN((guint)(fmax(share, 0) * n_bins), n_bins - 1);
}

static guint bins_of(const MoeProblem *problem, guint unknown, guint of_range)
{
  guint n_values = moe_problem_varied(problem, unknown)->assumption->n_values;

  return n_values > 0 ? n_values : of_range;
}

/* Weights of the bins of axis j; weight NULL: all alike. Returns the effective number of draws. */
static double fill_bins(const double *state, guint n, guint d, guint j, const double *weight, guint n_bins, double *bin)
{
  double total = 0, squares = 0;

  memset(bin, 0, sizeof *bin * n_bins);
  for (guint k = 0; k < n; k++) {
    double w = weight ? weight[k] : 1;

    bin[bin_of(state[(gsize)k * d + j], n_bins)] += w;
    total += w;
    squares += w * w;
  }
  return total * total / fmax(squares, LEAST_WEIGHT);
}

static double axis_bits(const MoeProblem *problem, const MoeParticles *p, guint j, const double *weight)
{
  guint n_bins = bins_of(problem, j, BINS);
  g_autofree double *bin = g_new0(double, n_bins);
  double effective = fill_bins(p->state, p->n, p->d, j, weight, n_bins, bin);

  return bits_of(bin, n_bins, effective);
}

/* ---- unknowns ---------------------------------------------------------------------------------------------------- */

static MoeQuantiles share_quantiles(const MoeParticles *p, guint j)
{
  g_autofree double *share = g_new(double, p->n);

  for (guint k = 0; k < p->n; k++)
    share[k] = p->state[(gsize)k * p->d + j];
  return moe_quantiles(share, p->n);
}

static void fill_values(const MoeVaried *varied, const MoeParticles *p, guint j, MoeUnknown *unknown)
{
  guint n = varied->assumption->n_values;

  unknown->n_values = n;
  unknown->value = g_new0(char *, n + 1);
  unknown->before_weight = g_new0(double, n + 1);
  unknown->after_weight = g_new0(double, n + 1);
  if (n == 0)
    return;
  fill_bins(p->state, p->n, p->d, j, NULL, n, unknown->after_weight);
  for (guint v = 0; v < n; v++) {
    unknown->value[v] = g_strdup(varied->assumption->values[v]);
    unknown->before_weight[v] = 1.0 / n;
    unknown->after_weight[v] /= p->n;
  }
}

static void fill_unknown(const MoeProblem *problem, const MoeParticles *p, guint j, MoeUnknown *unknown)
{
  const MoeVaried *varied = moe_problem_varied(problem, j);
  MoeQuantiles after = share_quantiles(p, j);

  unknown->key = g_strdup(g_ptr_array_index(problem->keys, j));
  unknown->why = g_strdup(varied->assumption->why);
  unknown->dimension = varied->assumption->dimension;
  unknown->before =
      (MoeQuantiles){moe_varied_value(varied, 0.1), moe_varied_value(varied, 0.5), moe_varied_value(varied, 0.9)};
  unknown->after = (MoeQuantiles){moe_varied_value(varied, after.p10), moe_varied_value(varied, after.p50),
                                  moe_varied_value(varied, after.p90)};
  unknown->row_bits = g_new0(double, problem->rows->len + 1);
  unknown->bits = axis_bits(problem, p, j, NULL);
  fill_values(varied, p, j, unknown);
}

/* ---- which row informs which unknown ----------------------------------------------------------------------------- */

/* The row alone, as weights of draws of the prior. */
static double *weigh(const MoeProblem *problem, const MoeParticles *prior, guint i)
{
  g_autofree gboolean *counts = g_new0(gboolean, problem->rows->len + 1);
  MoeLikelihood alone = {.problem = problem, .counts = counts};
  double *weight = g_new(double, prior->n), most = -INFINITY;

  counts[i] = TRUE;
  for (guint k = 0; k < prior->n; k++) {
    weight[k] = moe_log_likelihood(prior->state + (gsize)k * prior->d, &alone);
    most = fmax(most, weight[k]);
  }
  for (guint k = 0; k < prior->n; k++)
    weight[k] = exp(weight[k] - most);
  return weight;
}

/* What it says of the model's bias and scatter: axes that are normal, divided at their quantiles. */
static double model_bits(const MoeProblem *problem, const MoeParticles *prior, const double *weight)
{
  double most = 0;

  for (guint j = problem->keys->len; j < prior->d; j++) {
    double bin[BINS] = {0}, total = 0, squares = 0;

    for (guint k = 0; k < prior->n; k++) {
      double share = 0.5 * erfc(-prior->state[(gsize)k * prior->d + j] / G_SQRT2);

      bin[bin_of(share, BINS)] += weight[k];
      total += weight[k];
      squares += weight[k] * weight[k];
    }
    most = fmax(most, bits_of(bin, BINS, total * total / fmax(squares, LEAST_WEIGHT)));
  }
  return most;
}

typedef struct {
  const MoeProblem *problem;
  const MoeParticles *prior;
  MoeInference *inference;
} Telling;

static MoeOutcome tell_row(guint i, gpointer user_data)
{
  const Telling *telling = user_data;
  const MoeProblem *problem = telling->problem;

  if (!moe_problem_row(problem, i)->surrogate)
    return (MoeOutcome){0};
  g_autofree double *weight = weigh(problem, telling->prior, i);
  for (guint j = 0; j < problem->keys->len; j++)
    telling->inference->unknowns[j].row_bits[i] = axis_bits(problem, telling->prior, j, weight);
  telling->inference->rows[i].model_bits = model_bits(problem, telling->prior, weight);
  return (MoeOutcome){0};
}

static gboolean is_axis_of(const MoeProblem *problem, guint i, guint j)
{
  const MoeInferCase *c = moe_problem_case(problem, moe_problem_row(problem, i)->of);

  for (guint v = 0; v < c->n_varied; v++)
    if (c->unknown[v] == j)
      return TRUE;
  return FALSE;
}

/* What chance says of an unknown that a row's run does not have is nothing. */
static void tell(const MoeProblem *problem, MoeInference *inference)
{
  MoeLikelihood none = {.problem = problem};
  MoeSmc smc = moe_problem_smc(&none, PRIOR_DRAWS);
  g_autoptr(MoeParticles) prior = moe_smc_prior(&smc);
  Telling telling = {problem, prior, inference};

  moe_outcomes_free(moe_study_map(problem->rows->len, problem->options->jobs, tell_row, &telling, NULL, NULL),
                    problem->rows->len);
  for (guint i = 0; i < problem->rows->len; i++)
    for (guint j = 0; j < problem->keys->len; j++)
      if (!is_axis_of(problem, i, j))
        inference->unknowns[j].row_bits[i] = 0;
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static double correlation(const MoeParticles *p, guint a, guint b)
{
  double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = p->n;

  for (guint k = 0; k < p->n; k++) {
    double x = p->state[(gsize)k * p->d + a], y = p->state[(gsize)k * p->d + b];

    sx += x;
    sy += y;
    sxx += x * x;
    syy += y * y;
    sxy += x * y;
  }
  return (n * sxy - sx * sy) / sqrt(fmax((n * sxx - sx * sx) * (n * syy - sy * sy), LEAST_WEIGHT));
}

/* Mutual information in bits, less what chance leaves. */
static double shared_bits(const MoeProblem *problem, const MoeParticles *p, guint a, guint b)
{
  guint n_a = bins_of(problem, a, PAIR_BINS), n_b = bins_of(problem, b, PAIR_BINS);
  g_autofree double *joint = g_new0(double, n_a *n_b), *of_a = g_new0(double, n_a), *of_b = g_new0(double, n_b);
  double sum = 0, n = p->n;

  for (guint k = 0; k < p->n; k++) {
    guint i = bin_of(p->state[(gsize)k * p->d + a], n_a), j = bin_of(p->state[(gsize)k * p->d + b], n_b);

    joint[i * n_b + j] += 1 / n;
    of_a[i] += 1 / n;
    of_b[j] += 1 / n;
  }
  for (guint i = 0; i < n_a; i++)
    for (guint j = 0; j < n_b; j++)
      if (joint[i * n_b + j] > 0)
        sum += joint[i * n_b + j] * log2(joint[i * n_b + j] / (of_a[i] * of_b[j]));
  return sum - (n_a - 1.0) * (n_b - 1.0) / (2 * n * G_LN2);
}

static int by_bits(const void *a, const void *b)
{
  const MoeUnknownPair *x = a, *y = b;

  if (x->bits != y->bits)
    return x->bits < y->bits ? 1 : -1;
  return x->a != y->a ? (x->a > y->a) - (x->a < y->a) : (x->b > y->b) - (x->b < y->b);
}

static void find_pairs(const MoeProblem *problem, const MoeParticles *p, MoeInference *inference)
{
  GArray *pairs = g_array_new(FALSE, FALSE, sizeof(MoeUnknownPair));

  for (guint a = 0; a < problem->keys->len; a++)
    for (guint b = a + 1; b < problem->keys->len; b++) {
      MoeUnknownPair pair = {a, b, shared_bits(problem, p, a, b), correlation(p, a, b)};

      if (pair.bits >= LEAST_BITS)
        g_array_append_val(pairs, pair);
    }
  g_array_sort(pairs, by_bits);
  inference->n_pairs = MIN(pairs->len, MOST_PAIRS);
  inference->pairs = (MoeUnknownPair *)(gpointer)g_array_free(pairs, FALSE);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

/* Quantiles of a normal prior, or of draws of the posterior. */
static MoeQuantiles normal_quantiles(double mean, double sd)
{
  return (MoeQuantiles){mean + sd * moe_normal_quantile(0.1), mean, mean + sd * moe_normal_quantile(0.9)};
}

static MoeQuantiles quantiles_of(const double *values, guint n)
{
  g_autofree double *copy = g_memdup2(values, sizeof *values * n);

  return moe_quantiles(copy, n);
}

static MoeQuantiles exponential(MoeQuantiles q)
{
  return (MoeQuantiles){exp(q.p10), exp(q.p50), exp(q.p90)};
}

static void tell_error(const MoeProblem *problem, MoeInference *inference)
{
  const MoeErrorPrior *prior = &moe_problem_row(problem, 0)->prior;
  gboolean unknown = moe_problem_normals(problem) > 0;

  inference->bias_before = normal_quantiles(prior->bias_mean, prior->bias_sd);
  if (unknown)
    inference->model_scatter_before = exponential(normal_quantiles(prior->log_model_mean, prior->log_model_sd));
  inference->run_scatter_before = exponential(normal_quantiles(prior->log_run_mean, prior->log_run_sd));
  inference->bias_after = quantiles_of(inference->bias, inference->n_draws);
  inference->model_scatter_after = quantiles_of(inference->model_scatter, inference->n_draws);
  inference->run_scatter_after = quantiles_of(inference->run_scatter, inference->n_draws);
}

static void fill_row(const MoeProblem *problem, guint i, MoeInferRow *out)
{
  const MoeDatum *row = moe_problem_row(problem, i);
  const MoeInferCase *c = moe_problem_case(problem, row->of);

  *out = (MoeInferRow){.name = g_strdup(c->name),
                       .metric = g_strdup(row->metric),
                       .published = row->published,
                       .rank = NAN,
                       .held_out = c->held_out,
                       .rate = row->rate,
                       .surrogate_error = row->surrogate ? moe_surrogate_error(row->surrogate) : NAN};
}

void moe_infer_inform(const MoeProblem *problem, const MoeParticles *particles, MoeInference *inference)
{
  inference->n_unknowns = problem->keys->len;
  inference->unknowns = g_new0(MoeUnknown, inference->n_unknowns + 1);
  inference->rows = g_new0(MoeInferRow, problem->rows->len + 1);
  for (guint i = 0; i < problem->rows->len; i++) {
    fill_row(problem, i, &inference->rows[i]);
    inference->n_held_out += inference->rows[i].held_out;
  }
  inference->n_rows = problem->rows->len - inference->n_held_out;
  for (guint j = 0; j < inference->n_unknowns; j++)
    fill_unknown(problem, particles, j, &inference->unknowns[j]);
  tell(problem, inference);
  find_pairs(problem, particles, inference);
  tell_error(problem, inference);
}
