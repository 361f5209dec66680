/* The kinds of operations: what their backward pass reads, what they hold, what a token multiplies with. */
#include "internal.h"

/* Keep in the order of MoeLayerOpKind. */
static const struct {
  const char *word;
  gboolean reads_inputs, reads_outputs; /* the backward pass */
  gboolean has_matrix;                  /* weights are `linear`'s */
} kinds[MOE_N_LAYER_OPS] = {
    [MOE_LAYER_NORM] = {"norm", TRUE, FALSE, FALSE},
    [MOE_LAYER_LINEAR] = {"linear", TRUE, FALSE, TRUE},
    [MOE_LAYER_ROTARY] = {"rotary", FALSE, FALSE, FALSE},
    [MOE_LAYER_COPY] = {"copy", FALSE, FALSE, FALSE},
    [MOE_LAYER_CORE] = {"core", TRUE, TRUE, FALSE},
    [MOE_LAYER_INDEX] = {"index", TRUE, FALSE, FALSE},
    [MOE_LAYER_CONVOLUTION] = {"convolution", TRUE, FALSE, FALSE},
    [MOE_LAYER_SCAN] = {"scan", TRUE, TRUE, FALSE},
    [MOE_LAYER_ACTIVATION] = {"activation", TRUE, FALSE, FALSE},
    [MOE_LAYER_CLAMP] = {"clamp", TRUE, FALSE, FALSE},
    [MOE_LAYER_BRANCH] = {"branch", FALSE, FALSE, FALSE},
    [MOE_LAYER_SUM] = {"sum", FALSE, FALSE, FALSE},
    [MOE_LAYER_ROUTE] = {"route", FALSE, TRUE, FALSE},
    [MOE_LAYER_COUNTS] = {"counts", FALSE, FALSE, FALSE},
    [MOE_LAYER_EXPERTS] = {"experts", TRUE, FALSE, FALSE}, /* rows of one round are sent again from its input */
    [MOE_LAYER_GROUPED] = {"grouped", TRUE, FALSE, TRUE},
    [MOE_LAYER_GATHER] = {"gather", FALSE, FALSE, FALSE},
    [MOE_LAYER_DROPOUT] = {"dropout", FALSE, TRUE, FALSE},
    [MOE_LAYER_ADD] = {"add", FALSE, FALSE, FALSE},
    [MOE_LAYER_TABLE] = {"table", FALSE, FALSE, TRUE},
    [MOE_LAYER_LOSS] = {"loss", TRUE, FALSE, FALSE},
};

const char *moe_layer_op_word(MoeLayerOpKind kind)
{
  return kinds[kind].word;
}

void moe_op_reading(MoeLayerOpKind kind, gboolean *inputs, gboolean *outputs)
{
  *inputs = kinds[kind].reads_inputs;
  *outputs = kinds[kind].reads_outputs;
}

gboolean moe_op_reads(const MoeLayerOp *op, int tensor)
{
  for (guint i = 0; i < MOE_OP_INPUTS; i++)
    if (kinds[op->kind].reads_inputs && op->in[i] == tensor)
      return TRUE;
  for (guint i = 0; i < MOE_OP_OUTPUTS; i++)
    if (kinds[op->kind].reads_outputs && op->out[i] == tensor)
      return TRUE;
  return FALSE;
}

void moe_op_weights(const MoeLayerOp *op, MoeOpWeights *weights)
{
  const MoeLinear *linear = &op->linear;
  double copies = kinds[op->kind].has_matrix ? (double)linear->copies : 0;

  *weights = (MoeOpWeights){0};
  if (op->kind == MOE_LAYER_NORM || op->kind == MOE_LAYER_CONVOLUTION)
    weights->held = weights->active = op->chain.gains;
  if (copies == 0)
    return;
  double one = (double)linear->k * linear->n_held + (linear->bias ? linear->n_held : 0);

  weights->held = copies * one;
  weights->active = op->kind == MOE_LAYER_GROUPED ? linear->passes * one : weights->held;
  weights->multiplied = linear->passes * (double)linear->k * linear->n_counted;
  weights->adapters = linear->adapters ? (double)(linear->k + linear->n) : 0;
}
