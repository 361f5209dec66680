/* A thousand random architectures on random layouts: model FLOPs of kernels against the formula, weights of ranks
 * against the model's, kept tensors against those that backward passes read, memory back where it began. */
#include "runs.h"

#include "layer/layer.h"
#include <math.h>

#define RUNS 1000

/* Independent choices of run `index`. */
static guint pick(uint64_t index, guint choice, guint n)
{
  return (guint)(moe_random_u64(7, moe_random_stream("architectures"), index, choice) % n);
}

static const char *word(uint64_t index, guint choice, const char *const *words, guint n)
{
  return words[pick(index, choice, n)];
}

static char *random_attention(uint64_t i)
{
  static const char *const local[] = {"window: 256, global_every: 2", "chunk: 512, global_every: 2",
                                      "chunk: 128, global_every: 99", "window: 0"};
  const char *limit = word(i, 1, local, 4);

  if (pick(i, 0, 2) == 0)
    return g_strdup_printf("{kind: gqa, query_heads: 16, kv_heads: 8, head_dim: 64, gated: %s, %s}",
                           pick(i, 2, 2) ? "true" : "false", limit);
  return g_strdup_printf("{kind: mla, query_heads: 16, q_rank: %u, kv_rank: 64, nope_dim: 64, rope_dim: 32, "
                         "value_dim: %u%s, %s}",
                         pick(i, 3, 2) ? 128 : 0, pick(i, 4, 2) ? 64 : 96,
                         pick(i, 5, 2) ? ", index: {heads: 4, dim: 32, top_k: 256}" : "", limit);
}

static char *random_pattern(uint64_t i)
{
  static const char *const mixers[] = {"mixer: attention, ", "mixer: local, ",    "mixer: linear, ",
                                       "mixer: none, ",      "mixer: parallel, ", ""};
  static const char *const sizes[] = {"", ", ffn_width: 512", ", ffn_width: 1536"};
  static const char *const heads[] = {"", ", kv_heads: 4", ", query_heads: 32, head_dim: 32"};
  gboolean grouped = pick(i, 0, 2) == 0;
  static const char *const feeds[] = {"ffn: dense", "ffn: moe", "count: 1"};
  g_autoptr(GString) text = g_string_new("[");

  for (guint item = 0; item < 1 + pick(i, 6, 4); item++) {
    guint mixer = pick(i, 20 + 2 * item, 6), feed = pick(i, 21 + 2 * item, 3);
    gboolean attends = mixer != 2 && mixer != 3, dense = feed != 1;

    g_string_append_printf(text, "%s{%s%s%s%s}", item ? ", " : "", mixers[mixer], feeds[feed],
                           dense ? word(i, 70 + 2 * item, sizes, 3) : "",
                           grouped && attends ? word(i, 71 + 2 * item, heads, 3) : "");
  }
  g_string_append_printf(text, "%s]", pick(i, 7, 2) ? ", {mixer: linear, ffn: none}" : "");
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *random_architecture(uint64_t i)
{
  static const char *const kinds[] = {"gated-delta", "kda", "mamba2"};
  g_autofree char *attention = random_attention(i), *pattern = random_pattern(i);

  return g_strdup_printf(
      "architecture: {layers: 8, hidden: 512, vocabulary: 4000, tied_embeddings: %s, norms_per_layer: %u, qk_norm: "
      "%s,\n"
      "  biases: %s, dropout: %s, attention: %s, pattern: %s, ffn: {width: 1024, gated: %s},\n"
      "  linear_attention: {kind: %s, key_heads: 8, value_heads: 16, key_dim: 32, value_dim: 64},\n"
      "  moe: {first_layer: 1, every: 2, experts: 32, zero_experts: %u, top_k: 4, real_top_k: %s, width: 256,\n"
      "    gated: %s, clamped: %s, latent: %u, shared_experts: %u, shared_width: 512}, mtp_layers: %u}\n",
      pick(i, 8, 2) ? "true" : "false", pick(i, 9, 2) ? 2 : 4, pick(i, 10, 2) ? "true" : "false",
      pick(i, 11, 2) ? "true" : "false", pick(i, 12, 2) ? "0.1" : "0", attention, pattern,
      pick(i, 13, 2) ? "true" : "false", word(i, 14, kinds, 3), pick(i, 15, 2) ? 16 : 0, pick(i, 15, 2) ? "2.5" : "4",
      pick(i, 16, 2) ? "true" : "false", pick(i, 60, 2) ? "true" : "false", pick(i, 17, 2) ? 256 : 0, pick(i, 18, 3),
      pick(i, 19, 2));
}

static char *random_layout(uint64_t i)
{
  static const char *const recompute[] = {"{mode: none}", "{mode: full}", "{mode: selective, modules: [norm, moe]}",
                                          "{mode: selective, modules: [expert_ffn, attention_projections, ffn]}"};
  static const char *const schedules[] = {"1f1b", "gpipe", "zb-h1"};
  guint tp = 1u << pick(i, 40, 3), cp = 1u << pick(i, 41, 2), pp = 1u << pick(i, 42, 2), ep = 1u << pick(i, 43, 3);
  guint etp = 1u << pick(i, 44, 2), dp = MAX(ep * etp * 2 / (tp * cp), 1);

  return g_strdup_printf(
      "training: {sequence_length: 2048, global_batch: %u, micro_batch: 1, optimizer: adamw,\n"
      "  precision: {gemm: %s, attention: bf16, lm_head: bf16, residual: bf16}}\n"
      "parallelism: {gpus: %u, tensor: %u, context: %u, pipeline: %u, expert: %u, expert_tensor: %u, schedule: %s,\n"
      "  zero: %u, sequence_parallel: %s, context_kind: %s}\n"
      "recompute: %s\ncluster: h100-hgx\nstack: megatron-core:0.13\n",
      dp * pp * 2, pick(i, 45, 2) ? "fp8" : "bf16", tp * cp * pp * dp, tp, cp, pp, ep, etp,
      pp == 1 ? "none" : word(i, 46, schedules, 3), pick(i, 47, 4), pick(i, 48, 2) ? "true" : "false",
      pick(i, 49, 2) ? "ring" : "ulysses", word(i, 50, recompute, 4));
}

/* ---- properties -------------------------------------------------------------------------------------------------- */

static double block_flop(const MoeProgram *p, const MoeBlock *block)
{
  double flop = 0;

  for (guint i = 0; i < block->n_ops; i++)
    if (block->ops[i].kind == MOE_OP_KERNEL)
      flop += p->kernels[block->ops[i].work].model_flop;
  return flop;
}

/* Over all GPUs of a step. */
static double program_flop(const MoeProgram *p, double gpus)
{
  double flop = 0;

  for (guint r = 0; r < p->n_roles; r++)
    for (guint c = 0; c < p->roles[r].n_calls; c++)
      flop += block_flop(p, &p->blocks[p->roles[r].calls[c].block]);
  return flop * gpus / p->n_roles;
}

static gboolean has_matrix(const MoeLayerOp *op)
{
  return op->kind == MOE_LAYER_LINEAR || op->kind == MOE_LAYER_GROUPED;
}

/* Elements of a weight on the ranks that hold parts of it, copies on others left aside. */
static double all_ranks(const MoeShape *shape, const MoeLayerOp *op)
{
  double ranks = op->kind == MOE_LAYER_GROUPED        ? (double)(shape->ep * shape->etp)
                 : op->linear.split != MOE_SPLIT_NONE ? (double)shape->tp
                                                      : 1;

  return (double)op->linear.k * op->linear.n_held * (double)op->linear.copies * ranks;
}

static void check_weights(const MoeShape *shape, const MoeSublayer *whole, const MoeSublayer *part, const char *text)
{
  ck_assert_uint_eq(whole->n_ops, part->n_ops);
  for (guint i = 0; i < whole->n_ops; i++) {
    const MoeLinear *linear = &whole->ops[i].linear;

    if (has_matrix(&whole->ops[i]))
      ck_assert_msg(all_ranks(shape, &part->ops[i]) == (double)linear->k * linear->n_held * (double)linear->copies,
                    "%s of ranks is not the model's\n%s", whole->ops[i].name, text);
  }
}

/* Every tensor has a backward pass that reads it or is no one's; what a backward pass needs is described. */
static double read_bytes(const MoeShape *shape, const MoeSublayer *sublayer)
{
  double bytes = 0;

  for (int t = 1; t <= (int)sublayer->n_tensors; t++)
    for (guint i = 0; i < sublayer->n_ops; i++)
      if (moe_op_reads(&sublayer->ops[i], t)) {
        const MoeTensor *tensor = &sublayer->tensors[t];
        double element = tensor->kept == MOE_KEPT_FP32 ? 4 : tensor->kept == MOE_KEPT_BYTE ? 1 : 2;

        bytes += moe_shape_rows(shape, tensor->rows) * tensor->width * element;
        break;
      }
  return bytes;
}

static void check_layers(const MoeRun *run, const char *text)
{
  MoeView whole = moe_view_whole(&run->architecture);
  MoeShape shape;

  moe_shape_init(&shape, run);
  for (int64_t layer = 0; layer < run->architecture.layers; layer++) {
    MoeLayerKind kind = moe_layer_kind(&run->architecture, layer);
    MoeSublayer all, attention, second;

    moe_describe_attention(&whole, kind, &all);
    moe_describe_attention(&shape.view, kind, &attention);
    check_weights(&shape, &all, &attention, text);
    moe_describe_second(&whole, kind, &all);
    moe_describe_second(&shape.view, kind, &second);
    check_weights(&shape, &all, &second, text);
    if (!shape.fp8_gemm)
      ck_assert_double_eq(moe_layer_saved_bytes(&shape, layer, 0),
                          read_bytes(&shape, &attention) + read_bytes(&shape, &second));
    ck_assert_double_le(moe_layer_saved_bytes(&shape, layer, ~0u), moe_layer_saved_bytes(&shape, layer, 0));
  }
}

static void check_flop(const MoeRun *run, const char *text)
{
  g_autoptr(MoeProgram) program = build_checked(run);
  double flop = program_flop(program, (double)run->parallelism.gpus);

  ck_assert_msg(fabs(flop / program->model_flop_per_step - 1) < 1e-9, "kernels have %.9g of the model's FLOPs\n%s",
                flop / program->model_flop_per_step, text);
}

START_TEST(test_random_architectures)
{
  guint built = 0;

  for (uint64_t i = 0; i < RUNS; i++) {
    g_autofree char *architecture = random_architecture(i), *layout = random_layout(i);
    g_autofree char *text = g_strconcat(architecture, layout, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeRun) run = run_from_text(text, &error);

    if (!run) { /* no layer of nothing, no layout that does not divide */
      ck_assert_msg(g_error_matches(error, MOE_ERROR, MOE_ERROR_LAYOUT) ||
                        g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT),
                    "%s\n%s", error->message, text);
      continue;
    }
    check_layers(run, text);
    check_flop(run, text);
    built++;
  }
  ck_assert_uint_gt(built, RUNS * 3 / 4);
}
END_TEST

MOE_TEST_MAIN("program/random", test_random_architectures)
