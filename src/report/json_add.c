#include "json_add.h"

#include <math.h>

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

char *moe_json_finish(JsonBuilder *builder)
{
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *text = json_to_string(root, TRUE);

  return g_strconcat(text, "\n", NULL);
}
