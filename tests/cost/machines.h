/* Machines and kernels that cost's tests share. */
#ifndef TESTS_COST_MACHINES_H
#define TESTS_COST_MACHINES_H

#include "cost/cost.h"

#include "moetest.h"

/* A round machine: 100 SMs, 1 PFLOP/s BF16, 2 PFLOP/s FP8, 4 TB/s, no fits. */
static inline MoeAccelerator round_accelerator(void)
{
  MoeAccelerator a = {.name = "round", .quoted_peak_flop_per_s = 1e15, .sms = 100, .memory_bytes_per_s = 4e12};

  a.peak_flop_per_s[MOE_BF16] = 1e15;
  a.peak_flop_per_s[MOE_FP8] = 2e15;
  a.peak_flop_per_s[MOE_FP32] = 5e13;
  return a;
}

static inline MoeKernel gemm_kernel(int64_t m, int64_t n, int64_t k)
{
  return (MoeKernel){.klass = MOE_KERNEL_GEMM, .m = m, .n = n, .k = k, .groups = 1, .useful_share = 1, .launches = 1};
}

static inline MoeKernel grouped_kernel(int64_t groups, int64_t fullest, int64_t rows, int64_t n, int64_t k)
{
  return (MoeKernel){.klass = MOE_KERNEL_GROUPED_GEMM,
                     .groups = groups,
                     .m = fullest,
                     .rows = rows,
                     .n = n,
                     .k = k,
                     .useful_share = 1,
                     .launches = 1};
}

static inline MoeKernel attention_kernel(int64_t length, int64_t heads, MoePass pass)
{
  return (MoeKernel){.klass = MOE_KERNEL_ATTENTION,
                     .pass = pass,
                     .batch = 1,
                     .query_heads = heads,
                     .kv_heads = heads,
                     .len_q = length,
                     .len_kv = length,
                     .dim_qk = 128,
                     .dim_v = 128,
                     .causal = TRUE,
                     .launches = 1};
}

static inline MoeKernel bandwidth_kernel(MoeBandwidthKind kind, double bytes)
{
  return (MoeKernel){.klass = MOE_KERNEL_BANDWIDTH,
                     .bandwidth = kind,
                     .read_bytes = bytes / 2,
                     .write_bytes = bytes / 2,
                     .launches = 1};
}

/* Cost of a kernel; aborts the test when it has none. */
static inline MoeCost price(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state)
{
  MoeCost cost;

  ck_assert(moe_cost_kernel(model, kernel, state, &cost, NULL));
  return cost;
}

static inline double seconds(const MoeCostModel *model, const MoeKernel *kernel)
{
  return price(model, kernel, NULL).seconds;
}

#endif
