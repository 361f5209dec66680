/* A Gaussian process over shares. */
#include "surrogate.h"

#include <math.h>
#include <nlopt.h>
#include <string.h>

#include "matrix.h"

/* Logarithms of the weights: where the search starts, its bounds, and the normal prior that keeps axes without effect
 * from wandering. A weight of exp(-2) makes ends of an axis correlate by 0.93, one of exp(4) by nothing. */
#define WEIGHT_START   -2.0
#define WEIGHT_LEAST   -9.0
#define WEIGHT_MOST    4.0
#define WEIGHT_SPREAD  3.0
#define NUGGET_START   -7.0
#define NUGGET_LEAST   -16.0
#define NUGGET_MOST    -1.0
#define MAX_EVALUATION 60
#define PRECISION      1e-3
/* Values that differ by less than this share of their size are one value. */
#define SAME 1e-12

struct MoeSurrogate {
  guint n, d;
  double *x, *y;  /* y in units of `scale`, from `mean` */
  double *log_w;  /* [d + 1], the nugget last */
  double *w;      /* [d], weights */
  double *alpha;  /* R^-1 y */
  guint *choices; /* [d] */
  double mean, scale, error;
};

/* What one evaluation of the likelihood works in. */
typedef struct {
  MoeSurrogate *s;
  double *r, *l, *inverse, *alpha;
} Workspace;

/* ---- covariance -------------------------------------------------------------------------------------------------- */

/* Where in the list a share lies. */
static double place(double share, guint n_choices)
{
  return n_choices > 0 ? floor(fmin(share * n_choices, n_choices - 1)) : share;
}

static double squared(const MoeSurrogate *s, guint j, const double *a, const double *b)
{
  double difference = a[j] - b[j];

  return s->choices[j] > 0 ? (difference != 0) : difference * difference;
}

static double correlation(const MoeSurrogate *s, const double *a, const double *b)
{
  double sum = 0;

  for (guint j = 0; j < s->d; j++)
    sum += s->w[j] * squared(s, j, a, b);
  return exp(-0.5 * sum);
}

static void fill_correlations(const MoeSurrogate *s, double *r)
{
  for (guint i = 0; i < s->n; i++)
    for (guint k = 0; k <= i; k++)
      r[(gsize)i * s->n + k] = r[(gsize)k * s->n + i] =
          correlation(s, s->x + (gsize)i * s->d, s->x + (gsize)k * s->d) + (i == k ? exp(s->log_w[s->d]) : 0);
}

static void take_weights(MoeSurrogate *s, const double *log_w)
{
  memcpy(s->log_w, log_w, sizeof *log_w * (s->d + 1));
  for (guint j = 0; j < s->d; j++)
    s->w[j] = exp(log_w[j]);
}

/* ---- likelihood -------------------------------------------------------------------------------------------------- */

/* Factor of R and R^-1 y. FALSE when R is no covariance. */
static gboolean solve(Workspace *space)
{
  MoeSurrogate *s = space->s;

  fill_correlations(s, space->r);
  memcpy(space->l, space->r, sizeof *space->r * s->n * s->n);
  if (!moe_cholesky(space->l, s->n))
    return FALSE;
  memcpy(space->alpha, s->y, sizeof *s->y * s->n);
  moe_cholesky_solve(space->l, s->n, space->alpha);
  return TRUE;
}

static double variance(const Workspace *space)
{
  double sum = 0;

  for (guint i = 0; i < space->s->n; i++)
    sum += space->alpha[i] * space->s->y[i];
  return sum / space->s->n;
}

/* d(log likelihood) / d(log w_j): 1/2 sum over pairs of (alpha alpha^T / s^2 - R^-1) dR. */
static void fill_gradient(const Workspace *space, double s2, double *gradient)
{
  const MoeSurrogate *s = space->s;
  double nugget = exp(s->log_w[s->d]);

  memset(gradient, 0, sizeof *gradient * (s->d + 1));
  for (guint i = 0; i < s->n; i++) {
    gsize at = (gsize)i * s->n;

    gradient[s->d] += 0.5 * nugget * (space->alpha[i] * space->alpha[i] / s2 - space->inverse[at + i]);
    for (guint k = 0; k < i; k++) {
      double pull = (space->alpha[i] * space->alpha[k] / s2 - space->inverse[at + k]) * space->r[at + k] * -0.5;

      for (guint j = 0; j < s->d; j++)
        gradient[j] += pull * s->w[j] * squared(s, j, s->x + (gsize)i * s->d, s->x + (gsize)k * s->d);
    }
  }
}

/* Minus the logarithm of likelihood and prior, for nlopt. */
static double objective(unsigned n, const double *log_w, double *gradient, void *data)
{
  Workspace *space = data;
  MoeSurrogate *s = space->s;
  double value, s2;

  take_weights(s, log_w);
  if (!solve(space) || (s2 = variance(space)) <= 0)
    return HUGE_VAL;
  value = -0.5 * (s->n * log(s2) + moe_cholesky_log_determinant(space->l, s->n));
  if (gradient) {
    moe_cholesky_invert(space->l, s->n, space->inverse);
    fill_gradient(space, s2, gradient);
  }
  for (unsigned j = 0; j < n; j++) {
    double off = (log_w[j] - (j < s->d ? WEIGHT_START : NUGGET_START)) / WEIGHT_SPREAD;

    value -= 0.5 * off * off;
    if (gradient)
      gradient[j] = -(gradient[j] - off / WEIGHT_SPREAD);
  }
  return -value;
}

static void fit(Workspace *space)
{
  guint d = space->s->d;
  g_autofree double *log_w = g_new(double, d + 1), *low = g_new(double, d + 1), *high = g_new(double, d + 1);
  nlopt_opt optimiser = nlopt_create(NLOPT_LD_LBFGS, d + 1);
  double value;

  for (guint j = 0; j <= d; j++) {
    log_w[j] = j < d ? WEIGHT_START : NUGGET_START;
    low[j] = j < d ? WEIGHT_LEAST : NUGGET_LEAST;
    high[j] = j < d ? WEIGHT_MOST : NUGGET_MOST;
  }
  nlopt_set_lower_bounds(optimiser, low);
  nlopt_set_upper_bounds(optimiser, high);
  nlopt_set_min_objective(optimiser, objective, space);
  nlopt_set_maxeval(optimiser, MAX_EVALUATION);
  nlopt_set_ftol_abs(optimiser, PRECISION);
  nlopt_optimize(optimiser, log_w, &value); /* where it stops is the best that it found, whatever the reason */
  nlopt_destroy(optimiser);
  take_weights(space->s, log_w);
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

static void standardize(MoeSurrogate *s, const double *y)
{
  double sum = 0, squares = 0;

  for (guint i = 0; i < s->n; i++)
    sum += y[i];
  s->mean = sum / s->n;
  for (guint i = 0; i < s->n; i++)
    squares += (y[i] - s->mean) * (y[i] - s->mean);
  s->scale = sqrt(squares / s->n);
  if (s->scale <= SAME * fmax(fabs(s->mean), 1))
    s->scale = 0;
  for (guint i = 0; i < s->n; i++)
    s->y[i] = s->scale > 0 ? (y[i] - s->mean) / s->scale : 0;
}

/* Residual of place i, had it been left out: alpha_i / (R^-1)_ii. */
static double leave_one_out(const Workspace *space)
{
  guint n = space->s->n;
  double squares = 0;

  for (guint i = 0; i < n; i++) {
    double off = space->alpha[i] / space->inverse[(gsize)i * n + i];

    squares += off * off;
  }
  return sqrt(squares / n);
}

static void learn(MoeSurrogate *s)
{
  gsize n = s->n;
  g_autofree double *r = g_new(double, n *n), *l = g_new(double, n *n), *inverse = g_new(double, n *n);
  Workspace space = {s, r, l, inverse, s->alpha};

  fit(&space);
  while (!solve(&space))
    s->log_w[s->d] += 1; /* a larger nugget makes any R a covariance */
  moe_cholesky_invert(space.l, s->n, space.inverse);
  s->error = s->scale * leave_one_out(&space);
}

MoeSurrogate *moe_surrogate_new(const double *x, const double *y, guint n, guint d, const guint *choices)
{
  MoeSurrogate *s = g_new0(MoeSurrogate, 1);

  s->n = n;
  s->d = d;
  s->x = g_new(double, (gsize)n *d + 1);
  s->y = g_new(double, n);
  s->alpha = g_new0(double, n);
  s->w = g_new0(double, d + 1);
  s->log_w = g_new0(double, d + 1);
  s->choices = g_memdup2(choices, sizeof *choices * (d + 1));
  for (gsize i = 0; i < (gsize)n * d; i++)
    s->x[i] = place(x[i], choices[i % d]);
  standardize(s, y);
  if (s->scale > 0 && d > 0)
    learn(s);
  return s;
}

void moe_surrogate_free(MoeSurrogate *s)
{
  if (!s)
    return;
  g_free(s->x);
  g_free(s->y);
  g_free(s->alpha);
  g_free(s->w);
  g_free(s->log_w);
  g_free(s->choices);
  g_free(s);
}

double moe_surrogate_mean(const MoeSurrogate *s, const double *x)
{
  double at[MOE_SURROGATE_AXES], sum = 0;

  if (s->scale <= 0)
    return s->mean;
  for (guint j = 0; j < s->d; j++)
    at[j] = place(x[j], s->choices[j]);
  for (guint i = 0; i < s->n; i++)
    sum += s->alpha[i] * correlation(s, at, s->x + (gsize)i * s->d);
  return s->mean + s->scale * sum;
}

double moe_surrogate_error(const MoeSurrogate *s)
{
  return s->error;
}
