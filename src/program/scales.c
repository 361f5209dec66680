/*
 * Delayed FP8 scales after a pass over a chunk. TransformerEngine puts the greatest values of all tensors into one
 * buffer, takes their maximum over a group of ranks when the outermost autocast ends (forward) and behind the first
 * module's backward pass, and updates histories and scales (FP8GlobalStateManager.reduce_and_update_fp8_tensors,
 * pytorch/fp8.py). The call is not asynchronous: compute waits. Megatron-Core opens one autocast per chunk; the group
 * is its get_amax_reduction_group. Replays do not reduce again.
 */
#include "internal.h"

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
  const MoePrecisions *precision = emit->shape->precision;
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
