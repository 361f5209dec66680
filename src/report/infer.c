/* What an inference says: unknowns before and after, rows, pairs, the best set, conflicts. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>
#include <string.h>

#define MOST_INFORMING 3    /* rows named beside an unknown */
#define LEAST_BITS     0.05 /* of a row that is named */

/* ---- record ------------------------------------------------------------------------------------------------------ */

#define QUANTILES(key, type, member)                                                                                   \
  {NULL, key ".p10", MOE_AT(type, member.p10)}, {NULL, key ".p50", MOE_AT(type, member.p50)},                          \
  {                                                                                                                    \
    NULL, key ".p90", MOE_AT(type, member.p90)                                                                         \
  }

static const MoeColumn range_fields[] = {
    QUANTILES("before", MoeUnknown, before),
    QUANTILES("after", MoeUnknown, after),
};

static const MoeColumn error_fields[] = {
    QUANTILES("model_error.bias_before", MoeInference, bias_before),
    QUANTILES("model_error.bias_after", MoeInference, bias_after),
    QUANTILES("model_error.model_scatter_before", MoeInference, model_scatter_before),
    QUANTILES("model_error.model_scatter_after", MoeInference, model_scatter_after),
    QUANTILES("model_error.run_scatter_before", MoeInference, run_scatter_before),
    QUANTILES("model_error.run_scatter_after", MoeInference, run_scatter_after),
    {NULL, "surrogate_check.simulations", MOE_AT(MoeInference, check.n)},
    {NULL, "surrogate_check.median_abs_error", MOE_AT(MoeInference, check.median)},
    {NULL, "surrogate_check.p90_abs_error", MOE_AT(MoeInference, check.p90)},
    {NULL, "stages", MOE_AT(MoeInference, n_stages)},
};

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

/* A page shows numbers in the unit of their dimension. */
static void add_unknown(JsonBuilder *builder, const MoeInference *inference, const MoeUnknown *unknown, gboolean page)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "key", unknown->key);
  moe_json_text(builder, "why", unknown->why);
  if (unknown->n_values > 0)
    add_weights(builder, unknown);
  else
    MOE_DESCRIBE(builder, unknown, range_fields);
  moe_json_number(builder, "bits", unknown->bits);
  moe_json_open_object(builder, "bits_of_row");
  for (guint i = 0; i < inference->n_rows; i++) {
    const MoeInferRow *row = &inference->rows[i];
    g_autofree char *key = g_strconcat(row->name, " ", row->metric, NULL);

    moe_json_number(builder, key, unknown->row_bits[i]);
  }
  json_builder_end_object(builder);
  if (page)
    moe_json_integer(builder, "dimension", unknown->dimension);
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
  for (guint i = 0; i < inference->n_cases; i++)
    moe_json_texts(builder, inference->case_name[i], (const char *const *)inference->case_best[i]);
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

/* ---- values for readers ------------------------------------------------------------------------------------------ */

/* Of an unknown with a range. */
static char *amount(JsonObject *unknown, const char *path)
{
  MoeDimension dimension = (MoeDimension)json_object_get_int_member(unknown, "dimension");
  double value = moe_record_number(unknown, path);

  if (!isfinite(value))
    return g_strdup("-");
  return dimension == MOE_DIM_NONE ? g_strdup_printf("%.4g", value) : moe_quantity_format(value, dimension);
}

/* "0.6 (0.4 to 0.7)" of a range, "bf16 60 %, fp8 40 %" of a list. */
static char *state_text(JsonObject *unknown, const char *state)
{
  g_autofree char *p10 = g_strconcat(state, ".p10", NULL), *p50 = g_strconcat(state, ".p50", NULL),
                  *p90 = g_strconcat(state, ".p90", NULL);
  g_autofree char *low = amount(unknown, p10), *middle = amount(unknown, p50), *high = amount(unknown, p90);
  JsonArray *values =
      json_object_has_member(unknown, "values") ? json_object_get_array_member(unknown, "values") : NULL;
  GString *text = g_string_new(NULL);

  if (!values)
    g_string_printf(text, "%s (%s to %s)", middle, low, high);
  for (guint v = 0; values && v < json_array_get_length(values); v++) {
    JsonObject *value = json_array_get_object_element(values, v);

    g_string_append_printf(text, "%s%s %.0f %%", v > 0 ? ", " : "", moe_record_text(value, "value"),
                           100 * moe_record_number(value, state));
  }
  return g_string_free(text, FALSE);
}

static char *before_text(JsonObject *unknown)
{
  return state_text(unknown, "before");
}

static char *after_text(JsonObject *unknown)
{
  return state_text(unknown, "after");
}

/* FILE:ID without the folder. */
static char *short_name(const char *name)
{
  const char *colon = strrchr(name, ':');

  return colon ? g_strdup(colon + 1) : g_path_get_basename(name);
}

/* The row that says most of those in `bits`, and enough; NULL: none. */
static const char *most_telling(JsonObject *bits)
{
  g_autoptr(GList) rows = json_object_get_members(bits);
  const char *best = NULL;

  for (GList *row = rows; row; row = row->next) {
    double told = moe_record_number(bits, row->data);

    if (told >= LEAST_BITS && (!best || told > moe_record_number(bits, best)))
      best = row->data;
  }
  return best;
}

static char *informants(JsonObject *unknown)
{
  g_autoptr(JsonNode) copy = json_node_copy(json_object_get_member(unknown, "bits_of_row"));
  JsonObject *bits = json_node_get_object(copy);
  GString *text = g_string_new(NULL);

  for (guint k = 0; k < MOST_INFORMING; k++) {
    const char *row = most_telling(bits);

    if (!row)
      break;
    g_autofree char *file = g_strndup(row, (gsize)(strrchr(row, ' ') - row)), *name = short_name(file);
    g_string_append_printf(text, "%s%s %.2f", k > 0 ? ", " : "", name, moe_record_number(bits, row));
    json_object_remove_member(bits, row);
  }
  return g_string_free(text, FALSE);
}

/* A row's metric: MFU in per cent, memory with a prefix. */
static char *metric_text(JsonObject *row, const char *path)
{
  const char *metric = moe_record_text(row, "metric");
  double value = moe_record_number(row, path);

  if (!isfinite(value))
    return g_strdup("-");
  if (strcmp(metric, "mfu") == 0)
    return g_strdup_printf("%.2f %%", 100 * value);
  if (strcmp(metric, "peak_memory") == 0)
    return moe_quantity_format(value, MOE_DIM_BYTES);
  return g_strdup_printf("%.4g", value);
}

static char *row_name(JsonObject *row)
{
  return short_name(moe_record_text(row, "name"));
}

static char *published(JsonObject *row)
{
  return metric_text(row, "published");
}

static char *p10(JsonObject *row)
{
  return metric_text(row, "predicted.p10");
}

static char *p50(JsonObject *row)
{
  return metric_text(row, "predicted.p50");
}

static char *p90(JsonObject *row)
{
  return metric_text(row, "predicted.p90");
}

static char *best(JsonObject *row)
{
  return metric_text(row, "best");
}

static char *inside(JsonObject *row)
{
  double value = moe_record_number(row, "published");

  if (!isfinite(value))
    return g_strdup("-");
  return g_strdup(value >= moe_record_number(row, "predicted.p10") && value <= moe_record_number(row, "predicted.p90")
                      ? "inside"
                      : "outside");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static const MoeColumn unknown_columns[] = {
    {"unknown", "key", "n"},
    {"before: P50 (P10 to P90)", .place = "w", .text = before_text},
    {"after", .place = "w", .text = after_text},
    {"bits", "bits", "r", "%.2f"},
    {"told by, bits", .place = "w", .text = informants},
};

static const MoeColumn row_fields[] = {
    {"learned from", "name", "n", MOE_AT(MoeInferRow, name), .text = row_name},
    {"metric", "metric", "l", MOE_AT(MoeInferRow, metric)},
    {NULL, "held_out", MOE_FLAG(MoeInferRow, held_out)},
    {"published", "published", "r", MOE_AT(MoeInferRow, published), .text = published},
    {"P10", "predicted.p10", "r", MOE_AT(MoeInferRow, fitted.p10), .text = p10},
    {"P50", "predicted.p50", "r", MOE_AT(MoeInferRow, fitted.p50), .text = p50},
    {"P90", "predicted.p90", "r", MOE_AT(MoeInferRow, fitted.p90), .text = p90},
    {"best set", "best", "r", MOE_AT(MoeInferRow, best), .text = best},
    {NULL, "best_time_error", MOE_AT(MoeInferRow, error)},
    {NULL, "rank", MOE_AT(MoeInferRow, rank)},
    {NULL, "surrogate_error", MOE_AT(MoeInferRow, surrogate_error)},
    {NULL, "model_error_bits", MOE_AT(MoeInferRow, model_bits)},
};

static const MoeColumn held_columns[] = {
    {"held out", .place = "n", .text = row_name},
    {"metric", "metric", "l"},
    {"published", .place = "r", .text = published},
    {"P10", .place = "r", .text = p10},
    {"P50", .place = "r", .text = p50},
    {"P90", .place = "r", .text = p90},
    {"P10-P90", .place = "l", .text = inside},
    {"best set", .place = "r", .text = best},
};

static const MoeColumn pair_columns[] = {
    {"known together better than alone", "a", "n"},
    {"and", "b", "n"},
    {"bits", "bits", "r", "%.2f"},
    {"correlation", "correlation", "r", "%+.2f"},
};

/* ---- the model's own error --------------------------------------------------------------------------------------- */

static const MoeColumn error_columns[] = {
    {"model's own error of times", "name", "l"},
    {"before: P50 (P10 to P90)", "before", "l"},
    {"after", "after", "l"},
};

/* Logarithms as changes in per cent. */
static void add_error(JsonBuilder *builder, const char *name, const MoeQuantiles *before, const MoeQuantiles *after)
{
  const MoeQuantiles *both[] = {before, after};
  static const char *const keys[] = {"before", "after"};

  json_builder_begin_object(builder);
  moe_json_text(builder, "name", name);
  for (guint i = 0; i < G_N_ELEMENTS(both); i++) {
    g_autofree char *text = g_strdup_printf("%+.1f %% (%+.1f to %+.1f)", 100 * expm1(both[i]->p50),
                                            100 * expm1(both[i]->p10), 100 * expm1(both[i]->p90));

    moe_json_text(builder, keys[i], text);
  }
  json_builder_end_object(builder);
}

/* Rows that only a page has. */
static void add_errors(JsonBuilder *builder, const MoeInference *x)
{
  moe_json_open_array(builder, "errors");
  add_error(builder, "bias of all", &x->bias_before, &x->bias_after);
  add_error(builder, "scatter of models", &x->model_scatter_before, &x->model_scatter_after);
  add_error(builder, "scatter of runs of a model", &x->run_scatter_before, &x->run_scatter_after);
  json_builder_end_array(builder);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static JsonNode *describe_inference(const MoeInference *inference, gboolean page)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_integer(builder, "seed", (gint64)inference->seed);
  moe_json_open_array(builder, "unknowns");
  for (guint j = 0; j < inference->n_unknowns; j++)
    add_unknown(builder, inference, &inference->unknowns[j], page);
  json_builder_end_array(builder);
  MOE_LIST(builder, "rows", inference->rows, inference->n_rows + inference->n_held_out, row_fields);
  add_pairs(builder, inference);
  add_best(builder, inference);
  add_conflict(builder, inference);
  MOE_DESCRIBE(builder, inference, error_fields);
  moe_json_integer(builder, "simulations", inference->n_simulated + inference->n_known);
  moe_json_integer(builder, "simulations_from_store", inference->n_known);
  if (page)
    add_errors(builder, inference);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* Rows that cannot be met together: "a, b and c". */
static char *conflict_text(JsonObject *record)
{
  JsonArray *rows = json_object_get_array_member(record, "conflict");
  guint n = json_array_get_length(rows);
  double within = 100 * moe_record_number(record, "within");
  GString *text = g_string_new(NULL);

  if (moe_record_flag(record, "explained"))
    g_string_printf(text, "The best set meets every row within %.1f %%.\n", within);
  else if (n == 0)
    g_string_printf(text,
                    "The best set does not meet every row within %.1f %%; by the surrogates one that does is near.\n",
                    within);
  for (guint k = 0; k < n && !moe_record_flag(record, "explained"); k++) {
    g_autofree char *name = short_name(json_array_get_string_element(rows, k));

    g_string_append_printf(text, "%s%s",
                           k == 0       ? "No values within the ranges explain "
                           : k + 1 == n ? " and "
                                        : ", ",
                           name);
  }
  if (text->len > 0 && text->str[text->len - 1] != '\n')
    g_string_append_printf(text, " %swithin %.1f %%.\n", n > 1 ? "together " : "", within);
  return g_string_free(text, FALSE);
}

static char *no_pairs(JsonObject *record)
{
  gboolean any = json_array_get_length(json_object_get_array_member(record, "pairs")) > 0;

  return any ? NULL : g_strdup("No two unknowns matter together beyond what each does alone.\n");
}

/* Overrides, each once: as the first case that has it. */
static char *best_text(JsonObject *record)
{
  JsonObject *cases = json_object_get_object_member(record, "best");
  g_autoptr(GList) names = json_object_get_members(cases);
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  GString *text = g_string_new("Best joint set, as overrides of the first case that has each:\n");

  for (GList *name = names; name; name = name->next) {
    JsonArray *sets = json_object_get_array_member(cases, name->data);

    for (guint k = 0; k < json_array_get_length(sets); k++) {
      const char *set = json_array_get_string_element(sets, k);

      if (g_hash_table_add(seen, g_strndup(set, strcspn(set, "="))))
        g_string_append_printf(text, "  --set '%s'\n", set);
    }
  }
  return g_string_free(text, FALSE);
}

static const MoePassage page[] = {
    {MOE_ROWS("unknowns", unknown_columns)},
    {MOE_SAY("\n")},
    {MOE_ROWS("errors", error_columns)},
    {MOE_SAY("\n")},
    {MOE_ROWS("rows", row_fields), .where = "held_out=false"},
    {MOE_ROWS("rows", held_columns), .where = "held_out=true", .above = "\n"},
    {MOE_SAY("\n")},
    {MOE_ROWS("pairs", pair_columns), .above = ""},
    {MOE_SAID(no_pairs)},
    {MOE_SAY("\n")},
    {MOE_SAID(conflict_text)},
    {MOE_SAID(best_text)},
    {MOE_SAY(
        "\n{simulations} simulations, {simulations_from_store} of them from the store; {stages} stages. Surrogates "
        "against {surrogate_check.simulations} simulations at draws of the posterior that they had not seen: "
        "{surrogate_check.median_abs_error|%} off in the median, {surrogate_check.p90_abs_error|%} at P90.\n")},
};

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

/* An unknown with a range, the weight of a value of one with a list, or a row; what is not told is NaN. */
typedef struct {
  const char *what, *name, *value;
  double published;
  MoeQuantiles before, after;
  double bits;
} CsvLine;

#define NUMBER(key, member)                                                                                            \
  {                                                                                                                    \
    key, key, "l", "%.9g", MOE_AT(CsvLine, member), .none = ""                                                         \
  }

static const MoeColumn line_fields[] = {
    {"what", "what", "l", MOE_AT(CsvLine, what)},
    {"name", "name", "l", MOE_AT(CsvLine, name)},
    {"value", "value", "l", MOE_AT(CsvLine, value)},
    NUMBER("published", published),
    NUMBER("before_p10", before.p10),
    NUMBER("before_p50", before.p50),
    NUMBER("before_p90", before.p90),
    NUMBER("after_p10", after.p10),
    NUMBER("after_p50", after.p50),
    NUMBER("after_p90", after.p90),
    NUMBER("bits", bits),
};

static const MoeQuantiles untold = {NAN, NAN, NAN};

static void add_lines(JsonBuilder *builder, const MoeUnknown *unknown)
{
  CsvLine line = {"unknown", unknown->key, NULL, NAN, unknown->before, unknown->after, unknown->bits};

  if (unknown->n_values == 0)
    MOE_LIST(builder, NULL, &line, 1, line_fields);
  for (guint v = 0; v < unknown->n_values; v++) {
    line = (CsvLine){"weight", unknown->key, unknown->value[v], NAN, untold, untold, unknown->bits};
    line.before.p50 = unknown->before_weight[v];
    line.after.p50 = unknown->after_weight[v];
    MOE_LIST(builder, NULL, &line, 1, line_fields);
  }
}

static JsonNode *describe_lines(const MoeInference *inference)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint j = 0; j < inference->n_unknowns; j++)
    add_lines(builder, &inference->unknowns[j]);
  for (guint i = 0; i < inference->n_rows + inference->n_held_out; i++) {
    const MoeInferRow *row = &inference->rows[i];
    const CsvLine line = {
        row->held_out ? "held_out" : "row", row->name, row->metric, row->published, untold, row->fitted, NAN};

    MOE_LIST(builder, NULL, &line, 1, line_fields);
  }
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

char *moe_report_infer(const MoeInference *inference, MoeSheet sheet)
{
  static const MoeForms forms = {MOE_PAGE(page), MOE_CSV("", line_fields)};
  JsonNode *record = sheet.format == MOE_FORMAT_CSV ? describe_lines(inference)
                                                    : describe_inference(inference, sheet.format == MOE_FORMAT_TABLE);

  return moe_record_emit(record, &forms, sheet);
}
