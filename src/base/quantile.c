/* Quantiles of samples. */
#include "base/base.h"
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
  double left = *(const double *)a, right = *(const double *)b;

  return (left > right) - (left < right);
}

double moe_sorted_quantile(const double *sorted, guint n, double share)
{
  if (n == 0)
    return NAN;
  double place = share * (n - 1);
  guint below = MIN((guint)place, n - 1), above = MIN(below + 1, n - 1);

  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

void moe_sort(double *values, guint n)
{
  qsort(values, n, sizeof *values, by_value);
}

double moe_quantile(double *values, guint n, double share)
{
  moe_sort(values, n);
  return moe_sorted_quantile(values, n, share);
}

MoeQuantiles moe_quantiles(double *values, guint n)
{
  moe_sort(values, n);
  return (MoeQuantiles){moe_sorted_quantile(values, n, 0.1), moe_sorted_quantile(values, n, 0.5),
                        moe_sorted_quantile(values, n, 0.9)};
}
