/* Linear attention: projections, a short convolution over queries, keys and values, the scan, a gated norm, the output
 * projection. Gated delta rule (Yang et al., arXiv:2412.06464; Qwen3-Next), Kimi Delta Attention (arXiv:2510.26692),
 * Mamba-2 (Dao and Gu, arXiv:2405.21060), whose state takes the place of keys. */
#include "internal.h"

/* Projection, decays, convolution, their scale and offset, norm, gated norm, output. */
#define WEIGHT_TENSORS 8.0

/* Widths of one rank. */
typedef struct {
  int64_t key_heads, value_heads, keys, values;
  int64_t mixed; /* what the convolution runs over: queries, keys, values */
} Widths;

static Widths widths_of(const MoeView *view)
{
  const MoeLinearAttention *l = &view->arch->linear;
  Widths w = {.key_heads = l->key_heads / view->tensor, .value_heads = l->value_heads / view->tensor};

  w.keys = w.key_heads * l->key_dim;
  w.values = w.value_heads * l->value_dim;
  w.mixed = 2 * w.keys + w.values;
  return w;
}

static MoeLayerOp like_op(void)
{
  return (MoeLayerOp){.scope = MOE_SCOPE_ATTENTION, .rows = MOE_ROWS_FULL, .weight = MOE_WEIGHT_ATTENTION};
}

static int full_tensor(MoeSublayer *sublayer, const char *name, int64_t width)
{
  return moe_sublayer_tensor(sublayer, name, MOE_ROWS_FULL, MOE_KEPT_ACTIVATION, (double)width);
}

static MoeLayerOp *column(const MoeView *view, const char *name, int64_t k, int64_t n, int in, int out,
                          MoeSublayer *sublayer)
{
  MoeLayerOp like = like_op(), *op = moe_sublayer_linear(sublayer, &like, name, k, n, in, out);

  op->linear.split = MOE_SPLIT_COLUMN;
  op->linear.n_counted = (double)(n * view->tensor);
  return op;
}

/* Decay of each head, and the delta rule's step; the output gate is a product of its own width. Kimi Delta Attention
 * has a decay per key element and compresses it and the output gate. */
static int gates(const MoeView *view, const Widths *w, int input, int gate, MoeSublayer *sublayer)
{
  const MoeLinearAttention *l = &view->arch->linear;
  int64_t per_head = l->kind == MOE_LINEAR_GATED_DELTA ? 2 : 1;
  int decay = full_tensor(sublayer, "decay", l->kind == MOE_LINEAR_KDA ? w->keys : per_head * w->value_heads);

  if (l->kind != MOE_LINEAR_KDA) {
    column(view, "gates", view->arch->hidden, per_head * w->value_heads, input, decay, sublayer)->linear.shares_input =
        TRUE;
    return decay;
  }
  MoeLayerOp like = like_op();
  int down = full_tensor(sublayer, "gates_down", 2 * l->gate_rank);

  column(view, "step", view->arch->hidden, w->value_heads, input, 0, sublayer)->linear.shares_input = TRUE;
  like.rows = MOE_ROWS_STREAM;
  moe_sublayer_linear(sublayer, &like, "gates_down", view->arch->hidden, 2 * l->gate_rank, input, down)
      ->linear.shares_input = TRUE;
  column(view, "decay_up", l->gate_rank, w->keys, down, decay, sublayer);
  column(view, "gate_up", l->gate_rank, w->values, down, gate, sublayer);
  return decay;
}

static int convolve(const MoeView *view, const Widths *w, int in, MoeSublayer *sublayer)
{
  MoeLayerOp op = like_op();

  if (view->arch->linear.convolution == 0)
    return in;
  op.kind = MOE_LAYER_CONVOLUTION;
  op.name = "short_convolution";
  op.in[0] = in;
  op.out[0] = full_tensor(sublayer, "convolved", w->mixed);
  op.chain = (MoeChain){.kernel = {op.name}, .width = {(double)w->mixed}, .n = 1};
  op.chain.gains = (double)(view->arch->linear.convolution * w->mixed);
  moe_sublayer_op(sublayer, &op);
  return op.out[0];
}

static int scan(const MoeView *view, const Widths *w, int mixed, int decay, MoeSublayer *sublayer)
{
  const MoeLinearAttention *l = &view->arch->linear;
  MoeLayerOp op = like_op();

  op.kind = MOE_LAYER_SCAN;
  op.name = "scan";
  op.in[0] = mixed;
  op.in[1] = decay;
  op.out[0] = full_tensor(sublayer, "heads", w->values);
  if (l->kind != MOE_LINEAR_MAMBA2) /* products of keys inside each chunk, inverted */
    op.out[1] = full_tensor(sublayer, "within_chunks", w->value_heads * l->chunk);
  op.scan = (MoeScan){l->kind, w->value_heads, w->key_heads, l->key_dim, l->value_dim, l->chunk};
  moe_sublayer_op(sublayer, &op);
  return op.out[0];
}

static void leave(const MoeView *view, const Widths *w, int heads, int gate, MoeSublayer *sublayer)
{
  MoeLayerOp norm = like_op(), like = like_op();

  norm.kind = MOE_LAYER_NORM;
  norm.name = "gated_norm";
  norm.modules = MOE_MODULE_NORM;
  norm.weight = MOE_WEIGHT_NORM;
  norm.in[0] = heads;
  norm.in[1] = gate;
  norm.out[0] = moe_sublayer_tensor(sublayer, "normed", MOE_ROWS_FULL, MOE_KEPT_INPUT, (double)w->values);
  norm.chain = (MoeChain){.kernel = {norm.name}, .width = {(double)w->values}, .n = 1};
  norm.chain.gains = (double)view->arch->linear.value_dim;
  moe_sublayer_op(sublayer, &norm);
  moe_sublayer_linear(sublayer, &like, "attention_out", w->values, view->arch->hidden, norm.out[0], 0)->linear.split =
      MOE_SPLIT_ROW;
}

void moe_describe_linear_attention(const MoeView *view, MoeLayerKind kind, int input, MoeSublayer *sublayer)
{
  Widths w = widths_of(view);
  gboolean wide_gate = view->arch->linear.kind != MOE_LINEAR_KDA;
  int mixed = full_tensor(sublayer, "mixed", w.mixed), gate = full_tensor(sublayer, "gate", w.values);
  MoeLayerOp *in =
      column(view, "qkv", view->arch->hidden, w.mixed + (wide_gate ? w.values : 0), input, mixed, sublayer);

  sublayer->weight_tensors += WEIGHT_TENSORS;
  in->linear.shares_input = kind.mixer == MOE_MIXER_PARALLEL;
  in->out[1] = wide_gate ? gate : 0;
  int decay = gates(view, &w, input, gate, sublayer);

  mixed = convolve(view, &w, mixed, sublayer);
  leave(view, &w, scan(view, &w, mixed, decay, sublayer), gate, sublayer);
}
