/* Options and arguments of one command. */
#include "cli.h"

#include "study/study.h"

#include <stdio.h>
#include <string.h>

static const char *summary_of(const char *command)
{
  guint n = 0;
  const MoeCommand *commands = moe_commands(&n);

  for (guint i = 0; i < n; i++)
    if (strcmp(commands[i].name, command) == 0)
      return commands[i].summary;
  return "";
}

static void append_names(GPtrArray *names, const GOptionEntry *entries)
{
  for (; entries && entries->long_name; entries++)
    g_ptr_array_add(names, (gpointer)entries->long_name);
}

/* "Unknown option --frmat" -> the word behind the dashes. */
static char *unknown_word(const char *message)
{
  const char *dashes = strstr(message, "--");

  return dashes ? g_strndup(dashes + 2, strcspn(dashes + 2, "= ")) : NULL;
}

static int bad_option(const MoeUsage *usage, const GError *error, const GOptionEntry *entries,
                      const GOptionEntry *shared)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();
  g_autofree char *word = unknown_word(error->message);

  append_names(names, entries);
  append_names(names, shared);
  g_ptr_array_add(names, (gpointer) "help");
  g_ptr_array_add(names, (gpointer) "wide");
  g_ptr_array_add(names, NULL);
  const char *nearest = NULL;

  if (word && g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
    nearest = moe_nearest_word(word, (const char *const *)names->pdata);
  if (nearest)
    return moe_cli_complain("%s: unknown option '--%s', did you mean '--%s'?", usage->command, word, nearest);
  return moe_cli_complain("%s: %s; moesim %s --help lists the options%s%s", usage->command, error->message,
                          usage->command, usage->behind ? ", behind -- stand " : "",
                          usage->behind ? usage->behind : "");
}

static int check_arguments(const MoeUsage *usage, int n)
{
  if (n < usage->least)
    return moe_cli_complain("%s: expected %s; moesim %s --help tells more", usage->command, usage->arguments,
                            usage->command);
  if (usage->most >= 0 && n > usage->most)
    return moe_cli_complain("%s: too many arguments, expected %s", usage->command,
                            *usage->arguments ? usage->arguments : "options only");
  return MOE_CLI_GO;
}

/* Removes the "--" that separates options from arguments; these still end with NULL. */
static void drop_separator(int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") != 0)
      continue;
    memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
    argv[--*argc] = NULL;
    return;
  }
}

static GOptionContext *new_context(const MoeUsage *usage, const GOptionEntry *entries, const GOptionEntry *shared,
                                   const GOptionEntry *help)
{
  GOptionContext *context = g_option_context_new(usage->arguments);
  g_autofree char *summary = g_strdup_printf("moesim %s: %s.", usage->command, summary_of(usage->command));
  g_autofree char *examples = g_strdup_printf("Examples:\n%s", usage->examples);

  g_option_context_set_help_enabled(context, FALSE);
  g_option_context_set_summary(context, summary);
  g_option_context_set_description(context, examples);
  if (entries)
    g_option_context_add_main_entries(context, entries, NULL);
  if (shared)
    g_option_context_add_main_entries(context, shared, NULL);
  g_option_context_add_main_entries(context, help, NULL);
  return context;
}

/* An empty word is no choice, and not the default either. A title may be empty. */
static gboolean has_empty(const MoeUsage *usage, const GOptionEntry *entries)
{
  for (; entries && entries->long_name; entries++) {
    gboolean text = entries->arg == G_OPTION_ARG_STRING || entries->arg == G_OPTION_ARG_FILENAME;
    const char *value = text ? *(char **)entries->arg_data : NULL;

    if (value && !*value && strcmp(entries->long_name, "title") != 0) {
      moe_cli_complain("%s: --%s is empty, expected %s", usage->command, entries->long_name, entries->arg_description);
      return TRUE;
    }
  }
  return FALSE;
}

/* Numbers that mean the same in every command. */
static const struct {
  const char *name;
  gint least, most;
} ranges[] = {
    {"jobs", 0, MOE_STUDY_MAX_JOBS},
    {"steps", 1, MOE_ASK_MAX_STEPS},
};

/* Whether the option was given at all: its default may lie outside. */
static gboolean is_given(int argc, char *const *argv, const char *name)
{
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
    const char *word = g_str_has_prefix(argv[i], "--") ? argv[i] + 2 : "";

    if (g_str_has_prefix(word, name) && (word[strlen(name)] == '\0' || word[strlen(name)] == '='))
      return TRUE;
  }
  return FALSE;
}

static gboolean is_out_of_range(const MoeUsage *usage, const GOptionEntry *entries, int argc, char *const *argv)
{
  for (; entries && entries->long_name; entries++)
    for (guint r = 0; r < G_N_ELEMENTS(ranges); r++) {
      if (strcmp(ranges[r].name, entries->long_name) != 0 || !is_given(argc, argv, entries->long_name))
        continue;
      gint value = *(gint *)entries->arg_data;

      if (value >= ranges[r].least && value <= ranges[r].most)
        continue;
      moe_cli_complain("%s: --%s: %d, expected %d to %d", usage->command, entries->long_name, value, ranges[r].least,
                       ranges[r].most);
      return TRUE;
    }
  return FALSE;
}

int moe_cli_parse(const MoeUsage *usage, const GOptionEntry *entries, const GOptionEntry *shared, int *argc,
                  char ***argv)
{
  gboolean help = FALSE, wide = FALSE;
  const GOptionEntry help_entry[] = {
      {"wide", 0, 0, G_OPTION_ARG_NONE, &wide, "all columns of tables, in lines of any length", NULL},
      {"help", 'h', 0, G_OPTION_ARG_NONE, &help, "show this help", NULL},
      {NULL},
  };
  g_autoptr(GOptionContext) context = new_context(usage, entries, shared, help_entry);
  g_autofree char *program = g_strdup_printf("moesim %s", usage->command);
  g_autofree char **given = g_memdup2(*argv, (gsize)*argc * sizeof **argv);
  int n_given = *argc;
  g_autoptr(GError) error = NULL;

  g_set_prgname(program);
  if (!g_option_context_parse(context, argc, argv, &error))
    return bad_option(usage, error, entries, shared);
  if (wide)
    moe_cli_widen();
  if (help) {
    g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);

    moe_cli_print_text(text);
    return MOE_EXIT_DONE;
  }
  if (has_empty(usage, entries) || has_empty(usage, shared) || is_out_of_range(usage, entries, n_given, given) ||
      is_out_of_range(usage, shared, n_given, given))
    return MOE_EXIT_BAD_INPUT;
  drop_separator(argc, *argv);
  return check_arguments(usage, *argc - 1);
}

static gboolean is_said(const GOptionEntry *entry)
{
  switch (entry->arg) {
  case G_OPTION_ARG_NONE:
  case G_OPTION_ARG_INT:
    return *(const gint *)entry->arg_data != 0;
  case G_OPTION_ARG_INT64:
    return *(const gint64 *)entry->arg_data != 0;
  case G_OPTION_ARG_DOUBLE:
    return *(const gdouble *)entry->arg_data != 0;
  default:
    return *(const gpointer *)entry->arg_data != NULL;
  }
}

gboolean moe_cli_applies(const char *what, const GOptionEntry *entries, const char *used)
{
  g_auto(GStrv) words = g_strsplit(used, " ", -1);
  g_autofree char *list = g_strjoinv(", --", words);

  for (; entries->long_name; entries++)
    if (is_said(entries) && !g_strv_contains((const char *const *)words, entries->long_name)) {
      moe_cli_complain("%s: --%s does not apply, expected %s%s", what, entries->long_name, *list ? "--" : "no option",
                       list);
      return FALSE;
    }
  return TRUE;
}

/* As a word of the command line. */
static MoeSaid said_as(const char *option, const char *text)
{
  MoeSaid said = {.name = "", .text = text};

  g_strlcpy(said.name, option, sizeof said.name);
  return said;
}

gboolean moe_cli_quantity(const char *option, const char *text, MoeDimension dimension, double *value)
{
  MoeSaid said = said_as(option, text);
  g_autoptr(GError) error = NULL;

  if (moe_said_quantity(&said, dimension, value, &error))
    return TRUE;
  moe_cli_complain("%s", error->message);
  return FALSE;
}

gboolean moe_cli_count(const char *option, const char *text, int64_t *value, GError **error)
{
  MoeSaid said = said_as(option, text);

  return moe_said_count(&said, value, error);
}

/* ---- options that the JSON door has, too ------------------------------------------------------------------------- */

static MoeSaid find(const char *option, gpointer source)
{
  const GOptionEntry *entry = source;
  MoeSaid said = {.name = ""};

  g_snprintf(said.name, sizeof said.name, "--%s", option);
  for (; entry->long_name; entry++)
    if (strcmp(entry->long_name, option) == 0)
      said.text = *(char **)entry->arg_data;
  return said;
}

MoeWords moe_cli_words(const GOptionEntry *entries)
{
  return (MoeWords){find, (gpointer)entries};
}

int moe_cli_word(const char *option, const char *text, const char *const *words)
{
  MoeSaid said = said_as(option, text);
  g_autoptr(GError) error = NULL;
  int word = -1;

  if (!moe_said_word(&said, words, &word, &error))
    moe_cli_complain("%s", error->message);
  return word;
}
