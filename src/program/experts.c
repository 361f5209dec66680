/* The experts of one group: grouped GEMMs, activation, quantization. Rows follow the load of the group. */
#include "internal.h"

#include <math.h>

static int64_t group_experts(const MoeShape *shape)
{
  return shape->local_experts / shape->groups;
}

/* Kernels that stand for one grouped operation: a grouped kernel, or one per expert (TransformerEngine's GroupedLinear
 * loops over cuBLAS GEMMs and casts). */
static int64_t kernels_of(const MoeShape *shape)
{
  return shape->run->stack.moe.per_expert ? group_experts(shape) : 1;
}

int64_t moe_expert_rounds(const MoeShape *shape)
{
  return shape->run->training.routing.capacity_factor > 0 ? 1 : MAX(shape->run->stack.moe.memory_rounds, 1);
}

int64_t moe_expert_pieces(const MoeShape *shape)
{
  return shape->groups * moe_expert_rounds(shape);
}

int64_t moe_group_rows(const MoeShape *shape)
{
  int64_t rows = (int64_t)(shape->mean_rows / (double)moe_expert_pieces(shape) + 0.5),
          tile = shape->run->stack.moe.tile_rows;

  return tile > 1 ? MAX((rows + tile / 2) / tile, 1) * tile : MAX(rows, 1);
}

static MoeKernel grouped(const MoeEmit *emit, const MoeLayerOp *op, MoePass pass)
{
  const MoeShape *shape = emit->shape;
  int64_t tile = MAX(shape->run->stack.moe.tile_rows, 1);
  MoeKernel kernel = {.klass = MOE_KERNEL_GROUPED_GEMM, .pass = pass, .name = op->name};
  kernel.precision = pass == MOE_PASS_WGRAD ? shape->precision->wgrad : shape->precision->gemm;
  kernel.output = pass == MOE_PASS_WGRAD ? shape->precision->gradient_reduce : MOE_BF16;
  kernel.groups = group_experts(shape);
  kernel.rows = moe_group_rows(shape);
  kernel.m = moe_round_up(moe_ceil_div(kernel.rows, kernel.groups), tile);
  kernel.k = pass == MOE_PASS_DGRAD ? op->linear.n : op->linear.k;
  kernel.n = pass == MOE_PASS_DGRAD ? op->linear.k : op->linear.n;
  kernel.launches = kernels_of(shape);
  kernel.accumulate = pass == MOE_PASS_WGRAD && (shape->accumulate || emit->round > 0);
  return kernel;
}

/* ---- the activation behind the products --------------------------------------------------------- */

gboolean moe_fuses_activation(const MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;
  gboolean products = emit->only == 0 || emit->only & MOE_MODULE_EXPERT_FFN;

  return shape->run->stack.moe.fused_mlp && shape->precision->gemm == MOE_MXFP8 &&
         shape->precision->wgrad == MOE_MXFP8 && products;
}

/* Forward the activation of the first product's output and two casts of what it makes; backward of the last product's
 * data gradient, which is not written, the activation's gradient, for which the first product's output is read again,
 * and two casts of that (TransformerEngine, pytorch/ops/fused/grouped_mlp.py). */
static void fuse_activation(const MoeEmit *emit, const MoeLayerOp *op, MoeKernel *kernel)
{
  const MoeShape *shape = emit->shape;
  int64_t halves = shape->arch->moe.gated ? 2 : 1;
  gboolean backward = kernel->pass == MOE_PASS_DGRAD;
  double rows = (double)kernel->rows, inner = (double)(backward ? op->linear.k : op->linear.n / halves);
  double wide = inner * (double)halves, casts = 2 * moe_precision_bytes(MOE_MXFP8);

  kernel->fused_width = (int64_t)wide;
  kernel->read_bytes = backward ? rows * wide * shape->act_bytes : 0;
  kernel->write_bytes = rows * (backward ? wide * casts - inner * shape->act_bytes : inner * casts);
}

/* The activation reads the output of the first product, and gives back the gradient of what the last one reads. */
static gboolean meets_activation(const MoeLayerOp *op, MoePass pass)
{
  if (pass == MOE_PASS_WGRAD)
    return FALSE;
  return pass == MOE_PASS_DGRAD ? !op->linear.bare_input : op->linear.fused_gradient;
}

/* ---- products ----------------------------------------------------------------------------------- */

/* Tokens of one round of a group, without padding. */
static double group_tokens(const MoeShape *shape, const MoeLayerOp *op)
{
  return (double)shape->moe_tokens * op->linear.passes * (double)shape->etp / (double)moe_expert_pieces(shape);
}

static void emit_grouped(MoeEmit *emit, MoeFlow *flow, const MoeLayerOp *op, MoePass pass, int load)
{
  MoeKernel kernel = grouped(emit, op, pass);
  double tokens = group_tokens(emit->shape, op);

  kernel.useful_share = MIN(tokens / (double)kernel.rows, 1);
  kernel.model_flop = 2.0 * tokens * (double)op->linear.k * (double)op->linear.n;
  if (moe_fuses_activation(emit) && meets_activation(op, pass))
    fuse_activation(emit, op, &kernel);
  if (pass != MOE_PASS_WGRAD || !emit->shape->frozen)
    moe_emit_kernel(emit, flow, &kernel, load);
}

/* ---- quantization ------------------------------------------------------------------------------- */

static gboolean is_8bit(MoePrecision precision)
{
  return moe_precision_bytes(precision) < moe_precision_bytes(MOE_BF16);
}

static double weight_elements(const MoeShape *shape, const MoeLayerOp *op)
{
  return (double)(group_experts(shape) * op->linear.k * op->linear.n);
}

static void quantize_rows(MoeEmit *emit, const char *name, int64_t width, gboolean fusable, int load)
{
  const MoeQuantize quantize = {.name = name,
                                .elements = (double)(moe_group_rows(emit->shape) * width),
                                .also_transposed = emit->shape->fp8_wgrad,
                                .fusable = fusable,
                                .launches = kernels_of(emit->shape),
                                .load = load};

  if (emit->shape->fp8_gemm && !(fusable && moe_fuses_activation(emit)))
    moe_emit_quantize(emit, &quantize);
}

/* ---- tensor ranks of an expert ------------------------------------------------------------------ */

static void exchange_rows(MoeEmit *emit, MoeCollectiveKind kind, const char *name)
{
  double bytes = (double)moe_group_rows(emit->shape) * (double)emit->shape->outer * emit->shape->act_bytes;
  MoeCollective collective = moe_collective(emit, kind, MOE_GROUP_EXPERT_TENSOR, name, bytes);

  moe_emit_exposed(emit, MOE_STREAM_EXPERT, &collective);
}

void moe_gather_expert_rows(MoeEmit *emit)
{
  exchange_rows(emit, MOE_ALL_GATHER, "expert_tensor_gather");
}

void moe_reduce_expert_rows(MoeEmit *emit)
{
  exchange_rows(emit, MOE_REDUCE_SCATTER, "expert_tensor_reduce");
}

/* ---- bias of the last product ------------------------------------------------------------------- */

/* Traffic per element and kernels per expert and per tensor of one pass, with probabilities in FP32 and in BF16. */
typedef struct {
  struct {
    double read, write;
  } wide, narrow;
  int64_t per_expert, once;
} BiasChain;

/* Megatron-Core loops over experts (TEGroupedMLP._apply_bias in transformer/moe/experts.py): bias times probability,
 * the sum, then one concatenation, and a cast back where FP32 probabilities made all of it FP32. */
static const BiasChain bias_forward = {{14, 14}, {6, 6}, 2, 2};
/* Gradient cast and copied together again; for bias and for probability a product and its sum. */
static const BiasChain bias_backward = {{24, 16}, {10, 6}, 5, 2};

static void emit_bias(MoeEmit *emit, const MoeLayerOp *op, const BiasChain *chain, int load)
{
  const MoeShape *shape = emit->shape;
  gboolean wide = moe_precision_bytes(shape->precision->router) > moe_precision_bytes(MOE_BF16);
  double elements = (double)(moe_group_rows(shape) * op->linear.n);

  if (op->linear.weighted_bias)
    moe_emit_row_bytes(emit, MOE_BANDWIDTH_ELEMENTWISE, "expert_bias",
                       elements * (wide ? chain->wide.read : chain->narrow.read),
                       elements * (wide ? chain->wide.write : chain->narrow.write),
                       chain->per_expert * group_experts(shape) + chain->once, load);
}

/* ---- forward and backward ----------------------------------------------------------------------- */

/* What an FP8 exchange delivers needs no cast: rows before the first product, gradients before the last. */
static gboolean arrives_quantized(const MoeShape *shape, gboolean exchanged)
{
  return exchanged && is_8bit(shape->precision->dispatch);
}

void moe_lower_grouped(MoeEmit *emit, const MoeLayerOp *op)
{
  int load = moe_lower_load(emit, op);

  if (!arrives_quantized(emit->shape, op->linear.bare_input))
    quantize_rows(emit, "quantize", op->linear.k, !op->linear.bare_input, load);
  moe_emit_quantize_weight(emit, weight_elements(emit->shape, op));
  emit_grouped(emit, emit->flow, op, emit->pass, load);
  emit_bias(emit, op, &bias_forward, load);
}

void moe_lower_grouped_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  const MoeShape *shape = emit->shape;
  double rows = (double)moe_group_rows(shape);
  int load = moe_lower_load(emit, op);

  emit_bias(emit, op, &bias_backward, load);
  if (!arrives_quantized(shape, !op->linear.fused_gradient))
    quantize_rows(emit, "quantize_grad", op->linear.n, op->linear.fused_gradient, load);
  if (!shape->keeps.cached_fp8)
    moe_emit_quantize_weight(emit, weight_elements(shape, op));
  if (shape->fp8_gemm)
    moe_emit_weight_transpose(emit, weight_elements(shape, op));
  emit_grouped(emit, emit->flow, op, MOE_PASS_DGRAD, load);
  if (shape->fp8_wgrad)
    moe_emit_wgrad_casts(emit, rows * (double)(op->linear.k + op->linear.n), load);
  emit_grouped(emit, emit->later, op, MOE_PASS_WGRAD, load);
}
