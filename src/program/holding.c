/* What a stage holds throughout the step: weights, gradients, optimizer state, buffers. */
#include "internal.h"

#include <math.h>

/* Elements up to the next multiple of the padding and of the ranks, without which shards would not be equal
 * (Megatron-core, distributed/param_and_grad_buffer.py, _pad_end_of_bucket_if_needed). */
static double bucket_padding(const MoeBuilder *builder, double elements, double shards)
{
  int64_t step = builder->shape.run->stack.data_parallel.bucket_padding, ranks = (int64_t)shards;
  int64_t a = step, b = ranks;

  if (step == 0 || elements <= 0)
    return 0;
  while (b != 0) {
    int64_t rest = a % b;

    a = b;
    b = rest;
  }
  double multiple = (double)step / (double)a * (double)ranks;

  return ceil(elements / multiple) * multiple - elements;
}

static void pad_part(const MoeBuilder *builder, const MoeChunk *part, MoeHolding *holding)
{
  g_autoptr(GArray) units = moe_units_new(builder, part);
  gboolean padded = builder->shape.run->parallelism.zero == 1 && !builder->shape.frozen;

  for (guint i = 0; i < units->len && padded; i++) {
    const MoeWeights *weights = &g_array_index(units, MoeUnit, i).weights;

    holding->padding += bucket_padding(builder, weights->dense, holding->dense_shards) +
                        bucket_padding(builder, weights->experts, holding->expert_shards);
  }
}

static void add_wide(const MoeBuilder *builder, int64_t layer, MoeHolding *holding)
{
  MoeWeights weights = {0};

  if (moe_shape_is_wide(&builder->shape, layer))
    moe_weights_layer(&builder->shape, layer, &weights);
  holding->wide += weights.dense + weights.experts;
}

static void add_part(const MoeBuilder *builder, const MoeChunk *part, MoeHolding *holding, double *root)
{
  g_autoptr(GArray) units = moe_units_new(builder, part);

  for (guint i = 0; i < units->len; i++) {
    const MoeUnit *unit = &g_array_index(units, MoeUnit, i);

    moe_weights_add(&holding->held, &unit->weights);
    *root += unit->count == 0 && moe_ends_stay(builder) ? unit->weights.dense + unit->weights.experts : 0;
    for (int64_t layer = unit->first; layer < unit->first + unit->count; layer++) {
      holding->adapters += moe_weights_adapters(&builder->shape, layer);
      add_wide(builder, layer, holding);
    }
  }
}

/* Both directions of DualPipe hold every weight: its copies share the optimizer's work (DualPipe keeps two copies of
 * parameters). */
static void set_shards(const MoeBuilder *builder, MoeHolding *holding)
{
  const MoeParallelism *p = &builder->shape.run->parallelism;
  gboolean hybrid = p->shard_group > 0;
  double copies = (double)builder->schedule->chains;

  holding->dense_shards = holding->expert_shards = 1;
  if (p->zero == 0)
    return;
  holding->dense_shards =
      copies * (double)moe_layout_group_size(builder->layout, hybrid ? MOE_GROUP_DATA_SHARD : MOE_GROUP_DATA);
  holding->expert_shards =
      copies * (double)moe_layout_group_size(builder->layout, hybrid ? MOE_GROUP_EXPERT_SHARD : MOE_GROUP_EXPERT_DATA);
}

void moe_holding_init(const MoeBuilder *builder, int64_t stage, MoeHolding *holding)
{
  *holding = (MoeHolding){0};
  for (int64_t chunk = 0; chunk < builder->placement.chunks; chunk++) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);

    add_part(builder, &builder->parts[position], holding, &holding->root);
  }
  holding->trainable_dense = builder->shape.frozen ? holding->adapters : holding->held.dense;
  holding->trainable_experts = builder->shape.frozen ? 0 : holding->held.experts;
  set_shards(builder, holding);
  for (int64_t chunk = 0; chunk < builder->placement.chunks; chunk++) {
    int64_t position = moe_placement_position(builder->schedule, &builder->placement, stage, chunk);

    pad_part(builder, &builder->parts[position], holding);
  }
}

/* Sharded elements: dense and expert weights have their own degrees. */
static double sharded(const MoeHolding *holding, double dense, double experts)
{
  return dense / holding->dense_shards + experts / holding->expert_shards;
}

/* ZeRO-3 keeps its shard and the ends of the model; otherwise whole weights. */
static double weight_bytes(const MoeBuilder *builder, const MoeHolding *holding)
{
  const MoeShape *shape = &builder->shape;
  const MoeKeeps *keeps = &shape->keeps;
  double all = holding->held.dense + holding->held.experts, adapters = shape->frozen ? holding->adapters : 0;

  if (shape->run->parallelism.zero == 3)
    return sharded(holding, holding->held.dense, holding->held.experts) * keeps->shard_bytes +
           holding->root * keeps->end_bytes;
  return (all - holding->root - holding->wide) * keeps->weight_bytes +
         holding->wide * builder->wide.keeps.weight_bytes +
         (holding->root + adapters + holding->padding) * keeps->end_bytes;
}

static double gradient_bytes(const MoeBuilder *builder, const MoeHolding *holding)
{
  double element = builder->shape.keeps.gradient_bytes;

  gboolean waits = builder->shape.run->stack.memory.unsharded_gradients && builder->shape.accumulate;

  if (builder->shape.run->offload.gradients)
    return 0;

  if (builder->shape.run->parallelism.zero >= 2 && !waits)
    return sharded(holding, holding->trainable_dense, holding->trainable_experts) * element;
  return (holding->trainable_dense + holding->trainable_experts + holding->padding) * element;
}

static double optimizer_bytes(const MoeBuilder *builder, const MoeHolding *holding)
{
  const MoeKeeps *keeps = &builder->shape.keeps;

  return sharded(holding, holding->trainable_dense, holding->trainable_experts) *
         (keeps->optimizer_bytes - keeps->host_bytes);
}

/* Send and receive buffers of the expert exchange, both directions, of one layer; with memory rounds only one round's
 * share. */
static double buffer_bytes(const MoeShape *shape)
{
  double rounds = (double)moe_expert_rounds(shape);

  if (shape->arch->moe.experts == 0 || shape->ep == 1)
    return 0;
  return 2 * shape->mean_rows * (double)shape->outer * shape->act_bytes / rounds;
}

void moe_static_bytes(const MoeBuilder *builder, int64_t stage, double bytes[MOE_N_MEMORY_PARTS])
{
  MoeHolding holding;

  moe_holding_init(builder, stage, &holding);
  bytes[MOE_MEMORY_WEIGHTS] = weight_bytes(builder, &holding);
  bytes[MOE_MEMORY_GRADIENTS] = gradient_bytes(builder, &holding);
  bytes[MOE_MEMORY_OPTIMIZER] = optimizer_bytes(builder, &holding);
  bytes[MOE_MEMORY_ACTIVATIONS] = 0;
  bytes[MOE_MEMORY_WORKSPACE] =
      buffer_bytes(&builder->shape) + moe_placeholder_bytes(builder, stage) + moe_graph_bytes(builder, stage);
}
