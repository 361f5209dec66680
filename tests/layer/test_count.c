/* Parameters and model FLOPs against what the models' makers print. */
#include "layer/layer.h"
#include "spec/work.h"
#include <moetest.h>

#include <math.h>

#define BILLION 1e9

/* ---- the models -------------------------------------------------------------------------------------------------- */

/* One row of the MAI scaling ladder (MAI-Thinking-1 report, Table 1). FFN widths as printed: output of the fused first
 * linear. */
typedef struct {
  int64_t layers, hidden, printed_ffn, latent, printed_expert_ffn, heads, experts, top_k;
  double active, total; /* billions, by the closed formula of the report's shape */
} Mai;

static MoeArchitecture mai(const Mai *m)
{
  return (MoeArchitecture){
      .layers = m->layers,
      .hidden = m->hidden,
      .vocabulary = 200019,
      .tied_embeddings = TRUE,
      .norms_per_layer = 4,
      .qk_norm = TRUE,
      .attention = {.query_heads = m->heads, .kv_heads = 8, .head_dim = 128, .window = 512, .global_every = 6},
      .ffn = {.width = m->printed_ffn / 2, .gated = TRUE},
      .moe = {.experts = m->experts,
              .first_layer = 1,
              .every = 2,
              .top_k = m->top_k,
              .width = m->printed_expert_ffn / 2,
              .gated = TRUE,
              .latent = m->latent},
  };
}

static const Mai mai_v2 = {54, 4352, 34816, 0, 17408, 64, 192, 4, 23.63, 600.5};
static const Mai mai_v4 = {66, 5632, 11264, 2560, 9216, 80, 512, 8, 23.03, 611.6};
static const Mai mai_v5 = {78, 6656, 13312, 3072, 10240, 80, 512, 8, 34.66, 962.15};

static const Mai ladder[] = {
    {12, 1024, 2048, 512, 1536, 16, 512, 8, 0.365, 3.93},      {18, 1536, 3072, 768, 2304, 16, 512, 8, 0.760, 12.8},
    {24, 2048, 4096, 1024, 3072, 24, 512, 8, 1.48, 30.0},      {30, 2560, 5120, 1280, 3840, 32, 512, 8, 2.60, 58.3},
    {36, 3072, 6144, 1536, 4608, 32, 512, 8, 3.98, 100.3},     {42, 3584, 7168, 1792, 5376, 40, 512, 8, 6.11, 159.1},
    {66, 5632, 11264, 2816, 8448, 64, 512, 8, 21.68, 615.2},   {78, 6656, 13312, 3328, 9984, 80, 512, 8, 35.62, 1015.3},
    {78, 6656, 13312, 3072, 10240, 80, 512, 8, 34.66, 962.15},
};

static MoeArchitecture mla_moe(int64_t hidden, int64_t heads, int64_t experts, int64_t dense_layers, int64_t vocabulary)
{
  return (MoeArchitecture){
      .layers = 61,
      .hidden = hidden,
      .vocabulary = vocabulary,
      .norms_per_layer = 2,
      .attention = {.kind = MOE_ATTENTION_MLA,
                    .query_heads = heads,
                    .kv_heads = heads,
                    .q_rank = 1536,
                    .kv_rank = 512,
                    .nope_dim = 128,
                    .rope_dim = 64,
                    .value_dim = 128},
      .ffn = {.width = 18432, .gated = TRUE},
      .moe = {.experts = experts,
              .first_layer = dense_layers,
              .every = 1,
              .top_k = 8,
              .width = 2048,
              .gated = TRUE,
              .shared_experts = 1,
              .shared_width = 2048},
      .mtp_layers = 1,
  };
}

static MoeArchitecture deepseek_v3(void)
{
  return mla_moe(7168, 128, 256, 3, 129280);
}

static MoeArchitecture kimi_k2(void)
{
  return mla_moe(7168, 64, 384, 1, 163840);
}

static MoeArchitecture dense(int64_t layers, int64_t hidden, int64_t heads, int64_t kv_heads, int64_t width,
                             int64_t vocabulary)
{
  return (MoeArchitecture){
      .layers = layers,
      .hidden = hidden,
      .vocabulary = vocabulary,
      .norms_per_layer = 2,
      .attention = {.query_heads = heads, .kv_heads = kv_heads, .head_dim = 128},
      .ffn = {.width = width, .gated = TRUE},
  };
}

static MoeArchitecture sparse(MoeArchitecture model, int64_t experts, int64_t top_k, int64_t width)
{
  model.moe = (MoeExpertLayer){.experts = experts, .every = 1, .top_k = top_k, .width = width, .gated = TRUE};
  return model;
}

static MoeArchitecture gpt3(void)
{
  MoeArchitecture model = dense(96, 12288, 96, 96, 49152, 50257);

  model.ffn.gated = FALSE;
  model.biases = TRUE;
  model.tied_embeddings = TRUE;
  model.learned_positions = 2048;
  return model;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static void check_parameters(MoeArchitecture model, double total, double active, double tolerance)
{
  MoeParameters counted;

  moe_count_parameters(&model, &counted);
  ck_assert_double_eq_tol(counted.total / BILLION / total, 1, tolerance);
  ck_assert_double_eq_tol(counted.active / BILLION / active, 1, tolerance);
}

START_TEST(ladder_closes_on_nine_rows)
{
  for (size_t i = 0; i < G_N_ELEMENTS(ladder); i++)
    check_parameters(mai(&ladder[i]), ladder[i].total, ladder[i].active, 2.5e-3);
}
END_TEST

START_TEST(mai_versions)
{
  check_parameters(mai(&mai_v2), mai_v2.total, mai_v2.active, 3e-4);
  check_parameters(mai(&mai_v4), mai_v4.total, mai_v4.active, 3e-4);
  check_parameters(mai(&mai_v5), mai_v5.total, mai_v5.active, 3e-4);
}
END_TEST

START_TEST(mai_v5_parts)
{
  MoeArchitecture model = mai(&mai_v5);
  MoeParameters counted;

  moe_count_parameters(&model, &counted);
  /* because 39 MoE layers hold 512 experts of 3 x 3072 x 5120 weights */
  ck_assert_double_eq(counted.experts, 39.0 * 512 * 3 * 3072 * 5120);
  ck_assert_double_eq_tol(counted.attention / BILLION, 11.70, 0.005);
  ck_assert_double_eq_tol(counted.dense_ffn / BILLION, 5.18, 0.005);
  ck_assert_double_eq_tol(counted.latent / BILLION, 1.59, 0.005);
  ck_assert_double_eq_tol(counted.router / BILLION, 0.13, 0.005);
  ck_assert_double_eq(counted.embedding, 200019.0 * 6656);
  ck_assert_double_eq(counted.head, 0); /* tied */
}
END_TEST

START_TEST(parts_sum_to_the_total)
{
  MoeArchitecture models[] = {mai(&mai_v5), deepseek_v3(), gpt3()};

  for (size_t i = 0; i < G_N_ELEMENTS(models); i++) {
    MoeParameters p;
    moe_count_parameters(&models[i], &p);
    double sum =
        p.embedding + p.head + p.attention + p.dense_ffn + p.experts + p.shared_experts + p.router + p.latent + p.norms;
    ck_assert_double_eq_tol(sum / p.total, 1, 1e-12);
  }
}
END_TEST

START_TEST(published_models)
{
  check_parameters(deepseek_v3(), 671, 37.5, 2e-3); /* "37B" leaves part of the two vocabulary tables out */
  check_parameters(kimi_k2(), 1026, 32.9, 2e-3);    /* "1.04T" and "32.6B" */
  check_parameters(dense(126, 16384, 128, 8, 53248, 128256), 405.85, 405.85, 1e-4);
  check_parameters(dense(80, 8192, 64, 8, 28672, 128256), 70.55, 70.55, 1e-4);
  check_parameters(gpt3(), 174.6, 174.6, 1e-3);
  check_parameters(sparse(dense(32, 4096, 32, 8, 0, 32000), 8, 2, 14336), 46.7, 12.88, 1e-3);
  check_parameters(sparse(dense(56, 6144, 48, 8, 0, 32768), 8, 2, 16384), 140.6, 39.15, 1e-3);
  check_parameters(sparse(dense(94, 4096, 64, 4, 0, 151936), 128, 8, 1536), 235.1, 22.2, 2e-3);
  check_parameters(sparse(dense(48, 2048, 32, 4, 0, 151936), 128, 8, 768), 30.5, 3.35, 3e-3);
}
END_TEST

START_TEST(gpt3_is_exact)
{
  MoeArchitecture model = gpt3();
  MoeParameters counted;

  /* because 12 D^2 + 13 D per layer with biases and two LayerNorms, two tables, one final LayerNorm */
  double d = 12288;
  moe_count_parameters(&model, &counted);
  ck_assert_double_eq(counted.total, 96 * (12 * d * d + 13 * d) + (50257 + 2048) * d + 2 * d);
}
END_TEST

START_TEST(prediction_module_stays_out_of_the_total)
{
  MoeArchitecture with = deepseek_v3(), without = deepseek_v3();
  MoeParameters a, b;

  without.mtp_layers = 0;
  moe_count_parameters(&with, &a);
  moe_count_parameters(&without, &b);
  ck_assert_double_eq(a.total, b.total);
  ck_assert_double_eq(b.mtp, 0);
  /* because "685B" on Hugging Face is 671B and 14B of the module, 1.85B of which are the shared tables stored once more
   */
  ck_assert_double_eq_tol(a.mtp / BILLION, 11.6, 0.1);
}
END_TEST

/* ---- FLOPs ------------------------------------------------------------------------------------------------------- */

static MoeModelFlops flops_of(MoeArchitecture model, int64_t sequence_length, int64_t lora_rank)
{
  MoeTraining training = {.sequence_length = sequence_length, .lora_rank = lora_rank};
  MoeModelFlops flops;

  moe_count_model_flops(&model, &training, &flops);
  return flops;
}

START_TEST(mai_flops)
{
  const struct {
    const Mai *model;
    double gemm, causal, full;
  } rows[] = {{&mai_v2, 141.8, 151.3, 158.6}, {&mai_v4, 138.2, 152.7, 163.8}, {&mai_v5, 208.0, 225.1, 238.2}};

  for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
    MoeModelFlops flops = flops_of(mai(rows[i].model), 16384, 0);
    ck_assert_double_eq_tol(flops.gemm / BILLION, rows[i].gemm, 0.1);
    ck_assert_double_eq_tol(flops.causal / BILLION, rows[i].causal, 0.15);
    ck_assert_double_eq_tol(flops.full / BILLION, rows[i].full, 0.15);
  }
}
END_TEST

START_TEST(deepseek_flops)
{
  MoeModelFlops flops = flops_of(deepseek_v3(), 4096, 0);

  /* because 2,048 GPUs made 385 and 432 TFLOP/s of 272.8e9 tokens a day (DeepSeek, ISCA 2025, Table 4) */
  double tokens_per_s_per_gpu = 272.8e9 / 86400 / 2048;
  ck_assert_double_eq_tol(flops.causal / (385e12 / tokens_per_s_per_gpu), 1, 0.01);
  ck_assert_double_eq_tol(flops.full / (432e12 / tokens_per_s_per_gpu), 1, 0.01);
}
END_TEST

START_TEST(prediction_module_counts_when_asked)
{
  MoeArchitecture counted = deepseek_v3();

  counted.mtp_counted = TRUE;
  double module = flops_of(counted, 4096, 0).gemm - flops_of(deepseek_v3(), 4096, 0).gemm;
  /* because a module is one MoE layer, a projection of 2 D x D and the head once more */
  double layer = 187.11e6 + 9 * 3 * 7168.0 * 2048 + 7168.0 * 256;
  ck_assert_double_eq_tol(module / (6 * (layer + 2 * 7168.0 * 7168 + 7168.0 * 129280)), 1, 1e-3);
}
END_TEST

START_TEST(lora_drops_the_weight_gradient)
{
  MoeArchitecture llama = dense(126, 16384, 128, 8, 53248, 128256);
  MoeModelFlops all = flops_of(llama, 8192, 0), lora = flops_of(llama, 8192, 16);

  ck_assert_double_eq_tol(lora.gemm / all.gemm, 2.0 / 3.0, 1e-12);
  ck_assert_double_eq(lora.attention_causal, all.attention_causal); /* attention has no weights */
}
END_TEST

START_TEST(contexts)
{
  MoeArchitecture model = mai(&mai_v5);

  ck_assert(moe_layer_is_global(&model, 5));
  ck_assert(!moe_layer_is_global(&model, 6));
  ck_assert(!moe_layer_is_moe(&model, 0));
  ck_assert(moe_layer_is_moe(&model, 77));
  MoeCore global = {.window = 0}, local = {.window = model.attention.window};

  ck_assert_double_eq(moe_core_mean_keys(&global, 16384, FALSE), 8192);
  /* because the first 512 queries see 256 keys on average and all others 512 */
  ck_assert_double_eq_tol(moe_core_mean_keys(&local, 16384, FALSE), (512 * 256.0 + (16384 - 512) * 512.0) / 16384,
                          1e-9);
  /* because a window wider than the sequence is no window */
  ck_assert_double_eq(moe_core_mean_keys(&local, 256, FALSE), 128);
}
END_TEST

START_TEST(precisions_have_bytes)
{
  ck_assert_double_eq(moe_precision_bytes(MOE_BF16), 2);
  ck_assert_double_eq(moe_precision_bytes(MOE_FP8), 1);
  ck_assert_double_eq(moe_precision_bytes(MOE_MXFP8), 33.0 / 32);
  ck_assert_double_eq(moe_precision_bytes(MOE_NVFP4), 9.0 / 16);
}
END_TEST

START_TEST(every_enumeration_has_its_words)
{
  const struct {
    const char *const *words;
    guint n;
    const char *last;
  } tables[] = {
      {moe_precision_words, MOE_N_PRECISIONS, "nvfp4"},
      {moe_schedule_words, MOE_N_SCHEDULES, "dualpipe-v"},
      {moe_scope_words, MOE_N_SCOPES, "data"},
      {moe_stream_words, MOE_N_STREAMS, "in"},
      {moe_group_words, MOE_N_GROUPS, "stage"},
      {moe_collective_words, MOE_N_COLLECTIVES, "broadcast"},
      {moe_bandwidth_words, MOE_N_BANDWIDTH_KINDS, "memcpy"},
      {moe_pass_words, MOE_N_PASSES, "optimizer"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
    ck_assert_uint_eq(g_strv_length((char **)tables[i].words), tables[i].n); /* no hole ends it early */
    ck_assert_str_eq(tables[i].words[tables[i].n - 1], tables[i].last);
  }
}
END_TEST

MOE_TEST_MAIN("spec/count", ladder_closes_on_nine_rows, mai_versions, mai_v5_parts, parts_sum_to_the_total,
              published_models, gpt3_is_exact, prediction_module_stays_out_of_the_total, mai_flops, deepseek_flops,
              prediction_module_counts_when_asked, lora_drops_the_weight_gradient, contexts, precisions_have_bytes,
              every_enumeration_has_its_words)
