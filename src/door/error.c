/* Errors as JSON. */
#include "internal.h"

#include "record/json.h"
#include <stdlib.h>
#include <string.h>

static const char *kind_of(const GError *error)
{
  static const char *const kinds[] = {
      [MOE_ERROR_INPUT] = "input",       [MOE_ERROR_IO] = "io",           [MOE_ERROR_LAYOUT] = "layout",
      [MOE_ERROR_INTERNAL] = "internal", [MOE_ERROR_STOPPED] = "stopped",
  };
  gboolean ours = error->domain == MOE_ERROR && error->code >= 0 && (gsize)error->code < G_N_ELEMENTS(kinds);

  return ours ? kinds[error->code] : "internal";
}

/* "file:line:column: message", of which column, line and file may be missing. */
typedef struct {
  char *file;
  int line, column; /* 0: not said */
  const char *message;
} Place;

static Place place_of(const char *text)
{
  g_autoptr(GRegex) regex = g_regex_new("^([^\\n]*?):([0-9]+)(?::([0-9]+))?: ", 0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  Place place = {.message = text};

  if (!g_regex_match(regex, text, 0, &match))
    return place;
  g_autofree char *line = g_match_info_fetch(match, 2), *column = g_match_info_fetch(match, 3);
  int end = 0;

  g_match_info_fetch_pos(match, 0, NULL, &end);
  place.file = g_match_info_fetch(match, 1);
  place.line = atoi(line);
  place.column = column ? atoi(column) : 0;
  place.message = text + end;
  return place;
}

static void add_place_number(JsonBuilder *builder, const char *key, int value)
{
  json_builder_set_member_name(builder, key);
  if (value > 0)
    json_builder_add_int_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

/* JSON is UTF-8 and a message one line, whatever a message quotes. */
void moe_add_error(JsonBuilder *builder, const GError *error, const char *key)
{
  g_autofree char *text = g_utf8_make_valid(error->message, -1);
  Place place = place_of(g_strdelimit(text, "\n\r", ' '));

  moe_json_text(builder, "message", place.message);
  moe_json_text(builder, "file", place.file);
  add_place_number(builder, "line", place.line);
  add_place_number(builder, "column", place.column);
  moe_json_text(builder, "kind", kind_of(error));
  moe_json_text(builder, "key", key);
  g_free(place.file);
}

char *moe_answer_error(const GError *error, const char *key)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_open_object(builder, "error");
  moe_add_error(builder, error, key);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
