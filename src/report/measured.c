/* Steps that were measured or replayed, and logs of trainings: what MFU they are. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* ---- measured ---------------------------------------------------------------------------------------------------- */

static JsonNode *describe_measured(const MoeMeasuredQuestion *question)
{
  static const char *const conventions[] = {"causal", "full"};
  const MoeMeasuredRun *measured = &question->measured;
  double causal = moe_measured_question_mfu(question), flop_per_s = causal * measured->peak_flop_per_s;
  double tokens_per_s = measured->tokens_per_step / measured->step_time_s;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_words(builder, "mfu", conventions, (const double[]){causal, moe_measured_question_full(question)},
                 G_N_ELEMENTS(conventions));
  moe_json_bool(builder, "conventions_differ", question->causal > 0);
  moe_json_number(builder, "model_flops_per_token", flop_per_s * measured->gpus / tokens_per_s);
  moe_json_number(builder, "model_flop_per_s_per_gpu", flop_per_s);
  moe_json_number(builder, "peak_flops_per_gpu", measured->peak_flop_per_s);
  moe_json_number(builder, "tokens_per_s_per_gpu", tokens_per_s / measured->gpus);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_measured(const MoeMeasuredQuestion *question, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"MFU, causal attention", "{mfu.causal|%}", "conventions_differ"},
      {"MFU, full attention", "{mfu.full|%}", "conventions_differ"},
      {"MFU", "{mfu.causal|%}", "!conventions_differ"},
      {"model FLOPs per token", "{model_flops_per_token|FLOP}"},
      {"model FLOP/s per GPU", "{model_flop_per_s_per_gpu|FLOP/s}"},
      {"peak per GPU", "{peak_flops_per_gpu|FLOP/s}"},
      {"tokens per second per GPU", "{tokens_per_s_per_gpu|count}"},
  };
  static const MoePassage page[] = {{MOE_LINES(lines)}};
  static const MoeForms forms = {MOE_PAGE(page)};

  return moe_record_emit(describe_measured(question), &forms, sheet);
}

/* ---- replayed ---------------------------------------------------------------------------------------------------- */

/* Model FLOPs per second and GPU over the peak; NaN when the trace has no run. */
static double replayed_mfu(const MoeRun *run, const MoeReplay *replay)
{
  MoeMeasuredQuestion question;

  if (!run || replay->step <= 0)
    return NAN;
  moe_measured_question(run, &question);
  question.measured.step_time_s = moe_time_to_seconds(replay->step);
  question.measured.gpus = replay->ranks;
  question.measured.peak_flop_per_s = run->cluster.accelerator.quoted_peak_flop_per_s;
  return moe_measured_question_mfu(&question);
}

static JsonNode *describe_replay(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run)
{
  static const MoeColumn fields[] = {
      {NULL, "compute_s", MOE_AT(MoeReplay, compute_s)},
      {NULL, "host_s", MOE_AT(MoeReplay, host_s)},
      {NULL, "traffic_bytes_per_gpu.nvlink", MOE_AT(MoeReplay, nvlink_bytes)},
      {NULL, "traffic_bytes_per_gpu.network", MOE_AT(MoeReplay, network_bytes)},
      {NULL, "traffic_bytes_per_gpu.host", MOE_AT(MoeReplay, host_bytes)},
      {NULL, "collectives_without_size", MOE_AT(MoeReplay, unsized)},
      {NULL, "nodes", MOE_AT(MoeReplay, nodes)},
      {NULL, "events", MOE_AT(MoeReplay, events)},
  };
  double mfu = replayed_mfu(run, replay);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "cluster", cluster->name);
  moe_json_integer(builder, "gpus", replay->ranks);
  moe_json_number(builder, "step_time_s", moe_time_to_seconds(replay->step));
  if (mfu > 0)
    moe_json_words(builder, "mfu", (const char *const[]){"causal"}, &mfu, 1);
  MOE_DESCRIBE(builder, replay, fields);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_replay(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"cluster", "{cluster}"},
      {"GPUs", "{gpus}"},
      {"step time", "{step_time_s|s}"},
      {"MFU, causal", "{mfu.causal|%}"},
      {"kernels per GPU", "{compute_s|s}"},
      {"host per GPU", "{host_s|s}"},
      {"NVLink per GPU", "{traffic_bytes_per_gpu.nvlink|B}"},
      {"network per GPU", "{traffic_bytes_per_gpu.network|B}"},
      {"host memory per GPU", "{traffic_bytes_per_gpu.host|B}"},
      {"nodes", "{nodes}"},
      {"collectives without size", "{collectives_without_size}, kernels of their recorded time",
       "collectives_without_size"},
  };
  static const MoePassage page[] = {{MOE_LINES(lines)}};
  static const MoeForms forms = {MOE_PAGE(page)};

  return moe_record_emit(describe_replay(replay, cluster, run), &forms, sheet);
}

/* ---- logged ------------------------------------------------------------------------------------------------------ */

/* The peak as the log counts it, of the stage whose rank says it; NaN without a prediction. */
static double predicted_peak(const MoeLog *log, const MoeResult *result)
{
  guint role = log->first_rank || !result ? 0 : result->memory.peak_role;

  return result ? result->memory.role[role].counted_bytes[log->reserved ? MOE_MEMORY_RESERVED : MOE_MEMORY_ALLOCATED]
                : NAN;
}

/* NaN is not predicted. */
static void add_logged(JsonBuilder *builder, const char *what, MoeLogSpread measured, double predicted)
{
  if (measured.p50 <= 0)
    return;
  moe_json_open_object(builder, what);
  moe_json_number(builder, "measured", measured.p50);
  moe_json_number(builder, "p10", measured.p10);
  moe_json_number(builder, "p90", measured.p90);
  moe_json_number(builder, "predicted", predicted);
  moe_json_number(builder, "error", predicted / measured.p50 - 1);
  json_builder_end_object(builder);
}

static JsonNode *describe_log(const MoeLog *log, const MoeResult *result)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  MoeLogSpread peak = {log->peak_bytes, log->peak_bytes, log->peak_bytes};

  json_builder_begin_object(builder);
  moe_json_text(builder, "framework", log->framework);
  moe_json_integer(builder, "lines", log->lines);
  moe_json_integer(builder, "lines_used", log->used);
  moe_json_number(builder, "global_batch", log->global_batch > 0 ? log->global_batch : NAN);
  add_logged(builder, "step_time_s", log->step_s, result ? result->step_time_s : NAN);
  add_logged(builder, "tokens_per_s_per_gpu", log->tokens_per_s, result ? result->tokens_per_s_per_gpu : NAN);
  add_logged(builder, "model_flop_per_s_per_gpu", log->flop_per_s, NAN); /* each framework counts in its own way */
  add_logged(builder, "peak_memory_bytes", peak, predicted_peak(log, result));
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_log(const MoeLog *log, const MoeResult *result, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"log", "{framework}, {lines_used} of {lines} lines of iterations: the last ones"},
      {"global batch", "{global_batch|%.0f} sequences"},
      {"step", "{step_time_s.measured|s} (P10 {step_time_s.p10|s}, P90 {step_time_s.p90|s})"},
      {"  predicted", "{step_time_s.predicted|s}, {step_time_s.error|+%} %"},
      {"tokens/s/GPU", "{tokens_per_s_per_gpu.measured|%.1f} (P10 {tokens_per_s_per_gpu.p10|%.1f}, P90 "
                       "{tokens_per_s_per_gpu.p90|%.1f})"},
      {"  predicted", "{tokens_per_s_per_gpu.predicted|%.1f}, {tokens_per_s_per_gpu.error|+%} %"},
      {"FLOP/s/GPU", "{model_flop_per_s_per_gpu.measured|FLOP/s}, as the framework counts"},
      {"peak memory", "{peak_memory_bytes.measured|B}"},
      {"  predicted", "{peak_memory_bytes.predicted|B}, {peak_memory_bytes.error|+%} %"},
  };
  static const MoePassage page[] = {{MOE_LINES(lines)}};
  static const MoeForms forms = {MOE_PAGE(page)};

  return moe_record_emit(describe_log(log, result), &forms, sheet);
}
