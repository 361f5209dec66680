/* The outputs of a record: its page, JSON, CSV. */
#include "record/record.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* The records at `path`; those of the record itself where it is a list. */
static JsonArray *list_at(JsonNode *record, const char *path)
{
  return *path ? moe_record_list(record, path) : json_node_get_array(record);
}

/* "by=cause", or only "by". */
static gboolean is_where(JsonObject *row, const char *where)
{
  const char *equals = strchr(where, '=');
  g_autofree char *path = equals ? g_strndup(where, (gsize)(equals - where)) : g_strdup(where);
  JsonNode *value = moe_record_find(row, path);
  g_autofree char *shown = value ? moe_record_show(value, NULL) : NULL;

  return equals ? g_strcmp0(shown, equals + 1) == 0 : shown != NULL;
}

/* The rows that a piece shows; *n is how many it would with room for all. */
static JsonArray *rows_of(JsonNode *record, const MoePassage *piece, guint *n)
{
  JsonArray *all = list_at(record, piece->list), *shown = json_array_new();

  *n = 0;
  for (guint i = 0; i < json_array_get_length(all); i++) {
    if (piece->where && !is_where(json_array_get_object_element(all, i), piece->where))
      continue;
    if (piece->most == 0 || *n < piece->most)
      json_array_add_element(shown, json_node_copy(json_array_get_element(all, i)));
    (*n)++;
  }
  return shown;
}

static void append_each(GString *text, JsonArray *records, const MoeLine *line)
{
  for (guint i = 0; i < json_array_get_length(records); i++) {
    g_autofree char *said = moe_record_line(json_array_get_object_element(records, i), line);

    g_string_append(text, said ? said : "");
  }
}

static void append_rows(GString *text, JsonNode *record, const MoePassage *piece, MoeSheet sheet)
{
  guint n;
  g_autoptr(JsonArray) shown = rows_of(record, piece, &n);
  g_autofree char *rows = moe_record_rows(shown, piece->columns, piece->n_columns, sheet);

  if (n == 0 && piece->above)
    return;
  g_string_append_printf(text, "%s%s", piece->above ? piece->above : "", rows);
  if (json_array_get_length(shown) < n)
    g_string_append_printf(text, "and %u more, in JSON\n", n - json_array_get_length(shown));
}

static void append_lines(GString *text, JsonObject *record, const MoePassage *piece, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, record, piece->lines, piece->n_lines);
  g_autofree char *lines = moe_table_format(table, sheet);

  g_string_append(text, lines);
}

static void append_piece(GString *text, JsonNode *record, const MoePassage *piece, MoeSheet sheet)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT(record) ? json_node_get_object(record) : NULL;
  gboolean speaks = piece->said.text || piece->said.made;
  g_autofree char *said = speaks ? moe_record_line(object, &piece->said) : NULL;

  g_string_append(text, said ? said : "");
  if (piece->list && !piece->columns)
    append_each(text, list_at(record, piece->list), &piece->each);
  else if (piece->list)
    append_rows(text, record, piece, sheet);
  if (piece->lines)
    append_lines(text, object, piece, sheet);
}

char *moe_record_page(JsonNode *record, const MoePassage *pieces, guint n, MoeSheet sheet)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++)
    append_piece(text, record, &pieces[i], sheet);
  return g_string_free(text, FALSE);
}

static char *emit_csv(JsonNode *record, const MoeForms *forms)
{
  g_autoptr(JsonArray) alone = json_array_new();
  JsonArray *rows = alone;

  if (forms->rows)
    rows = list_at(record, forms->rows);
  else
    json_array_add_element(alone, json_node_copy(record));
  return forms->csv ? moe_record_csv(rows, forms->csv, forms->n_csv) : moe_records_csv(rows);
}

char *moe_record_emit(JsonNode *record, const MoeForms *forms, MoeSheet sheet)
{
  g_autoptr(JsonNode) taken = record;

  if (sheet.format == MOE_FORMAT_JSON)
    return moe_record_json(taken);
  if (sheet.format == MOE_FORMAT_CSV)
    return emit_csv(taken, forms);
  return moe_record_page(taken, forms->pieces, forms->n_pieces, sheet);
}

static char *emit_rows(JsonNode *list, const MoeColumn *columns, guint n, const MoeColumn *csv, MoeSheet sheet)
{
  const MoePassage page[] = {{.list = "", .columns = columns, .n_columns = n}};
  const MoeForms forms = {MOE_PAGE(page), .rows = "", .csv = csv, .n_csv = n};

  return moe_record_emit(list, &forms, sheet);
}

char *moe_record_emit_list(JsonNode *list, const MoeColumn *columns, guint n, MoeSheet sheet)
{
  return emit_rows(list, columns, n, columns, sheet);
}

char *moe_record_emit_whole(JsonNode *list, const MoeColumn *columns, guint n, MoeSheet sheet)
{
  return emit_rows(list, columns, n, NULL, sheet);
}
