/*
 * Probes: what each layer takes at least, read off the program's own lowering.
 *
 * A probe is the run on one pipeline stage with the layout's degrees, on as few GPUs as they need. Its blocks are cut
 * into the model's parts (layers, embedding, head) by the layer each operation belongs to. Within a part every
 * operation starts when its stream and its waits allow, alone on the machine, with a host that is never late: the end
 * of the compute stream is then a lower bound on the time between the end of the part before and the end of this one in
 * any simulation. A transfer that nothing in the part starts (prefetched from earlier) counts as done.
 */
#include "search_internal.h"

#include <moesim/coll.h>
#include <string.h>

/* So many micro-batches show a block that is neither the first nor the last. */
#define PROBE_BATCHES 3

typedef struct {
  const MoeProgram *program;
  const MoeTopo *topo;
  const MoeStackCollectives *stack;
  double *kernel_s;     /* [n_kernels] least over load classes */
  double *collective_s; /* [n_collectives] alone; < 0 = not planned yet */
  MoeProbe *probe;
  MoeProbePart *part; /* [layers + 2]: layers, embedding, head */
  double *end;        /* [ops of the block] seconds from the start of the part; < 0 = counts as done */
} Probing;

/* ---- prices
 * -------------------------------------------------------------------------------------------------------------- */

static gboolean price_kernels(Probing *p, const MoeCostModel *cost, const MoeAccelerator *accelerator)
{
  MoeMachineState whole = {.sms = accelerator->sms, .memory_share = 1};
  guint n = p->program->n_kernels;

  p->kernel_s = g_new(double, n + 1);
  for (guint k = 0; k < n * p->program->n_load_classes; k++) {
    MoeCost price;

    if (!moe_cost_kernel(cost, &p->program->kernels[k], &whole, &price, NULL))
      return FALSE;
    p->kernel_s[k % n] = k < n ? price.seconds : MIN(p->kernel_s[k % n], price.seconds);
  }
  return TRUE;
}

static double plan_alone(const Probing *p, const MoeCollective *collective)
{
  const MoeLayout *layout = p->program->layout;
  int64_t n = moe_layout_group_size(layout, collective->group);
  g_autofree int64_t *gpus = g_new(int64_t, n);
  MoeCollPlan plan;

  for (int64_t i = 0; i < n; i++)
    gpus[i] = moe_layout_member(layout, collective->group, 0, i);
  moe_coll_plan(p->topo, p->stack, collective, &(MoeCollGroup){.n = (guint)n, .gpus = gpus}, &plan);
  return moe_coll_alone_s(p->topo, &plan);
}

static double collective_seconds(Probing *p, uint32_t index)
{
  if (p->collective_s[index] < 0)
    p->collective_s[index] = plan_alone(p, &p->program->collectives[index]);
  return p->collective_s[index];
}

static double op_seconds(Probing *p, const MoeOp *op)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_KERNEL:
    return p->kernel_s[op->work];
  case MOE_OP_COLLECTIVE:
    return collective_seconds(p, op->work);
  default: /* copies and host work are left out */
    return 0;
  }
}

/* ---- one part of a block
 * --------------------------------------------------------------------------------------------------- */

typedef struct {
  const MoeBlock *block;
  uint32_t first, end; /* operations */
  guint part;          /* layer, or layers + 0 embedding, + 1 head */
  int64_t before;      /* last compute operation before the part, -1 none */
} Piece;

/* When the wait holds; < 0 when nothing in the part has to do with it. */
static double wait_end(const Probing *p, const Piece *piece, const MoeWait *wait)
{
  uint32_t op;

  if (wait->count == 0)
    return -1;
  op = piece->block->stream_ops[wait->stream][wait->count - 1];
  if ((int64_t)op == piece->before)
    return 0;
  return op >= piece->first && op < piece->end ? p->end[op] : -1;
}

static double ready(const Probing *p, const Piece *piece, const MoeOp *op)
{
  double at = -1;

  for (uint32_t w = 0; w < op->n_waits; w++)
    at = MAX(at, wait_end(p, piece, &piece->block->waits[op->first_wait + w]));
  return at;
}

static void walk_piece(Probing *p, const Piece *piece, MoePassBound *bound)
{
  double stream_end[MOE_N_STREAMS] = {0};

  *bound = (MoePassBound){0};
  for (uint32_t i = piece->first; i < piece->end; i++) {
    const MoeOp *op = &piece->block->ops[i];
    double at = ready(p, piece, op), seconds = op_seconds(p, op);
    gboolean compute = op->stream == MOE_STREAM_COMPUTE;

    p->end[i] = -1;
    if (op->kind == MOE_OP_HOST_SYNC || (!compute && at < 0))
      continue;
    p->end[i] = stream_end[op->stream] = MAX(stream_end[op->stream], at) + seconds;
    bound->busy += compute ? seconds : 0;
    bound->expert += op->stream == MOE_STREAM_EXPERT ? seconds : 0;
  }
  bound->path = stream_end[MOE_STREAM_COMPUTE];
}

static double saved_bytes(const Piece *piece)
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
static void keep_piece(Probing *p, const Piece *piece, gboolean forward)
{
  MoeProbePart *part = &p->part[piece->part];
  MoePassBound bound;

  walk_piece(p, piece, &bound);
  lower_to(forward ? &part->forward : &part->backward, &bound);
  if (forward) {
    double bytes = saved_bytes(piece);

    part->saved_bytes = part->saved_bytes > 0 ? MIN(part->saved_bytes, bytes) : bytes;
  }
}

/* ---- blocks
 * ----------------------------------------------------------------------------------------------------------------- */

/* Operations without a layer belong to the end of the model that lies on their side. */
static guint part_of(const Probing *p, const MoeOp *op, gboolean forward, gboolean seen_layer)
{
  guint layers = (guint)p->probe->layers;

  if (op->layer >= 0 && op->layer < (int)layers)
    return (guint)op->layer;
  return forward == seen_layer ? layers + 1 : layers;
}

/* Index of the last compute operation before `end`, -1 when there is none. */
static int64_t last_compute(const MoeBlock *block, uint32_t end)
{
  for (int64_t i = (int64_t)end - 1; i >= 0; i--)
    if (block->ops[i].stream == MOE_STREAM_COMPUTE && block->ops[i].kind != MOE_OP_HOST_SYNC)
      return i;
  return -1;
}

/* Where the piece that begins at `first` ends. Transfers of data parallelism carry no layer and break none. */
static Piece next_piece(const Probing *p, const MoeBlock *block, uint32_t first, gboolean forward, gboolean *seen_layer)
{
  Piece piece = {.block = block, .first = first, .end = first, .before = last_compute(block, first)};

  piece.part = part_of(p, &block->ops[first], forward, *seen_layer);
  *seen_layer |= block->ops[first].layer >= 0;
  while (piece.end < block->n_ops && part_of(p, &block->ops[piece.end], forward, *seen_layer) == piece.part)
    piece.end++;
  return piece;
}

static void read_block(Probing *p, const MoeBlock *block, gboolean forward)
{
  gboolean seen_layer = FALSE;

  p->end = g_new(double, block->n_ops + 1);
  for (uint32_t at = 0; at < block->n_ops;) {
    Piece piece = next_piece(p, block, at, forward, &seen_layer);

    keep_piece(p, &piece, forward);
    at = piece.end;
  }
  g_clear_pointer(&p->end, g_free);
}

static void read_program(Probing *p)
{
  for (guint b = 0; b < p->program->n_blocks; b++) {
    const MoeBlock *block = &p->program->blocks[b];

    if (strcmp(block->name, "F") == 0)
      read_block(p, block, TRUE);
    else if (strcmp(block->name, "B") == 0)
      read_block(p, block, FALSE);
  }
}

/* ---- sums
 * -------------------------------------------------------------------------------------------------------------------
 */

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

MoeProbePart moe_position_part(const MoePositions *positions, const MoeProbe *probe, int64_t position)
{
  MoeProbePart sum = probe->before[moe_position_first(positions, position + 1)];
  const MoeProbePart *less = &probe->before[moe_position_first(positions, position)];
  MoeProbePart minus = {{-less->forward.path, -less->forward.busy, -less->forward.expert},
                        {-less->backward.path, -less->backward.busy, -less->backward.expert},
                        -less->saved_bytes};

  add_part(&sum, &minus);
  if (position == 0)
    add_part(&sum, &probe->embedding);
  if (position == positions->positions - 1)
    add_part(&sum, &probe->head);
  return sum;
}

/* ---- the run that is probed
 * ---------------------------------------------------------------------------------------------------- */

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
  v[MOE_DIMENSION_GPUS] = (int32_t)gpus;
  v[MOE_DIMENSION_PIPELINE] = v[MOE_DIMENSION_VIRTUAL] = 1;
  v[MOE_DIMENSION_SCHEDULE] = MOE_SCHEDULE_NONE;
  return moe_search_apply(&base, &choice, probed);
}

static MoeProbe *read_probe(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo, const MoeCostModel *cost)
{
  Probing p = {.program = program, .topo = topo, .stack = &run->stack.collectives, .probe = g_new0(MoeProbe, 1)};

  p.probe->layers = run->architecture.layers;
  p.part = g_new0(MoeProbePart, p.probe->layers + 2);
  p.collective_s = g_new(double, program->n_collectives + 1);
  for (guint c = 0; c < program->n_collectives; c++)
    p.collective_s[c] = -1;
  if (price_kernels(&p, cost, &run->cluster.accelerator)) {
    read_program(&p);
    sum_parts(p.probe, p.part);
  } else {
    g_clear_pointer(&p.probe, moe_probe_free);
  }
  g_free(p.part);
  g_free(p.kernel_s);
  g_free(p.collective_s);
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
