/* A prediction with round numbers, for tests of reports: 8 GPUs, 2 s, half of it model FLOPs. */
#ifndef MOESIM_TESTS_SAMPLE_RESULT_H
#define MOESIM_TESTS_SAMPLE_RESULT_H

#include "metrics/metrics.h"
#include <math.h>
#include <moesim/explain.h>
#include <moesim/sensitivity.h>

static inline MoeResult *sample_result(void)
{
  MoeResult *result = g_new0(MoeResult, 1);

  result->run = g_strdup("model, \"small\"");
  result->cluster = g_strdup("lab");
  result->stack = g_strdup("plain");
  result->gpus = 8;
  result->fidelity = MOE_FIDELITY_FOLDED;
  result->parameters_total = 70e9;
  result->parameters_active = 7e9;
  result->model_flops_per_token_causal = 42e9;
  result->model_flops_per_token_full = 63e9;
  result->tokens_per_step = 16384;
  result->step_time_s = 2;
  result->tokens_per_s = 8192;
  result->tokens_per_s_per_gpu = 1024;
  result->model_flop_per_s_per_gpu_causal = 500e12;
  result->model_flop_per_s_per_gpu_full = 750e12;
  result->mfu_causal = 0.5;
  result->mfu_full = 0.75;
  result->hfu = 0.6;
  result->peak_flop_per_s = 1e15;
  result->peak_precision = "bf16";
  result->memory.peak_bytes = 90e9;
  result->memory.capacity_bytes = 80e9;
  result->memory.n_roles = 1;
  result->memory.role = g_new0(MoeFootprint, 1);
  result->memory.role[0].peak_bytes = 90e9;
  result->cause_s[MOE_CAUSE_MATH] = 1;
  result->cause_s[MOE_CAUSE_KERNEL_INEFFICIENCY] = 0.25;
  result->cause_s[MOE_CAUSE_NETWORK_EXPOSED] = 0.5;
  result->cause_s[MOE_CAUSE_HOST] = 0.25;
  result->events = 1000;
  result->wall_time_s = 0.125;
  return result;
}

/* The same with a published MFU of 40 % causal. */
static inline MoeResult *sample_published(void)
{
  MoeResult *result = sample_result();

  result->published.present = TRUE;
  result->published.mfu = 0.4;
  result->published.step_time_s = 2.5;
  result->published.step_time_derived = TRUE;
  result->published.source = g_strdup("Table 1");
  return result;
}

static inline GPtrArray *sample_list(MoeResult *first, MoeResult *second)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);

  g_ptr_array_add(list, first);
  if (second)
    g_ptr_array_add(list, second);
  return list;
}

/* 2 s: a second of math, of which the MFU counts 0.9 s; 0.5 s of network; two small causes that were removed together.
 */
static inline MoeExplanation sample_explanation(MoeResult *result)
{
  MoeExplanation x = {.result = result, .n_causes = 3, .n_orders = 8, .n_simulations = 20, .interaction_s = -0.01};

  result->mfu_causal = 0.45;
  x.causes[0] = (MoeLossShare){MOE_CAUSE_NETWORK_EXPOSED, TRUE, 0.5, 0.6, 0.4, 0.5, FALSE, 0.02};
  x.causes[1] = (MoeLossShare){MOE_CAUSE_HOST, TRUE, 0.25, 0.25, 0.25, 0.25, TRUE, 0.3};
  x.causes[2] = (MoeLossShare){MOE_CAUSE_COPY_EXPOSED, TRUE, 0.25, 0.25, 0.25, 0.25, TRUE, 0};
  x.left_s[MOE_CAUSE_MATH] = 1;
  return x;
}

/* Between 40 and 60 % with one assumption, nothing at all with the other. */
static inline MoeSensitivity sample_sensitivity(MoeResult *result, MoeSwing swings[2])
{
  swings[0] = (MoeSwing){.key = (char *)"stack.host.step",
                         .low = (char *)"20 ms",
                         .high = (char *)"10 ms",
                         .mfu_low = 0.4,
                         .mfu_high = 0.6,
                         .step_low_s = 2.5,
                         .step_high_s = 1.25};
  swings[1] = (MoeSwing){.key = (char *)"parallelism.zero",
                         .mfu_low = NAN,
                         .mfu_high = NAN,
                         .n_failed = 2,
                         .failure = (char *)"no such stage"};
  return (MoeSensitivity){.result = result,
                          .n_samples = 10,
                          .n_failed = 4,
                          .failure = (char *)"no such stage",
                          .mfu_causal = {0.425, 0.5, 0.575},
                          .mfu_full = {NAN, NAN, NAN},
                          .step_time_s = {1.5, 2, 2.25},
                          .n_swings = 2,
                          .swings = swings,
                          .n_simulations = 14};
}

/* Its interval with the model's own error. */
static inline void sample_interval(MoeResult *result)
{
  result->interval.samples = 10;
  result->interval.mfu_causal_p10 = 0.4;
  result->interval.mfu_causal_p50 = 0.5;
  result->interval.mfu_causal_p90 = 0.625;
  result->interval.mfu_full_p10 = result->interval.mfu_full_p50 = result->interval.mfu_full_p90 = NAN;
  result->interval.step_time_p10_s = 1.25;
  result->interval.step_time_p50_s = 2;
  result->interval.step_time_p90_s = 2.5;
  result->interval.assumptions_share = 0.25;
  result->interval.model_share = 0.75;
}

#endif
