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

void shell_strip_comments(char *text)
{
  for (char *c = text; *c;) {
    if (*c == '#' && (c == text || g_ascii_isspace(c[-1])))
      while (*c && *c != '\n')
        *c++ = ' ';
    else
      c = (char *)shell_skip(c);
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

/* ":FROM" or ":FROM:COUNT" behind the name of something of `n` parts; numbers below 0 count from its end. FALSE when it
 * is none. */
static gboolean read_slice(Expansion *e, const char *rest, gsize n, gsize *from, gsize *to)
{
  if (*rest != ':' || strchr("-+=?", rest[1]))
    return FALSE;
  g_auto(GStrv) parts = g_strsplit(rest + 1, ":", 2);
  int64_t all = (int64_t)n, first = 0, count = all;

  if (!shell_arithmetic(e->shell, parts[0], &first) || (parts[1] && !shell_arithmetic(e->shell, parts[1], &count)))
    return FALSE;
  first = first < 0 ? MAX(all + first, 0) : MIN(first, all);
  *from = (gsize)first;
  *to = (gsize)(count < 0 ? MAX(all + count, first) : first + MIN(count, all - first));
  return TRUE;
}

/* An array in quotes gives its words one by one. `slice`: what stands behind [@], or "". */
static void append_array(Expansion *e, const char *name, const char *slice, gboolean quoted)
{
  gboolean own = strcmp(name, "@") == 0;
  GPtrArray *value = own ? e->shell->positions : shell_find(e->shell, name);
  gsize from = 0, to = value ? value->len : 0;

  if (own && read_slice(e, slice, to + 1, &from, &to)) { /* $0 is no word of it */
    from = MAX(from, 1) - 1;
    to = MAX(to, 1) - 1;
  } else if (value && !own) {
    read_slice(e, slice, value->len, &from, &to);
  }
  for (gsize i = from; i < to; i++) {
    const char *word = g_ptr_array_index(value, i);

    if (i > from)
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
  g_autofree char *value = shell_value(e->shell, name);

  if (!value)
    append_unknown(e, name, quoted);
  else if (quoted && strcmp(name, "@") == 0)
    append_array(e, name, "", TRUE);
  else
    append(e, value, strlen(value), quoted);
}

static void append_raw(Expansion *e, const char *raw, gboolean quoted)
{
  g_autofree char *text = shell_expand_text(e->shell, raw);

  append(e, text, strlen(text), quoted);
}

/* ${NAME%.*} and so on. */
static void append_edited(Expansion *e, const char *name, const char *rest, gboolean quoted)
{
  g_autofree char *value = shell_value(e->shell, name);
  g_autofree char *edited = value ? shell_edit(e->shell, value, rest) : NULL;

  if (edited)
    append(e, edited, strlen(edited), quoted);
  else
    append_variable(e, name, quoted);
}

/* ${NAME[key]} of an associative array, whose words are kept one by one; FALSE when there is no such word. */
static gboolean append_keyed(Expansion *e, const char *name, const char *raw, gboolean quoted)
{
  g_autofree char *key = shell_expand_text(e->shell, raw);
  g_autofree char *whole = g_strdup_printf("%s[%s]", name, key);
  g_autofree char *value = shell_value(e->shell, whole);

  if (value)
    append(e, value, strlen(value), quoted);
  return value != NULL;
}

/* ${NAME[index]}; returns behind it, or NULL when it is none. */
static const char *append_element(Expansion *e, const char *name, const char *rest, gboolean quoted)
{
  const char *close = *rest == '[' ? strchr(rest, ']') : NULL;
  GPtrArray *value = shell_find(e->shell, name);
  g_autofree char *expression = close ? g_strndup(rest + 1, (gsize)(close - rest - 1)) : NULL;
  int64_t index = 0;

  if (close && append_keyed(e, name, expression, quoted))
    return close + 1;
  if (!close || !shell_arithmetic(e->shell, expression, &index))
    return NULL;
  if (value && index >= 0 && index < (int64_t)value->len) {
    const char *word = g_ptr_array_index(value, (guint)index);

    append(e, word, strlen(word), quoted);
  } else if (!value) {
    append_unknown(e, name, quoted);
  }
  return close + 1;
}

/* ${#NAME}, ${#NAME[@]}, $# in braces */
static void append_length(Expansion *e, const char *inside)
{
  g_autofree char *name = g_strndup(inside, name_length(inside));
  GPtrArray *value = shell_find(e->shell, name);
  gsize length = value ? value->len : 0; /* of an array: counted, not put together */

  if (*inside == '\0')
    length = e->shell->positions->len;
  else if (inside[strlen(name)] != '[') {
    g_autofree char *text = shell_value(e->shell, name);

    length = text ? strlen(text) : 0;
  }
  g_autofree char *shown = g_strdup_printf("%" G_GSIZE_FORMAT, length);

  append(e, shown, strlen(shown), TRUE);
}

/* ${NAME:=word} gives the variable its value, for all that follows. */
static void keep(Expansion *e, const char *name, const char *word)
{
  GPtrArray *value = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(value, shell_expand_text(e->shell, word));
  shell_assign(e->shell, name, value);
}

/* ${NAME:-word}, ${NAME:+word}, ${NAME:=word}; *rest stands behind the name. FALSE when it is none of them. */
static gboolean append_otherwise(Expansion *e, const char *name, const char *rest, gboolean quoted)
{
  g_autofree char *value = shell_value(e->shell, name);
  gboolean colon = *rest == ':';
  gboolean set = value && (!colon || *value);

  rest += colon ? 1 : 0;
  if (*rest == '+') {
    if (set)
      append_raw(e, rest + 1, quoted);
    return TRUE;
  }
  if (set || (*rest != '-' && *rest != '='))
    return FALSE;
  if (*rest == '=' && name_length(name) > 0)
    keep(e, name, rest + 1);
  append_raw(e, rest + 1, quoted);
  return TRUE;
}

/* ${NAME:FROM:COUNT} of a text. FALSE when it is none. */
static gboolean append_part(Expansion *e, const char *name, const char *rest, gboolean quoted)
{
  g_autofree char *value = *rest == ':' ? shell_value(e->shell, name) : NULL;
  gsize from = 0, to = 0;

  if (!value || !g_utf8_validate(value, -1, NULL) || !read_slice(e, rest, (gsize)g_utf8_strlen(value, -1), &from, &to))
    return FALSE;
  g_autofree char *part = g_utf8_substring(value, (glong)from, (glong)to);

  append(e, part, strlen(part), quoted);
  return TRUE;
}

static void append_braces(Expansion *e, const char *inside, gboolean quoted)
{
  gboolean counts = *inside == '#';
  gsize n = *inside == '@' || *inside == '*' ? 1 : strspn(inside, "0123456789");
  gsize length = n > 0 ? n : name_length(inside);
  g_autofree char *name = g_strndup(inside, length);
  const char *rest = inside + length;

  if (counts)
    append_length(e, inside + 1);
  else if (g_str_has_prefix(rest, "[@]") || (g_str_has_prefix(rest, "[*]") && !quoted))
    append_array(e, name, rest + strlen("[@]"), quoted);
  else if (*name == '@' && *rest == ':' && !strchr("-+=?", rest[1]))
    append_array(e, name, rest, quoted);
  else if (g_str_has_prefix(rest, "[*]"))
    append_variable(e, name, quoted);
  else if (!append_part(e, name, rest, quoted) && !append_element(e, name, rest, quoted) &&
           !append_otherwise(e, name, rest, quoted))
    append_edited(e, name, rest, quoted);
}

/* The first name of an expression that has no value; NULL: none. */
static char *open_name(const Shell *shell, const char *expression)
{
  for (const char *at = expression; *at;) {
    gsize n = name_length(at);
    g_autofree char *name = g_strndup(at, n);
    g_autofree char *value = n > 0 && !g_ascii_isdigit(*name) ? shell_value(shell, name) : g_strdup("");

    if (!value)
      return g_steal_pointer(&name);
    at += MAX(n, 1);
  }
  return NULL;
}

static void append_arithmetic(Expansion *e, const char *piece, gsize length)
{
  g_autofree char *expression = g_strndup(piece + 3, length > 5 ? length - 5 : 0);
  int64_t value = 0;

  if (shell_arithmetic(e->shell, expression, &value)) {
    g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, value);

    append(e, text, strlen(text), TRUE);
  } else {
    g_autofree char *open = open_name(e->shell, expression);

    append_unknown(e, open ? open : "(arithmetic)", TRUE);
  }
}

static void append_command(Expansion *e, const char *command, gboolean quoted)
{
  g_autofree char *text = e->shell->depth < MAX_DEPTH ? shell_command(e->shell, command) : NULL;

  if (text)
    append(e, text, strlen(text), quoted);
  else
    append_unknown(e, "(command)", quoted);
}

/* A piece that starts with $; returns behind it. */
static const char *append_dollar(Expansion *e, const char *at, gboolean quoted)
{
  const char *end = shell_skip(at);
  gsize length = (gsize)(end - at);

  if (g_str_has_prefix(at, "$((")) {
    append_arithmetic(e, at, length);
    return end;
  }
  if (at[1] == '(' || at[1] == '{') {
    g_autofree char *inside = g_strndup(at + 2, length > 3 ? length - 3 : 0);

    if (at[1] == '{')
      append_braces(e, inside, quoted);
    else
      append_command(e, inside, quoted);
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

static void append_backticks(Expansion *e, const char *at, const char *end, gboolean quoted)
{
  g_autofree char *inside = g_strndup(at + 1, end - at > 2 ? (gsize)(end - at) - 2 : 0);

  append_command(e, inside, quoted);
}

/* Whether the quotes at `at` hold an array and nothing else ("$@", "${NAME[@]}"): without words it gives none. */
static gboolean holds_array(const char *at)
{
  if (g_str_has_prefix(at, "\"$@\""))
    return TRUE;
  if (!g_str_has_prefix(at, "\"${"))
    return FALSE;
  const char *start = at + strlen("\"${");
  const char *end = shell_skip(at + strlen("\""));

  if (*end != '"')
    return FALSE;
  g_autofree char *inside = g_strndup(start, (gsize)(end - start));
  gsize name = name_length(inside);

  return *inside == '@' || (name > 0 && g_str_has_prefix(inside + name, "[@]"));
}

static const char *append_double_quotes(Expansion *e, const char *at)
{
  e->begun = e->begun || !holds_array(at);
  for (at++; *at && *at != '"';) {
    if (*at == '$') {
      at = append_dollar(e, at, TRUE);
    } else if (*at == '`') {
      const char *end = shell_skip(at);

      append_backticks(e, at, end, TRUE);
      at = end;
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
    append_backticks(e, at, end, FALSE);
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
