/* One prediction: spec -> topo, cost, program -> sim -> metrics. */
#include <moesim/study.h>

MoeResult *moe_study_predict(const MoeRun *run, const MoeSimOptions *options, GError **error)
{
  static const MoeSimOptions defaults = {.kernel_jitter = -1};
  const MoeSimOptions *chosen = options ? options : &defaults;
  gint64 start_us = g_get_monotonic_time();

  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, error);
  if (!topo)
    return NULL;
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, error);
  if (!cost)
    return NULL;
  g_autoptr(MoeProgram) program = moe_program_build(run, chosen->seed, error);
  if (!program)
    return NULL;
  g_autoptr(MoeSimResult) sim = moe_sim_run(program, run, topo, cost, chosen, error);
  if (!sim)
    return NULL;
  MoeResult *result = moe_metrics_result(run, program, sim, chosen->seed);
  result->wall_time_s = (double)(g_get_monotonic_time() - start_us) * 1e-6;
  return result;
}

MoeResult *moe_study_predict_file(const char *path, const MoeRunOptions *run_options, const MoeSimOptions *options,
                                  GError **error)
{
  g_autoptr(MoeRun) run = moe_run_load(path, run_options, error);

  return run ? moe_study_predict(run, options, error) : NULL;
}
