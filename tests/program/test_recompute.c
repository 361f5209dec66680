/* Recomputation by unit, by every n-th layer and by operator: what is kept, what comes again. */
#include "runs.h"

#include "layer/layer.h"

#define TOKENS 2048.0
#define HIDDEN 1024.0

/* GQA with 16 query and 4 key heads of 64, gated FFN of 4096, one GPU, one micro-batch. */
#define LAYOUT                                                                                                         \
  "architecture.attention.kv_heads=4;architecture.ffn.gated=true;parallelism.gpus=1;training.global_batch=1;"

static MoeRun *run_of(const char *sets)
{
  g_autofree char *all = g_strconcat(LAYOUT, sets, NULL);

  return run_with(DENSE, all);
}

/* Activations held after the forward pass of all layers, before the head's: what layers keep. */
static double kept(const MoeRun *run)
{
  g_autoptr(MoeProgram) program = build_checked(run);
  const MoeBlock *block = &program->blocks[program->roles[0].calls[0].block];
  double bytes = 0;

  for (uint32_t i = 0; i < block->n_memory; i++)
    if (block->ops[block->memory[i].op].layer >= 0 && block->memory[i].part == MOE_MEMORY_ACTIVATIONS)
      bytes += block->memory[i].bytes;
  return bytes;
}

static double kept_with(const char *sets)
{
  g_autoptr(MoeRun) run = run_of(sets);

  return kept(run);
}

/* Kernels of recomputation in a step, of one name or of all. */
static guint replayed(const char *sets, const char *name)
{
  g_autoptr(MoeRun) run = run_of(sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  guint n = 0;

  for (guint call = 0; call < program->roles[0].n_calls; call++) {
    const MoeBlock *block = &program->blocks[program->roles[0].calls[call].block];

    for (uint32_t op = 0; op < block->n_ops; op++)
      if (block->ops[op].kind == MOE_OP_KERNEL && block->ops[op].pass == MOE_PASS_RECOMPUTE)
        n += !name || g_str_equal(program->kernels[block->ops[op].work].name, name);
  }
  return n;
}

/* Columns of one product as it is computed again; 0 when it is not. */
static int64_t columns(const char *sets, const char *name)
{
  g_autoptr(MoeRun) run = run_of(sets);
  g_autoptr(MoeProgram) program = build_checked(run);

  for (guint k = 0; k < program->n_kernels; k++)
    if (program->kernels[k].pass == MOE_PASS_RECOMPUTE && g_str_equal(program->kernels[k].name, name))
      return program->kernels[k].n;
  return 0;
}

static void ck_close(double value, double expected)
{
  ck_assert_msg(ABS(value - expected) <= 1e-9 * ABS(expected), "%.9g, expected %.9g", value, expected);
}

#define CHECKPOINT (2 * TOKENS * HIDDEN)

/* 16 layers in units of 4 keep 4 inputs, in units of 5 four; each layer comes again once either way. */
START_TEST(test_uniform)
{
  guint whole = replayed("recompute={mode: full}", NULL);

  ck_close(kept_with("recompute={mode: full}"), 16 * CHECKPOINT);
  ck_close(kept_with("recompute={mode: full, method: uniform, layers: 4}"), 4 * CHECKPOINT);
  ck_close(kept_with("recompute={mode: full, method: uniform, layers: 5}"), 4 * CHECKPOINT);
  ck_close(kept_with("recompute={mode: full, method: uniform, layers: 16}"), CHECKPOINT);
  ck_assert_uint_eq(replayed("recompute={mode: full, method: uniform, layers: 4}", NULL), whole);
  ck_assert_uint_eq(replayed("recompute={mode: full, method: uniform, layers: 5}", NULL), whole);
}
END_TEST

/* The layers of a unit lie beside each other when they come again: three more than with units of one, less the two
 * checkpoints that are kept no more when the last unit is replayed. */
#define SMALL_HEAD "architecture.vocabulary=256;"

START_TEST(test_uniform_peak)
{
  g_autoptr(MoeRun) one = run_of(SMALL_HEAD "recompute={mode: full}"),
                    none = run_of(SMALL_HEAD "recompute={mode: none}");
  g_autoptr(MoeRun) four = run_of(SMALL_HEAD "recompute={mode: full, method: uniform, layers: 4}");
  g_autoptr(MoeProgram) a = build_checked(one), b = build_checked(four);
  MoeFootprint f, g;
  double layer = kept(none) / 16;

  moe_program_footprint(a, one, 0, &f);
  moe_program_footprint(b, four, 0, &g);
  /* 16 checkpoints and one layer without its own; 4 and four layers, one of them without. */
  ck_close(g.part_bytes[MOE_MEMORY_ACTIVATIONS] - f.part_bytes[MOE_MEMORY_ACTIVATIONS], 3 * layer - 12 * CHECKPOINT);
}
END_TEST

/* The second, fourth, sixth layer. */
START_TEST(test_every)
{
  double layer = kept_with("recompute={mode: none}") / 16;

  ck_close(kept_with("recompute={mode: full, every: 2}"), 8 * layer + 8 * CHECKPOINT);
  ck_close(kept_with("recompute={mode: full, every: 3}"), 11 * layer + 5 * CHECKPOINT);
  ck_assert_uint_eq(replayed("recompute={mode: full, every: 2}", NULL) * 2, replayed("recompute={mode: full}", NULL));
}
END_TEST

#define OPERATORS(list) "recompute={mode: operators, saves: [" list "]}"

/* Widths of a layer's products: q 1024, k and v 256, out 1024, gate and up 4096, down 1024. Alternate ones are q, v,
 * gate, down; an output that nobody reads is kept too. */
START_TEST(test_operators)
{
  double row = 2 * TOKENS, heads = TOKENS * (2 * HIDDEN + 4 * 16);

  ck_close(kept_with(OPERATORS("linear")), 16 * (CHECKPOINT + row * (1024 + 512 + 1024 + 8192 + 1024)));
  ck_close(kept_with(OPERATORS("alternate_linear")), 16 * (CHECKPOINT + row * (1024 + 256 + 4096 + 1024)));
  ck_close(kept_with(OPERATORS("core_attention")), 16 * (CHECKPOINT + heads));
  ck_close(kept_with(OPERATORS("alternate_linear, core_attention")),
           16 * (CHECKPOINT + row * (1024 + 256 + 4096 + 1024) + heads));
}
END_TEST

START_TEST(test_operators_again)
{
#define POLICY OPERATORS("alternate_linear, core_attention")
  ck_assert_int_eq(columns(POLICY, "qkv"), 256);
  ck_assert_int_eq(columns(POLICY, "ffn_up"), 4096);
  ck_assert_int_eq(columns(POLICY, "attention_out"), 1024);
  ck_assert_int_eq(columns(POLICY, "ffn_down"), 0);
  ck_assert_uint_eq(replayed(POLICY, "attention"), 0);
  ck_assert_uint_eq(replayed(POLICY, "norm"), 32);
  ck_assert_uint_eq(replayed(OPERATORS("linear"), "attention"), 16);
}
END_TEST

/* What makes queries, keys and values; and a replay that ends where nothing is read any more: of a unit of layers the
 * last one alone. */
START_TEST(test_ends)
{
#define STOPS "stack.replay_stops=true;"
  double row = 2 * TOKENS;

  ck_close(kept_with(OPERATORS("qkv")), 16 * (CHECKPOINT + row * (1024 + 512)));
  ck_assert_int_eq(columns(OPERATORS("qkv"), "qkv"), 0);
  ck_assert_int_eq(columns(OPERATORS("qkv"), "attention_out"), 1024);
  ck_assert_uint_eq(replayed("recompute={mode: full}", "ffn_down"), 16);
  ck_assert_uint_eq(replayed(STOPS "recompute={mode: full}", "ffn_down"), 0);
  ck_assert_uint_eq(replayed(STOPS "recompute={mode: full}", "ffn_up"), 16);
  ck_assert_uint_eq(replayed(STOPS "recompute={mode: full}", "attention_out"), 16);
  ck_assert_uint_eq(replayed(STOPS "recompute={mode: full, method: uniform, layers: 4}", "ffn_down"), 12);
  ck_assert_uint_eq(replayed(STOPS OPERATORS("qkv"), "ffn_down"), 0);
  ck_close(kept_with(STOPS "recompute={mode: full}"), kept_with("recompute={mode: full}"));
}
END_TEST

/* Transfers whose results were kept: collectives of recomputation, by kind. */
static guint transfers(const char *sets, MoeCollectiveKind kind)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);
  guint n = 0;

  for (guint c = 0; c < program->n_collectives; c++)
    n += program->collectives[c].pass == MOE_PASS_RECOMPUTE && program->collectives[c].kind == kind;
  return n;
}

START_TEST(test_transfers)
{
#define TENSOR "parallelism.tensor=2;parallelism.sequence_parallel=true;"
  ck_assert_uint_gt(transfers(OPERATORS("grouped_linear"), MOE_DISPATCH), 0);
  ck_assert_uint_eq(transfers(OPERATORS("grouped_linear, all_to_all"), MOE_DISPATCH), 0);
  ck_assert_uint_eq(transfers(OPERATORS("grouped_linear, all_to_all"), MOE_COMBINE), 0);
  ck_assert_uint_gt(transfers(TENSOR OPERATORS("core_attention"), MOE_REDUCE_SCATTER), 0);
  ck_assert_uint_eq(transfers(TENSOR OPERATORS("core_attention, reduce_scatter"), MOE_REDUCE_SCATTER), 0);
}
END_TEST

/* A unit that spans ZeRO-3's layers gathers their weights before any of them comes again; what is offloaded comes in
 * time. */
START_TEST(test_beside_others)
{
  static const char *const sets[] = {
      "parallelism.gpus=8;training.global_batch=16;parallelism.zero=3;"
      "recompute={mode: full, method: uniform, layers: 3}",
      "recompute={mode: full, method: uniform, layers: 3};offload.activations=1",
      "parallelism.gpus=4;parallelism.pipeline=2;parallelism.schedule=1f1b;training.global_batch=8;"
      "recompute={mode: full, method: uniform, layers: 3}",
      OPERATORS("alternate_linear") ";offload.activations=0.5"};

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autoptr(MoeRun) run = run_of(sets[i]);
    g_autoptr(MoeProgram) program = build_checked(run);

    ck_assert_ptr_nonnull(program);
  }
}
END_TEST

MOE_TEST_MAIN("program/recompute", test_uniform, test_uniform_peak, test_every, test_operators, test_operators_again,
              test_ends, test_transfers, test_beside_others)
