/* JSON by json-glib: limits before parsing, places of what is wrong. */
#include "notation/json.h"

#include <stdio.h>
#include <string.h>

MoeMark moe_json_mark(const char *file, const char *text, const char *at)
{
  MoeMark mark = {.file = file, .line = 1, .column = 1};

  for (const char *p = text; p < at; p++) {
    mark.column++;
    if (*p == '\n') {
      mark.line++;
      mark.column = 1;
    }
  }
  return mark;
}

/* The parser recurses per level: depth is bounded before it runs. NULL, or where the limit is passed. */
static const char *too_deep(const char *text, gsize length)
{
  guint depth = 0;
  gboolean quoted = FALSE;

  for (gsize i = 0; i < length; i++) {
    char c = text[i];

    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '['))
      depth++;
    else if (!quoted && (c == '}' || c == ']') && depth > 0)
      depth--;
    if (depth > MOE_NOTATION_MAX_DEPTH)
      return text + i;
  }
  return NULL;
}

static gboolean check_text(const char *text, gsize length, gsize most, const char *name, GError **error)
{
  const char *end = NULL;

  if (length > most)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
                    "%" G_GSIZE_FORMAT " bytes, expected a configuration of at most %" G_GSIZE_FORMAT, length, most);
  if (!g_utf8_validate(text, (gssize)length, &end))
    return moe_fail(error, MOE_ERROR_INPUT, moe_json_mark(name, text, end),
                    "a byte that is no UTF-8, expected JSON in UTF-8");
  const char *deep = too_deep(text, length);

  return !deep || moe_fail(error, MOE_ERROR_INPUT, moe_json_mark(name, text, deep),
                           "nested more than %d levels deep, expected a configuration", MOE_NOTATION_MAX_DEPTH);
}

/* json-glib says "<data>:LINE:COLUMN: what"; its own getters are reset by then. */
static MoeMark mark_of_message(const char *name, const char *message)
{
  MoeMark mark = {.file = name};

  if (sscanf(message, "%*[^:]:%d:%d", &mark.line, &mark.column) != 2)
    mark.line = 0;
  return mark;
}

/* Python's json writes numbers that JSON does not have: Infinity becomes one out of any range, NaN an object, each as
 * long as it was. */
static void replace_words(char *text)
{
  static const struct {
    const char *word, *value;
  } words[] = {{"Infinity", "1e99    "}, {"NaN", "{} "}};
  gboolean quoted = FALSE;

  for (char *c = text; *c; c++) {
    if (quoted && *c == '\\' && c[1])
      c++;
    else if (*c == '"')
      quoted = !quoted;
    for (gsize i = 0; !quoted && i < G_N_ELEMENTS(words); i++)
      if (g_str_has_prefix(c, words[i].word))
        memcpy(c, words[i].value, strlen(words[i].value));
  }
}

JsonNode *moe_json_parse(const char *text, gsize length, gsize most, const char *name, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  g_autoptr(GError) reason = NULL;

  if (!check_text(text, length, most, name, error))
    return NULL;
  g_autofree char *copy = g_strndup(text, length);

  replace_words(copy);
  if (!json_parser_load_from_data(parser, copy, (gssize)length, &reason)) {
    moe_fail(error, MOE_ERROR_INPUT, mark_of_message(name, reason->message), "no JSON, expected one object");
    return NULL;
  }
  JsonNode *root = json_parser_get_root(parser);

  if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name, .line = 1, .column = 1}, "no JSON object, expected one");
    return NULL;
  }
  return json_node_ref(root);
}
