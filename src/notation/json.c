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

/* What the parser does not look at: it recurses per level, and stops behind the first value. */
typedef struct {
  const char *deep;   /* where a level too many opens; NULL: nowhere */
  const char *behind; /* what stands behind the first object or list; NULL: nothing does */
} Extent;

static Extent measure(const char *text, gsize length)
{
  guint depth = 0;
  gboolean quoted = FALSE, closed = FALSE;

  for (gsize i = 0; i < length; i++) {
    char c = text[i];

    if (closed && !g_ascii_isspace(c))
      return (Extent){.behind = text + i};
    if (quoted && c == '\\')
      i++;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && (c == '{' || c == '['))
      depth++;
    else if (!quoted && (c == '}' || c == ']') && depth > 0)
      closed = --depth == 0;
    if (depth > MOE_NOTATION_MAX_DEPTH)
      return (Extent){.deep = text + i};
  }
  return (Extent){NULL, NULL};
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
  Extent extent = measure(text, length);

  if (extent.behind)
    return moe_fail(error, MOE_ERROR_INPUT, moe_json_mark(name, text, extent.behind),
                    "more than one value, expected one object");
  return !extent.deep || moe_fail(error, MOE_ERROR_INPUT, moe_json_mark(name, text, extent.deep),
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

/* ---- keys that stand twice ------------------------------------------------------------------- */

typedef struct {
  GHashTable *seen; /* an object's address and a key of it */
  const char *text;
  char *twice; /* the first key that its object has already; NULL: none */
  MoeMark mark;
} Keys;

/* Where a key stands whose value ends at this line and column. */
static MoeMark mark_of_key(const char *text, const char *key, guint line, guint column)
{
  g_autofree char *quoted = g_strdup_printf("\"%s\"", key);
  const char *end = text;

  for (guint i = 1; i < line && strchr(end, '\n'); i++)
    end = strchr(end, '\n') + 1;
  const char *at = g_strrstr_len(text, end - text + (gssize)MIN(column, strlen(end)), quoted);

  return at ? moe_json_mark(NULL, text, at) : (MoeMark){.line = (int)line};
}

static void see_key(JsonParser *parser, JsonObject *object, const char *key, gpointer data)
{
  Keys *keys = data;

  if (keys->twice || g_hash_table_add(keys->seen, g_strdup_printf("%p %s", (void *)object, key)))
    return;
  keys->twice = g_strdup(key);
  keys->mark = mark_of_key(keys->text, key, json_parser_get_current_line(parser), json_parser_get_current_pos(parser));
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* `keys` (may be NULL) sees every key. */
static JsonNode *parse(const char *text, gsize length, const char *name, Keys *keys, GError **error)
{
  g_autoptr(JsonParser) parser = json_parser_new_immutable();
  g_autoptr(GError) reason = NULL;
  g_autofree char *copy = g_strndup(text, length);

  replace_words(copy);
  if (keys)
    g_signal_connect(parser, "object-member", G_CALLBACK(see_key), keys);
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

JsonNode *moe_json_parse(const char *text, gsize length, gsize most, const char *name, GError **error)
{
  return check_text(text, length, most, name, error) ? parse(text, length, name, NULL, error) : NULL;
}

JsonNode *moe_json_parse_once(const char *text, gsize length, gsize most, const char *name, GError **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

  if (!check_text(text, length, most, name, error))
    return NULL;
  g_autofree char *ended = g_strndup(text, length);
  Keys keys = {.seen = seen, .text = ended};
  g_autoptr(JsonNode) root = parse(text, length, name, &keys, error);
  g_autofree char *twice = keys.twice;

  if (!root || !twice)
    return g_steal_pointer(&root);
  keys.mark.file = name;
  moe_fail(error, MOE_ERROR_INPUT, keys.mark, "\"%.80s\" stands twice, expected it once", twice);
  return NULL;
}
