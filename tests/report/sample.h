/* A prediction with round numbers, for tests of reports: 8 GPUs, 2 s, half of it model FLOPs. */
#ifndef MOESIM_TESTS_REPORT_SAMPLE_H
#define MOESIM_TESTS_REPORT_SAMPLE_H

#include "metrics/metrics.h"

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

#endif
