/* A prediction as a record, and its page. */
#include "report/describe.h"
#include "training.h"

#include "study/economy.h"
#include <math.h>

#define SHOWN_LOSSES 3 /* of a row that has the room; others show fewer */

/* ---- what it is -------------------------------------------------------------------------------------------------- */

static const MoeColumn identity_fields[] = {
    {NULL, "run", MOE_AT(MoeResult, run)},         {NULL, "variant", MOE_AT(MoeResult, variant)},
    {NULL, "cluster", MOE_AT(MoeResult, cluster)}, {NULL, "stack", MOE_AT(MoeResult, stack)},
    {NULL, "rumour", MOE_FLAG(MoeResult, rumour)}, {NULL, "announced", MOE_FLAG(MoeResult, announced)},
    {NULL, "gpus", MOE_AT(MoeResult, gpus)},
};

static const MoeColumn answer_fields[] = {
    {NULL, "seed", MOE_AT(MoeResult, seed)},
    {NULL, "step_time_s", MOE_AT(MoeResult, step_time_s)},
    {NULL, "mfu.causal", MOE_AT(MoeResult, mfu_causal)},
    {NULL, "mfu.full", MOE_AT(MoeResult, mfu_full)},
};

void moe_json_identity(JsonBuilder *builder, const MoeResult *result)
{
  MOE_DESCRIBE(builder, result, identity_fields);
}

void moe_json_answer(JsonBuilder *builder, const MoeResult *result)
{
  moe_json_identity(builder, result);
  MOE_DESCRIBE(builder, result, answer_fields);
}

/* ---- speed ------------------------------------------------------------------------------------------------------- */

#define TFLOP 1e-12 /* in a FLOP */

static double tflops_causal(gconstpointer of)
{
  return ((const MoeResult *)of)->model_flop_per_s_per_gpu_causal * TFLOP;
}

static double tflops_full(gconstpointer of)
{
  return ((const MoeResult *)of)->model_flop_per_s_per_gpu_full * TFLOP;
}

static const MoeColumn speed_fields[] = {
    {NULL, "fidelity", MOE_WORD(MoeResult, fidelity, moe_fidelity_words)},
    {NULL, "seed", MOE_AT(MoeResult, seed)},
    {NULL, "parameters.total", MOE_AT(MoeResult, parameters_total)},
    {NULL, "parameters.active", MOE_AT(MoeResult, parameters_active)},
    {NULL, "model_flops_per_token.causal", MOE_AT(MoeResult, model_flops_per_token_causal)},
    {NULL, "model_flops_per_token.full", MOE_AT(MoeResult, model_flops_per_token_full)},
    {NULL, "global_batch", MOE_AT(MoeResult, global_batch)},
    {NULL, "sequence_length", MOE_AT(MoeResult, sequence_length)},
    {NULL, "tokens_per_step", MOE_AT(MoeResult, tokens_per_step)},
    {NULL, "step_time_s", MOE_AT(MoeResult, step_time_s)},
    {NULL, "tokens_per_s", MOE_AT(MoeResult, tokens_per_s)},
    {NULL, "tokens_per_s_per_gpu", MOE_AT(MoeResult, tokens_per_s_per_gpu)},
    {NULL, "model_tflops_per_gpu.causal", MOE_RULE(tflops_causal)},
    {NULL, "model_tflops_per_gpu.full", MOE_RULE(tflops_full)},
    {NULL, "mfu.causal", MOE_AT(MoeResult, mfu_causal)},
    {NULL, "mfu.full", MOE_AT(MoeResult, mfu_full)},
    {NULL, "hfu", MOE_AT(MoeResult, hfu)},
    {NULL, "peak_flops_per_gpu", MOE_AT(MoeResult, peak_flop_per_s)},
    {NULL, "peak_precision", MOE_AT(MoeResult, peak_precision)},
};

/* Only of several. */
static const MoeColumn steps_fields[] = {
    {NULL, "steps.n", MOE_AT(MoeResult, steps.n)},
    {NULL, "steps.p50_s", MOE_AT(MoeResult, steps.p50_s)},
    {NULL, "steps.p90_s", MOE_AT(MoeResult, steps.p90_s)},
    {NULL, "steps.max_s", MOE_AT(MoeResult, steps.max_s)},
};

/* ---- how sure ---------------------------------------------------------------------------------------------------- */

/* An MFU without more is in the convention of the publication. */
static double as_published(const MoeResult *result, double causal, double full)
{
  return result->published.present && result->published.full_convention ? full : causal;
}

static double mfu_p10(gconstpointer of)
{
  const MoeResult *result = of;

  return as_published(result, result->interval.mfu_causal_p10, result->interval.mfu_full_p10);
}

static double mfu_p90(gconstpointer of)
{
  const MoeResult *result = of;

  return as_published(result, result->interval.mfu_causal_p90, result->interval.mfu_full_p90);
}

static const MoeColumn interval_fields[] = {
    {NULL, "samples", MOE_AT(MoeResult, interval.samples)},
    {NULL, "mfu_causal_p10", MOE_AT(MoeResult, interval.mfu_causal_p10)},
    {NULL, "mfu_causal_p90", MOE_AT(MoeResult, interval.mfu_causal_p90)},
    {NULL, "mfu_full_p10", MOE_AT(MoeResult, interval.mfu_full_p10)},
    {NULL, "mfu_full_p90", MOE_AT(MoeResult, interval.mfu_full_p90)},
    {NULL, "step_time_p10_s", MOE_AT(MoeResult, interval.step_time_p10_s)},
    {NULL, "step_time_p90_s", MOE_AT(MoeResult, interval.step_time_p90_s)},
    {NULL, "mfu_p10", MOE_RULE(mfu_p10)},
    {NULL, "mfu_p90", MOE_RULE(mfu_p90)},
    {NULL, "mfu_causal_p50", MOE_AT(MoeResult, interval.mfu_causal_p50)},
    {NULL, "mfu_full_p50", MOE_AT(MoeResult, interval.mfu_full_p50)},
    {NULL, "step_time_p50_s", MOE_AT(MoeResult, interval.step_time_p50_s)},
    {NULL, "memory_peak_p10_bytes", MOE_AT(MoeResult, interval.peak_p10_bytes)},
    {NULL, "memory_peak_p90_bytes", MOE_AT(MoeResult, interval.peak_p90_bytes)},
    {NULL, "assumptions_share", MOE_AT(MoeResult, interval.assumptions_share)},
    {NULL, "model_error_share", MOE_AT(MoeResult, interval.model_share)},
};

void moe_json_interval(JsonBuilder *builder, const MoeResult *result)
{
  if (result->interval.samples == 0)
    return;
  moe_json_open_object(builder, "interval");
  MOE_DESCRIBE(builder, result, interval_fields);
  moe_json_bool(builder, "assumptions_varied", result->interval.samples > 1);
  json_builder_end_object(builder);
}

/* ---- published --------------------------------------------------------------------------------------------------- */

static void add_published(JsonBuilder *builder, const MoeResult *result)
{
  static const MoeColumn fields[] = {
      {NULL, "step_time_s", MOE_GIVEN(MoeResult, published.step_time_s)},
      {NULL, "tokens_per_s_per_gpu", MOE_GIVEN(MoeResult, published.tokens_per_s_per_gpu)},
  };
  gboolean present = result->published.present;
  double mfu = moe_result_published_mfu(result), step_s = result->published.step_time_s;
  double tflops = result->published.model_flop_per_s_per_gpu * TFLOP;

  moe_json_open_object(builder, "published");
  moe_json_number(builder, "mfu", result->published.mfu != 0 ? result->published.mfu : NAN);
  moe_json_text(builder, "convention", present ? (result->published.full_convention ? "full" : "causal") : NULL);
  MOE_DESCRIBE(builder, result, fields);
  moe_json_number(builder, "model_tflops_per_gpu", tflops != 0 ? tflops : NAN);
  moe_json_bool(builder, "step_time_derived", result->published.step_time_derived);
  moe_json_text(builder, "source", result->published.source);
  moe_json_number(builder, "mfu_given_or_derived", mfu > 0 ? mfu : NAN);
  moe_json_number(builder, "mfu_error", mfu > 0 ? moe_result_mfu_as_published(result) - mfu : NAN);
  moe_json_number(builder, "step_time_error", step_s > 0 ? result->step_time_s / step_s - 1 : NAN);
  json_builder_end_object(builder);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void add_stages(JsonBuilder *builder, const MoeResult *result)
{
  moe_json_open_array(builder, "stages");
  for (guint i = 0; i < result->memory.n_roles; i++) {
    json_builder_begin_object(builder);
    moe_json_integer(builder, "stage", i);
    moe_json_number(builder, "peak_bytes", result->memory.role[i].peak_bytes);
    moe_json_words(builder, "parts", moe_memory_words, result->memory.role[i].part_bytes, MOE_N_MEMORY_PARTS);
    moe_json_number(builder, "share_of_capacity", result->memory.role[i].peak_bytes / result->memory.capacity_bytes);
    moe_json_bool(builder, "fullest", i == result->memory.peak_role);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_memory(JsonBuilder *builder, const MoeResult *result)
{
  double over_bytes = result->memory.peak_bytes + result->memory.headroom_bytes - result->memory.capacity_bytes;

  moe_json_open_object(builder, "memory");
  moe_json_number(builder, "peak_bytes", result->memory.peak_bytes);
  moe_json_number(builder, "capacity_bytes", result->memory.capacity_bytes);
  moe_json_number(builder, "headroom_bytes", result->memory.headroom_bytes);
  for (guint kind = MOE_MEMORY_ALLOCATED; kind <= MOE_MEMORY_RESERVED; kind++) {
    g_autofree char *name = g_strconcat(moe_memory_kind_words[kind], "_bytes", NULL);

    moe_json_number(builder, name, result->memory.role[result->memory.peak_role].counted_bytes[kind]);
  }
  moe_json_bool(builder, "fits", result->memory.fits);
  moe_json_words(builder, "parts", moe_memory_words, result->memory.part_bytes, MOE_N_MEMORY_PARTS);
  add_stages(builder, result);
  moe_json_number(builder, "over_bytes", MAX(0, over_bytes));
  json_builder_end_object(builder);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

/* A trillion tokens at this step time, without interruption; null where price or power is unknown. */
static const MoeColumn economy_fields[] = {
    {NULL, "economy.price_gpu_hour_dollars", MOE_GIVEN(MoeEconomy, price_gpu_hour)},
    {NULL, "economy.dollars_per_trillion_tokens", MOE_GIVEN(MoeEconomy, dollars_per_trillion)},
    {NULL, "economy.stepping_power_w", MOE_GIVEN(MoeEconomy, stepping_power_w)},
    {NULL, "economy.mwh_per_trillion_tokens", MOE_GIVEN(MoeEconomy, mwh_per_trillion)},
};

static const MoeColumn work_fields[] = {
    {NULL, "traffic_bytes_per_gpu.nvlink", MOE_AT(MoeResult, traffic_nvlink_bytes)},
    {NULL, "traffic_bytes_per_gpu.network", MOE_AT(MoeResult, traffic_network_bytes)},
    {NULL, "traffic_bytes_per_gpu.host", MOE_AT(MoeResult, traffic_host_bytes)},
    {NULL, "extrapolated_kernel_share", MOE_AT(MoeResult, extrapolated_share)},
    {NULL, "operations", MOE_AT(MoeResult, operations)},
    {NULL, "events", MOE_AT(MoeResult, events)},
    {NULL, "wall_time_s", MOE_AT(MoeResult, wall_time_s)},
};

static void add_result(JsonBuilder *builder, const MoeResult *result)
{
  const MoeEconomy economy = moe_economy_ideal(result);

  json_builder_begin_object(builder);
  moe_json_identity(builder, result);
  MOE_DESCRIBE(builder, result, speed_fields);
  if (result->steps.n > 0)
    MOE_DESCRIBE(builder, result, steps_fields);
  moe_json_interval(builder, result);
  add_published(builder, result);
  add_memory(builder, result);
  MOE_DESCRIBE(builder, &economy, economy_fields);
  moe_json_words(builder, "time_s", moe_cause_words, result->cause_s, MOE_N_CAUSES);
  moe_json_words(builder, "kernel_time_s", moe_reason_words, result->reason_s, MOE_N_REASONS);
  moe_json_words(builder, "scope_time_s", moe_scope_words, result->scope_s, MOE_N_SCOPES);
  moe_json_words(builder, "pass_time_s", moe_pass_words, result->pass_s, MOE_N_PASSES);
  MOE_DESCRIBE(builder, result, work_fields);
  json_builder_end_object(builder);
}

JsonNode *moe_describe_result(const MoeResult *result)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  add_result(builder, result);
  JsonNode *node = json_builder_get_root(builder);

  if (result->training_tokens > 0) {
    MoeTrainingCost training = moe_training_cost_of(result, result->training_tokens);

    moe_training_cost_write(json_node_get_object(node), &training);
  }
  return node;
}

JsonNode *moe_describe_results(const GPtrArray *results)
{
  JsonArray *array = json_array_sized_new(results->len);

  for (guint i = 0; i < results->len; i++)
    json_array_add_element(array, moe_describe_result(g_ptr_array_index(results, i)));
  JsonNode *node = json_node_init_array(json_node_alloc(), array);

  json_array_unref(array);
  return node;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

char *moe_record_label(JsonObject *record)
{
  return moe_label_of(moe_record_text(record, "run"), moe_record_text(record, "variant"),
                      moe_record_flag(record, "rumour"), moe_record_flag(record, "announced"));
}

char *moe_record_title(JsonObject *record)
{
  g_autofree char *label = moe_record_label(record);
  g_autofree char *where = moe_record_say(record, "{cluster} with {stack}, {gpus} GPUs");

  return g_strdup_printf("%s on %s", label, where);
}

char *moe_record_answer(JsonObject *record)
{
  g_autofree char *title = moe_record_title(record);
  g_autofree char *answer = moe_record_say(record, "{step_time_s|s} per step, MFU {mfu.causal|%} causal");

  return g_strdup_printf("%s: %s", title, answer);
}

/* At most `shown`. */
static char *losses_text(JsonObject *record, guint shown)
{
  double seconds[MOE_N_CAUSES], step_s = moe_record_number(record, "step_time_s");
  MoeLoss losses[MOE_N_CAUSES];
  GString *text = g_string_new(NULL);

  for (guint c = 0; c < MOE_N_CAUSES; c++) {
    g_autofree char *path = g_strconcat("time_s.", moe_cause_words[c], NULL);

    seconds[c] = moe_record_number(record, path);
  }
  shown = MIN(shown, moe_losses(seconds, losses));
  for (guint i = 0; i < shown; i++) {
    g_autofree char *share = moe_percent_format(losses[i].seconds / step_s);

    g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "", moe_cause_title(losses[i].cause), share);
  }
  return g_string_free(text, FALSE);
}

char *moe_record_losses(JsonObject *record)
{
  return losses_text(record, SHOWN_LOSSES - 1);
}

static char *more_losses(JsonObject *record)
{
  return losses_text(record, SHOWN_LOSSES);
}

char *moe_report_compare(const GPtrArray *results, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"run", .place = "n", .text = moe_record_label},
      {"cluster", "cluster", "l1"},
      {"GPUs", "gpus", "r"},
      {"batch", "global_batch", "r5"},
      {"step", "step_time_s", "r", "s"},
      {"fits", "memory.fits", "l", "yes"},
      {"tokens/s/GPU", "tokens_per_s_per_gpu", "r3", "%.0f"},
      {"TFLOP/s/GPU", "model_tflops_per_gpu.causal", "r5", "#"},
      {"MFU causal", "mfu.causal", "r", "%"},
      {"MFU full", "mfu.full", "r6", "%"},
      {"published MFU", "published.mfu_given_or_derived", "r", "%"},
      {"convention", "published.convention", "l5", "text"},
      {"error", "published.mfu_error", "r4", "pt"},
      {"step error", "published.step_time_error", "r4", "+%"},
      {"days", "training.days", "r?", "#"},
      {"cost", "training.dollars", "r?", "$"},
      {"energy", "training.mwh", "r1?", "MWh"},
      {"MW", "training.megawatts", "r2?", "#"},
      {"cost/T tokens", "economy.dollars_per_trillion_tokens", "r2?", "$"},
      {"energy/T tokens", "economy.mwh_per_trillion_tokens", "r3?", "MWh"},
      {"MFU P10", "interval.mfu_p10", "r?", "%"},
      {"MFU P90", "interval.mfu_p90", "r?", "%"},
      {"largest losses", .place = "w2", .text = more_losses},
  };

  return MOE_EMIT_WHOLE(moe_describe_results(results), columns, sheet);
}
