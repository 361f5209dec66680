/* Memory of one role: what it holds throughout, and the peak of what comes and goes in the order of its operations. */
#include "program/program.h"

const char *const moe_memory_words[] = {
    [MOE_MEMORY_WEIGHTS] = "weights",     [MOE_MEMORY_GRADIENTS] = "gradients",
    [MOE_MEMORY_OPTIMIZER] = "optimizer", [MOE_MEMORY_ACTIVATIONS] = "activations",
    [MOE_MEMORY_WORKSPACE] = "workspace", [MOE_MEMORY_ALLOCATOR] = "allocator",
    [MOE_MEMORY_SYSTEM] = "system",       NULL,
};

typedef struct {
  double now[MOE_N_MEMORY_PARTS], at_peak[MOE_N_MEMORY_PARTS];
  double total, peak;
} Walk;

static void note_peak(Walk *walk)
{
  if (walk->total <= walk->peak)
    return;
  walk->peak = walk->total;
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    walk->at_peak[part] = walk->now[part];
}

static void walk_block(Walk *walk, const MoeBlock *block)
{
  for (uint32_t i = 0; i < block->n_memory; i++) {
    walk->now[block->memory[i].part] += block->memory[i].bytes;
    walk->total += block->memory[i].bytes;
    note_peak(walk);
  }
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

void moe_program_footprint(const MoeProgram *program, const MoeRun *run, guint role, MoeFootprint *footprint)
{
  const MoeRole *r = &program->roles[role];
  Walk walk = {0};

  for (uint32_t call = 0; call < r->n_calls; call++)
    walk_block(&walk, &program->blocks[r->calls[call].block]);
  *footprint = (MoeFootprint){0};
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    footprint->part_bytes[part] = r->static_bytes[part] + walk.at_peak[part];
    footprint->counted_bytes[MOE_MEMORY_ALLOCATED] += footprint->part_bytes[part];
  }
  footprint->part_bytes[MOE_MEMORY_ALLOCATOR] = run->stack.fragmentation * walk.peak;
  footprint->part_bytes[MOE_MEMORY_SYSTEM] = run->stack.hbm_reserved_bytes;
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    footprint->peak_bytes += footprint->part_bytes[part];
  add_cache(run, footprint);
}
