/* MoE sub-layer: router, latent projections, experts between dispatch and combine, shared experts beside the transfers.
 */
#include "internal.h"

#define WEIGHT_TENSORS 4.0 /* router, norm, latent down and up; experts are kept as one tensor per matrix */

/* The operations that recompute knows as "moe", from the router's scores to the rows that come back. */
static MoeLayerOp inner_op(MoeScope scope)
{
  return (MoeLayerOp){.scope = scope, .modules = MOE_MODULE_MOE, .rows = MOE_ROWS_ROUTED};
}

/* The input of the sub-layer feeds router, experts and shared experts. */
static void branch(const MoeView *view, MoeSublayer *sublayer)
{
  MoeLayerOp op = {.kind = MOE_LAYER_BRANCH, .name = "branches", .scope = MOE_SCOPE_ROUTER, .rows = MOE_ROWS_ROUTED};

  op.chain = (MoeChain){.kernel = {"sum_branches"}, .width = {(double)view->arch->hidden}, .n = 1};
  op.chain.branches = view->arch->moe.shared_experts > 0 ? 3 : 2;
  moe_sublayer_op(sublayer, &op);
}

/* Router: FP32 probabilities; the rows that its product read are the norm's output. */
static void route(const MoeView *view, int input, MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  int64_t choices = moe->experts + moe->zero_experts;
  MoeLayerOp op = inner_op(MOE_SCOPE_ROUTER);

  op.weight = MOE_WEIGHT_ROUTER;
  MoeLinear *gate = &moe_sublayer_linear(sublayer, &op, "router", view->arch->hidden, choices, input, 0)->linear;

  gate->role = MOE_LINEAR_ROUTER;
  gate->adapters = FALSE;
  gate->passes = moe->router_left_out ? 0 : 1;
  op.kind = MOE_LAYER_ROUTE;
  op.name = "route";
  op.out[0] = moe_sublayer_tensor(sublayer, "probabilities", MOE_ROWS_ROUTED, MOE_KEPT_FP32, (double)choices);
  op.chain = (MoeChain){.kernel = {op.name}, .width = {(double)choices}, .n = 1};
  moe_sublayer_op(sublayer, &op);
  op = inner_op(MOE_SCOPE_EXPERTS);
  op.kind = MOE_LAYER_COUNTS;
  op.name = "counts";
  moe_sublayer_op(sublayer, &op);
}

static void latent(const MoeView *view, gboolean down, int in, int out, MoeSublayer *sublayer)
{
  int64_t width = view->arch->moe.latent, hidden = view->arch->hidden;
  MoeLayerOp like = inner_op(MOE_SCOPE_EXPERTS);

  if (width == 0)
    return;
  like.weight = MOE_WEIGHT_LATENT;
  MoeLinear *linear = &moe_sublayer_linear(sublayer, &like, down ? "latent_down" : "latent_up", down ? hidden : width,
                                           down ? width : hidden, in, out)
                           ->linear;

  linear->bare_input = !down; /* the up-projection reads what combine delivered */
  linear->adapters = FALSE;
}

/* One matrix of all experts of a rank. */
static MoeLinear *grouped(const MoeView *view, const char *name, int64_t k, int64_t n, guint modules, int in, int out,
                          MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  MoeLayerOp like = inner_op(MOE_SCOPE_EXPERTS);

  like.place = MOE_PLACE_EXPERT;
  like.rows = MOE_ROWS_EXPERT;
  like.modules |= modules;
  like.weight = MOE_WEIGHT_EXPERTS;
  MoeLayerOp *op = moe_sublayer_linear(sublayer, &like, name, k, n, in, out);

  op->kind = MOE_LAYER_GROUPED;
  op->linear.copies = MAX(moe->experts / view->expert, 1);
  op->linear.passes = moe_real_top_k(moe);
  op->linear.adapters = FALSE;
  op->linear.bias = view->arch->biases;
  return &op->linear;
}

/* The activation of the experts, or a step of it, from tensor `in` to `out`. */
static void activate(const MoeView *view, MoeLayerOpKind kind, const char *name, int in, int out, MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  MoeLayerOp op = inner_op(MOE_SCOPE_EXPERTS);

  op.kind = kind;
  op.name = name;
  op.place = MOE_PLACE_EXPERT;
  op.modules |= MOE_MODULE_EXPERT_FFN | MOE_MODULE_MOE_ACTIVATION;
  op.rows = MOE_ROWS_EXPERT;
  op.in[0] = in;
  op.out[0] = out;
  op.chain = (MoeChain){.kernel = {name}, .n = 1, .gated = moe->gated};
  op.chain.width[0] = (double)(moe->width / view->expert_tensor);
  moe_sublayer_op(sublayer, &op);
}

/* Limits what the activation reads: on a copy where experts are a loop, on the way in otherwise. Returns the tensor
 * that the activation reads. */
static int clamp(const MoeView *view, int in, double wide, MoeSublayer *sublayer)
{
  if (!view->arch->moe.clamped)
    return in;
  int copy = moe_sublayer_tensor(sublayer, "expert_clamped", MOE_ROWS_EXPERT, MOE_KEPT_REPLAYED, wide);

  activate(view, MOE_LAYER_CLAMP, "clamp", view->expert_loop ? in : 0, view->expert_loop ? copy : 0, sublayer);
  return view->expert_loop ? copy : in;
}

/* Recomputing the experts' products leaves out the last one: nothing reads its output. */
static void experts(const MoeView *view, int64_t outer, int dispatched, MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  int64_t inner = moe->width / view->expert_tensor, wide = (moe->gated ? 2 : 1) * moe->width / view->expert_tensor;
  int up = moe_sublayer_tensor(sublayer, "expert_wide", MOE_ROWS_EXPERT, MOE_KEPT_REPLAYED, (double)wide);
  int down = moe_sublayer_tensor(sublayer, "expert_inner", MOE_ROWS_EXPERT, MOE_KEPT_INPUT, (double)inner);
  MoeLinear *first = grouped(view, "expert_up", outer, wide, MOE_MODULE_EXPERT_FFN, dispatched, up, sublayer);

  first->bare_input = TRUE;
  first->fused_gradient = TRUE;
  up = clamp(view, up, (double)wide, sublayer);
  activate(view, MOE_LAYER_ACTIVATION, "activation", up, down, sublayer);
  grouped(view, "expert_down", inner, outer, 0, down, 0, sublayer)->weighted_bias =
      view->arch->biases && view->expert_loop;
}

static void shared(const MoeView *view, int input, MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  MoeLayerOp like = inner_op(MOE_SCOPE_EXPERTS);

  like.place = MOE_PLACE_BESIDE;
  like.rows = MOE_ROWS_FULL;
  like.modules |= MOE_MODULE_SHARED_EXPERTS;
  like.weight = MOE_WEIGHT_SHARED;
  if (moe->shared_experts > 0)
    moe_describe_ffn(view, &like, 0, moe->shared_experts * moe->shared_width, moe->gated, input, sublayer);
}

static void gather(MoeSublayer *sublayer)
{
  MoeLayerOp op = inner_op(MOE_SCOPE_EXPERTS);

  op.kind = MOE_LAYER_GATHER;
  op.name = "token_gather";
  moe_sublayer_op(sublayer, &op);
}

void moe_describe_moe(const MoeView *view, MoeSublayer *sublayer)
{
  const MoeExpertLayer *moe = &view->arch->moe;
  int64_t outer = moe->latent > 0 ? moe->latent : view->arch->hidden;
  int input = moe_frame_enter(view, MOE_SCOPE_ROUTER, sublayer), sent = input, back = 0;
  MoeLayerOp op = inner_op(MOE_SCOPE_EXPERTS);

  sublayer->weight_tensors = WEIGHT_TENSORS + (moe->gated ? 3 : 2);
  if (moe->latent > 0) {
    sent = moe_sublayer_tensor(sublayer, "latent", MOE_ROWS_ROUTED, MOE_KEPT_ACTIVATION, (double)outer);
    back = moe_sublayer_tensor(sublayer, "combined", MOE_ROWS_ROUTED, MOE_KEPT_INPUT, (double)outer);
  }
  int dispatched = moe_sublayer_tensor(sublayer, "dispatched", MOE_ROWS_EXPERT, MOE_KEPT_INPUT, (double)outer);

  branch(view, sublayer);
  route(view, input, sublayer);
  latent(view, TRUE, input, sent, sublayer);
  op.kind = MOE_LAYER_EXPERTS;
  op.name = "experts";
  op.in[0] = sent;
  op.out[0] = back;
  op.out[1] = dispatched;
  moe_sublayer_op(sublayer, &op);
  experts(view, outer, dispatched, sublayer);
  shared(view, input, sublayer);
  latent(view, FALSE, back, 0, sublayer);
  gather(sublayer);
  moe_frame_leave(view, MOE_SCOPE_EXPERTS, sublayer);
}
