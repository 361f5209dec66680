#include "base/base.h"
#include <moetest.h>

#include <math.h>

START_TEST(whole_picoseconds_stay_whole)
{
  /* because 2e-6 * 1e12 may miss 2,000,000 by a rounding error, which must not cost a picosecond */
  for (int64_t us = 1; us < 5000; us++) {
    ck_assert_int_eq(moe_time_from_seconds((double)us / 1e6), us * 1000000);
    ck_assert_int_eq(moe_time_from_seconds((double)us * 1e-6), us * 1000000);
  }
}
END_TEST

START_TEST(parts_round_up)
{
  ck_assert_int_eq(moe_time_from_seconds(1.2e-12), 2);
  ck_assert_int_eq(moe_time_from_seconds(1e-15), 1);
  ck_assert_int_eq(moe_time_from_seconds(0.25e-12 + 7e-12), 8);
}
END_TEST

START_TEST(what_has_no_time_is_zero_or_max)
{
  ck_assert_int_eq(moe_time_from_seconds(-1), 0);
  ck_assert_int_eq(moe_time_from_seconds(0), 0);
  ck_assert_int_eq(moe_time_from_seconds(NAN), 0);
  ck_assert_int_eq(moe_time_from_seconds(-INFINITY), 0);
  ck_assert_int_eq(moe_time_from_seconds(INFINITY), MOE_TIME_MAX);
  ck_assert_int_eq(moe_time_from_seconds(9223372.036854775808), MOE_TIME_MAX);
  ck_assert_int_lt(moe_time_from_seconds(9223372.0), MOE_TIME_MAX);
}
END_TEST

START_TEST(seconds_and_back)
{
  ck_assert_double_eq(moe_time_to_seconds(1), 1e-12);
  ck_assert_double_eq(moe_time_to_seconds(7390000000000), 7.39);
  for (MoeTime t = 1; t < INT64_C(1) << 51; t = t * 3 + 1)
    ck_assert_int_eq(moe_time_from_seconds(moe_time_to_seconds(t)), t);
}
END_TEST

START_TEST(addition_saturates)
{
  ck_assert_int_eq(moe_time_add(1, 2), 3);
  ck_assert_int_eq(moe_time_add(MOE_TIME_MAX - 1, 1), MOE_TIME_MAX);
  ck_assert_int_eq(moe_time_add(MOE_TIME_MAX, 1), MOE_TIME_MAX);
  ck_assert_int_eq(moe_time_add(MOE_TIME_MAX, MOE_TIME_MAX), MOE_TIME_MAX);
}
END_TEST

START_TEST(integer_helpers)
{
  ck_assert_int_eq(moe_ceil_div(0, 8), 0);
  ck_assert_int_eq(moe_ceil_div(1, 8), 1);
  ck_assert_int_eq(moe_ceil_div(16, 8), 2);
  ck_assert_int_eq(moe_round_up(17, 8), 24);
}
END_TEST

MOE_TEST_MAIN("base/time", whole_picoseconds_stay_whole, parts_round_up, what_has_no_time_is_zero_or_max,
              seconds_and_back, addition_saturates, integer_helpers)
