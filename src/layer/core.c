/* What follows the projections of every kind of attention: rotary embedding, the core, the output projection. */
#include "internal.h"

void moe_describe_rotary(const MoeView *view, const MoeLayerOp *like, double width, MoeSublayer *sublayer)
{
  MoeLayerOp op = *like;

  if (view->arch->learned_positions > 0)
    return;
  op.kind = MOE_LAYER_ROTARY;
  op.name = "rotary";
  op.rows = MOE_ROWS_FULL;
  op.chain = (MoeChain){.kernel = {op.name}, .width = {width}, .n = 1};
  moe_sublayer_op(sublayer, &op);
}

/* Beside its output a fused kernel keeps the log-sum-exp of each row; scores computed one by one keep the
 * probabilities, and what dropout leaves of them. */
static void keep_scores(const MoeView *view, const MoeCore *core, MoeLayerOp *op, MoeSublayer *sublayer)
{
  double heads = (double)core->query_heads;

  if (core->fused) {
    op->out[1] = moe_sublayer_tensor(sublayer, "statistics", MOE_ROWS_FULL, MOE_KEPT_FP32, heads);
    return;
  }
  op->modules = MOE_MODULE_CORE_ATTENTION;
  op->out[1] = moe_sublayer_tensor(sublayer, "probabilities", MOE_ROWS_SCORE, MOE_KEPT_ACTIVATION, heads);
  if (view->arch->dropout > 0) {
    op->out[2] = moe_sublayer_tensor(sublayer, "dropped", MOE_ROWS_SCORE, MOE_KEPT_ACTIVATION, heads);
    op->out[3] = moe_sublayer_tensor(sublayer, "dropped_mask", MOE_ROWS_SCORE, MOE_KEPT_BYTE, heads);
  }
}

void moe_core_limit(const MoeView *view, MoeLayerKind kind, MoeCore *core)
{
  const MoeAttention *a = &view->arch->attention;
  gboolean local = kind.mixer == MOE_MIXER_LOCAL;

  core->window = core->backward_window = a->index.heads > 0 ? a->index.top_k : local ? a->window : 0;
  core->chunk = local ? a->chunk : 0;
  core->scattered = a->index.heads > 0;
}

/* An output gate (Qwen3-Next): a sigmoid of its own projection, times what the heads give. */
static int gate_output(const MoeCoreInputs *inputs, int output, double width, MoeSublayer *sublayer)
{
  MoeLayerOp op = {.kind = MOE_LAYER_ACTIVATION,
                   .name = "output_gate",
                   .scope = MOE_SCOPE_ATTENTION,
                   .rows = MOE_ROWS_FULL,
                   .in = {output, inputs->gate}};

  if (inputs->gate == 0)
    return output;
  op.out[0] = moe_sublayer_tensor(sublayer, "gated", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, width);
  op.chain = (MoeChain){.kernel = {op.name}, .width = {width}, .n = 1, .gated = TRUE};
  moe_sublayer_op(sublayer, &op);
  return op.out[0];
}

void moe_describe_core(const MoeView *view, const MoeCoreInputs *inputs, MoeSublayer *sublayer)
{
  int64_t given = inputs->core.query_heads * inputs->core.dim_v, width = inputs->width ? inputs->width : given;
  int output = moe_sublayer_tensor(sublayer, "heads", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, (double)given);
  MoeLayerOp op = {.kind = MOE_LAYER_CORE,
                   .name = "attention",
                   .scope = MOE_SCOPE_ATTENTION,
                   .rows = MOE_ROWS_FULL,
                   .in = {inputs->query, inputs->key, inputs->value},
                   .out = {output},
                   .core = inputs->core};
  MoeLayerOp like = {.scope = MOE_SCOPE_ATTENTION, .rows = MOE_ROWS_FULL, .weight = MOE_WEIGHT_ATTENTION};

  keep_scores(view, &inputs->core, &op, sublayer);
  moe_sublayer_op(sublayer, &op);
  output = gate_output(inputs, output, (double)width, sublayer);
  if (width != given) /* values come back from their compressed form in the product of keys and values */
    output = moe_sublayer_tensor(sublayer, "expanded", MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, (double)width);
  MoeLinear *out = &moe_sublayer_linear(sublayer, &like, "attention_out", width, view->arch->hidden, output, 0)->linear;

  out->split = MOE_SPLIT_ROW;
  out->bare_input = TRUE;
  out->bias = view->arch->biases;
}
