/* Statements of a launch script, one after another. */
#include "script.h"
#include "shell_test.h"

#include <string.h>

#define MAX_NESTED 64 /* ifs inside ifs */
#define MAX_EVAL   8  /* evals inside evals */

/* ---- frames ---------------------------------------------------------------------------------- */

static gboolean is_active(const Script *script)
{
  for (guint i = 0; i < script->frames->len; i++)
    if (!g_array_index(script->frames, ScriptFrame, i).active)
      return FALSE;
  return TRUE;
}

static void push(Script *script, ScriptFrameKind kind, gboolean active, char *subject)
{
  ScriptFrame frame = {.kind = kind, .active = active, .taken = active && kind == FRAME_IF, .subject = subject};

  g_array_append_val(script->frames, frame);
}

static void pop(Script *script, ScriptFrameKind kind)
{
  guint n = script->frames->len;

  if (n > 0 && g_array_index(script->frames, ScriptFrame, n - 1).kind == kind) {
    g_free(g_array_index(script->frames, ScriptFrame, n - 1).subject);
    g_array_set_size(script->frames, n - 1);
  }
}

static ScriptFrame *top(Script *script, ScriptFrameKind kind)
{
  guint n = script->frames->len;
  ScriptFrame *frame = n > 0 ? &g_array_index(script->frames, ScriptFrame, n - 1) : NULL;

  return frame && frame->kind == kind ? frame : NULL;
}

/* ---- assignments ----------------------------------------------------------------------------- */

/* "NAME=" or "NAME+=" in front: the length of the name, else 0. */
gsize script_assigned(const char *raw)
{
  gsize n = 0;

  while (g_ascii_isalnum(raw[n]) || raw[n] == '_')
    n++;
  return n > 0 && !g_ascii_isdigit(*raw) && (raw[n] == '=' || (raw[n] == '+' && raw[n + 1] == '=')) ? n : 0;
}

static void strip_comments(char *text)
{
  for (char *c = text; *c;) {
    if (*c == '#' && (c == text || g_ascii_isspace(c[-1])))
      while (*c && *c != '\n')
        *c++ = ' ';
    else
      c = (char *)shell_skip(c);
  }
}

static GPtrArray *array_of(Script *script, const char *raw)
{
  GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
  gsize length = strlen(raw);
  g_autofree char *inside = g_strndup(raw + 1, length > 2 ? length - 2 : 0);

  strip_comments(inside);
  g_autoptr(GPtrArray) list = shell_split(inside);

  for (guint i = 0; i < list->len; i++)
    shell_expand(&script->shell, g_ptr_array_index(list, i), words);
  return words;
}

static void add_to(Script *script, const char *name, GPtrArray *value, gboolean array)
{
  GPtrArray *before = g_hash_table_lookup(script->shell.variables, name);
  GPtrArray *joined = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; before && i < before->len; i++)
    g_ptr_array_add(joined, g_strdup(g_ptr_array_index(before, i)));
  for (guint i = 0; i < value->len; i++) {
    if (i == 0 && joined->len > 0 && !array) {
      char *last = g_ptr_array_steal_index(joined, joined->len - 1);

      g_ptr_array_add(joined, g_strconcat(last, g_ptr_array_index(value, i), NULL));
      g_free(last);
    } else {
      g_ptr_array_add(joined, g_strdup(g_ptr_array_index(value, i)));
    }
  }
  g_ptr_array_unref(value);
  shell_assign(&script->shell, name, joined);
}

static void assign(Script *script, const char *raw, gsize length)
{
  g_autofree char *name = g_strndup(raw, length);
  gboolean adds = raw[length] == '+';
  const char *value = raw + length + (adds ? 2 : 1);
  GPtrArray *words = *value == '(' ? array_of(script, value) : g_ptr_array_new_with_free_func(g_free);

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

/* ---- commands -------------------------------------------------------------------------------- */

/* Whether a list of words starts a training: it names what every model has. */
gboolean script_is_launch(const GPtrArray *words)
{
  static const char *const marks[] = {"--num-layers", "--hidden-size", "--encoder-num-layers", "--hybrid-layer-pattern",
                                      NULL};

  for (guint i = 0; i < words->len; i++) {
    g_autofree char *name = g_strndup(g_ptr_array_index(words, i), strcspn(g_ptr_array_index(words, i), "="));

    if (g_strv_contains(marks, name))
      return TRUE;
  }
  return FALSE;
}

/* `bash -c "torchrun ... --num-layers 8"` and the like: the word that holds a launch is taken apart. */
void script_open_quoted(GPtrArray *words)
{
  for (guint i = 0; i < words->len; i++) {
    const char *word = g_ptr_array_index(words, i);
    g_auto(GStrv) parts = NULL;

    if (!strchr(word, ' ') || !strstr(word, "--num-layers") || !g_shell_parse_argv(word, NULL, &parts, NULL))
      continue;
    g_ptr_array_remove_index(words, i);
    for (guint j = 0; parts[j]; j++)
      g_ptr_array_insert(words, (gint)(i + j), g_strdup(parts[j]));
    return;
  }
}

static void run_eval(Script *script, const GPtrArray *words)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = 1; i < words->len; i++)
    g_string_append_printf(text, "%s ", (const char *)g_ptr_array_index(words, i));
  if (script->evals++ < MAX_EVAL)
    script_run(script, text->str);
  script->evals--;
}

static void run_words(Script *script, GPtrArray *words)
{
  if (words->len > 0 && strcmp(g_ptr_array_index(words, 0), "eval") == 0) {
    run_eval(script, words);
    return;
  }
  if (words->len > 0 && strcmp(g_ptr_array_index(words, 0), "echo") == 0)
    return;
  script_open_quoted(words);
  if (!script_is_launch(words))
    return;
  if (script->launch)
    g_ptr_array_unref(script->launch);
  script->launch = g_ptr_array_ref(words);
}

/* > file, 2>&1, < file */
static gboolean is_redirection(const char *raw, gboolean *alone)
{
  gsize digits = strspn(raw, "012&");

  *alone = raw[digits] && raw[digits + 1 + (raw[digits + 1] == '>')] == '\0';
  return raw[digits] == '>' || raw[digits] == '<';
}

static void run_simple(Script *script, const char *statement)
{
  static const char *const prefixes[] = {"export", "local", "declare", "readonly", "typeset", "-r", "-a",
                                         "-x",     "-i",    "-g",      "-ax",      "-gx",     NULL};
  g_autoptr(GPtrArray) raw = shell_split(statement);
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

  for (guint i = 0; i < raw->len; i++) {
    const char *word = g_ptr_array_index(raw, i);
    gsize name = words->len == 0 ? script_assigned(word) : 0;
    gboolean alone = FALSE;

    if (name > 0)
      assign(script, word, name);
    else if (is_redirection(word, &alone))
      i += alone ? 1 : 0;
    else if (words->len > 0 || !g_strv_contains(prefixes, word))
      shell_expand(&script->shell, word, words);
  }
  run_words(script, words);
}

/* ---- lists of commands ----------------------------------------------------------------------- */

/* Where && or || or | or a lone & stands at the top level; NULL. */
static const char *find_joint(const char *statement)
{
  int brackets = 0;

  while (*statement) {
    if (g_str_has_prefix(statement, "[[ "))
      brackets++;
    else if (g_str_has_prefix(statement, " ]]"))
      brackets--;
    gboolean redirects = *statement == '>' && statement[1] == '&';

    if (brackets <= 0 && (*statement == '|' || *statement == '&') && !redirects)
      return statement;
    statement = shell_skip(statement) + (redirects ? 1 : 0);
  }
  return NULL;
}

/* A condition && what follows; other commands are taken to succeed. What a pipe carries on is not followed. */
static void run_list(Script *script, const char *statement)
{
  const char *joint = find_joint(statement);

  if (!joint) {
    if (!shell_is_test(statement))
      run_simple(script, statement);
    return;
  }
  g_autofree char *first = g_strstrip(g_strndup(statement, (gsize)(joint - statement)));
  gboolean doubled = joint[1] == *joint, test = shell_is_test(first);
  gboolean success = test ? shell_test(&script->shell, first) : TRUE;

  if (!test)
    run_simple(script, first);
  if (doubled && (*joint == '&') == success) {
    g_autofree char *rest = g_strstrip(g_strdup(joint + 2));

    run_list(script, rest);
  }
}

/* ---- statements ------------------------------------------------------------------------------ */

static const char *after(const char *statement, const char *word)
{
  gsize length = strlen(word);

  if (strncmp(statement, word, length) != 0 || (statement[length] && !g_ascii_isspace(statement[length])))
    return NULL;
  statement += length;
  while (g_ascii_isspace(*statement))
    statement++;
  return statement;
}

static gboolean condition(Script *script, const char *text)
{
  const char *joint = find_joint(text);

  if (!joint)
    return shell_test(&script->shell, text);
  g_autofree char *first = g_strstrip(g_strndup(text, (gsize)(joint - text)));
  g_autofree char *rest = g_strstrip(g_strdup(joint[1] == *joint ? joint + 2 : ""));
  gboolean left = shell_test(&script->shell, first);

  return *joint == '&' ? left && condition(script, rest) : left || condition(script, rest);
}

static void enter_branch(Script *script, gboolean holds)
{
  ScriptFrame *frame = top(script, FRAME_IF);

  if (!frame)
    return;
  frame->active = holds && !frame->taken;
  frame->taken = frame->taken || frame->active;
}

/* Whether the frames around the innermost one are executed: conditions elsewhere are not looked at. */
static gboolean outer_active(const Script *script)
{
  for (guint i = 0; i + 1 < script->frames->len; i++)
    if (!g_array_index(script->frames, ScriptFrame, i).active)
      return FALSE;
  return TRUE;
}

/* "a|b) statement" inside a case; returns the statement, or NULL when it is no pattern. */
static const char *match_pattern(Script *script, ScriptFrame *frame, const char *statement)
{
  const char *close = strchr(statement, ')');

  if (!close || frame->taken || strchr(statement, '(') || (frame->active && frame->subject == NULL))
    return NULL;
  g_autofree char *patterns = g_strndup(statement, (gsize)(close - statement));
  g_auto(GStrv) each = g_strsplit(patterns, "|", -1);

  for (char **pattern = each; *pattern && !frame->active; pattern++) {
    g_autofree char *text = shell_expand_text(&script->shell, g_strstrip(*pattern));

    frame->active = outer_active(script) && g_pattern_match_simple(text, frame->subject);
  }
  for (close++; g_ascii_isspace(*close);)
    close++;
  return close;
}

static void run_statement(Script *script, const char *statement);

static void begin_case(Script *script, const char *rest)
{
  g_autoptr(GPtrArray) raw = shell_split(rest);
  char *subject = raw->len > 0 ? shell_expand_text(&script->shell, g_ptr_array_index(raw, 0)) : g_strdup("");

  push(script, FRAME_CASE, FALSE, subject);
}

/* Control words; FALSE when the statement is none. */
static gboolean run_control(Script *script, const char *statement)
{
  static const char *const loops[] = {"for", "while", "until", "select", "function"};
  const char *rest = NULL;

  if (script->frames->len >= MAX_NESTED)
    return FALSE;
  if ((rest = after(statement, "if"))) {
    push(script, FRAME_IF, is_active(script) && condition(script, rest), NULL);
  } else if ((rest = after(statement, "elif"))) {
    enter_branch(script, outer_active(script) && condition(script, rest));
  } else if ((rest = after(statement, "else"))) {
    enter_branch(script, TRUE);
    run_statement(script, rest);
  } else if ((rest = after(statement, "then"))) {
    run_statement(script, rest);
  } else if (after(statement, "fi")) {
    pop(script, FRAME_IF);
  } else if ((rest = after(statement, "case"))) {
    begin_case(script, rest);
  } else if (after(statement, "esac")) {
    pop(script, FRAME_CASE);
  } else if (after(statement, "done") || strcmp(statement, "}") == 0) {
    pop(script, FRAME_SKIP);
  } else {
    for (gsize i = 0; i < G_N_ELEMENTS(loops); i++)
      if (after(statement, loops[i])) {
        push(script, FRAME_SKIP, FALSE, NULL);
        return TRUE;
      }
    return FALSE;
  }
  return TRUE;
}

/* "name() {" */
static gboolean begins_function(const char *statement)
{
  const char *parentheses = strstr(statement, "()");

  return parentheses && strcspn(statement, " \t=\"'$") >= (gsize)(parentheses - statement);
}

static void run_statement(Script *script, const char *statement)
{
  ScriptFrame *frame = top(script, FRAME_CASE);

  if (*statement == '\0')
    return;
  if (frame && strcmp(statement, ";;") == 0) {
    frame->taken = frame->taken || frame->active;
    frame->active = FALSE;
    return;
  }
  const char *inside = frame && !frame->active ? match_pattern(script, frame, statement) : NULL;

  if (inside) {
    run_statement(script, inside);
    return;
  }
  if (run_control(script, statement))
    return;
  if (begins_function(statement))
    push(script, FRAME_SKIP, FALSE, NULL);
  else if (is_active(script))
    run_list(script, statement);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The end of the statement that starts at `at`: a newline or ; outside of quotes and brackets. */
static const char *statement_end(const char *at)
{
  while (*at && *at != '\n' && *at != ';') {
    if (*at == '#')
      at = strchr(at, '\n') ? strchr(at, '\n') : at + strlen(at);
    else
      at = *at == '{' || (*at == '(' && at[1] == ')') ? at + 1 : shell_skip(at);
  }
  return at;
}

/* Lines of a here-document, "<<WORD": behind them. */
static const char *skip_document(const char *statement, const char *behind)
{
  const char *mark = strstr(statement, "<<");

  if (!mark || mark[2] == '<' || strstr(statement, "$(("))
    return behind;
  mark += 2 + strspn(mark + 2, "- '\"\\");
  g_autofree char *word = g_strndup(mark, strcspn(mark, " '\"\n;"));
  g_autofree char *line = g_strdup_printf("\n%s\n", word);
  const char *end = *word ? strstr(behind, line) : NULL;

  return end ? end + strlen(line) - 1 : behind;
}

void script_run(Script *script, const char *text)
{
  while (*text) {
    const char *end = NULL;

    while (g_ascii_isspace(*text))
      text++;
    if (*text == '#') {
      text = strchr(text, '\n') ? strchr(text, '\n') : text + strlen(text);
      continue;
    }
    end = statement_end(text);
    gboolean double_end = end == text && text[0] == ';' && text[1] == ';';
    g_autofree char *statement = double_end ? g_strdup(";;") : g_strndup(text, (gsize)(end - text));
    const char *next = double_end ? end + 2 : *end == ';' && end[1] == ';' ? end : *end ? end + 1 : end;

    strip_comments(statement);
    g_strstrip(statement);
    run_statement(script, statement);
    text = skip_document(statement, next > text ? next : text + (*text ? 1 : 0));
  }
}

void script_clear_frames(Script *script)
{
  while (script->frames->len > 0)
    pop(script, g_array_index(script->frames, ScriptFrame, script->frames->len - 1).kind);
  g_array_unref(script->frames);
}
