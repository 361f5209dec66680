/*
 * Activations that the forward pass of a layer leaves for its backward pass: the tensors that some backward pass reads,
 * less those that recomputation makes again.
 *
 * Korthikanti et al. 2022 (arXiv:2205.05198), section 4, extended to gated FFNs, MLA, experts and FP8; the sum for a
 * GPT layer is their sbh (34 + 5 a s / h), a test holds that.
 */
#include "internal.h"

/* Modules whose recomputation also throws their output away and makes it again before its reader outside needs it
 * (Megatron-core, output-discarding checkpointing: layernorm, mla_up_proj, mlp and MoE activations). Others are
 * ordinary checkpoints: what leaves them is kept. */
#define DISCARDING                                                                                                     \
  (MOE_MODULE_NORM | MOE_MODULE_ATTENTION_PROJECTIONS | MOE_MODULE_FFN_ACTIVATION | MOE_MODULE_MOE_ACTIVATION |        \
   MOE_MODULE_EXPERT_FFN)

static const MoeLayerOp *producer_of(const MoeSublayer *sublayer, int tensor)
{
  for (guint i = 0; i < sublayer->n_ops; i++)
    for (guint o = 0; o < MOE_OP_OUTPUTS; o++)
      if (sublayer->ops[i].out[o] == tensor)
        return &sublayer->ops[i];
  return NULL;
}

/* Modules that every backward pass which reads the tensor belongs to; FALSE when none reads it. */
static gboolean readers_of(const MoeSublayer *sublayer, int tensor, guint *modules)
{
  gboolean any = FALSE;

  *modules = ~0u;
  for (guint i = 0; i < sublayer->n_ops; i++)
    if (moe_op_reads(&sublayer->ops[i], tensor)) {
      *modules &= sublayer->ops[i].modules;
      any = TRUE;
    }
  return any;
}

static double element_bytes(const MoeShape *shape, MoeKept kept, gboolean replayed)
{
  double input = shape->fp8_gemm && shape->fp8_wgrad ? moe_precision_bytes(shape->precision->gemm) : shape->act_bytes;

  switch (kept) {
  case MOE_KEPT_RESIDUAL:
    return shape->residual_bytes;
  case MOE_KEPT_INPUT:
    return input;
  case MOE_KEPT_REPLAYED:
    return replayed && shape->precision->gemm == MOE_FP8_BLOCK ? input : shape->act_bytes;
  case MOE_KEPT_FP32:
    return moe_precision_bytes(MOE_FP32);
  case MOE_KEPT_BYTE:
    return 1;
  default:
    return shape->act_bytes;
  }
}

static double tensor_bytes(const MoeShape *shape, const MoeSublayer *sublayer, int number, guint recomputed)
{
  const MoeTensor *tensor = &sublayer->tensors[number];
  const MoeLayerOp *producer = producer_of(sublayer, number);
  guint readers, made = producer ? producer->modules & recomputed : 0;

  if (!readers_of(sublayer, number, &readers) || (made & (DISCARDING | readers)))
    return 0;
  return moe_shape_rows(shape, tensor->rows) * tensor->width *
         element_bytes(shape, tensor->kept, (readers & recomputed) != 0);
}

static double sublayer_bytes(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed)
{
  double bytes = 0;

  for (guint tensor = 1; tensor <= sublayer->n_tensors; tensor++)
    bytes += tensor_bytes(shape, sublayer, (int)tensor, recomputed);
  return bytes;
}

double moe_layer_saved_bytes(const MoeShape *shape, int64_t layer, guint recomputed)
{
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeSublayer attention, second;

  moe_describe_attention(&shape->view, kind, &attention);
  moe_describe_second(&shape->view, kind, &second);
  return (sublayer_bytes(shape, &attention, recomputed) + sublayer_bytes(shape, &second, recomputed)) *
         (1 + shape->run->stack.activation_overhead);
}

double moe_checkpoint_bytes(const MoeShape *shape)
{
  return moe_shape_rows(shape, MOE_ROWS_STREAM) * (double)shape->hidden * shape->residual_bytes;
}
