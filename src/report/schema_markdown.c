/* The keys of the input files as a document: a heading per section, an item per key. */
#include "record/table.h"
#include "report/schema.h"

#include <string.h>

#define INDENT 2 /* of an item's further lines */

/* ---- one key ------------------------------------------------------------------------------------------------------
 */

/* What may be written: "duration in ns, us, ms, ..., 0 s to 1000 s". */
static char *describe_values(const MoeField *field)
{
  static const char *const nouns[] = {
      [MOE_DIM_NONE] = "number",     [MOE_DIM_BYTES] = "size",       [MOE_DIM_BYTES_PER_S] = "bandwidth",
      [MOE_DIM_FLOP_PER_S] = "rate", [MOE_DIM_SECONDS] = "duration", [MOE_DIM_HERTZ] = "frequency",
      [MOE_DIM_WATTS] = "power",     [MOE_DIM_FLOP] = "amount",      [MOE_DIM_DOLLARS] = "dollars",
  };
  g_autofree char *range = moe_field_range(field);

  switch (field->kind) {
  case MOE_FIELD_QUANTITY:
    return g_strdup_printf("%s, %s", nouns[field->dimension], range);
  case MOE_FIELD_BOOL:
    return g_strdup("true or false");
  case MOE_FIELD_WORDS:
    return g_strdup_printf("list of %s", range);
  case MOE_FIELD_TEXT:
    return g_strdup("text");
  case MOE_FIELD_MAP:
    return g_strdup("map");
  case MOE_FIELD_ANY:
    return g_strdup("numbers, with or without unit");
  case MOE_FIELD_IGNORE:
    return g_strdup("anything");
  case MOE_FIELD_INT:
    return g_strdup_printf("whole number, %s", range);
  default:
    return g_steal_pointer(&range);
  }
}

/* The same with its form, and what else may stand there. */
static char *describe_kind(const MoeField *field)
{
  g_autofree char *values = describe_values(field);
  GString *text = g_string_new(NULL);

  if (field->form == MOE_FORM_ONE)
    g_string_append(text, values);
  else
    g_string_append_printf(text, "%s of %s", field->form == MOE_FORM_LIST ? "list" : "named entries", values);
  if (field->folder)
    g_string_append_printf(text, ", or a name in %s/", field->folder);
  if (field->also)
    g_string_append_printf(text, ", or %s", field->also);
  return g_string_free(text, FALSE);
}

static void append_key(GString *out, const MoeSchemaKey *key)
{
  const MoeField *field = key->field;
  g_autofree char *kind = describe_kind(field);
  g_autofree char *usual = moe_field_default(key->section, field);
  g_autofree char *state = field->required ? g_strdup("; required")
                           : usual         ? g_strdup_printf("; default %s", usual)
                                           : g_strdup("");

  g_string_append_printf(out, "- `%s` (%s%s): %s\n", field->key, kind, state, field->meaning);
}

/* ---- sections -----------------------------------------------------------------------------------------------------
 */

/* The path of the map that a key stands in; "" at the root. */
static char *place_of(const MoeSchemaKey *key)
{
  gsize length = strlen(key->path) - strlen(key->field->key);

  return g_strndup(key->path, length > 0 ? length - 1 : 0);
}

/* Keys of one map stand together: those of maps inside come after all of them. */
static void append_section(GString *out, const GPtrArray *keys, MoeSchemaKind kind, const char *place)
{
  if (*place)
    g_string_append_printf(out, "\n### `%s`\n\n", place);
  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = g_ptr_array_index(keys, i);
    g_autofree char *own = place_of(key);

    if (key->file == kind && strcmp(own, place) == 0)
      append_key(out, key);
  }
}

/* Adds the place unless it is there; FALSE when it was. */
static gboolean add_place(GPtrArray *places, const MoeSchemaKey *key)
{
  g_autofree char *place = place_of(key);

  if (g_ptr_array_find_with_equal_func(places, place, g_str_equal, NULL))
    return FALSE;
  g_ptr_array_add(places, g_steal_pointer(&place));
  return TRUE;
}

static void append_schema(GString *out, MoeSchemaKind kind)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(kind);
  g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(g_free);
  const char *word = moe_schema_words[kind];

  g_string_append_printf(out, "## %c%s\n\n", g_ascii_toupper(*word), word + 1);
  g_string_append_printf(out, "%s\n\n", moe_schema_meaning(kind));
  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = g_ptr_array_index(keys, i);

    if (key->file == kind && add_place(places, key))
      append_section(out, keys, kind, g_ptr_array_index(places, places->len - 1));
  }
}

char *moe_schema_markdown(MoeSchemaKind kind, guint width)
{
  g_autoptr(GString) out = g_string_new(NULL);

  for (guint i = 0; i < MOE_N_SCHEMAS; i++)
    if (kind == MOE_N_SCHEMAS || kind == i) {
      g_string_append(out, out->len > 0 ? "\n" : "");
      append_schema(out, (MoeSchemaKind)i);
    }
  return width > 0 ? moe_text_wrap(out->str, width, INDENT) : g_strdup(out->str);
}
