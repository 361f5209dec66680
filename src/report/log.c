/* A training's log beside its prediction. */
#include "report/log.h"
#include "findings.h"
#include "record/json.h"

#include <math.h>

typedef struct {
  const char *what;
  MoeLogSpread measured;
  double predicted; /* NaN: not predicted */
} Row;

/* The peak as the log counts it, of the stage whose rank says it. */
static double predicted_peak(const MoeLog *log, const MoeResult *result)
{
  guint role = log->first_rank ? 0 : result->memory.peak_role;

  return result->memory.role[role].counted_bytes[log->reserved ? MOE_MEMORY_RESERVED : MOE_MEMORY_ALLOCATED];
}

static void add_row(JsonBuilder *builder, const Row *row)
{
  if (row->measured.p50 <= 0)
    return;
  moe_json_open_object(builder, row->what);
  moe_json_number(builder, "measured", row->measured.p50);
  moe_json_number(builder, "p10", row->measured.p10);
  moe_json_number(builder, "p90", row->measured.p90);
  moe_json_number(builder, "predicted", row->predicted);
  moe_json_number(builder, "error", row->predicted / row->measured.p50 - 1);
  json_builder_end_object(builder);
}

static JsonNode *describe_log(const MoeLog *log, const MoeResult *result)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  MoeLogSpread peak = {log->peak_bytes, log->peak_bytes, log->peak_bytes};
  const Row rows[] = {
      {"step_time_s", log->step_s, result ? result->step_time_s : NAN},
      {"tokens_per_s_per_gpu", log->tokens_per_s, result ? result->tokens_per_s_per_gpu : NAN},
      {"model_flop_per_s_per_gpu", log->flop_per_s, NAN}, /* each framework counts in its own way */
      {"peak_memory_bytes", peak, result ? predicted_peak(log, result) : NAN},
  };

  json_builder_begin_object(builder);
  moe_json_text(builder, "framework", log->framework);
  moe_json_integer(builder, "lines", log->lines);
  moe_json_integer(builder, "lines_used", log->used);
  moe_json_number(builder, "global_batch", log->global_batch > 0 ? log->global_batch : NAN);
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    add_row(builder, &rows[i]);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_log_json(const MoeLog *log, const MoeResult *result)
{
  g_autoptr(JsonNode) record = describe_log(log, result);

  return moe_record_json(record);
}

char *moe_report_log_table(const MoeLog *log, const MoeResult *result, MoeSheet sheet)
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
  g_autoptr(JsonNode) record = describe_log(log, result);
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, json_node_get_object(record), lines, G_N_ELEMENTS(lines));
  return moe_table_format(table, sheet);
}
