/*
 * economy: dollars and energy of a run. Part of study (floor 8).
 *
 *     dollars = price x GPUs x hours                    price and hours are of rented or owned GPUs, working or not
 *     energy  = overhead x GPUs x (power_stepping x hours stepping + power_stopped x hours not stepping)
 *     power_stepping = power x (busy share + MOE_POWER_WAITING x (1 - busy share))
 *
 * The busy share is that of the compute stream in the predicted step. `overhead` is what host, network, cooling and
 * power supply add to the GPU's power (PUE and more); 1 where the cluster does not say.
 */
#ifndef MOESIM_ECONOMY_H
#define MOESIM_ECONOMY_H

#include "metrics/metrics.h"

G_BEGIN_DECLS

/* Share of its board power that a GPU draws while its compute stream waits, and while the job does not step. Assumed:
 * Patel et al. 2024 (POLCA, ASPLOS; https://arxiv.org/abs/2308.12908) describe training power that swings between the
 * board limit in compute phases and far less in communication phases, down to idle; an idle H100 draws about a tenth of
 * 700 W. */
#define MOE_POWER_WAITING 0.5
#define MOE_POWER_STOPPED 0.1

/* What owning takes besides the purchase: years of writing off, dollars per kWh, and power over that of the GPUs, each
 * as it is and its range.
 *
 *   years     4 is usual; 3 in https://www.cliffcenter.com/research/amd-inference-economics (May 2026), 6 in the annual
 *             report of Alphabet (10-K of 2022: six years from January 2023)
 *   power     industrial power in the United States, April 2025: 6.0 cents in Iowa, 9.0 in the Middle Atlantic states
 *             (EIA, Electric Power Monthly, Table 5.6.A, https://www.eia.gov/electricity/monthly/)
 *   overhead  power.overhead of the cluster; hosts and switches 1.1 to 1.39 (a rack of GB200 NVL72 draws about 120 kW,
 *             its 72 GPUs 86), times a PUE of 1.1 (the best fleets) to 1.54 (mean of the Uptime Institute's survey of
 *             2025) */
#define MOE_OWN_YEARS          4.0
#define MOE_OWN_YEARS_LEAST    3.0
#define MOE_OWN_YEARS_MOST     6.0
#define MOE_OWN_KWH            0.08
#define MOE_OWN_KWH_LEAST      0.06
#define MOE_OWN_KWH_MOST       0.09
#define MOE_OWN_OVERHEAD_LEAST (1.1 * 1.1)
#define MOE_OWN_OVERHEAD_MOST  (1.39 * 1.54)

#define MOE_SECONDS_PER_HOUR    3600.0
#define MOE_SECONDS_PER_DAY     86400.0
#define MOE_WATTS_PER_MEGAWATT  1e6
#define MOE_JOULES_PER_MWH      3.6e9
#define MOE_TOKENS_PER_TRILLION 1e12

/* A training of `tokens` that takes `wall_s`, of which `stepping_s` stepping. `price_gpu_hour` 0 = the result's. */
MoeEconomy moe_economy_training(const MoeResult *result, double price_gpu_hour, double tokens, double wall_s,
                                double stepping_s);
/* The same at the predicted step, without interruption; 0 where price or power is not known. */
typedef struct {
  double tokens, days, dollars, mwh, megawatts;
} MoeTrainingCost;
MoeTrainingCost moe_training_cost_of(const MoeResult *result, double tokens);
/* What owning GPUs takes instead of renting them. */
typedef struct {
  double purchase; /* dollars per GPU, with its part of host and network */
  double years;    /* over which it is written off */
  double kwh;      /* dollars per kWh of power, host, network and cooling included by the cluster's power.overhead */
} MoeOwnership;
/* Dollars per GPU-hour: purchase / years, and the mean power of the run while it steps. */
double moe_ownership_price(const MoeOwnership *own, const MoeResult *result);

/* The same of the cluster's own purchase price, and its range over all of the above; 0 = no purchase price. */
typedef struct {
  double price, low, high;
} MoeOwnedPrice;
MoeOwnedPrice moe_owned_price(const MoeResult *result);

/* A trillion tokens at the predicted step, without interruption: for tables that compare and rank runs. */
MoeEconomy moe_economy_ideal(const MoeResult *result);

G_END_DECLS

#endif
