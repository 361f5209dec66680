/* A transformer layer: its sub-layers forward and backward, recompute, what it keeps in memory, offload. */
#include "internal.h"

struct MoeDescribed {
  MoeSublayer attention, second;
};

/* The sub-layers of a layer, described once for all of its kind. */
static const MoeDescribed *describe(const MoeEmit *emit, int64_t layer)
{
  const MoeShape *shape = emit->shape;
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);
  MoeDescribed **known = &emit->builder->kinds[kind.mixer][kind.feed];

  if (!*known) {
    *known = moe_arena_raw(emit->builder->arena, sizeof(MoeDescribed));
    moe_describe_attention(&shape->view, kind, &(*known)->attention);
    moe_describe_second(&shape->view, kind, &(*known)->second);
  }
  return *known;
}

static void layer_forward(MoeEmit *emit, const MoeDescribed *described)
{
  moe_lower(emit, &described->attention, MOE_PLACE_MAIN);
  moe_lower(emit, &described->second, MOE_PLACE_MAIN);
}

/* ---- backward ----------------------------------------------------------------------------------- */

/* The same context, replaying forward kernels of some modules. */
static MoeEmit replay(const MoeEmit *emit, guint modules)
{
  MoeEmit other = *emit;

  other.pass = MOE_PASS_RECOMPUTE;
  other.only = modules;
  return other;
}

/* Static-memory dropless runs keep one round's buffers: whether or not the layer is replayed as a whole, its experts
 * are once more, round by round, each before its own backward pass. */
static guint round_modules(const MoeShape *shape)
{
  return moe_expert_rounds(shape) > 1 ? MOE_MODULE_EXPERT_FFN : 0;
}

guint moe_selected_modules(const MoeShape *shape)
{
  const MoeRecompute *recompute = &shape->run->recompute;

  return round_modules(shape) | (recompute->mode == MOE_RECOMPUTE_SELECTIVE ? recompute->modules : 0);
}

/* The operations of these modules once more, then all of the sub-layer backwards. */
static void sublayer_backward(MoeEmit *emit, const MoeSublayer *sublayer, guint modules)
{
  MoeEmit other = replay(emit, modules);

  if (modules != 0)
    moe_lower(&other, sublayer, MOE_PLACE_MAIN);
  moe_lower_backward(emit, sublayer, MOE_PLACE_MAIN);
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

static double saved_bytes(const MoeShape *shape, const MoeDescribed *described, guint modules)
{
  return moe_described_saved_bytes(shape, &described->attention, &described->second, modules);
}

static double kept_bytes(const MoeEmit *emit, const MoeDescribed *described, gboolean recomputed)
{
  return recomputed ? moe_checkpoint_bytes(emit->shape)
                    : saved_bytes(emit->shape, described, moe_selected_modules(emit->shape));
}

/* Bytes that a layer holds while its backward pass runs: all that it reads, the experts' part one round at a time. */
static double read_bytes(const MoeShape *shape, const MoeDescribed *described)
{
  double all = saved_bytes(shape, described, 0), rest = saved_bytes(shape, described, round_modules(shape));

  return rest + (all - rest) / (double)moe_expert_rounds(shape);
}

void moe_stored_forward(MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  const MoeDescribed *described = describe(emit, layer);
  double kept = kept_bytes(emit, described, recomputed);

  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, kept);
  emit->layer = (int)layer;
  layer_forward(emit, described);
  if (!moe_layer_is_offloaded(emit->shape, layer))
    return;
  guint32 out = moe_emit_copy(emit, TRUE, "offload", kept);

  moe_flow_memory(emit->flow, out, MOE_MEMORY_ACTIVATIONS, TRUE, -kept);
}

guint32 moe_stored_fetch(MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  double kept = kept_bytes(emit, describe(emit, layer), recomputed);

  if (!moe_layer_is_offloaded(emit->shape, layer))
    return MOE_NO_ITEM;
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, kept);
  return moe_emit_copy(emit, FALSE, "fetch", kept);
}

/* Weight gradients that wait keep the layer's activations alive. */
static void release_kept(MoeEmit *emit, double bytes)
{
  MoeFlow *flow = moe_flow_length(emit->later) > 0 ? emit->later : emit->flow;

  moe_flow_release(flow, MOE_MEMORY_ACTIVATIONS, bytes);
}

void moe_stored_backward(MoeEmit *emit, int64_t layer, gboolean recomputed)
{
  const MoeDescribed *described = describe(emit, layer);
  double kept = kept_bytes(emit, described, recomputed), replayed = MAX(read_bytes(emit->shape, described) - kept, 0);
  guint modules = recomputed ? round_modules(emit->shape) : moe_selected_modules(emit->shape);

  emit->layer = (int)layer;
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, replayed);
  if (recomputed) {
    MoeEmit other = replay(emit, 0);

    layer_forward(&other, described);
  }
  sublayer_backward(emit, &described->second, modules);
  sublayer_backward(emit, &described->attention, modules);
  release_kept(emit, kept + replayed);
}

/* What one stage sends to the next: the residual stream in its own precision (Megatron-LM: FP32 with
 * --fp32-residual-connection, the parameters' type otherwise). */
double moe_message_bytes(const MoeShape *shape)
{
  return moe_checkpoint_bytes(shape);
}
