/* Quantization: casts of tensors on their way into narrow products, of weights, and the scales of FP8. */
#include "internal.h"

/* ---- casts -------------------------------------------------------------------------------------- */

/* Whether a scale is known only when the whole tensor has been read: tensor scales of this very tensor, and the FP32
 * scale above NVFP4's blocks. */
static gboolean scale_comes_late(const MoePrecisions *precision)
{
  return precision->gemm == MOE_NVFP4 || (precision->gemm == MOE_FP8 && precision->scaling == MOE_FP8_SCALING_CURRENT);
}

/* One scale for all of a tensor, whichever way it is read. */
static gboolean has_tensor_scale(const MoePrecisions *precision)
{
  return precision->gemm == MOE_FP8 && precision->scaling != MOE_FP8_SCALING_ROW;
}

/* Whether a cast writes a second layout beside the first: where scales lie along it, or where GEMMs read no other.
 * TransformerEngine gathers tensors with one scale in one layout only (supports_only_rowwise_all_gather of
 * Float8Quantizer and Float8CurrentScalingQuantizer in pytorch/tensor/float8_tensor.py). */
static gboolean writes_second(const MoeEmit *emit, const MoeQuantize *quantize)
{
  const MoeRun *run = emit->shape->run;

  if (!quantize->also_transposed || run->stack.backward_casts)
    return FALSE;
  return !has_tensor_scale(emit->shape->precision) || (run->cluster.accelerator.fp8_transposes && !quantize->gathered);
}

/* Whether the second layout is a kernel of its own: rows and columns have other scales. NVFP4's columns pass a Hadamard
 * transform in the kernel that casts rows too (TransformerEngine, row_cast_col_hadamard_transform_cast_fusion.cu). */
static gboolean layouts_apart(const MoePrecisions *precision)
{
  return precision->gemm == MOE_FP8 && precision->scaling == MOE_FP8_SCALING_ROW;
}

/* Gradients are rounded stochastically to NVFP4: 4.5 TB/s on a B300 against 6.4 to the nearest, both layouts
 * (TransformerEngine, pull request 2412). */
#define STOCHASTIC_SLOWDOWN (6.4 / 4.5)

static double rounding_cost(const MoePrecisions *precision, MoePass pass)
{
  return precision->gemm == MOE_NVFP4 && pass == MOE_PASS_DGRAD ? STOCHASTIC_SLOWDOWN : 1;
}

/* TransformerEngine reads the tensor for its greatest value, makes the scale, then casts (Float8CurrentScalingQuantizer
 * and NVFP4Quantizer in pytorch/csrc/quantizer.cpp). */
#define AMAX_LAUNCHES 2

static void emit_amax(MoeEmit *emit, double elements, int64_t launches, int load)
{
  if (scale_comes_late(emit->shape->precision))
    moe_emit_row_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "amax", elements * emit->shape->act_bytes, 0,
                       AMAX_LAUNCHES * launches, load);
}

/* Rows that are gathered after the cast have one scale on all ranks: the greatest value of all, waited for between
 * finding it and the cast (TransformerEngine, set_quantizer_amax_reduction_group in pytorch/module, and quantize_impl
 * in pytorch/csrc/quantizer.cpp, from 2.2 on). */
static void reduce_amax(MoeEmit *emit, MoeGroupKind group)
{
  MoeCollective collective = moe_collective(emit, MOE_ALL_REDUCE, group, "amax_reduce", moe_precision_bytes(MOE_FP32));

  moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
}

/* A norm inside the product's module casts where its scale is known, and finds the greatest value where it is not. */
static gboolean norm_fuses(const MoeEmit *emit, const MoeQuantize *quantize)
{
  const MoePrecisions *precision = emit->shape->precision;
  const MoeStack *stack = &emit->shape->run->stack;

  if (!quantize->behind_norm || precision->gemm != MOE_FP8)
    return FALSE;
  return precision->scaling == MOE_FP8_SCALING_DELAYED
             ? stack->fused.norm_cast
             : precision->scaling == MOE_FP8_SCALING_CURRENT && stack->fused.norm_amax;
}

/* Reads BF16, writes one copy, and a second one laid out for the weight gradient when that runs in FP8 too, reads
 * another layout and the stack does not leave it to the backward pass. A producer that fuses casts it, or where the
 * scale comes late finds amax. */
void moe_emit_quantize(MoeEmit *emit, const MoeQuantize *quantize)
{
  const MoePrecisions *precision = emit->shape->precision;
  gboolean second = writes_second(emit, quantize);
  gboolean fused = (quantize->fusable && emit->shape->run->stack.fused.quantize) || norm_fuses(emit, quantize);
  gboolean apart = second && layouts_apart(precision);
  double copy = moe_precision_bytes(precision->gemm) * (second ? 2 : 1);
  double elements = quantize->elements * rounding_cost(precision, emit->pass);

  if (fused && !scale_comes_late(precision))
    return;
  if (!fused)
    emit_amax(emit, quantize->elements, quantize->launches, quantize->load);
  if (quantize->gathered && scale_comes_late(precision))
    reduce_amax(emit, MOE_GROUP_TENSOR);
  moe_emit_row_bytes(emit, MOE_BANDWIDTH_QUANTIZE, quantize->name, elements * emit->shape->act_bytes * (apart ? 2 : 1),
                     elements * copy, quantize->launches * (apart ? 2 : 1), quantize->load);
}

/* Formats whose scales lie along a dimension travel in both layouts at once, each with its scales (TransformerEngine,
 * _all_gather_mxfp8, _all_gather_nvfp4 and _start_all_gather_fp8_blockwise in pytorch/distributed.py), unless the
 * second one is cast for the weight gradient itself. */
double moe_gathered_layouts(const MoeShape *shape)
{
  return shape->fp8_wgrad && !has_tensor_scale(shape->precision) && !shape->run->stack.backward_casts ? 2 : 1;
}

/* TransformerEngine, _all_gather_fp8 and update_usage of Float8TensorStorage: _create_transpose. */
void moe_emit_gathered_transpose(MoeEmit *emit, double elements)
{
  const MoeShape *shape = emit->shape;
  double bytes = elements * moe_precision_bytes(shape->precision->gemm);
  MoeEmit other = *emit;

  other.flow = emit->later;
  if (has_tensor_scale(shape->precision) && shape->run->cluster.accelerator.fp8_transposes &&
      !shape->run->stack.backward_casts)
    moe_emit_bytes(&other, MOE_BANDWIDTH_QUANTIZE, "transpose_gathered", bytes, bytes, 1);
}

/* TransformerEngine, FusedAttnFunc and combine_and_quantize in pytorch/attention/dot_product_attention; what leaves the
 * kernels is BF16. MXFP8 casts each tensor along its rows and its columns. With a scale per tensor several are joined
 * to one, whose greatest value is found before it is cast, over all ranks of a sequence where the scale is the tensor's
 * own (FusedAttention in backends.py); delayed scales, which spare that and cast results back, take some
 * 10 % more bytes and are told alike. */
void moe_emit_attention_casts(MoeEmit *emit, double elements, int64_t tensors)
{
  MoePrecision precision = emit->shape->precision->attention;
  double read = elements * emit->shape->act_bytes, copy = elements * moe_precision_bytes(precision);

  if (precision == MOE_MXFP8)
    moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "quantize_heads", read, 2 * copy, tensors);
  if (precision != MOE_FP8)
    return;
  if (tensors > 1)
    moe_emit_bytes(emit, MOE_BANDWIDTH_MEMCPY, "join_heads", read, read, 1);
  moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "amax_heads", read, 0, AMAX_LAUNCHES);
  if (emit->shape->precision->scaling == MOE_FP8_SCALING_CURRENT && emit->shape->cp > 1)
    reduce_amax(emit, MOE_GROUP_CONTEXT);
  moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "quantize_heads", read, copy, 1);
}

/* One cast per operand: blocks of 128 values lie along the rows now (DeepSeek-V3 report, 3.5.2). */
void moe_emit_wgrad_casts(MoeEmit *emit, double elements, int load)
{
  const MoeShape *shape = emit->shape;
  MoeEmit other = *emit;

  if (!shape->run->stack.backward_casts || shape->frozen)
    return;
  other.flow = emit->later;
  moe_emit_row_bytes(&other, MOE_BANDWIDTH_QUANTIZE, "quantize_transposed", elements * shape->act_bytes,
                     elements * moe_precision_bytes(shape->precision->wgrad), 2, load);
}

void moe_emit_weight_transpose(MoeEmit *emit, double elements)
{
  double bytes = elements * moe_precision_bytes(emit->shape->precision->gemm);

  if (emit->shape->run->stack.backward_casts || emit->shape->keeps.transposes)
    moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "transpose_weight", bytes, bytes, 1);
}

/* Weights are quantized in the step's first micro-batch and kept, or, with a single micro-batch, wherever they are
 * used; primary FP8 weights never. */
gboolean moe_quantizes_weights(const MoeEmit *emit)
{
  const MoeShape *shape = emit->shape;

  if (!shape->fp8_gemm || shape->keeps.gathered_fp8)
    return FALSE;
  return !shape->keeps.cached_fp8 || (emit->first && emit->pass == MOE_PASS_FORWARD);
}

void moe_emit_quantize_weight(MoeEmit *emit, double elements)
{
  const MoeShape *shape = emit->shape;
  double copies = shape->keeps.cached_fp8 ? shape->keeps.fp8_layouts : 1,
         out = moe_precision_bytes(shape->precision->gemm);

  if (!moe_quantizes_weights(emit))
    return;
  emit_amax(emit, elements, 1, MOE_NO_LOAD);
  moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "quantize_weight", elements * shape->act_bytes, elements * copies * out,
                 1);
}

/* ---- delayed scales after a pass over a chunk --------------------------------------------------- */

/* TransformerEngine puts the greatest values of all tensors into one buffer, takes their maximum over a group of ranks
 * when the outermost autocast ends (forward) and behind the first module's backward pass, and updates histories and
 * scales (FP8GlobalStateManager.reduce_and_update_fp8_tensors, pytorch/fp8.py). The call is not asynchronous: compute
 * waits. Megatron-Core opens one autocast per chunk; the group is its get_amax_reduction_group. Replays do not reduce
 * again. */

/* Linear modules of a layer, and FP8 tensors of each: input, weight and output forward, gradients of output and input
 * backward. */
#define LINEARS_PER_LAYER 4.0
#define FORWARD_TENSORS   3.0
#define BACKWARD_TENSORS  2.0
/* Steps of history per tensor (TransformerEngine's default). */
#define HISTORY 1024.0
/* Joining the buffer, the update, writing the parts back. */
#define UPDATE_LAUNCHES 3

static MoeGroupKind group_of(MoeAmaxReduction reduction)
{
  return reduction == MOE_AMAX_DATA ? MOE_GROUP_STAGE : MOE_GROUP_TENSOR_CONTEXT;
}

void moe_emit_scales(MoeEmit *emit, int64_t layers)
{
  const MoePrecisions *precision = emit->builder->shape.precision;
  MoeAmaxReduction reduction = emit->shape->run->stack.amax_reduction;
  double tensors =
      (double)layers * LINEARS_PER_LAYER * (emit->pass == MOE_PASS_FORWARD ? FORWARD_TENSORS : BACKWARD_TENSORS);
  double values = tensors * moe_precision_bytes(MOE_FP32);

  if (precision->gemm != MOE_FP8 || precision->scaling != MOE_FP8_SCALING_DELAYED || layers == 0)
    return;
  if (reduction != MOE_AMAX_NONE) {
    MoeCollective collective = moe_collective(emit, MOE_ALL_REDUCE, group_of(reduction), "fp8_amax", values);

    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &collective);
  }
  moe_emit_bytes(emit, MOE_BANDWIDTH_QUANTIZE, "fp8_scales", HISTORY * values, HISTORY * values, UPDATE_LAUNCHES);
}
