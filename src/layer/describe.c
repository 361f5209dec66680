/* Putting descriptions together: tensors, operations, and the frame that every sub-layer has around it. */
#include "internal.h"

int moe_sublayer_tensor(MoeSublayer *sublayer, const char *name, MoeRows rows, MoeKept kept, double width)
{
  g_assert(sublayer->n_tensors + 1 < MOE_MAX_TENSORS);
  sublayer->tensors[++sublayer->n_tensors] = (MoeTensor){name, rows, kept, width};
  return (int)sublayer->n_tensors;
}

MoeLayerOp *moe_sublayer_op(MoeSublayer *sublayer, const MoeLayerOp *op)
{
  g_assert(sublayer->n_ops < MOE_MAX_LAYER_OPS);
  sublayer->ops[sublayer->n_ops] = *op;
  return &sublayer->ops[sublayer->n_ops++];
}

MoeLayerOp *moe_sublayer_linear(MoeSublayer *sublayer, const MoeLayerOp *like, const char *name, int64_t k, int64_t n,
                                int in, int out)
{
  MoeLayerOp op = *like;

  op.kind = MOE_LAYER_LINEAR;
  op.name = name;
  op.in[0] = in;
  op.out[0] = out;
  op.linear = (MoeLinear){
      .k = k, .n = n, .n_held = (double)n, .n_counted = (double)n, .copies = 1, .passes = 1, .adapters = TRUE};
  return moe_sublayer_op(sublayer, &op);
}

void moe_sublayer_begin(MoeSublayer *sublayer)
{
  sublayer->n_tensors = sublayer->n_ops = 0;
  sublayer->weight_tensors = 0;
}

MoeView moe_view_whole(const MoeArchitecture *arch)
{
  return (MoeView){.arch = arch, .tensor = 1, .expert = 1, .expert_tensor = 1, .fused_attention = TRUE};
}

#define MOE_ATTENTION_DESCRIBE(constant, name, word) [MOE_ATTENTION_##constant] = moe_describe_##name,
static void (*const kinds_of_attention[MOE_N_ATTENTION_KINDS])(const MoeView *view, MoeLayerKind kind, int input,
                                                               MoeSublayer *sublayer) = {
    MOE_ATTENTION_ROWS(MOE_ATTENTION_DESCRIBE)};
#undef MOE_ATTENTION_DESCRIBE

/* Attention and a state beside each other: `kind` BRANCH where they part, SUM where what they give is added. */
static void branch(const MoeView *view, MoeLayerOpKind kind, MoeSublayer *sublayer)
{
  MoeLayerOp op = {.kind = kind, .name = "sum_branches", .scope = MOE_SCOPE_ATTENTION, .rows = MOE_ROWS_STREAM};

  op.chain = (MoeChain){.kernel = {op.name}, .width = {(double)view->arch->hidden}, .n = 1, .branches = 2};
  moe_sublayer_op(sublayer, &op);
}

void moe_describe_attention(const MoeView *view, MoeLayerKind kind, MoeSublayer *sublayer)
{
  moe_sublayer_begin(sublayer);
  if (kind.mixer == MOE_MIXER_NONE)
    return;
  int input = moe_frame_enter(view, MOE_SCOPE_ATTENTION, sublayer);

  if (kind.mixer == MOE_MIXER_PARALLEL)
    branch(view, MOE_LAYER_BRANCH, sublayer);
  if (moe_mixer_attends(kind.mixer))
    kinds_of_attention[view->arch->attention.kind](view, kind, input, sublayer);
  if (moe_mixer_scans(kind.mixer))
    moe_describe_linear_attention(view, kind, input, sublayer);
  if (kind.mixer == MOE_MIXER_PARALLEL)
    branch(view, MOE_LAYER_SUM, sublayer);
  moe_frame_leave(view, MOE_SCOPE_ATTENTION, sublayer);
}

void moe_describe_second(const MoeView *view, MoeLayerKind kind, MoeSublayer *sublayer)
{
  moe_sublayer_begin(sublayer);
  if (kind.feed == MOE_FEED_MOE)
    moe_describe_moe(view, sublayer);
  else if (kind.feed == MOE_FEED_DENSE)
    moe_describe_dense(view, kind.ffn_width, sublayer);
}

/* ---- the frame of a sub-layer ------------------------------------------------------------------------------------ */

/* Layers with four norms have one at the output of each sub-layer. */
static gboolean has_output_norm(const MoeView *view)
{
  return view->arch->norms_per_layer >= 4;
}

/* Parameters of `norms` over the hidden width: a scale, and a shift in models with biases. */
static double frame_gains(const MoeView *view, double norms)
{
  return norms * (double)view->arch->hidden * (view->arch->biases ? 2 : 1);
}

int moe_frame_enter(const MoeView *view, MoeScope scope, MoeSublayer *sublayer)
{
  double hidden = (double)view->arch->hidden, norms = (double)view->arch->norms_per_layer / 2;
  int stream = moe_sublayer_tensor(sublayer, "stream", MOE_ROWS_STREAM, MOE_KEPT_RESIDUAL, hidden);
  int input = moe_sublayer_tensor(sublayer, "input", MOE_ROWS_STREAM, MOE_KEPT_INPUT, hidden);
  MoeLayerOp norm = {.kind = MOE_LAYER_NORM,
                     .name = "norm",
                     .scope = scope,
                     .modules = MOE_MODULE_NORM,
                     .weight = MOE_WEIGHT_NORM,
                     .in = {stream},
                     .out = {input}};

  norm.chain = (MoeChain){.kernel = {"norm"}, .width = {hidden}, .n = 1, .enters = TRUE};
  norm.chain.gains = frame_gains(view, norms - (has_output_norm(view) ? 1 : 0));
  moe_sublayer_op(sublayer, &norm);
  return input;
}

static void output_norm(const MoeView *view, MoeLayerOp like, MoeSublayer *sublayer)
{
  double hidden = (double)view->arch->hidden;

  like.kind = MOE_LAYER_NORM;
  like.name = "output_norm";
  like.modules = MOE_MODULE_NORM;
  like.weight = MOE_WEIGHT_NORM;
  like.in[0] = moe_sublayer_tensor(sublayer, "output", MOE_ROWS_STREAM, MOE_KEPT_ACTIVATION, hidden);
  like.chain = (MoeChain){.kernel = {like.name}, .width = {hidden}, .n = 1, .gains = frame_gains(view, 1)};
  moe_sublayer_op(sublayer, &like);
}

void moe_frame_leave(const MoeView *view, MoeScope scope, MoeSublayer *sublayer)
{
  double hidden = (double)view->arch->hidden;
  MoeLayerOp op = {.scope = scope, .chain = {.width = {hidden}, .n = 1}};

  if (has_output_norm(view))
    output_norm(view, op, sublayer);
  if (view->arch->dropout > 0) {
    op.kind = MOE_LAYER_DROPOUT;
    op.name = op.chain.kernel[0] = "dropout";
    op.out[0] = moe_sublayer_tensor(sublayer, "mask", MOE_ROWS_STREAM, MOE_KEPT_BYTE, hidden);
    moe_sublayer_op(sublayer, &op);
    op.out[0] = 0;
  }
  op.kind = MOE_LAYER_ADD;
  op.name = op.chain.kernel[0] = "residual";
  moe_sublayer_op(sublayer, &op);
}
