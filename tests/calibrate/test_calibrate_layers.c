/*
 * Shipped constants against whole layers: kernels of a DeepSeek-V3 chunk pair on H800
 * (github.com/deepseek-ai/profile-data, one 4,096-token sequence, 4 MoE layers, 112 of 132 SMs beside the all-to-all),
 * and the shape of expert layers by granularity.
 */
#include "cost/cost.h"

#include "moetest.h"

#define TOKENS   4096
#define LAYERS   4
#define FREE_SMS 112

typedef struct {
  MoeCluster cluster;
  MoeDoc *doc;
  MoeStack stack;
  MoeCostModel *model;
} Machine;

/* The model points into *m: a Machine stays where it is. */
static void machine_init(Machine *m, const char *cluster, MoeStack stack)
{
  g_autofree char *root = moetest_path("");
  g_autoptr(GError) error = NULL;

  *m = (Machine){.stack = stack};
  ck_assert_msg(moe_cluster_load(cluster, root, &m->cluster, &m->doc, &error), "%s", error ? error->message : "");
  m->model = moe_cost_model_new(&m->cluster.accelerator, &m->stack, &error);
  ck_assert_msg(m->model != NULL, "%s", error ? error->message : "");
}

static void machine_clear(Machine *m)
{
  moe_cost_model_free(m->model);
  moe_kernel_fits_clear(&m->cluster.accelerator.kernels);
  moe_doc_free(m->doc);
}

static double price(const Machine *m, const MoeKernel *kernel, int64_t sms)
{
  MoeMachineState state = {.sms = sms, .memory_share = 1};
  MoeCost cost;

  ck_assert(moe_cost_kernel(m->model, kernel, &state, &cost, NULL));
  return cost.seconds;
}

static void h800(Machine *m)
{
  machine_init(m, "h800-hgx",
               (MoeStack){.family = {.gemm = "deepgemm",
                                     .grouped_gemm = "deepgemm",
                                     .attention = "fa3",
                                     .encode = "deepseek",
                                     .elementwise = "deepseek"}});
}

static double fp8_gemm_s(const Machine *m, MoePass pass, int64_t rows, int64_t n, int64_t k)
{
  MoeKernel kernel = {.klass = MOE_KERNEL_GEMM,
                      .pass = pass,
                      .precision = MOE_FP8_BLOCK,
                      .m = rows,
                      .n = n,
                      .k = k,
                      .groups = 1,
                      .useful_share = 1,
                      .launches = 1};

  if (pass == MOE_PASS_WGRAD) {
    kernel.output = MOE_FP32;
    kernel.accumulate = TRUE;
  }
  return price(m, &kernel, FREE_SMS);
}

/* Linear layers outside the routed experts, n x k: q down, q up, kv down, kv up, output, shared expert up and down. */
static const int64_t linears[][2] = {{1536, 7168},  {24576, 1536}, {576, 7168}, {32768, 512},
                                     {7168, 16384}, {4096, 7168},  {7168, 2048}};

/* Forward, data gradient, and the up-projections that backward computes again: 16 launches per layer, 18,838 us in all.
 */
START_TEST(test_dense_products_of_the_trace)
{
  Machine m;

  h800(&m);
  double sum_s =
      fp8_gemm_s(&m, MOE_PASS_FORWARD, TOKENS, 24576, 1536) + fp8_gemm_s(&m, MOE_PASS_FORWARD, TOKENS, 32768, 512);
  for (guint i = 0; i < G_N_ELEMENTS(linears); i++)
    sum_s += fp8_gemm_s(&m, MOE_PASS_FORWARD, TOKENS, linears[i][0], linears[i][1]) +
             fp8_gemm_s(&m, MOE_PASS_DGRAD, TOKENS, linears[i][1], linears[i][0]);
  /* constants are of benchmarks; the trace is of a training step, which runs at the accelerator's training rate */
  ck_assert_double_eq_tol(LAYERS * sum_s / m.cluster.accelerator.training_rate / 18838e-6, 1, 0.15);
  machine_clear(&m);
}
END_TEST

/* Weight gradients of the same layers on the compute stream: medians 174 + 363 + 1506 + 222 + 459 + 70 + 136 us per
 * layer. */
START_TEST(test_weight_gradients_of_the_trace)
{
  Machine m;
  double sum_s = 0;

  h800(&m);
  for (guint i = 0; i < G_N_ELEMENTS(linears); i++)
    sum_s += fp8_gemm_s(&m, MOE_PASS_WGRAD, linears[i][0], linears[i][1], TOKENS);
  /* fitted to rows measured inside a step, so that these too are the trace's at the training rate */
  ck_assert_double_eq_tol(sum_s / m.cluster.accelerator.training_rate / 2930e-6, 1, 0.15);
  machine_clear(&m);
}
END_TEST

/* Four local experts; rows over them in the four layers as the grids of the quantize kernels say. 22,926 us. */
START_TEST(test_experts_of_the_trace)
{
  static const int64_t rows[LAYERS] = {34688, 32512, 32896, 28416}, shapes[][2] = {{4096, 7168}, {7168, 2048}};
  Machine m;
  double sum_s = 0;

  h800(&m);
  for (guint layer = 0; layer < LAYERS; layer++)
    for (guint i = 0; i < G_N_ELEMENTS(shapes); i++) {
      MoeKernel kernel = {.klass = MOE_KERNEL_GROUPED_GEMM,
                          .precision = MOE_FP8_BLOCK,
                          .groups = 4,
                          .m = rows[layer] / 4,
                          .rows = rows[layer],
                          .n = shapes[i][0],
                          .k = shapes[i][1],
                          .useful_share = 1,
                          .launches = 1};
      sum_s += price(&m, &kernel, FREE_SMS);
      kernel.pass = MOE_PASS_DGRAD;
      kernel.n = shapes[i][1];
      kernel.k = shapes[i][0];
      sum_s += price(&m, &kernel, FREE_SMS);
    }
  ck_assert_double_eq_tol(sum_s / 22926e-6, 1, 0.15);
  machine_clear(&m);
}
END_TEST

/* Forward 4,948 us; backward with its preparation and conversion kernels 17,017 us. */
START_TEST(test_attention_of_the_trace)
{
  Machine m;
  MoeKernel kernel = {.klass = MOE_KERNEL_ATTENTION,
                      .batch = 1,
                      .query_heads = 128,
                      .kv_heads = 128,
                      .len_q = TOKENS,
                      .len_kv = TOKENS,
                      .dim_qk = 192,
                      .dim_v = 128,
                      .causal = TRUE,
                      .launches = 1};

  h800(&m);
  ck_assert_double_eq_tol(LAYERS * price(&m, &kernel, FREE_SMS) / 4948e-6, 1, 0.15);
  kernel.pass = MOE_PASS_DGRAD;
  double backward_s = price(&m, &kernel, FREE_SMS) / m.cluster.accelerator.attention_rate; /* as weight gradients */

  ck_assert_double_eq_tol(LAYERS * backward_s / 17017e-6, 1, 0.15);
  machine_clear(&m);
}
END_TEST

/* SonicMoE on H100: at equal FLOPs per token the rate falls as experts become narrower and more (Figure 14's ordering).
 */
START_TEST(test_rate_falls_with_granularity_on_h100)
{
  Machine m;
  double before = 0;

  machine_init(&m, "h100-hgx", (MoeStack){.family = {.grouped_gemm = "sonicmoe"}});
  for (int64_t width = 128; width <= 2048; width *= 2) {
    int64_t top_k = 4096 / width;
    MoeKernel kernel = {.klass = MOE_KERNEL_GROUPED_GEMM,
                        .groups = 16 * top_k,
                        .m = 2048,
                        .rows = 32768 * top_k,
                        .n = 2 * width,
                        .k = 4096,
                        .useful_share = 1,
                        .launches = 1};
    double rate = moe_cost_flop(&kernel) / price(&m, &kernel, m.cluster.accelerator.sms);

    ck_assert_double_gt(rate, before);
    before = rate;
  }
  machine_clear(&m);
}
END_TEST

/* TransformerEngine on B200: fewer rows per expert, lower rate, in all three passes (issue of weight and gradient
 * bytes). */
START_TEST(test_rate_rises_with_rows_per_expert_on_b200)
{
  static const MoePass passes[] = {MOE_PASS_FORWARD, MOE_PASS_DGRAD, MOE_PASS_WGRAD};
  Machine m;

  machine_init(&m, "b200-hgx", (MoeStack){.family = {.grouped_gemm = "te"}});
  for (guint p = 0; p < G_N_ELEMENTS(passes); p++) {
    double before = 0;

    for (int64_t rows = 128; rows <= 2048; rows *= 2) {
      MoeKernel kernel = {.klass = MOE_KERNEL_GROUPED_GEMM,
                          .pass = passes[p],
                          .groups = 32768 / rows,
                          .m = rows,
                          .rows = 32768,
                          .n = 4096,
                          .k = 7168,
                          .useful_share = 1,
                          .launches = 1};
      if (passes[p] == MOE_PASS_WGRAD) {
        kernel.output = MOE_FP32;
        kernel.accumulate = TRUE;
      }
      double rate = moe_cost_flop(&kernel) / price(&m, &kernel, m.cluster.accelerator.sms);
      ck_assert_double_gt(rate, before);
      before = rate;
    }
  }
  machine_clear(&m);
}
END_TEST

/* Every cluster's families are there for what stacks name by default, and fallbacks admit it. */
START_TEST(test_fa4_on_hopper_is_a_told_fallback)
{
  Machine m;
  MoeKernel kernel = {.klass = MOE_KERNEL_ATTENTION,
                      .batch = 1,
                      .query_heads = 8,
                      .kv_heads = 8,
                      .len_q = 4096,
                      .len_kv = 4096,
                      .dim_qk = 128,
                      .dim_v = 128,
                      .causal = TRUE,
                      .launches = 1};
  MoeFamilyUse use;

  machine_init(&m, "h100-hgx", (MoeStack){.family = {.attention = "fa4"}});
  moe_cost_family(m.model, &kernel, &use);
  ck_assert_str_eq(use.used, "cudnn");
  ck_assert(!use.exact);
  machine_clear(&m);
}
END_TEST

MOE_TEST_MAIN("study/calibrate_layers", test_dense_products_of_the_trace, test_weight_gradients_of_the_trace,
              test_experts_of_the_trace, test_attention_of_the_trace, test_rate_falls_with_granularity_on_h100,
              test_rate_rises_with_rows_per_expert_on_b200, test_fa4_on_hopper_is_a_told_fallback)
