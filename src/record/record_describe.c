/* Structs described by their fields. */
#include "record/json.h"
#include "record/record.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* Where the next member goes. */
typedef struct {
  JsonBuilder *builder;
  GString *place; /* "low." while the object "low" is open */
} Writer;

static void leave_object(Writer *writer)
{
  json_builder_end_object(writer->builder);
  g_string_truncate(writer->place, writer->place->len - 1);
  const char *before = strrchr(writer->place->str, '.');

  g_string_truncate(writer->place, before ? (gsize)(before + 1 - writer->place->str) : 0);
}

/* Opens and closes objects until the member that `path` names stands in the open one; returns its own name. */
static const char *move_to(Writer *writer, const char *path)
{
  while (!g_str_has_prefix(path, writer->place->str))
    leave_object(writer);
  path += writer->place->len;
  for (const char *dot = strchr(path, '.'); dot; dot = strchr(path, '.')) {
    g_autofree char *name = g_strndup(path, (gsize)(dot - path));

    moe_json_open_object(writer->builder, name);
    g_string_append_printf(writer->place, "%s.", name);
    path = dot + 1;
  }
  return path;
}

static double number_of(const MoeFrom *from, gconstpointer of)
{
  const void *at = (const char *)of + from->at;
  double number = from->kind == MOE_FROM_RULE ? from->rule(of) : *(const double *)at;

  return from->kind == MOE_FROM_GIVEN && number == 0 ? NAN : number;
}

static gint64 integer_of(const MoeFrom *from, gconstpointer of)
{
  const void *at = (const char *)of + from->at;

  switch (from->kind) {
  case MOE_FROM_INT:
    return *(const int *)at;
  case MOE_FROM_UINT:
    return *(const unsigned *)at;
  case MOE_FROM_LONG:
    return *(const long *)at;
  default:
    return (gint64) * (const unsigned long *)at;
  }
}

static void add_value(JsonBuilder *builder, const char *key, const MoeFrom *from, gconstpointer of)
{
  const void *at = (const char *)of + from->at;

  switch (from->kind) {
  case MOE_FROM_NUMBER:
  case MOE_FROM_GIVEN:
  case MOE_FROM_RULE:
    moe_json_number(builder, key, number_of(from, of));
    break;
  case MOE_FROM_TEXT:
    moe_json_text(builder, key, *(const char *const *)at);
    break;
  case MOE_FROM_FLAG:
    moe_json_bool(builder, key, *(const gboolean *)at);
    break;
  case MOE_FROM_WORD:
    moe_json_text(builder, key, from->words[*(const unsigned *)at]);
    break;
  default:
    moe_json_integer(builder, key, integer_of(from, of));
  }
}

void moe_describe(JsonBuilder *builder, gconstpointer of, const MoeColumn *fields, guint n)
{
  g_autoptr(GString) place = g_string_new(NULL);
  Writer writer = {builder, place};

  for (guint i = 0; i < n; i++)
    if (fields[i].from.kind != MOE_FROM_NOTHING)
      add_value(builder, move_to(&writer, fields[i].path), &fields[i].from, of);
  move_to(&writer, "");
}

void moe_describe_object(JsonBuilder *builder, gconstpointer of, const MoeColumn *fields, guint n)
{
  json_builder_begin_object(builder);
  moe_describe(builder, of, fields, n);
  json_builder_end_object(builder);
}

void moe_describe_list(JsonBuilder *builder, const char *key, gconstpointer of, guint length, gsize size,
                       const MoeColumn *fields, guint n)
{
  if (key)
    moe_json_open_array(builder, key);
  for (guint i = 0; i < length; i++)
    moe_describe_object(builder, (const char *)of + i * size, fields, n);
  if (key)
    json_builder_end_array(builder);
}

JsonNode *moe_record_of(gconstpointer of, const MoeColumn *fields, guint n)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  moe_describe_object(builder, of, fields, n);
  return json_builder_get_root(builder);
}
