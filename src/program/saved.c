/*
 * Activations that the forward pass of a layer leaves for its backward pass.
 *
 * Korthikanti et al. 2022 (arXiv:2205.05198), section 4, tensor by tensor, extended to gated FFNs, MLA, experts and
 * FP8; the sum for a GPT layer is their sbh (34 + 5 a s / h), a test holds that.
 */
#include "internal.h"

#define MASK_BYTES   1.0 /* dropout mask, per element */
#define STATS_BYTES  4.0 /* log-sum-exp of a fused attention row, FP32 */
#define SCORES_BYTES 2.0 /* softmax output, BF16 */

/* Sums, in bytes. `input` is the size of an element kept as a linear's input. */
typedef struct {
  const MoeShape *shape;
  guint recomputed;
  double stream, full, input, act;
} Saved;

static Saved saved_of(const MoeShape *shape, guint recomputed)
{
  gboolean fp8 = shape->fp8_gemm && shape->fp8_wgrad;

  return (Saved){.shape = shape,
                 .recomputed = recomputed,
                 .stream = (double)shape->tokens,
                 .full = (double)shape->full_tokens,
                 .input = fp8 ? moe_precision_bytes(shape->precision->gemm) : shape->act_bytes,
                 .act = shape->act_bytes};
}

static gboolean drops(const Saved *s, guint module)
{
  return (s->recomputed & module) != 0;
}

/* Norm input, norm output where it feeds the first linear, dropout mask, input of the output norm. */
static double frame_bytes(const Saved *s)
{
  double elements = s->stream * (double)s->shape->hidden, bytes = elements * s->shape->residual_bytes;

  if (!drops(s, MOE_MODULE_NORM))
    bytes += elements * s->input;
  if (s->shape->arch->dropout > 0)
    bytes += elements * MASK_BYTES;
  if (s->shape->arch->norms_per_layer >= 4)
    bytes += elements * s->act;
  return bytes;
}

/* ---- attention ---------------------------------------------------------------------------------- */

static double scores_bytes(const Saved *s)
{
  const MoeTraining *t = &s->shape->run->training;
  double heads = (double)(s->shape->arch->attention.query_heads / s->shape->tp);
  double scores =
      (double)t->micro_batch * heads * (double)t->sequence_length * (double)t->sequence_length / (double)s->shape->cp;

  if (s->shape->flash)
    return s->full * heads * STATS_BYTES;
  if (drops(s, MOE_MODULE_CORE_ATTENTION))
    return 0;
  return scores * (SCORES_BYTES + (s->shape->arch->dropout > 0 ? SCORES_BYTES + MASK_BYTES : 0));
}

static double gqa_bytes(const Saved *s)
{
  const MoeAttention *a = &s->shape->arch->attention;
  double queries = (double)(a->query_heads / s->shape->tp * a->head_dim);
  double keys = (double)(MAX(a->kv_heads / s->shape->tp, 1) * a->head_dim);
  double normed = s->shape->arch->qk_norm && !drops(s, MOE_MODULE_NORM) ? queries + keys : 0;

  return s->full * s->act * (queries + 2 * keys + normed + queries);
}

static double mla_bytes(const Saved *s)
{
  const MoeAttention *a = &s->shape->arch->attention;
  double heads = (double)(a->query_heads / s->shape->tp), ranks = (double)(a->q_rank + a->kv_rank);
  double compressed = s->stream * s->act * (ranks + (double)a->rope_dim);
  double qkv = s->full * s->act * heads * (double)(2 * (a->nope_dim + a->rope_dim) + a->value_dim);
  double out = s->full * s->act * heads * (double)a->value_dim;

  if (!drops(s, MOE_MODULE_NORM))
    compressed += s->stream * s->input * ranks;
  return compressed + out + (drops(s, MOE_MODULE_ATTENTION_PROJECTIONS) ? 0 : qkv);
}

static double attention_bytes(const Saved *s)
{
  double core = s->shape->arch->attention.kind == MOE_ATTENTION_MLA ? mla_bytes(s) : gqa_bytes(s);

  return frame_bytes(s) + core + scores_bytes(s);
}

/* ---- feed-forward ------------------------------------------------------------------------------- */

/* Output of the first linear and input of the second, per row. A replayed activation's input is kept in FP8 where
 * linears run in FP8 blocks (DeepSeek-V3 report, 3.3.3). */
static double inner_bytes(const Saved *s, double width, gboolean gated, gboolean drop_activation)
{
  gboolean blocks = s->shape->precision->gemm == MOE_FP8_BLOCK;
  double outer = drop_activation && blocks ? s->input : s->act;

  return width * ((gated ? 2 : 1) * outer + (drop_activation ? 0 : s->input));
}

static double dense_bytes(const Saved *s)
{
  const MoeFfn *ffn = &s->shape->arch->ffn;
  double width = (double)ffn->width / (double)s->shape->tp;

  if (drops(s, MOE_MODULE_FFN))
    return frame_bytes(s);
  return frame_bytes(s) + s->full * inner_bytes(s, width, ffn->gated, drops(s, MOE_MODULE_FFN_ACTIVATION));
}

static double expert_bytes(const Saved *s)
{
  const MoeExpertLayer *moe = &s->shape->arch->moe;
  double width = (double)moe->width / (double)s->shape->etp, rows = s->shape->mean_rows;
  double dispatched = rows * (double)s->shape->outer * s->input;

  if (drops(s, MOE_MODULE_EXPERT_FFN))
    return dispatched;
  return dispatched + rows * inner_bytes(s, width, moe->gated, drops(s, MOE_MODULE_MOE_ACTIVATION));
}

static double shared_bytes(const Saved *s)
{
  const MoeExpertLayer *moe = &s->shape->arch->moe;
  double width = (double)(moe->shared_experts * moe->shared_width) / (double)s->shape->tp;

  return drops(s, MOE_MODULE_SHARED_EXPERTS) ? 0 : s->full * inner_bytes(s, width, moe->gated, FALSE);
}

/* Router: FP32 probabilities, and the FP32 or BF16 rows it read are the norm's output. */
static double router_bytes(const Saved *s)
{
  return (double)s->shape->moe_tokens * (double)s->shape->arch->moe.experts * moe_precision_bytes(MOE_FP32);
}

static double moe_bytes(const Saved *s)
{
  double latent = (double)s->shape->moe_tokens * (double)s->shape->arch->moe.latent * (s->act + s->input);

  if (drops(s, MOE_MODULE_MOE))
    return frame_bytes(s);
  return frame_bytes(s) + router_bytes(s) + latent + expert_bytes(s) + shared_bytes(s);
}

double moe_layer_saved_bytes(const MoeShape *shape, int64_t layer, guint recomputed)
{
  Saved s = saved_of(shape, recomputed);
  double second = moe_layer_is_moe(shape->arch, layer) ? moe_bytes(&s) : dense_bytes(&s);

  return (attention_bytes(&s) + second) * (1 + shape->run->stack.activation_overhead);
}
