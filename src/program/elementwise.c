/*
 * Norms, residual additions, dropout, activations: bandwidth-bound chains, fused or as a framework issues them one by
 * one.
 *
 * Traffic is given in bytes per element and counts each tensor that a kernel reads or writes once. The unfused chains
 * are those of PyTorch eager; docs/model-program.md lists them.
 */
#include "internal.h"

/* One chain over elements: fixed bytes plus bytes that scale with the element size of the residual stream. */
typedef struct {
  double read, write;               /* bytes per element besides the residual stream's */
  double read_stream, write_stream; /* accesses of the residual stream per element */
  int64_t launches;
} Chain;

typedef struct {
  Chain fused, unfused;
} Chains;

/* RMSNorm: fused reads the stream and writes BF16. Unfused: to FP32, square, mean, reciprocal root, scale, cast, gain:
 * 7 kernels. */
static const Chains norm_forward = {{0, 2, 1, 0, 1}, {20, 16, 1, 0, 7}};
/* Backward: dx and the reduction of the gain's gradient. */
static const Chains norm_backward = {{2, 0, 1, 1, 2}, {42, 28, 1, 1, 14}};
/* Residual addition: stream + sub-layer output. Fused with the following norm it only adds the output's read. */
static const Chains residual_forward = {{2, 0, 0, 1, 0}, {2, 0, 1, 1, 1}};
/* Backward: the norm's data gradient is added to the stream's gradient. */
static const Chains residual_backward = {{0, 0, 1, 0, 0}, {2, 0, 1, 1, 1}};
/* Dropout: a mask of one byte. Fused with the addition it only writes the mask. */
static const Chains dropout_forward = {{0, 1, 0, 0, 0}, {2, 3, 0, 0, 1}};
static const Chains dropout_backward = {{1, 0, 0, 0, 0}, {3, 2, 0, 0, 1}};
/* SwiGLU per inner element: gate and up in, product out. Unfused: SiLU, product. */
static const Chains gated_forward = {{4, 2, 0, 0, 1}, {6, 4, 0, 0, 2}};
static const Chains gated_backward = {{6, 4, 0, 0, 1}, {16, 10, 0, 0, 5}};
/* Both halves limited and put together again, per inner element; backward masks either gradient and joins them. Never
 * fused: Megatron-Core, weighted_bias_quick_geglu_impl in fusions/fused_bias_geglu.py. */
static const Chain clamp_forward = {8, 8, 0, 0, 3};
static const Chain clamp_backward = {12, 8, 0, 0, 3};
/* GELU with bias. Unfused: bias, GELU. */
static const Chains plain_forward = {{2, 2, 0, 0, 1}, {4, 4, 0, 0, 2}};
static const Chains plain_backward = {{4, 2, 0, 0, 1}, {6, 4, 0, 0, 2}};

static const Chain *choose(const Chains *chains, gboolean fused)
{
  return fused ? &chains->fused : &chains->unfused;
}

static double chain_read(const Chain *chain, double stream)
{
  return chain->read + chain->read_stream * stream;
}
static double chain_write(const Chain *chain, double stream)
{
  return chain->write + chain->write_stream * stream;
}

static void emit_chain(MoeEmit *emit, MoeBandwidthKind kind, const char *name, const Chain *chain, double elements,
                       double stream, int load)
{
  moe_emit_row_bytes(emit, kind, name, elements * chain_read(chain, stream), elements * chain_write(chain, stream),
                     MAX(chain->launches, 1), load);
}

/* ---- norms -------------------------------------------------------------------------------------- */

static double op_elements(const MoeEmit *emit, const MoeLayerOp *op, guint piece)
{
  return (double)moe_lower_rows(emit, op->rows) * op->chain.width[piece];
}

/* Norms at the input of a sub-layer are with the residual stream, below. */
static void enter(MoeEmit *emit, const MoeLayerOp *op, const Chains *norm, const Chains *residual);

static void emit_norms(MoeEmit *emit, const MoeLayerOp *op, const Chains *norm)
{
  for (guint i = 0; i < op->chain.n; i++) {
    MoeKept kept = emit->sublayer->tensors[op->in[op->in[i] ? i : 0]].kept;
    double stream = kept == MOE_KEPT_RESIDUAL ? emit->shape->residual_bytes : emit->shape->act_bytes;

    emit_chain(emit, MOE_BANDWIDTH_NORM, op->chain.kernel[i], choose(norm, emit->shape->run->stack.fused.norm),
               op_elements(emit, op, i), stream, MOE_NO_LOAD);
  }
}

void moe_lower_norm(MoeEmit *emit, const MoeLayerOp *op)
{
  if (op->chain.enters)
    enter(emit, op, &norm_forward, &residual_forward);
  else
    emit_norms(emit, op, &norm_forward);
}

/* ---- residual stream ---------------------------------------------------------------------------- */

/* A mask byte per element, where dropout is part of the addition's kernel. */
static double mask_bytes(const MoeShape *shape)
{
  return shape->arch->dropout > 0 && shape->run->stack.fused.dropout ? dropout_forward.fused.write : 0;
}

/* Fused, the addition that closed the sub-layer before happens inside this norm's kernel and costs that kernel's extra
 * bytes. */
static void enter(MoeEmit *emit, const MoeLayerOp *op, const Chains *norm, const Chains *residual)
{
  const MoeStack *stack = &emit->shape->run->stack;
  Chain chain = *choose(norm, stack->fused.norm);

  if (stack->fused.residual_norm) {
    chain.read += residual->fused.read;
    chain.read_stream += residual->fused.read_stream;
    chain.write_stream += residual->fused.write_stream;
    chain.write += residual == &residual_forward ? mask_bytes(emit->shape) : 0;
  }
  emit_chain(emit, MOE_BANDWIDTH_NORM, op->chain.kernel[0], &chain, op_elements(emit, op, 0),
             emit->shape->residual_bytes, MOE_NO_LOAD);
}

void moe_lower_norm_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;

  if (!op->chain.enters) {
    emit_norms(emit, op, &norm_backward);
    return;
  }
  enter(emit, op, &norm_backward, &residual_backward);
  if (!shape->run->stack.fused.residual_norm)
    emit_chain(emit, MOE_BANDWIDTH_RESIDUAL, "residual_grad", &residual_backward.unfused, op_elements(emit, op, 0),
               shape->residual_bytes, MOE_NO_LOAD);
}

/* Dropout as a kernel of its own, or inside the residual addition. */
static void emit_dropout(MoeEmit *emit, const MoeLayerOp *op, const Chains *chains)
{
  if (!emit->shape->run->stack.fused.dropout)
    emit_chain(emit, MOE_BANDWIDTH_DROPOUT, op->chain.kernel[0], &chains->unfused, op_elements(emit, op, 0), 0,
               MOE_NO_LOAD);
}

void moe_lower_dropout(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_dropout(emit, op, &dropout_forward);
}

void moe_lower_dropout_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_dropout(emit, op, &dropout_backward);
}

void moe_lower_add(MoeEmit *emit, const MoeLayerOp *op)
{
  Chain chain = residual_forward.unfused;

  if (emit->shape->run->stack.fused.residual_norm)
    return;
  chain.write += mask_bytes(emit->shape);
  emit_chain(emit, MOE_BANDWIDTH_RESIDUAL, op->chain.kernel[0], &chain, op_elements(emit, op, 0),
             emit->shape->residual_bytes, MOE_NO_LOAD);
}

/* The stream's gradient, cast to BF16 for the sub-layer, and scaled by the dropout mask in the same kernel where that
 * is fused. */
void moe_lower_add_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double elements = op_elements(emit, op, 0), mask = mask_bytes(shape);

  if (mask == 0 && shape->residual_bytes <= shape->act_bytes)
    return;
  moe_emit_bytes(emit, MOE_BANDWIDTH_RESIDUAL, "branch_grad", elements * (shape->residual_bytes + mask),
                 elements * shape->act_bytes, 1);
}

/* ---- activations -------------------------------------------------------------------------------- */

static Chain choose_activation(const MoeEmit *emit, const Chains *chains)
{
  return *choose(chains, emit->shape->run->stack.fused.activation);
}

static void emit_activation(MoeEmit *emit, const MoeLayerOp *op, const Chain *chain)
{
  if (op->place == MOE_PLACE_EXPERT && moe_fuses_activation(emit))
    return;
  emit_chain(emit, MOE_BANDWIDTH_ACTIVATION, op->chain.gated ? "swiglu" : "gelu", chain, op_elements(emit, op, 0), 0,
             moe_lower_load(emit, op));
}

void moe_lower_activation(MoeEmit *emit, const MoeLayerOp *op)
{
  Chain chain = choose_activation(emit, op->chain.gated ? &gated_forward : &plain_forward);

  emit_activation(emit, op, &chain);
}

/* An output that was not kept is written once more for the weight gradient of the layer after it. */
void moe_lower_activation_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  Chain chain = choose_activation(emit, op->chain.gated ? &gated_backward : &plain_backward);

  if (op->modules & MOE_ACTIVATION_MODULES && moe_remade_outputs(emit->shape) != 0)
    chain.write += emit->shape->act_bytes;
  emit_activation(emit, op, &chain);
}

static void emit_clamp(MoeEmit *emit, const MoeLayerOp *op, const Chain *chain)
{
  emit_chain(emit, MOE_BANDWIDTH_ACTIVATION, op->chain.kernel[0], chain, op_elements(emit, op, 0), 0,
             moe_lower_load(emit, op));
}

/* The offset of the linear half is made on the host for each call, and its copy to the GPU is waited for. */
void moe_lower_clamp(MoeEmit *emit, const MoeLayerOp *op)
{
  if (op->out[0] == 0)
    return;
  emit_clamp(emit, op, &clamp_forward);
  moe_emit_host_sync(emit, MOE_NO_ITEM);
}

void moe_lower_clamp_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  if (op->out[0] > 0)
    emit_clamp(emit, op, &clamp_backward);
}

/* ---- around attention --------------------------------------------------------------------------- */

/* Fused, queries and keys take one kernel each way: in and out. Unfused: halves swapped, two products, a sum - five
 * kernels each for queries and keys, three times the traffic. */
#define ROTARY_UNFUSED_LAUNCHES 10
#define ROTARY_UNFUSED_TRAFFIC  3.0

void moe_lower_rotary(MoeEmit *emit, const MoeLayerOp *op)
{
  gboolean fused = emit->shape->run->stack.fused.rotary;
  double bytes = op_elements(emit, op, 0) * emit->shape->act_bytes * (fused ? 1 : ROTARY_UNFUSED_TRAFFIC);

  moe_emit_bytes(emit, MOE_BANDWIDTH_ROTARY, op->chain.kernel[0], bytes, bytes, fused ? 1 : ROTARY_UNFUSED_LAUNCHES);
}

void moe_lower_copy(MoeEmit *emit, const MoeLayerOp *op)
{
  for (guint i = 0; i < op->chain.n; i++) {
    double bytes = op_elements(emit, op, i) * emit->shape->act_bytes;

    moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, op->chain.kernel[i], bytes, bytes, 1);
  }
}

/* What several branches give, added: outputs forward, backward the gradients of those that read the same input. */
void moe_lower_sum(MoeEmit *emit, const MoeLayerOp *op)
{
  double bytes = op_elements(emit, op, 0) * emit->shape->act_bytes, branches = (double)op->chain.branches;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, op->chain.kernel[0], branches * bytes, bytes, op->chain.branches - 1);
}
