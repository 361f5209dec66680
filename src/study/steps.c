/* Several steps of one run, each with its own seed, as one mean step. */
#include "study/study.h"

static void add_scaled(double *sum, const double *values, guint n, double scale)
{
  for (guint i = 0; i < n; i++)
    sum[i] += values[i] * scale;
}

/* Adds one step's times and bytes, divided by the number of steps. */
static void accumulate(MoeResult *mean, const MoeResult *step, double scale)
{
  add_scaled(&mean->step_time_s, &step->step_time_s, 1, scale);
  add_scaled(mean->cause_s, step->cause_s, MOE_N_CAUSES, scale);
  add_scaled(mean->reason_s, step->reason_s, MOE_N_REASONS, scale);
  add_scaled(mean->scope_s, step->scope_s, MOE_N_SCOPES, scale);
  add_scaled(mean->pass_s, step->pass_s, MOE_N_PASSES, scale);
  add_scaled(&mean->traffic_nvlink_bytes, &step->traffic_nvlink_bytes, 1, scale);
  add_scaled(&mean->traffic_network_bytes, &step->traffic_network_bytes, 1, scale);
  add_scaled(&mean->traffic_host_bytes, &step->traffic_host_bytes, 1, scale);
}

static void clear_sums(MoeResult *mean)
{
  mean->step_time_s = 0;
  for (guint i = 0; i < MOE_N_CAUSES; i++)
    mean->cause_s[i] = 0;
  for (guint i = 0; i < MOE_N_REASONS; i++)
    mean->reason_s[i] = 0;
  for (guint i = 0; i < MOE_N_SCOPES; i++)
    mean->scope_s[i] = 0;
  for (guint i = 0; i < MOE_N_PASSES; i++)
    mean->pass_s[i] = 0;
  mean->traffic_nvlink_bytes = mean->traffic_network_bytes = mean->traffic_host_bytes = 0;
}

/* Rates follow from the mean step time: `factor` is the old step time over the new one. */
static void rescale_rates(MoeResult *mean, double factor)
{
  double *const rates[] = {&mean->tokens_per_s,
                           &mean->tokens_per_s_per_gpu,
                           &mean->model_flop_per_s_per_gpu_causal,
                           &mean->model_flop_per_s_per_gpu_full,
                           &mean->mfu_causal,
                           &mean->mfu_full,
                           &mean->hfu};

  for (guint i = 0; i < G_N_ELEMENTS(rates); i++)
    *rates[i] *= factor;
}

/* What single steps took; sorts them. */
static void note_spread(MoeResult *mean, double *seconds, guint n)
{
  MoeQuantiles quantiles = moe_quantiles(seconds, n);

  mean->steps.n = n;
  mean->steps.p50_s = quantiles.p50;
  mean->steps.p90_s = quantiles.p90;
  mean->steps.max_s = seconds[n - 1];
}

static MoeResult *mean_of(GPtrArray *steps)
{
  MoeResult *mean = g_ptr_array_index(steps, 0);
  g_autofree double *seconds = g_new(double, steps->len);
  MoeResult first = *mean;

  for (guint i = 0; i < steps->len; i++)
    seconds[i] = ((const MoeResult *)g_ptr_array_index(steps, i))->step_time_s;
  clear_sums(mean);
  accumulate(mean, &first, 1.0 / steps->len);
  for (guint i = 1; i < steps->len; i++) {
    const MoeResult *step = g_ptr_array_index(steps, i);

    accumulate(mean, step, 1.0 / steps->len);
    mean->events += step->events;
    mean->operations += step->operations;
    mean->wall_time_s += step->wall_time_s;
  }
  note_spread(mean, seconds, steps->len);
  rescale_rates(mean, first.step_time_s / mean->step_time_s);
  return g_ptr_array_steal_index(steps, 0);
}

MoeResult *moe_study_predict_steps(const MoeRun *run, const MoeSimOptions *sim, int64_t n, GError **error)
{
  g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);
  MoeSimOptions options = *sim;

  for (int64_t i = 0; i < n; i++) {
    options.seed = sim->seed + (uint64_t)i;
    options.step = (uint64_t)i;
    options.slice = i == 0 ? sim->slice : NULL;
    MoeResult *step = moe_study_predict(run, &options, error);

    if (!step)
      return NULL;
    g_ptr_array_add(steps, step);
  }
  return n == 1 ? g_ptr_array_steal_index(steps, 0) : mean_of(steps);
}
