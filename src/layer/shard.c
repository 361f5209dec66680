/* Parameters that one rank holds: sums over the operations of its layers, as divided over tensor and expert ranks. */
#include "internal.h"

void moe_weights_add(MoeWeights *sum, const MoeWeights *more)
{
  sum->dense += more->dense;
  sum->experts += more->experts;
  sum->tensors += more->tensors;
}

static void add_sublayer(const MoeSublayer *sublayer, MoeWeights *weights)
{
  for (guint i = 0; i < sublayer->n_ops; i++) {
    MoeOpWeights op;

    moe_op_weights(&sublayer->ops[i], &op);
    if (sublayer->ops[i].weight == MOE_WEIGHT_EXPERTS)
      weights->experts += op.held;
    else
      weights->dense += op.held;
  }
  weights->tensors += sublayer->weight_tensors;
}

void moe_weights_layer(const MoeShape *shape, int64_t layer, MoeWeights *weights)
{
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeSublayer sublayer;

  *weights = (MoeWeights){0};
  moe_describe_attention(&shape->view, kind, &sublayer);
  add_sublayer(&sublayer, weights);
  moe_describe_second(&shape->view, kind, &sublayer);
  add_sublayer(&sublayer, weights);
}

void moe_weights_embedding(const MoeShape *shape, MoeWeights *weights)
{
  MoeSublayer sublayer;

  *weights = (MoeWeights){0};
  moe_describe_embedding(&shape->view, &sublayer);
  add_sublayer(&sublayer, weights);
}

void moe_weights_head(const MoeShape *shape, gboolean own_table, MoeWeights *weights)
{
  MoeSublayer sublayer;

  *weights = (MoeWeights){0};
  moe_describe_head(&shape->view, &sublayer);
  add_sublayer(&sublayer, weights);
  if (own_table)
    return;
  for (guint i = 0; i < sublayer.n_ops; i++) {
    MoeOpWeights op;

    moe_op_weights(&sublayer.ops[i], &op);
    if (sublayer.ops[i].kind == MOE_LAYER_LINEAR) {
      weights->dense -= op.held;
      weights->tensors--;
    }
  }
}

void moe_weights_mtp(const MoeShape *shape, MoeWeights *weights)
{
  double modules = (double)shape->arch->mtp_layers;
  MoeSublayer sublayer;

  moe_weights_layer(shape, shape->arch->layers - 1, weights);
  moe_describe_joint(&shape->view, &sublayer);
  add_sublayer(&sublayer, weights);
  weights->dense *= modules;
  weights->experts *= modules;
  weights->tensors *= modules;
}

static double adapters(const MoeSublayer *sublayer)
{
  double sum = 0;

  for (guint i = 0; i < sublayer->n_ops; i++) {
    MoeOpWeights op;

    moe_op_weights(&sublayer->ops[i], &op);
    sum += op.adapters;
  }
  return sum;
}

double moe_weights_adapters(const MoeShape *shape, int64_t layer)
{
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeSublayer attention, second;

  moe_describe_attention(&shape->view, kind, &attention);
  moe_describe_second(&shape->view, kind, &second);
  return (double)shape->run->training.lora_rank * (adapters(&attention) + adapters(&second));
}
