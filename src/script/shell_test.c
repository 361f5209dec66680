/* Conditions of bash: [ ... ], [[ ... ]], (( ... )), ! and files. */
#include "shell_test.h"

#include <string.h>

static gboolean compare_numbers(const char *left, const char *op, const char *right)
{
  gint64 a = 0, b = 0;

  if (!g_ascii_string_to_signed(left, 10, G_MININT64, G_MAXINT64, &a, NULL) ||
      !g_ascii_string_to_signed(right, 10, G_MININT64, G_MAXINT64, &b, NULL))
    return FALSE;
  return (strcmp(op, "-eq") == 0 && a == b) || (strcmp(op, "-ne") == 0 && a != b) ||
         (strcmp(op, "-lt") == 0 && a < b) || (strcmp(op, "-le") == 0 && a <= b) || (strcmp(op, "-gt") == 0 && a > b) ||
         (strcmp(op, "-ge") == 0 && a >= b);
}

static gboolean compare(const char *left, const char *op, const char *right)
{
  if (strcmp(op, "=") == 0 || strcmp(op, "==") == 0)
    return g_pattern_match_simple(right, left);
  if (strcmp(op, "!=") == 0)
    return !g_pattern_match_simple(right, left);
  return compare_numbers(left, op, right);
}

/* One test of one to three words. Files that a script asks for are taken to be there. */
static gboolean holds(GPtrArray *words)
{
  const char *first = words->len > 0 ? g_ptr_array_index(words, 0) : "";
  const char *second = words->len > 1 ? g_ptr_array_index(words, 1) : "";

  if (words->len == 3)
    return compare(first, second, g_ptr_array_index(words, 2));
  if (words->len == 2 && strcmp(first, "-z") == 0)
    return *second == '\0';
  if (words->len == 2 && strcmp(first, "-n") == 0)
    return *second != '\0';
  if (words->len == 2 && first[0] == '-' && strchr("defrsx", first[1]))
    return TRUE;
  if (words->len == 1 && strcmp(first, "-z") == 0) /* [ -z $UNSET ] */
    return TRUE;
  return words->len == 1 && strcmp(first, "-n") != 0 && *first != '\0';
}

/* "$NAME", ${NAME}: the name between them; NULL: another word. Free with g_free. */
static char *sole_variable(const char *raw)
{
  gsize quoted = *raw == '"' ? 1 : 0, braced = 0;

  if (raw[quoted] != '$')
    return NULL;
  braced = raw[quoted + 1] == '{' ? 1 : 0;
  const char *name = raw + quoted + 1 + braced;
  gsize length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

  return length > 0 && strcmp(name + length, quoted && braced ? "}\""
                                             : quoted         ? "\""
                                             : braced         ? "}"
                                                              : "") == 0
             ? g_strndup(name, length)
             : NULL;
}

void shell_note_open(Shell *shell, const char *raw)
{
  g_autofree char *name = sole_variable(raw), *value = name ? shell_value(shell, name) : NULL;

  if (!name || value)
    return;
  g_autofree char *shown = g_strconcat("$", name, NULL);

  if (!g_ptr_array_find_with_equal_func(shell->open, shown, g_str_equal, NULL))
    g_ptr_array_add(shell->open, g_steal_pointer(&shown));
}

/* Operands of a comparison with something: one with nothing asks whether there is a value. */
static void note_operands(Shell *shell, GPtrArray *raw, guint from, const GPtrArray *words)
{
  for (guint i = 0; words->len == 3 && i < 3; i += 2)
    if (*(const char *)g_ptr_array_index(words, 2 - i) != '\0')
      shell_note_open(shell, g_ptr_array_index(raw, from + i));
}

/* Words of a test up to && or ||, -a or -o, expanded; an operand that expands to nothing is an empty word where two are
 * compared. */
static gboolean test_words(Shell *shell, GPtrArray *raw, guint from, guint to)
{
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  gboolean not = from < to && strcmp(g_ptr_array_index(raw, from), "!") == 0;

  for (guint i = from + (not ? 1 : 0); i < to; i++) {
    guint before = words->len;

    shell_expand(shell, g_ptr_array_index(raw, i), words);
    if (words->len == before)
      g_ptr_array_add(words, g_strdup(""));
  }
  if (to - from == words->len + (not ? 1 : 0))
    note_operands(shell, raw, from + (not ? 1 : 0), words);
  return holds(words) != not ;
}

static gboolean is_joint(const char *word, gboolean *both)
{
  *both = strcmp(word, "&&") == 0 || strcmp(word, "-a") == 0;
  return *both || strcmp(word, "||") == 0 || strcmp(word, "-o") == 0;
}

/* Tests from left to right, as && and || have it. */
static gboolean test_list(Shell *shell, GPtrArray *raw, guint from, guint to)
{
  gboolean result = TRUE, both = TRUE, next = TRUE;

  for (guint start = from, i = from; i <= to; i++) {
    if (i < to && !is_joint(g_ptr_array_index(raw, i), &next))
      continue;
    gboolean this = test_words(shell, raw, start, i);

    result = both ? result && this : result || this;
    both = next;
    start = i + 1;
  }
  return result;
}

gboolean shell_is_test(const char *command)
{
  return g_str_has_prefix(command, "[") || g_str_has_prefix(command, "((") || g_str_has_prefix(command, "!") ||
         g_str_has_prefix(command, "test ");
}

gboolean shell_test(Shell *shell, const char *command)
{
  gboolean kept = shell->keep_unknown, result = strcmp(command, "true") == 0 || strcmp(command, ":") == 0;

  if (result)
    return TRUE;
  shell->keep_unknown = FALSE;
  if (g_str_has_prefix(command, "((")) {
    gsize length = strlen(command);
    g_autofree char *expression = g_strndup(command + 2, length > 4 ? length - 4 : 0);
    int64_t value = 0;

    result = shell_arithmetic(shell, expression, &value) && value != 0;
  } else {
    g_autoptr(GPtrArray) raw = shell_split(command);
    gboolean not = raw->len > 0 && strcmp(g_ptr_array_index(raw, 0), "!") == 0;
    guint from = not ? 1 : 0, to = raw->len;
    gboolean bracketed = from < to && *(const char *)g_ptr_array_index(raw, from) == '[';

    if (bracketed && to > from + 1)
      to--;
    result = (bracketed && test_list(shell, raw, from + 1, to)) != not ;
  }
  shell->keep_unknown = kept;
  return result;
}
