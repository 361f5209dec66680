/* Dollars and energy. */
#include "study/economy.h"

/* The compute stream's share of the step; passes cover all that runs on it. */
static double busy_share(const MoeResult *result)
{
  double busy_s = 0;

  for (guint pass = 0; pass < MOE_N_PASSES; pass++)
    busy_s += result->pass_s[pass];
  return result->step_time_s > 0 ? CLAMP(busy_s / result->step_time_s, 0, 1) : 0;
}

static void fill_power(const MoeResult *result, MoeEconomy *economy)
{
  double busy = busy_share(result);

  economy->busy_share = busy;
  economy->gpu_power_w = result->gpu_power_w;
  economy->overhead = MAX(result->power_overhead, 1);
  economy->stepping_power_w = economy->overhead * result->gpu_power_w * (busy + MOE_POWER_WAITING * (1 - busy));
}

MoeEconomy moe_economy_training(const MoeResult *result, double price_gpu_hour, double tokens, double wall_s,
                                double stepping_s)
{
  MoeEconomy economy = {.price_gpu_hour = price_gpu_hour > 0 ? price_gpu_hour : result->price_gpu_hour,
                        .gpu_hours = (double)result->gpus * wall_s / MOE_SECONDS_PER_HOUR,
                        .trillion_tokens = tokens / MOE_TOKENS_PER_TRILLION};

  fill_power(result, &economy);
  double stopped_power_w = economy.overhead * economy.gpu_power_w * MOE_POWER_STOPPED;
  double joules_per_gpu = economy.stepping_power_w * stepping_s + stopped_power_w * (wall_s - stepping_s);

  economy.dollars = economy.price_gpu_hour * economy.gpu_hours;
  economy.energy_mwh = (double)result->gpus * joules_per_gpu / MOE_JOULES_PER_MWH;
  if (tokens > 0) {
    economy.dollars_per_trillion = economy.dollars / economy.trillion_tokens;
    economy.mwh_per_trillion = economy.energy_mwh / economy.trillion_tokens;
  }
  return economy;
}

MoeEconomy moe_economy_ideal(const MoeResult *result)
{
  double seconds = result->tokens_per_s > 0 ? MOE_TOKENS_PER_TRILLION / result->tokens_per_s : 0;

  return moe_economy_training(result, 0, MOE_TOKENS_PER_TRILLION, seconds, seconds);
}

MoeTrainingCost moe_training_cost_of(const MoeResult *result, double tokens)
{
  double wall_s = result->tokens_per_s > 0 ? tokens / result->tokens_per_s : 0;
  MoeEconomy economy = moe_economy_training(result, 0, tokens, wall_s, wall_s);

  return (MoeTrainingCost){.tokens = tokens,
                           .days = wall_s / MOE_SECONDS_PER_DAY,
                           .dollars = economy.dollars,
                           .mwh = economy.energy_mwh,
                           .megawatts = (double)result->gpus * economy.stepping_power_w / MOE_WATTS_PER_MEGAWATT};
}

/* ---- owned ------------------------------------------------------------------------------------------------------- */

#define HOURS_PER_YEAR 8766.0 /* 365.25 days */
#define WATTS_PER_KW   1e3

double moe_ownership_price(const MoeOwnership *own, const MoeResult *result)
{
  MoeEconomy economy = moe_economy_ideal(result);

  return own->purchase / (own->years * HOURS_PER_YEAR) + economy.stepping_power_w / WATTS_PER_KW * own->kwh;
}

/* At another overhead than the cluster's. */
static double priced_at(const MoeResult *result, double purchase, double years, double kwh, double overhead)
{
  MoeOwnership own = {purchase, years, kwh * overhead / MAX(result->power_overhead, 1)};

  return moe_ownership_price(&own, result);
}

MoeOwnedPrice moe_owned_price(const MoeResult *result)
{
  double overhead = MAX(result->power_overhead, 1), low = result->purchase_low, high = result->purchase_high;

  if (result->purchase <= 0)
    return (MoeOwnedPrice){0};
  return (MoeOwnedPrice){
      priced_at(result, result->purchase, MOE_OWN_YEARS, MOE_OWN_KWH, overhead),
      priced_at(result, low > 0 ? low : result->purchase, MOE_OWN_YEARS_MOST, MOE_OWN_KWH_LEAST,
                MIN(overhead, MOE_OWN_OVERHEAD_LEAST)),
      priced_at(result, high > 0 ? high : result->purchase, MOE_OWN_YEARS_LEAST, MOE_OWN_KWH_MOST,
                MAX(overhead, MOE_OWN_OVERHEAD_MOST)),
  };
}
