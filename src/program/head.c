/* The ends of the model: embedding, LM head with loss, multi-token prediction. */
#include "internal.h"

/* ---- embedding ---------------------------------------------------------------------------------- */

void moe_embedding_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  double elements = (double)shape->tokens * (double)shape->hidden;

  emit->scope = MOE_SCOPE_EMBEDDING;
  moe_emit_bytes(emit, MOE_BANDWIDTH_EMBEDDING, "embedding", elements * shape->act_bytes,
                 elements * shape->residual_bytes, 1);
  if (shape->tp > 1) {
    gboolean sp = shape->run->parallelism.sequence_parallel;
    double bytes = (double)shape->full_tokens * (double)shape->hidden * shape->act_bytes;
    MoeCollective collective =
        moe_collective(emit, sp ? MOE_REDUCE_SCATTER : MOE_ALL_REDUCE, MOE_GROUP_TENSOR, "embedding", bytes);

    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
  }
}

/* Scatter-add of the gradient's rows into the table: deterministic implementations sort the tokens first. */
#define EMBEDDING_BACKWARD_LAUNCHES 4

void moe_embedding_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  double elements = (double)shape->tokens * (double)shape->hidden,
         grad = moe_precision_bytes(shape->precision->gradient_reduce);

  emit->scope = MOE_SCOPE_EMBEDDING;
  if (!shape->frozen)
    moe_emit_bytes(emit, MOE_BANDWIDTH_EMBEDDING, "embedding", elements * (shape->residual_bytes + grad),
                   elements * grad, EMBEDDING_BACKWARD_LAUNCHES);
}

/* ---- LM head and loss --------------------------------------------------------------------------- */

/* Passes over the FP32 logits. Fused (one kernel forms loss and gradient in place, as in Liger): read, read and write.
 * Unfused: cast, max, subtract, exp, sum, log, gather and scale, with the gradient's kernels besides. */
#define LOSS_FUSED_READS       2.0
#define LOSS_FUSED_WRITES      1.0
#define LOSS_FUSED_LAUNCHES    2
#define LOSS_UNFUSED_READS     4.0
#define LOSS_UNFUSED_WRITES    2.0
#define LOSS_UNFUSED_LAUNCHES  7
#define LOSS_BACKWARD_READS    2.0
#define LOSS_BACKWARD_WRITES   2.0
#define LOSS_BACKWARD_LAUNCHES 4

/* Vocabulary rows of one rank are padded to a multiple of this (Megatron-LM --make-vocab-size-divisible-by). */
#define VOCABULARY_ROWS 128

static MoeProduct head_linear(const MoeShape *shape)
{
  int64_t rows = moe_round_up(moe_ceil_div(shape->arch->vocabulary, shape->tp), VOCABULARY_ROWS);
  MoeProduct linear = moe_linear(shape, "lm_head", shape->full_tokens, shape->hidden, rows);

  linear.split = MOE_SPLIT_COLUMN;
  linear.precision = linear.wgrad = shape->precision->lm_head;
  linear.output = MOE_FP32;
  linear.adapters = FALSE;
  linear.flop_scale = (double)shape->arch->vocabulary / ((double)rows * (double)shape->tp);
  return linear;
}

double moe_logits_bytes(const MoeShape *shape)
{
  return (double)shape->full_tokens * (double)shape->arch->vocabulary / (double)shape->tp *
         moe_precision_bytes(MOE_FP32);
}

static void emit_loss(MoeEmit *emit, double reads, double writes, int64_t launches)
{
  double bytes = moe_logits_bytes(emit->shape);

  moe_emit_bytes(emit, MOE_BANDWIDTH_CROSS_ENTROPY, "loss", reads * bytes, writes * bytes, launches);
}

/* Maximum, sum of exponentials and the target's logit are reduced over the vocabulary's ranks (Megatron-LM,
 * vocabulary-parallel loss). */
static void reduce_loss(MoeEmit *emit)
{
  double bytes = (double)emit->shape->full_tokens * moe_precision_bytes(MOE_FP32);
  MoeCollective collective = moe_collective(emit, MOE_ALL_REDUCE, MOE_GROUP_TENSOR, "loss", bytes);

  for (guint i = 0; i < 3; i++)
    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

void moe_head_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct linear = head_linear(shape);
  gboolean fused = shape->run->stack.fused.cross_entropy;

  emit->scope = MOE_SCOPE_HEAD;
  moe_norm_forward(emit, "final_norm", (double)shape->tokens * (double)shape->hidden, shape->residual_bytes);
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, moe_logits_bytes(shape));
  moe_linear_forward(emit, &linear);
  if (fused)
    emit_loss(emit, LOSS_FUSED_READS, LOSS_FUSED_WRITES, LOSS_FUSED_LAUNCHES);
  else
    emit_loss(emit, LOSS_UNFUSED_READS, LOSS_UNFUSED_WRITES, LOSS_UNFUSED_LAUNCHES);
  reduce_loss(emit);
}

/* Unfused, the gradient of the logits is a second tensor of their size. */
void moe_head_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct linear = head_linear(shape);
  double logits = moe_logits_bytes(shape), extra = shape->run->stack.fused.cross_entropy ? 0 : logits;

  emit->scope = MOE_SCOPE_HEAD;
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, extra);
  if (!shape->run->stack.fused.cross_entropy)
    emit_loss(emit, LOSS_BACKWARD_READS, LOSS_BACKWARD_WRITES, LOSS_BACKWARD_LAUNCHES);
  moe_linear_backward(emit, &linear);
  moe_flow_release(emit->flow, MOE_MEMORY_ACTIVATIONS, logits + extra);
  moe_norm_backward(emit, "final_norm", (double)shape->tokens * (double)shape->hidden, shape->residual_bytes);
}

/* ---- multi-token prediction (DeepSeek-V3 report, 2.2) ------------------------------------------- */

static MoeProduct joint_linear(const MoeShape *shape)
{
  MoeProduct linear = moe_linear(shape, "mtp_join", shape->tokens, 2 * shape->hidden, shape->hidden);

  linear.adapters = FALSE;
  return linear;
}

static double stream_elements(const MoeShape *shape)
{
  return (double)shape->tokens * (double)shape->hidden;
}

/* A module's layer follows the others when all of them are recomputed. */
static gboolean is_recomputed(const MoeShape *shape)
{
  return shape->run->recompute.mode == MOE_RECOMPUTE_FULL && shape->run->recompute.layers < 0;
}

static void module_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct joint = joint_linear(shape);

  moe_embedding_forward(emit);
  emit->scope = MOE_SCOPE_HEAD;
  moe_norm_forward(emit, "mtp_norm", stream_elements(shape), shape->residual_bytes);
  moe_norm_forward(emit, "mtp_norm", stream_elements(shape), shape->residual_bytes);
  moe_linear_forward(emit, &joint);
  moe_stored_forward(emit, shape->arch->layers - 1, is_recomputed(shape));
  moe_head_forward(emit);
}

static void module_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeProduct joint = joint_linear(shape);

  moe_head_backward(emit);
  moe_flow_join(emit->flow, moe_stored_fetch(emit, shape->arch->layers - 1));
  moe_stored_backward(emit, shape->arch->layers - 1, is_recomputed(shape));
  emit->scope = MOE_SCOPE_HEAD;
  moe_linear_backward(emit, &joint);
  moe_norm_backward(emit, "mtp_norm", stream_elements(shape), shape->residual_bytes);
  moe_norm_backward(emit, "mtp_norm", stream_elements(shape), shape->residual_bytes);
  moe_embedding_backward(emit);
}

void moe_mtp_forward(MoeEmit *emit)
{
  MoeEmit inner = *emit;

  inner.no_flop = !emit->shape->arch->mtp_counted;
  for (int64_t i = 0; i < emit->shape->arch->mtp_layers; i++)
    module_forward(&inner);
}

void moe_mtp_backward(MoeEmit *emit)
{
  MoeEmit inner = *emit;

  inner.no_flop = !emit->shape->arch->mtp_counted;
  for (int64_t i = 0; i < emit->shape->arch->mtp_layers; i++)
    module_backward(&inner);
}
