/* Memory of one role: what it holds throughout, and the peak of what comes and goes in the order of its operations. */
#include "program/program.h"

const char *const moe_memory_words[] = {
    [MOE_MEMORY_WEIGHTS] = "weights",     [MOE_MEMORY_GRADIENTS] = "gradients",
    [MOE_MEMORY_OPTIMIZER] = "optimizer", [MOE_MEMORY_ACTIVATIONS] = "activations",
    [MOE_MEMORY_WORKSPACE] = "workspace", [MOE_MEMORY_ALLOCATOR] = "allocator",
    [MOE_MEMORY_SYSTEM] = "system",       NULL,
};

typedef struct {
  gboolean iteration; /* the passes are one graph, with a pool of its own; the optimizer's update is outside */
  double now[MOE_N_MEMORY_PARTS], at_peak[MOE_N_MEMORY_PARTS];
  double total, peak;
  double pooled, pooled_peak; /* of the total, what lies in the pool of the graphs */
  double outside_peak;        /* of the rest */
} Walk;

static void note_peak(Walk *walk)
{
  walk->pooled_peak = MAX(walk->pooled_peak, walk->pooled);
  walk->outside_peak = MAX(walk->outside_peak, walk->total - walk->pooled);
  if (walk->total <= walk->peak)
    return;
  walk->peak = walk->total;
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    walk->at_peak[part] = walk->now[part];
}

static void walk_block(Walk *walk, const MoeBlock *block)
{
  for (uint32_t i = 0; i < block->n_memory; i++) {
    const MoeMemoryEvent *event = &block->memory[i];

    walk->now[event->part] += event->bytes;
    walk->total += event->bytes;
    if (event->pooled || (walk->iteration && block->ops[event->op].scope != MOE_SCOPE_OPTIMIZER))
      walk->pooled += event->bytes;
    note_peak(walk);
  }
}

/* What the allocator holds beyond the peak: a share that is lost, and what of the graphs' pool is idle when the rest is
 * at its fullest. Where the rest peaks outside the pool's own peak, both have to be there. */
static double allocator_bytes(const MoeRun *run, const Walk *walk)
{
  return run->stack.fragmentation * walk->peak + MAX(walk->pooled_peak + walk->outside_peak - walk->peak, 0);
}

/* What is cached beyond need counts where a log prints it, as far as the device has room; it does not decide whether a
 * run fits. */
static void add_cache(const MoeRun *run, MoeFootprint *footprint)
{
  double room = MAX(run->cluster.accelerator.memory_bytes - footprint->peak_bytes, 0);
  double cached = MIN(run->stack.memory.cached_bytes, room);

  footprint->counted_bytes[MOE_MEMORY_DEVICE] = footprint->peak_bytes + cached;
  footprint->counted_bytes[MOE_MEMORY_RESERVED] =
      footprint->peak_bytes - footprint->part_bytes[MOE_MEMORY_SYSTEM] + cached;
}

/* Outside the allocator: what libraries hold, or all that a pool of fixed size leaves them. */
static double system_bytes(const MoeRun *run)
{
  double pool = run->stack.memory.pool, left = (1 - pool) * run->cluster.accelerator.memory_bytes;

  return pool > 0 ? MAX(left, run->stack.hbm_reserved_bytes) : run->stack.hbm_reserved_bytes;
}

void moe_program_footprint(const MoeProgram *program, const MoeRun *run, guint role, MoeFootprint *footprint)
{
  const MoeRole *r = &program->roles[role];
  Walk walk = {.iteration = run->stack.memory.graph_pool && moe_stack_graphs_iteration(&run->stack)};

  for (uint32_t call = 0; call < r->n_calls; call++)
    walk_block(&walk, &program->blocks[r->calls[call].block]);
  *footprint = (MoeFootprint){0};
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    footprint->part_bytes[part] = r->static_bytes[part] + walk.at_peak[part];
    footprint->counted_bytes[MOE_MEMORY_ALLOCATED] += footprint->part_bytes[part];
  }
  footprint->part_bytes[MOE_MEMORY_ALLOCATOR] = allocator_bytes(run, &walk);
  footprint->part_bytes[MOE_MEMORY_SYSTEM] = system_bytes(run);
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    footprint->peak_bytes += footprint->part_bytes[part];
  add_cache(run, footprint);
}
