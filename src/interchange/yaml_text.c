/* Values of YAML with ${...}. */
#include "yaml_text.h"

#include <string.h>

#define MAX_REPLACED 64     /* ${...} in one value, those inside others included */
#define MAX_LENGTH   16384  /* bytes of a value */
#define LARGEST      (1e15) /* of a product */

static const char *given_value(const YamlText *text, const char *name, gsize length)
{
  for (const char *const *given = text->given; given && *given; given++)
    if (strncmp(*given, name, length) == 0 && (*given)[length] == '=')
      return *given + length + 1;
  return NULL;
}

/* "section.key" from the root, ".key" in the same map. */
static const char *value_at(const YamlText *text, const char *path)
{
  JsonObject *map = *path == '.' ? text->here : text->root;
  g_auto(GStrv) words = g_strsplit(path + (*path == '.' ? 1 : 0), ".", -1);

  for (char **word = words; map && *word; word++) {
    JsonNode *node = json_object_get_member(map, *word);

    if (node && !word[1] && JSON_NODE_HOLDS_VALUE(node))
      return json_node_get_string(node);
    map = node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
  }
  return NULL;
}

/* "multiply:a,b" and "sum:a,b" of NeMo; NULL when it is none, or not of numbers. */
static char *computed(const char *inside)
{
  gboolean product = g_str_has_prefix(inside, "multiply:");
  gboolean sum = !product && (g_str_has_prefix(inside, "sum:") || g_str_has_prefix(inside, "add:"));
  g_auto(GStrv) words = product || sum ? g_strsplit(strchr(inside, ':') + 1, ",", -1) : NULL;
  double value = product ? 1 : 0;

  for (char **word = words; words && *word; word++) {
    char *end = NULL;
    double number = g_ascii_strtod(g_strstrip(*word), &end);

    if (end == *word || *end != '\0')
      return NULL;
    value = product ? value * number : value + number;
  }
  return words && value > -LARGEST && value < LARGEST ? g_strdup_printf("%.0f", value) : NULL;
}

/* What stands for the inside of ${...}. */
static char *replacement(const YamlText *text, const char *inside)
{
  const char *environment = g_str_has_prefix(inside, "oc.env:") ? inside + strlen("oc.env:") : NULL;
  const char *name = environment ? environment : inside;
  gsize length = strcspn(name, environment ? "," : ":");
  const char *given = given_value(text, name, length), *at = value_at(text, inside);
  char *number = computed(inside);

  if (number || given || at)
    return number ? number : g_strdup(given ? given : at);
  if (name[length])
    return g_strdup(name + length + 1 + (name[length] == ':' && name[length + 1] == '-' ? 1 : 0));
  return g_strconcat("$", inside, NULL);
}

char *yaml_text(const YamlText *text, const char *value)
{
  g_autoptr(GString) made = g_string_new(value);

  for (guint i = 0; i < MAX_REPLACED && made->len < MAX_LENGTH; i++) {
    const char *open = g_strrstr(made->str, "${"), *close = open ? strchr(open, '}') : NULL;

    if (!close)
      break;
    g_autofree char *inside = g_strndup(open + 2, (gsize)(close - open - 2));
    g_autofree char *instead = replacement(text, inside);
    gssize at = open - made->str;

    g_string_erase(made, at, (gssize)strlen(inside) + 3);
    g_string_insert(made, at, instead);
  }
  return g_string_free(g_steal_pointer(&made), FALSE);
}
