/* Router: the small kernels of softmax, top-k, counts and auxiliary loss after its product. */
#include "internal.h"

/* Kernels and passes over the [tokens, experts] FP32 scores. Unfused: PyTorch chains of softmax, top-k, one-hot,
 * counts, scatter, auxiliary loss; DeepSeek's published H800 profile shows 36 kernels between the router GEMM and the
 * dispatch. Fused: softmax with top-k, and counts with auxiliary loss (Megatron-core --moe-router-fusion). */
#define ROUTER_FUSED_LAUNCHES            2
#define ROUTER_FUSED_PASSES              2.0
#define ROUTER_UNFUSED_LAUNCHES          32
#define ROUTER_UNFUSED_PASSES            10.0
#define ROUTER_BACKWARD_LAUNCHES         2
#define ROUTER_BACKWARD_UNFUSED_LAUNCHES 16

static void emit_scores(MoeEmit *emit, const MoeLayerOp *op, int64_t fused_launches, int64_t unfused_launches)
{
  gboolean fused = emit->shape->run->stack.fused.router;
  double scores = (double)moe_lower_rows(emit, op->rows) * op->chain.width[0] * moe_precision_bytes(MOE_FP32);
  double bytes = scores * (fused ? ROUTER_FUSED_PASSES : ROUTER_UNFUSED_PASSES) / 2;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ROUTER, op->chain.kernel[0], bytes, bytes,
                 fused ? fused_launches : unfused_launches);
}

void moe_lower_route(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_scores(emit, op, ROUTER_FUSED_LAUNCHES, ROUTER_UNFUSED_LAUNCHES);
}

void moe_lower_route_backward(MoeEmit *emit, const MoeLayerOp *op)
{
  emit_scores(emit, op, ROUTER_BACKWARD_LAUNCHES, ROUTER_BACKWARD_UNFUSED_LAUNCHES);
}
