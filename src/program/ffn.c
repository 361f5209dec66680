/* Dense feed-forward network; also the shared experts of an MoE layer. */
#include "internal.h"

static MoeProduct up_linear(const MoeShape *shape, int64_t width, gboolean gated)
{
  MoeProduct linear =
      moe_linear(shape, "ffn_up", shape->full_tokens, shape->hidden, (gated ? 2 : 1) * width / shape->tp);

  linear.split = MOE_SPLIT_COLUMN;
  linear.fused_gradient = TRUE;
  linear.flop_scale = 1;
  return linear;
}

static MoeProduct down_linear(const MoeShape *shape, int64_t width)
{
  MoeProduct linear = moe_linear(shape, "ffn_down", shape->full_tokens, width / shape->tp, shape->hidden);

  linear.split = MOE_SPLIT_ROW;
  linear.flop_scale = 1;
  return linear;
}

static double inner_elements(const MoeShape *shape, int64_t width)
{
  return (double)shape->full_tokens * (double)width / (double)shape->tp;
}

void moe_ffn_forward(MoeEmit *emit, int64_t width, gboolean gated)
{
  MoeProduct up = up_linear(emit->shape, width, gated), down = down_linear(emit->shape, width);
  guint module = emit->module;

  moe_linear_forward(emit, &up);
  emit->module |= MOE_MODULE_FFN_ACTIVATION;
  moe_activation_forward(emit, gated, inner_elements(emit->shape, width), MOE_NO_LOAD);
  emit->module = module;
  moe_linear_forward(emit, &down);
}

void moe_ffn_backward(MoeEmit *emit, int64_t width, gboolean gated)
{
  MoeProduct up = up_linear(emit->shape, width, gated), down = down_linear(emit->shape, width);

  moe_linear_backward(emit, &down);
  moe_activation_backward(emit, gated, inner_elements(emit->shape, width), MOE_NO_LOAD);
  moe_linear_backward(emit, &up);
}
