/* A prediction as a record: JSON and CSV of it, and rows beside others. */
#include "findings.h"
#include "losses.h"
#include "training.h"

#include "record/json.h"
#include "study/economy.h"
#include <math.h>
#include <moesim/report.h>

#define SHOWN_LOSSES 3 /* as many as a row has room for */

/* 0 stands for "not given". */
static void add_given(JsonBuilder *builder, const char *key, double value)
{
  moe_json_number(builder, key, value != 0 ? value : NAN);
}

/* By convention. */
static void add_pair(JsonBuilder *builder, const char *key, double causal, double full)
{
  static const char *const words[] = {"causal", "full"};

  moe_json_words(builder, key, words, (const double[]){causal, full}, G_N_ELEMENTS(words));
}

void moe_json_identity(JsonBuilder *builder, const MoeResult *result)
{
  moe_json_text(builder, "run", result->run);
  moe_json_text(builder, "variant", result->variant);
  moe_json_text(builder, "cluster", result->cluster);
  moe_json_text(builder, "stack", result->stack);
  moe_json_bool(builder, "rumour", result->rumour);
  moe_json_bool(builder, "announced", result->announced);
  moe_json_integer(builder, "gpus", result->gpus);
}

void moe_json_answer(JsonBuilder *builder, const MoeResult *result)
{
  moe_json_identity(builder, result);
  moe_json_integer(builder, "seed", (gint64)result->seed);
  moe_json_number(builder, "step_time_s", result->step_time_s);
  add_pair(builder, "mfu", result->mfu_causal, result->mfu_full);
}

static void add_identity(JsonBuilder *builder, const MoeResult *result)
{
  static const char *const words[] = {"total", "active"};

  moe_json_identity(builder, result);
  moe_json_text(builder, "fidelity", moe_fidelity_words[result->fidelity]);
  moe_json_integer(builder, "seed", (gint64)result->seed);
  moe_json_words(builder, "parameters", words, (const double[]){result->parameters_total, result->parameters_active},
                 G_N_ELEMENTS(words));
}

static void add_speed(JsonBuilder *builder, const MoeResult *result)
{
  add_pair(builder, "model_flops_per_token", result->model_flops_per_token_causal, result->model_flops_per_token_full);
  moe_json_integer(builder, "global_batch", result->global_batch);
  moe_json_integer(builder, "sequence_length", result->sequence_length);
  moe_json_number(builder, "tokens_per_step", result->tokens_per_step);
  moe_json_number(builder, "step_time_s", result->step_time_s);
  moe_json_number(builder, "tokens_per_s", result->tokens_per_s);
  moe_json_number(builder, "tokens_per_s_per_gpu", result->tokens_per_s_per_gpu);
  add_pair(builder, "model_tflops_per_gpu", result->model_flop_per_s_per_gpu_causal * 1e-12,
           result->model_flop_per_s_per_gpu_full * 1e-12);
  add_pair(builder, "mfu", result->mfu_causal, result->mfu_full);
  moe_json_number(builder, "hfu", result->hfu);
  moe_json_number(builder, "peak_flops_per_gpu", result->peak_flop_per_s);
  moe_json_text(builder, "peak_precision", result->peak_precision);
}

/* An MFU without more is in the convention of the publication. */
void moe_json_interval(JsonBuilder *builder, const MoeResult *result)
{
  gboolean full = result->published.present && result->published.full_convention;

  if (result->interval.samples == 0)
    return;
  moe_json_open_object(builder, "interval");
  moe_json_integer(builder, "samples", result->interval.samples);
  moe_json_number(builder, "mfu_causal_p10", result->interval.mfu_causal_p10);
  moe_json_number(builder, "mfu_causal_p90", result->interval.mfu_causal_p90);
  moe_json_number(builder, "mfu_full_p10", result->interval.mfu_full_p10);
  moe_json_number(builder, "mfu_full_p90", result->interval.mfu_full_p90);
  moe_json_number(builder, "step_time_p10_s", result->interval.step_time_p10_s);
  moe_json_number(builder, "step_time_p90_s", result->interval.step_time_p90_s);
  moe_json_number(builder, "mfu_p10", full ? result->interval.mfu_full_p10 : result->interval.mfu_causal_p10);
  moe_json_number(builder, "mfu_p90", full ? result->interval.mfu_full_p90 : result->interval.mfu_causal_p90);
  moe_json_number(builder, "mfu_causal_p50", result->interval.mfu_causal_p50);
  moe_json_number(builder, "mfu_full_p50", result->interval.mfu_full_p50);
  moe_json_number(builder, "step_time_p50_s", result->interval.step_time_p50_s);
  moe_json_number(builder, "memory_peak_p10_bytes", result->interval.peak_p10_bytes);
  moe_json_number(builder, "memory_peak_p90_bytes", result->interval.peak_p90_bytes);
  moe_json_number(builder, "assumptions_share", result->interval.assumptions_share);
  moe_json_number(builder, "model_error_share", result->interval.model_share);
  moe_json_bool(builder, "assumptions_varied", result->interval.samples > 1);
  json_builder_end_object(builder);
}

/* Only of several. */
static void add_steps(JsonBuilder *builder, const MoeResult *result)
{
  if (result->steps.n == 0)
    return;
  moe_json_open_object(builder, "steps");
  moe_json_integer(builder, "n", result->steps.n);
  moe_json_number(builder, "p50_s", result->steps.p50_s);
  moe_json_number(builder, "p90_s", result->steps.p90_s);
  moe_json_number(builder, "max_s", result->steps.max_s);
  json_builder_end_object(builder);
}

static void add_published(JsonBuilder *builder, const MoeResult *result)
{
  gboolean present = result->published.present;
  double mfu = moe_result_published_mfu(result), step_s = result->published.step_time_s;

  moe_json_open_object(builder, "published");
  add_given(builder, "mfu", result->published.mfu);
  moe_json_text(builder, "convention", present ? (result->published.full_convention ? "full" : "causal") : NULL);
  add_given(builder, "step_time_s", result->published.step_time_s);
  add_given(builder, "tokens_per_s_per_gpu", result->published.tokens_per_s_per_gpu);
  add_given(builder, "model_tflops_per_gpu", result->published.model_flop_per_s_per_gpu * 1e-12);
  moe_json_bool(builder, "step_time_derived", result->published.step_time_derived);
  moe_json_text(builder, "source", result->published.source);
  moe_json_number(builder, "mfu_given_or_derived", mfu > 0 ? mfu : NAN);
  moe_json_number(builder, "mfu_error", mfu > 0 ? moe_result_mfu_as_published(result) - mfu : NAN);
  moe_json_number(builder, "step_time_error", step_s > 0 ? result->step_time_s / step_s - 1 : NAN);
  json_builder_end_object(builder);
}

static void add_stages(JsonBuilder *builder, const MoeResult *result)
{
  json_builder_set_member_name(builder, "stages");
  json_builder_begin_array(builder);
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

/* A trillion tokens at this step time, without interruption; null where price or power is unknown. */
static void add_economy(JsonBuilder *builder, const MoeResult *result)
{
  MoeEconomy economy = moe_economy_ideal(result);

  moe_json_open_object(builder, "economy");
  add_given(builder, "price_gpu_hour_dollars", economy.price_gpu_hour);
  add_given(builder, "dollars_per_trillion_tokens", economy.dollars_per_trillion);
  add_given(builder, "stepping_power_w", economy.stepping_power_w);
  add_given(builder, "mwh_per_trillion_tokens", economy.mwh_per_trillion);
  json_builder_end_object(builder);
}

static void add_result(JsonBuilder *builder, const MoeResult *result)
{
  json_builder_begin_object(builder);
  add_identity(builder, result);
  add_speed(builder, result);
  add_steps(builder, result);
  moe_json_interval(builder, result);
  add_published(builder, result);
  add_memory(builder, result);
  add_economy(builder, result);
  moe_json_words(builder, "time_s", moe_cause_words, result->cause_s, MOE_N_CAUSES);
  moe_json_words(builder, "kernel_time_s", moe_reason_words, result->reason_s, MOE_N_REASONS);
  moe_json_words(builder, "scope_time_s", moe_scope_words, result->scope_s, MOE_N_SCOPES);
  moe_json_words(builder, "pass_time_s", moe_pass_words, result->pass_s, MOE_N_PASSES);
  moe_json_open_object(builder, "traffic_bytes_per_gpu");
  moe_json_number(builder, "nvlink", result->traffic_nvlink_bytes);
  moe_json_number(builder, "network", result->traffic_network_bytes);
  moe_json_number(builder, "host", result->traffic_host_bytes);
  json_builder_end_object(builder);
  moe_json_number(builder, "extrapolated_kernel_share", result->extrapolated_share);
  moe_json_integer(builder, "operations", (gint64)result->operations);
  moe_json_integer(builder, "events", (gint64)result->events);
  moe_json_number(builder, "wall_time_s", result->wall_time_s);
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

char *moe_report_json(const GPtrArray *results, gboolean array)
{
  g_assert(array || results->len == 1);
  g_autoptr(JsonNode) root = array ? moe_describe_results(results) : moe_describe_result(results->pdata[0]);

  return moe_record_json(root);
}

char *moe_report_csv(const GPtrArray *results)
{
  g_autoptr(JsonNode) records = moe_describe_results(results);

  return moe_records_csv(json_node_get_array(records));
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

char *moe_record_losses(JsonObject *record, guint shown)
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

static char *largest_losses(JsonObject *record)
{
  return moe_record_losses(record, SHOWN_LOSSES);
}

char *moe_report_compare_table(const GPtrArray *results, MoeSheet sheet)
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
      {"largest losses", .place = "w2", .text = largest_losses},
  };
  g_autoptr(JsonNode) records = moe_describe_results(results);

  return moe_record_rows(json_node_get_array(records), columns, G_N_ELEMENTS(columns), sheet);
}
