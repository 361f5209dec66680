/* Router: its GEMM, and the small kernels of softmax, top-k, counts and auxiliary loss. */
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

static MoeProduct gate_linear(const MoeShape *shape)
{
  MoeProduct linear = moe_linear(shape, "router", shape->moe_tokens, shape->hidden, shape->arch->moe.experts);

  linear.precision = linear.wgrad = shape->precision->router;
  linear.output = MOE_FP32;
  linear.adapters = FALSE;
  linear.flop_scale = shape->arch->moe.router_left_out ? 0 : 1;
  return linear;
}

static void emit_scores(MoeEmit *emit, int64_t fused_launches, int64_t unfused_launches)
{
  gboolean fused = emit->shape->run->stack.fused.router;
  double scores =
      (double)emit->shape->moe_tokens * (double)emit->shape->arch->moe.experts * moe_precision_bytes(MOE_FP32);
  double bytes = scores * (fused ? ROUTER_FUSED_PASSES : ROUTER_UNFUSED_PASSES) / 2;

  moe_emit_bytes(emit, MOE_BANDWIDTH_ROUTER, "route", bytes, bytes, fused ? fused_launches : unfused_launches);
}

void moe_router_forward(MoeEmit *emit)
{
  MoeProduct gate = gate_linear(emit->shape);

  emit->scope = MOE_SCOPE_ROUTER;
  moe_linear_forward(emit, &gate);
  emit_scores(emit, ROUTER_FUSED_LAUNCHES, ROUTER_UNFUSED_LAUNCHES);
}

void moe_router_backward(MoeEmit *emit)
{
  MoeProduct gate = gate_linear(emit->shape);

  emit->scope = MOE_SCOPE_ROUTER;
  emit_scores(emit, ROUTER_BACKWARD_LAUNCHES, ROUTER_BACKWARD_UNFUSED_LAUNCHES);
  moe_linear_backward(emit, &gate);
}
