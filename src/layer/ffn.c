/* Dense feed-forward network; also the shared experts of an MoE layer. */
#include "internal.h"

#define WEIGHT_TENSORS 4.0 /* gate, up, down and a norm */

void moe_describe_ffn(const MoeView *view, const MoeLayerOp *like, guint activation, int64_t width, gboolean gated,
                      int in, MoeSublayer *sublayer)
{
  int64_t inner = width / view->tensor, wide = (gated ? 2 : 1) * width / view->tensor;
  int up = moe_sublayer_tensor(sublayer, "wide", MOE_ROWS_FULL, MOE_KEPT_REPLAYED, (double)wide);
  int down = moe_sublayer_tensor(sublayer, "inner", MOE_ROWS_FULL, MOE_KEPT_INPUT, (double)inner);
  MoeLinear *linear = &moe_sublayer_linear(sublayer, like, "ffn_up", view->arch->hidden, wide, in, up)->linear;
  gboolean bias = view->arch->biases && like->weight == MOE_WEIGHT_DENSE_FFN;
  MoeLayerOp act = *like;

  linear->split = MOE_SPLIT_COLUMN;
  linear->n_counted = (double)(wide * view->tensor);
  linear->fused_gradient = TRUE;
  linear->bias = bias;
  act.kind = MOE_LAYER_ACTIVATION;
  act.name = "activation";
  act.modules |= activation;
  act.in[0] = up;
  act.out[0] = down;
  act.chain = (MoeChain){.kernel = {act.name}, .width = {(double)inner}, .n = 1, .gated = gated};
  moe_sublayer_op(sublayer, &act);
  linear = &moe_sublayer_linear(sublayer, like, "ffn_down", inner, view->arch->hidden, down, 0)->linear;
  linear->split = MOE_SPLIT_ROW;
  linear->bias = bias;
}

void moe_describe_dense(const MoeView *view, int64_t width, MoeSublayer *sublayer)
{
  MoeLayerOp like = {
      .scope = MOE_SCOPE_DENSE_FFN, .modules = MOE_MODULE_FFN, .rows = MOE_ROWS_FULL, .weight = MOE_WEIGHT_DENSE_FFN};
  int input = moe_frame_enter(view, MOE_SCOPE_DENSE_FFN, sublayer);

  sublayer->weight_tensors = WEIGHT_TENSORS;
  moe_describe_ffn(view, &like, MOE_MODULE_FFN_ACTIVATION, width, view->arch->ffn.gated, input, sublayer);
  moe_frame_leave(view, MOE_SCOPE_DENSE_FFN, sublayer);
}
