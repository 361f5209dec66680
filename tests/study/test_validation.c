/* Groups, their errors, and pair questions. */
#include "moetest.h"

#include "../../src/study/cases.h"

#include <math.h>

static void add(MoeValidation *v, const char *family, double published, double predicted, const char *layout,
                const char *precision)
{
  MoeCase *c = &v->cases[v->n];

  *c = (MoeCase){.id = g_strdup_printf("case-%u", v->n),
                 .published_step_s = published,
                 .predicted_step_s = predicted,
                 .error = predicted / published - 1,
                 .tokens_per_s_per_gpu_published = 1 / published,
                 .tokens_per_s_per_gpu_predicted = 1 / predicted};
  c->group[MOE_GROUP_BY_FAMILY] = g_strdup(family);
  for (guint d = 0; d < MOE_N_DIFFERS; d++)
    c->differs[d] = g_strdup(d == MOE_DIFFERS_LAYOUT ? layout : d == MOE_DIFFERS_PRECISION ? precision : "same");
  v->n++;
}

static MoeValidation *six_cases(void)
{
  MoeValidation *v = g_new0(MoeValidation, 1);

  v->cases = g_new0(MoeCase, 8);
  add(v, "b", 1.0, 1.1, "tp1", "bf16");
  add(v, "b", 2.0, 1.8, "tp2", "bf16");
  add(v, "b", 3.0, 3.0, "tp1", "fp8");
  add(v, "a", 1.0, 1.5, "tp1", "bf16");
  add(v, "a", 1.005, 1.2, "tp2", "bf16"); /* a draw with the one before */
  add(v, "a", 2.0, 1.3, "tp4", "bf16");
  return v;
}

/* Errors +10, -10, 0, +50, +19.4, -35 %: sorted sizes 0, 10, 10, 19.4, 35, 50; median (10 + 19.4) / 2. */
START_TEST(errors)
{
  g_autoptr(MoeValidation) v = six_cases();

  moe_case_group_fill(v, NULL, MOE_GROUP_BY_FAMILY, &v->all);
  ck_assert_uint_eq(v->all.n, 6);
  ck_assert_double_eq_tol(v->all.median_abs_error, (0.1 + (1.2 / 1.005 - 1)) / 2, 1e-12);
  ck_assert_double_eq_tol(v->all.p90_abs_error, 0.425, 1e-12); /* halfway between the two largest */
}
END_TEST

START_TEST(groups)
{
  g_autoptr(MoeValidation) v = six_cases();
  guint n;
  MoeCaseGroup *g = moe_validation_group(v, MOE_GROUP_BY_FAMILY, &n);

  ck_assert_uint_eq(n, 2);
  ck_assert_str_eq(g[0].name, "a");
  ck_assert_str_eq(g[1].name, "b");
  ck_assert_double_eq_tol(g[1].median_abs_error, 0.1, 1e-12);
  ck_assert_double_eq_tol(g[1].rank_correlation, 1, 1e-12);
  ck_assert_double_eq_tol(g[0].rank_correlation, -0.5, 1e-12); /* published order 1, 2, 3; predicted 3, 1, 2 */
  moe_case_groups_free(g, n);
}
END_TEST

/* Family b: 0 and 1 differ in layout (right), 0 and 2 in precision (right). Family a: 3-4 a draw, 3-5 wrong, 4-5 right.
 */
START_TEST(pairs)
{
  g_autoptr(MoeValidation) v = six_cases();

  moe_case_pairs(v);
  ck_assert_uint_eq(v->n_pairs, 4);
  ck_assert_uint_eq(v->n_pairs_right, 3);
  for (guint i = 0; i < v->n_pairs; i++)
    ck_assert_double_gt(v->pairs[i].published_ratio, 1);
}
END_TEST

/* A case that failed counts nowhere. */
START_TEST(failures)
{
  g_autoptr(MoeValidation) v = six_cases();

  v->cases[5].failure = g_strdup("no");
  moe_case_pairs(v);
  moe_case_group_fill(v, "a", MOE_GROUP_BY_FAMILY, &v->all);
  ck_assert_uint_eq(v->n_pairs, 2);
  ck_assert_uint_eq(v->all.n, 2);
  ck_assert(isnan(v->all.rank_correlation));
}
END_TEST

MOE_TEST_MAIN("study/validation", errors, groups, pairs, failures)
