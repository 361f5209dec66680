/* One prediction as a page: answer, memory, waterfall, kernels. */
#include "report/describe.h"

#include <math.h>

/* ---- lines ------------------------------------------------------------------------------------------------------- */

#define PART(word)                                                                                                     \
  {                                                                                                                    \
    "  " word, "{memory.parts." word "|B}"                                                                             \
  }

G_STATIC_ASSERT(MOE_N_MEMORY_PARTS == 7); /* each has its line */

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
    PART("weights"),
    PART("gradients"),
    PART("optimizer"),
    PART("activations"),
    PART("workspace"),
    PART("allocator"),
    PART("system"),
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
    {"host", "{eager_host_share|%} of the step waits for calls that stack.host.graphs would capture"},
    {"extrapolated", "{extrapolated_kernel_share|%} of kernel time is priced beyond what was measured"},
    {"simulated", "{fidelity}, {operations|count} operations in {events|count} events, {wall_time_s|%.2f} s"},
};

/* ---- where the step goes ----------------------------------------------------------------------------------------- */

/* A bar, or a reason of kernels; what is not told is NaN. */
typedef struct {
  const char *title;
  double time_s, lost, left;
} Fall;

static const MoeColumn falls[] = {
    {"waterfall", "title", "l", MOE_AT(Fall, title)},
    {"time", "time_s", "r", "s", MOE_AT(Fall, time_s)},
    {"lost", "lost", "r", "%", MOE_AT(Fall, lost), .none = ""},
    {"left", "left", "r", "%", MOE_AT(Fall, left)},
};

const MoeColumn moe_reason_columns[] = {
    {"in kernels", "title", "l", MOE_AT(Fall, title)},
    {"time", "time_s", "r", "s", MOE_AT(Fall, time_s)},
    {"of step", "of_step", "r", "%", MOE_AT(Fall, lost)},
};
const guint moe_n_reason_columns = G_N_ELEMENTS(moe_reason_columns);

/* From the whole step (100 % of peak) down to the share that is model FLOPs: the MFU. */
static void add_waterfall(JsonBuilder *builder, const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result->cause_s, losses);
  double step_s = result->step_time_s, math_s = result->cause_s[MOE_CAUSE_MATH], left = 1;

  MOE_LIST(builder, NULL, &((Fall){"peak", step_s, NAN, left}), 1, falls);
  for (guint i = 0; i < n; i++) {
    double share = losses[i].seconds / step_s;

    left -= share;
    MOE_LIST(builder, NULL, &((Fall){moe_cause_title(losses[i].cause), losses[i].seconds, share, left}), 1, falls);
  }
  MOE_LIST(builder, NULL, &((Fall){moe_cause_title(MOE_CAUSE_MATH), math_s, NAN, math_s / step_s}), 1, falls);
}

/* Why kernels take longer than the model's FLOPs at peak. Negative rows are gains: a format faster than the quoted
 * peak's. */
static void add_reasons(JsonBuilder *builder, const MoeResult *result)
{
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    double seconds = result->reason_s[reason];
    const Fall fall = {moe_reason_title(reason), seconds, seconds / result->step_time_s, NAN};

    if (seconds != 0)
      moe_describe_list(builder, NULL, &fall, 1, sizeof fall, moe_reason_columns, moe_n_reason_columns);
  }
}

/* Whoever says nothing of graphs hears of them where the host is what limits. */
static void add_host(JsonObject *record, const MoeResult *result)
{
  const double notable = 0.05; /* of the step; own choice */
  double share = result->cause_s[MOE_CAUSE_HOST] / result->step_time_s;

  if (result->eager && share > notable)
    json_object_set_double_member(record, "eager_host_share", share);
}

JsonNode *moe_describe_page(const MoeResult *result)
{
  static void (*const add[])(JsonBuilder *, const MoeResult *) = {add_waterfall, add_reasons};
  static const char *const names[] = {"waterfall", "kernels"};
  JsonNode *record = moe_describe_result(result);

  for (guint i = 0; i < G_N_ELEMENTS(add); i++) {
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_array(builder);
    add[i](builder, result);
    json_builder_end_array(builder);
    json_object_set_member(json_node_get_object(record), names[i], json_builder_get_root(builder));
  }
  add_host(json_node_get_object(record), result);
  return record;
}

char *moe_report_run(const MoeResult *result, MoeSheet sheet)
{
  static const MoePassage page[] = {
      {MOE_SAID(moe_record_title)},
      {MOE_SAY("\n\n")},
      {MOE_LINES(answer)},
      {MOE_SAY("\n")},
      {MOE_ROWS("waterfall", falls)},
      {MOE_SAY("\n")},
      {MOE_ROWS("kernels", moe_reason_columns)},
  };
  static const MoeForms forms = {MOE_PAGE(page)};

  return moe_record_emit(sheet.format == MOE_FORMAT_TABLE ? moe_describe_page(result) : moe_describe_result(result),
                         &forms, sheet);
}
