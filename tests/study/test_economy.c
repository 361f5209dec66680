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

/* 35,064 dollars over four years of 8,766 hours are a dollar an hour; power besides at 8 cents. */
START_TEST(test_owned_instead_of_rented)
{
  MoeResult result = sample();
  double stepping_kw = (0.5 + 0.5 * MOE_POWER_WAITING);

  ck_assert_double_eq(moe_owned_price(&result).price, 0); /* nobody said what it costs */
  result.purchase = 35064;
  MoeOwnedPrice owned = moe_owned_price(&result);
  ck_assert_double_eq_tol(owned.price, 1 + 1.2 * stepping_kw * MOE_OWN_KWH, 1e-9);
  ck_assert_double_eq_tol(owned.low, 4 / MOE_OWN_YEARS_MOST + 1.2 * stepping_kw * MOE_OWN_KWH_LEAST, 1e-9);
  ck_assert_double_eq_tol(owned.high, 4 / MOE_OWN_YEARS_LEAST + MOE_OWN_OVERHEAD_MOST * stepping_kw * MOE_OWN_KWH_MOST,
                          1e-9);
  result.purchase_low = 17532;
  result.purchase_high = 70128;
  MoeOwnedPrice ranged = moe_owned_price(&result);
  ck_assert_double_eq_tol(ranged.price, owned.price, 1e-12);
  ck_assert_double_eq_tol(owned.low - ranged.low, 2 / MOE_OWN_YEARS_MOST, 1e-9);
  ck_assert_double_eq_tol(ranged.high - owned.high, 4 / MOE_OWN_YEARS_LEAST, 1e-9);
}
END_TEST

MOE_TEST_MAIN("study/economy", test_owned_instead_of_rented, test_hours_dollars_energy, test_a_given_price_wins,
              test_unknown_stays_zero, test_ideal_is_a_trillion_tokens_without_interruption)
