/* Whether intervals hold: what was published beside the interval that other families give. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NORMAL_P90 1.2815515655446004 /* quantile of the standard normal distribution at 0.9 */
#define NORMAL_P95 1.6448536269514722 /* at 0.95 */

/* One case and its interval, as logarithms of published over predicted step time. */
typedef struct {
  const char *family;
  double value;
  double low80, high80, low90, high90, crps;
} Held;

/* ---- one case ---------------------------------------------------------------------------------------------------- */

/* Continuous ranked probability score of n equally likely, ascending values: the mean distance from what came, less
 * half the mean distance from each other (Gneiting and Raftery, J. Am. Stat. Assoc. 102, 2007, eq. 21). */
static double crps_of(const double *ascending, guint n, double came)
{
  double distance = 0, between = 0;

  for (guint i = 0; i < n; i++) {
    distance += fabs(ascending[i] - came);
    between += ascending[i] * (2.0 * i - n + 1); /* sums each pair's difference once */
  }
  return distance / n - between / ((double)n * n);
}

/* The same of a normal distribution around 0 (ibid., after eq. 20). */
static double normal_crps(double sd, double came)
{
  double z = came / sd, density = exp(-0.5 * z * z) / sqrt(2 * G_PI), below = 0.5 * erfc(-z / G_SQRT2);

  return sd * (z * (2 * below - 1) + 2 * density - 1 / sqrt(G_PI));
}

static MoeErrorSubject subject_of(const MoeCase *c)
{
  return (MoeErrorSubject){.family = c->group[MOE_GROUP_BY_FAMILY],
                           .kind = c->group[MOE_GROUP_BY_KIND],
                           .gpu = c->group[MOE_GROUP_BY_GPU],
                           .gpus = (double)c->gpus,
                           .waiting = c->waiting_share,
                           .busy = c->busy_share};
}

static Held hold(const MoeResiduals *residuals, const MoeCase *c)
{
  MoeErrorSubject subject = subject_of(c);
  MoeModelError error;
  Held held = {.family = c->group[MOE_GROUP_BY_FAMILY], .value = log(c->published_step_s / c->predicted_step_s)};

  moe_subject_error(residuals, &subject, &error);
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    error.ratio[k] = log(error.ratio[k]);
  held.low80 = moe_sorted_quantile(error.ratio, MOE_N_MODEL_ERRORS, 0.1);
  held.high80 = moe_sorted_quantile(error.ratio, MOE_N_MODEL_ERRORS, 0.9);
  held.low90 = moe_sorted_quantile(error.ratio, MOE_N_MODEL_ERRORS, 0.05);
  held.high90 = moe_sorted_quantile(error.ratio, MOE_N_MODEL_ERRORS, 0.95);
  held.crps = crps_of(error.ratio, MOE_N_MODEL_ERRORS, held.value);
  moe_model_error_clear(&error);
  return held;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static gboolean is_in(double value, double low, double high)
{
  return low <= value && value <= high;
}

static void count(const Held *held, double constant, MoeCoverage *group)
{
  double sd = log1p(constant) / NORMAL_P90, end90 = sd * NORMAL_P95;

  group->inside_80 += is_in(held->value, held->low80, held->high80);
  group->inside_90 += is_in(held->value, held->low90, held->high90);
  group->crps += held->crps;
  group->constant_80 += is_in(held->value, -sd * NORMAL_P90, sd * NORMAL_P90);
  group->constant_90 += is_in(held->value, -end90, end90);
  group->constant_crps += sd > 0 ? normal_crps(sd, held->value) : fabs(held->value);
}

/* Cases of a family; of all when NULL. */
static MoeCoverage cover(const GArray *held, const char *family, double constant)
{
  MoeCoverage group = {.name = g_strdup(family ? family : "all"), .constant = constant};
  g_autofree double *width = g_new(double, held->len + 1);

  for (guint i = 0; i < held->len; i++) {
    const Held *one = &g_array_index(held, Held, i);

    if (family && strcmp(one->family, family) != 0)
      continue;
    width[group.n++] = exp(one->high80) - exp(one->low80);
    count(one, constant, &group);
  }
  double n = MAX(group.n, 1);
  double *const sums[] = {&group.inside_80,   &group.inside_90,   &group.crps,
                          &group.constant_80, &group.constant_90, &group.constant_crps};
  for (guint s = 0; s < G_N_ELEMENTS(sums); s++)
    *sums[s] /= n;
  group.width = moe_quantile(width, group.n, 0.5);
  group.constant_width = 1 + constant - 1 / (1 + constant);
  return group;
}

/* The factor 1 + x, either way, that holds as many of all cases as P10 to P90 do: x. */
static double equal_constant(const GArray *held)
{
  g_autofree double *size = g_new(double, held->len + 1);
  guint inside = 0;

  for (guint i = 0; i < held->len; i++) {
    const Held *one = &g_array_index(held, Held, i);

    size[i] = fabs(one->value);
    inside += is_in(one->value, one->low80, one->high80);
  }
  moe_sort(size, held->len);
  return inside > 0 ? expm1(size[inside - 1]) : 0;
}

static GArray *hold_all(const MoeValidation *validation, const MoeResiduals *residuals)
{
  GArray *all = g_array_new(FALSE, FALSE, sizeof(Held));

  for (guint i = 0; i < validation->n; i++)
    if (moe_case_has_step(&validation->cases[i])) {
      Held held = hold(residuals, &validation->cases[i]);

      g_array_append_val(all, held);
    }
  return all;
}

MoeCoverage *moe_coverage(const MoeValidation *validation, guint *n)
{
  g_autofree char *text = moe_residuals_text(validation, NULL);
  g_autoptr(MoeResiduals) residuals = moe_residuals_parse(text, NULL);
  g_autoptr(GArray) held = hold_all(validation, residuals);
  double constant = equal_constant(held);
  guint n_groups = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n_groups);
  MoeCoverage *coverage = g_new0(MoeCoverage, n_groups + 1);

  *n = 0;
  for (guint g = 0; g < n_groups; g++)
    if (groups[g].n > 0)
      coverage[(*n)++] = cover(held, groups[g].name, constant);
  coverage[(*n)++] = cover(held, NULL, constant);
  moe_case_groups_free(groups, n_groups);
  return coverage;
}

void moe_coverage_free(MoeCoverage *coverage, guint n)
{
  for (guint g = 0; g < n; g++)
    g_free(coverage[g].name);
  g_free(coverage);
}
