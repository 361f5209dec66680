#include "record/json.h"

#include <json-glib/json-glib.h>

#include <math.h>
#include <string.h>

void moe_json_number(JsonBuilder *builder, const char *key, double value)
{
  json_builder_set_member_name(builder, key);
  if (isfinite(value))
    json_builder_add_double_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

void moe_json_integer(JsonBuilder *builder, const char *key, gint64 value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_int_value(builder, value);
}

void moe_json_bool(JsonBuilder *builder, const char *key, gboolean value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_boolean_value(builder, value);
}

void moe_json_text(JsonBuilder *builder, const char *key, const char *value)
{
  json_builder_set_member_name(builder, key);
  if (value)
    json_builder_add_string_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

void moe_json_texts(JsonBuilder *builder, const char *key, const char *const *texts)
{
  moe_json_open_array(builder, key);
  for (; *texts; texts++)
    json_builder_add_string_value(builder, *texts);
  json_builder_end_array(builder);
}

void moe_json_open_object(JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name(builder, key);
  json_builder_begin_object(builder);
}

void moe_json_open_array(JsonBuilder *builder, const char *key)
{
  json_builder_set_member_name(builder, key);
  json_builder_begin_array(builder);
}

/* Where a string that begins at `text` ends: behind its quote. */
static const char *skip_string(const char *text)
{
  for (text++; *text && *text != '"'; text++)
    if (*text == '\\' && text[1])
      text++;
  return *text ? text + 1 : text;
}

/* json-glib 1.6 writes 3e-9 as "3e-09.0", which is no number: of what has an exponent the ".0" goes. */
char *moe_json_print(JsonNode *node, gboolean indented)
{
  g_autofree char *text = json_to_string(node, indented);
  GString *mended = g_string_sized_new(strlen(text));
  gboolean exponent = FALSE;

  for (const char *at = text; *at;) {
    const char *next = *at == '"' ? skip_string(at) : at + 1;

    exponent = *at == 'e' || (exponent && (g_ascii_isdigit(*at) || *at == '-' || *at == '+' || *at == '.'));
    if (exponent && *at == '.')
      next = at + 1 + strspn(at + 1, "0");
    else
      g_string_append_len(mended, at, next - at);
    at = next;
  }
  return g_string_free(mended, FALSE);
}

char *moe_json_finish(JsonBuilder *builder)
{
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *text = moe_json_print(root, TRUE);

  return g_strconcat(text, "\n", NULL);
}
