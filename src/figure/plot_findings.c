/* Data of the figures that show what a study found: why, how sure, how fast a collective is. */
#include "figure/plot.h"
#include "report/losses.h"
#include "svg.h"

#include <math.h>

#define GB 1e9

/* ---- why --------------------------------------------------------------------------------------------------------- */

/* One bar below the last: `seconds` of the step. */
static void append_loss(GString *text, const char *label, double seconds, double step_s, double *level)
{
  plot_cells(text, "snn\n", label, 100 * *level, 100 * (*level - seconds / step_s));
  *level -= seconds / step_s;
}

/* What a cause takes: what removing it gains, and what stays of it when all are removed. */
static double taken_s(const MoeExplanation *x, const MoeLossShare *share)
{
  return share->share_s + x->left_s[share->cause];
}

static void append_shares(GString *text, const MoeExplanation *x, gboolean *shown, double *level)
{
  MoeLossShare shares[MOE_N_CAUSES];
  guint n = moe_loss_shares(x, shares);
  double joint_s = 0;

  for (guint i = 0; i < n; i++) {
    if (shares[i].joint) {
      joint_s += shares[i].share_s;
      continue;
    }
    append_loss(text, moe_cause_title(shares[i].cause), taken_s(x, &shares[i]), x->result->step_time_s, level);
    shown[shares[i].cause] = TRUE;
  }
  if (joint_s != 0)
    append_loss(text, "small causes", joint_s, x->result->step_time_s, level);
}

char *moe_plot_explanation_data(const MoeExplanation *x)
{
  GString *text = g_string_new("cause\tupper\tlower\n");
  double level = 1, step = x->result->step_time_s;
  gboolean shown[MOE_N_CAUSES] = {FALSE};

  plot_cells(text, "snn\n", "peak", 100.0, 0.0);
  append_shares(text, x, shown, &level);
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    if (c != MOE_CAUSE_MATH && !shown[c] && x->left_s[c] >= MOE_SHOWN_SHARE * step)
      append_loss(text, moe_cause_title(c), x->left_s[c], step, &level);
  if (moe_uncounted_s(x) != 0)
    append_loss(text, "math not counted", moe_uncounted_s(x), step, &level);
  plot_cells(text, "snn\n", "MFU", 100 * ((x->left_s[MOE_CAUSE_MATH] - moe_uncounted_s(x)) / step), 0.0);
  return g_string_free(text, FALSE);
}

/* ---- how sure ---------------------------------------------------------------------------------------------------- */

char *moe_plot_sensitivity_data(const MoeSensitivity *s)
{
  GString *text = g_string_new("assumption\tlow %\thigh %\tstated %\tleast at\tmost at\n");

  for (guint i = 0; i < s->n_swings; i++) {
    const MoeSwing *swing = &s->swings[i];

    if (swing->low)
      plot_cells(text, "snnnss\n", swing->key, 100 * swing->mfu_low, 100 * swing->mfu_high, 100 * s->result->mfu_causal,
                 swing->low, swing->high);
  }
  const MoeResult *r = s->result;
  gboolean told = r->interval.samples > 0;
  g_string_append(text, "\n\ninterval\tP10\tP50\tP90\n");
  plot_cells(text, "snnn\n", told ? "with the model's error" : "combinations",
             100 * (told ? r->interval.mfu_causal_p10 : s->mfu_causal.p10),
             100 * (told ? r->interval.mfu_causal_p50 : s->mfu_causal.p50),
             100 * (told ? r->interval.mfu_causal_p90 : s->mfu_causal.p90));
  return g_string_free(text, FALSE);
}

/* ---- collectives ------------------------------------------------------------------------------------------------- */

char *moe_plot_collective_data(const MoeCollTiming *timings, guint n)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++)
    plot_cells(text, "in\n", (gint64)rint(timings[i].bytes), moe_coll_bus_rate(&timings[i]) / GB);
  return g_string_free(text, FALSE);
}

/* ---- validations ------------------------------------------------------------------------------------------------- */

static void append_family(GString *text, const MoeValidation *validation, const char *family)
{
  g_string_append(text, text->len > 0 ? "\n\n" : "");
  plot_cells(text, "ss\n", "published", family);
  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];

    if (moe_case_has_step(c) && g_strcmp0(c->group[MOE_GROUP_BY_FAMILY], family) == 0)
      plot_cells(text, "NN\n", c->published_step_s, c->predicted_step_s);
  }
}

char *moe_plot_validation_data(const MoeValidation *validation)
{
  GString *text = g_string_new(NULL);
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n);

  for (guint g = 0; g < n; g++)
    if (groups[g].n > 0)
      append_family(text, validation, groups[g].name);
  moe_case_groups_free(groups, n);
  return g_string_free(text, FALSE);
}
