/* Passes over one position of the pipeline, and the blocks made of them. */
#include "block.h"
#include "internal.h"

/* Slots of a call's messages. */
enum { SLOT_FORWARD_IN, SLOT_FORWARD_OUT, SLOT_BACKWARD_IN, SLOT_BACKWARD_OUT };

static MoeEmit new_emit(MoeBuilder *builder, MoeFlow *flow, MoeFlow *later, MoePass pass, guint variant)
{
  return (MoeEmit){.builder = builder,
                   .shape = &builder->shape,
                   .flow = flow,
                   .later = later,
                   .pass = pass,
                   .layer = -1,
                   .scope = MOE_SCOPE_EMBEDDING,
                   .first = (variant & MOE_VARIANT_FIRST) != 0};
}

/* ---- messages ----------------------------------------------------------------------------------- */

gboolean moe_builder_crosses(const MoeBuilder *builder, int64_t from, int64_t to)
{
  const MoePlacement *p = &builder->placement;

  if (from < 0 || to < 0 || from >= p->positions || to >= p->positions)
    return FALSE;
  return moe_placement_stage(builder->schedule, p, from, 0) != moe_placement_stage(builder->schedule, p, to, 0);
}

/* Megatron-Core synchronizes the device after a batched send and receive (_communicate of
 * pipeline_parallel/p2p_communication.py: batch_p2p_comm and batch_p2p_sync, both on unless p2p overlaps); an iteration
 * that is one graph has no host in it. */
static gboolean host_waits(const MoeEmit *emit)
{
  const MoeStack *stack = &emit->shape->run->stack;

  return stack->host.message_sync && !emit->shape->overlap_pipeline &&
         !(stack->host.graph_scopes & 1u << MOE_SCOPE_EMBEDDING);
}

/* Slices of the tensor ranks become the whole of it on each of them. */
static void gather_slices(MoeEmit *emit, int64_t from, int64_t to)
{
  MoeCollective gather = moe_collective(emit, MOE_ALL_GATHER, MOE_GROUP_TENSOR, "gather_message",
                                        moe_builder_message(emit->builder, from, to));

  if (moe_builder_slices(emit->builder, from, to))
    moe_emit_exposed(emit, MOE_STREAM_TENSOR, &gather);
}

static void receive(MoeEmit *emit, int64_t from, int64_t to, guint slot)
{
  emit->scope = MOE_SCOPE_EMBEDDING;
  if (moe_builder_crosses(emit->builder, from, to)) {
    guint32 received = moe_emit_message(emit, MOE_OP_RECV, slot);

    moe_flow_join(emit->flow, received);
    if (host_waits(emit))
      moe_emit_host_messages(emit, received);
    gather_slices(emit, from, to);
  }
  if (!emit->shape->overlap_pipeline)
    emit->flow->pending_earlier |= 1u << MOE_STREAM_SEND;
}

static void send(MoeEmit *emit, gboolean crosses, guint slot)
{
  if (crosses)
    moe_emit_message(emit, MOE_OP_SEND, slot);
}

/* ---- forward ------------------------------------------------------------------------------------ */

static void forward_end(MoeEmit *emit, const MoeChunk *part, guint index, guint n)
{
  moe_emit_enter(emit, -1);
  if (part->embedding && index == 0)
    moe_embedding_forward(emit);
  if (index == n - 1)
    moe_end_forward(emit, part);
}

/* Delayed scales after a pass over a chunk, of the layers that have any. */
static void scale_chunk(MoeEmit *emit, const MoeChunk *part)
{
  int64_t layers = 0;

  for (int64_t layer = part->first; layer < part->first + part->count; layer++)
    layers += !moe_shape_is_wide(emit->shape, layer);
  moe_emit_scales(emit, layers);
}

static void forward_unit(MoeEmit *emit, const MoeChunk *part, const MoeUnit *unit, guint index, guint n)
{
  for (int64_t layer = unit->first; layer < unit->first + unit->count; layer++)
    moe_stored_forward(emit, layer, moe_layer_again(emit->builder, part, layer));
  if (unit->count > 0 && unit->first + unit->count == part->first + part->count)
    scale_chunk(emit, part);
  if (unit->count == 0)
    forward_end(emit, part, index, n);
}

void moe_chunk_forward(MoeBuilder *builder, MoeFlow *flow, int64_t position, guint variant)
{
  const MoeChunk *part = &builder->parts[position];
  MoeEmit emit = new_emit(builder, flow, flow, MOE_PASS_FORWARD, variant);
  g_autoptr(MoeZero) zero = moe_zero_new(builder, part);
  guint n = moe_zero_units(zero);

  receive(&emit, position - 1, position, SLOT_FORWARD_IN);
  for (guint i = 0; i < n; i++) {
    moe_zero_before_forward(zero, &emit, i, variant);
    forward_unit(&emit, part, moe_zero_unit(zero, i), i, n);
    moe_zero_after_forward(zero, &emit, i, variant);
  }
  moe_emit_enter(&emit, -1);
  send(&emit, moe_builder_crosses(builder, position, position + 1), SLOT_FORWARD_OUT);
}

/* ---- backward ----------------------------------------------------------------------------------- */

/* Checkpoints that were copied out come back one layer ahead. */
typedef struct {
  const MoeChunk *part;
  int64_t next; /* layer to fetch next, counting down */
  guint32 item; /* copy of the layer that comes next */
} Fetch;

static guint32 fetch_next(MoeEmit *emit, Fetch *fetch)
{
  guint32 item = fetch->item;

  gboolean more = fetch->next >= fetch->part->first;

  fetch->item = more ? moe_stored_fetch(emit, fetch->next, moe_layer_again(emit->builder, fetch->part, fetch->next))
                     : MOE_NO_ITEM;
  fetch->next--;
  return item;
}

static void backward_end(MoeEmit *emit, const MoeChunk *part, guint index, guint n)
{
  moe_emit_enter(emit, -1);
  if (index == n - 1)
    moe_end_backward(emit, part);
  if (part->embedding && index == 0)
    moe_embedding_backward(emit);
}

static void backward_unit(MoeEmit *emit, Fetch *fetch, const MoeUnit *unit, guint index, guint n)
{
  for (int64_t layer = unit->first + unit->count - 1; layer >= unit->first; layer--) {
    moe_emit_enter(emit, layer);
    moe_flow_join(emit->flow, fetch_next(emit, fetch));
    moe_stored_backward(emit, layer, moe_layer_again(emit->builder, fetch->part, layer));
  }
  if (unit->count > 0 && unit->first == fetch->part->first)
    scale_chunk(emit, fetch->part);
  if (unit->count == 0)
    backward_end(emit, fetch->part, index, n);
}

/* First layer whose weights are needed before the backward pass of a unit: that of the last checkpoint it replays. */
static int64_t reach(const MoeEmit *emit, const MoeChunk *part, const MoeUnit *unit)
{
  int64_t first = unit->first;

  for (int64_t layer = unit->first; layer < unit->first + unit->count; layer++) {
    MoeAgain again = moe_layer_again(emit->builder, part, layer);

    if (again.last == layer)
      first = MIN(first, again.first);
  }
  return first;
}

void moe_chunk_backward(MoeBuilder *builder, MoeFlow *flow, MoeFlow *later, int64_t position, guint variant)
{
  const MoeChunk *part = &builder->parts[position];
  MoeEmit emit = new_emit(builder, flow, later, MOE_PASS_DGRAD, variant);
  g_autoptr(MoeZero) zero = moe_zero_new(builder, part);
  Fetch fetch = {part, part->first + part->count - 1, MOE_NO_ITEM};
  guint n = moe_zero_units(zero);

  receive(&emit, position + 1, position, SLOT_BACKWARD_IN);
  fetch_next(&emit, &fetch);
  for (guint i = n; i-- > 0;) {
    moe_zero_before_backward(zero, &emit, i, variant);
    moe_zero_reach_backward(zero, &emit, i, reach(&emit, part, moe_zero_unit(zero, i)), variant);
    backward_unit(&emit, &fetch, moe_zero_unit(zero, i), i, n);
    moe_zero_after_backward(zero, &emit, i, variant);
  }
  moe_emit_enter(&emit, -1);
  send(&emit, moe_builder_crosses(builder, position - 1, position), SLOT_BACKWARD_OUT);
}

/* ---- end of the step ---------------------------------------------------------------------------- */

/* First and last stage add their gradients of the table that both hold: tied embeddings, or the copy of a prediction
 * module. */
static void reduce_tied(MoeEmit *emit, int64_t stage)
{
  const MoeBuilder *builder = emit->builder;
  const MoePlacement *p = &builder->placement;
  gboolean apart = p->stages > 1 && !builder->schedule->folded && builder->schedule->chains == 1;
  MoeWeights weights;

  if ((!emit->shape->arch->tied_embeddings && emit->shape->arch->mtp_layers == 0) || !apart || emit->shape->frozen ||
      (stage != 0 && stage != p->stages - 1))
    return;
  moe_weights_embedding(emit->shape, &weights);
  double bytes = weights.dense * moe_precision_bytes(emit->shape->precision->gradient_reduce);
  MoeCollective collective = moe_collective(emit, MOE_ALL_REDUCE, MOE_GROUP_EMBEDDING, "tied_embedding", bytes);

  moe_emit_exposed(emit, MOE_STREAM_REDUCE, &collective);
}

void moe_finish(MoeBuilder *builder, MoeFlow *flow, int64_t stage)
{
  MoeEmit emit = new_emit(builder, flow, flow, MOE_PASS_OPTIMIZER, 0);
  MoeHolding holding;

  flow->pending_earlier |= 1u << MOE_STREAM_REDUCE;
  emit.scope = MOE_SCOPE_DATA;
  for (int64_t chunk = builder->placement.chunks; chunk-- > 0;) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);
    g_autoptr(MoeZero) zero = moe_zero_new(builder, &builder->parts[position]);

    moe_zero_reduce_all(zero, &emit);
  }
  reduce_tied(&emit, stage);
  moe_holding_init(builder, stage, &holding);
  moe_optimizer_emit(&emit, &holding);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static const char *const block_words[] = {
    [MOE_ACTION_FORWARD] = "F", [MOE_ACTION_BACKWARD] = "B", [MOE_ACTION_DGRAD] = "Bd",
    [MOE_ACTION_WGRAD] = "W",   [MOE_ACTION_BOTH] = "F+B",   [MOE_ACTION_FINISH] = "step"};

/* The host's work per step comes before the first call of each role: all stages pay it at the same time. */
static void add_start(MoeBuilder *builder, MoeFlow *flow, const MoeBlockKey *key)
{
  MoeEmit emit = new_emit(builder, flow, flow, MOE_PASS_FORWARD, 0);

  emit.scope = MOE_SCOPE_DATA;
  if (!key->start)
    return;
  moe_emit_delay(&emit, builder->shape.run->stack.host.step_s);
  moe_bucket_zero(&emit, moe_placement_stage(builder->schedule, &builder->placement, key->position_f, 0));
}

static void add_forward(MoeBuilder *builder, MoeFlow *flow, const MoeBlockKey *key)
{
  if (key->kind == MOE_ACTION_FORWARD || key->kind == MOE_ACTION_BOTH)
    moe_chunk_forward(builder, flow, key->position_f, key->variant_f);
}

/* A split backward pass is lowered once, its weight gradients into a flow of their own; each action is one half. */
static const MoeFlow *half_of(MoeBuilder *builder, const MoeBlockKey *key)
{
  MoeSplitKey split = {key->position_b, key->variant_b};
  guint known = builder->split_keys.n, index = moe_intern_add(&builder->split_keys, &split);

  if (index == known) {
    MoeFlow *data = moe_flow_new(), *weights = moe_flow_new();

    moe_chunk_backward(builder, data, weights, key->position_b, key->variant_b);
    g_ptr_array_add(builder->halves, data);
    g_ptr_array_add(builder->halves, weights);
  }
  return g_ptr_array_index(builder->halves, 2 * index + (key->kind == MOE_ACTION_WGRAD));
}

static void assemble(MoeBuilder *builder, const MoeBlockKey *key, MoeBlock *block)
{
  g_autoptr(MoeFlow) forward = moe_flow_new();
  g_autoptr(MoeFlow) backward = moe_flow_new();
  const MoeFlow *flows[2] = {forward, backward};
  guint first = 0, n = 1;

  add_start(builder, forward, key);
  add_forward(builder, forward, key);
  if (key->kind == MOE_ACTION_FINISH)
    moe_finish(builder, forward, key->stage);
  if (key->kind == MOE_ACTION_BACKWARD || key->kind == MOE_ACTION_BOTH)
    moe_chunk_backward(builder, backward, backward, key->position_b, key->variant_b);
  else if (key->kind == MOE_ACTION_DGRAD || key->kind == MOE_ACTION_WGRAD)
    flows[1] = half_of(builder, key);
  if (moe_flow_length(forward) == 0)
    first = 1;
  else if (moe_flow_length(flows[1]) > 0)
    n = 2;
  moe_block_assemble(builder->arena, block_words[key->kind], flows + first, n, builder->shape.merge_batches, block);
}

guint moe_block_get(MoeBuilder *builder, const MoeBlockKey *key)
{
  guint known = builder->block_keys.n, index = moe_intern_add(&builder->block_keys, key);
  MoeBlock block;

  if (index < known)
    return index;
  assemble(builder, key, &block);
  g_array_append_val(builder->blocks, block);
  return index;
}
