/* The ends of the model: embedding, LM head with loss, multi-token prediction. */
#include "internal.h"

/* ---- embedding ---------------------------------------------------------------------------------- */

void moe_lower_table(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double elements = (double)shape->tokens * (double)op->linear.k;

  moe_emit_bytes(emit, MOE_BANDWIDTH_EMBEDDING, op->name, elements * shape->act_bytes, elements * shape->residual_bytes,
                 1);
  if (shape->tp > 1) {
    gboolean sp = shape->run->parallelism.sequence_parallel;
    double bytes = (double)shape->full_tokens * (double)shape->hidden * shape->act_bytes;
    MoeCollective collective =
        moe_collective(emit, sp ? MOE_REDUCE_SCATTER : MOE_ALL_REDUCE, MOE_GROUP_TENSOR, op->name, bytes);

    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
  }
}

/* Scatter-add of the gradient's rows into the table: deterministic implementations sort the tokens first. */
#define EMBEDDING_BACKWARD_LAUNCHES 4

void moe_lower_table_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double elements = (double)shape->tokens * (double)op->linear.k,
         grad = moe_precision_bytes(shape->precision->gradient_reduce);
  MoeWeights weights;

  if (shape->frozen)
    return;
  moe_weights_embedding(shape, &weights);
  moe_flow_allocate(emit->flow, MOE_MEMORY_GRADIENTS, weights.dense * shape->act_bytes);
  moe_emit_bytes(emit, MOE_BANDWIDTH_EMBEDDING, op->name, elements * (shape->residual_bytes + grad), elements * grad,
                 EMBEDDING_BACKWARD_LAUNCHES);
  moe_flow_release(emit->flow, MOE_MEMORY_GRADIENTS, weights.dense * shape->act_bytes);
}

void moe_embedding_forward(MoeEmit *emit)
{
  MoeSublayer embedding;

  moe_describe_embedding(&emit->shape->view, &embedding);
  moe_lower(emit, &embedding, MOE_PLACE_MAIN);
}

void moe_embedding_backward(MoeEmit *emit)
{
  MoeSublayer embedding;

  moe_describe_embedding(&emit->shape->view, &embedding);
  moe_lower_backward(emit, &embedding, MOE_PLACE_MAIN);
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

/* ---- memory of the loss ---- */

/*
 * The head writes BF16 logits. The loss casts them to FP32 and exponentiates in place: that copy is kept for the
 * backward pass, the BF16 one goes (Megatron-core, tensor_parallel/cross_entropy.py and fusions/fused_cross_entropy.py;
 * TransformerEngine, triton/cross_entropy.py keeps an FP32 gradient instead). The gradient of the logits is BF16 again.
 * PyTorch's own cross entropy holds the FP32 logits beside its result, and an FP32 gradient beside that.
 */
static double eager_bytes(const MoeShape *shape)
{
  return shape->run->stack.memory.eager_loss ? moe_logits_bytes(shape) : 0;
}

static double bf16_logits_bytes(const MoeShape *shape)
{
  return moe_logits_bytes(shape) / moe_precision_bytes(MOE_FP32) * moe_precision_bytes(MOE_BF16);
}

/* The gradient of the head's weight exists beside the buffer until it is added, or as what autograd is handed. */
static double weight_gradient_bytes(const MoeShape *shape)
{
  MoeWeights weights;

  moe_weights_head(shape, TRUE, &weights);
  return shape->frozen ? 0 : weights.dense * shape->act_bytes;
}

void moe_lower_loss(MoeEmit *emit, const MoeLayerOp *op)
{
  (void)op;
  if (emit->shape->run->stack.fused.cross_entropy)
    emit_loss(emit, LOSS_FUSED_READS, LOSS_FUSED_WRITES, LOSS_FUSED_LAUNCHES);
  else
    emit_loss(emit, LOSS_UNFUSED_READS, LOSS_UNFUSED_WRITES, LOSS_UNFUSED_LAUNCHES);
  reduce_loss(emit);
}

void moe_lower_loss_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  (void)op;
  if (!emit->shape->run->stack.fused.cross_entropy)
    emit_loss(emit, LOSS_BACKWARD_READS, LOSS_BACKWARD_WRITES, LOSS_BACKWARD_LAUNCHES);
}

/* Logits live from their product to its backward pass. */
static void head_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeSublayer head;

  moe_describe_head(&shape->view, &head);
  for (guint i = 0; i < head.n_ops; i++) {
    gboolean product = head.ops[i].kind == MOE_LAYER_LINEAR, loss = head.ops[i].kind == MOE_LAYER_LOSS;

    if (product)
      moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, bf16_logits_bytes(shape));
    if (loss)
      moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, moe_logits_bytes(shape) + eager_bytes(shape));
    moe_lower_op(emit, &head, i);
    if (loss)
      moe_flow_release(emit->flow, MOE_MEMORY_ACTIVATIONS, bf16_logits_bytes(shape) + eager_bytes(shape));
  }
}

static void head_linear_backward(MoeEmit *emit, const MoeSublayer *head, guint op)
{
  const MoeShape *shape = emit->shape;

  moe_flow_drop(emit->flow, MOE_MEMORY_ACTIVATIONS, moe_logits_bytes(shape) + eager_bytes(shape));
  moe_flow_allocate(emit->flow, MOE_MEMORY_GRADIENTS, weight_gradient_bytes(shape));
  moe_lower_op_backward(emit, head, op);
  moe_flow_release(emit->flow, MOE_MEMORY_GRADIENTS, weight_gradient_bytes(shape));
  moe_flow_release(emit->flow, MOE_MEMORY_ACTIVATIONS, bf16_logits_bytes(shape));
}

static void head_backward(MoeEmit *emit)
{
  MoeSublayer head;

  moe_describe_head(&emit->shape->view, &head);
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, bf16_logits_bytes(emit->shape) + eager_bytes(emit->shape));
  for (guint i = head.n_ops; i-- > 0;)
    if (head.ops[i].kind == MOE_LAYER_LINEAR)
      head_linear_backward(emit, &head, i);
    else
      moe_lower_op_backward(emit, &head, i);
}

/* ---- multi-token prediction (DeepSeek-V3 report, 2.2) ------------------------------------------- */

/* A module's layer follows the others when all of them are recomputed. */
static MoeAgain module_replay(const MoeShape *shape)
{
  const MoeRecompute *recompute = &shape->run->recompute;
  int64_t layer = shape->arch->layers - 1;
  gboolean all = recompute->every == 1 && (recompute->layers < 0 || recompute->method == MOE_METHOD_UNIFORM);

  return (MoeAgain){all && moe_recompute_takes(recompute, 0, 1), layer, layer};
}

static void module_forward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeSublayer joint;

  moe_describe_joint(&shape->view, &joint);
  moe_embedding_forward(emit);
  moe_lower(emit, &joint, MOE_PLACE_MAIN);
  moe_stored_forward(emit, shape->arch->layers - 1, module_replay(shape));
}

static void module_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  MoeSublayer joint;

  moe_describe_joint(&shape->view, &joint);
  moe_flow_join(emit->flow, moe_stored_fetch(emit, shape->arch->layers - 1, module_replay(shape)));
  moe_stored_backward(emit, shape->arch->layers - 1, module_replay(shape));
  moe_lower_backward(emit, &joint, MOE_PLACE_MAIN);
  moe_embedding_backward(emit);
}

/* Model FLOPs of prediction modules and their losses count where the report counts them. */
static MoeEmit module_emit(const MoeEmit *emit)
{
  MoeEmit inner = *emit;

  inner.no_flop = !emit->shape->arch->mtp_counted;
  return inner;
}

/* A module's loss follows it where both lie in one chunk, else its hidden states go on to the chunk of the loss. */
void moe_end_forward(MoeEmit *emit, const MoeChunk *chunk)
{
  MoeEmit inner = module_emit(emit);

  if (chunk->head)
    head_forward(emit);
  for (int64_t i = 0; i < emit->shape->arch->mtp_layers; i++) {
    if (chunk->mtp > 0)
      module_forward(&inner);
    if (chunk->head)
      head_forward(&inner);
  }
}

void moe_end_backward(MoeEmit *emit, const MoeChunk *chunk)
{
  MoeEmit inner = module_emit(emit);

  for (int64_t i = 0; i < emit->shape->arch->mtp_layers; i++) {
    if (chunk->head)
      head_backward(&inner);
    if (chunk->mtp > 0)
      module_backward(&inner);
  }
  if (chunk->head)
    head_backward(emit);
}
