#include "base/base.h"
#include <moetest.h>

#include <math.h>

#define DRAWS 200000

typedef struct {
  double mean, variance, least, largest;
} Moments;

static Moments moments_of(const double *x, guint n)
{
  Moments m = {0, 0, INFINITY, -INFINITY};

  for (guint i = 0; i < n; i++) {
    m.mean += x[i] / n;
    m.least = MIN(m.least, x[i]);
    m.largest = MAX(m.largest, x[i]);
  }
  for (guint i = 0; i < n; i++)
    m.variance += (x[i] - m.mean) * (x[i] - m.mean) / n;
  return m;
}

START_TEST(splitmix_known_answers)
{
  /* because SplitMix64 started at 1234567 gives these numbers (reference implementation by S. Vigna) */
  const uint64_t expected[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973),
                               UINT64_C(9817491932198370423)};

  for (uint64_t i = 0; i < 3; i++)
    ck_assert_uint_eq(moe_random_mix(1234567 + (i + 1) * MOE_RANDOM_STEP), expected[i]);
}
END_TEST

START_TEST(every_argument_counts)
{
  uint64_t base = moe_random_u64(1, 2, 3, 4);

  ck_assert_uint_eq(base, moe_random_u64(1, 2, 3, 4));
  ck_assert_uint_ne(base, moe_random_u64(2, 2, 3, 4));
  ck_assert_uint_ne(base, moe_random_u64(1, 3, 3, 4));
  ck_assert_uint_ne(base, moe_random_u64(1, 2, 4, 4));
  ck_assert_uint_ne(base, moe_random_u64(1, 2, 3, 5));
  ck_assert_uint_ne(base, moe_random_u64(2, 1, 3, 4));
  ck_assert_uint_ne(moe_random_stream("kernel"), moe_random_stream("kernels"));
  ck_assert_uint_eq(moe_random_stream("kernel"), moe_random_stream("kernel"));
}
END_TEST

START_TEST(neighbouring_entities_are_unrelated)
{
  /* flips of one bit of the entity change half of the 64 bits on average: 32 with standard deviation 4/sqrt(n) */
  double flips = 0;

  for (uint64_t i = 0; i < 10000; i++)
    flips += __builtin_popcountll(moe_random_u64(7, 9, i, 0) ^ moe_random_u64(7, 9, i ^ 1, 0)) / 10000.0;
  ck_assert_double_eq_tol(flips, 32, 0.2);
}
END_TEST

START_TEST(uniform_fills_the_unit_interval)
{
  g_autofree double *x = g_new(double, DRAWS);
  guint bins[100] = {0};

  for (guint i = 0; i < DRAWS; i++) {
    x[i] = moe_random_unit(5, moe_random_stream("test"), i % 100, i / 100);
    ck_assert(x[i] >= 0 && x[i] < 1);
    bins[(guint)(x[i] * 100)]++;
  }
  Moments m = moments_of(x, DRAWS);
  ck_assert_double_eq_tol(m.mean, 0.5, 0.004);
  ck_assert_double_eq_tol(m.variance, 1.0 / 12, 0.001);
  for (guint b = 0; b < 100; b++)
    ck_assert_uint_lt(bins[b] < 2000 ? 2000 - bins[b] : bins[b] - 2000, 250); /* 5.6 standard deviations of 44.5 */
  ck_assert_double_lt(moe_random_to_unit(UINT64_MAX), 1);
}
END_TEST

START_TEST(normal_moments)
{
  g_autofree double *x = g_new(double, DRAWS);
  double third = 0;
  double fourth = 0;

  for (guint i = 0; i < DRAWS; i++) {
    x[i] = moe_random_normal(11, 12, 13, i);
    third += x[i] * x[i] * x[i] / DRAWS;
    fourth += x[i] * x[i] * x[i] * x[i] / DRAWS;
  }
  Moments m = moments_of(x, DRAWS);
  ck_assert_double_eq_tol(m.mean, 0, 0.012);
  ck_assert_double_eq_tol(m.variance, 1, 0.016);
  ck_assert_double_eq_tol(third, 0, 0.05);
  ck_assert_double_eq_tol(fourth, 3, 0.11);
  ck_assert(isfinite(m.least) && isfinite(m.largest));
}
END_TEST

START_TEST(gamma_moments)
{
  /* mean and variance of gamma(shape, 1) both equal the shape */
  const double shapes[] = {0.05, 0.5, 1, 2.5, 20, 1000};
  g_autofree double *x = g_new(double, DRAWS);

  for (size_t s = 0; s < G_N_ELEMENTS(shapes); s++) {
    for (guint i = 0; i < DRAWS; i++)
      x[i] = moe_random_gamma(shapes[s], 3, 4, 5, i);
    Moments m = moments_of(x, DRAWS);
    double deviation = sqrt(shapes[s] / DRAWS);
    double spread = sqrt((2 * shapes[s] * shapes[s] + 6 * shapes[s]) / DRAWS);
    ck_assert_double_eq_tol(m.mean, shapes[s], 5 * deviation);
    ck_assert_double_eq_tol(m.variance, shapes[s], 5 * spread);
    ck_assert(m.least >= 0 && isfinite(m.largest));
  }
}
END_TEST

START_TEST(successive_gammas_share_no_number)
{
  /* because a draw owns 64 indices, two draws are uncorrelated: correlation within 5 / sqrt(n) */
  double sum = 0;
  double last = moe_random_gamma(2, 8, 8, 8, 0) - 2;

  for (guint i = 1; i < DRAWS; i++) {
    double next = moe_random_gamma(2, 8, 8, 8, i) - 2;
    sum += last * next / 2 / DRAWS;
    last = next;
  }
  ck_assert_double_eq_tol(sum, 0, 5 / sqrt(DRAWS));
}
END_TEST

START_TEST(expected_maximum_of_normals)
{
  /* exact values: Harter 1961, Biometrika 48, table 1 (n = 2, 8, 100); a single draw has mean 0 */
  ck_assert_double_eq(moe_normal_expected_maximum(1), 0);
  ck_assert_double_eq_tol(moe_normal_expected_maximum(2), 0.5642, 0.03);
  ck_assert_double_eq_tol(moe_normal_expected_maximum(8), 1.4236, 0.011);
  ck_assert_double_eq_tol(moe_normal_expected_maximum(100), 2.5076, 0.01);
  ck_assert_double_gt(moe_normal_expected_maximum(8192), moe_normal_expected_maximum(4096));
}
END_TEST

MOE_TEST_MAIN("base/random", splitmix_known_answers, every_argument_counts, neighbouring_entities_are_unrelated,
              uniform_fills_the_unit_interval, normal_moments, gamma_moments, successive_gammas_share_no_number,
              expected_maximum_of_normals)
