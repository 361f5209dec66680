/* One prediction: spec -> topo, cost, program -> sim -> metrics. */
#include "study/stand_ins.h"

#include "prepared.h"

gboolean moe_prepare(const MoeRun *run, const MoeSimOptions *options, MoePrepared *prepared, GError **error)
{
  prepared->topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, error);
  if (prepared->topo)
    prepared->cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, error);
  if (prepared->cost)
    prepared->program = moe_program_build_step(run, options->seed, options->step, error);
  return prepared->program != NULL;
}

void moe_prepared_clear(MoePrepared *prepared)
{
  g_clear_pointer(&prepared->program, moe_program_free);
  g_clear_pointer(&prepared->cost, moe_cost_model_free);
  g_clear_pointer(&prepared->topo, moe_topo_free);
}

MoeResult *moe_study_predict(const MoeRun *run, const MoeSimOptions *options, GError **error)
{
  static const MoeSimOptions defaults = {.kernel_jitter = -1};
  const MoeSimOptions *chosen = options ? options : &defaults;
  gint64 start_us = g_get_monotonic_time();
  g_auto(MoePrepared) made = {0};

  if (!moe_prepare(run, chosen, &made, error))
    return NULL;
  if (chosen->tick)
    moe_topo_count_leaves(made.topo);
  g_autoptr(MoeSimResult) sim = moe_sim_run(made.program, run, made.topo, made.cost, chosen, error);
  if (!sim)
    return NULL;
  g_autoptr(MoeResult) result = moe_metrics_result(run, made.program, sim, chosen->seed);
  if (!chosen->step_alone && !moe_extrapolated_share(made.program, made.cost, &result->extrapolated_share, error))
    return NULL;
  result->wall_time_s = (double)(g_get_monotonic_time() - start_us) * 1e-6;
  return g_steal_pointer(&result);
}

gboolean moe_study_is_trouble(const GError *error)
{
  return g_error_matches(error, MOE_ERROR, MOE_ERROR_IO) || g_error_matches(error, MOE_ERROR, MOE_ERROR_INTERNAL) ||
         g_error_matches(error, MOE_ERROR, MOE_ERROR_STOPPED);
}

MoeRun *moe_study_with(const MoeRun *run, char *const *sets, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);

  for (; *sets; sets++)
    if (!moe_doc_set(doc, *sets, error))
      return NULL;
  return moe_run_from_doc(g_steal_pointer(&doc), run->name, NULL, error);
}

MoeResult *moe_study_predict_file(const char *path, const MoeRunOptions *run_options, const MoeSimOptions *options,
                                  GError **error)
{
  g_autoptr(MoeRun) run = moe_run_load(path, run_options, error);

  return run ? moe_study_predict(run, options, error) : NULL;
}
