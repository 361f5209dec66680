/* Configurations in sections, read through one table of keys. */
#include "keyed.h"

#include <math.h>
#include <string.h>

#include "json.h"

#define MAX_WORDS 8 /* of a list that are looked at: more than there are known ones */

/* Sections are looked for in the order of the path: the last word is that of the right section, or near it. */
static MoeMark mark_of(const KeyedTable *table, const char *path)
{
  g_auto(GStrv) words = g_strsplit(path, ".", -1);
  const char *at = table->text;

  for (char **word = words; at && *word; word++) {
    g_autofree char *quoted = g_strdup_printf("\"%s\"", *word);

    at = strstr(at, quoted);
  }
  return at ? moe_json_mark(table->file, table->text, at) : (MoeMark){.file = table->file};
}

gboolean keyed_fail(const KeyedTable *table, const char *path, const char *expected, GError **error)
{
  g_autofree char *subject = g_strdup_printf("%.80s", path);

  moe_fail_about(error, subject, "expected %s", expected);
  if (table->text && error)
    moe_error_place(*error, mark_of(table, path));
  return FALSE;
}

/* A word of a list, or words between commas of a text, joined to those before. */
static gboolean add_words(const KeyedTable *table, const KeyedKey *key, JsonNode *node, GString *words, GError **error)
{
  gboolean text = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
  g_auto(GStrv) parts = text ? g_strsplit(json_node_get_string(node), ",", -1) : NULL;

  for (char **part = parts; part && *part; part++) {
    if (!import_is_listed(key->known, g_strstrip(*part)))
      return keyed_fail(table, key->path, key->known, error);
    g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", *part);
  }
  return text || keyed_fail(table, key->path, "text", error);
}

/* The words are interned: there are few that are known. */
static gboolean store_words(const KeyedTable *table, const KeyedKey *key, JsonNode *node, const char **to,
                            GError **error)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
  guint n = list ? MIN(json_array_get_length(list), MAX_WORDS) : 0;
  g_autoptr(GString) words = g_string_new(NULL);

  if (!list && !add_words(table, key, node, words, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!add_words(table, key, json_array_get_element(list, i), words, error))
      return FALSE;
  *to = g_intern_string(words->str);
  return TRUE;
}

/* NAN of what is no number. */
static double number_of(const char *text)
{
  char *end = NULL;
  double number = g_ascii_strtod(text, &end);

  return end != text && *end == '\0' ? number : NAN;
}

static gboolean store_flag(const KeyedTable *table, const KeyedKey *key, JsonNode *node, GType type, gboolean *to,
                           GError **error)
{
  const char *word = type == G_TYPE_STRING && table->plain ? json_node_get_string(node) : NULL;
  gboolean on = word && g_ascii_strcasecmp(word, "true") == 0, off = word && g_ascii_strcasecmp(word, "false") == 0;

  if (type != G_TYPE_BOOLEAN && !on && !off)
    return keyed_fail(table, key->path, "true or false", error);
  *to = word ? on : json_node_get_boolean(node);
  return TRUE;
}

static gboolean store_count(const KeyedTable *table, const KeyedKey *key, JsonNode *node, GType type, int64_t *to,
                            GError **error)
{
  double number = type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double(node)
                  : type == G_TYPE_STRING && table->plain       ? number_of(json_node_get_string(node))
                                                                : NAN;

  if (!(number >= (key->kind == KEYED_REST ? -1 : 0) && number <= (double)(INT64_C(1) << 40)) ||
      number != floor(number))
    return keyed_fail(table, key->path, "a whole number", error);
  *to = (int64_t)number;
  return TRUE;
}

static gboolean store(const KeyedTable *table, const KeyedKey *key, JsonNode *node, void *target, GError **error)
{
  void *at = (char *)target + key->offset;
  GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;

  switch (key->kind) {
  case KEYED_WORD:
  case KEYED_KEPT:
    return store_words(table, key, node, at, error);
  case KEYED_COUNT:
  case KEYED_REST:
    return store_count(table, key, node, type, at, error);
  case KEYED_FLAG:
    return store_flag(table, key, node, type, at, error);
  case KEYED_TEXT:
    if (type != G_TYPE_STRING)
      return keyed_fail(table, key->path, "text", error);
    *(const char **)at = json_node_get_string(node);
    return TRUE;
  }
  return TRUE;
}

static const KeyedKey *find_key(const KeyedTable *table, const char *path)
{
  for (gsize i = 0; i < table->n_keys; i++)
    if (strcmp(table->keys[i].path, path) == 0)
      return &table->keys[i];
  return NULL;
}

static const char *reason_of(const KeyedTable *table, const char *path)
{
  for (gsize i = 0; i < table->n_ignored; i++)
    if (import_is_listed(table->ignored[i].paths, path))
      return table->ignored[i].reason;
  return NULL;
}

static gboolean is_unsaid(const KeyedTable *table, JsonNode *node)
{
  return table->unsaid && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING &&
         strcmp(json_node_get_string(node), table->unsaid) == 0;
}

/* Whether a list has other words than those that a run can say. */
static gboolean is_beyond(const KeyedKey *key, JsonNode *node)
{
  JsonArray *list = key->kind == KEYED_KEPT && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  for (guint i = 0; list && i < json_array_get_length(list); i++) {
    JsonNode *word = json_array_get_element(list, i);

    if (JSON_NODE_HOLDS_VALUE(word) && json_node_get_value_type(word) == G_TYPE_STRING &&
        !import_is_listed(key->known, json_node_get_string(word)))
      return TRUE;
  }
  return FALSE;
}

static gboolean read_leaf(const KeyedTable *table, const char *path, JsonNode *node, void *target, Draft *draft,
                          GError **error)
{
  const KeyedKey *key = find_key(table, path);
  gboolean words = !key || key->kind == KEYED_WORD || key->kind == KEYED_KEPT;
  gboolean empty = words && JSON_NODE_HOLDS_ARRAY(node) && json_array_get_length(json_node_get_array(node)) == 0;
  const char *reason = key && is_unsaid(table, node) ? "left to the import"
                       : empty                       ? "empty"
                       : key                         ? NULL
                                                     : reason_of(table, path);
  g_autofree char *value = json_to_string(node, FALSE);
  g_autofree char *shown = g_strdup_printf("%s %.60s", path, value);

  if (key && is_beyond(key, node)) {
    g_autofree char *cause = g_strdup_printf("others than %s", key->known);

    import_refuse(draft, shown, cause);
    return TRUE;
  }
  if (reason)
    g_ptr_array_add(draft->import->ignored, g_strconcat(shown, ": ", reason, NULL));
  else if (!key)
    g_ptr_array_add(draft->open, g_strdup(shown));
  else
    g_ptr_array_add(draft->import->applied, g_strconcat(shown, " -> ", key->key, NULL));
  return !key || reason || store(table, key, node, target, error);
}

static gboolean read_object(const KeyedTable *table, const char *place, JsonObject *object, void *target, Draft *draft,
                            GError **error)
{
  g_autoptr(GList) members = json_object_get_members(object);

  for (GList *member = members; member; member = member->next) {
    JsonNode *node = json_object_get_member(object, member->data);
    g_autofree char *path = g_strconcat(place, *place ? "." : "", member->data, NULL);
    gboolean sound = JSON_NODE_HOLDS_OBJECT(node)
                         ? read_object(table, path, json_node_get_object(node), target, draft, error)
                         : read_leaf(table, path, node, target, draft, error);

    if (!sound)
      return FALSE;
  }
  return TRUE;
}

gboolean keyed_read(const KeyedTable *table, JsonObject *root, void *target, Draft *draft, GError **error)
{
  return read_object(table, "", root, target, draft, error);
}
