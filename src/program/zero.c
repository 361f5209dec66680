/*
 * Data parallelism: units, parameter gathers, gradient reductions.
 *
 * ZeRO-0 all-reduces gradients in the step's last micro-batch, ZeRO-1 reduce-scatters them there and gathers parameters
 * in the first forward pass; ZeRO-2 reduces in every micro-batch; ZeRO-3 gathers in every forward and backward pass as
 * well and frees in between (Rajbhandari et al. 2020; Zhao et al. 2023 for prefetch).
 */
#include "internal.h"

struct MoeZero {
  MoeBuilder *builder;
  const MoeChunk *part;
  GArray *units;    /* MoeUnit */
  GArray *gathered; /* guint32 [unit]: the last gather's item, MOE_NO_ITEM when there is none */
  GArray *issued;   /* gboolean [unit] */
};

/* ---- units -------------------------------------------------------------------------------------- */

static void add_unit(GArray *units, int64_t first, int64_t count, const MoeWeights *weights)
{
  MoeUnit unit = {first, count, *weights};

  g_array_append_val(units, unit);
}

static double weights_bytes(MoePrecision precision, const MoeWeights *weights)
{
  return (weights->dense + weights->experts) * moe_precision_bytes(precision);
}

/* As the size of a bucket counts them. */
static double bucket_share_bytes(const MoeShape *shape, const MoeWeights *weights)
{
  gboolean elements = shape->run->stack.data_parallel.bucket_elements;

  return weights_bytes(elements ? MOE_FP32 : shape->precision->gradient_reduce, weights);
}

static double bucket_bytes(const MoeShape *shape)
{
  const MoeStack *stack = &shape->run->stack;
  int64_t ranks = shape->run->parallelism.data * (stack->data_parallel.bucket_context ? shape->cp : 1);

  return MAX(stack->data_parallel.bucket_bytes, stack->data_parallel.bucket_per_rank_bytes * (double)ranks);
}

/* Layers of a part, one per unit, or joined until a bucket is full; `whole`: in one. */
static void add_layer_units(const MoeShape *shape, const MoeChunk *part, gboolean whole, GArray *units)
{
  gboolean per_layer = shape->run->stack.data_parallel.per_layer || shape->run->parallelism.zero >= 3;
  double bucket = whole ? G_MAXDOUBLE : bucket_bytes(shape);
  MoeWeights sum = {0};
  int64_t first = part->first;

  for (int64_t layer = part->first; layer < part->first + part->count; layer++) {
    MoeWeights weights;

    moe_weights_layer(shape, layer, &weights);
    moe_weights_add(&sum, &weights);
    if (!per_layer && bucket_share_bytes(shape, &sum) < bucket && layer + 1 < part->first + part->count)
      continue;
    add_unit(units, first, layer + 1 - first, &sum);
    sum = (MoeWeights){0};
    first = layer + 1;
  }
}

/* With tied embeddings the head has a table of its own only on a stage that does not hold the embedding. */
static gboolean head_owns_table(const MoeBuilder *builder)
{
  gboolean together = builder->placement.stages == 1 || builder->schedule->folded || builder->schedule->chains > 1;

  return !builder->shape.arch->tied_embeddings || !together;
}

/* Whether a part's layers are one bucket: where only the first position is divided, all others are. */
static gboolean is_whole(const MoeBuilder *builder, const MoeChunk *part)
{
  return builder->shape.run->stack.data_parallel.first_chunk_buckets && part != builder->parts;
}

GArray *moe_units_new(const MoeBuilder *builder, const MoeChunk *part)
{
  GArray *units = g_array_new(FALSE, FALSE, sizeof(MoeUnit));
  MoeWeights weights, mtp = {0};

  if (part->embedding) {
    moe_weights_embedding(&builder->shape, &weights);
    add_unit(units, part->first, 0, &weights);
  }
  add_layer_units(&builder->shape, part, is_whole(builder, part), units);
  if (part->head || part->mtp > 0) {
    weights = (MoeWeights){0};
    if (part->head)
      moe_weights_head(&builder->shape, head_owns_table(builder), &weights);
    if (part->mtp > 0)
      moe_weights_mtp(&builder->shape, &mtp);
    moe_weights_add(&weights, &mtp);
    add_unit(units, part->first + part->count, 0, &weights);
  }
  return units;
}

/* ---- life --------------------------------------------------------------------------------------- */

MoeZero *moe_zero_new(MoeBuilder *builder, const MoeChunk *part)
{
  MoeZero *zero = g_new0(MoeZero, 1);

  zero->builder = builder;
  zero->part = part;
  zero->units = moe_units_new(builder, part);
  zero->gathered = g_array_new(FALSE, TRUE, sizeof(guint32));
  zero->issued = g_array_new(FALSE, TRUE, sizeof(gboolean));
  g_array_set_size(zero->gathered, zero->units->len);
  g_array_set_size(zero->issued, zero->units->len);
  return zero;
}

void moe_zero_free(MoeZero *zero)
{
  if (!zero)
    return;
  g_array_unref(zero->units);
  g_array_unref(zero->gathered);
  g_array_unref(zero->issued);
  g_free(zero);
}

guint moe_zero_units(const MoeZero *zero)
{
  return zero->units->len;
}

const MoeUnit *moe_zero_unit(const MoeZero *zero, guint index)
{
  return &g_array_index(zero->units, MoeUnit, index);
}

/* ---- groups ------------------------------------------------------------------------------------- */

static gboolean is_hybrid(const MoeZero *zero)
{
  return zero->builder->shape.run->parallelism.shard_group > 0;
}

static MoeGroupKind shard_group(const MoeZero *zero, gboolean experts)
{
  if (is_hybrid(zero))
    return experts ? MOE_GROUP_EXPERT_SHARD : MOE_GROUP_DATA_SHARD;
  return experts ? MOE_GROUP_EXPERT_DATA : MOE_GROUP_DATA;
}

static int64_t zero_stage(const MoeZero *zero)
{
  return zero->builder->shape.run->parallelism.zero;
}

gboolean moe_ends_stay(const MoeBuilder *builder)
{
  return !builder->shape.run->stack.data_parallel.reshard_ends || builder->placement.stages > 1 ||
         builder->shape.arch->tied_embeddings;
}

static gboolean is_end(const MoeUnit *unit)
{
  return unit->count == 0;
}

/* An end that stays gathered through the step. */
static gboolean is_root(const MoeZero *zero, const MoeUnit *unit)
{
  return is_end(unit) && moe_ends_stay(zero->builder);
}

/* ---- parameter gathers -------------------------------------------------------------------------- */

static gboolean needs_gather(const MoeZero *zero, const MoeUnit *unit, gboolean forward, guint variant)
{
  /* Frozen weights do not change: only ZeRO-3 has to gather them. */
  if (zero_stage(zero) == 0 || (zero->builder->shape.frozen && zero_stage(zero) < 3))
    return FALSE;
  if (zero_stage(zero) < 3 || is_root(zero, unit))
    return forward && (variant & MOE_VARIANT_FIRST);
  return forward || !is_end(unit);
}

/* Whether gathers are launched ahead of the micro-batch that needs them, on all stages together. Otherwise each is
 * launched where its chunk first needs it, after the message that the chunk waits for: they run one after another along
 * the path of the first micro-batch. */
static gboolean is_ahead(const MoeZero *zero)
{
  const MoeStack *stack = &zero->builder->shape.run->stack;

  return zero->builder->placement.chunks > 1 ? !stack->data_parallel.unaligned_gather
                                             : !stack->data_parallel.hooked_gather;
}

/* Elements of a unit's layers that stay in BF16. */
static double wide_elements(const MoeShape *shape, const MoeUnit *unit, gboolean experts)
{
  double elements = 0;

  for (int64_t layer = unit->first; layer < unit->first + unit->count; layer++) {
    MoeWeights weights = {0};

    if (moe_shape_is_wide(shape, layer))
      moe_weights_layer(shape, layer, &weights);
    elements += experts ? weights.experts : weights.dense;
  }
  return elements;
}

static double gathered_bytes(const MoeBuilder *builder, const MoeUnit *unit, gboolean experts)
{
  double wide = wide_elements(&builder->shape, unit, experts),
         all = experts ? unit->weights.experts : unit->weights.dense;

  return (all - wide) * moe_precision_bytes(builder->shape.precision->parameter_gather) +
         wide * moe_precision_bytes(builder->wide.precision->parameter_gather);
}

/* A gather that frees memory later waits for the unit before the last to be done, as its buffer comes from there;
 * others start as early as their stream allows, unless nobody launches them ahead. */
static guint32 gather(MoeZero *zero, MoeEmit *emit, const MoeUnit *unit, gboolean experts)
{
  double bytes = gathered_bytes(zero->builder, unit, experts);
  MoeCollective collective =
      moe_collective(emit, MOE_ALL_GATHER, shard_group(zero, experts), experts ? "gather_experts" : "gather", bytes);
  guint32 item = moe_emit_collective(emit, MOE_STREAM_GATHER, &collective);

  if (item != MOE_NO_ITEM && zero_stage(zero) < 3 && emit->shape->overlap_gather && is_ahead(zero)) {
    moe_flow_item(emit->flow, item)->n_deps = 0;
    moe_flow_item(emit->flow, item)->earlier = 0;
  }
  return item;
}

static double weight_bytes(const MoeShape *shape, const MoeUnit *unit)
{
  return (unit->weights.dense + unit->weights.experts) * shape->act_bytes;
}

static void issue(MoeZero *zero, MoeEmit *emit, guint index, gboolean forward, guint variant)
{
  const MoeUnit *unit = moe_zero_unit(zero, index);
  gboolean *issued = &g_array_index(zero->issued, gboolean, index);
  guint32 *item = &g_array_index(zero->gathered, guint32, index);
  MoeEmit other = *emit;

  if (*issued)
    return;
  *issued = TRUE;
  *item = MOE_NO_ITEM;
  if (!needs_gather(zero, unit, forward, variant))
    return;
  other.scope = MOE_SCOPE_DATA;
  other.pass = forward ? MOE_PASS_FORWARD : MOE_PASS_DGRAD;
  if (zero_stage(zero) == 3 && !is_root(zero, unit))
    moe_flow_allocate(emit->flow, MOE_MEMORY_WEIGHTS, weight_bytes(emit->shape, unit));
  guint32 dense = gather(zero, &other, unit, FALSE);
  guint32 experts = gather(zero, &other, unit, TRUE);

  *item = experts != MOE_NO_ITEM ? experts : dense;
}

/* Issues this unit's gather and those up to the prefetch depth ahead, in the order in which the pass comes to them. */
static void before(MoeZero *zero, MoeEmit *emit, guint index, gboolean forward, guint variant)
{
  gint64 ahead = emit->shape->overlap_gather ? MAX(emit->shape->run->stack.data_parallel.prefetch, 0) : 0;
  gint64 n = zero->units->len;

  for (gint64 i = 0; i <= ahead; i++) {
    gint64 other = forward ? (gint64)index + i : (gint64)index - i;

    if (other >= 0 && other < n)
      issue(zero, emit, (guint)other, forward, variant);
  }
  moe_flow_join(emit->flow, g_array_index(zero->gathered, guint32, index));
}

/* Whether a pass is the last that reads what was gathered: no backward pass reads the embedding's table, that of the
 * head follows at once and works with what its forward pass gathered. */
static gboolean ends_use(const MoeZero *zero, guint index, gboolean forward)
{
  gboolean table = zero->part->embedding && index == 0;

  return !is_end(moe_zero_unit(zero, index)) || table == forward;
}

static void free_gathered(MoeZero *zero, MoeEmit *emit, MoeFlow *flow, guint index, gboolean forward)
{
  const MoeUnit *unit = moe_zero_unit(zero, index);

  if (zero_stage(zero) == 3 && !is_root(zero, unit) && ends_use(zero, index, forward))
    moe_flow_release(flow, MOE_MEMORY_WEIGHTS, weight_bytes(emit->shape, unit));
}

void moe_zero_before_forward(MoeZero *zero, MoeEmit *emit, guint index, guint variant)
{
  before(zero, emit, index, TRUE, variant);
}

void moe_zero_after_forward(MoeZero *zero, MoeEmit *emit, guint index, guint variant)
{
  (void)variant;
  free_gathered(zero, emit, emit->flow, index, TRUE);
}

/* ---- gradient reductions ------------------------------------------------------------------------ */

/* Elements whose gradients a unit has: all weights, or the adapters of its layers. */
static MoeWeights trainable(const MoeShape *shape, const MoeUnit *unit)
{
  MoeWeights weights = unit->weights;

  if (!shape->frozen)
    return weights;
  weights.dense = weights.experts = 0;
  for (int64_t layer = unit->first; layer < unit->first + unit->count; layer++)
    weights.dense += moe_weights_adapters(shape, layer);
  return weights;
}

static guint32 reduce_over(MoeEmit *emit, MoeCollectiveKind kind, MoeGroupKind group, double bytes)
{
  MoeCollective collective =
      moe_collective(emit, kind, group, kind == MOE_ALL_REDUCE ? "all_reduce" : "reduce_scatter", bytes);

  return moe_emit_collective(emit, MOE_STREAM_REDUCE, &collective);
}

/* Sharded gradients are scattered over the shard group; replicas of a shard are summed afterwards (HSDP). */
static guint32 reduce(MoeZero *zero, MoeEmit *emit, double elements, gboolean experts)
{
  double bytes = elements * moe_precision_bytes(emit->shape->precision->gradient_reduce);
  MoeGroupKind group = shard_group(zero, experts),
               replicas = experts ? MOE_GROUP_EXPERT_REPLICA : MOE_GROUP_DATA_REPLICA;

  if (zero_stage(zero) == 0)
    return reduce_over(emit, MOE_ALL_REDUCE, experts ? MOE_GROUP_EXPERT_DATA : MOE_GROUP_DATA, bytes);
  guint32 item = reduce_over(emit, MOE_REDUCE_SCATTER, group, bytes);

  if (!is_hybrid(zero))
    return item;
  double shard = bytes / (double)moe_layout_group_size(zero->builder->layout, group);
  guint32 across = reduce_over(emit, MOE_ALL_REDUCE, replicas, shard);

  return across != MOE_NO_ITEM ? across : item;
}

/* Reductions that a combined schedule of forward and backward skips and launches after the last backward pass: those of
 * the first chunk, and on later stages those of the second (Megatron-Core before April 2026, combined_1f1b.py). */
static gboolean is_late(const MoeZero *zero)
{
  const MoeBuilder *builder = zero->builder;
  int64_t position = zero->part - builder->parts, stages = builder->placement.stages;

  if (!builder->shape.run->stack.data_parallel.late_reduce || !builder->shape.merge_batches || zero_stage(zero) >= 2)
    return FALSE;
  return position < stages || (position % stages > 0 && position < 2 * stages);
}

static gboolean reduces_in_batch(const MoeZero *zero, guint variant)
{
  if (zero_stage(zero) >= 2)
    return TRUE;
  return (variant & MOE_VARIANT_LAST) && zero->builder->shape.overlap_reduce && !is_late(zero);
}

static guint32 reduce_unit(MoeZero *zero, MoeEmit *emit, guint index)
{
  MoeWeights weights = trainable(emit->shape, moe_zero_unit(zero, index));
  MoeEmit other = *emit;

  other.scope = MOE_SCOPE_DATA;
  other.pass = MOE_PASS_WGRAD;
  moe_bucket_prepare(&other, weights.dense, FALSE);
  guint32 dense = reduce(zero, &other, weights.dense, FALSE);
  moe_bucket_prepare(&other, weights.experts, TRUE);
  guint32 experts = reduce(zero, &other, weights.experts, TRUE);

  return experts != MOE_NO_ITEM ? experts : dense;
}

/* Elements of a unit whose gradients this rank owns. */
static double owned(MoeZero *zero, guint index)
{
  const MoeLayout *layout = zero->builder->layout;
  MoeWeights weights = trainable(&zero->builder->shape, moe_zero_unit(zero, index));

  return weights.dense / (double)moe_layout_group_size(layout, shard_group(zero, FALSE)) +
         weights.experts / (double)moe_layout_group_size(layout, shard_group(zero, TRUE));
}

static void offload_gradients(MoeZero *zero, MoeEmit *emit, guint index, guint32 reduced, guint variant)
{
  MoeEmit other = *emit;

  other.scope = MOE_SCOPE_DATA;
  other.pass = MOE_PASS_WGRAD;
  if (emit->shape->run->offload.gradients && !emit->shape->frozen)
    moe_offload_reduced(&other, owned(zero, index), reduced, (variant & MOE_VARIANT_FIRST) != 0);
}

static double gradient_bytes(MoeZero *zero, guint index)
{
  MoeWeights weights = trainable(&zero->builder->shape, moe_zero_unit(zero, index));

  return zero_stage(zero) >= 2 ? weights_bytes(zero->builder->shape.precision->gradient_reduce, &weights) : 0;
}

void moe_zero_before_backward(MoeZero *zero, MoeEmit *emit, guint index, guint variant)
{
  before(zero, emit, index, FALSE, variant);
  moe_flow_allocate(emit->flow, MOE_MEMORY_GRADIENTS, gradient_bytes(zero, index));
}

void moe_zero_reach_backward(MoeZero *zero, MoeEmit *emit, guint index, int64_t first, guint variant)
{
  while (index-- > 0) {
    const MoeUnit *unit = moe_zero_unit(zero, index);

    if (unit->first + unit->count <= first)
      return;
    issue(zero, emit, index, FALSE, variant);
    moe_flow_join(emit->flow, g_array_index(zero->gathered, guint32, index));
  }
}

void moe_zero_after_backward(MoeZero *zero, MoeEmit *emit, guint index, guint variant)
{
  MoeEmit other = *emit;
  guint32 item = MOE_NO_ITEM;

  other.flow = moe_flow_length(emit->later) > 0 ? emit->later : emit->flow;
  free_gathered(zero, emit, other.flow, index, FALSE);
  if (reduces_in_batch(zero, variant))
    item = reduce_unit(zero, &other, index);
  if (item != MOE_NO_ITEM)
    moe_flow_memory(other.flow, item, MOE_MEMORY_GRADIENTS, TRUE, -gradient_bytes(zero, index));
  else
    moe_flow_release(other.flow, MOE_MEMORY_GRADIENTS, gradient_bytes(zero, index));
  offload_gradients(zero, &other, index, item, variant);
  if (!emit->shape->overlap_reduce)
    moe_flow_join(other.flow, item);
}

void moe_zero_reduce_all(MoeZero *zero, MoeEmit *emit)
{
  if (zero_stage(zero) >= 2 || (emit->shape->overlap_reduce && !is_late(zero)))
    return;
  for (guint i = zero->units->len; i-- > 0;)
    moe_flow_join(emit->flow, reduce_unit(zero, emit, i));
}
