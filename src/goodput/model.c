/* From a run, its plan and its predicted step to a training that can be simulated. */
#include "goodput/model.h"
#include "layer/layer.h"
#include <moesim/goodput.h>

#include <math.h>

const char *const moe_overhead_words[] = {"recomputation", "slow_steps", "checkpoint", "detection",
                                          "waiting",       "restart",    NULL};
const char *const moe_part_words[] = {"gpu", "host", "link", NULL};

double moe_goodput_checkpoint_bytes(const MoeRun *run)
{
  const MoePrecisions *precision = &run->training.precision;
  int moments = run->training.optimizer == MOE_OPTIMIZER_ADAMW ? 2 : 1;
  double weights = moe_precision_bytes(precision->parameter_gather);
  double state = moe_precision_bytes(precision->master) + moments * moe_precision_bytes(precision->optimizer_moments);
  MoeParameters parameters;

  moe_count_parameters(&run->architecture, &parameters);
  if (run->training.lora_rank > 0)
    state = 0;
  return (parameters.total + parameters.mtp) * (state + weights);
}

static void fill_parts(const MoeRun *run, const MoeGoodputPlan *plan, MoeGoodputModel *model)
{
  int64_t gpus = run->parallelism.gpus;

  model->parts[MOE_PART_GPU] = gpus;
  model->parts[MOE_PART_HOST] = moe_ceil_div(gpus, MAX(run->cluster.host.gpus, 1));
  model->parts[MOE_PART_LINK] = (int64_t)ceil((double)gpus * run->cluster.network.nics_per_gpu);
  model->mtbf_s[MOE_PART_GPU] = plan->gpu_mtbf_s;
  model->mtbf_s[MOE_PART_HOST] = plan->host_mtbf_s;
  model->mtbf_s[MOE_PART_LINK] = plan->link_mtbf_s;
}

/* Every rank copies and every host writes its share. */
static void fill_checkpoint(const MoeRun *run, const MoeGoodputPlan *plan, MoeGoodputModel *model)
{
  double bytes = plan->checkpoint_bytes > 0 ? plan->checkpoint_bytes : moe_goodput_checkpoint_bytes(run);
  double links = (double)run->parallelism.gpus * run->cluster.host.memory_link_bytes_per_s;

  model->checkpoint_bytes = bytes;
  model->copy_s = links > 0 ? bytes / links : 0;
  model->write_s = bytes / plan->storage_bytes_per_s;
  model->load_s = model->write_s;
}

gboolean moe_goodput_model(const MoeRun *run, const MoeGoodputPlan *plan, const MoeResult *result,
                           MoeGoodputModel *model, GError **error)
{
  MoeMark mark = {0};

  if (plan->tokens <= 0)
    return moe_fail(error, MOE_ERROR_INPUT, mark,
                    "tokens to train on are not said, expected --tokens or goodput.tokens");
  *model = (MoeGoodputModel){.plan = *plan, .steps = (int64_t)ceil(plan->tokens / result->tokens_per_step)};
  model->step_time_s = plan->step_time_s > 0 ? plan->step_time_s : result->step_time_s;
  if (plan->tokens != run->goodput.tokens) /* what was published is of the training that the file describes */
    model->plan.published = (MoePublishedGoodput){0};
  fill_parts(run, plan, model);
  fill_checkpoint(run, plan, model);
  return TRUE;
}
