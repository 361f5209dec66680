/*
 * Activations that the forward pass of a layer leaves for its backward pass: the tensors that some backward pass reads,
 * less those that recomputation makes again.
 *
 * Korthikanti et al. 2022 (arXiv:2205.05198), section 4, extended to gated FFNs, MLA, experts and FP8; the sum for a
 * GPT layer is their sbh (34 + 5 a s / h), a test holds that.
 */
#include "internal.h"

#include <string.h>

/* Modules whose recomputation also throws their output away and makes it again before its reader outside needs it
 * (Megatron-core, output-discarding checkpointing: layernorm, mla_up_proj, mlp and MoE activations). Others are
 * ordinary checkpoints: what leaves them is kept. */
#define DISCARDING                                                                                                     \
  (MOE_MODULE_NORM | MOE_MODULE_ATTENTION_PROJECTIONS | MOE_MODULE_FFN_ACTIVATION | MOE_MODULE_MOE_ACTIVATION |        \
   MOE_MODULE_EXPERT_FFN)

/* Who makes a tensor and who reads it, by tensor. */
typedef struct {
  guint made[MOE_MAX_TENSORS];    /* modules that make it */
  guint readers[MOE_MAX_TENSORS]; /* modules that every backward pass which reads it belongs to */
  gboolean read[MOE_MAX_TENSORS];
} Uses;

static void note_read(Uses *uses, int tensor, guint modules)
{
  uses->readers[tensor] &= modules;
  uses->read[tensor] = TRUE;
}

static void note_op(Uses *uses, const MoeLayerOp *op)
{
  gboolean inputs, outputs;

  moe_op_reading(op->kind, &inputs, &outputs);
  for (guint i = 0; i < MOE_OP_INPUTS && inputs; i++)
    note_read(uses, op->in[i], op->modules);
  for (guint o = 0; o < MOE_OP_OUTPUTS; o++) {
    uses->made[op->out[o]] |= op->modules;
    if (outputs)
      note_read(uses, op->out[o], op->modules);
  }
}

static void note_uses(const MoeSublayer *sublayer, Uses *uses)
{
  for (guint tensor = 0; tensor <= sublayer->n_tensors; tensor++) {
    uses->made[tensor] = 0;
    uses->readers[tensor] = ~0u;
    uses->read[tensor] = FALSE;
  }
  for (guint i = 0; i < sublayer->n_ops; i++)
    note_op(uses, &sublayer->ops[i]);
}

/* Whether something is lost without the operation's results: experts are one operation, whose insides are read. */
static gboolean is_read(const Uses *uses, const MoeLayerOp *op)
{
  for (guint o = 0; o < MOE_OP_OUTPUTS; o++)
    if (op->out[o] > 0 && uses->read[op->out[o]])
      return TRUE;
  return op->kind == MOE_LAYER_EXPERTS;
}

void moe_sublayer_end_with_read(MoeSublayer *sublayer)
{
  Uses uses;

  note_uses(sublayer, &uses);
  while (sublayer->n_ops > 0 && sublayer->ops[sublayer->n_ops - 1].place == MOE_PLACE_MAIN &&
         !is_read(&uses, &sublayer->ops[sublayer->n_ops - 1]))
    sublayer->n_ops--;
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

guint moe_remade_outputs(const MoeShape *shape)
{
  return shape->run->stack.memory.remade_activation ? MOE_REMADE_ACTIVATION : 0;
}

static double tensor_bytes(const MoeShape *shape, const MoeTensor *tensor, guint readers, guint made, guint recomputed)
{
  if (made & recomputed & (DISCARDING | readers))
    return 0;
  if (recomputed & MOE_REMADE_ACTIVATION && made & MOE_ACTIVATION_MODULES)
    return 0;
  return moe_shape_rows(shape, tensor->rows) * tensor->width *
         element_bytes(shape, tensor->kept, (readers & recomputed) != 0);
}

/* Bytes kept of the tensors chosen; NULL: of all. */
static double chosen_bytes(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed, const gboolean *chosen)
{
  double bytes = 0;
  Uses uses;

  note_uses(sublayer, &uses);
  for (guint t = 1; t <= sublayer->n_tensors; t++)
    if (uses.read[t] && (!chosen || chosen[t]))
      bytes += tensor_bytes(shape, &sublayer->tensors[t], uses.readers[t], uses.made[t], recomputed);
  return bytes;
}

double moe_expert_kept_bytes(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed)
{
  gboolean rows[MOE_MAX_TENSORS] = {FALSE};

  for (guint t = 1; t <= sublayer->n_tensors; t++)
    rows[t] = sublayer->tensors[t].rows == MOE_ROWS_EXPERT;
  return chosen_bytes(shape, sublayer, recomputed, rows);
}

/* Pages are taken once for the step; of the layers that hold their rows at the peak, each has its share of the rest. */
static double spare_pages(const MoeShape *shape, const MoeSublayer *second, guint recomputed)
{
  double spare = shape->run->stack.moe.paged_stash - 1;

  return spare > 0 ? spare * moe_expert_kept_bytes(shape, second, recomputed) : 0;
}

double moe_described_saved_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                 guint recomputed)
{
  double kept = chosen_bytes(shape, attention, recomputed, NULL) + chosen_bytes(shape, second, recomputed, NULL);

  return kept * (1 + shape->run->stack.activation_overhead) + spare_pages(shape, second, recomputed);
}

static double sublayer_made(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed, guint scopes)
{
  gboolean made[MOE_MAX_TENSORS] = {FALSE};

  for (guint i = 0; i < sublayer->n_ops; i++)
    for (guint o = 0; o < MOE_OP_OUTPUTS && (1u << sublayer->ops[i].scope & scopes); o++)
      made[sublayer->ops[i].out[o]] = TRUE;
  return chosen_bytes(shape, sublayer, recomputed, made);
}

double moe_described_made_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                guint recomputed, guint scopes)
{
  return sublayer_made(shape, attention, recomputed, scopes) + sublayer_made(shape, second, recomputed, scopes);
}

/* ---- what waits on the host ------------------------------------------------------------------- */

/* Products by name; other operations by what they are. */
static guint away_by_name(const char *name)
{
  static const struct {
    const char *name;
    MoeAway away;
  } products[] = {{"qkv", MOE_AWAY_QKV},
                  {"q_down", MOE_AWAY_QKV},
                  {"kv_down", MOE_AWAY_QKV},
                  {"attention_out", MOE_AWAY_ATTENTION_OUTPUT},
                  {"expert_up", MOE_AWAY_EXPERTS}};

  for (gsize i = 0; i < G_N_ELEMENTS(products); i++)
    if (strcmp(products[i].name, name) == 0)
      return products[i].away;
  return 0;
}

/* The part of a layer that an operation is. */
static guint away_of(const MoeLayerOp *op, MoeAway norm)
{
  switch (op->kind) {
  case MOE_LAYER_NORM:
    return op->chain.enters ? norm : 0;
  case MOE_LAYER_CORE:
    return MOE_AWAY_CORE_ATTENTION;
  case MOE_LAYER_ACTIVATION:
  case MOE_LAYER_CLAMP:
    return op->place == MOE_PLACE_EXPERT ? MOE_AWAY_MOE_ACTIVATION : 0;
  case MOE_LAYER_LINEAR:
  case MOE_LAYER_GROUPED:
    return away_by_name(op->name);
  default:
    return 0;
  }
}

static double sublayer_away(const MoeShape *shape, const MoeSublayer *sublayer, guint recomputed, guint away,
                            MoeAway norm)
{
  gboolean moves[MOE_MAX_TENSORS] = {FALSE};

  for (guint i = 0; i < sublayer->n_ops; i++)
    for (guint in = 0; in < MOE_OP_INPUTS && (away_of(&sublayer->ops[i], norm) & away); in++)
      moves[sublayer->ops[i].in[in]] = TRUE;
  return chosen_bytes(shape, sublayer, recomputed, moves);
}

double moe_described_away_bytes(const MoeShape *shape, const MoeSublayer *attention, const MoeSublayer *second,
                                guint recomputed, guint away)
{
  return sublayer_away(shape, attention, recomputed, away, MOE_AWAY_ATTENTION_NORM) +
         sublayer_away(shape, second, recomputed, away, MOE_AWAY_FFN_NORM);
}

double moe_layer_saved_bytes(const MoeShape *shape, int64_t layer, guint recomputed)
{
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeSublayer attention, second;

  moe_describe_attention(&shape->view, kind, &attention);
  moe_describe_second(&shape->view, kind, &second);
  return moe_described_saved_bytes(shape, &attention, &second, recomputed);
}

double moe_checkpoint_bytes(const MoeShape *shape)
{
  return moe_shape_rows(shape, MOE_ROWS_STREAM) * (double)shape->hidden * shape->residual_bytes;
}
