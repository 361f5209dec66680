/* Calls of blocks unrolled into nodes. */
#include "trace.h"
#include "program/program.h"
#include "sim/sim.h"

#include <string.h>

/* One rank on its way through its calls. */
typedef struct {
  const MoeExport *export;
  int64_t rank;
  guint load, draw;    /* load class of kernels; which of the program's loads the micro-batch has */
  guint expert, group; /* index among the ranks of its experts, and among their groups */
  const MoeRole *role;
  const MoeCall *call;
  const MoeBlock *block;
  MoeKernel kernel;           /* of the node that is filled */
  GArray *ids[MOE_N_STREAMS]; /* of uint64_t: node of each operation of the stream so far */
  uint64_t sequence[MOE_N_GROUPS][MOE_N_STREAMS];
  gboolean host_started;
  uint64_t host, next; /* last host node; next id */
  GArray *deps;        /* of uint64_t */
  TraceFunc func;
  gpointer user_data;
} Walk;

static int by_value(gconstpointer a, gconstpointer b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return x < y ? -1 : x > y;
}

static void add_dep(Walk *walk, uint64_t id)
{
  g_array_append_val(walk->deps, id);
}

static void unify_deps(GArray *deps)
{
  guint kept = 0;

  g_array_sort(deps, by_value);
  for (guint i = 0; i < deps->len; i++)
    if (i == 0 || g_array_index(deps, uint64_t, i) != g_array_index(deps, uint64_t, kept - 1))
      g_array_index(deps, uint64_t, kept++) = g_array_index(deps, uint64_t, i);
  g_array_set_size(deps, kept);
}

static void emit(Walk *walk, TraceNode *node)
{
  unify_deps(walk->deps);
  node->id = walk->next++;
  node->n_deps = walk->deps->len;
  node->deps = (const uint64_t *)(gpointer)walk->deps->data;
  walk->func(node, walk->user_data);
  g_array_set_size(walk->deps, 0);
}

/* The node after which `count` operations of `stream` in this call are done (0: all of earlier calls). */
static void add_wait(Walk *walk, const MoeWait *wait)
{
  uint64_t done = (uint64_t)walk->call->base[wait->stream] + wait->count;

  if (done > 0)
    add_dep(walk, g_array_index(walk->ids[wait->stream], uint64_t, done - 1));
}

static void add_waits(Walk *walk, const MoeOp *op)
{
  for (uint32_t w = 0; w < op->n_waits; w++)
    add_wait(walk, &walk->block->waits[op->first_wait + w]);
}

static void emit_host(Walk *walk, const char *name, MoeTime time)
{
  TraceNode node = {.kind = TRACE_HOST, .name = name, .lane = TRACE_HOST_LANE};

  for (unsigned state = 0; state < MOE_N_STATES; state++)
    node.duration[state] = time;
  if (walk->host_started)
    add_dep(walk, walk->host);
  emit(walk, &node);
  walk->host = node.id;
  walk->host_started = TRUE;
}

/* Host time that issuing this operation takes. */
static MoeTime issue_time(const Walk *walk, uint32_t op)
{
  const MoeTime *issue = walk->export->prices->issue[walk->call->block];

  return op > 0 ? issue[op] - issue[op - 1] : issue[0];
}

static void fill_duration(const Walk *walk, uint32_t work, TraceNode *node)
{
  const MoeSimPrices *prices = walk->export->prices;

  for (unsigned state = 0; state < MOE_N_STATES; state++)
    node->duration[state] = prices->duration[((gsize)walk->load * MOE_N_STATES + state) * prices->n_works + work];
}

static void fill_kernel(Walk *walk, const MoeOp *op, TraceNode *node)
{
  const MoeProgram *program = walk->export->program;

  node->kind = TRACE_KERNEL;
  if (op->kind == MOE_OP_DELAY) {
    node->name = "delay";
    fill_duration(walk, program->n_kernels + op->work, node);
    return;
  }
  moe_program_kernel(program, walk->load, op->work, &walk->kernel);
  node->kernel = &walk->kernel;
  node->name = node->kernel->name;
  fill_duration(walk, op->work, node);
}

static void fill_collective(Walk *walk, const MoeOp *op, TraceNode *node)
{
  const MoeCollective *collective = &walk->export->program->collectives[op->work];
  const MoeLayout *layout = walk->export->program->layout;

  node->name = collective->name;
  node->group = moe_layout_group_of(layout, collective->group, walk->rank);
  node->kind = node->group < 0 || moe_layout_group_size(layout, collective->group) <= 1 ? TRACE_JOIN : TRACE_COLLECTIVE;
  node->collective = collective;
  node->draw = walk->draw;
  node->sequence = walk->sequence[collective->group][op->stream]++;
}

static void fill_message(const Walk *walk, const MoeOp *op, TraceNode *node)
{
  uint32_t id = walk->call->message[op->work];
  const MoeMessage *message = &walk->export->program->messages[id];
  gboolean sends = op->kind == MOE_OP_SEND;

  node->kind = sends ? TRACE_SEND : TRACE_RECEIVE;
  node->name = sends ? "send" : "recv";
  node->message = id;
  node->bytes = message->bytes;
  node->peer =
      moe_layout_on_stage(walk->export->program->layout, walk->rank, sends ? message->to_stage : message->from_stage);
}

static void fill_copy(const Walk *walk, const MoeOp *op, TraceNode *node)
{
  node->kind = TRACE_COPY;
  node->copy = &walk->export->program->copies[op->work];
  node->name = node->copy->name;
  node->bytes = node->copy->bytes;
}

static void fill(Walk *walk, const MoeOp *op, TraceNode *node)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_KERNEL:
  case MOE_OP_DELAY:
    fill_kernel(walk, op, node);
    break;
  case MOE_OP_COLLECTIVE:
    fill_collective(walk, op, node);
    break;
  case MOE_OP_SEND:
  case MOE_OP_RECV:
    fill_message(walk, op, node);
    break;
  case MOE_OP_COPY:
    fill_copy(walk, op, node);
    break;
  case MOE_OP_HOST_SYNC:
    g_assert_not_reached();
  }
}

static void walk_op(Walk *walk, uint32_t index)
{
  const MoeOp *op = &walk->block->ops[index];
  MoeTime issue = issue_time(walk, index);

  if (op->kind == MOE_OP_HOST_SYNC) {
    add_waits(walk, op);
    emit_host(walk, "sync", walk->export->prices->sync);
    return;
  }
  if (issue > 0)
    emit_host(walk, "launch", issue);
  TraceNode node = {.lane = op->stream};
  GArray *ids = walk->ids[op->stream];

  fill(walk, op, &node);
  add_waits(walk, op);
  if (ids->len > 0)
    add_dep(walk, g_array_index(ids, uint64_t, ids->len - 1));
  if (walk->host_started)
    add_dep(walk, walk->host);
  emit(walk, &node);
  g_array_append_val(ids, node.id);
}

/* The loads of the micro-batch that a call is of. */
static void take_loads(Walk *walk)
{
  const MoeProgram *program = walk->export->program;
  guint n_loads = walk->export->prices->n_loads;

  walk->draw = program->n_load_draws > 1
                   ? moe_program_load_draw(program, walk->group % program->n_load_draws, walk->call->micro_batch)
                   : 0;
  walk->load = n_loads > 1 ? walk->draw * (n_loads / program->n_load_draws) + walk->expert : 0;
}

void trace_walk(const MoeExport *export, int64_t rank, TraceFunc func, gpointer user_data)
{
  MoeCoordinates coordinates;
  Walk walk = {.export = export, .rank = rank, .func = func, .user_data = user_data};

  moe_layout_coordinates(export->program->layout, rank, &coordinates);
  walk.expert = (guint)coordinates.expert;
  walk.group = (guint)MAX(0, moe_layout_index_in_group(export->program->layout, MOE_GROUP_EXPERT_DATA, rank));
  walk.role = &export->program->roles[coordinates.stage];
  walk.deps = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  for (unsigned s = 0; s < MOE_N_STREAMS; s++)
    walk.ids[s] = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  for (uint32_t c = 0; c < walk.role->n_calls; c++) {
    walk.call = &walk.role->calls[c];
    walk.block = &export->program->blocks[walk.call->block];
    take_loads(&walk);
    for (uint32_t i = 0; i < walk.block->n_ops; i++)
      walk_op(&walk, i);
  }
  for (unsigned s = 0; s < MOE_N_STREAMS; s++)
    g_array_free(walk.ids[s], TRUE);
  g_array_free(walk.deps, TRUE);
}
