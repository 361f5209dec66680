/* What a simulated step means. */
#include "metrics/metrics.h"
#include "layer/layer.h"

/* ---- measured runs ----------------------------------------------------------------------------------------------- */

double moe_measured_mfu(const MoeMeasuredRun *measured)
{
  /* forward 2, data gradient 2, weight gradient 2 FLOPs per parameter and token (Kaplan et al. 2020, section 2.1) */
  double per_parameter = measured->lora ? 4 : 6;
  double attention = measured->attention_flop_per_token;
  double flop =
      measured->flop_per_token > 0 ? measured->flop_per_token : per_parameter * measured->parameters + attention;

  return flop * measured->tokens_per_step / (measured->step_time_s * measured->gpus * measured->peak_flop_per_s);
}

static double published_peak(const MoeRun *run)
{
  return run->published.peak_flop_per_s > 0 ? run->published.peak_flop_per_s
                                            : run->cluster.accelerator.quoted_peak_flop_per_s;
}

static double mfu_of(const MoeMeasuredQuestion *question, double flop_per_token)
{
  MoeMeasuredRun measured = question->measured;

  if (flop_per_token > 0 && measured.flop_per_token == 0)
    measured.flop_per_token = flop_per_token;
  return moe_measured_mfu(&measured);
}

void moe_measured_question(const MoeRun *run, MoeMeasuredQuestion *question)
{
  MoeModelFlops flops;

  moe_count_model_flops(&run->architecture, &run->training, &flops);
  *question = (MoeMeasuredQuestion){
      .causal = flops.causal,
      .full = flops.full,
      .measured = {.tokens_per_step = (double)run->training.global_batch * (double)run->training.sequence_length,
                   .gpus = (double)run->parallelism.gpus,
                   .peak_flop_per_s = published_peak(run)}};
}

double moe_measured_question_mfu(const MoeMeasuredQuestion *question)
{
  return mfu_of(question, question->causal);
}

double moe_measured_question_full(const MoeMeasuredQuestion *question)
{
  return mfu_of(question, question->full);
}

double moe_published_step_time(const MoeRun *run, gboolean *derived)
{
  const MoePublished *published = &run->published;
  MoeModelFlops flops;
  double tokens = (double)run->training.global_batch * (double)run->training.sequence_length;
  double per_gpu = tokens / (double)run->parallelism.gpus;

  *derived = published->step_time_s <= 0;
  if (published->step_time_s > 0)
    return published->step_time_s;
  if (published->tokens_per_s_per_gpu > 0)
    return per_gpu / published->tokens_per_s_per_gpu;
  moe_count_model_flops(&run->architecture, &run->training, &flops);
  double per_token = published->full_convention ? flops.full : flops.causal;
  if (published->model_flop_per_s_per_gpu > 0)
    return per_gpu * per_token / published->model_flop_per_s_per_gpu;
  if (published->mfu > 0)
    return per_gpu * per_token / (published->mfu * published_peak(run));
  return 0;
}

/* ---- results ---------------------------------------------------------------------------------------------------- */

static void fill_published(const MoeRun *run, MoeResult *result)
{
  const MoePublished *published = &run->published;

  result->published.present = published->present;
  if (!published->present)
    return;
  result->published.full_convention = published->full_convention;
  result->published.mfu = published->mfu;
  result->published.tokens_per_s_per_gpu = published->tokens_per_s_per_gpu;
  result->published.model_flop_per_s_per_gpu = published->model_flop_per_s_per_gpu;
  result->published.peak_flop_per_s = published_peak(run);
  result->published.step_time_s = moe_published_step_time(run, &result->published.step_time_derived);
  result->published.source = g_strdup(published->source);
}

static void fill_names(const MoeRun *run, MoeResult *result)
{
  result->run = g_strdup(run->name);
  result->variant = g_strdup(run->variant);
  result->cluster = g_strdup(run->cluster.name);
  result->stack = g_strdup(run->stack.name);
  result->rumour = run->rumour;
  result->announced = run->cluster.accelerator.announced;
  result->gpus = run->parallelism.gpus;
  result->global_batch = run->training.global_batch;
  result->sequence_length = run->training.sequence_length;
  result->peak_precision = moe_precision_words[MOE_BF16];
}

static void fill_speed(const MoeRun *run, const MoeProgram *program, const MoeSimResult *sim, MoeResult *result)
{
  MoeModelFlops flops;
  double gpus = (double)result->gpus;

  moe_count_model_flops(&run->architecture, &run->training, &flops);
  result->model_flops_per_token_causal = flops.causal;
  result->model_flops_per_token_full = flops.full;
  result->tokens_per_step = program->tokens_per_step;
  result->step_time_s = moe_time_to_seconds(sim->step);
  result->peak_flop_per_s = run->published.peak_flop_per_s > 0 ? run->published.peak_flop_per_s
                                                               : run->cluster.accelerator.quoted_peak_flop_per_s;
  if (result->step_time_s <= 0)
    return;
  result->tokens_per_s = result->tokens_per_step / result->step_time_s;
  result->tokens_per_s_per_gpu = result->tokens_per_s / gpus;
  result->model_flop_per_s_per_gpu_causal = flops.causal * result->tokens_per_s_per_gpu;
  result->model_flop_per_s_per_gpu_full = flops.full * result->tokens_per_s_per_gpu;
  result->mfu_causal = result->model_flop_per_s_per_gpu_causal / result->peak_flop_per_s;
  result->mfu_full = result->model_flop_per_s_per_gpu_full / result->peak_flop_per_s;
  result->hfu = sim->hardware_flop / (result->step_time_s * gpus * result->peak_flop_per_s);
}

/* A published hardware rate (recomputation counted) gives a step time by the FLOPs that the program executes. */
static void derive_from_hardware_rate(const MoeRun *run, const MoeSimResult *sim, MoeResult *result)
{
  double rate = run->published.hardware_flop_per_s_per_gpu;

  if (result->published.step_time_s > 0 || rate <= 0)
    return;
  result->published.step_time_s = sim->hardware_flop / ((double)result->gpus * rate);
  result->published.step_time_derived = TRUE;
}

/* The role with the largest peak speaks for the run: it is the one that does not fit first. */
static void fill_memory(const MoeRun *run, const MoeProgram *program, MoeResult *result)
{
  result->memory.capacity_bytes = run->cluster.accelerator.memory_bytes;
  result->memory.n_roles = program->n_roles;
  result->memory.role = g_new0(MoeFootprint, program->n_roles);
  for (guint r = 0; r < program->n_roles; r++) {
    moe_program_footprint(program, run, r, &result->memory.role[r]);
    if (result->memory.role[r].peak_bytes > result->memory.peak_bytes) {
      result->memory.peak_bytes = result->memory.role[r].peak_bytes;
      result->memory.peak_role = r;
    }
  }
  memcpy(result->memory.part_bytes, result->memory.role[result->memory.peak_role].part_bytes,
         sizeof result->memory.part_bytes);
  result->memory.headroom_bytes = run->memory.headroom_bytes;
  result->memory.fits = result->memory.peak_bytes + run->memory.headroom_bytes <= result->memory.capacity_bytes;
}

/* Math was accounted at the accelerator's quoted peak; a publication may divide by another one (989 for 989.4).
 * Restated at that peak, its share of the step is the causal MFU. */
static void restate_math(const MoeRun *run, MoeResult *result)
{
  double ratio = run->cluster.accelerator.quoted_peak_flop_per_s / result->peak_flop_per_s;
  double moved_s = result->cause_s[MOE_CAUSE_MATH] * (1 - ratio);

  result->cause_s[MOE_CAUSE_MATH] -= moved_s;
  result->cause_s[MOE_CAUSE_KERNEL_INEFFICIENCY] += moved_s;
  result->reason_s[MOE_REASON_MATH] -= moved_s;
  result->reason_s[MOE_REASON_PRECISION] += moved_s;
}

MoeResult *moe_metrics_result(const MoeRun *run, const MoeProgram *program, const MoeSimResult *sim, uint64_t seed)
{
  MoeResult *result = g_new0(MoeResult, 1);
  MoeParameters parameters;

  fill_names(run, result);
  fill_published(run, result);
  moe_count_parameters(&run->architecture, &parameters);
  result->parameters_total = parameters.total;
  result->parameters_active = parameters.active;
  result->fidelity = sim->fidelity;
  result->seed = seed;
  fill_speed(run, program, sim, result);
  derive_from_hardware_rate(run, sim, result);
  fill_memory(run, program, result);
  memcpy(result->cause_s, sim->cause_s, sizeof result->cause_s);
  memcpy(result->reason_s, sim->reason_s, sizeof result->reason_s);
  restate_math(run, result);
  memcpy(result->scope_s, sim->scope_s, sizeof result->scope_s);
  memcpy(result->pass_s, sim->pass_s, sizeof result->pass_s);
  result->traffic_nvlink_bytes = sim->nvlink_bytes;
  result->traffic_network_bytes = sim->network_bytes;
  result->traffic_host_bytes = sim->host_bytes;
  result->price_gpu_hour = run->cluster.price_gpu_hour;
  result->purchase = run->cluster.purchase;
  result->purchase_low = run->cluster.purchase_low;
  result->purchase_high = run->cluster.purchase_high;
  result->gpu_power_w = run->cluster.gpu_power_w;
  result->power_overhead = run->cluster.power_overhead;
  result->eager = !moe_stack_graphs_iteration(&run->stack);
  result->events = sim->events;
  result->operations = sim->operations;
  return result;
}

void moe_result_free(MoeResult *result)
{
  if (!result)
    return;
  g_free(result->run);
  g_free(result->variant);
  g_free(result->cluster);
  g_free(result->stack);
  g_free(result->published.source);
  g_free(result->memory.role);
  g_free(result);
}
