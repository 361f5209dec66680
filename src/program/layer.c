/* A transformer layer: its sub-layers forward and backward, recompute, what it keeps in memory, offload. */
#include "internal.h"

/* The sub-layers of a kind of layer; what of them comes again where the outputs of some operators are kept, and those
 * outputs. */
struct MoeDescribed {
  MoeLayerKind kind;
  gboolean wide;      /* of layers that stay in BF16 */
  MoeDescribed *next; /* of another kind */
  MoeSublayer attention, second;
  MoeSublayer attention_left, second_left; /* in what is computed again */
  MoeSublayer second_last;                 /* in its last layer */
  MoeOperatorBytes outputs;                /* mode operators; 0 in others */
  double pooled_bytes;                     /* kept in the pool of the graphs that captured parts of the layer are */
};

static gboolean keeps_operators(const MoeShape *shape)
{
  return shape->run->recompute.mode == MOE_RECOMPUTE_OPERATORS;
}

static void fill_left(const MoeShape *shape, MoeDescribed *described)
{
  MoeOperatorBytes twice;

  described->outputs = (MoeOperatorBytes){0};
  described->attention_left = described->attention;
  described->second_left = described->second_last = described->second;
  if (shape->run->stack.replay_stops)
    moe_sublayer_end_with_read(&described->second_last);
  if (!keeps_operators(shape))
    return;
  MoeSublayer attention = described->attention;
  moe_operators_thin(shape, &attention, &described->second_last, &twice);
  moe_operators_thin(shape, &described->attention_left, &described->second_left, &described->outputs);
}

guint moe_left_out(const MoeShape *shape)
{
  return moe_selected_modules(shape) | moe_remade_outputs(shape);
}

/* Captured work keeps its memory for itself where the software says so; the whole iteration is told by its blocks. */
static double pooled_bytes(const MoeShape *shape, const MoeDescribed *described)
{
  const MoeStack *stack = &shape->run->stack;

  if (!stack->memory.graph_pool || moe_stack_graphs_iteration(stack))
    return 0;
  return moe_described_made_bytes(shape, &described->attention, &described->second, moe_left_out(shape),
                                  stack->host.graph_scopes);
}

/* The sub-layers of a layer, described once for all of its kind. */
static const MoeDescribed *describe(const MoeEmit *emit, int64_t layer)
{
  const MoeShape *shape = moe_builder_shape(emit->builder, layer);
  MoeLayerKind kind = moe_layer_kind(shape->arch, layer);

  for (const MoeDescribed *known = emit->builder->kinds; known; known = known->next)
    if (known->wide == shape->wide && moe_layer_kind_equal(&known->kind, &kind))
      return known;
  MoeDescribed *more = moe_arena_raw(emit->builder->arena, sizeof *more);

  more->kind = kind;
  more->wide = shape->wide;
  more->next = emit->builder->kinds;
  emit->builder->kinds = more;
  moe_describe_attention(&shape->view, kind, &more->attention);
  moe_describe_second(&shape->view, kind, &more->second);
  more->pooled_bytes = pooled_bytes(shape, more);
  fill_left(shape, more);
  return more;
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

/* Units of method uniform are counted from the first layer of the chunk; the last one may be shorter. */
MoeAgain moe_layer_again(const MoeBuilder *builder, const MoeChunk *part, int64_t layer)
{
  const MoeRecompute *recompute = &builder->shape.run->recompute;
  int64_t index = layer - part->first, unit = recompute->method == MOE_METHOD_UNIFORM ? MAX(recompute->layers, 1) : 1;
  int64_t first = part->first + index / unit * unit;

  return (MoeAgain){moe_recompute_takes(recompute, index, builder->placement.chunks), first,
                    MIN(first + unit, part->first + part->count) - 1};
}

/* How many layers its stage holds before this one. */
static int64_t rank_in_stage(const MoeBuilder *builder, int64_t layer)
{
  const MoePlacement *placement = &builder->placement;
  int64_t position = 0, before = 0;

  while (position < placement->positions - 1 &&
         layer >= builder->parts[position].first + builder->parts[position].count)
    position++;
  int64_t stage = moe_placement_stage(builder->schedule, placement, position, 0);

  for (int64_t p = 0; p < position; p++)
    if (moe_placement_stage(builder->schedule, placement, p, 0) == stage)
      before += builder->parts[p].count;
  return before + layer - builder->parts[position].first;
}

/* Spreads the offloaded share evenly over the layers of each stage. */
static gboolean layer_is_offloaded(const MoeBuilder *builder, int64_t layer)
{
  double share = builder->shape.run->offload.activations;
  int64_t rank = share > 0 && share < 1 ? rank_in_stage(builder, layer) : layer;

  return (int64_t)((double)(rank + 1) * share + 1e-9) > (int64_t)((double)rank * share + 1e-9);
}

static double saved_bytes(const MoeShape *shape, const MoeDescribed *described, guint modules)
{
  return moe_described_saved_bytes(shape, &described->attention, &described->second, modules);
}

/* A checkpoint is kept at the first of its layers. */
static double kept_bytes(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  const MoeShape *shape = moe_builder_shape(emit->builder, layer);
  const MoeDescribed *described = describe(emit, layer);

  if (!again.whole)
    return saved_bytes(shape, described, moe_left_out(shape));
  return (layer == again.first ? moe_checkpoint_bytes(shape) : 0) + described->outputs.kept;
}

/* Bytes that a layer holds while its backward pass runs: all that it reads, the experts' part one round at a time. */
static double read_bytes(const MoeShape *shape, const MoeDescribed *described)
{
  double all = saved_bytes(shape, described, 0), rest = saved_bytes(shape, described, round_modules(shape));

  return rest + (all - rest) / (double)moe_expert_rounds(shape);
}

/* Bytes of what a layer keeps that wait in host memory: all, or what some of its parts read. The last layer's come back
 * at once and stay. */
static double away_bytes(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  const MoeShape *shape = moe_builder_shape(emit->builder, layer);
  guint modules = shape->run->offload.modules;

  if (layer_is_offloaded(emit->builder, layer))
    return kept_bytes(emit, layer, again);
  if (modules == 0 || again.whole || layer == shape->arch->layers - 1)
    return 0;
  const MoeDescribed *described = describe(emit, layer);

  return moe_described_away_bytes(shape, &described->attention, &described->second, moe_left_out(shape), modules);
}

/* Of what a layer keeps, what lies in the pool of its graphs: nothing of a layer that is computed again as a whole or
 * waits in host memory. */
static double kept_pooled(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  return again.whole || away_bytes(emit, layer, again) > 0 ? 0 : describe(emit, layer)->pooled_bytes;
}

void moe_stored_forward(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  double kept = kept_bytes(emit, layer, again), away = away_bytes(emit, layer, again);
  double pooled = kept_pooled(emit, layer, again);

  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, kept - pooled);
  moe_flow_allocate_pooled(emit->flow, MOE_MEMORY_ACTIVATIONS, pooled);
  moe_emit_enter(emit, layer);
  layer_forward(emit, describe(emit, layer));
  if (away == 0)
    return;
  guint32 out = moe_emit_copy(emit, TRUE, "offload", away);

  moe_flow_memory(emit->flow, out, MOE_MEMORY_ACTIVATIONS, TRUE, -away);
}

/* What the backward pass of a layer needs first: what it kept, or the checkpoint from which it comes again. */
guint32 moe_stored_fetch(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  int64_t holder = again.whole ? again.first : layer;

  double away = again.whole && layer != again.last ? 0 : away_bytes(emit, holder, again);

  if (away == 0)
    return MOE_NO_ITEM;
  moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, away);
  return moe_emit_copy(emit, FALSE, "fetch", away);
}

/* Weight gradients that wait keep the layer's activations alive. */
static void release_kept(MoeEmit *emit, double bytes, double pooled)
{
  MoeFlow *flow = moe_flow_length(emit->later) > 0 ? emit->later : emit->flow;

  moe_flow_release(flow, MOE_MEMORY_ACTIVATIONS, bytes - pooled);
  moe_flow_release_pooled(flow, MOE_MEMORY_ACTIVATIONS, pooled);
}

/* What computing a layer again adds to what it kept; outputs that no backward pass reads do not stand for any that it
 * does. */
static double again_bytes(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  const MoeDescribed *described = describe(emit, layer);
  double there = kept_bytes(emit, layer, again);

  if (again.whole)
    there -= described->outputs.kept - described->outputs.read;
  return MAX(read_bytes(moe_builder_shape(emit->builder, layer), described) - there, 0);
}

static void replay_layers(MoeEmit *emit, MoeAgain again)
{
  for (int64_t layer = again.first; layer <= again.last; layer++) {
    const MoeDescribed *described = describe(emit, layer);
    MoeEmit other = replay(emit, 0);

    moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, again_bytes(emit, layer, again));
    moe_emit_enter(&other, layer);
    moe_lower(&other, &described->attention_left, MOE_PLACE_MAIN);
    moe_lower(&other, layer == again.last ? &described->second_last : &described->second_left, MOE_PLACE_MAIN);
  }
}

void moe_stored_backward(MoeEmit *emit, int64_t layer, MoeAgain again)
{
  const MoeDescribed *described = describe(emit, layer);
  double kept = kept_bytes(emit, layer, again), replayed = again_bytes(emit, layer, again);
  guint modules = again.whole ? round_modules(emit->shape) : moe_selected_modules(emit->shape);

  moe_emit_enter(emit, layer);
  if (!again.whole)
    moe_flow_allocate(emit->flow, MOE_MEMORY_ACTIVATIONS, replayed);
  else if (layer == again.last)
    replay_layers(emit, again);
  sublayer_backward(emit, &described->second, modules);
  sublayer_backward(emit, &described->attention, modules);
  release_kept(emit, kept + replayed, kept_pooled(emit, layer, again));
}

/* What one stage sends to the next: the residual stream in its own precision (Megatron-LM: FP32 with
 * --fp32-residual-connection, the parameters' type otherwise). */
double moe_message_bytes(const MoeShape *shape)
{
  return moe_checkpoint_bytes(shape);
}
