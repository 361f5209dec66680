#include "base/base.h"

/* Four units in the last place of a double: what a handful of multiplications and divisions may be off by. */
#define WHOLE_SLACK (4 * 0x1p-52)
/* 2^63: the first double that does not fit into MoeTime. */
#define TIME_LIMIT 0x1p63

MoeTime moe_time_from_seconds(double seconds)
{
  double ps = seconds * MOE_PS_PER_S;

  if (!(ps > 0))
    return 0;
  if (ps >= TIME_LIMIT)
    return MOE_TIME_MAX;
  MoeTime whole = (MoeTime)ps;
  return ps - (double)whole > ps * WHOLE_SLACK ? whole + 1 : whole;
}

double moe_time_to_seconds(MoeTime time)
{
  return (double)time / MOE_PS_PER_S;
}

MoeTime moe_time_add(MoeTime a, MoeTime b)
{
  g_assert(a >= 0 && b >= 0);
  return a > MOE_TIME_MAX - b ? MOE_TIME_MAX : a + b;
}
