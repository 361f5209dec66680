/* An inference as JSON. */
#include "report/infer.h"
#include <math.h>

#include "record/json.h"
#include <json-glib/json-glib.h>

static void add_quantiles(JsonBuilder *builder, const char *key, const MoeQuantiles *q)
{
  moe_json_open_object(builder, key);
  moe_json_number(builder, "p10", q->p10);
  moe_json_number(builder, "p50", q->p50);
  moe_json_number(builder, "p90", q->p90);
  json_builder_end_object(builder);
}

static void add_weights(JsonBuilder *builder, const MoeUnknown *unknown)
{
  moe_json_open_array(builder, "values");
  for (guint v = 0; v < unknown->n_values; v++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "value", unknown->value[v]);
    moe_json_number(builder, "before", unknown->before_weight[v]);
    moe_json_number(builder, "after", unknown->after_weight[v]);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_unknown(JsonBuilder *builder, const MoeInference *inference, const MoeUnknown *unknown)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "key", unknown->key);
  moe_json_text(builder, "why", unknown->why);
  if (unknown->n_values > 0)
    add_weights(builder, unknown);
  else {
    add_quantiles(builder, "before", &unknown->before);
    add_quantiles(builder, "after", &unknown->after);
  }
  moe_json_number(builder, "bits", unknown->bits);
  moe_json_open_object(builder, "bits_of_row");
  for (guint i = 0; i < inference->n_rows; i++) {
    const MoeInferRow *row = &inference->rows[i];
    g_autofree char *key = g_strconcat(row->name, " ", row->metric, NULL);

    moe_json_number(builder, key, unknown->row_bits[i]);
  }
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

static void add_row(JsonBuilder *builder, const MoeInferRow *row)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", row->name);
  moe_json_text(builder, "metric", row->metric);
  moe_json_bool(builder, "held_out", row->held_out);
  moe_json_number(builder, "published", row->published);
  add_quantiles(builder, "predicted", &row->fitted);
  moe_json_number(builder, "best", row->best);
  moe_json_number(builder, "best_time_error", row->error);
  moe_json_number(builder, "rank", row->rank);
  moe_json_number(builder, "surrogate_error", row->surrogate_error);
  moe_json_number(builder, "model_error_bits", row->model_bits);
  json_builder_end_object(builder);
}

static void add_pairs(JsonBuilder *builder, const MoeInference *inference)
{
  moe_json_open_array(builder, "pairs");
  for (guint k = 0; k < inference->n_pairs; k++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "a", inference->unknowns[inference->pairs[k].a].key);
    moe_json_text(builder, "b", inference->unknowns[inference->pairs[k].b].key);
    moe_json_number(builder, "bits", inference->pairs[k].bits);
    moe_json_number(builder, "correlation", inference->pairs[k].correlation);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

static void add_best(JsonBuilder *builder, const MoeInference *inference)
{
  moe_json_open_object(builder, "best");
  for (guint i = 0; i < inference->n_cases; i++) {
    moe_json_open_array(builder, inference->case_name[i]);
    for (guint k = 0; inference->case_best[i][k]; k++)
      json_builder_add_string_value(builder, inference->case_best[i][k]);
    json_builder_end_array(builder);
  }
  json_builder_end_object(builder);
}

static void add_conflict(JsonBuilder *builder, const MoeInference *inference)
{
  moe_json_bool(builder, "explained", inference->explained);
  moe_json_number(builder, "within", inference->within);
  moe_json_open_array(builder, "conflict");
  for (guint k = 0; k < inference->n_conflict; k++)
    json_builder_add_string_value(builder, inference->rows[inference->conflict[k]].name);
  json_builder_end_array(builder);
}

static void add_work(JsonBuilder *builder, const MoeInference *inference)
{
  moe_json_open_object(builder, "model_error");
  add_quantiles(builder, "bias_before", &inference->bias_before);
  add_quantiles(builder, "bias_after", &inference->bias_after);
  add_quantiles(builder, "model_scatter_before", &inference->model_scatter_before);
  add_quantiles(builder, "model_scatter_after", &inference->model_scatter_after);
  add_quantiles(builder, "run_scatter_before", &inference->run_scatter_before);
  add_quantiles(builder, "run_scatter_after", &inference->run_scatter_after);
  json_builder_end_object(builder);
  moe_json_open_object(builder, "surrogate_check");
  moe_json_integer(builder, "simulations", inference->check.n);
  moe_json_number(builder, "median_abs_error", inference->check.median);
  moe_json_number(builder, "p90_abs_error", inference->check.p90);
  json_builder_end_object(builder);
  moe_json_integer(builder, "stages", inference->n_stages);
  moe_json_integer(builder, "simulations", inference->n_simulated + inference->n_known);
}

char *moe_report_infer_json(const MoeInference *inference)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_integer(builder, "seed", (gint64)inference->seed);
  moe_json_open_array(builder, "unknowns");
  for (guint j = 0; j < inference->n_unknowns; j++)
    add_unknown(builder, inference, &inference->unknowns[j]);
  json_builder_end_array(builder);
  moe_json_open_array(builder, "rows");
  for (guint i = 0; i < inference->n_rows + inference->n_held_out; i++)
    add_row(builder, &inference->rows[i]);
  json_builder_end_array(builder);
  add_pairs(builder, inference);
  add_best(builder, inference);
  add_conflict(builder, inference);
  add_work(builder, inference);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
