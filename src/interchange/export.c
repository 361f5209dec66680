/* A run lowered and priced. */
#include "cost/cost.h"
#include "interchange/priced.h"
#include "program/program.h"
#include "sim/sim.h"
#include "trace.h"

MoeExport *moe_export_new(const MoeRun *run, uint64_t seed, GError **error)
{
  g_autoptr(MoeExport) export = g_new0(MoeExport, 1);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, error);

  export->run = run;
  if (!cost)
    return NULL;
  export->topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, error);
  export->program = export->topo ? moe_program_build(run, seed, error) : NULL;
  export->prices = export->program ? moe_sim_prices(export->program, run, export->topo, cost, error) : NULL;
  return export->prices ? g_steal_pointer(&export) : NULL;
}

void moe_export_free(MoeExport *export)
{
  if (!export)
    return;
  moe_sim_prices_free(export->prices);
  moe_program_free(export->program);
  moe_topo_free(export->topo);
  g_free(export);
}

int64_t moe_export_ranks(const MoeExport *export)
{
  return moe_layout_ranks(export->program->layout);
}

const MoeProgram *moe_export_program(const MoeExport *export)
{
  return export->program;
}

const MoeSimPrices *moe_export_prices(const MoeExport *export)
{
  return export->prices;
}

uint64_t moe_export_operations(const MoeExport *export)
{
  uint64_t ranks_per_stage = (uint64_t)moe_export_ranks(export) / MAX(export->program->n_roles, 1);
  uint64_t n = 0;

  for (guint r = 0; r < export->program->n_roles; r++)
    n += export->program->roles[r].n_ops * ranks_per_stage;
  return n;
}
