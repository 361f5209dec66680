/*
 * Bounds of a layout from its probe. A stage s with m micro-batches takes at least
 *
 *     head(s) + m * work(s) + tail(s)
 *
 * with head(s) the forward passes of one micro-batch before it gets to the stage, work(s) its own passes, tail(s) the
 * backward passes from the stage to the first one. Since for every micro-batch the first chunk of a stage is the last
 * to go backward, this holds for any order of work; where weight gradients are split off or two directions run, tail or
 * both are left out. For 1F1B it is the pipeline's (m + p - 1) / m.
 */
#include "internal.h"

#include "coll/coll.h"
#include "layer/layer.h"
#include <math.h>

/* ---- positions -------------------------------------------------------------------------------------------------- */

int64_t moe_search_places(const MoeRun *run)
{
  return run->architecture.layers + (run->parallelism.embedding_as_layer ? 1 : 0) +
         (run->parallelism.head_as_layer ? 1 : 0);
}

void moe_positions_init(const MoeRun *run, MoePositions *positions)
{
  const MoeParallelism *p = &run->parallelism;

  positions->schedule = moe_schedule_find(p->schedule);
  moe_placement_init(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, FALSE, &positions->place);
  positions->chunk = moe_run_chunks_new(run);
}

void moe_positions_clear(MoePositions *positions)
{
  g_clear_pointer(&positions->chunk, g_free);
}

const MoeChunk *moe_positions_chunk(const MoePositions *positions, int64_t stage, int64_t chunk)
{
  return &positions->chunk[moe_placement_position(positions->schedule, &positions->place, stage, chunk)];
}

static gboolean is_mirrored(const MoePositions *positions)
{
  return positions->schedule->chains > 1;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static double pass_seconds(const MoeBoundInput *input, const MoePassBound *pass)
{
  return input->exposed ? pass->path : pass->busy;
}

/* One micro-batch through all chunks of a stage: kernels and what they wait for, or, when passes run side by side,
 * kernels or the expert exchange, whichever is longer. */
static double work_seconds(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  double compute = 0, expert = 0;

  for (int64_t c = 0; c < positions->place.chunks; c++) {
    MoeProbePart part = moe_chunk_part(moe_positions_chunk(positions, stage, c), input->probe);

    compute += pass_seconds(input, &part.forward) + pass_seconds(input, &part.backward);
    expert += part.forward.expert + part.backward.expert;
  }
  return (is_mirrored(positions) ? 0.5 : 1) * MAX(compute, expert);
}

/* What the way of one micro-batch to and from later stages gains by a position. */
static double way_seconds(const MoeBoundInput *input, const MoePositions *positions, int64_t position)
{
  MoeProbePart part = moe_chunk_part(&positions->chunk[position], input->probe);

  if (is_mirrored(positions))
    return 0;
  if (positions->schedule->splits_backward)
    return pass_seconds(input, &part.forward);
  return pass_seconds(input, &part.forward) + pass_seconds(input, &part.backward);
}

/* Weights of all layers, elements per rank; ends of the model left out. */
typedef struct {
  double dense, experts;
} Weights;

void moe_layer_weights(const MoeArchitecture *a, MoeLayerWeights *layer)
{
  int64_t moe_layers = 0;
  MoeParameters counts;

  moe_count_parameters(a, &counts);
  for (int64_t l = 0; l < a->layers; l++)
    moe_layers += moe_layer_is_moe(a, l) ? 1 : 0;
  layer->attention = counts.attention / (double)a->layers;
  layer->ffn = counts.dense_ffn / (double)MAX(a->layers - moe_layers, 1);
  layer->shared = (counts.shared_experts + counts.latent + counts.router) / (double)MAX(moe_layers, 1);
  layer->experts = counts.experts / (double)MAX(moe_layers, 1);
}

static Weights stage_weights(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  const MoeParallelism *p = &input->run->parallelism;
  const MoeArchitecture *a = &input->run->architecture;
  const MoeLayerWeights *layer = input->layer;
  int64_t moe = 0, dense = 0;

  for (int64_t c = 0; c < positions->place.chunks; c++) {
    const MoeChunk *chunk = moe_positions_chunk(positions, stage, c);

    for (int64_t l = chunk->first; l < chunk->first + chunk->count; l++)
      *(moe_layer_is_moe(a, l) ? &moe : &dense) += 1;
  }
  double experts = layer->experts / (double)(p->expert * p->expert_tensor);

  return (Weights){
      ((double)(moe + dense) * layer->attention + (double)dense * layer->ffn + (double)moe * layer->shared) /
          (double)p->tensor,
      (double)moe * experts};
}

/* Ranks that share optimizer state (and more, by ZeRO stage), for dense and for expert weights. */
static Weights shards(const MoeRun *run, gboolean mirrored)
{
  const MoeParallelism *p = &run->parallelism;
  double copies = mirrored ? 2 : 1;
  double dense = (double)(p->data * p->context), experts = (double)p->expert_data;

  if (p->zero == 0)
    return (Weights){1, 1};
  return (Weights){copies * (p->shard_group > 0 ? MIN(dense, (double)p->shard_group) : dense), copies * experts};
}

static double optimizer_element_bytes(const MoeRun *run)
{
  MoeKeeps keeps;

  moe_keeps_init(run, &run->training.precision, &keeps);
  return keeps.optimizer_bytes * (1 - run->offload.optimizer);
}

/* A reduction that nothing hides: the least time of one collective over the data-parallel ranks. */
static double reduce_seconds(const MoeBoundInput *input, double elements)
{
  const MoeRun *run = input->run;
  int64_t n = run->parallelism.data * run->parallelism.context;
  g_autofree int64_t *gpus = g_new(int64_t, n);
  MoeCollective collective = {.kind = run->parallelism.zero == 0 ? MOE_ALL_REDUCE : MOE_REDUCE_SCATTER,
                              .group = MOE_GROUP_DATA,
                              .pass = MOE_PASS_WGRAD,
                              .name = "bound",
                              .bytes = elements * moe_precision_bytes(run->training.precision.gradient_reduce)};
  MoeCollPlan plan;

  for (int64_t i = 0; i < n; i++)
    gpus[i] = i * run->parallelism.tensor;
  moe_coll_plan(input->topo, &run->stack.collectives, &collective, &(MoeCollGroup){.n = (guint)n, .gpus = gpus}, &plan);
  return moe_coll_alone_s(input->topo, &plan);
}

static gboolean reduces_exposed(const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;
  gboolean overlapped = p->overlap.gradient_reduce && run->stack.overlap.gradient_reduce;

  return !overlapped && p->zero < 2 && p->data * p->context > 1 && p->shard_group == 0 && run->training.lora_rank == 0;
}

/* After the last backward pass: gradients that were not reduced on the way, and the optimizer's trip through memory:
 * state read and written. */
static double finish_seconds(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  Weights weights = stage_weights(input, positions, stage), by = shards(input->run, is_mirrored(positions));
  double elements = weights.dense / by.dense + weights.experts / by.experts;
  double bytes = 2 * optimizer_element_bytes(input->run) * elements;

  if (input->run->training.lora_rank > 0)
    return 0;
  return bytes / input->run->cluster.accelerator.memory_bytes_per_s +
         (reduces_exposed(input->run) ? reduce_seconds(input, weights.dense) : 0);
}

double moe_bound_step(const MoeBoundInput *input)
{
  double batches = (double)input->run->parallelism.micro_batches, most = 0, way = 0;
  g_auto(MoePositions) positions = {0};

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.place.stages; s++) {
    most = MAX(most, way + batches * work_seconds(input, &positions, s));
    way += way_seconds(input, &positions, s);
  }
  return most + input->run->stack.host.step_s +
         MIN(finish_seconds(input, &positions, 0), finish_seconds(input, &positions, positions.place.stages - 1));
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static double static_bytes(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  const MoeRun *run = input->run;
  Weights w = stage_weights(input, positions, stage), by = shards(run, is_mirrored(positions));
  double all = w.dense + w.experts, sharded = w.dense / by.dense + w.experts / by.experts;
  MoeKeeps keeps;

  moe_keeps_init(run, &run->training.precision, &keeps);
  double weights =
      run->parallelism.zero == 3 ? sharded * keeps.shard_bytes : all * MIN(keeps.weight_bytes, keeps.end_bytes);

  if (run->training.lora_rank > 0)
    return weights;
  double gradients = run->offload.gradients ? 0 : (run->parallelism.zero >= 2 ? sharded : all) * keeps.gradient_bytes;

  return weights + gradients + sharded * (keeps.optimizer_bytes - keeps.host_bytes);
}

static double activation_bytes(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  double bytes = 0;

  for (int64_t c = 0; c < positions->place.chunks; c++)
    bytes += (double)positions->schedule->held(&positions->place, stage, c) *
             moe_chunk_part(moe_positions_chunk(positions, stage, c), input->probe).saved_bytes;
  return bytes;
}

double moe_bound_static(const MoeBoundInput *input)
{
  g_auto(MoePositions) positions = {0};
  double most = 0;

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.place.stages; s++)
    most = MAX(most, static_bytes(input, &positions, s));
  return most + input->run->stack.hbm_reserved_bytes;
}

double moe_bound_memory(const MoeBoundInput *input)
{
  const MoeStack *stack = &input->run->stack;
  g_auto(MoePositions) positions = {0};
  double most = 0;

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.place.stages; s++)
    most = MAX(most, static_bytes(input, &positions, s) +
                         (1 + stack->fragmentation) * activation_bytes(input, &positions, s));
  return most + stack->hbm_reserved_bytes;
}
