/* Shapley values of causes from the values of their subsets. */
#include "base/base.h"
#include "internal.h"

#include <math.h>

#define MAX_CAUSES 31 /* bits of a subset */

/* ---- all orders ------------------------------------------------------------------------------------------------- */

static double factorial(guint n)
{
  double product = 1;

  for (guint i = 2; i <= n; i++)
    product *= i;
  return product;
}

/* A cause joins a subset of s others in s! (n - s - 1)! of the n! orders. */
static void exact_shares(guint n, const double *value, double *share)
{
  for (guint i = 0; i < n; i++) {
    share[i] = 0;
    for (guint subset = 0; subset < 1u << n; subset++) {
      guint s = (guint)__builtin_popcount(subset);

      if (!(subset & 1u << i))
        share[i] += factorial(s) * factorial(n - s - 1) / factorial(n) * (value[subset] - value[subset | 1u << i]);
    }
  }
}

/* ---- sampled orders --------------------------------------------------------------------------------------------- */

/* The causes in the order of random keys. */
static void draw_order(guint n, uint64_t seed, guint pair, guint *order)
{
  uint64_t stream = moe_random_stream("explain-orders");

  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n; i > 1; i--) {
    guint other = (guint)(moe_random_unit(seed, stream, pair, i) * i);
    guint kept = order[i - 1];

    order[i - 1] = order[other];
    order[other] = kept;
  }
}

static void mark_order(guint n, const guint *order, gboolean backwards, gboolean *needed)
{
  guint subset = 0;

  needed[0] = TRUE;
  for (guint i = 0; i < n; i++) {
    subset |= 1u << order[backwards ? n - 1 - i : i];
    needed[subset] = TRUE;
  }
}

void moe_shares_mark(guint n, guint orders, uint64_t seed, gboolean *needed)
{
  guint order[MAX_CAUSES];

  g_assert(n <= MAX_CAUSES);
  for (guint pair = 0; pair < (orders + 1) / 2; pair++) {
    draw_order(n, seed, pair, order);
    mark_order(n, order, FALSE, needed);
    mark_order(n, order, TRUE, needed);
  }
}

/* Adds half the gain of each cause along the order: an order and its reverse make one draw. */
static void add_order(guint n, const guint *order, gboolean backwards, const double *value, double *draw)
{
  guint subset = 0;

  for (guint i = 0; i < n; i++) {
    guint cause = order[backwards ? n - 1 - i : i];

    draw[cause] += (value[subset] - value[subset | 1u << cause]) / 2;
    subset |= 1u << cause;
  }
}

static void sampled_shares(guint n, guint pairs, uint64_t seed, const double *value, double *share, double *error)
{
  double sum[MAX_CAUSES] = {0}, squares[MAX_CAUSES] = {0};
  guint order[MAX_CAUSES];

  for (guint pair = 0; pair < pairs; pair++) {
    double draw[MAX_CAUSES] = {0};

    draw_order(n, seed, pair, order);
    add_order(n, order, FALSE, value, draw);
    add_order(n, order, TRUE, value, draw);
    for (guint i = 0; i < n; i++) {
      sum[i] += draw[i];
      squares[i] += draw[i] * draw[i];
    }
  }
  for (guint i = 0; i < n; i++) {
    share[i] = sum[i] / pairs;
    double variance = pairs > 1 ? MAX(squares[i] - sum[i] * share[i], 0) / (pairs - 1) : 0;
    error[i] = sqrt(variance / pairs);
  }
}

void moe_shares(guint n, guint orders, uint64_t seed, const double *value, double *share, double *error)
{
  for (guint i = 0; i < n; i++)
    error[i] = 0;
  if (orders == 0)
    exact_shares(n, value, share);
  else
    sampled_shares(n, (orders + 1) / 2, seed, value, share, error);
}
