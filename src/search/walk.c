/* What operations of a program take at least: each alone on the machine, with a host that is never late. */
#include "cost/cost.h"
#include "internal.h"
#include "program/program.h"

#include "coll/coll.h"

/* ---- prices ----------------------------------------------------------------------------------------------------- */

static void unset(double *seconds, guint n)
{
  for (guint i = 0; i < n; i++)
    seconds[i] = -1;
}

MoeWalk *moe_walk_new(const MoeRun *run, const MoeProgram *program, const MoeTopo *topo, const MoeCostModel *cost)
{
  MoeWalk *walk = g_new0(MoeWalk, 1);
  uint32_t most = 0;

  for (guint b = 0; b < program->n_blocks; b++)
    most = MAX(most, program->blocks[b].n_ops);
  *walk = (MoeWalk){.run = run, .program = program, .topo = topo, .cost = cost};
  walk->kernel_s = g_new(double, program->n_kernels + 1);
  walk->collective_s = g_new(double, program->n_collectives + 1);
  walk->collective_ports = g_new0(MoeCarried, program->n_collectives + 1);
  walk->end = g_new0(double, most + 1);
  unset(walk->kernel_s, program->n_kernels);
  moe_walk_at(walk, 0);
  return walk;
}

void moe_walk_at(MoeWalk *walk, int64_t rank)
{
  walk->rank = rank;
  unset(walk->collective_s, walk->program->n_collectives);
}

void moe_walk_free(MoeWalk *walk)
{
  if (!walk)
    return;
  g_free(walk->kernel_s);
  g_free(walk->collective_s);
  g_free(walk->collective_ports);
  g_free(walk->end);
  g_free(walk);
}

/* At the rate of a training step, of the first load class, which every stage has; a kernel without a price takes
 * nothing. */
static double kernel_seconds(MoeWalk *walk, uint32_t index)
{
  MoeCost price;

  if (walk->kernel_s[index] < 0) {
    gboolean priced = moe_cost_in_step(walk->cost, &walk->program->kernels[index], 0, NULL, &price, NULL, NULL);

    walk->unpriced |= !priced;
    walk->kernel_s[index] = priced ? price.seconds : 0;
  }
  return walk->kernel_s[index];
}

/* The most that a member carries of what others carry 1 of. */
static double largest_factor(const double *factor, guint n)
{
  double most = 1;

  for (guint i = 0; factor && i < n; i++)
    most = MAX(most, factor[i]);
  return most;
}

/* All members go at one pace: where they carry different shares, at that of the fullest. */
static double skewed_alone(const MoeTopo *topo, const MoeCollPlan *plan)
{
  double out = largest_factor(plan->out_factor, plan->n_skew), in = largest_factor(plan->in_factor, plan->n_skew);
  double seconds = moe_coll_alone_s(topo, plan), latency_s = moe_time_to_seconds(plan->latency);

  for (int port = 0; port < MOE_N_PORTS; port++)
    seconds = MAX(seconds, latency_s + plan->port_bytes[port] * (port % 2 ? in : out) /
                                           moe_topo_port_bytes_per_s(topo, (MoePort)port));
  return seconds;
}

/* What a plan puts on the ports of the member that stands at `index` in its group. */
static void fill_ports(const MoeTopo *topo, const MoeCollPlan *plan, int64_t index, MoeCarried *ports)
{
  double out = plan->out_factor && plan->n_skew > 0 ? plan->out_factor[index] : 1;
  double in = plan->in_factor && plan->n_skew > 0 ? plan->in_factor[index] : 1;

  for (int port = 0; port < MOE_N_PORTS; port++)
    ports->port_s[port] =
        plan->port_bytes[port] * (port % 2 ? in : out) / moe_topo_port_bytes_per_s(topo, (MoePort)port);
}

/* A rank that has no part in a collective goes on at once and carries nothing of it. */
static void plan_collective(MoeWalk *walk, uint32_t at)
{
  const MoeCollective *collective = &walk->program->collectives[at];
  const MoeLayout *layout = walk->program->layout;
  int64_t n = moe_layout_group_size(layout, collective->group);
  int64_t group = moe_layout_group_of(layout, collective->group, walk->rank);
  MoeCollPlan plan;

  walk->collective_s[at] = 0;
  walk->collective_ports[at] = (MoeCarried){{0}};
  if (group < 0)
    return;
  g_autofree int64_t *gpus = g_new(int64_t, n);
  for (int64_t i = 0; i < n; i++)
    gpus[i] = moe_layout_member(layout, collective->group, group, i);
  moe_coll_plan(walk->topo, &walk->run->stack.collectives, collective, &(MoeCollGroup){.n = (guint)n, .gpus = gpus},
                &plan);
  walk->collective_s[at] = skewed_alone(walk->topo, &plan);
  fill_ports(walk->topo, &plan, moe_layout_index_in_group(layout, collective->group, walk->rank),
             &walk->collective_ports[at]);
}

static double collective_seconds(MoeWalk *walk, uint32_t index)
{
  if (walk->collective_s[index] < 0)
    plan_collective(walk, index);
  return walk->collective_s[index];
}

static double copy_seconds(const MoeWalk *walk, uint32_t index)
{
  MoeCollPlan plan;

  moe_coll_plan_copy(walk->topo, &walk->program->copies[index], &plan);
  return moe_coll_alone_s(walk->topo, &plan);
}

static double op_seconds(MoeWalk *walk, const MoeOp *op)
{
  switch ((MoeOpKind)op->kind) {
  case MOE_OP_KERNEL:
    return kernel_seconds(walk, op->work);
  case MOE_OP_COLLECTIVE:
    return collective_seconds(walk, op->work);
  case MOE_OP_COPY:
    return copy_seconds(walk, op->work);
  default: /* host work is left out */
    return 0;
  }
}

/* ---- operations of a piece -------------------------------------------------------------------------------------- */

int64_t moe_last_compute(const MoeBlock *block, uint32_t end)
{
  for (int64_t i = (int64_t)end - 1; i >= 0; i--)
    if (block->ops[i].stream == MOE_STREAM_COMPUTE && block->ops[i].kind != MOE_OP_HOST_SYNC)
      return i;
  return -1;
}

/* When the wait holds; < 0 when nothing in the part has to do with it. */
static double wait_end(const MoeWalk *walk, const MoePiece *piece, const MoeWait *wait)
{
  uint32_t op;

  if (wait->count == 0)
    return -1;
  op = piece->block->stream_ops[wait->stream][wait->count - 1];
  if ((int64_t)op == piece->before)
    return 0;
  return op >= piece->first && op < piece->end ? walk->end[op] : -1;
}

static double ready(const MoeWalk *walk, const MoePiece *piece, const MoeOp *op)
{
  double at = -1;

  for (uint32_t w = 0; w < op->n_waits; w++)
    at = MAX(at, wait_end(walk, piece, &piece->block->waits[op->first_wait + w]));
  return at;
}

double moe_walk_piece(MoeWalk *walk, const MoePiece *piece)
{
  double stream_end[MOE_N_STREAMS] = {0};

  for (uint32_t i = piece->first; i < piece->end; i++) {
    const MoeOp *op = &piece->block->ops[i];
    double at = ready(walk, piece, op);

    walk->end[i] = -1;
    if (op->kind == MOE_OP_HOST_SYNC || (op->stream != MOE_STREAM_COMPUTE && at < 0))
      continue;
    walk->end[i] = stream_end[op->stream] = MAX(stream_end[op->stream], at) + op_seconds(walk, op);
  }
  return stream_end[MOE_STREAM_COMPUTE];
}

static gboolean waits_for_experts(const MoeBlock *block, const MoeOp *op)
{
  for (uint32_t w = 0; w < op->n_waits; w++)
    if (block->waits[op->first_wait + w].stream == MOE_STREAM_EXPERT)
      return op->stream == MOE_STREAM_COMPUTE;
  return FALSE;
}

double moe_walk_runs(MoeWalk *walk, const MoePiece *piece)
{
  MoePiece run = *piece;
  double seconds = 0;

  for (uint32_t i = piece->first; i < piece->end; i = run.end) {
    run.first = i;
    run.before = i == piece->first ? piece->before : moe_last_compute(piece->block, i);
    for (run.end = i + 1; run.end < piece->end; run.end++)
      if (waits_for_experts(piece->block, &piece->block->ops[run.end]))
        break;
    seconds += moe_walk_piece(walk, &run);
  }
  return seconds;
}

double moe_walk_expert(MoeWalk *walk, const MoePiece *piece)
{
  double seconds = 0;

  for (uint32_t i = piece->first; i < piece->end; i++)
    if (piece->block->ops[i].stream == MOE_STREAM_EXPERT)
      seconds += op_seconds(walk, &piece->block->ops[i]);
  return seconds;
}

double moe_walk_kernels(MoeWalk *walk, const MoeBlock *block, uint32_t first)
{
  double seconds = 0;

  for (uint32_t i = first; i < block->n_ops; i++)
    if (block->ops[i].kind == MOE_OP_KERNEL)
      seconds += op_seconds(walk, &block->ops[i]);
  return seconds;
}

/* ---- whole steps ------------------------------------------------------------------------------------------------ */

void moe_walk_carried(MoeWalk *walk, const MoeBlock *block, double times, MoeCarried *sum)
{
  for (uint32_t i = 0; i < block->n_ops; i++) {
    const MoeOp *op = &block->ops[i];

    if (op->kind == MOE_OP_HOST_SYNC)
      continue;
    sum->stream_s[op->stream] += times * op_seconds(walk, op);
    for (int port = 0; op->kind == MOE_OP_COLLECTIVE && port < MOE_N_PORTS; port++)
      sum->port_s[port] += times * walk->collective_ports[op->work].port_s[port];
  }
}

/* Ends of the operations of a role by stream, in order of the step; [0] is its start. */
typedef struct {
  double *end[MOE_N_STREAMS];
  uint32_t n[MOE_N_STREAMS];
} Ends;

static double start_of(const Ends *ends, const MoeCall *call, const MoeBlock *block, const MoeOp *op)
{
  double start = ends->end[op->stream][ends->n[op->stream]];

  for (uint32_t w = 0; w < op->n_waits; w++) {
    const MoeWait *wait = &block->waits[op->first_wait + w];

    start = MAX(start, ends->end[wait->stream][call->base[wait->stream] + wait->count]);
  }
  return start;
}

double moe_walk_role(MoeWalk *walk, const MoeRole *role)
{
  Ends ends = {{0}};
  double last = 0;

  for (unsigned stream = 0; stream < MOE_N_STREAMS; stream++)
    ends.end[stream] = g_new0(double, role->total[stream] + 1);
  for (uint32_t c = 0; c < role->n_calls; c++) {
    const MoeBlock *block = &walk->program->blocks[role->calls[c].block];

    for (uint32_t i = 0; i < block->n_ops; i++) {
      const MoeOp *op = &block->ops[i];

      if (op->kind == MOE_OP_HOST_SYNC)
        continue;
      double end = start_of(&ends, &role->calls[c], block, op) + op_seconds(walk, op);
      ends.end[op->stream][++ends.n[op->stream]] = end;
      last = MAX(last, end);
    }
  }
  for (unsigned stream = 0; stream < MOE_N_STREAMS; stream++)
    g_free(ends.end[stream]);
  return last;
}
