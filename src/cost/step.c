/*
 * What makes kernels slower in a training step than on the bench: the math rate that holds for weeks, communication
 * beside them, peers that are slower.
 */
#include <moesim/spec.h>

#include "internal.h"

/* Kernel constants come from benchmarks of seconds; a training step runs for weeks at its power limit. The
 * accelerator's training rate says which share of the benchmark's math rate holds there; memory and launch do not
 * depend on it. Time to add to a kernel that takes `seconds` on the bench. */
static double at_training_rate(const MoeCostModel *model, const MoeKernel *kernel, const MoeCost *cost, double seconds)
{
  double math_s = seconds - cost->part_s[MOE_REASON_MEMORY] - cost->part_s[MOE_REASON_FLOOR];

  return moe_cost_class(kernel->klass)->no_math ? 0 : math_s * (1 / model->accelerator->training_rate - 1);
}

/* Math of a kernel whose FLOPs the run does not count is work, not model FLOPs. */
static void set_uncounted_apart(const MoeKernel *kernel, MoeCost *cost)
{
  if (kernel->model_flop > 0 || kernel->pass == MOE_PASS_RECOMPUTE)
    return;
  cost->part_s[MOE_REASON_UNCOUNTED] += cost->part_s[MOE_REASON_MATH];
  cost->part_s[MOE_REASON_MATH] = 0;
}

/* The sum of the parts of what a kernel costs alone, with that much contention. */
static double contended(const MoeCost *idle, double contention_s)
{
  double seconds = 0;

  for (int reason = 0; reason < MOE_N_REASONS; reason++)
    seconds += reason == MOE_REASON_CONTENTION ? contention_s : idle->part_s[reason];
  return seconds;
}

gboolean moe_cost_in_step(const MoeCostModel *model, const MoeKernel *kernel, guint n, const MoeMachineState *states,
                          MoeCost *cost, double *seconds, GError **error)
{
  if (!moe_cost_kernel_states(model, kernel, n, states, cost, seconds, error))
    return FALSE;

  const MoeCost idle = *cost;
  double rate_s = at_training_rate(model, kernel, cost, cost->seconds);
  cost->seconds += rate_s;
  cost->part_s[MOE_REASON_SUSTAINED] += rate_s;
  set_uncounted_apart(kernel, cost);
  for (guint i = 0; i < n; i++) {
    seconds[i] = contended(&idle, seconds[i]);
    seconds[i] += at_training_rate(model, kernel, cost, seconds[i]);
  }
  return TRUE;
}

/* However much communication runs, some of the machine is left: this share of the memory bandwidth. */
#define LEAST_MEMORY_SHARE 0.1

MoeMachineState moe_cost_beside(const MoeAccelerator *accelerator, int64_t sms, double bytes_per_s)
{
  double share = 1 - bytes_per_s / accelerator->memory_bytes_per_s;

  return (MoeMachineState){.sms = MAX(accelerator->sms - sms, 1),
                           .memory_share = CLAMP(share, LEAST_MEMORY_SHARE, 1.0)};
}

double moe_cost_lock_step_pace(const MoeAccelerator *accelerator, double n_gpus)
{
  return 1 + accelerator->speed_spread * moe_normal_expected_maximum(n_gpus);
}

double moe_cost_paced(const MoeKernel *kernel, double pace)
{
  return moe_cost_class(kernel->klass)->no_math ? 1 : pace;
}

/* FLOPs of a kernel's shape. */
static double shape_flop(const MoeKernel *kernel)
{
  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
    return 2.0 * kernel->m * kernel->n * kernel->k * MAX(kernel->groups, 1);
  case MOE_KERNEL_GROUPED_GEMM:
    return 2.0 * kernel->rows * kernel->useful_share * kernel->n * kernel->k;
  case MOE_KERNEL_ATTENTION: {
    double keys =
        kernel->window > 0 ? MIN(kernel->window, kernel->len_kv) : kernel->len_kv / (kernel->causal ? 2.0 : 1.0);
    double forward =
        2.0 * kernel->batch * kernel->query_heads * kernel->len_q * keys * (kernel->dim_qk + kernel->dim_v);

    return kernel->pass == MOE_PASS_DGRAD ? 2 * forward : forward;
  }
  default:
    return 0;
  }
}

double moe_cost_executed_flop(const MoeKernel *kernel)
{
  if (kernel->model_flop > 0)
    return kernel->model_flop;
  return kernel->pass == MOE_PASS_RECOMPUTE ? shape_flop(kernel) : 0;
}
