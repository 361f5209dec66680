/* Assignments of a launch script: variables, arrays, positions, printf -v and arithmetic. */
#include "state.h"

#include <string.h>

gsize script_assigned(const char *raw)
{
  gsize n = 0;

  while (g_ascii_isalnum(raw[n]) || raw[n] == '_')
    n++;
  if (n > 0 && raw[n] == '[' && strchr(raw + n, ']'))
    n = (gsize)(strchr(raw + n, ']') - raw) + 1;
  return n > 0 && !g_ascii_isdigit(*raw) && (raw[n] == '=' || (raw[n] == '+' && raw[n + 1] == '=')) ? n : 0;
}

/* One word under the key of an associative array, "NAME[key]". */
static void assign_element(Script *script, const char *name, const char *key, const char *raw)
{
  g_autofree char *plain = shell_expand_text(&script->shell, key);
  g_autofree char *whole = g_strdup_printf("%s[%s]", name, plain);
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(words, shell_expand_text(&script->shell, raw));
  shell_assign(&script->shell, whole, words);
}

/* "[key]=value" among the words of an array; FALSE when it is none. */
static gboolean take_element(Script *script, const char *name, const char *raw)
{
  const char *end = *raw == '[' ? strstr(raw, "]=") : NULL;
  g_autofree char *key = end ? g_strndup(raw + 1, (gsize)(end - raw) - 1) : NULL;

  if (end)
    assign_element(script, name, key, end + 2);
  return end != NULL;
}

static GPtrArray *array_of(Script *script, const char *name, const char *raw)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
  gsize length = strlen(raw);
  g_autofree char *inside = g_strndup(raw + 1, length > 2 ? length - 2 : 0);

  shell_strip_comments(inside);
  g_autoptr(GPtrArray) list = shell_split(inside);

  for (guint i = 0; i < list->len; i++)
    if (!take_element(script, name, g_ptr_array_index(list, i)))
      shell_expand(&script->shell, g_ptr_array_index(list, i), words);
  return words;
}

/* Behind what is there, without copying it: loops add to arrays again and again. Takes `value` over. */
static void add_to(Script *script, const char *name, GPtrArray *value, gboolean array)
{
  GPtrArray *before = g_hash_table_lookup(script->shell.variables, name);

  if (!before) {
    shell_assign(&script->shell, name, value);
  } else if (array || before->len == 0) {
    g_ptr_array_extend_and_steal(before, value);
  } else {
    char *last = g_ptr_array_steal_index(before, before->len - 1);

    g_ptr_array_add(before, g_strconcat(last, g_ptr_array_index(value, 0), NULL));
    g_free(last);
    g_ptr_array_unref(value);
  }
}

void script_assign(Script *script, const char *raw, gsize length)
{
  g_autofree char *name = g_strndup(raw, length);
  gboolean adds = raw[length] == '+';
  const char *value = raw + length + (adds ? 2 : 1);
  char *bracket = strchr(name, '[');

  if (bracket) {
    g_autofree char *key = g_strndup(bracket + 1, strlen(bracket) - 2);

    *bracket = '\0';
    assign_element(script, name, key, value);
    return;
  }
  GPtrArray *words = *value == '(' ? array_of(script, name, value) : g_ptr_array_new_with_free_func(g_free);

  if (*value != '(') { /* no splitting of what is assigned */
    g_autofree char *quoted = *value == '"' || *value == '\'' ? g_strdup(value) : g_strconcat("\"", value, "\"", NULL);
    gboolean plain = !strchr(value, '"') && !strchr(value, '\'');

    g_ptr_array_add(words, shell_expand_text(&script->shell, plain ? quoted : value));
  }
  if (adds)
    add_to(script, name, words, *value == '(');
  else
    shell_assign(&script->shell, name, words);
}

/* The operator behind a name ("=", "+=", "++", ...), and the length of both; FALSE when there is none. */
static gboolean find_operator(const char *text, gsize *name, const char **operation, gsize *length)
{
  static const char *const operations[] = {"++", "--", "+=", "-=", "*=", "/=", "="};
  const char *at = text;

  while (g_ascii_isalnum(*at) || *at == '_')
    at++;
  *name = (gsize)(at - text);
  while (g_ascii_isspace(*at))
    at++;
  for (gsize i = 0; *name > 0 && i < G_N_ELEMENTS(operations); i++)
    if (g_str_has_prefix(at, operations[i]) && !g_str_has_prefix(at, "==")) {
      *operation = operations[i];
      *length = (gsize)(at - text) + strlen(operations[i]);
      return TRUE;
    }
  return FALSE;
}

void script_assign_arithmetic(Script *script, const char *text)
{
  gsize n = 0, length = 0;
  const char *operation = NULL;
  int64_t value = 0;

  while (g_ascii_isspace(*text))
    text++;
  if (!find_operator(text, &n, &operation, &length))
    return;
  g_autofree char *name = g_strndup(text, n);
  gboolean plain = *operation == '=', steps = operation[1] == *operation;
  gsize most = strcspn(text + length, ";");
  gboolean closes = text[length + most] == '\0' && g_str_has_suffix(text + length, "))");
  g_autofree char *right = g_strndup(text + length, closes ? most - 2 : most);
  g_autofree char *expression =
      plain ? g_strdup(right) : g_strdup_printf("%s %c (%s)", name, *operation, steps ? "1" : right);

  if (!shell_arithmetic(&script->shell, expression, &value))
    return;
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(words, g_strdup_printf("%" G_GINT64_FORMAT, value));
  shell_assign(&script->shell, name, words);
}
