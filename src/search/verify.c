/* What a search ranked, run again as `moesim run` runs it: with jitter, GPUs of different speeds and, for a deadline,
 * failures. */
#include "goodput/model.h"
#include "search/layouts.h"
#include "spec/goodput.h"
#include "spec/spec.h"
#include <moesim/goodput.h>

#include <math.h>

#include "internal.h"

/* Simulated trainings of a candidate: their mean decides. */
#define TRAININGS 20

typedef struct {
  const MoeRun *run;
  const MoeSearchOptions *options;
} Verifying;

/* With what layouts are compared without. */
static MoeResult *run_again(const Verifying *v, const MoeLayoutChoice *choice)
{
  MoeSimOptions sim = v->options->sim;
  MoeRun applied;

  sim.slice = NULL;
  if (!moe_search_apply(v->run, choice, &applied))
    return NULL;
  applied.cluster.accelerator.speed_spread = v->run->cluster.accelerator.speed_spread;
  return moe_study_predict(&applied, &sim, NULL);
}

/* Mean wall-clock of a training with failures; a checkpoint interval that is not said is Daly's. INFINITY when none
 * gets on. */
static double mean_wall_s(const Verifying *v, const MoeResult *result)
{
  MoeGoodputOptions study = {
      .seeds = TRAININGS, .seed = v->options->sim.seed, .jobs = v->options->jobs, .no_search = TRUE};
  MoeGoodputPlan plan = v->run->goodput;
  MoeRun sized = *v->run;
  MoeGoodputModel model;

  plan.tokens = v->options->tokens;
  sized.parallelism.gpus = result->gpus;
  if (!moe_goodput_model(&sized, &plan, result, &model, NULL))
    return INFINITY;
  double mtbf_s = moe_goodput_job_mtbf(&model);
  if (plan.interval_s <= 0 && isfinite(mtbf_s))
    model.plan.interval_s = MAX(moe_daly_interval(model.copy_s, mtbf_s), model.step_time_s);
  g_autoptr(MoeGoodput) goodput = moe_goodput(&model, result, &study, NULL);
  return goodput ? goodput->mean.wall_s : INFINITY;
}

static gboolean holds(const Verifying *v, MoeCandidate *candidate, const MoeResult *result)
{
  if (!result || result->memory.peak_bytes > moe_search_capacity(v->options, v->run))
    return FALSE;
  if (v->options->objective != MOE_OBJECTIVE_GPUS)
    return TRUE;
  candidate->wall_s = mean_wall_s(v, result);
  return candidate->wall_s <= v->options->deadline_s;
}

/* In the order of what came out; ties stay as they were. */
static void sort_ranked(MoeSearchResult *result)
{
  for (guint i = 1; i < result->n_ranked; i++) {
    MoeCandidate one = result->ranked[i];
    guint at = i;

    for (; at > 0 && result->ranked[at - 1].value > one.value; at--)
      result->ranked[at] = result->ranked[at - 1];
    result->ranked[at] = one;
  }
}

void moe_search_verify(const MoeRun *run, const MoeSearchOptions *options, MoeSearchResult *result)
{
  Verifying v = {run, options};
  guint kept = 0;

  for (guint i = 0; i < result->n_ranked; i++) {
    MoeCandidate candidate = result->ranked[i];
    g_autoptr(MoeResult) quiet = candidate.result;

    candidate.result = run_again(&v, &candidate.choice);
    if (holds(&v, &candidate, candidate.result)) {
      candidate.value *=
          candidate.result->step_time_s / quiet->step_time_s; /* every objective is in proportion to the step */
      result->ranked[kept++] = candidate;
    } else {
      g_clear_pointer(&candidate.result, moe_result_free);
      result->n_refuted++;
    }
  }
  result->n_ranked = kept;
  result->verified = TRUE;
  sort_ranked(result);
}

void moe_search_verify_own(const MoeRun *run, const MoeSearchOptions *options, MoeSearchResult *result)
{
  MoeSimOptions sim = options->sim;

  sim.slice = NULL;
  MoeResult *again = result->own.result ? moe_study_predict(run, &sim, NULL) : NULL;

  if (!again)
    return;
  result->own.value *= again->step_time_s / result->own.result->step_time_s;
  moe_result_free(result->own.result);
  result->own.result = again;
}
