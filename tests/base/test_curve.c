#include "base/base.h"
#include <moetest.h>

#include <math.h>

START_TEST(linear)
{
  const MoeCurve curve = {.n = 3, .x = {1, 2, 4}, .y = {10, 20, 0}};

  ck_assert_double_eq(moe_curve_at(&curve, 0), 10);
  ck_assert_double_eq(moe_curve_at(&curve, 1), 10);
  ck_assert_double_eq(moe_curve_at(&curve, 1.5), 15);
  ck_assert_double_eq(moe_curve_at(&curve, 2), 20);
  ck_assert_double_eq(moe_curve_at(&curve, 3), 10);
  ck_assert_double_eq(moe_curve_at(&curve, 4), 0);
  ck_assert_double_eq(moe_curve_at(&curve, 1e9), 0);
}
END_TEST

START_TEST(logarithmic)
{
  const MoeCurve curve = {.n = 2, .log_x = TRUE, .x = {1024, 1048576}, .y = {0.2, 0.8}};

  /* because 32 KiB lies half way between 1 KiB and 1 MiB in powers of two */
  ck_assert_double_eq_tol(moe_curve_at(&curve, 32768), 0.5, 1e-15);
  ck_assert_double_eq(moe_curve_at(&curve, -5), 0.2);
  ck_assert_double_eq(moe_curve_at(&curve, 2e6), 0.8);
}
END_TEST

START_TEST(knots_are_exact_everywhere)
{
  MoeCurve curve = {.n = MOE_CURVE_MAX};

  for (int log_x = 0; log_x <= 1; log_x++) {
    curve.log_x = log_x;
    for (guint i = 0; i < curve.n; i++) {
      curve.x[i] = 0.1 + i * i;
      curve.y[i] = 1.0 / (i + 3);
    }
    ck_assert_ptr_null(moe_curve_check(&curve));
    for (guint i = 0; i < curve.n; i++)
      ck_assert_double_eq(moe_curve_at(&curve, curve.x[i]), curve.y[i]);
  }
}
END_TEST

START_TEST(one_point_is_a_constant)
{
  const MoeCurve curve = {.n = 1, .log_x = TRUE, .x = {5}, .y = {7}};

  ck_assert_double_eq(moe_curve_at(&curve, 0), 7);
  ck_assert_double_eq(moe_curve_at(&curve, 5), 7);
  ck_assert_double_eq(moe_curve_at(&curve, 50), 7);
}
END_TEST

START_TEST(no_value)
{
  const MoeCurve none = {.n = 0};
  const MoeCurve one = {.n = 1, .x = {1}, .y = {1}};

  ck_assert(isnan(moe_curve_at(&none, 1)));
  ck_assert(isnan(moe_curve_at(&one, NAN)));
}
END_TEST

START_TEST(checks)
{
  ck_assert_ptr_null(moe_curve_check(&(MoeCurve){.n = 0}));
  ck_assert_str_eq(moe_curve_check(&(MoeCurve){.n = MOE_CURVE_MAX + 1}), "too many points");
  ck_assert_str_eq(moe_curve_check(&(MoeCurve){.n = 2, .x = {1, 1}}), "x not increasing");
  ck_assert_str_eq(moe_curve_check(&(MoeCurve){.n = 2, .x = {1, NAN}}), "x not finite");
  ck_assert_str_eq(moe_curve_check(&(MoeCurve){.n = 1, .x = {1}, .y = {INFINITY}}), "y not finite");
  ck_assert_str_eq(moe_curve_check(&(MoeCurve){.n = 1, .log_x = TRUE, .x = {0}}),
                   "x not positive on a logarithmic axis");
}
END_TEST

MOE_TEST_MAIN("base/curve", linear, logarithmic, knots_are_exact_everywhere, one_point_is_a_constant, no_value, checks)
