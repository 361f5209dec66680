/* One prediction as a page: answer, memory, waterfall. */
#include "findings.h"
#include "losses.h"
#include "record/tables.h"

#include "record/json.h"

static const MoeLine answer[] = {
    {"step time", "{step_time_s|s}"},
    {"", "mean of {steps.n} steps: P50 {steps.p50_s|s}, P90 {steps.p90_s|s}, longest {steps.max_s|s}"},
    {"MFU", "{mfu.causal|%} causal, {mfu.full|%} full, of {peak_flops_per_gpu|FLOP/s} {peak_precision}"},
    {"HFU", "{hfu|%}"},
    {"tokens/s/GPU", "{tokens_per_s_per_gpu|%.0f} ({tokens_per_s|count} tokens/s)"},
    {"TFLOP/s/GPU", "{model_tflops_per_gpu.causal|%.1f} causal, {model_tflops_per_gpu.full|%.1f} full"},
    {"tokens per step", "{tokens_per_step|count}: a batch of {global_batch} sequences of {sequence_length}"},
    {"model FLOPs per token", "{model_flops_per_token.causal|FLOP} causal, {model_flops_per_token.full|FLOP} full"},
    {"parameters", "{parameters.total|count}, {parameters.active|count} active"},
    {"published",
     "MFU {published.mfu_given_or_derived|%} {published.convention} (predicted {published.mfu_error|pt} points)"},
    {"published step", "{published.step_time_s|s} (predicted {published.step_time_error|+%} %)",
     "!published.step_time_derived"},
    {"published step", "{published.step_time_s|s} derived (predicted {published.step_time_error|+%} %)",
     "published.step_time_derived"},
    {"source", "{published.source}"},
    {"memory", "{memory.peak_bytes|B} of {memory.capacity_bytes|B}, fits beside {memory.headroom_bytes|B} of headroom",
     "memory.fits"},
    {"memory",
     "{memory.peak_bytes|B} of {memory.capacity_bytes|B}, DOES NOT FIT: {memory.over_bytes|B} too much with "
     "{memory.headroom_bytes|B} of headroom",
     "!memory.fits"},
};

static const MoeLine work[] = {
    {"P10 to P90", "step {interval.step_time_p10_s|s} to {interval.step_time_p90_s|s} (P50 "
                   "{interval.step_time_p50_s|s}), MFU {interval.mfu_causal_p10|%} "
                   "to {interval.mfu_causal_p90|%} causal, memory {interval.memory_peak_p10_bytes|B} to "
                   "{interval.memory_peak_p90_bytes|B}"},
    {"  made of",
     "the model's own error {interval.model_error_share|%}, assumptions {interval.assumptions_share|%} "
     "({interval.samples} combinations)",
     "interval.assumptions_varied"},
    {"  made of", "the model's own error {interval.model_error_share|%}; assumptions left out",
     "!interval.assumptions_varied"},
    {"sent per GPU", "NVLink {traffic_bytes_per_gpu.nvlink|B}, network {traffic_bytes_per_gpu.network|B}, host "
                     "{traffic_bytes_per_gpu.host|B}"},
    {"extrapolated", "{extrapolated_kernel_share|%} of kernel time is priced beyond what was measured"},
    {"simulated", "{fidelity}, {operations|count} operations in {events|count} events, {wall_time_s|%.2f} s"},
};

static char *answer_table(JsonObject *record, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, record, answer, G_N_ELEMENTS(answer));
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    g_autofree char *path = g_strconcat("memory.parts.", moe_memory_words[part], NULL);

    moe_table_take(table, g_strconcat("  ", moe_memory_words[part], NULL));
    moe_table_take(table, moe_record_show(moe_record_find(record, path), "B"));
  }
  moe_record_lines(table, record, work, G_N_ELEMENTS(work));
  return moe_table_format(table, sheet);
}

/* From the whole step (100 % of peak) down to the share that is model FLOPs: the MFU. */
static char *waterfall_table(const MoeResult *result, MoeSheet sheet)
{
  static const char *const header[] = {"waterfall", "time", "lost", "left", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result->cause_s, losses);
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
MoeTable *moe_reason_table(const MoeResult *result)
{
  static const char *const header[] = {"in kernels", "time", "of step", NULL};
  MoeTable *table = moe_table_new("lrr");

  moe_table_header(table, header);
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    double seconds = result->reason_s[reason];

    if (seconds == 0)
      continue;
    moe_table_add(table, moe_reason_title(reason));
    moe_table_quantity(table, seconds, MOE_DIM_SECONDS);
    moe_table_percent(table, seconds / result->step_time_s);
  }
  return table;
}

char *moe_report_run_table(const MoeResult *result, MoeSheet sheet)
{
  g_autoptr(JsonNode) node = moe_describe_result(result);
  JsonObject *record = json_node_get_object(node);
  g_autoptr(MoeTable) reasons = moe_reason_table(result);
  g_autofree char *title = moe_record_title(record);
  g_autofree char *answers = answer_table(record, sheet);
  g_autofree char *waterfall = waterfall_table(result, sheet);
  g_autofree char *kernels = moe_table_format(reasons, sheet);

  return g_strdup_printf("%s\n\n%s\n%s\n%s", title, answers, waterfall, kernels);
}

/* ---- memory by stage --------------------------------------------------------------------------------------------- */

static char *stage_name(JsonObject *stage)
{
  return moe_record_say(stage, moe_record_flag(stage, "fullest") ? "{stage} *" : "{stage}");
}

char *moe_report_memory_table(const MoeResult *result, MoeSheet sheet)
{
  static const MoeColumn first = {"stage", .place = "l", .text = stage_name};
  static const MoeColumn last[] = {{"peak", "peak_bytes", "r", "B"}, {"of capacity", "share_of_capacity", "r", "%"}};
  g_autoptr(JsonNode) record = moe_describe_result(result);
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  char paths[MOE_N_MEMORY_PARTS][64];

  g_array_append_val(columns, first);
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++) {
    g_snprintf(paths[part], sizeof paths[part], "parts.%s", moe_memory_words[part]);
    MoeColumn column = {moe_memory_words[part], paths[part], "r", "B"};

    g_array_append_val(columns, column);
  }
  g_array_append_vals(columns, last, G_N_ELEMENTS(last));
  g_autofree char *rows =
      moe_record_rows(moe_record_list(record, "memory.stages"), (MoeColumn *)columns->data, columns->len, sheet);
  g_autofree char *label = moe_record_label(json_node_get_object(record));
  g_autofree char *said = moe_record_say(
      json_node_get_object(record),
      result->memory.fits ? "{cluster}, {gpus} GPUs: {memory.peak_bytes|B} per GPU of {memory.capacity_bytes|B}, fits "
                            "beside {memory.headroom_bytes|B} of headroom"
                          : "{cluster}, {gpus} GPUs: {memory.peak_bytes|B} per GPU of {memory.capacity_bytes|B}, does "
                            "not fit with {memory.headroom_bytes|B} of headroom");

  return g_strdup_printf("%s on %s\n\n%s", label, said, rows);
}
