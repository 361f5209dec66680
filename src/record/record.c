/* Records read and shown. */
#include "record/record.h"
#include "record/table.h"

#include "record/json.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Names of members may have dots themselves: the whole of what is left goes first. */
JsonNode *moe_record_find(JsonObject *record, const char *path)
{
  for (const char *dot = path; record; path = dot + 1) {
    if (json_object_has_member(record, path))
      return json_object_get_member(record, path);
    dot = strchr(path, '.');
    if (!dot)
      return NULL;
    g_autofree char *section = g_strndup(path, (gsize)(dot - path));
    JsonNode *inner = json_object_has_member(record, section) ? json_object_get_member(record, section) : NULL;

    record = inner && JSON_NODE_HOLDS_OBJECT(inner) ? json_node_get_object(inner) : NULL;
  }
  return NULL;
}

static gboolean is_number(JsonNode *value)
{
  GType type = value && JSON_NODE_HOLDS_VALUE(value) ? json_node_get_value_type(value) : G_TYPE_NONE;

  return type == G_TYPE_DOUBLE || type == G_TYPE_INT64;
}

double moe_record_number(JsonObject *record, const char *path)
{
  JsonNode *value = moe_record_find(record, path);

  return is_number(value) ? json_node_get_double(value) : NAN;
}

gboolean moe_record_flag(JsonObject *record, const char *path)
{
  JsonNode *value = moe_record_find(record, path);

  return value && JSON_NODE_HOLDS_VALUE(value) && json_node_get_boolean(value);
}

const char *moe_record_text(JsonObject *record, const char *path)
{
  JsonNode *value = moe_record_find(record, path);

  return value && JSON_NODE_HOLDS_VALUE(value) ? json_node_get_string(value) : NULL;
}

JsonArray *moe_record_list(JsonNode *record, const char *path)
{
  JsonNode *list = moe_record_find(json_node_get_object(record), path);

  g_assert(list && JSON_NODE_HOLDS_ARRAY(list));
  return json_node_get_array(list);
}

#define MANY 1000 /* hours or days, of which nobody asks for tenths */

/* ---- one value --------------------------------------------------------------------------------------------------- */

/* Words of `as` and the cells that they stand for. */
static const struct {
  const char *word;
  MoeCellKind kind;
  MoeDimension dimension;
  double per;       /* SI units in one of what is shown; 0: 1 */
  gboolean unknown; /* when it is 0 */
} ways[] = {
    {"s", MOE_CELL_QUANTITY, MOE_DIM_SECONDS},
    {"B", MOE_CELL_QUANTITY, MOE_DIM_BYTES},
    {"B/s", MOE_CELL_QUANTITY, MOE_DIM_BYTES_PER_S},
    {"FLOP/s", MOE_CELL_QUANTITY, MOE_DIM_FLOP_PER_S},
    {"W", MOE_CELL_QUANTITY, MOE_DIM_WATTS},
    {"%", MOE_CELL_PERCENT, MOE_DIM_NONE},
    {"+%", MOE_CELL_CHANGE, MOE_DIM_NONE},
    {"pt", MOE_CELL_POINTS, MOE_DIM_NONE},
    {"#", MOE_CELL_NUMBER, MOE_DIM_NONE},
    {"h", MOE_CELL_NUMBER, MOE_DIM_NONE, 3600},
    {"d", MOE_CELL_NUMBER, MOE_DIM_NONE, 86400},
    {"$", MOE_CELL_DOLLARS, MOE_DIM_NONE, 0, TRUE},
    {"MWh", MOE_CELL_MWH, MOE_DIM_NONE, 0, TRUE},
    {"MW", MOE_CELL_NUMBER, MOE_DIM_NONE, 0, TRUE},
};

static int find_way(const char *as)
{
  for (guint i = 0; i < G_N_ELEMENTS(ways); i++)
    if (strcmp(ways[i].word, as) == 0)
      return (int)i;
  return -1;
}

/* Whole numbers whole, others with as many digits as tell them apart. */
static char *show_plain(JsonNode *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

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

/* As a person writes it: the fewest digits that read as the same number. */
static char *show_stated(JsonNode *value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (json_node_get_value_type(value) != G_TYPE_DOUBLE)
    return show_plain(value);
  double number = json_node_get_double(value);

  g_ascii_formatd(digits, sizeof digits, "%.15g", number);
  return g_ascii_strtod(digits, NULL) == number ? g_strdup(digits) : show_plain(value);
}

/* "x %.3f" */
static char *show_printed(double number, const char *format)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];
  const char *percent = strchr(format, '%');
  gsize before = (gsize)(percent - format);

  g_ascii_formatd(digits, sizeof digits, percent, number);
  return g_strdup_printf("%.*s%s", (int)before, format, digits);
}

static double scaled(guint way, double number)
{
  if (ways[way].unknown && !(number > 0))
    return NAN;
  return ways[way].per > 0 ? number / ways[way].per : number;
}

static char *show_time(guint way, double number)
{
  g_autofree char *digits = show_printed(number, number < MANY ? "%.1f" : "%.0f");

  return g_strdup_printf("%s %s", digits, ways[way].word);
}

static char *show_way(guint way, double number)
{
  if (ways[way].per > 0)
    return show_time(way, scaled(way, number));
  switch (ways[way].kind) {
  case MOE_CELL_QUANTITY:
    return moe_quantity_format(number, ways[way].dimension);
  case MOE_CELL_PERCENT:
    return moe_percent_format(number);
  case MOE_CELL_CHANGE:
    return show_printed(100 * number, "%+.1f");
  case MOE_CELL_POINTS:
    return show_printed(100 * number, "%+.1f");
  case MOE_CELL_DOLLARS:
    return moe_dollars_format(number);
  case MOE_CELL_MWH:
    return moe_energy_format(number);
  default:
    return show_printed(number, "%.4g");
  }
}

char *moe_record_show(JsonNode *value, const char *as)
{
  if (!value || !JSON_NODE_HOLDS_VALUE(value))
    return NULL;
  if (!as || strcmp(as, "text") == 0)
    return show_plain(value);
  if (strcmp(as, "stated") == 0)
    return show_stated(value);
  if (strcmp(as, "yes") == 0)
    return g_strdup(json_node_get_boolean(value) ? "yes" : "no");
  if (!is_number(value))
    return show_plain(value);
  double number = json_node_get_double(value);
  int way = find_way(as);

  if (way >= 0)
    return show_way((guint)way, number);
  if (strcmp(as, "count") == 0)
    return moe_count_format(number, NULL);
  return strchr(as, '%') ? show_printed(number, as) : moe_count_format(number, as);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static void add_number(MoeTable *table, JsonObject *record, const MoeColumn *column, guint way)
{
  double value = moe_record_number(record, column->path);
  double low = column->low ? moe_record_number(record, column->low) : NAN;

  moe_table_kind(table, ways[way].kind, ways[way].dimension, scaled(way, value));
  if (isfinite(low))
    moe_table_between(table, scaled(way, low), scaled(way, moe_record_number(record, column->high)));
}

static void add_cell(MoeTable *table, JsonObject *record, const MoeColumn *column)
{
  JsonNode *value = column->path ? moe_record_find(record, column->path) : NULL;
  gboolean has_value = value && JSON_NODE_HOLDS_VALUE(value);
  int way = column->as ? find_way(column->as) : -1;

  if (column->text)
    moe_table_take(table, column->text(record));
  else if (way >= 0 && (is_number(value) || (!column->none && !has_value)))
    add_number(table, record, column, (guint)way); /* no number is "-", under the column's unit */
  else if (has_value)
    moe_table_take(table, moe_record_show(value, column->as));
  else
    moe_table_add(table, column->none ? column->none : column->as ? "-" : NULL);
}

/* Whether it is a column at all, and one that is shown only where it says something does. */
static gboolean is_there(JsonArray *records, const MoeColumn *column)
{
  if (!column->title)
    return FALSE;
  if (!strchr(column->place, '?'))
    return TRUE;
  for (guint i = 0; i < json_array_get_length(records); i++) {
    JsonNode *value = moe_record_find(json_array_get_object_element(records, i), column->path);

    if (value && JSON_NODE_HOLDS_VALUE(value))
      return TRUE;
  }
  return FALSE;
}

/* Of the columns that are there. */
static char *join_places(const GPtrArray *columns)
{
  GString *places = g_string_new(NULL);

  for (guint c = 0; c < columns->len; c++) {
    const char *place = ((const MoeColumn *)columns->pdata[c])->place;

    g_string_append_len(places, place, (gssize)strcspn(place, "?"));
  }
  return g_string_free(places, FALSE);
}

MoeTable *moe_record_table(JsonArray *records, const MoeColumn *columns, guint n)
{
  g_autoptr(GPtrArray) shown = g_ptr_array_new();

  for (guint c = 0; c < n; c++)
    if (is_there(records, &columns[c]))
      g_ptr_array_add(shown, (gpointer)&columns[c]);
  g_autofree char *places = join_places(shown);
  MoeTable *table = moe_table_new(places);

  for (guint c = 0; c < shown->len; c++)
    moe_table_add(table, ((const MoeColumn *)shown->pdata[c])->title);
  for (guint i = 0; i < json_array_get_length(records); i++)
    for (guint c = 0; c < shown->len; c++)
      add_cell(table, json_array_get_object_element(records, i), shown->pdata[c]);
  return table;
}

char *moe_record_rows(JsonArray *records, const MoeColumn *columns, guint n, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_record_table(records, columns, n);

  return moe_table_format(table, sheet);
}

char *moe_record_csv(JsonArray *records, const MoeColumn *columns, guint n)
{
  g_autoptr(MoeTable) table = moe_record_table(records, columns, n);

  return moe_table_csv(table);
}

/* ---- sentences --------------------------------------------------------------------------------------------------- */

/* "{mfu.causal|%}" at `text`; FALSE where its value is missing. *end is behind it. */
static gboolean append_value(GString *said, JsonObject *record, const char *text, const char **end)
{
  const char *close = strchr(text, '}');
  g_autofree char *inside = g_strndup(text + 1, (gsize)(close - text - 1));
  char *bar = strchr(inside, '|');

  if (bar)
    *bar = '\0';
  g_autofree char *shown = moe_record_show(moe_record_find(record, inside), bar ? bar + 1 : NULL);

  g_string_append(said, shown ? shown : "");
  *end = close + 1;
  return shown != NULL;
}

char *moe_record_say(JsonObject *record, const char *text)
{
  g_autoptr(GString) said = g_string_new(NULL);

  for (const char *at = text; *at;) {
    if (*at != '{')
      g_string_append_c(said, *at++);
    else if (!append_value(said, record, at, &at))
      return NULL;
  }
  return g_string_free(g_steal_pointer(&said), FALSE);
}

char *moe_record_line(JsonObject *record, const MoeLine *line)
{
  const char *when = line->when;

  if (when && (*when == '!' ? moe_record_flag(record, when + 1) : !moe_record_flag(record, when)))
    return NULL;
  return line->made ? line->made(record) : moe_record_say(record, line->text);
}

void moe_record_lines(MoeTable *table, JsonObject *record, const MoeLine *lines, guint n)
{
  for (guint i = 0; i < n; i++) {
    char *said = moe_record_line(record, &lines[i]);

    if (!said)
      continue;
    moe_table_add(table, lines[i].title);
    moe_table_take(table, said);
  }
}

/* ---- describing -------------------------------------------------------------------------------------------------- */

char *moe_record_json(JsonNode *record)
{
  g_autofree char *text = moe_json_print(record, TRUE);

  return g_strconcat(text, "\n", NULL);
}

void moe_json_words(JsonBuilder *builder, const char *key, const char *const *words, const double *values, guint n)
{
  moe_json_open_object(builder, key);
  for (guint i = 0; i < n; i++)
    moe_json_number(builder, words[i], values[i]);
  json_builder_end_object(builder);
}

void moe_json_quantiles(JsonBuilder *builder, const char *key, const char *name, double first,
                        const MoeQuantiles *quantiles)
{
  moe_json_open_object(builder, key);
  if (name)
    moe_json_number(builder, name, first);
  moe_json_number(builder, "p10", quantiles->p10);
  moe_json_number(builder, "p50", quantiles->p50);
  moe_json_number(builder, "p90", quantiles->p90);
  json_builder_end_object(builder);
}
