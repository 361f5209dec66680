/* What several reports derive from a prediction. */
#include "losses.h"

#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
  const MoeLoss *left = a;
  const MoeLoss *right = b;

  if (left->seconds != right->seconds)
    return left->seconds < right->seconds ? 1 : -1;
  return (int)left->cause - (int)right->cause;
}

guint moe_losses(const double cause_s[MOE_N_CAUSES], MoeLoss losses[MOE_N_CAUSES])
{
  guint n = 0;
  guint taking = 0;

  for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
    if (cause != MOE_CAUSE_MATH)
      losses[n++] = (MoeLoss){cause, cause_s[cause]};
  qsort(losses, n, sizeof *losses, by_size);
  while (taking < n && losses[taking].seconds > 0)
    taking++;
  return taking;
}

char *moe_label_of(const char *run, const char *variant, gboolean rumour, gboolean announced)
{
  const char *mark = rumour && announced ? " [rumour, announced]"
                     : rumour            ? " [rumour]"
                     : announced         ? " [announced]"
                                         : "";

  if (variant && *variant)
    return g_strdup_printf("%s (%s)%s", run, variant, mark);
  return g_strconcat(run, mark, NULL);
}

char *moe_result_label(const MoeResult *result)
{
  return moe_label_of(result->run, result->variant, result->rumour, result->announced);
}

double moe_result_mfu_as_published(const MoeResult *result)
{
  return result->published.full_convention ? result->mfu_full : result->mfu_causal;
}

double moe_result_published_mfu(const MoeResult *result)
{
  if (!result->published.present)
    return 0;
  if (result->published.mfu > 0)
    return result->published.mfu;
  if (result->published.step_time_s > 0)
    return moe_result_mfu_as_published(result) * result->step_time_s / result->published.step_time_s;
  return 0;
}
