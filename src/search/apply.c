/* A layout as a run, and a run's own layout. */
#include "internal.h"
#include "schedule/schedule.h"
#include "search/layouts.h"
#include "spec/spec.h"

/* Fused attention never stores its scores: recomputing them alone would change nothing. */
guint moe_search_recompute_modules(const MoeRun *run)
{
  const guint scores = MOE_MODULE_CORE_ATTENTION;
  gboolean stores_scores = g_strcmp0(run->stack.family.attention, "unfused") == 0;

  if ((run->recompute.modules & ~scores) || (run->recompute.modules == scores && stores_scores))
    return run->recompute.modules;
  return scores | MOE_MODULE_NORM | MOE_MODULE_FFN_ACTIVATION | MOE_MODULE_MOE_ACTIVATION;
}

static void apply_recompute(const MoeRun *run, int32_t mode, MoeRun *copy)
{
  if (mode == MOE_RECOMPUTE_OPERATORS) /* which of them, only the run says */
    return;
  copy->recompute = (MoeRecompute){.mode = (MoeRecomputeMode)mode, .layers = -1, .every = 1};
  if (mode == MOE_RECOMPUTE_SELECTIVE)
    copy->recompute.modules = moe_search_recompute_modules(run);
}

void moe_search_own_choice(const MoeRun *run, MoeLayoutChoice *choice)
{
  const MoeParallelism *p = &run->parallelism;

  *choice = (MoeLayoutChoice){{[MOE_DIMENSION_GPUS] = (int32_t)p->gpus,
                               [MOE_DIMENSION_TENSOR] = (int32_t)p->tensor,
                               [MOE_DIMENSION_CONTEXT] = (int32_t)p->context,
                               [MOE_DIMENSION_PIPELINE] = (int32_t)p->pipeline,
                               [MOE_DIMENSION_SCHEDULE] = (int32_t)p->schedule,
                               [MOE_DIMENSION_VIRTUAL] = (int32_t)p->virtual_stages,
                               [MOE_DIMENSION_EXPERT] = (int32_t)p->expert,
                               [MOE_DIMENSION_EXPERT_TENSOR] = (int32_t)p->expert_tensor,
                               [MOE_DIMENSION_MICRO_BATCH] = (int32_t)run->training.micro_batch,
                               [MOE_DIMENSION_ZERO] = (int32_t)p->zero,
                               [MOE_DIMENSION_RECOMPUTE] = (int32_t)run->recompute.mode,
                               [MOE_DIMENSION_OFFLOAD] = (int32_t)(MOE_SEARCH_PERCENT * run->offload.activations + 0.5),
                               [MOE_DIMENSION_SEQUENCE] = p->sequence_parallel != 0,
                               [MOE_DIMENSION_OVERLAP_TENSOR] = p->overlap.tensor != 0,
                               [MOE_DIMENSION_OVERLAP_REDUCE] = p->overlap.gradient_reduce != 0,
                               [MOE_DIMENSION_OVERLAP_GATHER] = p->overlap.parameter_gather != 0,
                               [MOE_DIMENSION_OVERLAP_PIPELINE] = p->overlap.pipeline != 0}};
}

gboolean moe_search_apply(const MoeRun *run, const MoeLayoutChoice *choice, MoeRun *copy)
{
  const int32_t *v = choice->value;
  MoeParallelism *p = &copy->parallelism;

  *copy = *run;
  p->gpus = v[MOE_DIMENSION_GPUS];
  p->tensor = v[MOE_DIMENSION_TENSOR];
  p->context = v[MOE_DIMENSION_CONTEXT];
  p->pipeline = v[MOE_DIMENSION_PIPELINE];
  p->schedule = (MoeScheduleKind)v[MOE_DIMENSION_SCHEDULE];
  p->virtual_stages = v[MOE_DIMENSION_VIRTUAL];
  p->expert = v[MOE_DIMENSION_EXPERT];
  p->expert_tensor = v[MOE_DIMENSION_EXPERT_TENSOR];
  p->zero = v[MOE_DIMENSION_ZERO];
  p->sequence_parallel = v[MOE_DIMENSION_SEQUENCE];
  p->overlap.tensor = v[MOE_DIMENSION_OVERLAP_TENSOR];
  p->overlap.gradient_reduce = v[MOE_DIMENSION_OVERLAP_REDUCE];
  p->overlap.parameter_gather = v[MOE_DIMENSION_OVERLAP_GATHER];
  p->overlap.pipeline = v[MOE_DIMENSION_OVERLAP_PIPELINE];
  p->first_stage_layers = p->last_stage_layers = -1;
  if (p->pipeline != run->parallelism.pipeline || p->virtual_stages != run->parallelism.virtual_stages)
    p->layout = NULL;
  copy->training.micro_batch = v[MOE_DIMENSION_MICRO_BATCH];
  copy->offload.activations = (double)v[MOE_DIMENSION_OFFLOAD] / MOE_SEARCH_PERCENT;
  copy->published.present = FALSE;
  copy->cluster.accelerator.speed_spread = 0; /* layouts are compared without noise */
  apply_recompute(run, v[MOE_DIMENSION_RECOMPUTE], copy);
  return moe_run_validate(copy, NULL);
}
