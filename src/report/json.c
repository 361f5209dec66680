/* Predictions as JSON and CSV. */
#include <moesim/report_json.h>

#include <moesim/economy.h>
#include <moesim/report.h>

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static void add_number(JsonBuilder *builder, const char *key, double value)
{
  json_builder_set_member_name(builder, key);
  if (isfinite(value))
    json_builder_add_double_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

/* 0 stands for "not given". */
static void add_given(JsonBuilder *builder, const char *key, double value)
{
  add_number(builder, key, value != 0 ? value : NAN);
}

static void add_integer(JsonBuilder *builder, const char *key, gint64 value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_int_value(builder, value);
}

static void add_bool(JsonBuilder *builder, const char *key, gboolean value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_boolean_value(builder, value);
}

static void add_text(JsonBuilder *builder, const char *key, const char *value)
{
  json_builder_set_member_name(builder, key);
  if (value)
    json_builder_add_string_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

static void open_member(JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name(builder, key);
  json_builder_begin_object(builder);
}

static void add_pair(JsonBuilder *builder, const char *key, double causal, double full)
{
  open_member(builder, key);
  add_number(builder, "causal", causal);
  add_number(builder, "full", full);
  json_builder_end_object(builder);
}

/* One number per word; words are in the order of the enumeration that indexes `values`. */
static void add_words(JsonBuilder *builder, const char *key, const char *const *words, const double *values, guint n)
{
  open_member(builder, key);
  for (guint i = 0; i < n; i++)
    add_number(builder, words[i], values[i]);
  json_builder_end_object(builder);
}

static void add_identity(JsonBuilder *builder, const MoeResult *result)
{
  add_text(builder, "run", result->run);
  add_text(builder, "variant", result->variant);
  add_text(builder, "cluster", result->cluster);
  add_text(builder, "stack", result->stack);
  add_bool(builder, "rumour", result->rumour);
  add_integer(builder, "gpus", result->gpus);
  add_text(builder, "fidelity", moe_fidelity_words[result->fidelity]);
  add_integer(builder, "seed", (gint64)result->seed);
  open_member(builder, "parameters");
  add_number(builder, "total", result->parameters_total);
  add_number(builder, "active", result->parameters_active);
  json_builder_end_object(builder);
}

static void add_speed(JsonBuilder *builder, const MoeResult *result)
{
  add_pair(builder, "model_flops_per_token", result->model_flops_per_token_causal, result->model_flops_per_token_full);
  add_integer(builder, "global_batch", result->global_batch);
  add_integer(builder, "sequence_length", result->sequence_length);
  add_number(builder, "tokens_per_step", result->tokens_per_step);
  add_number(builder, "step_time_s", result->step_time_s);
  add_number(builder, "tokens_per_s", result->tokens_per_s);
  add_number(builder, "tokens_per_s_per_gpu", result->tokens_per_s_per_gpu);
  add_pair(builder, "model_tflops_per_gpu", result->model_flop_per_s_per_gpu_causal * 1e-12,
           result->model_flop_per_s_per_gpu_full * 1e-12);
  add_pair(builder, "mfu", result->mfu_causal, result->mfu_full);
  add_number(builder, "hfu", result->hfu);
  add_number(builder, "peak_flops_per_gpu", result->peak_flop_per_s);
  add_text(builder, "peak_precision", result->peak_precision);
}

/* Only where it was asked for. */
static void add_interval(JsonBuilder *builder, const MoeResult *result)
{
  if (result->interval.samples == 0)
    return;
  open_member(builder, "interval");
  add_integer(builder, "samples", result->interval.samples);
  add_number(builder, "mfu_causal_p10", result->interval.mfu_causal_p10);
  add_number(builder, "mfu_causal_p90", result->interval.mfu_causal_p90);
  add_number(builder, "mfu_full_p10", result->interval.mfu_full_p10);
  add_number(builder, "mfu_full_p90", result->interval.mfu_full_p90);
  add_number(builder, "step_time_p10_s", result->interval.step_time_p10_s);
  add_number(builder, "step_time_p90_s", result->interval.step_time_p90_s);
  json_builder_end_object(builder);
}

static void add_published(JsonBuilder *builder, const MoeResult *result)
{
  gboolean present = result->published.present;

  open_member(builder, "published");
  add_given(builder, "mfu", result->published.mfu);
  add_text(builder, "convention", present ? (result->published.full_convention ? "full" : "causal") : NULL);
  add_given(builder, "step_time_s", result->published.step_time_s);
  add_given(builder, "tokens_per_s_per_gpu", result->published.tokens_per_s_per_gpu);
  add_given(builder, "model_tflops_per_gpu", result->published.model_flop_per_s_per_gpu * 1e-12);
  add_bool(builder, "step_time_derived", result->published.step_time_derived);
  add_text(builder, "source", result->published.source);
  json_builder_end_object(builder);
}

static void add_stages(JsonBuilder *builder, const MoeResult *result)
{
  json_builder_set_member_name(builder, "stages");
  json_builder_begin_array(builder);
  for (guint i = 0; i < result->memory.n_roles; i++) {
    json_builder_begin_object(builder);
    add_integer(builder, "stage", i);
    add_number(builder, "peak_bytes", result->memory.role[i].peak_bytes);
    add_words(builder, "parts", moe_memory_words, result->memory.role[i].part_bytes, MOE_N_MEMORY_PARTS);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_memory(JsonBuilder *builder, const MoeResult *result)
{
  open_member(builder, "memory");
  add_number(builder, "peak_bytes", result->memory.peak_bytes);
  add_number(builder, "capacity_bytes", result->memory.capacity_bytes);
  add_number(builder, "headroom_bytes", result->memory.headroom_bytes);
  for (guint kind = MOE_MEMORY_ALLOCATED; kind <= MOE_MEMORY_RESERVED; kind++) {
    g_autofree char *name = g_strconcat(moe_memory_kind_words[kind], "_bytes", NULL);

    add_number(builder, name, result->memory.role[result->memory.peak_role].counted_bytes[kind]);
  }
  add_bool(builder, "fits", result->memory.fits);
  add_words(builder, "parts", moe_memory_words, result->memory.part_bytes, MOE_N_MEMORY_PARTS);
  add_stages(builder, result);
  json_builder_end_object(builder);
}

/* A trillion tokens at this step time, without interruption; null where price or power is unknown. */
static void add_economy(JsonBuilder *builder, const MoeResult *result)
{
  MoeEconomy economy = moe_economy_ideal(result);

  open_member(builder, "economy");
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
  add_interval(builder, result);
  add_published(builder, result);
  add_memory(builder, result);
  add_economy(builder, result);
  add_words(builder, "time_s", moe_cause_words, result->cause_s, MOE_N_CAUSES);
  add_words(builder, "kernel_time_s", moe_reason_words, result->reason_s, MOE_N_REASONS);
  add_words(builder, "scope_time_s", moe_scope_words, result->scope_s, MOE_N_SCOPES);
  add_words(builder, "pass_time_s", moe_pass_words, result->pass_s, MOE_N_PASSES);
  open_member(builder, "traffic_bytes_per_gpu");
  add_number(builder, "nvlink", result->traffic_nvlink_bytes);
  add_number(builder, "network", result->traffic_network_bytes);
  add_number(builder, "host", result->traffic_host_bytes);
  json_builder_end_object(builder);
  add_number(builder, "extrapolated_kernel_share", result->extrapolated_share);
  add_integer(builder, "operations", (gint64)result->operations);
  add_integer(builder, "events", (gint64)result->events);
  add_number(builder, "wall_time_s", result->wall_time_s);
  json_builder_end_object(builder);
}

static JsonNode *result_node(const MoeResult *result)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  add_result(builder, result);
  return json_builder_get_root(builder);
}

static JsonNode *results_node(const GPtrArray *results)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < results->len; i++)
    add_result(builder, g_ptr_array_index(results, i));
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

char *moe_report_json(const GPtrArray *results, gboolean array)
{
  g_assert(array || results->len == 1);
  g_autoptr(JsonNode) root = array ? results_node(results) : result_node(g_ptr_array_index(results, 0));
  g_autofree char *text = moe_json_print(root, TRUE);

  return g_strconcat(text, "\n", NULL);
}

/* ---- CSV -------------------------------------------------------------------------------------------------------- */

static char *cell_text(JsonNode *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (JSON_NODE_HOLDS_NULL(value))
    return g_strdup("");
  switch (json_node_get_value_type(value)) {
  case G_TYPE_STRING:
    return g_strdup(json_node_get_string(value));
  case G_TYPE_BOOLEAN:
    return g_strdup(json_node_get_boolean(value) ? "true" : "false");
  case G_TYPE_INT64:
    return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(value));
  default:
    return g_strdup(g_ascii_dtostr(digits, sizeof digits, json_node_get_double(value)));
  }
}

/* The object's values, nested ones by joined keys; lists (memory by stage) have no place in a row. */
static void flatten(JsonObject *object, const char *prefix, GPtrArray *names, GPtrArray *values)
{
  g_autoptr(GList) keys = json_object_get_members(object);

  for (GList *key = keys; key; key = key->next) {
    JsonNode *value = json_object_get_member(object, key->data);
    g_autofree char *name = g_strdup_printf("%s%s%s", prefix, *prefix ? "." : "", (const char *)key->data);

    if (JSON_NODE_HOLDS_OBJECT(value))
      flatten(json_node_get_object(value), name, names, values);
    if (JSON_NODE_HOLDS_OBJECT(value) || JSON_NODE_HOLDS_ARRAY(value))
      continue;
    g_ptr_array_add(names, g_steal_pointer(&name));
    g_ptr_array_add(values, cell_text(value));
  }
}

static void add_cells(MoeTable *table, const GPtrArray *cells)
{
  for (guint i = 0; i < cells->len; i++)
    moe_table_add(table, g_ptr_array_index(cells, i));
}

char *moe_report_csv(const GPtrArray *results)
{
  g_autoptr(MoeTable) table = NULL;

  for (guint i = 0; i < results->len; i++) {
    g_autoptr(JsonNode) root = result_node(g_ptr_array_index(results, i));
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);

    flatten(json_node_get_object(root), "", names, values);
    if (!table) {
      g_autofree char *alignment = g_strnfill(names->len, 'l');

      table = moe_table_new(alignment);
      add_cells(table, names);
    }
    add_cells(table, values);
  }
  return table ? moe_table_csv(table) : g_strdup("");
}
