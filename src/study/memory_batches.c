/* Activations by micro-batch: a stage's calls walked beside the actions that they came from. */
#include "study/memory_batches.h"
#include "layer/layer.h"

#include <math.h>

/* Less is what remains of adding and taking away. */
#define LEAST_BYTES 1.0

typedef struct {
  MoePlacement placement;
  double total, peak;
  double *now, *at_peak; /* [chunk * batches + batch] activations */
} Walk;

static void walk_init(Walk *walk, const MoeRun *run)
{
  const MoeParallelism *p = &run->parallelism;
  MoeShape shape;

  *walk = (Walk){0};
  moe_shape_init(&shape, run);
  moe_placement_init(p->schedule, p->pipeline, p->virtual_stages, p->micro_batches, shape.merge_batches,
                     &walk->placement);
  gsize slots = (gsize)(walk->placement.chunks * walk->placement.batches);

  walk->now = g_new0(double, slots);
  walk->at_peak = g_new0(double, slots);
}

static void walk_clear(Walk *walk)
{
  g_free(walk->now);
  g_free(walk->at_peak);
}

/* Of an action that holds passes of two micro-batches, what its forward operations change is the first one's. */
static double *slot_of(const Walk *walk, const MoeAction *action, uint8_t pass)
{
  gboolean forward =
      action->kind == MOE_ACTION_FORWARD || (action->kind == MOE_ACTION_BOTH && pass == MOE_PASS_FORWARD);
  int64_t chunk = forward ? action->chunk : action->chunk_b, batch = forward ? action->batch : action->batch_b;

  return &walk->now[chunk * walk->placement.batches + batch];
}

static void walk_block(Walk *walk, const MoeBlock *block, const MoeAction *action)
{
  for (uint32_t i = 0; i < block->n_memory; i++) {
    const MoeMemoryEvent *event = &block->memory[i];

    if (event->part == MOE_MEMORY_ACTIVATIONS)
      *slot_of(walk, action, block->ops[event->op].pass) += event->bytes;
    walk->total += event->bytes;
    if (walk->total <= walk->peak)
      continue;
    walk->peak = walk->total;
    memcpy(walk->at_peak, walk->now, sizeof(double) * (gsize)(walk->placement.chunks * walk->placement.batches));
  }
}

static void add_rows(const Walk *walk, const MoeSchedule *schedule, int64_t stage, const MoeChunk *parts, GArray *rows)
{
  int64_t batches = walk->placement.batches;

  for (int64_t slot = 0; slot < walk->placement.chunks * batches; slot++) {
    int64_t chunk = slot / batches, batch = slot % batches;
    const MoeChunk *part = &parts[moe_placement_position(schedule, &walk->placement, stage, chunk)];
    MoeMemoryBatches row = {stage, chunk, part->first, part->count, batch, batch, walk->at_peak[slot]};
    MoeMemoryBatches *last = rows->len > 0 ? &g_array_index(rows, MoeMemoryBatches, rows->len - 1) : NULL;

    if (row.batch_bytes < LEAST_BYTES)
      continue;
    if (last && last->stage == stage && last->chunk == chunk && last->last_batch == batch - 1 &&
        fabs(last->batch_bytes - row.batch_bytes) < LEAST_BYTES)
      last->last_batch = batch;
    else
      g_array_append_val(rows, row);
  }
}

static void walk_stage(const MoeRun *run, const MoeRole *role, const MoeProgram *program, const MoeChunk *parts,
                       GArray *rows)
{
  const MoeSchedule *schedule = moe_schedule_find(run->parallelism.schedule);
  g_autoptr(GArray) actions = g_array_new(FALSE, FALSE, sizeof(MoeAction));
  const MoeAction finish = {.kind = MOE_ACTION_FINISH};
  Walk walk;

  walk_init(&walk, run);
  schedule->actions(&walk.placement, role->stage, actions);
  g_array_append_val(actions, finish);
  g_assert(actions->len == role->n_calls);
  for (uint32_t call = 0; call < role->n_calls; call++)
    walk_block(&walk, &program->blocks[role->calls[call].block], &g_array_index(actions, MoeAction, call));
  add_rows(&walk, schedule, role->stage, parts, rows);
  walk_clear(&walk);
}

MoeMemoryBatches *moe_memory_batches(const MoeRun *run, guint *n, GError **error)
{
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, error);
  g_autofree MoeChunk *parts = moe_run_chunks_new(run);
  g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(MoeMemoryBatches));

  if (!program)
    return NULL;
  for (guint role = 0; role < program->n_roles; role++)
    walk_stage(run, &program->roles[role], program, parts, rows);
  *n = rows->len;
  g_array_append_val(rows, ((MoeMemoryBatches){0}));
  return (MoeMemoryBatches *)g_array_free(g_steal_pointer(&rows), FALSE);
}
