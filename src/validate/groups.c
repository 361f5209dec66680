/* Errors of groups of cases: median, P90, bias, rank correlation. */
#include "base/base.h"
#include "cases.h"

#include <math.h>

/* Ranks of values, ties averaged. */
static void ranks_of(const double *value, guint n, double *rank)
{
  for (guint i = 0; i < n; i++) {
    double below = 0, equal = 0;

    for (guint j = 0; j < n; j++) {
      below += value[j] < value[i];
      equal += value[j] == value[i];
    }
    rank[i] = below + (equal - 1) / 2;
  }
}

static double correlation(const double *a, const double *b, guint n)
{
  double mean = (n - 1) / 2.0, ab = 0, aa = 0, bb = 0;

  for (guint i = 0; i < n; i++) {
    ab += (a[i] - mean) * (b[i] - mean);
    aa += (a[i] - mean) * (a[i] - mean);
    bb += (b[i] - mean) * (b[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : NAN;
}

/* Spearman's rank correlation: Pearson's on ranks. */
static double rank_correlation(const double *a, const double *b, guint n)
{
  g_autofree double *ra = g_new(double, n + 1), *rb = g_new(double, n + 1);

  if (n < 3)
    return NAN;
  ranks_of(a, n, ra);
  ranks_of(b, n, rb);
  return correlation(ra, rb, n);
}

void moe_case_group_fill(const MoeValidation *validation, const char *name, MoeGroupBy by, MoeCaseGroup *group)
{
  g_autofree double *error = g_new(double, validation->n + 1), *size = g_new(double, validation->n + 1);
  g_autofree double *published = g_new(double, validation->n + 1), *predicted = g_new(double, validation->n + 1);
  guint n = 0;

  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];

    if (!moe_case_has_step(c) || (name && g_strcmp0(c->group[by], name) != 0))
      continue;
    error[n] = c->error;
    size[n] = fabs(c->error);
    published[n] = c->tokens_per_s_per_gpu_published;
    predicted[n++] = c->tokens_per_s_per_gpu_predicted;
  }
  *group = (MoeCaseGroup){.name = g_strdup(name ? name : "all"), .n = n};
  group->rank_correlation = rank_correlation(published, predicted, n);
  group->median_abs_error = moe_quantile(size, n, 0.5);
  group->p90_abs_error = moe_quantile(size, n, 0.9);
  group->bias = moe_quantile(error, n, 0.5);
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
  return g_strcmp0(*(char *const *)a, *(char *const *)b);
}

MoeCaseGroup *moe_validation_group(const MoeValidation *validation, MoeGroupBy by, guint *n)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    if (validation->cases[i].group[by] &&
        !g_ptr_array_find_with_equal_func(names, validation->cases[i].group[by], g_str_equal, NULL))
      g_ptr_array_add(names, validation->cases[i].group[by]);
  g_ptr_array_sort(names, compare_names);
  MoeCaseGroup *groups = g_new0(MoeCaseGroup, names->len + 1);
  for (guint g = 0; g < names->len; g++)
    moe_case_group_fill(validation, names->pdata[g], by, &groups[g]);
  *n = names->len;
  return groups;
}

void moe_case_groups_free(MoeCaseGroup *groups, guint n)
{
  for (guint g = 0; g < n; g++)
    g_free(groups[g].name);
  g_free(groups);
}

void moe_validation_extrapolated(const MoeValidation *validation, double *median, double *p90)
{
  g_autofree double *shares = g_new(double, validation->n + 1);
  guint n = 0;

  for (guint i = 0; i < validation->n; i++)
    if (!validation->cases[i].failure)
      shares[n++] = validation->cases[i].extrapolated_share;
  moe_sort(shares, n);
  *median = n > 0 ? shares[n / 2] : NAN;
  *p90 = n > 0 ? shares[n * 9 / 10] : NAN;
}
