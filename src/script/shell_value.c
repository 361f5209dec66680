/* Values of variables, and what ${NAME...} makes of them. */
#include "shell.h"

#include <string.h>

/* What stands between the words of an array in "${NAME[*]}". */
static char separator(const Shell *shell)
{
  GPtrArray *value = g_hash_table_lookup(shell->variables, "IFS");

  return value && value->len > 0 && *(const char *)g_ptr_array_index(value, 0)
             ? *(const char *)g_ptr_array_index(value, 0)
             : ' ';
}

GPtrArray *shell_find(const Shell *shell, const char *name)
{
  if (!g_hash_table_contains(shell->asked, name))
    g_hash_table_add(shell->asked, g_strdup(name));
  return g_hash_table_lookup(shell->variables, name);
}

char *shell_value(const Shell *shell, const char *name)
{
  GPtrArray *value = shell_find(shell, name);
  gint64 position = 0;

  if (strcmp(name, "#") == 0)
    return g_strdup_printf("%u", shell->positions->len);
  if (strcmp(name, "@") == 0 || strcmp(name, "*") == 0)
    value = shell->positions;
  else if (g_ascii_string_to_signed(name, 10, 1, 1000, &position, NULL))
    return position <= shell->positions->len ? g_strdup(g_ptr_array_index(shell->positions, position - 1)) : NULL;
  if (!value)
    return NULL;
  g_autoptr(GString) text = g_string_new(NULL);
  char between = separator(shell);

  for (guint i = 0; i < value->len; i++) {
    if (i > 0)
      g_string_append_c(text, between);
    g_string_append(text, g_ptr_array_index(value, i));
  }
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- removal and replacement ----------------------------------------------------------------- */

/* The value without what the pattern matches at its end, the shortest or the longest. */
static char *without_suffix(const char *value, const char *pattern, gboolean longest)
{
  gsize length = strlen(value);

  for (gsize i = 0; i <= length; i++) {
    gsize at = longest ? i : length - i;

    if (g_pattern_match_simple(pattern, value + at))
      return g_strndup(value, at);
  }
  return g_strdup(value);
}

static char *without_prefix(const char *value, const char *pattern, gboolean longest)
{
  gsize length = strlen(value);

  for (gsize i = 0; i <= length; i++) {
    gsize at = longest ? length - i : i;
    g_autofree char *front = g_strndup(value, at);

    if (g_pattern_match_simple(pattern, front))
      return g_strdup(value + at);
  }
  return g_strdup(value);
}

/* "old/new": the first one, or all. */
static char *replaced(const char *value, const char *words, gboolean all)
{
  g_auto(GStrv) parts = g_strsplit(words, "/", 2);

  if (!parts[0] || !*parts[0])
    return g_strdup(value);
  g_auto(GStrv) pieces = g_strsplit(value, parts[0], all ? -1 : 2);

  return g_strjoinv(parts[1] ? parts[1] : "", pieces);
}

#define MAX_EDITED 4096 /* bytes of a value that a pattern is tried on: names and paths are shorter */

char *shell_edit(Shell *shell, const char *value, const char *operation)
{
  gboolean doubled = operation[0] && operation[1] == operation[0];
  g_autofree char *word =
      *operation && strchr("%#/", *operation) ? shell_expand_text(shell, operation + (doubled ? 2 : 1)) : NULL;

  if (strlen(value) > MAX_EDITED || !g_str_is_ascii(value) || (word && !g_str_is_ascii(word)))
    return NULL;
  switch (*operation) {
  case '%':
    return without_suffix(value, word, doubled);
  case '#':
    return without_prefix(value, word, doubled);
  case '/':
    return replaced(value, word, doubled);
  case ',':
    return g_utf8_strdown(value, -1);
  case '^':
    return doubled ? g_utf8_strup(value, -1) : NULL;
  default:
    return NULL;
  }
}
