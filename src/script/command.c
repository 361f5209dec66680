/* Commands of a launch script that are followed: those that set variables or files, and its own functions. */
#include "state.h"

#include <string.h>

#define MAX_CALLS 16 /* evals, calls and files inside each other */

typedef void (*Command)(Script *script, GPtrArray *words, const char *target);

static const char *word_at(const GPtrArray *words, guint i)
{
  return i < words->len ? g_ptr_array_index(words, i) : "";
}

/* Words from `from` on, joined by blanks. */
static char *join_from(const GPtrArray *words, guint from)
{
  g_autoptr(GString) text = g_string_new(NULL);

  for (guint i = from; i < words->len; i++)
    g_string_append_printf(text, "%s%s", i > from ? " " : "", word_at(words, i));
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static void run_nested(Script *script, const char *text)
{
  if (script->depth++ < MAX_CALLS)
    script_run(script, text);
  script->depth--;
}

static void run_eval(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  g_autofree char *text = join_from(words, 1);

  run_nested(script, text);
}

/* ---- files ----------------------------------------------------------------------------------- */

void script_run_file(Script *script, const char *path)
{
  gsize length = 0;
  g_autofree char *text =
      script->files && script->depth < MAX_CALLS ? script->files->read(script->files->data, path, &length) : NULL;

  if (!text || !g_utf8_validate(text, (gssize)length, NULL))
    return;
  g_autofree char *joined = script_join_lines(text, length);

  run_nested(script, joined);
}

static void run_source(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  script_run_file(script, word_at(words, 1));
}

char *script_document(Script *script)
{
  const ScriptStatement *statement = script->statement;
  g_autoptr(GString) quoted = g_string_new("\"");

  if (!statement || !statement->document)
    return NULL;
  if (statement->verbatim)
    return g_strdup(statement->document);
  for (const char *c = statement->document; *c; c++)
    g_string_append_printf(quoted, *c == '"' ? "\\%c" : "%c", *c);
  g_string_append_c(quoted, '"');
  return shell_expand_text(&script->shell, quoted->str);
}

/* cat FILE, cat << END inside $(...) */
static void print_document(Script *script, const char *path)
{
  g_autofree char *text =
      script->statement && script->statement->document ? script_document(script) : script_contents(script, path);

  if (text)
    g_string_append(script->output, text);
  else
    script->unfollowed = TRUE;
}

/* cat > FILE << END, tee FILE << END */
static void write_document(Script *script, GPtrArray *words, const char *target)
{
  gboolean tee = strcmp(word_at(words, 0), "tee") == 0;
  const char *file = target ? target : tee ? word_at(words, words->len - 1) : NULL;

  if (file && script->statement && script->statement->document)
    g_hash_table_replace(script->documents, g_strdup(file), script_document(script));
  else if (!file && script->output)
    print_document(script, word_at(words, 1));
}

/* sbatch << END, bash << END: the lines are a script. */
static void run_document(Script *script, GPtrArray *words, const char *target)
{
  g_autofree char *text = script_document(script);

  if (!text) {
    script_launch(script, words);
    return;
  }
  g_autofree char *joined = script_join_lines(text, strlen(text));

  (void)target;
  run_nested(script, joined);
}

static gboolean is_shell(const char *word)
{
  g_autofree char *base = g_path_get_basename(word);

  return strcmp(base, "bash") == 0 || strcmp(base, "sh") == 0;
}

/* The text behind `bash -c`, anywhere among the words; NULL: there is none. */
static const char *child_text(const GPtrArray *words)
{
  gboolean shell = FALSE;

  for (guint i = 0; i + 1 < words->len; i++) {
    const char *word = word_at(words, i);

    if (shell && word[0] == '-' && word[1] != '-' && strchr(word, 'c'))
      return word_at(words, i + 1);
    shell = is_shell(word) || (shell && word[0] == '-');
  }
  return NULL;
}

gboolean script_run_child(Script *script, const GPtrArray *words)
{
  GPtrArray *before = script->launch;
  const char *text = child_text(words);

  if (text)
    run_nested(script, text);
  return text && script->launch != before;
}

static void write_echo(Script *script, GPtrArray *words, const char *target)
{
  guint from = 1;

  while (word_at(words, from)[0] == '-' && word_at(words, from)[1] != '-')
    from++;
  g_autofree char *text = join_from(words, from);

  if (target)
    g_hash_table_replace(script->documents, g_strdup(target), g_steal_pointer(&text));
  else if (script->output)
    g_string_append_printf(script->output, "%s\n", text);
}

/* ---- variables ------------------------------------------------------------------------------- */

/* printf FORMAT WORD..., printf -v NAME FORMAT WORD... */
static void run_printf(Script *script, GPtrArray *words, const char *target)
{
  if (script->output && !target && words->len > 1 && *word_at(words, 1) != '-') {
    g_autofree char *text = shell_format(words, 1);

    g_string_append(script->output, text);
  }
  if (strcmp(word_at(words, 1), "-v") != 0 || words->len < 4)
    return;
  GPtrArray *value = g_ptr_array_new_with_free_func(g_free);

  g_ptr_array_add(value, shell_format(words, 3));
  shell_assign(&script->shell, word_at(words, 2), value);
}

static void run_shift(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  gint64 n = 1;

  if (words->len > 1 && !g_ascii_string_to_signed(word_at(words, 1), 10, 0, 1000, &n, NULL))
    return;
  for (; n > 0 && script->shell.positions->len > 0; n--)
    g_ptr_array_remove_index(script->shell.positions, 0);
}

static void set_positions(Script *script, const GPtrArray *words, guint from)
{
  GPtrArray *positions = g_ptr_array_new_with_free_func(g_free);

  for (guint i = from; i < words->len; i++)
    g_ptr_array_add(positions, g_strdup(word_at(words, i)));
  g_ptr_array_unref(script->shell.positions);
  script->shell.positions = positions;
}

static void run_set(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  if (strcmp(word_at(words, 1), "--") == 0)
    set_positions(script, words, 2);
}

static void run_let(Script *script, GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  for (guint i = 1; i < words->len; i++)
    script_assign_arithmetic(script, word_at(words, i));
}

/* ---- flow ------------------------------------------------------------------------------------ */

static void run_break(Script *script, G_GNUC_UNUSED GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  script->flow = FLOW_BREAK;
}

static void run_continue(Script *script, G_GNUC_UNUSED GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  script->flow = FLOW_CONTINUE;
}

/* Of a function; elsewhere it is nothing. */
static void run_return(Script *script, G_GNUC_UNUSED GPtrArray *words, G_GNUC_UNUSED const char *target)
{
  if (script->calls > 0)
    script->flow = FLOW_RETURN;
}

static void call(Script *script, const char *body, const GPtrArray *words)
{
  GPtrArray *before = g_ptr_array_ref(script->shell.positions);
  guint frames = script->frames->len;
  g_autofree char *kept = g_strdup(body); /* a function may define itself anew */

  set_positions(script, words, 1);
  script->calls++;
  run_nested(script, kept);
  script->calls--;
  script_unwind(script, frames); /* ifs that a return left */
  if (script->flow != FLOW_NEXT)
    script->flow = FLOW_NEXT;
  g_ptr_array_unref(script->shell.positions);
  script->shell.positions = before;
}

/* Variables for a shell below this one; NULL when they are more than expansions may still make. */
static GHashTable *copy_variables(Shell *shell)
{
  g_autoptr(GHashTable) copy =
      g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init(&iter, shell->variables);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free), *before = value;

    g_hash_table_insert(copy, g_strdup(name), words);
    for (guint i = 0; i < before->len; i++) {
      gsize length = strlen(word_at(before, i)) + 1;

      if (shell->budget < length)
        return NULL;
      shell->budget -= length;
      g_ptr_array_add(words, g_strdup(word_at(before, i)));
    }
  }
  return g_steal_pointer(&copy);
}

/* What a text prints, with `words` as its positions (NULL: those that hold). */
static char *print_captured(Script *script, const char *text, const GPtrArray *words)
{
  const Script outer = *script;
  GHashTable *inner = copy_variables(&script->shell);

  if (!inner)
    return NULL;
  script->shell.variables = inner;
  script->output = g_string_new(NULL);
  script->unfollowed = FALSE;
  script->frames = g_array_new(FALSE, FALSE, sizeof(ScriptFrame));
  script->input = NULL;
  if (words)
    call(script, text, words);
  else
    run_nested(script, text);
  gboolean known = !script->unfollowed;
  g_autofree char *printed = g_string_free(script->output, FALSE);

  script_clear_frames(script);
  g_hash_table_unref(inner);
  script->shell.variables = outer.shell.variables;
  script->output = outer.output;
  script->unfollowed = outer.unfollowed;
  script->frames = outer.frames;
  script->input = outer.input;
  script->statement = outer.statement;
  for (gsize n = strlen(printed); n > 0 && printed[n - 1] == '\n'; n--)
    printed[n - 1] = '\0';
  return known ? g_steal_pointer(&printed) : NULL;
}

char *script_print_function(void *script, const GPtrArray *words)
{
  const char *body = g_hash_table_lookup(((Script *)script)->functions, word_at(words, 0));

  return body ? print_captured(script, body, words) : NULL;
}

char *script_print_text(void *script, const char *text)
{
  return print_captured(script, text, NULL);
}

gboolean script_command(Script *script, GPtrArray *words, const char *target)
{
  static const struct {
    const char *word;
    Command run;
  } commands[] = {{"eval", run_eval},      {"source", run_source},         {".", run_source},
                  {"cat", write_document}, {"tee", write_document},        {"sbatch", run_document},
                  {"bash", run_document},  {"sh", run_document},           {"echo", write_echo},
                  {"printf", run_printf},  {"shift", run_shift},           {"set", run_set},
                  {"read", script_read},   {"mapfile", script_read_lines}, {"readarray", script_read_lines},
                  {"let", run_let},        {"break", run_break},           {"continue", run_continue},
                  {"return", run_return}};
  const char *first = word_at(words, 0);
  const char *body = g_hash_table_lookup(script->functions, first);

  for (gsize i = 0; !body && i < G_N_ELEMENTS(commands); i++)
    if (strcmp(first, commands[i].word) == 0) {
      commands[i].run(script, words, target);
      return TRUE;
    }
  if (body)
    call(script, body, words);
  return body != NULL;
}
