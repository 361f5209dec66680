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
#include "search_internal.h"

#include <math.h>
#include <moesim/coll.h>
#include <moesim/layer.h>

/* Bytes of a stored weight: BF16 in every stack considered. */
#define WEIGHT_BYTES 2.0

/* ---- positions -------------------------------------------------------------------------------------------------- */

int64_t moe_search_places(const MoeRun *run)
{
  return run->architecture.layers + (run->parallelism.embedding_as_layer ? 1 : 0) +
         (run->parallelism.head_as_layer ? 1 : 0);
}

void moe_positions_init(const MoeRun *run, MoePositions *positions)
{
  const MoeParallelism *p = &run->parallelism;
  MoeScheduleKind schedule = p->schedule;

  *positions = (MoePositions){.stages = p->pipeline,
                              .layers = run->architecture.layers,
                              .places = moe_search_places(run),
                              .embedding_counts = p->embedding_as_layer,
                              .head_counts = p->head_as_layer,
                              .folded = schedule == MOE_SCHEDULE_ZB_V || schedule == MOE_SCHEDULE_DUALPIPE_V,
                              .mirrored = schedule == MOE_SCHEDULE_DUALPIPE};
  positions->chunks = positions->folded || positions->mirrored ? 2 : p->virtual_stages;
  positions->positions = positions->mirrored ? p->pipeline : p->pipeline * positions->chunks;
}

/* Places divide evenly, a remainder goes to earlier positions; what an end of the model takes of its position's places
 * is no layer. */
int64_t moe_position_first(const MoePositions *p, int64_t position)
{
  int64_t share = p->places / p->positions, rest = p->places % p->positions;
  int64_t first = position * share + MIN(position, rest);

  if (position >= p->positions)
    return p->layers;
  if (position > 0 && p->embedding_counts)
    first--;
  return CLAMP(first, 0, p->layers);
}

int64_t moe_position_of(const MoePositions *p, int64_t stage, int64_t chunk)
{
  if (p->mirrored)
    return chunk == 0 ? stage : p->stages - 1 - stage;
  if (p->folded && chunk == 1)
    return 2 * p->stages - 1 - stage;
  return chunk * p->stages + stage;
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static double pass_seconds(const MoeBoundInput *input, const MoePassBound *pass)
{
  return input->exposed ? pass->path : pass->busy;
}

static gboolean splits_backward(MoeScheduleKind schedule)
{
  return schedule == MOE_SCHEDULE_ZB_H1 || schedule == MOE_SCHEDULE_ZB_H2 || schedule == MOE_SCHEDULE_ZB_V ||
         schedule == MOE_SCHEDULE_DUALPIPE || schedule == MOE_SCHEDULE_DUALPIPE_V;
}

/* One micro-batch through all chunks of a stage: kernels and what they wait for, or, when passes run side by side,
 * kernels or the expert exchange, whichever is longer. */
static double work_seconds(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  double compute = 0, expert = 0;

  for (int64_t c = 0; c < positions->chunks; c++) {
    MoeProbePart part = moe_position_part(positions, input->probe, moe_position_of(positions, stage, c));

    compute += pass_seconds(input, &part.forward) + pass_seconds(input, &part.backward);
    expert += part.forward.expert + part.backward.expert;
  }
  return (positions->mirrored ? 0.5 : 1) * MAX(compute, expert);
}

/* What the way of one micro-batch to and from later stages gains by a position. */
static double way_seconds(const MoeBoundInput *input, const MoePositions *positions, int64_t position)
{
  MoeProbePart part = moe_position_part(positions, input->probe, position);

  if (positions->mirrored)
    return 0;
  if (splits_backward(input->run->parallelism.schedule))
    return pass_seconds(input, &part.forward);
  return pass_seconds(input, &part.forward) + pass_seconds(input, &part.backward);
}

/* Weights of all layers, elements per rank; ends of the model left out. */
typedef struct {
  double dense, experts;
} Weights;

static Weights stage_weights(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  const MoeParallelism *p = &input->run->parallelism;
  const MoeArchitecture *a = &input->run->architecture;
  int64_t moe = 0, dense = 0, moe_layers = 0;
  MoeParameters counts;

  moe_count_parameters(a, &counts);
  for (int64_t l = 0; l < a->layers; l++)
    moe_layers += moe_layer_is_moe(a, l) ? 1 : 0;
  for (int64_t c = 0; c < positions->chunks; c++) {
    int64_t position = moe_position_of(positions, stage, c);

    for (int64_t l = moe_position_first(positions, position); l < moe_position_first(positions, position + 1); l++)
      *(moe_layer_is_moe(a, l) ? &moe : &dense) += 1;
  }
  double attention = counts.attention / (double)a->layers, tensor = (double)p->tensor;
  double ffn = counts.dense_ffn / (double)MAX(a->layers - moe_layers, 1);
  double shared = (counts.shared_experts + counts.latent + counts.router) / (double)MAX(moe_layers, 1);
  double experts = counts.experts / (double)MAX(moe_layers, 1) / (double)(p->expert * p->expert_tensor);

  return (Weights){((double)(moe + dense) * attention + (double)dense * ffn + (double)moe * shared) / tensor,
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
  const MoePrecisions *p = &run->training.precision;
  int moments = run->training.optimizer == MOE_OPTIMIZER_ADAMW ? 2 : 1;

  return moe_precision_bytes(p->master) + moments * moe_precision_bytes(p->optimizer_moments);
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
  Weights weights = stage_weights(input, positions, stage), by = shards(input->run, positions->mirrored);
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
  MoePositions positions;

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.stages; s++) {
    most = MAX(most, way + batches * work_seconds(input, &positions, s));
    way += way_seconds(input, &positions, s);
  }
  return most + input->run->stack.host.step_s +
         MIN(finish_seconds(input, &positions, 0), finish_seconds(input, &positions, positions.stages - 1));
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static double static_bytes(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  const MoeRun *run = input->run;
  Weights w = stage_weights(input, positions, stage), by = shards(run, positions->mirrored);
  double all = w.dense + w.experts, sharded = w.dense / by.dense + w.experts / by.experts;
  double gradient = moe_precision_bytes(run->training.precision.gradient_reduce);
  double weights = (run->parallelism.zero == 3 ? sharded : all) * WEIGHT_BYTES;

  if (run->training.lora_rank > 0)
    return weights;
  return weights + (run->parallelism.zero >= 2 ? sharded : all) * gradient + sharded * optimizer_element_bytes(run);
}

/* Passes of chunks in interleaved order that a stage has begun before its first backward pass, as bytes. */
static double interleaved_bytes(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  int64_t p = positions->stages, v = positions->chunks, total = input->run->parallelism.micro_batches * v;
  int64_t begun = MIN(2 * (p - stage - 1) + (v - 1) * p + 1, total);
  double bytes = 0;

  for (int64_t c = 0; c < v; c++) {
    int64_t rounds = begun / (p * v), rest = begun % (p * v);
    int64_t of_chunk = rounds * p + CLAMP(rest - c * p, 0, p);

    bytes +=
        (double)of_chunk * moe_position_part(positions, input->probe, moe_position_of(positions, stage, c)).saved_bytes;
  }
  return bytes;
}

/* Micro-batches of a chunk that a stage holds at once at least. */
static int64_t held_batches(const MoeRun *run, const MoePositions *positions, int64_t stage)
{
  int64_t m = run->parallelism.micro_batches;

  switch (run->parallelism.schedule) {
  case MOE_SCHEDULE_NONE:
    return 1;
  case MOE_SCHEDULE_GPIPE:
    return m;
  case MOE_SCHEDULE_1F1B:
  case MOE_SCHEDULE_ZB_H1:
  case MOE_SCHEDULE_ZB_H2:
    return MIN(positions->stages - stage, m);
  case MOE_SCHEDULE_DUALPIPE:
  case MOE_SCHEDULE_DUALPIPE_V:
    return MIN(positions->stages, m / 2);
  default:
    return 1;
  }
}

static double activation_bytes(const MoeBoundInput *input, const MoePositions *positions, int64_t stage)
{
  double least = INFINITY;

  if (input->run->parallelism.schedule == MOE_SCHEDULE_INTERLEAVED)
    return interleaved_bytes(input, positions, stage);
  for (int64_t c = 0; c < positions->chunks; c++)
    least = MIN(least, moe_position_part(positions, input->probe, moe_position_of(positions, stage, c)).saved_bytes);
  return least * (double)held_batches(input->run, positions, stage);
}

double moe_bound_static(const MoeBoundInput *input)
{
  MoePositions positions;
  double most = 0;

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.stages; s++)
    most = MAX(most, static_bytes(input, &positions, s));
  return most + input->run->stack.hbm_reserved_bytes;
}

double moe_bound_memory(const MoeBoundInput *input)
{
  const MoeStack *stack = &input->run->stack;
  MoePositions positions;
  double most = 0;

  moe_positions_init(input->run, &positions);
  for (int64_t s = 0; s < positions.stages; s++)
    most = MAX(most, static_bytes(input, &positions, s) +
                         (1 + stack->fragmentation) * activation_bytes(input, &positions, s));
  return most + stack->hbm_reserved_bytes;
}
