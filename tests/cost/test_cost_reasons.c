/* Reasons: they sum to the time, each means what it says. */
#include <math.h>

#include "machines.h"

static double sum_of_parts(const MoeCost *cost)
{
  double sum = 0;

  for (int reason = 0; reason < MOE_N_REASONS; reason++)
    sum += cost->part_s[reason];
  return sum;
}

/* Of every class, small and large, alone and beside a communication kernel. */
START_TEST(test_parts_sum_exactly)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeMachineState states[] = {{100, 1}, {80, 0.7}, {1, 0.1}};
  MoeKernel kernels[] = {gemm_kernel(1, 1, 1),
                         gemm_kernel(4096, 7168, 2048),
                         gemm_kernel(64, 4096, 16384),
                         grouped_kernel(8, 1000, 6000, 4096, 7168),
                         attention_kernel(100, 3, MOE_PASS_FORWARD),
                         attention_kernel(8192, 64, MOE_PASS_DGRAD),
                         bandwidth_kernel(MOE_BANDWIDTH_NORM, 1e8)};

  for (guint k = 0; k < G_N_ELEMENTS(kernels); k++)
    for (guint s = 0; s < G_N_ELEMENTS(states); s++) {
      MoeCost cost = price(model, &kernels[k], &states[s]);

      ck_assert(cost.seconds > 0);
      ck_assert(cost.seconds == sum_of_parts(&cost));
    }
}
END_TEST

/* MFU's numerator: what the kernel carries as model FLOPs, at the quoted peak whatever the precision. */
START_TEST(test_math_is_model_flops_at_quoted_peak)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel kernel = gemm_kernel(4096, 4096, 4096);

  kernel.precision = MOE_FP8;
  kernel.model_flop = moe_cost_flop(&kernel);
  MoeCost cost = price(model, &kernel, NULL);
  ck_assert_double_eq_tol(cost.part_s[MOE_REASON_MATH], 2 * pow(4096, 3) / 1e15, 1e-15);
  ck_assert_double_eq_tol(cost.part_s[MOE_REASON_PRECISION], -0.5 * cost.part_s[MOE_REASON_MATH], 1e-15);
}
END_TEST

/* Rounding expert counts to the tile removes exactly the padding that was charged: with useful rows unchanged, the
 * padded kernel's PADDING is the FLOPs of the empty rows, and the rounded kernel has none. */
START_TEST(test_padding_is_the_empty_rows)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel padded = grouped_kernel(8, 1024, 8192, 4096, 7168);
  MoeKernel rounded = grouped_kernel(8, 1024, 7168, 4096, 7168);

  padded.useful_share = 7168.0 / 8192;
  MoeCost a = price(model, &padded, NULL), b = price(model, &rounded, NULL);
  ck_assert_double_eq_tol(a.part_s[MOE_REASON_PADDING], 2.0 * 1024 * 4096 * 7168 / 1e15, 1e-12);
  ck_assert_double_eq_tol(b.part_s[MOE_REASON_PADDING], 0, 1e-15);
  ck_assert_double_eq_tol(a.part_s[MOE_REASON_MATH], b.part_s[MOE_REASON_MATH], 1e-12);
}
END_TEST

/* Counts that are multiples of the tile waste no row; odd ones waste half a tile per group on average. */
START_TEST(test_unrounded_counts_waste_half_tiles)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel even = grouped_kernel(64, 1024, 64 * 512, 4096, 7168),
            odd = grouped_kernel(64, 1023, 64 * 512 - 1, 4096, 7168);
  double even_waste = price(model, &even, NULL).part_s[MOE_REASON_TILE];
  double odd_waste = price(model, &odd, NULL).part_s[MOE_REASON_TILE];

  ck_assert_double_eq_tol(even_waste, 0, 1e-12);
  /* between half of the smallest and half of the largest tile of 64 groups */
  ck_assert_double_gt(odd_waste, 2.0 * 64 * 30 * 4096 * 7168 / 1e15);
  ck_assert_double_lt(odd_waste, 2.0 * 64 * 130 * 4096 * 7168 / 1e15);
}
END_TEST

/* Fewer SMs and less bandwidth make a kernel slower, all of it contention; the other reasons stay. */
START_TEST(test_contention_is_the_difference)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel kernel = gemm_kernel(8192, 8192, 8192);
  MoeMachineState crowded = {80, 1};
  MoeCost alone = price(model, &kernel, NULL), beside = price(model, &kernel, &crowded);

  ck_assert_double_eq(alone.part_s[MOE_REASON_CONTENTION], 0);
  ck_assert_double_eq_tol(beside.seconds - alone.seconds, beside.part_s[MOE_REASON_CONTENTION], 1e-12);
  /* compute-bound: a fifth of the SMs gone is about a quarter more time, waves make it a little more or less */
  ck_assert_double_gt(beside.seconds / alone.seconds, 1.15);
  ck_assert_double_lt(beside.seconds / alone.seconds, 1.35);
}
END_TEST

/* Flash backward rebuilds the scores: one product of five, no model FLOPs. */
START_TEST(test_backward_rebuilds_scores)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel kernel = attention_kernel(4096, 32, MOE_PASS_DGRAD);
  MoeCost cost = price(model, &kernel, NULL);

  ck_assert_double_eq_tol(cost.part_s[MOE_REASON_RECOMPUTE] / cost.part_s[MOE_REASON_MATH], 0.25, 1e-9);
}
END_TEST

MOE_TEST_MAIN("cost/reasons", test_parts_sum_exactly, test_math_is_model_flops_at_quoted_peak,
              test_padding_is_the_empty_rows, test_unrounded_counts_waste_half_tiles, test_contention_is_the_difference,
              test_backward_rebuilds_scores)
