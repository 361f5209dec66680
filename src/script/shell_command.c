/* Commands in $(...) that only make words of words: what they print. */
#include "shell.h"

#include <string.h>

#define MAX_SEQUENCE 10000 /* numbers of seq */

typedef char *(*Printer)(Shell *shell, const GPtrArray *words);

static const char *word_at(const GPtrArray *words, guint i)
{
  return i < words->len ? g_ptr_array_index(words, i) : "";
}

/* The first word that is no option. */
static const char *operand(const GPtrArray *words)
{
  for (guint i = 1; i < words->len; i++)
    if (*word_at(words, i) != '-')
      return word_at(words, i);
  return "";
}

static char *join_from(const GPtrArray *words, guint from, const char *between)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = from; i < words->len; i++)
    g_string_append_printf(text, "%s%s", i > from ? between : "", word_at(words, i));
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* The format once, with words from *next on. */
static void append_format(GString *text, const GPtrArray *words, guint format, guint *next)
{
  for (const char *c = word_at(words, format); *c; c++) {
    if (c[0] == '\\' && c[1]) {
      g_string_append_c(text, *++c == 'n' ? '\n' : *c == 't' ? '\t' : *c);
    } else if (c[0] != '%' || c[1] == '\0') {
      g_string_append_c(text, *c);
    } else if (*++c == '%') {
      g_string_append_c(text, '%');
    } else {
      c += strspn(c, "0123456789.-");
      g_string_append(text, word_at(words, (*next)++));
      if (*c == '\0')
        break;
    }
  }
}

/* Again and again while it takes words, as bash does. */
char *shell_format(const GPtrArray *words, guint from)
{
  g_autoptr(GString) text = g_string_new(NULL);
  guint next = from + 1, before = 0;

  do {
    before = next;
    append_format(text, words, from, &next);
  } while (next < words->len && next > before);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *print_echo(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  guint from = 1;

  while (word_at(words, from)[0] == '-' && g_ascii_isalpha(word_at(words, from)[1]) && !word_at(words, from)[2])
    from++;
  return join_from(words, from, " ");
}

static char *print_format(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  return words->len > 1 && *word_at(words, 1) != '-' ? shell_format(words, 1) : NULL;
}

static char *print_sequence(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  g_autoptr(GString) text = g_string_new(NULL);
  gint64 first = 1, step = 1, last = 0;
  guint n = words->len;
  gboolean sound =
      n >= 2 && n <= 4 && g_ascii_string_to_signed(word_at(words, n - 1), 10, -MAX_SEQUENCE, MAX_SEQUENCE, &last, NULL);

  if (n > 2)
    sound = sound && g_ascii_string_to_signed(word_at(words, 1), 10, -MAX_SEQUENCE, MAX_SEQUENCE, &first, NULL);
  if (n > 3)
    sound = sound && g_ascii_string_to_signed(word_at(words, 2), 10, 1, MAX_SEQUENCE, &step, NULL);
  for (gint64 i = first; sound && i <= last; i += step)
    g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i > first ? " " : "", i);
  return sound ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static char *print_arithmetic(Shell *shell, const GPtrArray *words)
{
  g_autofree char *expression = join_from(words, 1, " ");
  int64_t value = 0;

  return shell_arithmetic(shell, expression, &value) ? g_strdup_printf("%" G_GINT64_FORMAT, value) : NULL;
}

static char *print_base(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  char *base = g_path_get_basename(operand(words));
  const char *suffix = words->len > 2 ? word_at(words, words->len - 1) : "";

  if (*suffix && suffix != operand(words) && g_str_has_suffix(base, suffix))
    base[strlen(base) - strlen(suffix)] = '\0';
  return base;
}

static char *print_folder(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  return g_path_get_dirname(operand(words));
}

static char *print_path(G_GNUC_UNUSED Shell *shell, const GPtrArray *words)
{
  return g_strdup(operand(words));
}

static char *print_here(G_GNUC_UNUSED Shell *shell, G_GNUC_UNUSED const GPtrArray *words)
{
  return g_strdup(".");
}

static char *print_file(Shell *shell, const GPtrArray *words)
{
  char *text = words->len == 2 && shell->read ? shell->read(shell->script, word_at(words, 1)) : NULL;

  for (gsize n = text ? strlen(text) : 0; n > 0 && text[n - 1] == '\n'; n--)
    text[n - 1] = '\0';
  return text;
}

/* python -c "print(32 * 128)" */
static char *print_python(Shell *shell, const GPtrArray *words)
{
  const char *code = words->len == 3 && strcmp(word_at(words, 1), "-c") == 0 ? word_at(words, 2) : "";
  gsize length = strlen(code), front = strlen("print(");
  g_autofree char *expression = g_str_has_prefix(code, "print(") && g_str_has_suffix(code, ")")
                                    ? g_strndup(code + front, length - front - 1)
                                    : NULL;
  int64_t value = 0;

  return expression && !strstr(expression, "//") && !strstr(expression, "**") && !strchr(expression, '/') &&
                 shell_arithmetic(shell, expression, &value)
             ? g_strdup_printf("%" G_GINT64_FORMAT, value)
             : NULL;
}

static char *print_words(Shell *shell, const GPtrArray *words)
{
  static const struct {
    const char *word;
    Printer print;
  } printers[] = {{"echo", print_echo},       {"printf", print_format}, {"seq", print_sequence},
                  {"expr", print_arithmetic}, {"basename", print_base}, {"dirname", print_folder},
                  {"realpath", print_path},   {"readlink", print_path}, {"pwd", print_here},
                  {"cd", print_path},         {"cat", print_file},      {"python", print_python},
                  {"python3", print_python}};

  for (gsize i = 0; i < G_N_ELEMENTS(printers); i++)
    if (strcmp(word_at(words, 0), printers[i].word) == 0)
      return printers[i].print(shell, words);
  return shell->call && words->len > 0 ? shell->call(shell->script, words) : NULL;
}

static char *print_simple(Shell *shell, const char *command)
{
  g_autoptr(GPtrArray) raw = shell_split(command), words = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < raw->len; i++) {
    const char *word = g_ptr_array_index(raw, i);

    if (strchr(word, '>')) /* 2>/dev/null */
      continue;
    shell_expand(shell, word, words);
  }
  return print_words(shell, words);
}

/* "IFS=,; command": the command with the variable as it says. */
static char *print_separated(Shell *shell, const char *command)
{
  const char *end = strchr(command, ';');
  GPtrArray *value = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *raw = g_strndup(command + strlen("IFS="), (gsize)(end - command) - strlen("IFS="));
  GPtrArray *before = g_hash_table_lookup(shell->variables, "IFS");

  if (before)
    g_ptr_array_ref(before);
  g_ptr_array_add(value, shell_expand_text(shell, raw));
  shell_assign(shell, "IFS", value);
  char *text = print_simple(shell, end + 1);

  if (before)
    shell_assign(shell, "IFS", before);
  else
    g_hash_table_remove(shell->variables, "IFS");
  return text;
}

/* "echo TEXT | bc" */
static char *print_piped(Shell *shell, const char *command, const char *pipe)
{
  g_autofree char *first = g_strndup(command, (gsize)(pipe - command));
  g_autofree char *second = g_strstrip(g_strdup(pipe + 1));
  g_autofree char *text = g_str_has_prefix(second, "bc") ? print_simple(shell, first) : NULL;
  int64_t value = 0;

  return text && shell_arithmetic(shell, text, &value) ? g_strdup_printf("%" G_GINT64_FORMAT, value) : NULL;
}

/* "cd FOLDER && pwd" prints the folder. */
static gboolean goes_somewhere(const char *command, const char *joint)
{
  g_autofree char *rest = g_strstrip(g_strdup(joint + 2));

  return g_str_has_prefix(command, "cd ") && g_str_has_prefix(rest, "pwd");
}

/* Conditions and several statements: run as the script itself is. */
static char *print_statements(Shell *shell, const char *command)
{
  return shell->run ? shell->run(shell->script, command) : NULL;
}

char *shell_command(Shell *shell, const char *command)
{
  const char *joint = strstr(command, "&&"), *pipe = strchr(command, '|');

  while (g_ascii_isspace(*command))
    command++;
  if (g_str_has_prefix(command, "IFS=") && strchr(command, ';'))
    return print_separated(shell, command);
  if (joint) {
    g_autofree char *first = g_strndup(command, (gsize)(joint - command));

    return goes_somewhere(command, joint) ? print_simple(shell, first) : print_statements(shell, command);
  }
  if (pipe && pipe[1] != '|')
    return print_piped(shell, command, pipe);
  if (*command == '<' && shell->read) {
    g_autofree char *path = shell_expand_text(shell, command + 1 + strspn(command + 1, " "));

    return shell->read(shell->script, path);
  }
  return pipe || strchr(command, ';') ? print_statements(shell, command) : print_simple(shell, command);
}
