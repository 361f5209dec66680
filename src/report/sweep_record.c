/* Records: one JSON object each, kept as text. */
#include "report/json.h"
#include "sweep_internal.h"

#include <json-glib/json-glib.h>

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

static void set_settings(JsonObject *object, const MoeSettings *settings)
{
  JsonObject *set = json_object_new();

  for (guint i = 0; i < settings->n; i++)
    json_object_set_member(set, settings->key[i], value_node(settings->value[i]));
  json_object_set_object_member(object, "set", set);
}

static char *print(JsonObject *object)
{
  g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);

  return moe_json_print(node, FALSE);
}

char *moe_report_record(const MoeResult *result, const MoeSettings *settings)
{
  g_autoptr(GPtrArray) one = g_ptr_array_new();

  g_ptr_array_add(one, (gpointer)result);
  g_autofree char *text = moe_report_json(one, FALSE);
  g_autoptr(JsonNode) node = json_from_string(text, NULL);
  set_settings(json_node_get_object(node), settings);
  return print(json_node_get_object(node));
}

char *moe_report_refusal(const char *reason, const MoeSettings *settings)
{
  g_autoptr(JsonObject) object = json_object_new();

  set_settings(object, settings);
  json_object_set_string_member(object, "error", reason);
  return print(object);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

JsonObject *moe_record_parse(const char *record, JsonNode **node)
{
  *node = json_from_string(record, NULL);
  g_assert(*node && JSON_NODE_HOLDS_OBJECT(*node)); /* we wrote it */
  return json_node_get_object(*node);
}

double moe_report_record_mfu(const char *record)
{
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object = moe_record_parse(record, &node);
  JsonObject *mfu = json_object_has_member(object, "mfu") ? json_object_get_object_member(object, "mfu") : NULL;

  return mfu ? MAX(json_object_get_double_member(mfu, "causal"), json_object_get_double_member(mfu, "full")) : 0;
}

char *moe_record_cell(JsonNode *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (!value || JSON_NODE_HOLDS_NULL(value))
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

char *moe_report_records_json(guint n, const char *const *records)
{
  g_autoptr(JsonNode) root = json_node_init_array(json_node_alloc(), NULL);
  JsonArray *array = json_array_new();

  for (guint i = 0; i < n; i++)
    json_array_add_element(array, json_from_string(records[i], NULL));
  json_node_take_array(root, array);
  g_autofree char *text = moe_json_print(root, TRUE);
  return g_strconcat(text, "\n", NULL);
}
