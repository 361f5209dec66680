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

#define MOE_SECONDS_PER_HOUR    3600.0
#define MOE_JOULES_PER_MWH      3.6e9
#define MOE_TOKENS_PER_TRILLION 1e12

/* A training of `tokens` that takes `wall_s`, of which `stepping_s` stepping. `price_gpu_hour` 0 = the result's. */
MoeEconomy moe_economy_training(const MoeResult *result, double price_gpu_hour, double tokens, double wall_s,
                                double stepping_s);
/* A trillion tokens at the predicted step, without interruption: for tables that compare and rank runs. */
MoeEconomy moe_economy_ideal(const MoeResult *result);

G_END_DECLS

#endif
