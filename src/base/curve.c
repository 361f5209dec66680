#include "base/base.h"

#include <math.h>

/* Index i >= 1 of the first knot at or right of x, for x0 < x < xn-1. */
static guint upper_knot(const MoeCurve *curve, double x)
{
  guint low = 0;
  guint high = curve->n - 1;

  while (high - low > 1) {
    guint middle = (low + high) / 2;
    if (curve->x[middle] < x)
      low = middle;
    else
      high = middle;
  }
  return high;
}

double moe_curve_at(const MoeCurve *curve, double x)
{
  if (curve->n == 0 || isnan(x))
    return NAN;
  guint last = curve->n - 1;
  if (x <= curve->x[0])
    return curve->y[0];
  if (x >= curve->x[last])
    return curve->y[last];
  guint i = upper_knot(curve, x);
  double x0 = curve->x[i - 1];
  double x1 = curve->x[i];
  if (x == x1)
    return curve->y[i];
  double part = curve->log_x ? log2(x / x0) / log2(x1 / x0) : (x - x0) / (x1 - x0);
  return curve->y[i - 1] + (curve->y[i] - curve->y[i - 1]) * part;
}

const char *moe_curve_check(const MoeCurve *curve)
{
  if (curve->n > MOE_CURVE_MAX)
    return "too many points";
  for (guint i = 0; i < curve->n; i++) {
    if (!isfinite(curve->x[i]))
      return "x not finite";
    if (!isfinite(curve->y[i]))
      return "y not finite";
    if (curve->log_x && curve->x[i] <= 0)
      return "x not positive on a logarithmic axis";
    if (i > 0 && curve->x[i] <= curve->x[i - 1])
      return "x not increasing";
  }
  return NULL;
}
