/*
 * What makes kernels slower in a training step than on the bench: the math rate that holds for weeks, communication
 * beside them, peers that are slower.
 */
#include <moesim/spec.h>

#include "internal.h"

/* Math of a kernel whose FLOPs the run does not count is work, not model FLOPs. */
static void set_uncounted_apart(const MoeKernel *kernel, MoeCost *cost)
{
  if (kernel->model_flop > 0 || kernel->pass == MOE_PASS_RECOMPUTE)
    return;
  cost->part_s[MOE_REASON_UNCOUNTED] += cost->part_s[MOE_REASON_MATH];
  cost->part_s[MOE_REASON_MATH] = 0;
}

/* Kernel constants come from benchmarks of seconds; a training step runs for weeks at its power limit. The
 * accelerator's training rate says which share of the benchmark's math rate holds there; memory and launch do not
 * depend on it. */
gboolean moe_cost_in_step(const MoeCostModel *model, const MoeKernel *kernel, guint n, const MoeMachineState *states,
                          MoeCost *cost, double *seconds, GError **error)
{
  if (!moe_cost_states(model, kernel, model->accelerator->training_rate, n, states, cost, seconds, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    seconds[i] += cost->seconds;
  set_uncounted_apart(kernel, cost);
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

double moe_cost_executed_flop(const MoeKernel *kernel)
{
  double useful_share = kernel->klass == MOE_KERNEL_GROUPED_GEMM ? kernel->useful_share : 1;

  if (kernel->model_flop > 0)
    return kernel->model_flop;
  return kernel->pass == MOE_PASS_RECOMPUTE ? moe_cost_flop(kernel) * useful_share : 0;
}
