/* The commands read and getopts of launch scripts: words of a here-string or a here-document, and the script's own
 * options, into variables. */
#include "state.h"

#include <string.h>

static void assign_text(Script *script, const char *name, const char *text)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(words, g_strdup(text));
  shell_assign(&script->shell, name, words);
}

/* The signs between words: IFS, or blanks. */
static char *signs_of(const Script *script)
{
  char *value = shell_value(&script->shell, "IFS");

  if (value && *value)
    return value;
  g_free(value);
  return g_strdup(" \t\n");
}

static void assign_array(Script *script, const char *name, const char *text, const char *signs)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
  g_auto(GStrv) parts = g_strsplit_set(text, signs, -1);

  for (char **part = parts; *part; part++)
    if (**part)
      g_ptr_array_add(words, g_strdup(*part));
  shell_assign(&script->shell, name, words);
}

/* A word for each name, what is left for the last. */
static void assign_each(Script *script, char **names, const char *text, const char *signs)
{
  for (; *names; names++) {
    gsize length = names[1] ? strcspn(text, signs) : strlen(text);
    g_autofree char *word = g_strndup(text, length);

    assign_text(script, *names, word);
    text += length;
    text += strspn(text, signs);
  }
}

void script_read(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  g_autoptr(GStrvBuilder) names = g_strv_builder_new();
  gboolean array = FALSE, whole = FALSE;

  for (guint i = 1; i < words->len; i++) {
    const char *word = g_ptr_array_index(words, i);

    if (*word == '-' && strchr(word, 'd')) { /* -d '': up to the end */
      whole = TRUE;
      i += word[strlen(word) - 1] == 'd' ? 1 : 0;
    } else if (*word == '-') {
      array = array || strchr(word, 'a');
    } else {
      g_strv_builder_add(names, word);
    }
  }
  g_auto(GStrv) list = g_strv_builder_end(names);
  g_autofree char *text = script->input ? g_strdup(script->input) : script_document(script);
  g_autofree char *signs = signs_of(script);

  if (text && *list && array)
    assign_array(script, *list, text, signs);
  else if (text && *list && whole)
    assign_text(script, *list, text);
  else if (text)
    assign_each(script, list, text, signs);
  g_hash_table_remove(script->shell.variables, "IFS"); /* in front of read it counts for read alone */
}

void script_read_lines(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  g_autofree char *text = script->input ? g_strdup(script->input) : script_document(script);
  const char *name = words->len > 1 ? g_ptr_array_index(words, words->len - 1) : "";

  if (text && *name && *name != '-')
    assign_array(script, name, text, "\n");
}

gboolean script_next_option(Script *script, const char *statement)
{
  g_autoptr(GPtrArray) raw = shell_split(statement), words = g_ptr_array_new_with_free_func(g_free);
  const GPtrArray *positions = script->shell.positions;
  const char *word = script->option < positions->len ? g_ptr_array_index(positions, script->option) : "";

  for (guint i = 0; i < raw->len; i++)
    shell_expand(&script->shell, g_ptr_array_index(raw, i), words);
  if (words->len < 3 || word[0] != '-' || word[1] == '\0' || word[1] == '-')
    return FALSE;
  const char letter[] = {word[1], '\0'};
  const char *known = strchr(g_ptr_array_index(words, 1), *letter);
  gboolean takes = known && known[1] == ':', attached = word[2] != '\0';

  script->option += takes && !attached ? 2 : 1;
  assign_text(script, g_ptr_array_index(words, 2), known ? letter : "?");
  if (takes)
    assign_text(script, "OPTARG",
                attached                           ? word + 2
                : script->option <= positions->len ? g_ptr_array_index(positions, script->option - 1)
                                                   : "");
  return TRUE;
}
