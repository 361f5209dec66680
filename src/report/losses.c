/* What several reports derive from a prediction. */
#include "report/losses.h"

#include <math.h>
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

static int by_share(const void *a, const void *b)
{
  const MoeLossShare *left = a, *right = b;

  if (left->share_s != right->share_s)
    return left->share_s < right->share_s ? 1 : -1;
  return (int)left->cause - (int)right->cause;
}

guint moe_loss_shares(const MoeExplanation *x, MoeLossShare shares[MOE_N_CAUSES])
{
  guint n = 0;

  for (guint c = 0; c < x->n_causes; c++)
    if (x->causes[c].present)
      shares[n++] = x->causes[c];
  qsort(shares, n, sizeof *shares, by_share);
  return n;
}

double moe_uncounted_s(const MoeExplanation *x)
{
  double step = x->result->step_time_s, uncounted = x->left_s[MOE_CAUSE_MATH] - x->result->mfu_causal * step;

  return fabs(uncounted) > MOE_SHOWN_SHARE * step ? uncounted : 0;
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
