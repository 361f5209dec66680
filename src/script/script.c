/* Launch scripts: the words of the launch among their statements. */
#include "script/script.h"
#include "state.h"

#include <string.h>

#define BUDGET (16 * 1000 * 1000) /* bytes that expansions may make */

/* The length of a comment that is a whole line; 0: none. A \\ at its end continues nothing. */
static gsize comment_line(const char *line, gsize length)
{
  gsize n = 0;

  while (n < length && (line[n] == ' ' || line[n] == '\t'))
    n++;
  if (n == length || line[n] != '#')
    return 0;
  while (n < length && line[n] && line[n] != '\n')
    n++;
  return n;
}

char *script_join_lines(const char *text, gsize length)
{
  g_autoptr(GString) joined = g_string_sized_new(length);
  gboolean fresh = TRUE; /* a line begins here that continues none */

  for (gsize i = 0; i < length && text[i]; i++) {
    gsize comment = fresh ? comment_line(text + i, length - i) : 0;

    fresh = FALSE;
    if (comment > 0) {
      g_string_append_len(joined, text + i, (gssize)comment);
      g_string_append_c(joined, '\n');
      i += comment;
      fresh = TRUE;
    } else if (text[i] == '\\' && i + 1 < length &&
               (text[i + 1] == '\n' || (text[i + 1] == '\r' && i + 2 < length && text[i + 2] == '\n'))) {
      g_string_append_c(joined, ' ');
      i += text[i + 1] == '\r' ? 2 : 1;
    } else if (text[i] != '\r') {
      g_string_append_c(joined, text[i]);
      fresh = text[i] == '\n';
    }
  }
  return g_string_free(g_steal_pointer(&joined), FALSE);
}

/* ---- the launch ------------------------------------------------------------------------------ */

/* Arguments behind the file: NAME=VALUE is assigned, all others are $1, $2, ... */
static void take_given(Script *script, const char *const *given)
{
  for (; given && *given; given++) {
    gsize name = script_assigned(*given);

    if (name > 0 && (*given)[name] == '=') {
      g_autofree char *key = g_strndup(*given, name);
      GPtrArray *value = g_ptr_array_new_with_free_func(g_free);

      g_ptr_array_add(value, g_strdup(*given + name + 1));
      shell_assign(&script->shell, key, value);
    } else {
      g_ptr_array_add(script->shell.positions, g_strdup(*given));
    }
  }
}

/* Whoever starts with a file of settings also gives the tokenizer that it names (examples/post_training of
 * Megatron-LM). */
static void add_tokenizer(const Script *script, GPtrArray *words)
{
  static const char *const known[] = {"--tokenizer-model", "--vocab-size", NULL};
  g_autofree char *tokenizer = shell_value(&script->shell, "TOKENIZER_MODEL");

  if (!tokenizer || *tokenizer == '\0' || script_names_any(words, known))
    return;
  g_ptr_array_add(words, g_strdup("--tokenizer-model"));
  g_ptr_array_add(words, g_steal_pointer(&tokenizer));
}

/* A file of settings has no launch: the variable that names the layers holds the arguments. */
static GPtrArray *settings(const Script *script)
{
  GHashTableIter iter;
  gpointer name, value;
  GPtrArray *best = NULL;

  g_hash_table_iter_init(&iter, script->shell.variables);
  while (g_hash_table_iter_next(&iter, &name, &value)) {
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < ((GPtrArray *)value)->len; i++)
      g_ptr_array_add(words, g_strdup(g_ptr_array_index((GPtrArray *)value, i)));
    script_open_quoted(words);
    gboolean better = script_is_launch(words) && (!best || words->len > best->len);

    if (better && best)
      g_ptr_array_unref(best);
    if (better)
      best = words;
    else
      g_ptr_array_unref(words);
  }
  if (best)
    add_tokenizer(script, best);
  return best;
}

/* Whether a text starts processes: then a variable of arguments alone would not be the whole launch. */
static gboolean launches(const char *text)
{
  static const char *const marks[] = {"torchrun", "torch.distributed", "deepspeed ", "srun ", "pretrain_"};

  for (gsize i = 0; i < G_N_ELEMENTS(marks); i++)
    if (strstr(text, marks[i]))
      return TRUE;
  return FALSE;
}

/* Whether what stands behind an argument is a file whose text counts: DeepSpeed's configuration, blocks of layers. */
static gboolean is_settings(const char *word)
{
  static const char *const names[] = {"--deepspeed_config", "--deepspeed-config", "--heterogeneous-layers-config-path",
                                      "--heterogeneous_layers_config_path", NULL};

  return g_strv_contains(names, word);
}

/* The text that the script writes, or that of the file that it names. */
static char *settings_file(const Script *script, const char *path)
{
  const char *written = g_hash_table_lookup(script->documents, path);
  gsize length = 0;
  char *read = !written && script->files ? script->files->read(script->files->data, path, &length) : NULL;

  return written ? g_strdup(written) : read ? read : g_strdup(path);
}

/* The words of the launch; settings become the text of their file, where it can be had. */
static void copy_words(const Script *script, const GPtrArray *launch, GPtrArray *words)
{
  gboolean names_file = FALSE;

  for (guint i = 0; i < launch->len; i++) {
    const char *word = g_ptr_array_index(launch, i);

    g_ptr_array_add(words, names_file ? settings_file(script, word) : g_strdup(word));
    names_file = is_settings(word);
  }
}

/* Whether the words say themselves how many processes there are. */
static gboolean counts_processes(const GPtrArray *words)
{
  static const char *const names[] = {"--nproc_per_node",
                                      "--nproc-per-node",
                                      "--num_gpus",
                                      "--world-size",
                                      "--num_processes",
                                      "--ntasks",
                                      "-np",
                                      "-n",
                                      NULL};

  return script_names_any(words, names);
}

static char **take_words(Script *script, const char *text, const char *name, GError **error)
{
  GPtrArray *launch = script->launch ? g_ptr_array_ref(script->launch) : launches(text) ? NULL : settings(script);
  GPtrArray *words = g_ptr_array_new();

  if (launch && script->processes > 0 && !counts_processes(launch))
    g_ptr_array_add(words, g_strdup_printf("--world-size=%" G_GINT64_FORMAT, script->processes));
  if (launch)
    copy_words(script, launch, words);
  g_ptr_array_add(words, NULL);
  if (launch)
    g_ptr_array_unref(launch);
  else
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "no launch, expected a script that ends in one with --num-layers or --hidden-size");
  if (launch)
    return (char **)g_ptr_array_free(words, FALSE);
  g_ptr_array_free(words, TRUE);
  return NULL;
}

static void clear_script(Script *script)
{
  script_clear_frames(script);
  g_hash_table_unref(script->functions);
  g_hash_table_unref(script->documents);
  g_hash_table_unref(script->shell.variables);
  g_hash_table_unref(script->shell.asked);
  g_ptr_array_unref(script->shell.positions);
  g_ptr_array_unref(script->shell.open);
  if (script->launch)
    g_ptr_array_unref(script->launch);
  g_free(script->difference);
  g_free(script->input);
}

/* $0 and ${BASH_SOURCE[0]}, from which scripts find the files beside them. */
static void take_name(Script *script, const char *name)
{
  static const char *const names[] = {"0", "BASH_SOURCE"};

  for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
    GPtrArray *value = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(value, g_strdup(name));
    shell_assign(&script->shell, names[i], value);
  }
}

static char *read_for(const void *script, const char *path)
{
  return script_contents(script, path);
}

static void note_launches(const Script *script, GPtrArray *notes)
{
  if (notes && script->launches > 1)
    g_ptr_array_add(notes, g_strdup_printf("the script launches %u trainings, of which the last is taken; it differs "
                                           "from the one before in \"%.60s\"",
                                           script->launches, script->difference));
}

/* Branches that a variable from outside decides are followed as if it were empty. */
static void note_open(const Script *script, GPtrArray *notes)
{
  const GPtrArray *open = script->shell.open;
  g_autoptr(GString) names = g_string_new(NULL);

  for (guint i = 0; i < open->len; i++)
    g_string_append_printf(names, "%s%.40s", i > 0 ? ", " : "", (const char *)g_ptr_array_index(open, i));
  if (notes && open->len > 0)
    g_ptr_array_add(notes, g_strdup_printf("conditions compare what nothing assigns, taken as empty: %s; NAME=VALUE "
                                           "behind the file says otherwise",
                                           names->str));
}

/* A value behind the file that does not reach the launch. */
static void note_given(const Script *script, const char *const *given, GPtrArray *notes)
{
  for (; notes && given && *given; given++) {
    gsize length = script_assigned(*given);
    g_autofree char *name = g_strndup(*given, length);
    gboolean asked = g_hash_table_contains(script->shell.asked, name);
    g_autofree char *value = length > 0 ? shell_value(&script->shell, name) : NULL;

    if (!value)
      continue;
    if (!strstr(value, *given + length + 1))
      g_ptr_array_add(
          notes,
          g_strdup_printf("%.60s behind the file does not count: the script itself assigns \"%.60s\"", *given, value));
    else if (!asked)
      g_ptr_array_add(
          notes, g_strdup_printf("%.60s behind the file does not count: the script asks for no %.40s", *given, name));
  }
}

char **moe_script_words(const MoeScriptText *source, const char *const *given, const MoeScriptFiles *files,
                        GPtrArray *notes, GError **error)
{
  Script script = {
      .shell = {.variables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
                .asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                .positions = g_ptr_array_new_with_free_func(g_free),
                .budget = BUDGET,
                .read = read_for,
                .call = script_print_function,
                .run = script_print_text,
                .script = &script,
                .keep_unknown = TRUE,
                .open = g_ptr_array_new_with_free_func(g_free)},
      .frames = g_array_new(FALSE, FALSE, sizeof(ScriptFrame)),
      .functions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
      .documents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
      .files = files};
  gboolean sound = source->length <= source->most && g_utf8_validate(source->text, (gssize)source->length, NULL);
  g_autofree char *joined = sound ? script_join_lines(source->text, source->length) : NULL;

  if (sound) {
    take_name(&script, source->name);
    script.processes = script_take_slurm(&script, joined);
    take_given(&script, given);
    script_run(&script, joined);
  }
  char **words = sound ? take_words(&script, joined, source->name, error) : NULL;

  note_launches(&script, notes);
  note_open(&script, notes);
  note_given(&script, given, notes);
  if (!sound)
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = source->name},
             "no script in UTF-8 of at most %" G_GSIZE_FORMAT " bytes", source->most);
  clear_script(&script);
  return words;
}

gboolean moe_script_assigns(const char *text, gsize length)
{
  g_autofree char *copy = g_strndup(text, length);
  g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);

  for (char **line = lines; *line; line++) {
    const char *start = *line + strspn(*line, " \t");

    if (script_assigned(g_str_has_prefix(start, "export ") ? start + strlen("export ") : start) > 0)
      return TRUE;
  }
  return FALSE;
}
