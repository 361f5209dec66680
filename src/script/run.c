/* Statements of a launch script, one after another. */
#include "shell_test.h"
#include "state.h"

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

/* ---- commands -------------------------------------------------------------------------------- */

gboolean script_names_any(const GPtrArray *words, const char *const *names)
{
  for (guint i = 0; i < words->len; i++) {
    g_autofree char *name = g_strndup(g_ptr_array_index(words, i), strcspn(g_ptr_array_index(words, i), "="));

    if (g_strv_contains(names, name))
      return TRUE;
  }
  return FALSE;
}

/* Whether a list of words starts a training: it names what every model has. */
gboolean script_is_launch(const GPtrArray *words)
{
  static const char *const marks[] = {"--num-layers",
                                      "--hidden-size",
                                      "--encoder-num-layers",
                                      "--hybrid-layer-pattern",
                                      "--hybrid-override-pattern",
                                      NULL};

  return script_names_any(words, marks);
}

/* `bash -c "torchrun ... --num-layers 8"` and the like: the word that holds a launch is taken apart. */
void script_open_quoted(GPtrArray *words)
{
  for (guint i = 0; i < words->len; i++) {
    const char *word = g_ptr_array_index(words, i);
    g_auto(GStrv) parts = NULL;

    if (!strchr(word, ' ') || !(strstr(word, "--num-layers") || strstr(word, "--hidden-size")) ||
        !g_shell_parse_argv(word, NULL, &parts, NULL))
      continue;
    g_ptr_array_remove_index(words, i);
    for (guint j = 0; parts[j]; j++)
      g_ptr_array_insert(words, (gint)(i + j), g_strdup(parts[j]));
    return;
  }
}

/* The first word of a launch that another does not have at its place; NULL: it is the same. */
static const char *find_difference(const GPtrArray *launch, const GPtrArray *other)
{
  for (guint i = 0; i < launch->len; i++)
    if (i >= other->len || strcmp(g_ptr_array_index(launch, i), g_ptr_array_index(other, i)) != 0)
      return g_ptr_array_index(launch, i);
  return launch->len < other->len ? "fewer arguments" : NULL;
}

/* The last launch counts; that others stand before it is remembered. */
static void take_launch(Script *script, GPtrArray *words)
{
  const char *difference = script->launch ? find_difference(words, script->launch) : NULL;

  script->launches += !script->launch || difference ? 1 : 0;
  if (difference) {
    g_free(script->difference);
    script->difference = g_strdup(difference);
  }
  if (script->launch)
    g_ptr_array_unref(script->launch);
  script->launch = g_ptr_array_ref(words);
}

void script_launch(Script *script, GPtrArray *words)
{
  if (script_run_child(script, words))
    return;
  script_open_quoted(words);
  if (script_is_launch(words))
    take_launch(script, words);
}

/* > file, 2>&1, < file, << END */
static gboolean is_redirection(const char *raw, gboolean *alone)
{
  gsize digits = strspn(raw, "012&");
  gsize signs = strspn(raw + digits, raw[digits] == '>' ? ">" : "<");

  signs += raw[digits] == '<' && raw[digits + signs] == '-' ? 1 : 0;
  *alone = signs > 0 && raw[digits + signs] == '\0';
  return signs > 0;
}

/* The file that output goes to; "2>" and "<" have none. */
static void take_target(Script *script, const char *raw, const char *next, char **target)
{
  const char *file = *raw == '>' ? raw + strspn(raw, ">") : NULL;

  if (file && *file == '\0')
    file = next;
  if (file && strcmp(file, "&2") == 0)
    file = "/dev/stderr";
  if (!file || *file == '&')
    return;
  g_free(*target);
  *target = shell_expand_text(&script->shell, file);
}

/* "< <(command)": what it prints. NULL: it is none, or not followed. Caller frees. */
static char *substituted(Script *script, const char *raw, const char *next)
{
  if (strcmp(raw, "<") != 0 || !next || !g_str_has_prefix(next, "<(") || !g_str_has_suffix(next, ")"))
    return NULL;
  g_autofree char *command = g_strndup(next + 2, strlen(next) - strlen("<()"));

  return shell_command(&script->shell, command);
}

/* "<<< words" or "< <(command)", which read and mapfile take. */
static void take_input(Script *script, const char *raw, const char *next)
{
  char *printed = substituted(script, raw, next);

  if (printed) {
    g_free(script->input);
    script->input = printed;
    return;
  }
  const char *text = g_str_has_prefix(raw, "<<<") ? raw + 3 : NULL;

  if (!text || (*text == '\0' && !next))
    return;
  g_clear_pointer(&script->input, g_free);
  script->input = shell_expand_text(&script->shell, *text ? text : next);
}

/* Inside $(...): whether a command that is not followed prints what is then missing. */
static gboolean prints(const GPtrArray *words)
{
  static const char *const silent[] = {"mkdir", "cd",    "true", "false", ":",  "unset", "exit", "pushd",
                                       "popd",  "touch", "rm",   "cp",    "mv", "test",  NULL};

  return words->len > 0 && !g_strv_contains(silent, g_ptr_array_index(words, 0));
}

static void run_simple(Script *script, const char *statement)
{
  static const char *const prefixes[] = {"export", "local", "declare", "readonly", "typeset", "-r",  "-a",  "-x",
                                         "-i",     "-g",    "-ax",     "-gx",      "-A",      "-Ax", "-gA", NULL};
  g_autoptr(GPtrArray) raw = shell_split(statement);
  g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *target = NULL;

  for (guint i = 0; i < raw->len; i++) {
    const char *word = g_ptr_array_index(raw, i);
    gsize name = words->len == 0 ? script_assigned(word) : 0;
    gboolean alone = FALSE;

    if (name > 0) {
      script_assign(script, word, name);
    } else if (is_redirection(word, &alone)) {
      const char *next = i + 1 < raw->len ? g_ptr_array_index(raw, i + 1) : NULL;

      take_target(script, word, next, &target);
      take_input(script, word, next);
      i += alone ? 1 : 0;
    } else if (words->len > 0 || !g_strv_contains(prefixes, word)) {
      shell_expand(&script->shell, word, words);
    }
  }
  if (!script_command(script, words, target)) {
    script->unfollowed = script->unfollowed || (script->output && !target && prints(words));
    script_launch(script, words);
  }
  g_clear_pointer(&script->input, g_free);
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

  if (script_after(statement, "sed") || (joint && *joint == '|' && script_after(statement, "cat"))) {
    script_fill_template(script, statement);
    return;
  }
  if (!joint) {
    if (g_str_has_prefix(statement, "(("))
      script_assign_arithmetic(script, statement + 2);
    else if (!shell_is_test(statement))
      run_simple(script, statement);
    return;
  }
  g_autofree char *first = g_strstrip(g_strndup(statement, (gsize)(joint - statement)));
  gboolean doubled = joint[1] == *joint, test = shell_is_test(first);

  script->unfollowed = script->unfollowed || (*joint == '|' && !doubled);
  gboolean success = test ? shell_test(&script->shell, first) : TRUE;

  if (!test)
    run_simple(script, first);
  /* a && b || c: what goes on is behind the next && of a success, the next || of a failure */
  const char wanted = success ? '&' : '|';
  while (joint && joint[1] == *joint && *joint != wanted)
    joint = find_joint(joint + 2);
  if (joint && joint[1] == *joint) {
    g_autofree char *rest = g_strstrip(g_strdup(joint + 2));

    run_list(script, rest);
  }
}

/* ---- statements ------------------------------------------------------------------------------ */

const char *script_after(const char *statement, const char *word)
{
  gsize length = strlen(word);

  if (strncmp(statement, word, length) != 0 || (statement[length] && !g_ascii_isspace(statement[length])))
    return NULL;
  statement += length;
  while (g_ascii_isspace(*statement))
    statement++;
  return statement;
}

gboolean script_condition(Script *script, const char *text)
{
  if (script_after(text, "getopts"))
    return script_next_option(script, text);
  const char *joint = find_joint(text);

  if (!joint)
    return shell_test(&script->shell, text);
  g_autofree char *first = g_strstrip(g_strndup(text, (gsize)(joint - text)));
  g_autofree char *rest = g_strstrip(g_strdup(joint[1] == *joint ? joint + 2 : ""));
  gboolean left = shell_test(&script->shell, first);

  return *joint == '&' ? left && script_condition(script, rest) : left || script_condition(script, rest);
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
  statement += *statement == '(' ? 1 : 0;
  const char *close = strchr(statement, ')'), *open = strchr(statement, '(');

  if (!close || frame->taken || (open && open < close) || (frame->active && frame->subject == NULL))
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
  if (raw->len > 0 && outer_active(script))
    shell_note_open(&script->shell, g_ptr_array_index(raw, 0));
  char *subject = raw->len > 0 ? shell_expand_text(&script->shell, g_ptr_array_index(raw, 0)) : g_strdup("");

  push(script, FRAME_CASE, FALSE, subject);
  while (*rest && !g_ascii_isspace(*rest))
    rest = shell_skip(rest);
  while (g_ascii_isspace(*rest))
    rest++;
  if ((rest = script_after(rest, "in"))) /* the first pattern, on the same line */
    run_statement(script, rest);
}

/* Control words; FALSE when the statement is none. */
static gboolean run_control(Script *script, const char *statement)
{
  const char *rest = NULL;

  if (script->frames->len >= MAX_NESTED)
    return FALSE;
  if ((rest = script_after(statement, "if"))) {
    push(script, FRAME_IF, is_active(script) && script_condition(script, rest), NULL);
  } else if ((rest = script_after(statement, "elif"))) {
    enter_branch(script, outer_active(script) && script_condition(script, rest));
  } else if ((rest = script_after(statement, "else"))) {
    enter_branch(script, TRUE);
    run_statement(script, rest);
  } else if ((rest = script_after(statement, "then")) || (rest = script_after(statement, "do")) ||
             (rest = script_after(statement, "{"))) {
    run_statement(script, rest);
  } else if (script_after(statement, "fi")) {
    pop(script, FRAME_IF);
  } else if ((rest = script_after(statement, "case"))) {
    begin_case(script, rest);
  } else if (script_after(statement, "esac")) {
    pop(script, FRAME_CASE);
  } else {
    return FALSE;
  }
  return TRUE;
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
  if (is_active(script))
    run_list(script, statement);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Control words in front of a statement that begins another. */
static const char *peel(const char *statement)
{
  static const char *const words[] = {"do", "then", "else"};

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    const char *rest = script_after(statement, words[i]);

    if (rest)
      return rest;
  }
  return statement;
}

static void run_one(Script *script, const ScriptStatement *statement, const char **text)
{
  const char *inside = peel(statement->text);

  if (!script_begins_block(inside)) {
    script->statement = statement;
    run_statement(script, statement->text);
    script->statement = NULL;
    return;
  }
  g_autofree char *words = g_strstrip(g_strndup(statement->text, (gsize)(inside - statement->text)));

  run_statement(script, words);
  script_take_block(script, inside, statement->start + (inside - statement->text), is_active(script), text);
}

void script_run(Script *script, const char *text)
{
  ScriptStatement statement;

  while (script->flow == FLOW_NEXT && script_next(&text, &statement)) {
    run_one(script, &statement, &text);
    script_statement_clear(&statement);
  }
}

void script_unwind(Script *script, guint n)
{
  while (script->frames->len > n)
    pop(script, g_array_index(script->frames, ScriptFrame, script->frames->len - 1).kind);
}

void script_clear_frames(Script *script)
{
  script_unwind(script, 0);
  g_array_unref(script->frames);
}
