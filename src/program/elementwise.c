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

void moe_norm_forward(MoeEmit *emit, const char *name, double elements, double element_bytes)
{
  guint module = emit->module;

  emit->module |= MOE_MODULE_NORM;
  emit_chain(emit, MOE_BANDWIDTH_NORM, name, choose(&norm_forward, emit->shape->run->stack.fused.norm), elements,
             element_bytes, MOE_NO_LOAD);
  emit->module = module;
}

void moe_norm_backward(MoeEmit *emit, const char *name, double elements, double element_bytes)
{
  emit_chain(emit, MOE_BANDWIDTH_NORM, name, choose(&norm_backward, emit->shape->run->stack.fused.norm), elements,
             element_bytes, MOE_NO_LOAD);
}

/* ---- residual stream ---------------------------------------------------------------------------- */

static double stream_elements(const MoeShape *shape)
{
  return (double)shape->tokens * (double)shape->hidden;
}

/* A mask byte per element, where dropout is part of the addition's kernel. */
static double mask_bytes(const MoeShape *shape)
{
  return shape->arch->dropout > 0 && shape->run->stack.fused.dropout ? dropout_forward.fused.write : 0;
}

/* Fused, the addition that closed the sub-layer before happens inside this norm's kernel and costs that kernel's extra
 * bytes. */
static void enter(MoeEmit *emit, const Chains *norm, const Chains *residual)
{
  const MoeStack *stack = &emit->shape->run->stack;
  Chain chain = *choose(norm, stack->fused.norm);
  guint module = emit->module;

  if (stack->fused.residual_norm) {
    chain.read += residual->fused.read;
    chain.read_stream += residual->fused.read_stream;
    chain.write_stream += residual->fused.write_stream;
    chain.write += residual == &residual_forward ? mask_bytes(emit->shape) : 0;
  }
  emit->module |= MOE_MODULE_NORM;
  emit_chain(emit, MOE_BANDWIDTH_NORM, "norm", &chain, stream_elements(emit->shape), emit->shape->residual_bytes,
             MOE_NO_LOAD);
  emit->module = module;
}

void moe_enter_forward(MoeEmit *emit)
{
  enter(emit, &norm_forward, &residual_forward);
}

void moe_enter_backward(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;

  enter(emit, &norm_backward, &residual_backward);
  if (!shape->run->stack.fused.residual_norm)
    emit_chain(emit, MOE_BANDWIDTH_RESIDUAL, "residual_grad", &residual_backward.unfused, stream_elements(shape),
               shape->residual_bytes, MOE_NO_LOAD);
}

static gboolean has_output_norm(const MoeShape *shape)
{
  return shape->arch->norms_per_layer >= 4;
}

/* Dropout as a kernel of its own, or inside the residual addition. */
static void emit_dropout(MoeEmit *emit, const Chains *chains)
{
  if (emit->shape->arch->dropout <= 0 || emit->shape->run->stack.fused.dropout)
    return;
  emit_chain(emit, MOE_BANDWIDTH_DROPOUT, "dropout", &chains->unfused, stream_elements(emit->shape), 0, MOE_NO_LOAD);
}

static void emit_residual(MoeEmit *emit)
{
  const MoeStack *stack = &emit->shape->run->stack;
  Chain chain = residual_forward.unfused;

  if (stack->fused.residual_norm)
    return;
  chain.write += mask_bytes(emit->shape);
  emit_chain(emit, MOE_BANDWIDTH_RESIDUAL, "residual", &chain, stream_elements(emit->shape),
             emit->shape->residual_bytes, MOE_NO_LOAD);
}

void moe_leave_forward(MoeEmit *emit)
{
  if (has_output_norm(emit->shape))
    moe_norm_forward(emit, "output_norm", stream_elements(emit->shape), emit->shape->act_bytes);
  emit_dropout(emit, &dropout_forward);
  emit_residual(emit);
}

/* The stream's gradient, cast to BF16 for the sub-layer, and scaled by the dropout mask in the same kernel where that
 * is fused. */
static void emit_branch(MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  double elements = stream_elements(shape), mask = mask_bytes(shape);

  if (mask == 0 && shape->residual_bytes <= shape->act_bytes)
    return;
  moe_emit_bytes(emit, MOE_BANDWIDTH_RESIDUAL, "branch_grad", elements * (shape->residual_bytes + mask),
                 elements * shape->act_bytes, 1);
}

void moe_leave_backward(MoeEmit *emit)
{
  emit_branch(emit);
  emit_dropout(emit, &dropout_backward);
  if (has_output_norm(emit->shape))
    moe_norm_backward(emit, "output_norm", stream_elements(emit->shape), emit->shape->act_bytes);
}

/* ---- activations -------------------------------------------------------------------------------- */

void moe_activation_forward(MoeEmit *emit, gboolean gated, double elements, int load)
{
  const Chains *chains = gated ? &gated_forward : &plain_forward;

  emit_chain(emit, MOE_BANDWIDTH_ACTIVATION, gated ? "swiglu" : "gelu",
             choose(chains, emit->shape->run->stack.fused.activation), elements, 0, load);
}

void moe_activation_backward(MoeEmit *emit, gboolean gated, double elements, int load)
{
  const Chains *chains = gated ? &gated_backward : &plain_backward;

  emit_chain(emit, MOE_BANDWIDTH_ACTIVATION, gated ? "swiglu" : "gelu",
             choose(chains, emit->shape->run->stack.fused.activation), elements, 0, load);
}
