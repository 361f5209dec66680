/* Templates that a launch script fills in: `sed "s/BATCH/8/" template.json | sed ... > config.json`. */
#include "state.h"

#include <string.h>

/* "s/old/new/" with any sign for /; old and new as text, without patterns. */
static char *replaced(const char *text, const char *expression)
{
  if (expression[0] != 's' || expression[1] == '\0')
    return g_strdup(text);
  const char sign[] = {expression[1], '\0'};
  g_auto(GStrv) parts = g_strsplit(expression + 2, sign, 3);

  if (g_strv_length(parts) < 2 || *parts[0] == '\0')
    return g_strdup(text);
  g_auto(GStrv) pieces = g_strsplit(text, parts[0], -1);

  return g_strjoinv(parts[1], pieces);
}

char *script_contents(const Script *script, const char *path)
{
  const char *written = g_hash_table_lookup(script->documents, path);
  gsize length = 0;

  if (written)
    return g_strdup(written);
  char *text = script->files ? script->files->read(script->files->data, path, &length) : NULL;

  if (text && g_utf8_validate(text, (gssize)length, NULL))
    return text;
  g_free(text);
  return NULL;
}

/* One part of a pipe: the text that it makes of `before`, or of its file when it is the first. NULL when it is not
 * followed. The last > FILE is kept in *target. */
static char *run_part(Script *script, const char *part, const char *before, char **target)
{
  g_autoptr(GPtrArray) raw = shell_split(part), words = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < raw->len; i++)
    shell_expand(&script->shell, g_ptr_array_index(raw, i), words);
  for (guint i = 0; i + 1 < words->len; i++)
    if (strcmp(g_ptr_array_index(words, i), ">") == 0) {
      g_free(*target);
      *target = g_strdup(g_ptr_array_index(words, i + 1));
      g_ptr_array_set_size(words, (gint)i);
    }
  gboolean sed = words->len > 1 && strcmp(g_ptr_array_index(words, 0), "sed") == 0;
  gboolean cat = words->len == 2 && strcmp(g_ptr_array_index(words, 0), "cat") == 0;

  if (!sed && !cat)
    return NULL;
  g_autofree char *text = before ? g_strdup(before) : script_contents(script, g_ptr_array_index(words, words->len - 1));

  return !text ? NULL : sed ? replaced(text, g_ptr_array_index(words, 1)) : g_steal_pointer(&text);
}

void script_fill_template(Script *script, const char *statement)
{
  g_autofree char *target = NULL, *text = NULL;
  const char *part = statement, *end;

  for (; *part; part = *end ? end + 1 : end) {
    for (end = part; *end && *end != '|';)
      end = shell_skip(end);
    g_autofree char *one = g_strndup(part, (gsize)(end - part));
    char *made = run_part(script, one, text, &target);

    g_free(text);
    text = made;
    if (!text)
      return;
  }
  if (target && text)
    g_hash_table_replace(script->documents, g_steal_pointer(&target), g_steal_pointer(&text));
}
