/* Validations as tables. */
#include "report/validation.h"

#include <math.h>
#include <string.h>

/* ---- summary ---------------------------------------------------------------------------------------------------- */

static void add_group(MoeTable *table, const MoeCaseGroup *group)
{
  moe_table_add(table, group->name);
  moe_table_whole(table, group->n);
  moe_table_percent(table, group->median_abs_error);
  moe_table_percent(table, group->p90_abs_error);
  moe_table_change(table, group->bias);
  moe_table_take(table,
                 isfinite(group->rank_correlation) ? g_strdup_printf("%.2f", group->rank_correlation) : g_strdup("-"));
}

static char *groups_table(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet)
{
  const char *header[] = {moe_group_by_words[by], "cases", "median |error|", "P90 |error|", "bias",
                          "rank correlation",     NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrrrr");
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n);

  moe_table_header(table, header);
  for (guint g = 0; g < n; g++)
    if (groups[g].n > 0)
      add_group(table, &groups[g]);
  add_group(table, &validation->all);
  moe_case_groups_free(groups, n);
  return moe_table_format(table, sheet);
}

static void count_pairs(const MoeValidation *validation, MoeDiffers differs, guint *n, guint *right)
{
  *n = *right = 0;
  for (guint i = 0; i < validation->n_pairs; i++)
    if (validation->pairs[i].differs == differs) {
      (*n)++;
      *right += validation->pairs[i].right;
    }
}

static char *pairs_table(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const header[] = {"pairs that differ in", "asked", "right", "share", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");

  moe_table_header(table, header);
  for (guint d = 0; d <= MOE_N_DIFFERS; d++) {
    guint n = validation->n_pairs, right = validation->n_pairs_right;

    if (d < MOE_N_DIFFERS)
      count_pairs(validation, d, &n, &right);
    if (n == 0)
      continue;
    moe_table_add(table, d < MOE_N_DIFFERS ? moe_differs_words[d] : "all");
    moe_table_whole(table, n);
    moe_table_whole(table, right);
    moe_table_percent(table, (double)right / n);
  }
  return moe_table_format(table, sheet);
}

static char *layouts_line(const MoeValidation *validation)
{
  MoeLayoutGroups g;

  moe_validation_layouts(validation, &g);
  if (g.n == 0)
    return g_strdup("");
  return g_strdup_printf("\nfastest published layout predicted fastest: %u of %u groups; among the first three: %u,\n"
                         "and %u of the %u groups that have more than three\n",
                         g.n_first, g.n, g.n_top, g.n_large_top, g.n_large);
}

static int compare_shares(gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* How much of what was predicted rests on no measurement of its kind. */
static char *support_line(const MoeValidation *validation)
{
  g_autoptr(GArray) shares = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint i = 0; i < validation->n; i++)
    if (!validation->cases[i].failure)
      g_array_append_val(shares, validation->cases[i].extrapolated_share);
  if (shares->len == 0)
    return g_strdup("");
  g_array_sort(shares, compare_shares);
  g_autofree char *median = moe_percent_format(g_array_index(shares, double, shares->len / 2));
  g_autofree char *p90 = moe_percent_format(g_array_index(shares, double, shares->len * 9 / 10));
  return g_strdup_printf("\nkernel time priced beyond what was measured: median %s of a case, P90 %s\n", median, p90);
}

/* ---- what a step pays once -------------------------------------------------------------------------------------- */

static void add_split(MoeTable *table, const MoeValidation *validation, const MoeStepSplit *split)
{
  const MoeCase *few = &validation->cases[split->few];

  moe_table_add(table, validation->cases[split->many].id);
  moe_table_add(table, few->id);
  for (guint k = 0; k < 2; k++)
    moe_table_quantity(table, split->batch_s[k], MOE_DIM_SECONDS);
  for (guint k = 0; k < 2; k++)
    moe_table_quantity(table, split->once_s[k], MOE_DIM_SECONDS);
  for (guint k = 0; k < 2; k++)
    moe_table_percent(table, split->efficiency[k]);
}

char *moe_report_validation_once(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const header[] = {"most micro-batches", "fewest",     "t published", "t predicted", "F published",
                                       "F predicted",        "efficiency", "predicted",   NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwrrrrrr");
  guint n = 0;
  g_autofree MoeStepSplit *splits = moe_validation_splits(validation, &n);

  moe_table_header(table, header);
  for (guint i = 0; i < n; i++)
    add_split(table, validation, &splits[i]);
  return moe_table_format(table, sheet);
}

static double relative_error(const double of[2])
{
  return fabs(of[0]) > 0 ? fabs(of[1] / of[0] - 1) : INFINITY;
}

static char *once_line(const MoeValidation *validation)
{
  guint n = 0;
  g_autofree MoeStepSplit *splits = moe_validation_splits(validation, &n);
  g_autofree double *batch = g_new(double, n + 1), *once = g_new(double, n + 1), *scale = g_new(double, n + 1);

  for (guint i = 0; i < n; i++) {
    batch[i] = relative_error(splits[i].batch_s);
    once[i] = relative_error(splits[i].once_s);
    scale[i] = fabs(splits[i].efficiency[1] - splits[i].efficiency[0]);
  }
  if (n == 0)
    return g_strdup("");
  return g_strdup_printf("\n%u runs of several sizes, median error: per micro-batch %.1f %%, once per step %.0f %%,\n"
                         "efficiency against size %.1f points\n",
                         n, 100 * moe_quantile(batch, n, 0.5), 100 * moe_quantile(once, n, 0.5),
                         100 * moe_quantile(scale, n, 0.5));
}

char *moe_report_validation_summary(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet)
{
  g_autofree char *groups = groups_table(validation, by, sheet);
  g_autofree char *pairs = validation->n_pairs > 0 ? pairs_table(validation, sheet) : g_strdup("");
  g_autofree char *failed = validation->n_failed > 0
                                ? g_strdup_printf("%u cases without a prediction\n\n", validation->n_failed)
                                : g_strdup("");

  g_autofree char *layouts = layouts_line(validation);
  g_autofree char *support = support_line(validation);

  g_autofree char *splits = once_line(validation);

  return g_strdup_printf("%s\n%s%s%s%s%s", groups, failed, pairs, layouts, splits, support);
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static gint worse_first(gconstpointer a, gconstpointer b)
{
  const MoeCase *x = *(const MoeCase *const *)a, *y = *(const MoeCase *const *)b;
  double ex = x->failure ? INFINITY : fabs(x->error), ey = y->failure ? INFINITY : fabs(y->error);

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(x->id, y->id);
}

static void add_case(MoeTable *table, const MoeCase *c)
{
  moe_table_add(table, c->id);
  moe_table_whole(table, c->gpus);
  if (c->failure) {
    for (guint i = 0; i < 6; i++)
      moe_table_add(table, "-");
    moe_table_add(table, c->failure);
    return;
  }
  moe_table_add(table, c->metric);
  moe_table_take(table, g_strdup_printf("%.4g", c->published));
  moe_table_take(table, g_strdup_printf("%.4g", c->predicted));
  moe_table_quantity(table, c->published_step_s, MOE_DIM_SECONDS);
  moe_table_quantity(table, c->predicted_step_s, MOE_DIM_SECONDS);
  moe_table_change(table, c->error);
  moe_table_add(table, c->fits ? "" : "does not fit");
}

static MoeTable *cases_table(const MoeValidation *validation, gboolean worst_first)
{
  static const char *const header[] = {"case",           "GPUs",           "metric", "published", "predicted",
                                       "step published", "step predicted", "error",  "note",      NULL};
  MoeTable *table = moe_table_new("lr3l1r2r2rrrw");
  g_autoptr(GPtrArray) order = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    g_ptr_array_add(order, &validation->cases[i]);
  if (worst_first)
    g_ptr_array_sort(order, worse_first);
  moe_table_header(table, header);
  for (guint i = 0; i < order->len; i++)
    add_case(table, order->pdata[i]);
  return table;
}

char *moe_report_validation_cases(const MoeValidation *validation, gboolean worst_first, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = cases_table(validation, worst_first);

  return moe_table_format(table, sheet);
}

char *moe_report_validation_csv(const MoeValidation *validation)
{
  g_autoptr(MoeTable) table = cases_table(validation, FALSE);

  return moe_table_csv(table);
}

char *moe_report_validation_wrong_pairs(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const header[] = {"measured faster", "than", "differ in", "measured ratio",
                                       "predicted ratio", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwwrr");

  moe_table_header(table, header);
  for (guint i = 0; i < validation->n_pairs; i++) {
    const MoeCasePair *pair = &validation->pairs[i];

    if (pair->right)
      continue;
    moe_table_add(table, validation->cases[pair->a].id);
    moe_table_add(table, validation->cases[pair->b].id);
    moe_table_add(table, moe_differs_words[pair->differs]);
    moe_table_take(table, g_strdup_printf("%.3f", pair->published_ratio));
    moe_table_take(table, g_strdup_printf("%.3f", pair->predicted_ratio));
  }
  return moe_table_format(table, sheet);
}
