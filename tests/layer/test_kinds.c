/* Kinds of layers: patterns and their shorthands, counts of the models that have them against their cards, what each
 * kind of attention costs per token. */
#include "layer/layer.h"
#include <moetest.h>

#include <math.h>

#define BILLION 1e9

static MoeRun *load(const char *name, const char *const *sets)
{
  g_autofree char *file = g_strdup_printf("models/%s.yaml", name);
  g_autofree char *path = moetest_path(file), *data = moetest_path("");
  g_autoptr(GError) error = NULL;
  MoeRunOptions options = {.sets = sets, .data_dir = data};
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

/* Total and active as the cards print them, in billions; `extra` is what a card counts besides the language model
 * (Llama 4: a vision tower of 34 layers, 0.86), `active_within` how far its rounding is off. */
START_TEST(parameters_of_the_cards)
{
  static const struct {
    const char *name;
    double total, extra, total_within, active, active_within;
  } cards[] = {
      {"qwen3-next-80b-a3b", 80, 0, 0.01, 3.87, 0.01},    /* "3B activated" leaves 0.62 of embedding and head out */
      {"nemotron3-nano-30b", 31.6, 0, 0.01, 3.6, 0.01},   /* "3.6B with embeddings" */
      {"kimi-linear-48b-a3b", 49.1, 0, 0.01, 3.48, 0.01}, /* files of 49.1; named 48B after what is no embedding */
      {"deepseek-v3.2", 671, 0, 0.01, 38.4, 0.01},        /* 37 without look-up and index */
      {"llama4-scout", 109, 0.86, 0.01, 17.2, 0.01},
      {"longcat-flash", 560, 0, 0.01, 27.9, 0.01}, /* mean 27 without look-up */
  };

  for (guint i = 0; i < G_N_ELEMENTS(cards); i++) {
    g_autoptr(MoeRun) run = load(cards[i].name, NULL);
    MoeParameters p;

    moe_count_parameters(&run->architecture, &p);
    ck_assert_msg(fabs((p.total / BILLION + cards[i].extra) / cards[i].total - 1) < cards[i].total_within, "%s: %g",
                  cards[i].name, p.total);
    ck_assert_msg(fabs(p.active / BILLION / cards[i].active - 1) < cards[i].active_within, "%s: %g active",
                  cards[i].name, p.active);
  }
}
END_TEST

static MoeModelFlops flops_of(const char *name, int64_t sequence_length)
{
  g_autoptr(MoeRun) run = load(name, NULL);
  MoeModelFlops flops;

  run->training.sequence_length = sequence_length;
  moe_count_model_flops(&run->architecture, &run->training, &flops);
  return flops;
}

/* 36 layers see half of a chunk of 8,192 on average, 12 half of the sequence. */
START_TEST(chunks_bound_attention)
{
  MoeModelFlops flops = flops_of("llama4-scout", 131072);
  double per_key = 3 * 2 * 40 * 256.0;

  ck_assert_double_eq_tol(flops.attention_causal, per_key * (36 * 4096.0 + 12 * 65536.0), 1);
  ck_assert_double_eq_tol(flops.causal / 1e9, 154, 0.5);
  ck_assert_double_eq_tol(flops_of("llama4-scout", 8192).attention_causal, per_key * 48 * 4096, 1);
}
END_TEST

/* Beyond 2,048 keys only the index grows: 64 heads of 128 score every key in the forward pass. */
START_TEST(sparse_attention_is_flat)
{
  MoeModelFlops near = flops_of("deepseek-v3.2", 65536), far = flops_of("deepseek-v3.2", 131072);
  double index = 61 * 2 * 64 * 128.0 * (131072 - 65536) / 2, grown = far.attention_causal - near.attention_causal;
  double core = 3 * 61 * 2 * 128 * (576 + 512.0) * 2048;

  ck_assert_double_gt(grown, index);
  ck_assert_double_lt(grown - index, 0.02 * core); /* the first 2,048 queries see fewer */
}
END_TEST

/* A state costs the same for every token, however long the sequence is. */
START_TEST(scans_do_not_grow)
{
  MoeModelFlops near = flops_of("nemotron3-nano-30b", 4096), far = flops_of("nemotron3-nano-30b", 1 << 20);

  ck_assert_double_eq(near.scan, 3 * 23 * 2 * 2 * 64.0 * 64 * 128);
  ck_assert_double_eq(far.scan, near.scan);
  ck_assert_double_eq(flops_of("qwen3-next-80b-a3b", 4096).scan, 3 * 36 * 3 * 2 * 32.0 * 128 * 128);
}
END_TEST

/* The same layers in a pattern and in the shorthands are the same model. */
START_TEST(shorthands_are_patterns)
{
  static const char *const as_pattern[] = {
      "architecture.attention.window=512", "architecture.attention.global_every=0",
      "architecture.pattern=[{mixer: local, ffn: dense}, {mixer: local, ffn: moe}, {mixer: local, ffn: dense}, "
      "{mixer: local, ffn: moe}, {mixer: local, ffn: dense}, {mixer: attention, ffn: moe}]",
      NULL};
  g_autoptr(MoeRun) shorthand = load("mai-base-1/v5", NULL);
  g_autoptr(MoeRun) pattern = load("mai-base-1/v5", as_pattern);
  MoeParameters a, b;
  MoeModelFlops x, y;

  moe_count_parameters(&shorthand->architecture, &a);
  moe_count_parameters(&pattern->architecture, &b);
  moe_count_model_flops(&shorthand->architecture, &shorthand->training, &x);
  moe_count_model_flops(&pattern->architecture, &pattern->training, &y);
  ck_assert_double_eq(a.total, b.total);
  ck_assert_double_eq(a.active, b.active);
  ck_assert_double_eq(x.causal, y.causal);
}
END_TEST

static MoeParameters count_with(const char *pattern)
{
  g_autofree char *set = g_strconcat("architecture.pattern=", pattern, NULL);
  const char *const sets[] = {
      "parallelism.pipeline=1",
      "parallelism.virtual_stages=1",
      "parallelism.schedule=none",
      "architecture.layers=4",
      "architecture.hidden=1024",
      "architecture.attention.head_dim=64",
      "architecture.attention.query_heads=16",
      "architecture.attention.kv_heads=16",
      "architecture.ffn={width: 4096}",
      "architecture.linear_attention={kind: mamba2, key_heads: 8, value_heads: 16, key_dim: 64, "
      "value_dim: 128}",
      set,
      NULL};
  g_autoptr(MoeRun) run = load("llama3-70b", sets);
  MoeParameters p;

  moe_count_parameters(&run->architecture, &p);
  return p;
}

/* Layers with heads and widths of their own: each is counted by what it has. */
START_TEST(layers_have_their_own_sizes)
{
  MoeParameters p =
      count_with("[{mixer: attention, ffn: dense, kv_heads: 4, ffn_width: 1536}, {mixer: none, ffn: dense}, "
                 "{mixer: attention, ffn: none, query_heads: 32, kv_heads: 8, head_dim: 96}, "
                 "{mixer: attention, ffn: dense}]");
  double first = 1024.0 * 64 * (16 + 2 * 4 + 16), third = 1024.0 * 96 * (32 + 2 * 8 + 32), last = 1024.0 * 64 * 4 * 16;

  ck_assert_double_eq(p.attention, first + third + last);
  ck_assert_double_eq(p.dense_ffn, 3 * 1024.0 * (1536 + 4096 + 4096));
}
END_TEST

/* Attention and a state beside each other have the weights of both and one norm. */
START_TEST(branches_of_a_layer_add)
{
  MoeParameters attention = count_with("[{mixer: attention, ffn: none}]");
  MoeParameters state = count_with("[{mixer: linear, ffn: none}]");
  MoeParameters both = count_with("[{mixer: parallel, ffn: none}]");

  ck_assert_double_eq(both.attention, attention.attention + state.attention);
  ck_assert_double_eq(both.norms, state.norms); /* and the gated norm of the state */
  ck_assert_double_gt(both.norms, attention.norms);
}
END_TEST

MOE_TEST_MAIN("layer/kinds", parameters_of_the_cards, chunks_bound_attention, sparse_attention_is_flat,
              scans_do_not_grow, shorthands_are_patterns, layers_have_their_own_sizes, branches_of_a_layer_add)
