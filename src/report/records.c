/* Records of points: one JSON object each, kept as text; together as JSON, CSV and a table. */
#include "report/describe.h"
#include "training.h"

#include <math.h>
#include <string.h>

/* ---- making ----------------------------------------------------------------------------------------------------- */

/* A number where the text is one, so that readers need not guess. */
static JsonNode *value_node(const char *text)
{
  double number;
  gint64 whole;

  if (g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &whole, NULL))
    return json_node_init_int(json_node_alloc(), whole);
  if (moe_quantity_parse(text, MOE_DIM_NONE, &number, NULL))
    return number == floor(number) && number < 0x1p53 ? json_node_init_int(json_node_alloc(), (gint64)number)
                                                      : json_node_init_double(json_node_alloc(), number);
  if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
    return json_node_init_boolean(json_node_alloc(), strcmp(text, "true") == 0);
  return json_node_init_string(json_node_alloc(), text);
}

void moe_record_choose(JsonObject *object, const MoeSettings *settings)
{
  JsonObject *set = json_object_new();

  for (guint i = 0; i < settings->n; i++)
    json_object_set_member(set, settings->key[i], value_node(settings->value[i]));
  json_object_set_object_member(object, "set", set);
}

char *moe_report_record(const MoeResult *result, const MoeSettings *settings)
{
  g_autoptr(JsonNode) node = moe_describe_result(result);

  moe_record_choose(json_node_get_object(node), settings);
  return moe_json_print(node, FALSE);
}

char *moe_report_refusal(const char *reason, const MoeSettings *settings)
{
  g_autoptr(JsonObject) object = json_object_new();
  g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);

  moe_record_choose(object, settings);
  json_object_set_string_member(object, "error", reason);
  return moe_json_print(node, FALSE);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static JsonNode *parse(const char *record)
{
  JsonNode *node = json_from_string(record, NULL);

  g_assert(node && JSON_NODE_HOLDS_OBJECT(node)); /* we wrote it */
  return node;
}

static JsonNode *parse_all(guint n, const char *const *records)
{
  g_autoptr(JsonArray) array = json_array_sized_new(n);

  for (guint i = 0; i < n; i++)
    json_array_add_element(array, parse(records[i]));
  return json_node_init_array(json_node_alloc(), array);
}

double moe_report_record_mfu(const char *record)
{
  g_autoptr(JsonNode) node = parse(record);
  JsonObject *object = json_node_get_object(node);

  return fmax(0, fmax(moe_record_number(object, "mfu.causal"), moe_record_number(object, "mfu.full")));
}

char *moe_report_record_training(const char *record, double tokens)
{
  g_autoptr(JsonNode) node = parse(record);

  if (tokens > 0)
    moe_training_cost_scale(json_node_get_object(node), tokens);
  return moe_json_print(node, FALSE);
}

/* ---- emitting ---------------------------------------------------------------------------------------------------- */

static char *losses_or_reason(JsonObject *record)
{
  const char *reason = moe_record_text(record, "error");

  return reason ? g_strdup(reason) : moe_record_losses(record);
}

static const MoeColumn answer_columns[] = {
    {"GPUs", "gpus", "r", "text"},
    {"batch", "global_batch", "r3", "text"},
    {"step", "step_time_s", "r", "s"},
    {"tokens/s/GPU", "tokens_per_s_per_gpu", "r2", "%.0f"},
    {"MFU causal", "mfu.causal", "r", "%"},
    {"MFU P10", "interval.mfu_causal_p10", "r?", "%"},
    {"MFU P90", "interval.mfu_causal_p90", "r?", "%"},
    {"MFU full", "mfu.full", "r4", "%"},
    {"memory", "memory.peak_bytes", "r", "B"},
    {"fits", "memory.fits", "l", "yes"},
    {"days", "training.days", "r?", "#"},
    {"cost", "training.dollars", "r?", "$"},
    {"energy", "training.mwh", "r1?", "MWh"},
    {"MW", "training.megawatts", "r2?", "#"},
    {"largest losses", .place = "w", .text = losses_or_reason},
};

/* One column per chosen key, named by its last part: the sections are known. */
static void add_chosen(GArray *columns, GPtrArray *paths, JsonObject *record)
{
  g_autoptr(GList) keys = json_object_get_members(json_object_get_object_member(record, "set"));

  for (GList *key = keys; key; key = key->next) {
    char *path = g_strconcat("set.", key->data, NULL);
    MoeColumn column = {strrchr(path, '.') + 1, path, "l", "stated"};

    g_ptr_array_add(paths, path);
    g_array_append_val(columns, column);
  }
}

char *moe_report_records(guint n, const char *const *records, MoeSheet sheet)
{
  g_autoptr(GArray) columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
  JsonNode *root = parse_all(n, records);

  if (n > 0)
    add_chosen(columns, paths, json_array_get_object_element(json_node_get_array(root), 0));
  g_array_append_vals(columns, answer_columns, G_N_ELEMENTS(answer_columns));
  const MoePassage page[] = {
      {.list = "", .columns = (MoeColumn *)columns->data, .n_columns = columns->len, .above = ""}};
  const MoeForms forms = {MOE_PAGE(page), .rows = ""};

  return moe_record_emit(root, &forms, sheet);
}
