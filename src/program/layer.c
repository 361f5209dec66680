/* A transformer layer: its sub-layers forward and backward, recompute, what it keeps in memory, offload. */
#include "internal.h"

/* Modules of each sub-layer that selective recompute can replay. */
#define ATTENTION_MODULES (MOE_MODULE_CORE_ATTENTION | MOE_MODULE_ATTENTION_PROJECTIONS | MOE_MODULE_NORM)
#define DENSE_MODULES     (MOE_MODULE_FFN | MOE_MODULE_FFN_ACTIVATION | MOE_MODULE_NORM)
#define MOE_MODULES                                                                                                    \
  (MOE_MODULE_MOE | MOE_MODULE_MOE_ACTIVATION | MOE_MODULE_EXPERT_FFN | MOE_MODULE_SHARED_EXPERTS | MOE_MODULE_NORM)

/* ---- forward ------------------------------------------------------------------------------------ */

static void dense_forward(MoeEmit *emit)
{
  const MoeFfn *ffn = &emit->shape->arch->ffn;

  emit->scope = MOE_SCOPE_DENSE_FFN;
  moe_enter_forward(emit);
  emit->module = MOE_MODULE_FFN;
  moe_ffn_forward(emit, ffn->width, ffn->gated);
  emit->module = 0;
  moe_leave_forward(emit);
}

static void second_forward(MoeEmit *emit, int64_t layer)
{
  if (moe_layer_is_moe(emit->shape->arch, layer))
    moe_moe_forward(emit, layer);
  else
    dense_forward(emit);
}

void moe_layer_forward(MoeEmit *emit, int64_t layer)
{
  emit->layer = (int)layer;
  emit->module = 0;
  moe_attention_forward(emit, layer);
  second_forward(emit, layer);
}

/* ---- backward ----------------------------------------------------------------------------------- */

static void dense_backward(MoeEmit *emit)
{
  const MoeFfn *ffn = &emit->shape->arch->ffn;

  emit->scope = MOE_SCOPE_DENSE_FFN;
  moe_leave_backward(emit);
  moe_ffn_backward(emit, ffn->width, ffn->gated);
  moe_enter_backward(emit);
}

/* The same context, replaying forward kernels of some modules. */
static MoeEmit replay(const MoeEmit *emit, guint modules)
{
  MoeEmit other = *emit;

  other.pass = MOE_PASS_RECOMPUTE;
  other.only = modules;
  other.module = 0;
  return other;
}

/* Static-memory dropless runs keep one round's buffers and recompute the experts round by round. */
guint moe_selected_modules(const MoeShape *shape)
{
  const MoeRecompute *recompute = &shape->run->recompute;
  guint rounds = shape->run->stack.moe.memory_rounds > 1 ? MOE_MODULE_EXPERT_FFN : 0;

  return rounds | (recompute->mode == MOE_RECOMPUTE_SELECTIVE ? recompute->modules : 0);
}

static void replay_attention(const MoeEmit *emit, int64_t layer, guint modules)
{
  MoeEmit other = replay(emit, modules & ATTENTION_MODULES);

  if (other.only != 0)
    moe_attention_forward(&other, layer);
}

static void replay_second(const MoeEmit *emit, int64_t layer, guint modules)
{
  gboolean moe = moe_layer_is_moe(emit->shape->arch, layer);
  MoeEmit other = replay(emit, modules & (moe ? MOE_MODULES : DENSE_MODULES));

  if (other.only != 0)
    second_forward(&other, layer);
}

static void second_backward(MoeEmit *emit, int64_t layer)
{
  if (moe_layer_is_moe(emit->shape->arch, layer))
    moe_moe_backward(emit, layer);
  else
    dense_backward(emit);
}

void moe_layer_backward(MoeEmit *emit, int64_t layer)
{
  guint modules = moe_selected_modules(emit->shape);

  emit->layer = (int)layer;
  replay_second(emit, layer, modules);
  second_backward(emit, layer);
  replay_attention(emit, layer, modules);
  moe_attention_backward(emit, layer);
}

/* ---- with recompute, memory and offload --------------------------------------------------------- */

gboolean moe_layer_is_recomputed(const MoeBuilder *builder, const MoeChunk *part, int64_t layer)
{
  const MoeRecompute *recompute = &builder->shape.run->recompute;

  if (recompute->mode != MOE_RECOMPUTE_FULL)
    return FALSE;
  return recompute->layers < 0 || (layer - part->first) * builder->placement.chunks < recompute->layers;
}

/* Spreads the offloaded share evenly over the layers. */
gboolean moe_layer_is_offloaded(const MoeShape *shape, int64_t layer)
{
  double share = shape->run->offload.activations;

  return (int64_t)((double)(layer + 1) * share + 1e-9) > (int64_t)((double)layer * share + 1e-9);
}

static double kept_bytes(const MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  return recomputed ? moe_checkpoint_bytes(emit->shape)
                    : moe_layer_saved_bytes(emit->shape, layer, moe_selected_modules(emit->shape));
}

void moe_stored_forward(MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  double kept = kept_bytes(emit, layer, recomputed);

  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, kept);
  moe_layer_forward(emit, layer);
  if (!moe_layer_is_offloaded(emit->shape, layer))
    return;
  guint32 out = moe_emit_copy(emit, TRUE, "offload", moe_checkpoint_bytes(emit->shape));

  moe_flow_memory(emit->flow, out, MOE_MEMORY_ACTIVATIONS, TRUE, -moe_checkpoint_bytes(emit->shape));
}

guint32 moe_stored_fetch(MoeEmit *emit, int64_t layer)
{
  if (!moe_layer_is_offloaded(emit->shape, layer))
    return MOE_NO_ITEM;
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, moe_checkpoint_bytes(emit->shape));
  return moe_emit_copy(emit, FALSE, "fetch", moe_checkpoint_bytes(emit->shape));
}

/* Weight gradients that wait keep the layer's activations alive. */
static void release_kept(MoeEmit *emit, double bytes)
{
  MoeFlow *flow = moe_flow_length(emit->later) > 0 ? emit->later : emit->flow;

  moe_flow_release(flow, MOE_MEMORY_ACTIVATIONS, bytes);
}

void moe_stored_backward(MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  double kept = kept_bytes(emit, layer, recomputed), full = moe_layer_saved_bytes(emit->shape, layer, 0);
  double replayed = MAX(full - kept, 0);
  MoeEmit other = replay(emit, 0);

  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, replayed);
  if (recomputed)
    moe_layer_forward(&other, layer);
  if (recomputed) {
    emit->layer = (int)layer;
    second_backward(emit, layer);
    moe_attention_backward(emit, layer);
  } else {
    moe_layer_backward(emit, layer);
  }
  release_kept(emit, kept + replayed);
}

/* What one stage sends to the next: the residual stream in its own precision (Megatron-LM: FP32 with
 * --fp32-residual-connection, the parameters' type otherwise). */
double moe_message_bytes(const MoeShape *shape)
{
  return moe_checkpoint_bytes(shape);
}
