/* Options and arguments of one command. */
#include "cli.h"

#include <math.h>
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
  g_ptr_array_add(names, NULL);
  const char *nearest = NULL;

  if (word && g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION))
    nearest = moe_nearest_word(word, (const char *const *)names->pdata);
  if (nearest)
    return moe_cli_complain("%s: unknown option '--%s', did you mean '--%s'?", usage->command, word, nearest);
  return moe_cli_complain("%s: %s; moesim %s --help lists the options", usage->command, error->message, usage->command);
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

/* Removes the "--" that separates options from arguments. */
static void drop_separator(int *argc, char **argv)
{
  for (int i = 1; i < *argc; i++) {
    if (strcmp(argv[i], "--") != 0)
      continue;
    memmove(argv + i, argv + i + 1, (size_t)(*argc - i - 1) * sizeof *argv);
    (*argc)--;
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

int moe_cli_parse(const MoeUsage *usage, const GOptionEntry *entries, const GOptionEntry *shared, int *argc,
                  char ***argv)
{
  gboolean help = FALSE;
  const GOptionEntry help_entry[] = {{"help", 'h', 0, G_OPTION_ARG_NONE, &help, "show this help", NULL}, {NULL}};
  g_autoptr(GOptionContext) context = new_context(usage, entries, shared, help_entry);
  g_autofree char *program = g_strdup_printf("moesim %s", usage->command);
  g_autoptr(GError) error = NULL;

  g_set_prgname(program);
  if (!g_option_context_parse(context, argc, argv, &error))
    return bad_option(usage, error, entries, shared);
  if (help) {
    g_autofree char *text = g_option_context_get_help(context, TRUE, NULL);

    moe_cli_print(text);
    return MOE_EXIT_DONE;
  }
  drop_separator(argc, *argv);
  return check_arguments(usage, *argc - 1);
}

/* Digits, point and exponent only: a plain number is in SI units. */
static gboolean is_bare(const char *text)
{
  return text[strspn(text, "0123456789.eE+-")] == '\0';
}

gboolean moe_cli_amount(const char *option, const char *text, MoeDimension dimension, double *value)
{
  g_autoptr(GError) error = NULL;

  if (!text || moe_quantity_parse(text, is_bare(text) ? MOE_DIM_NONE : dimension, value, &error))
    return TRUE;
  moe_cli_complain("%s: %s", option, error->message);
  return FALSE;
}

gboolean moe_cli_quantity(const char *option, const char *text, MoeDimension dimension, double *value)
{
  if (!text)
    return TRUE;
  if (!moe_cli_amount(option, text, dimension, value))
    return FALSE;
  if (*value > 0)
    return TRUE;
  moe_cli_complain("%s: '%s' is not above zero", option, text);
  return FALSE;
}

gboolean moe_cli_count(const char *option, const char *text, int64_t *value, GError **error)
{
  double count = 0;

  if (!moe_quantity_parse(text, MOE_DIM_NONE, &count, NULL) || count < 1 || count > G_MAXINT32 || count != floor(count))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: '%s', expected a whole number above zero, as 8192 or 8k",
                    option, text);
  *value = (int64_t)count;
  return TRUE;
}

int moe_cli_word(const char *option, const char *text, const char *const *words)
{
  g_autofree char *list = g_strjoinv(", ", (char **)words);

  for (int i = 0; words[i]; i++)
    if (strcmp(words[i], text) == 0)
      return i;
  const char *nearest = moe_nearest_word(text, words);

  if (nearest)
    moe_cli_complain("%s: unknown word '%s', did you mean '%s'?", option, text, nearest);
  else
    moe_cli_complain("%s: unknown word '%s', expected one of %s", option, text, list);
  return -1;
}
