/* Raw words of bash to what they stand for. */
#include "shell.h"

#include <string.h>

#define MAX_DEPTH 32

/* A word in the making. */
typedef struct {
  Shell *shell;
  GPtrArray *words;
  GString *word;
  gboolean begun; /* the word is there even if it is empty: something in it was quoted */
} Expansion;

/* ---- pieces ---------------------------------------------------------------------------------- */

static const char *skip_until(const char *at, char close)
{
  for (; *at && *at != close; at++)
    if (*at == '\\' && close != '\'' && at[1])
      at++;
  return *at ? at + 1 : at;
}

static const char *skip_bracketed(const char *at, char open, char close)
{
  guint depth = 0;

  while (*at) {
    if (*at == open)
      depth++;
    else if (*at == close && --depth == 0)
      return at + 1;
    at = *at == '\'' || *at == '"' ? skip_until(at + 1, *at) : at + (*at == '\\' && at[1] ? 2 : 1);
  }
  return at;
}

const char *shell_skip(const char *at)
{
  switch (*at) {
  case '\0':
    return at;
  case '\\':
    return at[1] ? at + 2 : at + 1;
  case '\'':
  case '`':
    return skip_until(at + 1, *at);
  case '"':
    for (at++; *at && *at != '"';)
      at = *at == '$' || *at == '\\' || *at == '`' ? shell_skip(at) : at + 1;
    return *at ? at + 1 : at;
  case '$':
    return at[1] == '(' || at[1] == '{' ? shell_skip(at + 1) : at + 1;
  case '(':
    return skip_bracketed(at, '(', ')');
  case '{':
    return skip_bracketed(at, '{', '}');
  default:
    return at + 1;
  }
}

GPtrArray *shell_split(const char *statement)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

  while (*statement) {
    const char *start = statement;

    while (*statement && !g_ascii_isspace(*statement))
      statement = *statement == '{' ? statement + 1 : shell_skip(statement);
    if (statement > start)
      g_ptr_array_add(words, g_strndup(start, (gsize)(statement - start)));
    while (g_ascii_isspace(*statement))
      statement++;
  }
  return words;
}

/* ---- variables ------------------------------------------------------------------------------- */

void shell_assign(Shell *shell, const char *name, GPtrArray *value)
{
  g_hash_table_replace(shell->variables, g_strdup(name), value);
}

static gsize name_length(const char *at)
{
  gsize n = 0;

  while (g_ascii_isalnum(at[n]) || at[n] == '_')
    n++;
  return g_ascii_isdigit(*at) ? 1 : n;
}

/* All words of $@ or an array joined by blanks, or of a scalar; NULL when it is not assigned. */
static char *value_of(const Shell *shell, const char *name)
{
  GPtrArray *value = g_hash_table_lookup(shell->variables, name);
  gint64 position = 0;

  if (strcmp(name, "@") == 0 || strcmp(name, "*") == 0)
    value = shell->positions;
  else if (g_ascii_string_to_signed(name, 10, 1, 1000, &position, NULL))
    return position <= shell->positions->len ? g_strdup(g_ptr_array_index(shell->positions, position - 1)) : NULL;
  if (!value)
    return NULL;
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 0; i < value->len; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(value, i));
  return g_string_free(g_steal_pointer(&text), FALSE);
}

/* ---- putting together ------------------------------------------------------------------------ */

static void finish_word(Expansion *e)
{
  if (e->word->len > 0 || e->begun)
    g_ptr_array_add(e->words, g_strdup(e->word->str));
  g_string_truncate(e->word, 0);
  e->begun = FALSE;
}

static void append(Expansion *e, const char *text, gsize length, gboolean quoted)
{
  length = MIN(length, e->shell->budget);
  e->shell->budget -= length;
  for (gsize i = 0; i < length; i++)
    if (!quoted && g_ascii_isspace(text[i]))
      finish_word(e);
    else
      g_string_append_c(e->word, text[i]);
}

/* An array in quotes gives its words one by one. */
static void append_array(Expansion *e, const char *name, gboolean quoted)
{
  GPtrArray *value = strcmp(name, "@") == 0 ? e->shell->positions : g_hash_table_lookup(e->shell->variables, name);

  for (guint i = 0; value && i < value->len; i++) {
    const char *word = g_ptr_array_index(value, i);

    if (i > 0)
      finish_word(e);
    append(e, word, strlen(word), quoted);
    e->begun = e->begun || quoted;
  }
}

static void append_unknown(Expansion *e, const char *name, gboolean quoted)
{
  g_autofree char *shown = g_strconcat("$", name, NULL);

  if (e->shell->keep_unknown && strcmp(name, "@") != 0 && strcmp(name, "*") != 0)
    append(e, shown, strlen(shown), quoted);
}

static void append_variable(Expansion *e, const char *name, gboolean quoted)
{
  g_autofree char *value = value_of(e->shell, name);

  if (!value)
    append_unknown(e, name, quoted);
  else if (quoted && strcmp(name, "@") == 0)
    append_array(e, name, TRUE);
  else
    append(e, value, strlen(value), quoted);
}

static void append_raw(Expansion *e, const char *raw, gboolean quoted)
{
  g_autofree char *text = shell_expand_text(e->shell, raw);

  append(e, text, strlen(text), quoted);
}

/* ${NAME:-word}, ${NAME:+word} and so on; a removal of prefixes or suffixes is not followed. */
static void append_braces(Expansion *e, const char *inside, gboolean quoted)
{
  gsize n = *inside == '@' || *inside == '*' ? 1 : strspn(inside, "0123456789");
  gsize length = n > 0 ? n : name_length(inside);
  g_autofree char *name = g_strndup(inside, length);
  const char *rest = inside + length;

  if (g_str_has_prefix(rest, "[@]") || g_str_has_prefix(rest, "[*]")) {
    append_array(e, name, quoted);
    return;
  }
  g_autofree char *value = value_of(e->shell, name);
  gboolean colon = *rest == ':';
  gboolean set = value && (!colon || *value);

  rest += colon ? 1 : 0;
  if (*rest == '+') {
    if (set)
      append_raw(e, rest + 1, quoted);
  } else if (!set && (*rest == '-' || *rest == '=')) {
    append_raw(e, rest + 1, quoted);
  } else {
    append_variable(e, name, quoted);
  }
}

static void append_arithmetic(Expansion *e, const char *piece, gsize length, gboolean quoted)
{
  g_autofree char *expression = g_strndup(piece + 3, length > 5 ? length - 5 : 0);
  g_autofree char *shown = g_strndup(piece, length);
  int64_t value = 0;

  if (shell_arithmetic(e->shell, expression, &value)) {
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

    append(e, text, strlen(text), TRUE);
  } else {
    append_unknown(e, shown + 1, quoted);
  }
}

/* A piece that starts with $; returns behind it. */
static const char *append_dollar(Expansion *e, const char *at, gboolean quoted)
{
  const char *end = shell_skip(at);
  gsize length = (gsize)(end - at);

  if (g_str_has_prefix(at, "$((")) {
    append_arithmetic(e, at, length, quoted);
    return end;
  }
  if (at[1] == '(' || at[1] == '{') {
    g_autofree char *inside = g_strndup(at + 2, length > 3 ? length - 3 : 0);

    if (at[1] == '{')
      append_braces(e, inside, quoted);
    else
      append_unknown(e, "(command)", quoted);
    return end;
  }
  gsize n = at[1] == '@' || at[1] == '*' || at[1] == '#' || at[1] == '?' ? 1 : name_length(at + 1);
  g_autofree char *name = g_strndup(at + 1, n);

  if (n == 0)
    append(e, "$", 1, TRUE);
  else
    append_variable(e, name, quoted);
  return at + 1 + n;
}

static const char *append_double_quotes(Expansion *e, const char *at)
{
  e->begun = TRUE;
  for (at++; *at && *at != '"';) {
    if (*at == '$') {
      at = append_dollar(e, at, TRUE);
    } else if (*at == '\\' && at[1] && strchr("$`\"\\", at[1])) {
      append(e, at + 1, 1, TRUE);
      at += 2;
    } else {
      append(e, at++, 1, TRUE);
    }
  }
  return *at ? at + 1 : at;
}

static const char *append_piece(Expansion *e, const char *at)
{
  const char *end = shell_skip(at);

  switch (*at) {
  case '\'':
    e->begun = TRUE;
    append(e, at + 1, (gsize)(end - at) - (end > at + 1 && end[-1] == '\'' ? 2 : 1), TRUE);
    return end;
  case '"':
    return append_double_quotes(e, at);
  case '$':
    return append_dollar(e, at, FALSE);
  case '`':
    append_unknown(e, "(command)", FALSE);
    return end;
  case '\\':
    append(e, at + 1, at[1] ? 1 : 0, TRUE);
    return end;
  default:
    append(e, at, 1, TRUE);
    return at + 1;
  }
}

void shell_expand(Shell *shell, const char *raw, GPtrArray *words)
{
  Expansion e = {.shell = shell, .words = words, .word = g_string_new(NULL)};

  if (shell->depth++ < MAX_DEPTH)
    while (*raw)
      raw = append_piece(&e, raw);
  shell->depth--;
  finish_word(&e);
  g_string_free(e.word, TRUE);
}

char *shell_expand_text(Shell *shell, const char *raw)
{
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GString) text = g_string_new(NULL);

  shell_expand(shell, raw, words);
  for (guint i = 0; i < words->len; i++)
    g_string_append_printf(text, "%s%s", i > 0 ? " " : "", (const char *)g_ptr_array_index(words, i));
  return g_string_free(g_steal_pointer(&text), FALSE);
}
