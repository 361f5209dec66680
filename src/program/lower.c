/* Lowering of layers: a sub-layer's operations forwards in their order, backwards in reverse. */
#include "internal.h"

typedef void (*Lower)(MoeEmit *emit, const MoeLayerOp *op);

/* What one kind of operation does; NULL = nothing. */
static const struct {
  Lower forward, backward;
} lowerings[MOE_N_LAYER_OPS] = {
    [MOE_LAYER_NORM] = {moe_lower_norm, moe_lower_norm_backward},
    [MOE_LAYER_LINEAR] = {moe_lower_linear, moe_lower_linear_backward},
    [MOE_LAYER_ROTARY] = {moe_lower_rotary, moe_lower_rotary},
    [MOE_LAYER_COPY] = {moe_lower_copy, moe_lower_copy},
    [MOE_LAYER_CORE] = {moe_lower_core, moe_lower_core_backward},
    [MOE_LAYER_INDEX] = {moe_lower_index, moe_lower_index_backward},
    [MOE_LAYER_CONVOLUTION] = {moe_lower_convolution, moe_lower_convolution_backward},
    [MOE_LAYER_SCAN] = {moe_lower_scan, moe_lower_scan_backward},
    [MOE_LAYER_ACTIVATION] = {moe_lower_activation, moe_lower_activation_backward},
    [MOE_LAYER_CLAMP] = {moe_lower_clamp, moe_lower_clamp_backward},
    [MOE_LAYER_BRANCH] = {NULL, moe_lower_sum},
    [MOE_LAYER_SUM] = {moe_lower_sum, NULL},
    [MOE_LAYER_ROUTE] = {moe_lower_route, moe_lower_route_backward},
    [MOE_LAYER_COUNTS] = {moe_lower_counts, NULL},
    [MOE_LAYER_EXPERTS] = {moe_lower_experts, moe_lower_experts_backward},
    [MOE_LAYER_GROUPED] = {moe_lower_grouped, moe_lower_grouped_backward},
    [MOE_LAYER_GATHER] = {moe_lower_gather, moe_lower_gather},
    [MOE_LAYER_DROPOUT] = {moe_lower_dropout, moe_lower_dropout_backward},
    [MOE_LAYER_ADD] = {moe_lower_add, moe_lower_add_backward},
    [MOE_LAYER_TABLE] = {moe_lower_table, moe_lower_table_backward},
    [MOE_LAYER_LOSS] = {moe_lower_loss, moe_lower_loss_backward},
};

static void lower(MoeEmit *emit, const MoeSublayer *sublayer, guint index, gboolean backward)
{
  const MoeLayerOp *op = &sublayer->ops[index];
  Lower function = backward ? lowerings[op->kind].backward : lowerings[op->kind].forward;
  guint module = emit->module;

  emit->sublayer = sublayer;
  emit->scope = op->scope;
  emit->module = op->modules;
  if (function)
    function(emit, op);
  emit->module = module;
}

void moe_lower_op(MoeEmit *emit, const MoeSublayer *sublayer, guint index)
{
  lower(emit, sublayer, index, FALSE);
}

void moe_lower_op_backward(MoeEmit *emit, const MoeSublayer *sublayer, guint index)
{
  lower(emit, sublayer, index, TRUE);
}

void moe_lower(MoeEmit *emit, const MoeSublayer *sublayer, MoePlace place)
{
  for (guint i = 0; i < sublayer->n_ops; i++)
    if (sublayer->ops[i].place == place)
      lower(emit, sublayer, i, FALSE);
}

void moe_lower_backward(MoeEmit *emit, const MoeSublayer *sublayer, MoePlace place)
{
  for (guint i = sublayer->n_ops; i-- > 0;)
    if (sublayer->ops[i].place == place)
      lower(emit, sublayer, i, TRUE);
}

int64_t moe_lower_rows(const MoeEmit *emit, MoeRows rows)
{
  return rows == MOE_ROWS_EXPERT ? moe_group_rows(emit->shape) : (int64_t)moe_shape_rows(emit->shape, rows);
}

int moe_lower_load(const MoeEmit *emit, const MoeLayerOp *op)
{
  return op->rows == MOE_ROWS_EXPERT ? moe_router_load(emit->builder->router, emit->layer, emit->group, emit->round)
                                     : MOE_NO_LOAD;
}
