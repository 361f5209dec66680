/* Records as CSV: columns are those of all records, in the order of their first appearance. */
#include "sweep_internal.h"

#include <string.h>

/* A record's values by joined key. */
typedef struct {
  GPtrArray *names;   /* of all columns */
  GHashTable *known;  /* the same, for looking up */
  GHashTable *values; /* of this record: name -> cell */
} Row;

static void keep(Row *row, char *name, char *cell)
{
  if (!g_hash_table_contains(row->known, name)) {
    char *column = g_strdup(name);

    g_ptr_array_add(row->names, column);
    g_hash_table_add(row->known, column);
  }
  g_hash_table_insert(row->values, name, cell);
}

/* Lists (memory by stage) have no place in a row. */
static void flatten(Row *row, JsonObject *object, const char *prefix)
{
  g_autoptr(GList) keys = json_object_get_members(object);

  for (GList *key = keys; key; key = key->next) {
    JsonNode *value = json_object_get_member(object, key->data);
    g_autofree char *name = g_strdup_printf("%s%s%s", prefix, *prefix ? "." : "", (const char *)key->data);

    if (JSON_NODE_HOLDS_OBJECT(value))
      flatten(row, json_node_get_object(value), name);
    else if (!JSON_NODE_HOLDS_ARRAY(value))
      keep(row, g_steal_pointer(&name), moe_record_cell(value));
  }
}

static GHashTable *read_row(const char *record, GPtrArray *names, GHashTable *known)
{
  g_autoptr(JsonNode) node = NULL;
  JsonObject *object = moe_record_parse(record, &node);
  Row row = {names, known, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};

  flatten(&row, object, "");
  return row.values;
}

/* What was chosen stands first, why there is no answer last. */
static int place_of(const char *name)
{
  return g_str_has_prefix(name, "set.") ? 0 : strcmp(name, "error") == 0 ? 2 : 1;
}

static void add_columns(MoeTable *table, const GPtrArray *names, GHashTable *values)
{
  for (int place = 0; place < 3; place++)
    for (guint i = 0; i < names->len; i++)
      if (place_of(names->pdata[i]) == place)
        moe_table_add(table, values ? g_hash_table_lookup(values, names->pdata[i]) : names->pdata[i]);
}

char *moe_report_records_csv(guint n, const char *const *records)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_unref);
  g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add(rows, read_row(records[i], names, known));
  if (names->len == 0)
    return g_strdup("");
  g_autofree char *alignment = g_strnfill(names->len, 'l');
  g_autoptr(MoeTable) table = moe_table_new(alignment);
  add_columns(table, names, NULL);
  for (guint i = 0; i < n; i++)
    add_columns(table, names, rows->pdata[i]);
  return moe_table_csv(table);
}
