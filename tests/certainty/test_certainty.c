/* Intervals of three causes: closed forms, and whose errors count. */
#include "certainty/certainty.h"
#include "goodput/model.h"
#include "spec/spec.h"
#include <moesim/sensitivity.h>
#include <moetest.h>

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static MoeModelError no_error(void)
{
  MoeModelError error = {0};

  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    error.ratio[k] = 1;
  return error;
}

START_TEST(nothing_varies)
{
  MoeResult result = {.step_time_s = 2, .mfu_causal = 0.4, .mfu_full = 0.5};
  MoeModelError error = no_error();
  double step = 2;
  MoeCertainty c;

  moe_certainty(&result, &step, 1, &error, NULL, 0, &c);
  ck_assert_double_eq(c.step_time_s.p10, 2);
  ck_assert_double_eq(c.step_time_s.p90, 2);
  ck_assert_double_eq(c.mfu_causal.p10, 0.4);
  ck_assert_double_eq(c.mfu_full.p90, 0.5);
  ck_assert_double_eq(c.step_share[MOE_DOUBT_ASSUMPTIONS], 0);
  ck_assert_double_nan(c.chance);
}
END_TEST

/* Half of the published steps were twice as long, half as predicted; half of the combinations four times: the variances
 * of the logarithms are as 1 to 4. */
START_TEST(shares_are_of_the_variance_of_the_logarithm)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4};
  MoeModelError error = no_error();
  double steps[] = {1, 4};
  MoeCertainty c;

  for (guint k = 0; k < MOE_N_MODEL_ERRORS - 1; k += 2) /* 20 of 41; the middle one lies between */
    error.ratio[k] = 2;
  error.ratio[MOE_N_MODEL_ERRORS - 1] = sqrt(2);
  moe_certainty(&result, steps, 2, &error, NULL, 0, &c);
  ck_assert_double_eq_tol(c.step_share[MOE_DOUBT_ASSUMPTIONS] / c.step_share[MOE_DOUBT_MODEL], 4 * 41.0 / 40, 1e-9);
  ck_assert_double_eq_tol(c.step_share[MOE_DOUBT_ASSUMPTIONS] + c.step_share[MOE_DOUBT_MODEL], 1, 1e-12);
  ck_assert_double_eq(c.step_time_s.p10, 1);
  ck_assert_double_eq(c.step_time_s.p90, 8);
  ck_assert_double_eq(c.mfu_causal.p10, 0.05); /* because the longest step is eight times the predicted one */
}
END_TEST

/* Trainings of 100 steps that take 1 and 3 times the ideal: of steps of 1 and 2 s, three of four end within 300 s. */
START_TEST(a_training_has_all_three)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4};
  MoeModelError error = no_error();
  MoeGoodputSample samples[] = {{.wall_s = 100, .ideal_s = 100}, {.wall_s = 300, .ideal_s = 100}};
  MoeGoodputModel model = {.steps = 100, .step_time_s = 1};
  MoeGoodput goodput = {.model = &model, .n_samples = 2, .samples = samples};
  double steps[] = {1, 2};
  MoeCertainty c;

  moe_certainty(&result, steps, 2, &error, &goodput, 300, &c);
  ck_assert_double_eq(c.chance, 0.75);
  ck_assert_double_eq(c.wall_s.p90, 600);
  ck_assert_double_eq(c.wall_s.p10, 100);
  ck_assert_double_eq_tol(c.wall_share[MOE_DOUBT_FAILURES] / c.wall_share[MOE_DOUBT_ASSUMPTIONS],
                          pow(log(3) / log(2), 2), 1e-9);
  ck_assert_double_eq(c.wall_share[MOE_DOUBT_MODEL], 0);
}
END_TEST

/* ---- residuals --------------------------------------------------------------------------------------------------- */

#define TWENTY(x)                                                                                                      \
  x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x

static MoeModelError error_of(const char *residuals, const char *name, int experts, const char *gpu)
{
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-residuals.yaml", NULL);
  g_autoptr(GError) failure = NULL;
  MoeRun run = {.name = (char *)name, .architecture.moe.experts = experts, .cluster.accelerator.name = gpu};
  MoeModelError error;

  ck_assert(g_file_set_contents(path, residuals, -1, NULL));
  g_autoptr(MoeResiduals) r = moe_residuals_load(path, &failure);
  ck_assert_msg(r != NULL, "%s", failure ? failure->message : "");
  g_remove(path);
  moe_model_error(r, &run, &error);
  return error;
}

static const char families[] =
    "residuals:\n"
    "  - {family: a, kind: moe, gpu: x, ratios: [" TWENTY(
        "1.1") "]}\n"
               "  - {family: b, kind: moe, gpu: x, ratios: [1.3]}\n"
               "  - {family: c, kind: moe, gpu: y, ratios: [" TWENTY(
                   "2.0") "]}\n"
                          "  - {family: d, kind: dense, gpu: x, ratios: [" TWENTY("3.0") "]}\n";

START_TEST(families_weigh_alike)
{
  MoeModelError error = error_of(families, "z/v1", 8, "x");

  ck_assert_uint_eq(error.n_cases, 21);
  ck_assert_uint_eq(error.n_families, 2);
  ck_assert_str_eq(error.like, "runs with experts on x");
  ck_assert_double_eq(error.ratio[0], 1.1);
  ck_assert_double_eq(error.ratio[MOE_N_MODEL_ERRORS / 2 - 1], 1.1);
  ck_assert_double_eq(error.ratio[MOE_N_MODEL_ERRORS / 2 + 1], 1.3); /* because one case of b weighs as 20 of a */
  moe_model_error_clear(&error);
}
END_TEST

START_TEST(the_own_family_is_left_out)
{
  MoeModelError error = error_of(families, "a/v5", 8, "x");

  ck_assert_uint_eq(error.n_families, 2); /* b and c: those on x alone are too few */
  ck_assert_str_eq(error.like, "runs with experts");
  ck_assert_double_eq(error.ratio[0], 1.3);
  ck_assert_double_eq(error.ratio[MOE_N_MODEL_ERRORS - 1], 2);
  moe_model_error_clear(&error);
}
END_TEST

START_TEST(without_residuals_nothing_is_known)
{
  MoeRun run = {.name = (char *)"a", .cluster.accelerator.name = "x"};
  MoeModelError error;

  moe_model_error(NULL, &run, &error);
  ck_assert_uint_eq(error.n_cases, 0);
  ck_assert_double_eq(error.ratio[3], 1);
  moe_model_error_clear(&error);
}
END_TEST

START_TEST(damaged_residuals_are_refused)
{
  static const char *const texts[] = {"groups: []\n", "residuals: 3\n", "residuals: [{family: a, kind: moe, gpu: x}]\n",
                                      "residuals: [{family: a, kind: moe, gpu: x, ratios: [0]}]\n"};
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-residuals-bad.yaml", NULL);

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;

    ck_assert(g_file_set_contents(path, texts[i], -1, NULL));
    ck_assert_ptr_null(moe_residuals_load(path, &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  }
  g_remove(path);
}
END_TEST

MOE_TEST_MAIN("study/certainty", nothing_varies, shares_are_of_the_variance_of_the_logarithm, a_training_has_all_three,
              families_weigh_alike, the_own_family_is_left_out, without_residuals_nothing_is_known,
              damaged_residuals_are_refused)
