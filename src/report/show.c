/* The keys of a run: what each is, where that is written, whether it is assumed; and what may be given besides. */
#include "report/describe.h"
#include "report/findings.h"
#include "spec/spec.h"

#include <string.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

/* The open list of rows. */
typedef struct {
  const MoeShown *shown;
  GPtrArray *schema; /* of MoeSchemaKey */
  JsonBuilder *rows;
} Listing;

/* What a row says; NULL where there is nothing. */
typedef struct {
  const char *key, *value;
  MoeMark mark;
} Row;

static const MoeAssumption *find_assumption(const MoeRun *run, const char *key)
{
  for (guint i = 0; i < run->n_assumptions; i++)
    if (strcmp(run->assumptions[i].key, key) == 0)
      return &run->assumptions[i];
  return NULL;
}

/* An end of a range, in the unit of its key. */
static char *end_text(double end, const MoeSchemaKey *key)
{
  MoeDimension dimension = key && key->field->kind == MOE_FIELD_QUANTITY ? key->field->dimension : MOE_DIM_NONE;

  return dimension == MOE_DIM_NONE ? g_strdup_printf("%.6g", end) : moe_quantity_format(end, dimension);
}

/* "56 .. 80: not published", "tf32 | fp32: ..." */
static char *describe_assumption(const MoeAssumption *assumption, const MoeSchemaKey *key)
{
  if (!assumption)
    return NULL;
  g_autofree char *low = end_text(assumption->low, key), *high = end_text(assumption->high, key);
  GString *text = g_string_new("assumed ");

  if (assumption->n_values == 0)
    g_string_append_printf(text, "%s .. %s", low, high);
  for (guint i = 0; i < assumption->n_values; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " | " : "", assumption->values[i]);
  if (assumption->why)
    g_string_append_printf(text, ": %s", assumption->why);
  return g_string_free(text, FALSE);
}

static gboolean is_asked(const Listing *listing, const char *key)
{
  gsize length = listing->shown->only ? strlen(listing->shown->only) : 0;

  return length == 0 ||
         (strncmp(key, listing->shown->only, length) == 0 && (key[length] == '\0' || key[length] == '.'));
}

static void add_row(Listing *listing, const Row *row)
{
  const MoeSchemaKey *known = moe_schema_find(listing->schema, row->key);
  g_autofree char *assumed = describe_assumption(find_assumption(listing->shown->run, row->key), known);
  g_autofree char *range = known ? moe_field_range(known->field) : NULL;

  json_builder_begin_object(listing->rows);
  moe_json_text(listing->rows, "key", row->key);
  moe_json_text(listing->rows, "value", row->value);
  moe_json_text(listing->rows, "file", row->mark.file);
  moe_json_integer(listing->rows, "line", row->mark.line);
  moe_json_text(listing->rows, "assumed", assumed);
  if (listing->shown->defaults)
    moe_json_text(listing->rows, "range", range);
  json_builder_end_object(listing->rows);
}

static char *leaf_text(const MoeNode *node)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  if (moe_node_kind(node) == MOE_NODE_SCALAR)
    return g_strdup(moe_node_text(node));
  for (guint i = 0; i < moe_node_size(node); i++)
    g_strv_builder_add(builder, moe_node_text(moe_node_at(node, i)));
  g_auto(GStrv) items = g_strv_builder_end(builder);
  g_autofree char *list = g_strjoinv(", ", items);

  return g_strdup_printf("[%s]", list);
}

/* One row per scalar and per list of scalars, in the order of the files. */
static void add_node(Listing *listing, const char *key, const MoeNode *node)
{
  gboolean is_map = moe_node_kind(node) == MOE_NODE_MAP;

  if (moe_node_kind(node) == MOE_NODE_SCALAR || moe_node_is_flat_list(node)) {
    g_autofree char *value = leaf_text(node);

    if (is_asked(listing, key))
      add_row(listing, &(Row){key, value, moe_node_mark(node)});
    return;
  }
  for (guint i = 0; i < moe_node_size(node); i++) {
    g_autofree char *child = is_map ? g_strdup_printf("%s%s%s", key, *key ? "." : "", moe_node_key(node, i))
                                    : g_strdup_printf("%s[%u]", key, i);

    if (strcmp(child, "assumptions") != 0 && strcmp(child, "variants") != 0)
      add_node(listing, child, moe_node_at(node, i));
  }
}

static gboolean is_given(const Listing *listing, const char *key)
{
  return moe_node_find(moe_doc_root(listing->shown->run->doc), key) != NULL;
}

/* What no file gives but the run assumes: the program's default, within a stated range. */
static void add_assumed(Listing *listing)
{
  const MoeRun *run = listing->shown->run;

  for (guint i = 0; i < run->n_assumptions; i++)
    if (!is_given(listing, run->assumptions[i].key) && is_asked(listing, run->assumptions[i].key))
      add_row(listing, &(Row){run->assumptions[i].key, "(default)", run->assumptions[i].mark});
}

/* Whether the run has the map that the key stands in, and nothing under the key itself. */
static gboolean is_left_out(const Listing *listing, const MoeSchemaKey *key)
{
  g_autofree char *section = g_strdup(key->path);
  char *dot = strrchr(section, '.');
  gboolean one = key->field->kind != MOE_FIELD_MAP && !strchr(key->path, '[') && !strstr(key->path, "NAME");

  if (dot)
    *dot = '\0';
  return one && !is_given(listing, key->path) && (!dot || is_given(listing, section));
}

/* What holds for the keys that the run's sections leave out. */
static void add_defaults(Listing *listing)
{
  for (guint i = 0; i < listing->schema->len; i++) {
    const MoeSchemaKey *key = listing->schema->pdata[i];
    g_autofree char *usual = moe_field_default(key->section, key->field);

    if (usual && is_left_out(listing, key) && is_asked(listing, key->path) &&
        !find_assumption(listing->shown->run, key->path))
      add_row(listing, &(Row){key->path, usual, {.file = "default"}});
  }
}

static JsonNode *describe_show(const MoeShown *shown)
{
  g_autoptr(JsonBuilder) rows = json_builder_new();
  g_autoptr(GPtrArray) schema = moe_schema_keys(MOE_SCHEMA_RUN);
  Listing listing = {shown, schema, rows};

  json_builder_begin_array(rows);
  add_node(&listing, "", moe_doc_root(shown->run->doc));
  add_assumed(&listing);
  if (shown->defaults)
    add_defaults(&listing);
  json_builder_end_array(rows);
  return json_builder_get_root(rows);
}

/* ---- table and CSV ----------------------------------------------------------------------------------------------- */

static char *describe_place(JsonObject *row, const char *file)
{
  double line = moe_record_number(row, "line");

  if (!file)
    return g_strdup("command line");
  return line > 0 ? g_strdup_printf("%s:%.0f", file, line) : g_strdup(file);
}

static char *whole_place(JsonObject *row)
{
  return describe_place(row, moe_record_text(row, "file"));
}

/* The file's name is enough where there is little room. */
static char *short_place(JsonObject *row)
{
  const char *file = moe_record_text(row, "file");
  g_autofree char *name = file ? g_path_get_basename(file) : NULL;

  return describe_place(row, name);
}

char *moe_report_show(const MoeShown *shown, MoeSheet sheet)
{
  gboolean brief = sheet.format == MOE_FORMAT_TABLE && sheet.width > 0;
  const MoeColumn columns[] = {
      {"key", "key", "l"},
      {"value", "value", "w"},
      {"from", .place = "l", .text = brief ? short_place : whole_place},
      {"range", "range", "w?"},
      {"assumed", "assumed", "w"},
  };

  return MOE_EMIT_LIST(describe_show(shown), columns, sheet);
}
