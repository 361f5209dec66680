/* Steps that were measured or replayed: what MFU they are. */
#include "report/measured.h"
#include "findings.h"
#include "layer/layer.h"
#include "record/json.h"

#include <math.h>

static char *lines_table(JsonNode *record, const MoeLine *lines, guint n, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, json_node_get_object(record), lines, n);
  return moe_table_format(table, sheet);
}

/* ---- measured ---------------------------------------------------------------------------------------------------- */

static double mfu_of(const MoeMeasuredQuestion *question, double flop_per_token)
{
  MoeMeasuredRun measured = question->measured;

  if (flop_per_token > 0 && measured.flop_per_token == 0)
    measured.flop_per_token = flop_per_token;
  return moe_measured_mfu(&measured);
}

static JsonNode *describe_measured(const MoeMeasuredQuestion *question)
{
  static const char *const conventions[] = {"causal", "full"};
  const MoeMeasuredRun *measured = &question->measured;
  double causal = mfu_of(question, question->causal), flop_per_s = causal * measured->peak_flop_per_s;
  double tokens_per_s = measured->tokens_per_step / measured->step_time_s;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_words(builder, "mfu", conventions, (const double[]){causal, mfu_of(question, question->full)},
                 G_N_ELEMENTS(conventions));
  moe_json_bool(builder, "conventions_differ", question->causal > 0);
  moe_json_number(builder, "model_flops_per_token", flop_per_s * measured->gpus / tokens_per_s);
  moe_json_number(builder, "model_flop_per_s_per_gpu", flop_per_s);
  moe_json_number(builder, "peak_flops_per_gpu", measured->peak_flop_per_s);
  moe_json_number(builder, "tokens_per_s_per_gpu", tokens_per_s / measured->gpus);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_measured_table(const MoeMeasuredQuestion *question, MoeSheet sheet)
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
  g_autoptr(JsonNode) record = describe_measured(question);

  return lines_table(record, lines, G_N_ELEMENTS(lines), sheet);
}

char *moe_report_measured_json(const MoeMeasuredQuestion *question)
{
  g_autoptr(JsonNode) record = describe_measured(question);

  return moe_record_json(record);
}

/* ---- replayed ---------------------------------------------------------------------------------------------------- */

/* Model FLOPs per second and GPU over the peak; NaN when the trace has no run. */
static double replayed_mfu(const MoeRun *run, const MoeReplay *replay)
{
  MoeModelFlops flops;

  if (!run || replay->step <= 0)
    return NAN;
  moe_count_model_flops(&run->architecture, &run->training, &flops);
  const MoeMeasuredRun measured = {
      .flop_per_token = flops.causal,
      .tokens_per_step = (double)run->training.global_batch * (double)run->training.sequence_length,
      .step_time_s = moe_time_to_seconds(replay->step),
      .gpus = replay->ranks,
      .peak_flop_per_s = run->cluster.accelerator.quoted_peak_flop_per_s,
  };

  return moe_measured_mfu(&measured);
}

static JsonNode *describe_replay(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run)
{
  static const char *const links[] = {"nvlink", "network", "host"};
  double mfu = replayed_mfu(run, replay);
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "cluster", cluster->name);
  moe_json_integer(builder, "gpus", replay->ranks);
  moe_json_number(builder, "step_time_s", moe_time_to_seconds(replay->step));
  if (mfu > 0)
    moe_json_words(builder, "mfu", (const char *const[]){"causal"}, &mfu, 1);
  moe_json_number(builder, "compute_s", replay->compute_s);
  moe_json_number(builder, "host_s", replay->host_s);
  moe_json_words(builder, "traffic_bytes_per_gpu", links,
                 (const double[]){replay->nvlink_bytes, replay->network_bytes, replay->host_bytes},
                 G_N_ELEMENTS(links));
  moe_json_integer(builder, "collectives_without_size", replay->unsized);
  moe_json_integer(builder, "nodes", (gint64)replay->nodes);
  moe_json_integer(builder, "events", (gint64)replay->events);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_replay_table(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run, MoeSheet sheet)
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
  g_autoptr(JsonNode) record = describe_replay(replay, cluster, run);

  return lines_table(record, lines, G_N_ELEMENTS(lines), sheet);
}

char *moe_report_replay_json(const MoeReplay *replay, const MoeCluster *cluster, const MoeRun *run)
{
  g_autoptr(JsonNode) record = describe_replay(replay, cluster, run);

  return moe_record_json(record);
}
