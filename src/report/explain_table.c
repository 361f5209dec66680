/* Why one run is as slow as it is; what makes two runs differ. */
#include "report/findings.h"

#include "losses.h"

#include <math.h>
#include <stdlib.h>

#define SHOWN_SHARE 5e-4 /* of the step: what is less would read as 0.0 % */
#define MOST_KEYS   12   /* of one change in the table; JSON has all */

/* ---- the waterfall ---------------------------------------------------------------------------------------------- */

static int by_share(const void *a, const void *b)
{
  const MoeLossShare *left = a, *right = b;

  if (left->share_s != right->share_s)
    return left->share_s < right->share_s ? 1 : -1;
  return (int)left->cause - (int)right->cause;
}

/* The causes that are in the run, largest share first; returns how many. */
static guint sorted_shares(const MoeExplanation *x, MoeLossShare shares[MOE_N_CAUSES])
{
  guint n = 0;

  for (guint c = 0; c < x->n_causes; c++)
    if (x->causes[c].present)
      shares[n++] = x->causes[c];
  qsort(shares, n, sizeof *shares, by_share);
  return n;
}

static void add_loss(MoeTable *table, const MoeExplanation *x, const MoeLossShare *loss, double *level)
{
  double step = x->result->step_time_s;

  *level -= loss->share_s / step;
  moe_table_take(table, g_strdup_printf("%s%s", moe_cause_title(loss->cause), loss->joint ? " *" : ""));
  moe_table_quantity(table, loss->accounted_s, MOE_DIM_SECONDS);
  moe_table_quantity(table, loss->alone_s, MOE_DIM_SECONDS);
  moe_table_percent(table, x->result->mfu_causal * step / (step - loss->alone_s));
  moe_table_quantity(table, loss->share_s, MOE_DIM_SECONDS);
  moe_table_points(table, -loss->share_s / step);
  moe_table_percent(table, *level);
}

/* What stays when every cause is gone, math apart. */
static void add_left(MoeTable *table, const MoeExplanation *x, MoeCause cause, double *level)
{
  double step = x->result->step_time_s;

  if (cause == MOE_CAUSE_MATH || x->left_s[cause] < SHOWN_SHARE * step)
    return;
  *level -= x->left_s[cause] / step;
  moe_table_take(table, g_strdup_printf("%s, left with all removed", moe_cause_title(cause)));
  moe_table_quantity(table, x->result->cause_s[cause], MOE_DIM_SECONDS);
  moe_table_add(table, NULL);
  moe_table_add(table, NULL);
  moe_table_quantity(table, x->left_s[cause], MOE_DIM_SECONDS);
  moe_table_points(table, -x->left_s[cause] / step);
  moe_table_percent(table, *level);
}

static void add_last(MoeTable *table, const char *title, double accounted_s, double share_s, double step_s,
                     const char *end)
{
  moe_table_add(table, title);
  moe_table_quantity(table, accounted_s, MOE_DIM_SECONDS);
  moe_table_add(table, NULL);
  moe_table_add(table, NULL);
  moe_table_quantity(table, share_s, MOE_DIM_SECONDS);
  moe_table_points(table, share_s / step_s);
  moe_table_add(table, end);
}

/* Math at peak is the MFU, except for layers whose FLOPs do not count (multi-token prediction) and another peak as
 * denominator. */
static double uncounted_s(const MoeExplanation *x)
{
  double step = x->result->step_time_s, uncounted = x->left_s[MOE_CAUSE_MATH] - x->result->mfu_causal * step;

  return fabs(uncounted) > SHOWN_SHARE * step ? uncounted : 0;
}

static void add_math(MoeTable *table, const MoeExplanation *x)
{
  double step = x->result->step_time_s, uncounted = uncounted_s(x), counted = x->left_s[MOE_CAUSE_MATH] - uncounted;

  if (uncounted != 0)
    add_last(table, "math that the MFU does not count", uncounted, uncounted, step, NULL);
  add_last(table, moe_cause_title(MOE_CAUSE_MATH), counted, counted, step, "MFU");
}

static MoeTable *explanation_cells(const MoeExplanation *x)
{
  static const char *const titles[] = {"cause",      "accounted", "alone saves", "MFU without it",
                                       "mean share", "points",    "down to",     NULL};
  MoeTable *table = moe_table_new("wrrrrrr");
  MoeLossShare shares[MOE_N_CAUSES];
  guint n = sorted_shares(x, shares);
  double level = 1;

  moe_table_header(table, titles);
  for (guint i = 0; i < n; i++)
    add_loss(table, x, &shares[i], &level);
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    add_left(table, x, (MoeCause)c, &level);
  add_math(table, x);
  return table;
}

static char *absent_causes(const MoeExplanation *x)
{
  GString *text = g_string_new(NULL);

  for (guint c = 0; c < x->n_causes; c++)
    if (!x->causes[c].present)
      g_string_append_printf(text, "%s%s",
                             text->len ? ", " : "Nothing to remove: ", moe_cause_title(x->causes[c].cause));
  if (text->len)
    g_string_append(text, ".\n");
  return g_string_free(text, FALSE);
}

static char *method(const MoeExplanation *x)
{
  double worst = 0;
  gboolean joint = FALSE;

  for (guint c = 0; c < x->n_causes; c++) {
    joint |= x->causes[c].joint;
    if (!x->causes[c].joint)
      worst = MAX(worst, x->causes[c].error_s);
  }
  g_autofree char *error = moe_quantity_format(worst, MOE_DIM_SECONDS);
  g_autofree char *orders =
      x->n_orders == 0 ? g_strdup("all orders of removal")
                       : g_strdup_printf("%u sampled orders of removal (standard error up to %s)", x->n_orders, error);
  return g_strdup_printf("Mean share: Shapley value over %s, %u simulations.%s", orders, x->n_simulations,
                         joint ? "\n* too small to be ordered singly: removed together, divided between first and last."
                               : "");
}

static char *result_line(const MoeResult *result)
{
  g_autofree char *label = moe_result_label(result);
  g_autofree char *step = moe_quantity_format(result->step_time_s, MOE_DIM_SECONDS);
  g_autofree char *mfu = moe_percent_format(result->mfu_causal);

  return g_strdup_printf("%s on %s with %s, %" G_GINT64_FORMAT " GPUs: %s per step, MFU %s causal", label,
                         result->cluster, result->stack, result->gpus, step, mfu);
}

char *moe_report_explanation_table(const MoeExplanation *x, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = explanation_cells(x);
  g_autofree char *title = result_line(x->result);
  g_autofree char *rows = moe_table_format(table, sheet);
  g_autofree char *how = method(x);
  g_autofree char *absent = absent_causes(x);
  g_autofree char *interaction = moe_quantity_format(fabs(x->interaction_s), MOE_DIM_SECONDS);

  return g_strdup_printf("%s\n\n%s\n%s\nInteraction: %s %s.\n%s", title, rows, how, interaction,
                         x->interaction_s >= 0 ? "go only when several causes are removed together"
                                               : "are counted more than once by the causes alone",
                         absent);
}

char *moe_report_explanation_csv(const MoeExplanation *x)
{
  static const char *const titles[] = {"cause",  "present", "accounted_s", "alone_s",
                                       "last_s", "share_s", "error_s",     NULL};
  g_autoptr(MoeTable) table = moe_table_new("lllllll");

  moe_table_header(table, titles);
  for (guint c = 0; c < x->n_causes; c++) {
    const MoeLossShare *loss = &x->causes[c];
    double values[] = {loss->accounted_s, loss->alone_s, loss->last_s, loss->share_s, loss->error_s};

    moe_table_add(table, moe_cause_words[loss->cause]);
    moe_table_add(table, loss->present ? "true" : "false");
    for (guint i = 0; i < G_N_ELEMENTS(values); i++)
      moe_table_take(table, g_strdup_printf("%.17g", values[i]));
  }
  return moe_table_csv(table);
}

static void append_fall(GString *text, const char *label, double upper, double lower)
{
  char digits[2][G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_printf(text, "%s\t%s\t%s\n", label, g_ascii_formatd(digits[0], sizeof digits[0], "%.6g", 100 * upper),
                         g_ascii_formatd(digits[1], sizeof digits[1], "%.6g", 100 * lower));
}

/* One bar below the last: `seconds` of the step. */
static void append_loss(GString *text, const char *label, double seconds, double step_s, double *level)
{
  append_fall(text, label, *level, *level - seconds / step_s);
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
  guint n = sorted_shares(x, shares);
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

  append_fall(text, "peak", 1, 0);
  append_shares(text, x, shown, &level);
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    if (c != MOE_CAUSE_MATH && !shown[c] && x->left_s[c] >= SHOWN_SHARE * step)
      append_loss(text, moe_cause_title(c), x->left_s[c], step, &level);
  if (uncounted_s(x) != 0)
    append_loss(text, "math not counted", uncounted_s(x), step, &level);
  append_fall(text, "MFU", (x->left_s[MOE_CAUSE_MATH] - uncounted_s(x)) / step, 0);
  return g_string_free(text, FALSE);
}

/* ---- two runs --------------------------------------------------------------------------------------------------- */

static void add_effect(MoeTable *table, const MoeEffect *effect, double mfu_before)
{
  if (effect->step_time_s <= 0) { /* no legal run */
    for (guint i = 0; i < 3; i++)
      moe_table_add(table, "-");
    return;
  }
  moe_table_percent(table, effect->mfu_causal);
  moe_table_points(table, effect->mfu_causal - mfu_before);
  moe_table_take(table, g_strdup_printf("x %.3f", effect->mfu_causal / mfu_before));
}

static MoeTable *difference_cells(const MoeDifference *d)
{
  static const char *const titles[] = {"change", "alone: MFU", "points", "factor", "in order: MFU",
                                       "points", "factor",     "fits",   NULL};
  MoeTable *table = moe_table_new("wrrrrrrl");
  double mfu = d->before->mfu_causal;

  moe_table_header(table, titles);
  for (guint i = 0; i < d->n_changes; i++) {
    const MoeChange *change = &d->changes[i];

    moe_table_add(table, change->name);
    add_effect(table, &change->alone, d->before->mfu_causal);
    add_effect(table, &change->in_order, mfu);
    moe_table_add(table, change->in_order.fits ? "" : "no");
    mfu = change->in_order.mfu_causal;
  }
  moe_table_add(table, "interaction");
  moe_table_add(table, NULL);
  moe_table_points(table, d->mfu_interaction);
  for (guint i = 0; i < 5; i++)
    moe_table_add(table, NULL);
  moe_table_add(table, "total");
  for (guint i = 0; i < 3; i++)
    moe_table_add(table, NULL);
  moe_table_percent(table, d->after->mfu_causal);
  moe_table_points(table, d->after->mfu_causal - d->before->mfu_causal);
  moe_table_take(table, g_strdup_printf("x %.3f", d->after->mfu_causal / d->before->mfu_causal));
  moe_table_add(table, d->after->memory.fits ? "" : "no");
  return table;
}

static void add_keys(MoeTable *table, const MoeChange *change)
{
  for (guint k = 0; k < MIN(change->n_keys, MOST_KEYS); k++) {
    moe_table_add(table, k == 0 ? change->name : NULL);
    moe_table_add(table, change->keys[k].path);
    moe_table_add(table, change->keys[k].before ? change->keys[k].before : "-");
    moe_table_add(table, change->keys[k].after ? change->keys[k].after : "-");
  }
  if (change->n_keys > MOST_KEYS) {
    moe_table_add(table, NULL);
    moe_table_take(table, g_strdup_printf("and %u more", change->n_keys - MOST_KEYS));
    moe_table_add(table, NULL);
    moe_table_add(table, NULL);
  }
}

static char *key_rows(const MoeDifference *d, MoeSheet sheet)
{
  static const char *const titles[] = {"change", "key", "before", "after", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwww");

  moe_table_header(table, titles);
  for (guint i = 0; i < d->n_changes; i++)
    add_keys(table, &d->changes[i]);
  return moe_table_format(table, sheet);
}

/* Why some mechanisms stand together. */
static char *merge_notes(const MoeDifference *d)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < d->n_changes; i++)
    if (d->changes[i].merged)
      g_string_append_printf(text, "Only together: %s (%s)\n", d->changes[i].name, d->changes[i].merged_why);
  return g_string_free(text, FALSE);
}

char *moe_report_difference_table(const MoeDifference *d, MoeSheet sheet)
{
  g_autofree char *before = result_line(d->before);
  g_autofree char *after = result_line(d->after);

  if (d->n_changes == 0)
    return g_strdup_printf("before  %s\nafter   %s\n\nNo key differs that bears on a step.\n", before, after);
  g_autoptr(MoeTable) table = difference_cells(d);
  g_autofree char *rows = moe_table_format(table, sheet);
  g_autofree char *keys = key_rows(d, sheet);
  g_autofree char *notes = merge_notes(d);
  return g_strdup_printf("before  %s\nafter   %s\n\n%s\n%s%s%u simulations.\n", before, after, rows, keys, notes,
                         d->n_simulations);
}

char *moe_report_difference_csv(const MoeDifference *d)
{
  static const char *const titles[] = {
      "change", "keys", "alone_mfu_causal", "alone_step_time_s", "in_order_mfu_causal", "in_order_step_time_s", NULL};
  g_autoptr(MoeTable) table = moe_table_new("llllll");

  moe_table_header(table, titles);
  for (guint i = 0; i < d->n_changes; i++) {
    const MoeChange *change = &d->changes[i];
    double values[] = {change->alone.mfu_causal, change->alone.step_time_s, change->in_order.mfu_causal,
                       change->in_order.step_time_s};

    moe_table_add(table, change->name);
    moe_table_whole(table, change->n_keys);
    for (guint v = 0; v < G_N_ELEMENTS(values); v++)
      moe_table_take(table, values[v] > 0 ? g_strdup_printf("%.17g", values[v]) : NULL);
  }
  return moe_table_csv(table);
}
