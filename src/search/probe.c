/*
 * Probes: what each layer takes at least, read off the program's own lowering.
 *
 * A probe is the run on one pipeline stage with the layout's degrees, on as few GPUs as they need. Its blocks are cut
 * into the model's parts (layers, embedding, head) by the layer each operation belongs to. Within a part every
 * operation starts when its stream and its waits allow, alone on the machine, with a host that is never late: the end
 * of the compute stream is then a lower bound on the time between the end of the part before and the end of this one in
 * any simulation. A transfer that nothing in the part starts (prefetched from earlier) counts as done.
 */
#include "cost/cost.h"
#include "internal.h"
#include "program/program.h"
#include "schedule/schedule.h"
#include "search/layouts.h"
#include "spec/spec.h"
#include "topo/topo.h"

#include <string.h>

/* So many micro-batches show a block that is neither the first nor the last. */
#define PROBE_BATCHES 3

typedef struct {
  MoeWalk *walk;
  MoeProbe *probe;
  MoeProbePart *part; /* [layers + 2]: layers, embedding, head */
} Probing;

static double saved_bytes(const MoePiece *piece)
{
  double bytes = 0;

  for (uint32_t i = 0; i < piece->block->n_memory; i++) {
    const MoeMemoryEvent *event = &piece->block->memory[i];

    if (event->op >= piece->first && event->op < piece->end && event->part == MOE_MEMORY_ACTIVATIONS)
      bytes += event->bytes;
  }
  return MAX(bytes, 0);
}

static void lower_to(MoePassBound *least, const MoePassBound *bound)
{
  gboolean first = least->path == 0;

  least->path = first ? bound->path : MIN(least->path, bound->path);
  least->busy = first ? bound->busy : MIN(least->busy, bound->busy);
  least->expert = first ? bound->expert : MIN(least->expert, bound->expert);
}

/* Of several blocks of one kind (first, middle, last micro-batch) the cheapest counts. */
static void keep_piece(Probing *p, const MoePiece *piece, gboolean forward)
{
  MoeProbePart *part = &p->part[piece->part];
  MoePassBound bound = {.path = moe_walk_piece(p->walk, piece),
                        .busy = moe_walk_runs(p->walk, piece),
                        .expert = moe_walk_expert(p->walk, piece)};

  lower_to(forward ? &part->forward : &part->backward, &bound);
  if (forward) {
    double bytes = saved_bytes(piece);

    part->saved_bytes = part->saved_bytes > 0 ? MIN(part->saved_bytes, bytes) : bytes;
  }
}

/* ---- blocks ----------------------------------------------------------------------------------------------------- */

/* Operations without a layer belong to the end of the model that lies on their side. */
static guint part_of(const Probing *p, const MoeOp *op, gboolean forward, gboolean seen_layer)
{
  guint layers = (guint)p->probe->layers;

  if (op->layer >= 0 && op->layer < (int)layers)
    return (guint)op->layer;
  return forward == seen_layer ? layers + 1 : layers;
}

/* Where the piece that begins at `first` ends. Transfers of data parallelism carry no layer and break none. */
static MoePiece next_piece(const Probing *p, const MoeBlock *block, uint32_t first, gboolean forward,
                           gboolean *seen_layer)
{
  MoePiece piece = {.block = block, .first = first, .end = first, .before = moe_last_compute(block, first)};

  piece.part = part_of(p, &block->ops[first], forward, *seen_layer);
  *seen_layer |= block->ops[first].layer >= 0;
  while (piece.end < block->n_ops && part_of(p, &block->ops[piece.end], forward, *seen_layer) == piece.part)
    piece.end++;
  return piece;
}

static void read_block(Probing *p, const MoeBlock *block, gboolean forward)
{
  gboolean seen_layer = FALSE;

  for (uint32_t at = 0; at < block->n_ops;) {
    MoePiece piece = next_piece(p, block, at, forward, &seen_layer);

    keep_piece(p, &piece, forward);
    at = piece.end;
  }
}

static void read_program(Probing *p)
{
  for (guint b = 0; b < p->walk->program->n_blocks; b++) {
    const MoeBlock *block = &p->walk->program->blocks[b];

    if (strcmp(block->name, "F") == 0)
      read_block(p, block, TRUE);
    else if (strcmp(block->name, "B") == 0)
      read_block(p, block, FALSE);
  }
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

static void add_pass(MoePassBound *sum, const MoePassBound *more)
{
  sum->path += more->path;
  sum->busy += more->busy;
  sum->expert += more->expert;
}

static void add_part(MoeProbePart *sum, const MoeProbePart *more)
{
  add_pass(&sum->forward, &more->forward);
  add_pass(&sum->backward, &more->backward);
  sum->saved_bytes += more->saved_bytes;
}

static void sum_parts(MoeProbe *probe, const MoeProbePart *part)
{
  probe->before = g_new0(MoeProbePart, probe->layers + 1);
  for (int64_t l = 0; l < probe->layers; l++) {
    probe->before[l + 1] = probe->before[l];
    add_part(&probe->before[l + 1], &part[l]);
  }
  probe->embedding = part[probe->layers];
  probe->head = part[probe->layers + 1];
}

MoeProbePart moe_chunk_part(const MoeChunk *chunk, const MoeProbe *probe)
{
  MoeProbePart sum = probe->before[chunk->first + chunk->count];
  const MoeProbePart *less = &probe->before[chunk->first];
  MoeProbePart minus = {{-less->forward.path, -less->forward.busy, -less->forward.expert},
                        {-less->backward.path, -less->backward.busy, -less->backward.expert},
                        -less->saved_bytes};

  add_part(&sum, &minus);
  if (chunk->embedding)
    add_part(&sum, &probe->embedding);
  if (chunk->head)
    add_part(&sum, &probe->head);
  return sum;
}

/* ---- the run that is probed ------------------------------------------------------------------------------------- */

static int64_t least_common_multiple(int64_t a, int64_t b)
{
  int64_t x = a, y = b;

  while (y != 0) {
    int64_t rest = x % y;

    x = y;
    y = rest;
  }
  return a / x * b;
}

void moe_probe_key(const MoeRun *applied, const MoeLayoutChoice *choice, MoeLayoutChoice *key)
{
  static const MoeDimensionKind kept[] = {
      MOE_DIMENSION_TENSOR,        MOE_DIMENSION_CONTEXT,     MOE_DIMENSION_EXPERT,
      MOE_DIMENSION_EXPERT_TENSOR, MOE_DIMENSION_MICRO_BATCH, MOE_DIMENSION_RECOMPUTE,
      MOE_DIMENSION_OFFLOAD,       MOE_DIMENSION_SEQUENCE,    MOE_DIMENSION_OVERLAP_TENSOR};

  memset(key, 0, sizeof *key);
  for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
    key->value[kept[i]] = choice->value[kept[i]];
  /* A single micro-batch neither accumulates gradients nor keeps quantized weights. */
  key->value[MOE_DIMENSION_GPUS] = applied->parallelism.micro_batches > 1 ? PROBE_BATCHES : 1;
}

static gboolean probe_run(const MoeRun *run, const MoeLayoutChoice *key, MoeRun *probed)
{
  MoeLayoutChoice choice = *key;
  int32_t *v = choice.value;
  int64_t model = (int64_t)v[MOE_DIMENSION_TENSOR] * v[MOE_DIMENSION_CONTEXT];
  int64_t gpus = least_common_multiple(model, (int64_t)v[MOE_DIMENSION_EXPERT] * v[MOE_DIMENSION_EXPERT_TENSOR]);
  MoeRun base = *run;

  base.training.global_batch = gpus / model * v[MOE_DIMENSION_MICRO_BATCH] * v[MOE_DIMENSION_GPUS];
  base.parallelism.shard_group = 0;
  base.stack.overlap.expert_across_batches = FALSE; /* passes stay apart */
  base.training.routing.balance = MOE_BALANCE_EVEN; /* what the mean rank takes: the fullest takes longer */
  v[MOE_DIMENSION_GPUS] = (int32_t)gpus;
  v[MOE_DIMENSION_PIPELINE] = v[MOE_DIMENSION_VIRTUAL] = 1;
  v[MOE_DIMENSION_SCHEDULE] = MOE_SCHEDULE_NONE;
  return moe_search_apply(&base, &choice, probed);
}

static MoeProbe *read_probe(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo, const MoeCostModel *cost)
{
  g_autoptr(MoeWalk) walk = moe_walk_new(run, program, topo, cost);
  Probing p = {.walk = walk, .probe = g_new0(MoeProbe, 1)};

  p.probe->layers = run->architecture.layers;
  p.part = g_new0(MoeProbePart, p.probe->layers + 2);
  read_program(&p);
  sum_parts(p.probe, p.part);
  if (walk->unpriced)
    g_clear_pointer(&p.probe, moe_probe_free);
  g_free(p.part);
  return p.probe;
}

MoeProbe *moe_probe_new(const MoeRun *run, const MoeCostModel *cost, const MoeLayoutChoice *key)
{
  MoeRun probed;

  if (!probe_run(run, key, &probed))
    return NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&probed.cluster, probed.parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeProgram) program = topo ? moe_program_build(&probed, 0, NULL) : NULL;

  return program ? read_probe(&probed, program, topo, cost) : NULL;
}

void moe_probe_free(MoeProbe *probe)
{
  if (!probe)
    return;
  g_free(probe->before);
  g_free(probe);
}
