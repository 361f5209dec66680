/* One prediction as a page: answer, memory, waterfall. */
#include "losses.h"

#include <string.h>

static void add_line(MoeTable *table, const char *name, char *value)
{
  moe_table_add(table, name);
  moe_table_take(table, value);
}

static void add_mfu(MoeTable *table, const MoeResult *result)
{
  g_autofree char *causal = moe_percent_format(result->mfu_causal);
  g_autofree char *full = moe_percent_format(result->mfu_full);
  g_autofree char *peak = moe_quantity_format(result->peak_flop_per_s, MOE_DIM_FLOP_PER_S);

  add_line(table, "MFU", g_strdup_printf("%s causal, %s full, of %s %s", causal, full, peak, result->peak_precision));
  add_line(table, "HFU", moe_percent_format(result->hfu));
}

static void add_throughput(MoeTable *table, const MoeResult *result)
{
  g_autofree char *all = moe_count_format(result->tokens_per_s, NULL);
  g_autofree char *flop_causal = moe_count_format(result->model_flops_per_token_causal, "FLOP");
  g_autofree char *flop_full = moe_count_format(result->model_flops_per_token_full, "FLOP");
  g_autofree char *batch = moe_count_format(result->tokens_per_step, NULL);

  add_line(table, "tokens/s/GPU", g_strdup_printf("%.0f (%s tokens/s)", result->tokens_per_s_per_gpu, all));
  add_line(table, "TFLOP/s/GPU",
           g_strdup_printf("%.1f causal, %.1f full", result->model_flop_per_s_per_gpu_causal * 1e-12,
                           result->model_flop_per_s_per_gpu_full * 1e-12));
  add_line(table, "tokens per step",
           g_strdup_printf("%s: a batch of %" G_GINT64_FORMAT " sequences of %" G_GINT64_FORMAT, batch,
                           result->global_batch, result->sequence_length));
  add_line(table, "model FLOPs per token", g_strdup_printf("%s causal, %s full", flop_causal, flop_full));
}

static void add_parameters(MoeTable *table, const MoeResult *result)
{
  g_autofree char *total = moe_count_format(result->parameters_total, NULL);
  g_autofree char *active = moe_count_format(result->parameters_active, NULL);

  add_line(table, "parameters", g_strdup_printf("%s, %s active", total, active));
}

static void add_published(MoeTable *table, const MoeResult *result)
{
  if (!result->published.present)
    return;
  double published = moe_result_published_mfu(result);
  g_autofree char *mfu = moe_percent_format(published);
  GString *text = g_string_new(NULL);

  if (published > 0)
    g_string_append_printf(text, "MFU %s %s (predicted %+.1f points)", mfu,
                           result->published.full_convention ? "full" : "causal",
                           100 * (moe_result_mfu_as_published(result) - published));
  if (result->published.step_time_s > 0) {
    g_autofree char *step = moe_quantity_format(result->published.step_time_s, MOE_DIM_SECONDS);

    g_string_append_printf(text, "%sstep %s%s (predicted %+.1f %%)", text->len > 0 ? ", " : "", step,
                           result->published.step_time_derived ? " derived" : "",
                           100 * (result->step_time_s / result->published.step_time_s - 1));
  }
  add_line(table, "published", g_string_free(text, FALSE));
  if (result->published.source)
    add_line(table, "source", g_strdup(result->published.source));
}

static void add_memory(MoeTable *table, const MoeResult *result)
{
  g_autofree char *peak = moe_quantity_format(result->memory.peak_bytes, MOE_DIM_BYTES);
  g_autofree char *capacity = moe_quantity_format(result->memory.capacity_bytes, MOE_DIM_BYTES);
  g_autofree char *headroom = moe_quantity_format(result->memory.headroom_bytes, MOE_DIM_BYTES);
  g_autofree char *over = moe_quantity_format(
      result->memory.peak_bytes + result->memory.headroom_bytes - result->memory.capacity_bytes, MOE_DIM_BYTES);

  if (result->memory.fits)
    add_line(table, "memory", g_strdup_printf("%s of %s, fits with %s of headroom", peak, capacity, headroom));
  else
    add_line(
        table, "memory",
        g_strdup_printf("%s of %s, DOES NOT FIT: %s too much with %s of headroom", peak, capacity, over, headroom));
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    g_autofree char *name = g_strdup_printf("  %s", moe_memory_words[part]);

    add_line(table, name, moe_quantity_format(result->memory.part_bytes[part], MOE_DIM_BYTES));
  }
}

static void add_traffic(MoeTable *table, const MoeResult *result)
{
  g_autofree char *nvlink = moe_quantity_format(result->traffic_nvlink_bytes, MOE_DIM_BYTES);
  g_autofree char *network = moe_quantity_format(result->traffic_network_bytes, MOE_DIM_BYTES);
  g_autofree char *host = moe_quantity_format(result->traffic_host_bytes, MOE_DIM_BYTES);

  add_line(table, "sent per GPU", g_strdup_printf("NVLink %s, network %s, host %s", nvlink, network, host));
}

/* Kernels without a fit, with one of another precision, or of a shape outside its rows; `show` lists them. */
static void add_support(MoeTable *table, const MoeResult *result)
{
  g_autofree char *share = moe_percent_format(result->extrapolated_share);

  add_line(table, "extrapolated", g_strdup_printf("%s of kernel time is priced beyond what was measured", share));
}

static void add_simulation(MoeTable *table, const MoeResult *result)
{
  g_autofree char *operations = moe_count_format((double)result->operations, NULL);
  g_autofree char *events = moe_count_format((double)result->events, NULL);

  add_line(table, "simulated",
           g_strdup_printf("%s, %s operations in %s events, %.2f s", moe_fidelity_words[result->fidelity], operations,
                           events, result->wall_time_s));
}

static char *answer_table(const MoeResult *result, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  add_line(table, "step time", moe_quantity_format(result->step_time_s, MOE_DIM_SECONDS));
  add_mfu(table, result);
  add_throughput(table, result);
  add_parameters(table, result);
  add_published(table, result);
  add_memory(table, result);
  add_traffic(table, result);
  add_support(table, result);
  add_simulation(table, result);
  return moe_table_format(table, sheet);
}

/* From the whole step (100 % of peak) down to the share that is model FLOPs: the MFU. */
static char *waterfall_table(const MoeResult *result, MoeSheet sheet)
{
  static const char *const header[] = {"waterfall", "time", "lost", "left", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result, losses);
  double left = 1;

  moe_table_header(table, header);
  moe_table_add(table, "peak");
  moe_table_quantity(table, result->step_time_s, MOE_DIM_SECONDS);
  moe_table_add(table, NULL);
  moe_table_percent(table, left);
  for (guint i = 0; i < n; i++) {
    double share = losses[i].seconds / result->step_time_s;

    left -= share;
    moe_table_add(table, moe_cause_title(losses[i].cause));
    moe_table_quantity(table, losses[i].seconds, MOE_DIM_SECONDS);
    moe_table_percent(table, share);
    moe_table_percent(table, left);
  }
  moe_table_add(table, moe_cause_title(MOE_CAUSE_MATH));
  moe_table_quantity(table, result->cause_s[MOE_CAUSE_MATH], MOE_DIM_SECONDS);
  moe_table_add(table, NULL);
  moe_table_percent(table, result->cause_s[MOE_CAUSE_MATH] / result->step_time_s);
  return moe_table_format(table, sheet);
}

/* Why kernels take longer than the model's FLOPs at peak. Negative rows are gains: a format faster than the quoted
 * peak's. */
static char *reason_table(const MoeResult *result, MoeSheet sheet)
{
  static const char *const header[] = {"in kernels", "time", "of step", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrr");

  moe_table_header(table, header);
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    double seconds = result->reason_s[reason];

    if (seconds == 0)
      continue;
    moe_table_add(table, moe_reason_title(reason));
    moe_table_quantity(table, seconds, MOE_DIM_SECONDS);
    moe_table_percent(table, seconds / result->step_time_s);
  }
  return moe_table_format(table, sheet);
}

char *moe_report_run_table(const MoeResult *result, MoeSheet sheet)
{
  g_autofree char *label = moe_result_label(result);
  g_autofree char *answer = answer_table(result, sheet);
  g_autofree char *waterfall = waterfall_table(result, sheet);
  g_autofree char *reasons = reason_table(result, sheet);

  return g_strdup_printf("%s on %s with %s, %" G_GINT64_FORMAT " GPUs\n\n%s\n%s\n%s", label, result->cluster,
                         result->stack, result->gpus, answer, waterfall, reasons);
}
