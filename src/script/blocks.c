/* Statements of a launch script as they stand in its text; loops, functions and here-documents. */
#include "shell_test.h"
#include "state.h"

#include <string.h>

#define MAX_STEPS 10000         /* of all loops of a script */
#define MAX_BYTES (1000 * 1000) /* that their rounds read: real loops read some thousand */
#define MAX_DEPTH 64            /* of loops inside loops */

/* ---- statements ------------------------------------------------------------------------------ */

/* The end of the statement that starts at `at`: a newline or ; outside of quotes and brackets. */
static const char *statement_end(const char *at)
{
  const char *start = at;

  while (*at && *at != '\n' && *at != ';') {
    if (*at == '#' && (at == start || g_ascii_isspace(at[-1])))
      at = strchr(at, '\n') ? strchr(at, '\n') : at + strlen(at);
    else
      at = *at == '{' || (*at == '(' && at[1] == ')') ? at + 1 : shell_skip(at);
  }
  return at;
}

/* Whether the line [line, end) is `word`, tabs in front aside. */
static gboolean is_line(const char *line, const char *end, const char *word)
{
  while (line < end && *line == '\t')
    line++;
  return (gsize)(end - line) == strlen(word) && strncmp(line, word, strlen(word)) == 0;
}

/* Lines of a here-document, "<<WORD", which begin at `behind`: taken; returns behind them. */
static const char *take_document(ScriptStatement *statement, const char *behind)
{
  const char *mark = strstr(statement->text, "<<");

  if (!mark || mark[2] == '<' || strstr(statement->text, "$(("))
    return behind;
  mark += 2 + strspn(mark + 2, "- ");
  statement->verbatim = *mark == '\'' || *mark == '"' || *mark == '\\';
  mark += strspn(mark, "'\"\\");
  g_autofree char *word = g_strndup(mark, strcspn(mark, " '\"\n;|&>"));

  for (const char *line = behind; *word && *line;) {
    const char *end = line + strcspn(line, "\n");

    if (is_line(line, end, word)) {
      statement->document = g_strndup(behind, (gsize)(line - behind));
      return end;
    }
    line = *end ? end + 1 : end;
  }
  return behind;
}

static const char *skip_blank(const char *text)
{
  for (;;) {
    while (g_ascii_isspace(*text))
      text++;
    if (*text != '#')
      return text;
    text = strchr(text, '\n') ? strchr(text, '\n') : text + strlen(text);
  }
}

gboolean script_next(const char **text, ScriptStatement *statement)
{
  const char *at = skip_blank(*text);

  *statement = (ScriptStatement){.start = at};
  if (*at == '\0')
    return FALSE;
  const char *end = statement_end(at);
  gboolean double_end = end == at && at[0] == ';' && at[1] == ';';
  const char *next = double_end ? end + 2 : *end == ';' && end[1] == ';' ? end : *end ? end + 1 : end;

  statement->text = double_end ? g_strdup(";;") : g_strndup(at, (gsize)(end - at));
  shell_strip_comments(statement->text);
  g_strchomp(statement->text);
  *text = take_document(statement, next > at ? next : at + 1);
  return TRUE;
}

void script_statement_clear(ScriptStatement *statement)
{
  g_free(statement->text);
  g_free(statement->document);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static gboolean begins_loop(const char *statement)
{
  return script_after(statement, "for") || script_after(statement, "while") || script_after(statement, "until") ||
         script_after(statement, "select") || g_str_has_prefix(statement, "for((");
}

/* "name() {", "function name {" */
static gboolean begins_function(const char *statement)
{
  const char *parentheses = strstr(statement, "()");

  return script_after(statement, "function") ||
         (parentheses && strcspn(statement, " \t=\"'$") >= (gsize)(parentheses - statement) - 1 &&
          parentheses > statement);
}

gboolean script_begins_block(const char *statement)
{
  return begins_loop(statement) || begins_function(statement);
}

/* By how much a statement goes deeper into loops. */
static int loop_depth(const char *statement)
{
  for (const char *rest = statement; rest; statement = rest)
    if (!(rest = script_after(statement, "do")) && !(rest = script_after(statement, "then")) &&
        !(rest = script_after(statement, "else")))
      break;
  return begins_loop(statement) ? 1 : script_after(statement, "done") ? -1 : 0;
}

/* The same of braces. */
static int brace_depth(const char *statement)
{
  if (*statement == '}')
    return -1;
  return *statement == '{' || (begins_function(statement) && strchr(statement, '{')) ? 1 : 0;
}

/* The statements up to the one that closes the block; *text moves behind that. */
static char *take_inside(const char **text, int (*depth_of)(const char *))
{
  const char *begin = *text, *end = *text;
  ScriptStatement statement;

  for (int depth = 1; depth > 0 && script_next(text, &statement);) {
    depth += depth_of(statement.text);
    end = depth > 0 ? *text : statement.start;
    script_statement_clear(&statement);
  }
  return g_strndup(begin, (gsize)(end - begin));
}

/* ---- loops ----------------------------------------------------------------------------------- */

/* The body once; FALSE when the loop is over. */
static gboolean run_body(Script *script, const char *body)
{
  guint frames = script->frames->len;
  gsize length = strlen(body);

  if (++script->steps > MAX_STEPS || script->depth >= MAX_DEPTH || script->rounds > MAX_BYTES - MIN(length, MAX_BYTES))
    return FALSE;
  script->rounds += length;
  script->depth++;
  script_run(script, body);
  script->depth--;
  script_unwind(script, frames); /* ifs that a break left */
  ScriptFlow flow = script->flow;

  if (flow == FLOW_BREAK || flow == FLOW_CONTINUE)
    script->flow = FLOW_NEXT;
  return flow == FLOW_NEXT || flow == FLOW_CONTINUE;
}

/* for ((i = 0; i < n; i++)) */
static void run_counted(Script *script, const char *header, const char *body)
{
  const char *open = strstr(header, "(("), *close = g_strrstr(header, "))");
  g_autofree char *inside = open && close > open ? g_strndup(open + 2, (gsize)(close - open - 2)) : g_strdup("");
  g_auto(GStrv) parts = g_strsplit(inside, ";", -1);
  int64_t holds = 0;

  if (g_strv_length(parts) != 3)
    return;
  script_assign_arithmetic(script, parts[0]);
  while (shell_arithmetic(&script->shell, parts[1], &holds) && holds && run_body(script, body))
    script_assign_arithmetic(script, parts[2]);
}

/* for name in words */
static void run_each(Script *script, const char *header, const char *body)
{
  g_autoptr(GPtrArray) raw = shell_split(header);
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 3; i < raw->len; i++)
    shell_expand(&script->shell, g_ptr_array_index(raw, i), words);
  for (guint i = 0; raw->len > 2 && i < words->len; i++) {
    GPtrArray *value = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(value, g_strdup(g_ptr_array_index(words, i)));
    shell_assign(&script->shell, g_ptr_array_index(raw, 1), value);
    if (!run_body(script, body))
      return;
  }
}

/* Conditions that no test decides: a loop that goes on for ever is followed once, one that reads is left out. */
static void run_while(Script *script, const char *condition, const char *body)
{
  if (strcmp(condition, "true") == 0 || strcmp(condition, ":") == 0)
    run_body(script, body);
  else if (shell_is_test(condition) || script_after(condition, "getopts"))
    while (script_condition(script, condition) && run_body(script, body))
      ;
}

static void run_loop(Script *script, const char *header, const char *body)
{
  const char *condition = script_after(header, "while");

  if (condition)
    run_while(script, condition, body);
  else if (g_str_has_prefix(header, "for") && strstr(header, "(("))
    run_counted(script, header, body);
  else if (script_after(header, "for"))
    run_each(script, header, body);
}

/* ---- a block --------------------------------------------------------------------------------- */

/* The name of a function, "name() {" or "function name {". */
static char *function_name(const char *statement)
{
  const char *rest = script_after(statement, "function");
  const char *name = rest ? rest : statement;

  return g_strndup(name, strcspn(name, " \t\n({"));
}

static void take_function(Script *script, const char *statement, const char *start, gboolean active, const char **text)
{
  const char *words = script_after(statement, "function");
  const char *name = start + (words ? words - statement : 0);
  const char *brace = name + strcspn(name, " \t\n({");

  brace += strspn(brace, " \t\n()");
  if (*brace != '{')
    return;
  *text = brace + 1;
  char *body = take_inside(text, brace_depth);

  if (active)
    g_hash_table_replace(script->functions, function_name(statement), body);
  else
    g_free(body);
}

void script_take_block(Script *script, const char *statement, const char *start, gboolean active, const char **text)
{
  if (!begins_loop(statement)) {
    take_function(script, statement, start, active, text);
    return;
  }
  g_autofree char *body = take_inside(text, loop_depth);

  if (active)
    run_loop(script, statement, body);
}
