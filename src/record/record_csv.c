/* Records as CSV, under the names of their members. */
#include "record/record.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* Columns in the order of their first appearance; lists (memory by stage) have no place in a row. */
static void find_columns(GPtrArray *names, GHashTable *known, JsonObject *record, const char *prefix)
{
  g_autoptr(GList) keys = json_object_get_members(record);

  for (GList *key = keys; key; key = key->next) {
    JsonNode *value = json_object_get_member(record, key->data);
    g_autofree char *name = g_strdup_printf("%s%s%s", prefix, *prefix ? "." : "", (const char *)key->data);

    if (JSON_NODE_HOLDS_OBJECT(value))
      find_columns(names, known, json_node_get_object(value), name);
    else if (!JSON_NODE_HOLDS_ARRAY(value) && !g_hash_table_contains(known, name)) {
      g_hash_table_add(known, name);
      g_ptr_array_add(names, g_steal_pointer(&name));
    }
  }
}

/* What was chosen stands first, why there is no answer last. */
static int place_of(const char *name)
{
  return g_str_has_prefix(name, "set.") ? 0 : strcmp(name, "error") == 0 ? 2 : 1;
}

static GArray *columns_of(const GPtrArray *names)
{
  GArray *columns = g_array_new(FALSE, FALSE, sizeof(MoeColumn));

  for (int place = 0; place < 3; place++)
    for (guint i = 0; i < names->len; i++) {
      MoeColumn column = {names->pdata[i], names->pdata[i], "l"};

      if (place_of(names->pdata[i]) != place)
        continue;
      if (place == 0)
        column.as = "stated";
      g_array_append_val(columns, column);
    }
  return columns;
}

char *moe_records_csv(JsonArray *records)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint i = 0; i < json_array_get_length(records); i++)
    find_columns(names, known, json_array_get_object_element(records, i), "");
  g_autoptr(GArray) columns = columns_of(names);

  return names->len > 0 ? moe_record_csv(records, (MoeColumn *)columns->data, columns->len) : g_strdup("");
}
