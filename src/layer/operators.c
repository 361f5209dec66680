/*
 * Selective checkpointing by operator: the outputs of some operations are kept, all else is computed again from the
 * layer's input (PyTorch, create_selective_checkpoint_contexts; torchtitan, distributed/activation_checkpoint.py).
 *
 * Products are counted as software multiplies that keeps queries, keys and values apart, and gate and up; `alternate`
 * keeps the first, third, fifth of a layer. The router's is not counted and never kept. An output is kept whether or
 * not a backward pass reads it.
 */
#include "internal.h"

/* One pass over a layer's operations. */
typedef struct {
  const MoeShape *shape;
  guint saves; /* bits of MoeSave */
  guint seen;  /* products so far */
  MoeOperatorBytes *bytes;
} Policy;

gboolean moe_recompute_takes(const MoeRecompute *recompute, int64_t index, int64_t chunks)
{
  if (recompute->mode != MOE_RECOMPUTE_FULL && recompute->mode != MOE_RECOMPUTE_OPERATORS)
    return FALSE;
  if (recompute->method == MOE_METHOD_UNIFORM)
    return TRUE;
  return (index + 1) % recompute->every == 0 && (recompute->layers < 0 || index * chunks < recompute->layers);
}

static void keep(Policy *policy, MoeRows rows, double width, gboolean read)
{
  double bytes = moe_shape_rows(policy->shape, rows) * width * policy->shape->act_bytes;

  policy->bytes->kept += bytes;
  policy->bytes->read += read ? bytes : 0;
}

/* ---- products with weights --------------------------------------------------------------------------------------- */

/* Whether a gated activation alone reads the tensor: gate and up lie in it side by side. */
static gboolean is_gate_and_up(const MoeSublayer *sublayer, int tensor)
{
  for (guint i = 0; i < sublayer->n_ops && tensor > 0; i++) {
    const MoeLayerOp *op = &sublayer->ops[i];

    if (op->kind == MOE_LAYER_ACTIVATION && op->chain.gated && op->in[0] == tensor && op->in[1] == 0)
      return TRUE;
  }
  return FALSE;
}

/* Widths of the products that one stands for. */
static guint product_widths(const MoeSublayer *sublayer, const MoeLayerOp *op, double width[MOE_OP_OUTPUTS])
{
  guint n = 0;

  for (guint o = 0; o < MOE_OP_OUTPUTS; o++)
    if (op->out[o] > 0)
      width[n++] = sublayer->tensors[op->out[o]].width;
  if (n > 1)
    return n;
  n = is_gate_and_up(sublayer, op->out[0]) ? 2 : 1;
  for (guint i = 0; i < n; i++)
    width[i] = (double)op->linear.n / n;
  return n;
}

/* Whether a product makes queries, keys or values: of those before the core, the ones that tensor ranks divide. */
static gboolean is_qkv(const MoeSublayer *sublayer, const MoeLayerOp *op)
{
  gboolean core = FALSE;

  for (guint i = 0; i < sublayer->n_ops; i++)
    core |= sublayer->ops[i].kind == MOE_LAYER_CORE;
  return core && op->linear.split == MOE_SPLIT_COLUMN;
}

static double saved_width(Policy *policy, const MoeSublayer *sublayer, const MoeLayerOp *op)
{
  double width[MOE_OP_OUTPUTS], saved = 0;
  gboolean all = policy->saves & MOE_SAVE_LINEAR || (policy->saves & MOE_SAVE_QKV && is_qkv(sublayer, op));

  if (op->kind == MOE_LAYER_GROUPED)
    return policy->saves & MOE_SAVE_GROUPED_LINEAR ? (double)op->linear.n : 0;
  if (op->linear.role == MOE_LINEAR_ROUTER)
    return 0;
  guint n = product_widths(sublayer, op, width);

  for (guint i = 0; i < n; i++) {
    gboolean alternate = policy->seen++ % 2 == 0 && policy->saves & MOE_SAVE_ALTERNATE_LINEAR;

    if (all || alternate)
      saved += width[i];
  }
  return saved;
}

/* What tensor ranks sum after a row-parallel product. */
static gboolean is_scattered(const Policy *policy, const MoeLayerOp *op)
{
  return op->kind == MOE_LAYER_LINEAR && op->linear.split == MOE_SPLIT_ROW && policy->shape->tp > 1 &&
         policy->shape->run->parallelism.sequence_parallel && policy->saves & MOE_SAVE_REDUCE_SCATTER;
}

/* Keeps an operation's outputs, or some of their columns; FALSE when nothing of it is left to compute again. */
static gboolean visit_linear(Policy *policy, const MoeSublayer *sublayer, MoeLayerOp *op)
{
  double saved = saved_width(policy, sublayer, op), rest = 1 - saved / (double)op->linear.n;

  if (saved > 0)
    keep(policy, op->rows, saved, op->out[0] > 0);
  if (is_scattered(policy, op)) {
    keep(policy, MOE_ROWS_STREAM, (double)op->linear.n, FALSE);
    op->quiet = TRUE;
  }
  op->linear.n -= (int64_t)saved;
  op->linear.n_held *= rest;
  op->linear.n_counted *= rest;
  return op->linear.n > 0;
}

/* ---- the others -------------------------------------------------------------------------------------------------- */

static gboolean visit_core(Policy *policy, const MoeSublayer *sublayer, const MoeLayerOp *op)
{
  if (!(policy->saves & MOE_SAVE_CORE_ATTENTION))
    return TRUE;
  for (guint o = 0; o < MOE_OP_OUTPUTS; o++) {
    const MoeTensor *tensor = &sublayer->tensors[op->out[o]];
    double wide = tensor->kept == MOE_KEPT_FP32 ? moe_precision_bytes(MOE_FP32) / policy->shape->act_bytes : 1;

    if (op->out[o] > 0)
      keep(policy, tensor->rows, tensor->width * wide, TRUE);
  }
  return FALSE;
}

/* Rows as they arrived at the experts, and as they came back. */
static gboolean visit_experts(Policy *policy, const MoeSublayer *sublayer, MoeLayerOp *op)
{
  const MoeShape *shape = policy->shape;
  double sent = moe_real_top_k(&shape->arch->moe) * shape->wire_padding;

  if (!(policy->saves & MOE_SAVE_ALL_TO_ALL) || shape->ep == 1)
    return TRUE;
  keep(policy, MOE_ROWS_EXPERT, sublayer->tensors[op->out[1]].width, TRUE);
  keep(policy, MOE_ROWS_ROUTED, (double)shape->outer * sent, FALSE);
  op->quiet = TRUE;
  return TRUE;
}

static gboolean visit(Policy *policy, const MoeSublayer *sublayer, MoeLayerOp *op)
{
  switch (op->kind) {
  case MOE_LAYER_LINEAR:
  case MOE_LAYER_GROUPED:
    return visit_linear(policy, sublayer, op);
  case MOE_LAYER_CORE:
    return visit_core(policy, sublayer, op);
  case MOE_LAYER_EXPERTS:
    return visit_experts(policy, sublayer, op);
  default:
    return TRUE;
  }
}

static void visit_all(Policy *policy, MoeSublayer *sublayer)
{
  MoeSublayer whole = *sublayer;

  sublayer->n_ops = 0;
  for (guint i = 0; i < whole.n_ops; i++) {
    MoeLayerOp op = whole.ops[i];

    if (visit(policy, &whole, &op))
      moe_sublayer_op(sublayer, &op);
  }
}

void moe_operators_thin(const MoeShape *shape, MoeSublayer *attention, MoeSublayer *second, MoeOperatorBytes *bytes)
{
  Policy policy = {.shape = shape, .saves = shape->run->recompute.saves, .bytes = bytes};
  double more = 1 + shape->run->stack.activation_overhead;

  *bytes = (MoeOperatorBytes){0};
  visit_all(&policy, attention);
  visit_all(&policy, second);
  bytes->kept *= more;
  bytes->read *= more;
}
