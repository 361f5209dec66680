/* Words of a command line to MegatronArguments, each in one of three classes. */
#include "megatron.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MAX_COUNT  (1 << 28) /* of anything that an argument counts */
#define MAX_NUMBER 1e6       /* capacity factors and rates are far below */

static gboolean is_option(const char *word)
{
  return g_str_has_prefix(word, "--") && word[2] != '\0';
}

/* A variable that nobody assigned, as the reader of scripts leaves it. */
static gboolean is_open(const char *word)
{
  return word[0] == '$';
}

/* Of what there is at least one: no layout has none of it. */
static gboolean is_degree(const char *key)
{
  static const char *const degrees[] = {"parallelism.tensor", "parallelism.pipeline",      "parallelism.context",
                                        "parallelism.expert", "parallelism.expert_tensor", NULL};

  return g_strv_contains(degrees, key);
}

/* A word of the script's own command line, or a variable that no statement gave a value: often because the branch that
 * does so is chosen by a word of the command line. */
static gboolean fail_open(const char *name, const char *word, GError **error)
{
  if (g_ascii_isdigit(word[1]) || (word[1] == '{' && g_ascii_isdigit(word[2])))
    return moe_fail_about(error, name,
                          "the script's argument %.60s is not given, expected its arguments behind the file, as it is "
                          "started",
                          word);
  return moe_fail_about(
      error, name,
      "the variable %.60s is not assigned, expected it as NAME=VALUE behind the file, or the script's "
      "own arguments there if they choose it",
      word);
}

static gboolean read_count(const char *name, const char *key, const char *word, int64_t *value, GError **error)
{
  gint64 number = 0;
  const int least = is_degree(key) ? 1 : 0;

  if ((is_open(word) || strcmp(word, "-1") == 0) && strcmp(key, "parallelism.gpus") == 0) /* --gpus says it */
    return TRUE;
  if (is_open(word))
    return fail_open(name, word, error);
  if (!g_ascii_string_to_signed(word, 10, least, MAX_COUNT, &number, NULL))
    return moe_fail_about(error, name, "'%.40s' is no count, expected a whole number from %d to %d", word, least,
                          MAX_COUNT);
  *value = number;
  return TRUE;
}

static gboolean read_number(const char *name, const char *key, const char *word, double *value, GError **error)
{
  char *end = NULL;
  double number = g_ascii_strtod(word, &end);

  if (number < 0 && *end == '\0' && strcmp(key, "training.routing.capacity_factor") == 0) /* below 0: none */
    number = 0;
  if (strcmp(key, "stack.moe.paged_stash") == 0) /* below 0: of the fullest rank, where loads are even the same */
    number = fabs(number);

  if (end == word || *end != '\0' || !(number >= 0 && number <= MAX_NUMBER))
    return moe_fail_about(error, name, "'%.40s' is no number, expected one from 0 to %g", word, MAX_NUMBER);
  *value = number;
  return TRUE;
}

static gboolean store(const MegatronOption *option, const char *name, const char *word, MegatronArguments *arguments,
                      GError **error)
{
  char *at = (char *)arguments + option->offset;

  switch (option->kind) {
  case MEGATRON_COUNT:
    return read_count(name, option->key, word, (int64_t *)(gpointer)at, error);
  case MEGATRON_NUMBER:
    return read_number(name, option->key, word, (double *)(gpointer)at, error);
  case MEGATRON_TEXT:
    *(const char **)(gpointer)at = word;
    return TRUE;
  case MEGATRON_LIST:
    if (!is_open(word))
      g_ptr_array_add(*(GPtrArray **)(gpointer)at, (gpointer)word);
    return TRUE;
  case MEGATRON_FLAG:
    break;
  }
  return TRUE;
}

/* "--flag" or "--flag=value": the name, and *value behind the sign or NULL. */
static char *split_word(const char *word, const char **value)
{
  const char *sign = strchr(word, '=');

  *value = sign ? sign + 1 : NULL;
  return sign ? g_strndup(word, (gsize)(sign - word)) : g_strdup(word);
}

static guint count_values(const char *const *words)
{
  guint n = 0;

  while (words[n] && !is_option(words[n]))
    n++;
  return n;
}

/* How many of the words behind an option are its values: what follows belongs to nobody. */
static guint arity(const MegatronOption *option, guint n)
{
  return option->kind == MEGATRON_LIST ? n : option->kind == MEGATRON_FLAG ? 0 : MIN(n, 1);
}

/* Values of --cp-comm-type or --num-experts: one, or one for each layer. */
static gboolean all_same(const char *const *values, guint n)
{
  for (guint i = 1; i < n; i++)
    if (strcmp(values[i], values[0]) != 0)
      return FALSE;
  return TRUE;
}

/* An option with the values behind it, as one text on one line. */
static char *join_words(const char *const *words, guint n)
{
  g_autoptr(GString) text = g_string_new(words[0]);

  for (guint i = 1; i < n; i++)
    g_string_append_printf(text, " %s", words[i]);
  for (gsize i = 0; i < text->len; i++)
    if (g_ascii_iscntrl(text->str[i]))
      text->str[i] = ' ';
  return g_string_free(g_steal_pointer(&text), FALSE);
}

static gboolean read_known(const MegatronOption *option, const char *name, const char *const *values, guint n,
                           MegatronArguments *arguments, GError **error)
{
  if (option->kind != MEGATRON_FLAG && n == 0)
    return moe_fail_about(error, name, "no value, expected one");
  if (option->kind == MEGATRON_FLAG)
    *(gboolean *)(gpointer)((char *)arguments + option->offset) = TRUE;
  for (guint i = 0; i < n; i++)
    if (!store(option, name, values[i], arguments, error))
      return FALSE;
  return TRUE;
}

/* Words of a launch line that are no arguments of the training: python, torchrun, the script, switches of theirs. */
static gboolean is_launcher(const char *word)
{
  static const char *const programs[] = {"torchrun",  "python", "python3", "srun", "mpirun",
                                         "deepspeed", "bash",   "numactl", "-m",   "-u",
                                         "exec",      "nsys",   "profile", "env",  NULL};
  g_autofree char *base = g_path_get_basename(word);

  return g_strv_contains(programs, base) || g_str_has_suffix(word, ".py") || g_str_has_suffix(word, ".sh") ||
         g_str_has_prefix(word, "torch.distributed.") || word[0] == '-';
}

typedef struct {
  MegatronArguments *arguments;
  MoeImport *import;
  GPtrArray *unknown;
  const char *const *words; /* all of them */
  GHashTable *values;       /* option -> its line of import->applied */
} Reading;

static void add(GPtrArray *list, const char *const *words, guint n, const char *arrow, const char *what)
{
  g_autofree char *joined = join_words(words, n);

  g_ptr_array_add(list, g_strconcat(joined, arrow, what, NULL));
}

/* Python's argparse keeps the last of what is given again. */
static void forget_earlier(Reading *reading, const MegatronOption *option, const char *const *words, guint n)
{
  char *before = g_hash_table_lookup(reading->values, option);
  g_autofree char *now = join_words(words, n);
  gsize length = strlen(now);

  if (option->kind == MEGATRON_LIST)
    g_ptr_array_set_size(*(GPtrArray **)(gpointer)((char *)reading->arguments + option->offset), 0);
  if (!before || option->kind == MEGATRON_FLAG ||
      (strncmp(before, now, length) == 0 && g_str_has_prefix(before + length, " -> ")))
    return;
  g_autofree char *line = g_strndup(before, (gsize)(strstr(before, " -> ") - before));

  g_ptr_array_remove(reading->import->applied, before);
  g_ptr_array_add(reading->import->ignored, g_strdup_printf("%s: given again behind, which counts", line));
  g_ptr_array_add(reading->import->notes, g_strdup_printf("%s stands before %s: the last counts", line, now));
}

/* A second value, or the value of a flag: a slip, unless a launch line goes on behind it. */
static gboolean check_strays(const MegatronOption *option, const char *name, const char *const *words, guint n,
                             GError **error)
{
  for (guint i = 0; option && i < n; i++)
    if (!is_launcher(words[i]) && !is_open(words[i]))
      return option->kind == MEGATRON_FLAG ? moe_fail_about(error, name, "takes no value")
                                           : moe_fail_about(error, name, "%u values that differ, expected one", n + 1);
  return TRUE;
}

/* Programs that train no decoder, by a part of their names, and what they do. */
static const struct {
  const char *part, *what;
} foreign[] = {{"pretrain_bert", "an encoder that sees both sides (BERT)"},
               {"pretrain_t5", "an encoder beside the decoder (T5)"},
               {"pretrain_ict", "two encoders (retrieval)"},
               {"pretrain_retro", "a decoder that retrieves (RETRO)"},
               {"pretrain_vision", "a model of images"},
               {"pretrain_vlm", "a vision encoder beside the decoder"},
               {"pretrain_biencoder", "two encoders"},
               {"text_generation", "generation, which is no training"},
               {"generate_samples", "generation, which is no training"},
               {"preprocess_data", "preparation of data, which is no training"},
               {"evalharness", "evaluation, which is no training"},
               {"evaluate_", "evaluation, which is no training"},
               {"convertor", "conversion of checkpoints, which is no training"},
               {"hf2mcore", "conversion of checkpoints, which is no training"},
               {"hf2megatron", "conversion of checkpoints, which is no training"}};

static void take_script(Reading *reading, const char *word)
{
  g_autofree char *base = g_path_get_basename(word);

  reading->arguments->script = word;
  for (gsize i = 0; i < G_N_ELEMENTS(foreign); i++)
    if (strstr(base, foreign[i].part)) {
      g_ptr_array_add(reading->unknown, g_strdup_printf("%s: a run cannot say: %s", base, foreign[i].what));
      return;
    }
}

/* What an option does not take: the script and its launcher, or a word that nobody understands. */
static void add_strays(Reading *reading, const char *const *words, guint n)
{
  for (guint i = 0; i < n; i++) {
    if (g_str_has_suffix(words[i], ".py"))
      take_script(reading, words[i]);
    if (is_launcher(words[i]))
      add(reading->import->ignored, words + i, 1, ": ", "launching of processes");
    else if (is_open(words[i]))
      add(reading->import->ignored, words + i, 1, ": ", "not assigned, taken as nothing");
    else
      add(reading->unknown, words + i, 1, "", "");
  }
}

/* A value that switches an argument off; a group of one is none. */
static gboolean is_off(const char *name, const char *value)
{
  static const char *const words[] = {"0", "0.0", "none", "False", "false", NULL};

  return value && (g_strv_contains(words, value) || (strcmp(value, "1") == 0 && g_str_has_suffix(name, "-size")));
}

/* An argument that becomes something in the run, and the words that it takes. */
static gboolean apply(Reading *reading, const MegatronOption *option, const char *sole, const char *const *words,
                      guint used, GError **error)
{
  g_autofree char *name = g_strndup(words[0], strcspn(words[0], "="));

  forget_earlier(reading, option, words, used);
  if (!read_known(option, name, sole ? &sole : words + 1, sole ? 1 : used - 1, reading->arguments, error))
    return FALSE;
  add(reading->import->applied, words, used, " -> ", option->key);
  g_hash_table_replace(reading->values, (gpointer)option,
                       g_ptr_array_index(reading->import->applied, reading->import->applied->len - 1));
  return TRUE;
}

/* An argument and the words up to the next. */
static gboolean read_one(Reading *reading, const char *const *words, guint n, GError **error)
{
  const char *sole = NULL;
  g_autofree char *name = split_word(words[0], &sole);
  const MegatronOption *option = megatron_option(name);
  const char *refusal = option ? NULL : megatron_refusal(name);
  const char *reason = option || refusal ? NULL : megatron_without_effect(name);
  guint given = sole ? 1 : n - 1;
  guint taken = option && !sole ? arity(option, given) : given;

  if (option && (option->kind == MEGATRON_TEXT || option->kind == MEGATRON_COUNT) && all_same(words + 1, given))
    taken = given;
  guint used = sole ? 1 : 1 + taken;

  if (refusal && is_off(name, sole ? sole : given > 0 ? words[1] : NULL))
    reason = "off";
  else if (megatron_stands_alone(name, reading->words))
    reason = "counts beside a switch that is not there";
  if (reason)
    add(reading->import->ignored, words, used, ": ", reason);
  else if (refusal)
    add(reading->unknown, words, used, ": a run cannot say: ", refusal);
  else if (!option)
    add(reading->unknown, words, used, "", "");
  else if (!apply(reading, option, sole, words, used, error))
    return FALSE;
  if (!check_strays(option, name, words + used, n - used, error))
    return FALSE;
  add_strays(reading, words + used, n - used);
  return TRUE;
}

/* ---- the launcher in front of the script ----------------------------------------------------- */

/* The words up to the script are the launcher's, unless the model is among them. 0: none are. */
static guint launcher_words(const char *const *words)
{
  for (guint n = 0; words[n]; n++) {
    const char *sole = NULL;
    g_autofree char *name = split_word(words[n], &sole);
    const MegatronOption *option = is_option(words[n]) ? megatron_option(name) : NULL;

    if (option && g_str_has_prefix(option->key, "architecture."))
      return 0;
    if (g_str_has_suffix(words[n], ".py"))
      return n + 1;
  }
  return 0;
}

/* Options by which launchers say how many processes there are; short ones only behind their program. */
typedef struct {
  const char *programs; /* between blanks; NULL: any */
  const char *names;
  size_t offset; /* in MegatronArguments */
} Launcher;

#define MPI   " mpirun mpiexec mpiexec.hydra prun "
#define SLURM " srun "

static const Launcher launchers[] = {
    {SLURM, " -N --nodes ", offsetof(MegatronArguments, hosts)},
    {SLURM, " -n --ntasks ", offsetof(MegatronArguments, tasks)},
    {SLURM, " --ntasks-per-node ", offsetof(MegatronArguments, host_tasks)},
    {MPI, " -np -n --np -c ", offsetof(MegatronArguments, tasks)},
    {MPI, " -ppn -npernode --npernode ", offsetof(MegatronArguments, host_tasks)},
    {NULL, " --num-processes --num_processes ", offsetof(MegatronArguments, tasks)},
};

static gboolean is_among(const char *list, const char *word)
{
  g_autofree char *whole = g_strdup_printf(" %s ", word);

  return strstr(list, whole) != NULL;
}

static const Launcher *find_launcher(const char *program, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS(launchers); i++)
    if ((!launchers[i].programs || is_among(launchers[i].programs, program)) && is_among(launchers[i].names, name))
      return &launchers[i];
  return NULL;
}

/* "-np 32", "--ntasks=32": TRUE when it is one, with the words that it takes. What is no number counts as nothing. */
static gboolean read_processes(Reading *reading, const char *program, const char *const *words, guint *used)
{
  const char *sole = NULL;
  g_autofree char *name = split_word(words[0], &sole);
  const Launcher *launcher = find_launcher(program, name);
  const char *value = sole ? sole : launcher ? words[1] : NULL;
  gint64 number = 0;

  if (!launcher || !value || !g_ascii_string_to_signed(value, 10, 1, MAX_COUNT, &number, NULL))
    return FALSE;
  *(int64_t *)(gpointer)((char *)reading->arguments + launcher->offset) = number;
  *used = sole ? 1 : 2;
  add(reading->import->applied, words, *used, " -> ", "parallelism.gpus");
  return TRUE;
}

/* The program that a word starts, without its folder; else the one before. */
static const char *program_of(const char *word, const char *before)
{
  const char *base = strrchr(word, '/') ? strrchr(word, '/') + 1 : word;

  return *word != '-' && (is_among(MPI SLURM, base) || is_launcher(word)) ? base : before;
}

/* Of a launcher's arguments those count that say how many GPUs there are. */
static gboolean read_launcher(Reading *reading, const char *const *words, guint n, GError **error)
{
  const char *program = "";

  for (guint i = 0; i < n;) {
    const char *sole = NULL;
    g_autofree char *name = split_word(words[i], &sole);
    const MegatronOption *option = is_option(words[i]) ? megatron_option(name) : NULL;
    gboolean counts = option && strcmp(option->key, "parallelism.gpus") == 0;
    guint used = counts && !sole && i + 1 < n ? 2 : 1;

    program = program_of(words[i], program);
    if (!counts && g_str_has_suffix(words[i], ".py"))
      take_script(reading, words[i]);
    if (!counts && !read_processes(reading, program, words + i, &used))
      add(reading->import->ignored, words + i, 1, ": ", "launching of processes");
    else if (counts && !read_one(reading, words + i, used, error))
      return FALSE;
    i += used;
  }
  return TRUE;
}

gboolean megatron_read(const char *const *words, MegatronArguments *arguments, MoeImport *import, GPtrArray *unknown,
                       GError **error)
{
  g_autoptr(GHashTable) values = g_hash_table_new(NULL, NULL);
  Reading reading = {.arguments = arguments, .import = import, .unknown = unknown, .words = words, .values = values};
  guint launcher = launcher_words(words);

  if (!megatron_conflict(words + launcher, error) || !read_launcher(&reading, words, launcher, error))
    return FALSE;
  words += launcher;
  for (guint strays = count_values(words); strays > 0; strays = 0) {
    add_strays(&reading, words, strays);
    words += strays;
  }
  while (*words) {
    guint n = 1 + count_values(words + 1);

    if (!read_one(&reading, words, n, error))
      return FALSE;
    words += n;
  }
  return TRUE;
}

char **moe_import_words(const char *text, gsize length, const char *name, GError **error)
{
  const MoeMark mark = {.file = name};
  g_autofree char *copy = g_strndup(text, length);
  g_autoptr(GError) reason = NULL;
  char **words = NULL;

  if (length > MOE_IMPORT_MAX_BYTES)
    moe_fail(error, MOE_ERROR_INPUT, mark, "%" G_GSIZE_FORMAT " bytes, expected arguments of at most %d", length,
             MOE_IMPORT_MAX_BYTES);
  else if (!g_utf8_validate(text, (gssize)length, NULL))
    moe_fail(error, MOE_ERROR_INPUT, mark, "a byte that is no UTF-8, expected arguments in UTF-8");
  else if (!g_shell_parse_argv(copy, NULL, &words, &reason))
    moe_fail(error, MOE_ERROR_INPUT, mark, "%s",
             g_error_matches(reason, G_SHELL_ERROR, G_SHELL_ERROR_EMPTY_STRING)
                 ? "no argument, expected such as --num-layers 32"
                 : "a quotation that does not end");
  return words;
}
