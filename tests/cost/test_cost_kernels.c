/* Mechanisms: what makes a kernel longer, and by how much. */
#include <math.h>

#include "machines.h"

/* More rows never cost less; one row past a full wave costs more than a row inside it. */
START_TEST(test_time_grows_with_rows_in_waves)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  double before = 0;

  for (int64_t m = 128; m <= 16384; m += 128) {
    MoeKernel kernel = gemm_kernel(m, 6144, 4096);
    double now = seconds(model, &kernel);

    ck_assert_double_ge(now, before * 0.97); /* a larger output may allow a better tile: never much less */
    before = now;
  }
}
END_TEST

/* Large squares approach the sustained share; small ones do not fill the machine. */
START_TEST(test_rate_rises_to_sustained)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  guint n;
  double sustained = moe_cost_constants(MOE_KERNEL_GEMM, &n)[0].generic, before = 0;

  for (int64_t size = 512; size <= 16384; size *= 2) {
    MoeKernel kernel = gemm_kernel(size, size, size);
    double share = moe_cost_flop(&kernel) / seconds(model, &kernel) / 1e15;

    ck_assert_double_gt(share, before);
    ck_assert_double_lt(share, sustained);
    before = share;
  }
  ck_assert_double_gt(before, 0.85 * sustained);
}
END_TEST

/* Work behind a product hides beside a long reduction and decides beside a short one: a value in 0.395 ns of an SM. */
START_TEST(test_work_behind_a_product_shows_where_it_takes_longer)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel longest = grouped_kernel(8, 4096, 32768, 4096, 32768), shortest = grouped_kernel(8, 4096, 32768, 4096, 128);
  double alone_s = seconds(model, &longest), short_s = seconds(model, &shortest);

  longest.fused_width = shortest.fused_width = 4096;
  ck_assert_double_eq(seconds(model, &longest), alone_s);
  double behind_s = seconds(model, &shortest), floor_s = behind_s - 32768.0 * 4096 * 0.395e-9 / 100;

  ck_assert_double_gt(behind_s, short_s);
  ck_assert_double_ge(floor_s, 0);
  ck_assert_double_lt(floor_s, 5e-6);
}
END_TEST

/* The same tokens over ever smaller experts: arithmetic intensity falls, so does the rate. */
START_TEST(test_grouped_rate_falls_with_granularity)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  double before = INFINITY;

  for (int64_t groups = 4; groups <= 512; groups *= 2) {
    MoeKernel kernel = grouped_kernel(groups, 65536 / groups, 65536, 4096, 7168);
    double rate = moe_cost_flop(&kernel) / seconds(model, &kernel);

    ck_assert_double_le(rate, before);
    before = rate;
  }
}
END_TEST

/* Weight gradients of experts write, and read when they accumulate, one FP32 matrix per expert. */
START_TEST(test_grouped_wgrad_pays_for_its_output)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel kernel = grouped_kernel(256, 128, 256 * 128, 4096, 7168);

  kernel.pass = MOE_PASS_WGRAD;
  kernel.output = MOE_FP32;
  double written = seconds(model, &kernel);
  kernel.accumulate = TRUE;
  double added = seconds(model, &kernel);
  /* 30 GB more through at most 4 TB/s */
  ck_assert_double_gt(added - written, 256.0 * 4096 * 7168 * 4 / 4e12);
}
END_TEST

/* Unmasked scores, counted one by one. */
static int64_t count_scores(int64_t q, int64_t kv, int64_t window)
{
  int64_t scores = 0;

  for (int64_t i = 0; i < q; i++)
    for (int64_t j = 0; j < kv; j++) {
      int64_t position = kv - q + i;
      scores += j <= position && (window == 0 || j > position - window);
    }
  return scores;
}

START_TEST(test_attention_counts_unmasked_scores)
{
  static const int64_t cases[][3] = {{64, 64, 0}, {64, 64, 16}, {32, 64, 0}, {32, 64, 8}, {64, 64, 200}, {1, 64, 16}};

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    MoeKernel kernel = attention_kernel(cases[i][0], 3, MOE_PASS_FORWARD);

    kernel.len_kv = cases[i][1];
    kernel.window = cases[i][2];
    kernel.dim_qk = 192;
    double expected = 3.0 * (double)count_scores(cases[i][0], cases[i][1], cases[i][2]) * 2 * (192 + 128);
    ck_assert_double_eq_tol(moe_cost_flop(&kernel), expected, 0.5);
    kernel.pass = MOE_PASS_DGRAD;
    ck_assert_double_eq_tol(moe_cost_flop(&kernel), expected / 320 * (3 * 192 + 2 * 128), 0.5);
  }
}
END_TEST

/* Diagonal tiles cost whole ones: causal is more than half of full, and approaches half; a window makes time linear in
 * length. */
START_TEST(test_masks_save_time)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel causal = attention_kernel(65536, 16, MOE_PASS_FORWARD), full = causal, windowed = causal, twice;

  full.causal = FALSE;
  windowed.window = 512;
  twice = windowed;
  twice.len_q = twice.len_kv = 2 * 65536;
  double ratio = seconds(model, &causal) / seconds(model, &full);
  ck_assert_double_gt(ratio, 0.5);
  ck_assert_double_lt(ratio, 0.55);
  ck_assert_double_eq_tol(seconds(model, &twice) / seconds(model, &windowed), 2, 0.1);
}
END_TEST

/* Four heads of a short sequence leave SMs idle: more than a quarter of the time of sixteen. */
START_TEST(test_few_heads_leave_sms_idle)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel few = attention_kernel(2048, 2, MOE_PASS_FORWARD), many = attention_kernel(2048, 64, MOE_PASS_FORWARD);
  double few_rate = moe_cost_flop(&few) / seconds(model, &few),
         many_rate = moe_cost_flop(&many) / seconds(model, &many);

  ck_assert_double_lt(few_rate, 0.4 * many_rate);
}
END_TEST

/* t = floor + bytes / rate, per kind. */
static double in_step(const MoeCostModel *model, const MoeKernel *kernel)
{
  MoeCost cost;

  ck_assert(moe_cost_in_step(model, kernel, 0, NULL, &cost, NULL, NULL));
  return cost.seconds;
}

/* A power cap slows what math bounds, by the cube root of the power left for it and below the least voltage in
 * proportion; memory-bound kernels, products among them, take what they took. */
START_TEST(test_power_cap_slows_math)
{
  MoeAccelerator full = round_accelerator(), capped;
  MoeStack stack = {0};
  MoeKernel large = gemm_kernel(8192, 8192, 8192), thin = gemm_kernel(16, 16384, 16384);
  MoeKernel copy = bandwidth_kernel(MOE_BANDWIDTH_MEMCPY, 1e9);

  full.training_rate = 0.8;
  full.power_w = 700;
  capped = full;
  capped.power_cap_w = 600;
  g_autoptr(MoeCostModel) before = moe_cost_model_new(&full, &stack, NULL),
                          after = moe_cost_model_new(&capped, &stack, NULL);
  double slower = cbrt((700 - 0.15 * 700) / (600 - 0.15 * 700));

  ck_assert_double_eq_tol(in_step(after, &large) / in_step(before, &large), slower, 0.02);
  ck_assert_double_eq_tol(in_step(after, &thin) / in_step(before, &thin), 1, 0.04);
  ck_assert_double_eq(in_step(after, &copy), in_step(before, &copy));
}
END_TEST

/* What draws more than the board has runs at the clock that its power allows, standing power apart: products and
 * attention each by their own draw, what draws less and memory traffic as on the bench; a cap takes the board's place.
 */
START_TEST(test_power_lowers_the_clock_of_what_draws_more)
{
  MoeAccelerator bench = round_accelerator(), board, capped;
  MoeStack stack = {.family.attention = "cudnn"}, older = {.family.attention = "fa2"};
  MoeKernel product = gemm_kernel(16384, 16384, 16384), copy = bandwidth_kernel(MOE_BANDWIDTH_MEMCPY, 1e9);
  MoeKernel forward = attention_kernel(16384, 64, MOE_PASS_FORWARD),
            backward = attention_kernel(16384, 64, MOE_PASS_DGRAD);

  bench.training_rate = 1;
  board = bench;
  board.power_w = 700;
  board.draw = (MoeDraw){.standing_w = 125, .products_w = 880, .attention_w = 842, .backward_w = 650};
  capped = board;
  capped.power_cap_w = 500;
  g_autoptr(MoeCostModel) free = moe_cost_model_new(&bench, &stack, NULL),
                          cost = moe_cost_model_new(&board, &stack, NULL),
                          low = moe_cost_model_new(&capped, &stack, NULL);
  g_autoptr(MoeCostModel) free2 = moe_cost_model_new(&bench, &older, NULL),
                          cost2 = moe_cost_model_new(&board, &older, NULL),
                          low2 = moe_cost_model_new(&capped, &older, NULL);

  ck_assert_double_eq_tol(in_step(free, &product) / in_step(cost, &product), 0.865, 0.01); /* as measured, H200 */
  /* FlashAttention-2 stays within the board's power, and not within a cap. */
  ck_assert_double_eq(in_step(cost2, &forward), in_step(free2, &forward));
  ck_assert_double_gt(in_step(low2, &forward), in_step(free2, &forward));
  ck_assert_double_eq_tol(in_step(free, &forward) / in_step(cost, &forward), 0.889, 0.01);
  ck_assert_double_eq(in_step(cost, &backward), in_step(free, &backward));
  ck_assert_double_eq(in_step(low, &copy), in_step(free, &copy));
  /* H100 at 500 of 700 W: 546 to 585 TFLOP/s in place of 741 to 791 in short benchmarks (pytorch/FBGEMM 2546) */
  ck_assert_double_eq_tol(in_step(free, &product) / in_step(low, &product), pow(375.0 / 755, 1 / 1.875), 0.01);
  ck_assert_double_gt(in_step(free, &product) / in_step(low, &product), 546.0 / 791 * 0.97);
  ck_assert_double_lt(in_step(free, &product) / in_step(low, &product), 585.0 / 741);
}
END_TEST

/* GB300 capped at 500 of 1,400 W multiplies at about 617 TFLOP/s in place of 1,600 to 2,174
 * (facebookexperimental/triton, pull request 2023); H100 at 500 of 700 W at 546 to 585 (pytorch/FBGEMM, pull request
 * 2546) in place of 741 to 791 (aic).
 */
START_TEST(test_deep_power_caps_slow_math_as_measured)
{
  static const struct {
    double power_w, cap_w, least, most, tolerance;
  } boards[] = {{1400, 500, 617.0 / 2174, 617.0 / 1600, 0}, {700, 500, 546.0 / 741, 585.0 / 741, 0.1}};
  MoeStack stack = {0};
  MoeKernel large = gemm_kernel(16384, 16384, 16384);

  for (guint i = 0; i < G_N_ELEMENTS(boards); i++) {
    MoeAccelerator full = round_accelerator(), capped;

    full.training_rate = 1;
    full.power_w = boards[i].power_w;
    capped = full;
    capped.power_cap_w = boards[i].cap_w;
    g_autoptr(MoeCostModel) before = moe_cost_model_new(&full, &stack, NULL),
                            after = moe_cost_model_new(&capped, &stack, NULL);
    double rate = in_step(before, &large) / in_step(after, &large);

    ck_assert_double_gt(rate, boards[i].least * (1 - boards[i].tolerance));
    ck_assert_double_lt(rate, boards[i].most * (1 + boards[i].tolerance));
  }
}
END_TEST

/* Attention loses less in training than products do where the accelerator says so, and as much where it does not. */
START_TEST(test_attention_has_its_own_training_rate)
{
  MoeAccelerator one = round_accelerator(), two;
  MoeStack stack = {0};
  MoeKernel attention = attention_kernel(16384, 64, MOE_PASS_DGRAD), product = gemm_kernel(8192, 8192, 8192);

  one.training_rate = 0.8;
  two = one;
  two.attention_rate = 0.9;
  g_autoptr(MoeCostModel) same = moe_cost_model_new(&one, &stack, NULL), own = moe_cost_model_new(&two, &stack, NULL);

  ck_assert_double_eq_tol(in_step(same, &attention) / seconds(same, &attention), 1 / 0.8, 0.01);
  ck_assert_double_eq_tol(in_step(own, &attention) / seconds(own, &attention), 1 / 0.9, 0.01);
  ck_assert_double_eq(in_step(own, &product), in_step(same, &product));
}
END_TEST

/* Backward products of per-tensor FP8 promote their partial sums; forward ones and those of other formats do not. */
START_TEST(test_backward_fp8_products_promote_their_sums)
{
  MoeAccelerator fast = round_accelerator(), promotes;
  MoeStack stack = {0};

  fast.peak_flop_per_s[MOE_FP8_BLOCK] = 2e15;
  promotes = fast;
  promotes.fp8_split_accumulator = 1.15;
  g_autoptr(MoeCostModel) without = moe_cost_model_new(&fast, &stack, NULL),
                          with = moe_cost_model_new(&promotes, &stack, NULL);
  for (int precision = 0; precision < MOE_N_PRECISIONS; precision++)
    for (int pass = MOE_PASS_FORWARD; pass <= MOE_PASS_WGRAD; pass++) {
      MoeKernel kernels[] = {gemm_kernel(16384, 16384, 16384), grouped_kernel(4, 8192, 4 * 8192, 8192, 8192)};
      gboolean slower = precision == MOE_FP8 && pass != MOE_PASS_FORWARD;

      for (guint k = 0; k < G_N_ELEMENTS(kernels) && promotes.peak_flop_per_s[precision] > 0; k++) {
        kernels[k].precision = (MoePrecision)precision;
        kernels[k].pass = (MoePass)pass;
        ck_assert_double_eq_tol(seconds(with, &kernels[k]) / seconds(without, &kernels[k]), slower ? 1.15 : 1, 0.02);
      }
    }
}
END_TEST

START_TEST(test_bandwidth_saturates)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  MoeKernel one = bandwidth_kernel(MOE_BANDWIDTH_MEMCPY, 1e9), two = bandwidth_kernel(MOE_BANDWIDTH_MEMCPY, 2e9);
  MoeKernel tiny = bandwidth_kernel(MOE_BANDWIDTH_MEMCPY, 1e3);
  double slope = seconds(model, &two) - seconds(model, &one), floor_s = seconds(model, &tiny);

  ck_assert_double_gt(slope, 1e9 / 4e12);
  ck_assert_double_lt(slope, 1.5e9 / 4e12);
  ck_assert_double_gt(floor_s, 1e-6);
  ck_assert_double_eq_tol(seconds(model, &one), slope + floor_s, 1e-8);
}
END_TEST

/* As a layer has it: sums of a weight gradient stay in FP32 from one micro-batch to the next. */
START_TEST(test_kernels_of_a_pass)
{
  MoeKernel forward = moe_cost_kernel_of(MOE_KERNEL_GEMM, MOE_FP8, MOE_PASS_FORWARD, "forward");
  MoeKernel gradient = moe_cost_kernel_of(MOE_KERNEL_GEMM, MOE_FP8, MOE_PASS_WGRAD, "gradient");

  ck_assert(forward.output == MOE_BF16 && !forward.accumulate && forward.launches == 1 && forward.useful_share == 1);
  ck_assert(gradient.output == MOE_FP32 && gradient.accumulate && gradient.precision == MOE_FP8);
}
END_TEST

/* Kinds that take turns, beside communication: everything that tells kinds apart makes a difference here. */
START_TEST(test_many_kernels_cost_what_each_costs)
{
  static const MoePass passes[] = {MOE_PASS_FORWARD, MOE_PASS_DGRAD, MOE_PASS_WGRAD, MOE_PASS_RECOMPUTE};
  static const MoePrecision precisions[] = {MOE_BF16, MOE_FP8};
  const MoeMachineState states[MOE_COST_MAX_STATES] = {{100, 1}, {80, 0.8}, {80, 0.8}, {1, 0.3}};
  const MoeKernel shapes[] = {gemm_kernel(4096, 768, 5120), grouped_kernel(8, 700, 4000, 2048, 4096),
                              attention_kernel(4096, 4, MOE_PASS_FORWARD), bandwidth_kernel(MOE_BANDWIDTH_NORM, 1e8),
                              bandwidth_kernel(MOE_BANDWIDTH_PERMUTE, 1e8)};
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};

  accelerator.training_rate = 0.9;
  accelerator.attention_rate = 0.7;
  accelerator.fp8_split_accumulator = 1.3;
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  g_autoptr(MoeCostStep) step = moe_cost_step_new(model, G_N_ELEMENTS(states), states);
  for (guint i = 0; i < 2 * G_N_ELEMENTS(passes) * G_N_ELEMENTS(precisions) * G_N_ELEMENTS(shapes); i++) {
    MoeKernel kernel = shapes[i % G_N_ELEMENTS(shapes)];
    MoeCost each, many;
    double each_s[MOE_COST_MAX_STATES], many_s[MOE_COST_MAX_STATES];

    kernel.pass = passes[i / G_N_ELEMENTS(shapes) % G_N_ELEMENTS(passes)];
    kernel.precision = precisions[i / G_N_ELEMENTS(shapes) / G_N_ELEMENTS(passes) % G_N_ELEMENTS(precisions)];
    ck_assert(moe_cost_in_step(model, &kernel, G_N_ELEMENTS(states), states, &each, each_s, NULL));
    ck_assert(moe_cost_step_price(step, &kernel, &many, many_s, NULL));
    ck_assert_mem_eq(&each, &many, sizeof each);
    ck_assert_mem_eq(each_s, many_s, sizeof each_s);
    ck_assert_double_eq(many_s[1], many_s[2]);
    ck_assert_double_ge(many_s[3], many_s[0]);
  }
}
END_TEST

/* A kernel without a path is refused each time it comes, and those of other kinds are priced beside it. */
START_TEST(test_no_path_is_refused_each_time)
{
  MoeAccelerator accelerator = round_accelerator();
  MoeStack stack = {0};
  g_autoptr(MoeCostModel) model = moe_cost_model_new(&accelerator, &stack, NULL);
  g_autoptr(MoeCostStep) step = moe_cost_step_new(model, 0, NULL);
  MoeKernel good = gemm_kernel(512, 512, 512), bad = good;
  MoeCost cost;

  bad.precision = MOE_NVFP4;
  for (int i = 0; i < 2; i++) {
    g_autoptr(GError) error = NULL;

    ck_assert(!moe_cost_step_price(step, &bad, &cost, NULL, &error));
    ck_assert_ptr_nonnull(error);
    ck_assert(moe_cost_step_price(step, &good, &cost, NULL, NULL));
  }
}
END_TEST

MOE_TEST_MAIN("cost/kernels", test_many_kernels_cost_what_each_costs, test_no_path_is_refused_each_time,
              test_kernels_of_a_pass, test_time_grows_with_rows_in_waves, test_rate_rises_to_sustained,
              test_grouped_rate_falls_with_granularity, test_grouped_wgrad_pays_for_its_output,
              test_work_behind_a_product_shows_where_it_takes_longer, test_attention_counts_unmasked_scores,
              test_masks_save_time, test_few_heads_leave_sms_idle, test_power_cap_slows_math,
              test_power_lowers_the_clock_of_what_draws_more, test_deep_power_caps_slow_math_as_measured,
              test_attention_has_its_own_training_rate, test_backward_fp8_products_promote_their_sums,
              test_bandwidth_saturates)
