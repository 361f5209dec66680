/* When a study comes back with what it has. */
#include "study/study.h"

#define MAX_BUDGET_US 4e18 /* longer never ends, and fits beside the clock in 63 bits */

MoeStop moe_stop_after(double budget_s, MoeStopFunc asked, gpointer user_data)
{
  gint64 end_us = budget_s > 0 ? g_get_monotonic_time() + (gint64)MIN(budget_s * G_USEC_PER_SEC, MAX_BUDGET_US) : 0;

  return (MoeStop){end_us, asked, user_data};
}

gboolean moe_stop_is_due(const MoeStop *stop)
{
  if (!stop)
    return FALSE;
  return (stop->asked && stop->asked(stop->user_data)) || (stop->end_us > 0 && g_get_monotonic_time() >= stop->end_us);
}

MoeStop moe_stop_share(const MoeStop *stop, double share)
{
  gint64 now_us = g_get_monotonic_time();
  MoeStop part = stop ? *stop : (MoeStop){0};

  if (part.end_us > now_us)
    part.end_us = now_us + (gint64)(share * (double)(part.end_us - now_us));
  return part;
}
