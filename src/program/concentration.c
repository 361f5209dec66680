/* Expert loads by concentration: logarithms are normal about a common part, which remembers earlier steps, and a part
 * of each rack and micro-batch. */
#include "internal.h"

#include <math.h>

#define MOST_SPREAD    20   /* standard deviation of the logarithm at which one expert has everything */
#define BISECTIONS     60   /* halvings of that until doubles differ no more */
#define FORGOTTEN      0.01 /* correlation with a step so far back that the steps before need not be drawn */
#define UNITS_PER_MEAN 64   /* counts are whole multiples of such a part of the mean expert's rows */

/* The fullest of n loads over their mean, at the loads that n draws have on average (Blom's scores, as
 * moe_normal_expected_maximum). */
static double fullest_at(double spread, const double *scores, int64_t n)
{
  double sum = 0;

  for (int64_t i = 0; i < n; i++)
    sum += exp(spread * (scores[i] - scores[n - 1]));
  return (double)n / sum;
}

double moe_concentration_spread(const MoeConcentration *concentration)
{
  int64_t n = concentration->experts;
  g_autofree double *scores = g_new(double, n);
  double low = 0, high = MOST_SPREAD;

  for (int64_t i = 0; i < n; i++)
    scores[i] = moe_normal_quantile(((double)i + 0.625) / ((double)n + 0.25));
  for (int i = 0; i < BISECTIONS; i++) {
    double middle = (low + high) / 2;

    if (fullest_at(middle, scores, n) < concentration->fullest)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

/* First of the steps whose common parts are drawn for `step`: what is older is forgotten. */
static uint64_t first_remembered(double memory, uint64_t step)
{
  double reach = memory > 0 ? ceil(log(FORGOTTEN) / log(memory)) : 0;

  return (double)step > reach ? step - (uint64_t)reach : 0;
}

/* Common parts of one layer's experts: of the first step at random, then each as far as memory reaches as before. */
static void draw_common(const MoeConcentrationDraw *draw, double *values)
{
  double memory = draw->law->memory, fresh = sqrt(1 - memory * memory);
  uint64_t stream = moe_random_stream("expert-popularity"), origin = draw->seed - draw->step;
  uint64_t first = first_remembered(memory, draw->step);

  for (int64_t e = 0; e < draw->experts; e++) {
    double value = 0;

    for (uint64_t step = first; step <= draw->step; step++) {
      double now =
          moe_random_normal(origin, stream, (uint64_t)draw->layer, step * (uint64_t)draw->experts + (uint64_t)e);

      value = step == first ? now : memory * value + fresh * now;
    }
    values[e] = value;
  }
}

/* Whole counts, in parts of the mean, whose sum is exact: each begins where the ones before it end. */
static void round_to_counts(double *weights, int64_t n)
{
  double sum = 0, before = 0, up_to = 0, total = (double)n * UNITS_PER_MEAN;

  for (int64_t e = 0; e < n; e++)
    sum += weights[e];
  for (int64_t e = 0; e < n; e++) {
    double end;

    up_to += weights[e];
    end = round(up_to / sum * total);
    weights[e] = end - before;
    before = end;
  }
}

void moe_concentration_draw(const MoeConcentrationDraw *draw, double *weights)
{
  double common = sqrt(draw->law->shared), own = sqrt(1 - draw->law->shared);
  uint64_t stream = moe_random_stream("expert-micro-batch");

  draw_common(draw, weights);
  for (int64_t e = 0; e < draw->experts; e++) {
    double alone = moe_random_normal(draw->seed, stream, (uint64_t)draw->layer,
                                     (uint64_t)draw->index * (uint64_t)draw->experts + (uint64_t)e);

    weights[e] = exp(draw->spread * (common * weights[e] + own * alone));
  }
  round_to_counts(weights, draw->experts);
}
