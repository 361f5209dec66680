/* The keys of the input files as JSON. */
#include "record/json.h"
#include "report/schema.h"

#include <json-glib/json-glib.h>
#include <math.h>

static const char *const kind_words[] = {
    [MOE_FIELD_INT] = "integer", [MOE_FIELD_QUANTITY] = "quantity", [MOE_FIELD_BOOL] = "flag",
    [MOE_FIELD_TEXT] = "text",   [MOE_FIELD_WORD] = "word",         [MOE_FIELD_IGNORE] = "any",
    [MOE_FIELD_WORDS] = "words", [MOE_FIELD_MAP] = "map",           [MOE_FIELD_ANY] = "any",
};

static const char *const form_words[] = {[MOE_FORM_ONE] = "one", [MOE_FORM_LIST] = "list", [MOE_FORM_NAMED] = "named"};

/* SI units of what quantities are counted in. */
static const char *const si_units[] = {
    [MOE_DIM_NONE] = "",     [MOE_DIM_BYTES] = "B",  [MOE_DIM_BYTES_PER_S] = "B/s", [MOE_DIM_FLOP_PER_S] = "FLOP/s",
    [MOE_DIM_SECONDS] = "s", [MOE_DIM_HERTZ] = "Hz", [MOE_DIM_WATTS] = "W",         [MOE_DIM_FLOP] = "FLOP",
    [MOE_DIM_DOLLARS] = "$",
};

static void add_numbers(JsonBuilder *json, const MoeField *field)
{
  if (field->kind == MOE_FIELD_QUANTITY) {
    moe_json_text(json, "unit", si_units[field->dimension]);
    moe_json_text(json, "units", moe_dimension_units(field->dimension));
  }
  moe_json_number(json, "minimum", field->minimum);
  if (field->maximum > field->minimum)
    moe_json_number(json, "maximum", field->maximum);
}

/* The number that a default is, in SI; NAN when it is said in words. */
static double default_value(const MoeField *field, const char *text)
{
  double value = NAN;
  gint64 whole = 0;

  if (field->kind == MOE_FIELD_INT)
    return g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &whole, NULL) ? (double)whole : NAN;
  if (field->kind != MOE_FIELD_QUANTITY || !moe_quantity_parse(text, field->dimension, &value, NULL))
    return NAN;
  return value;
}

static void add_default(JsonBuilder *json, const MoeSchemaKey *key)
{
  g_autofree char *text = moe_field_default(key->section, key->field);
  double value = text ? default_value(key->field, text) : NAN;

  if (text)
    moe_json_text(json, "default", text);
  if (isfinite(value))
    moe_json_number(json, "default_value", value);
}

static void add_given(JsonBuilder *json, const char *key, const char *text)
{
  if (text)
    moe_json_text(json, key, text);
}

static void add_key(JsonBuilder *json, const MoeSchemaKey *key)
{
  const MoeField *field = key->field;

  json_builder_begin_object(json);
  moe_json_text(json, "key", key->path);
  moe_json_text(json, "kind", kind_words[field->kind]);
  moe_json_text(json, "form", form_words[field->form]);
  moe_json_text(json, "file", moe_schema_words[key->file]);
  moe_json_bool(json, "required", field->required);
  moe_json_text(json, "meaning", field->meaning);
  if (field->kind == MOE_FIELD_INT || field->kind == MOE_FIELD_QUANTITY)
    add_numbers(json, field);
  if (field->words)
    moe_json_texts(json, "words", field->words);
  add_given(json, "also", field->also);
  add_given(json, "folder", field->folder);
  add_default(json, key);
  add_given(json, "mechanism", key->mechanism);
  add_given(json, "axis", field->axis);
  json_builder_end_object(json);
}

static void add_schema(JsonBuilder *json, MoeSchemaKind kind)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(kind);

  json_builder_begin_object(json);
  moe_json_text(json, "schema", moe_schema_words[kind]);
  moe_json_text(json, "meaning", moe_schema_meaning(kind));
  moe_json_open_array(json, "keys");
  for (guint i = 0; i < keys->len; i++)
    add_key(json, g_ptr_array_index(keys, i));
  json_builder_end_array(json);
  json_builder_end_object(json);
}

char *moe_schema_json(MoeSchemaKind kind)
{
  g_autoptr(JsonBuilder) json = json_builder_new();

  if (kind < MOE_N_SCHEMAS) {
    add_schema(json, kind);
    return moe_json_finish(json);
  }
  json_builder_begin_object(json);
  moe_json_open_array(json, "schemas");
  for (guint i = 0; i < MOE_N_SCHEMAS; i++)
    add_schema(json, (MoeSchemaKind)i);
  json_builder_end_array(json);
  json_builder_end_object(json);
  return moe_json_finish(json);
}
