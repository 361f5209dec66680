/* Dollars and energy of known hours and powers. */
#include "moetest.h"

#include "study/economy.h"

/* 1,000 GPUs of 1 kW at 2 dollars, half of the step in kernels, 10 T tokens in a million seconds of stepping. */
static MoeResult sample(void)
{
  MoeResult result = {.gpus = 1000,
                      .step_time_s = 2,
                      .tokens_per_s = 1e7,
                      .price_gpu_hour = 2,
                      .gpu_power_w = 1000,
                      .power_overhead = 1.2};

  result.pass_s[0] = 0.75;
  result.pass_s[1] = 0.25;
  return result;
}

START_TEST(test_hours_dollars_energy)
{
  MoeResult result = sample();
  MoeEconomy economy = moe_economy_training(&result, 0, 10e12, 7.2e6, 3.6e6); /* 2,000 h, half of them stepping */
  double stepping_w = 1.2 * 1000 * (0.5 + 0.5 * MOE_POWER_WAITING);
  double stopped_w = 1.2 * 1000 * MOE_POWER_STOPPED;

  ck_assert_double_eq_tol(economy.gpu_hours, 2e6, 1e-6);
  ck_assert_double_eq_tol(economy.dollars, 4e6, 1e-6);
  ck_assert_double_eq_tol(economy.busy_share, 0.5, 1e-12);
  ck_assert_double_eq_tol(economy.stepping_power_w, stepping_w, 1e-9);
  /* 1,000 GPUs for 1,000 h each way: a million hours of each power, in MWh. */
  ck_assert_double_eq_tol(economy.energy_mwh, stepping_w + stopped_w, 1e-6);
  ck_assert_double_eq_tol(economy.dollars_per_trillion, 4e5, 1e-6);
  ck_assert_double_eq_tol(economy.mwh_per_trillion, (stepping_w + stopped_w) / 10, 1e-6);
}
END_TEST

START_TEST(test_a_given_price_wins)
{
  MoeResult result = sample();

  ck_assert_double_eq_tol(moe_economy_training(&result, 3, 1e12, 3600, 3600).dollars, 3000, 1e-9);
}
END_TEST

START_TEST(test_unknown_stays_zero)
{
  MoeResult result = sample();

  result.price_gpu_hour = 0;
  result.gpu_power_w = 0;
  MoeEconomy economy = moe_economy_ideal(&result);

  ck_assert_double_eq(economy.dollars, 0);
  ck_assert_double_eq(economy.energy_mwh, 0);
  ck_assert_double_gt(economy.gpu_hours, 0);
}
END_TEST

START_TEST(test_ideal_is_a_trillion_tokens_without_interruption)
{
  MoeResult result = sample();
  MoeEconomy economy = moe_economy_ideal(&result);

  ck_assert_double_eq_tol(economy.gpu_hours, 1000 * 1e5 / 3600, 1e-6);
  ck_assert_double_eq_tol(economy.dollars_per_trillion, economy.dollars, 1e-9);
}
END_TEST

MOE_TEST_MAIN("study/economy", test_hours_dollars_energy, test_a_given_price_wins, test_unknown_stays_zero,
              test_ideal_is_a_trillion_tokens_without_interruption)
