/* Words of a command line to MegatronArguments. */
#include "megatron_read.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COUNT  (1 << 28) /* of anything that an argument counts */
#define MAX_NUMBER 1e6       /* capacity factors and rates are far below */

static gboolean is_option(const char *word)
{
  return g_str_has_prefix(word, "--");
}

static gboolean read_count(const char *name, const char *word, int64_t *value, GError **error)
{
  gint64 number = 0;

  if (!g_ascii_string_to_signed(word, 10, 0, MAX_COUNT, &number, NULL))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "%s: '%.40s' is no count, expected a whole number from 0 to %d", name, word, MAX_COUNT);
  *value = number;
  return TRUE;
}

static gboolean read_number(const char *name, const char *word, double *value, GError **error)
{
  char *end = NULL;
  double number = g_ascii_strtod(word, &end);

  if (end == word || *end != '\0' || !(number >= 0 && number <= MAX_NUMBER))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: '%.40s' is no number, expected one from 0 to %g", name,
                    word, MAX_NUMBER);
  *value = number;
  return TRUE;
}

static gboolean store(const MegatronOption *option, const char *word, MegatronArguments *arguments, GError **error)
{
  char *at = (char *)arguments + option->offset;

  switch (option->kind) {
  case MEGATRON_COUNT:
    return read_count(option->name, word, (int64_t *)(gpointer)at, error);
  case MEGATRON_NUMBER:
    return read_number(option->name, word, (double *)(gpointer)at, error);
  case MEGATRON_TEXT:
    *(const char **)(gpointer)at = word;
    return TRUE;
  case MEGATRON_LIST:
    g_ptr_array_add(*(GPtrArray **)(gpointer)at, (gpointer)word);
    return TRUE;
  case MEGATRON_FLAG:
  case MEGATRON_IGNORED:
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

static gboolean takes_value(const MegatronOption *option)
{
  return option->kind != MEGATRON_FLAG && option->kind != MEGATRON_IGNORED;
}

static gboolean check_values(const MegatronOption *option, const char *name, guint n, GError **error)
{
  if (takes_value(option) && n == 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: no value, expected one", name);
  if (takes_value(option) && option->kind != MEGATRON_LIST && n > 1)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: %u values, expected one", name, n);
  if (option->kind == MEGATRON_FLAG && n > 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: takes no value", name);
  return TRUE;
}

static gboolean read_known(const MegatronOption *option, const char *name, const char *const *values, guint n,
                           MegatronArguments *arguments, GError **error)
{
  if (!check_values(option, name, n, error))
    return FALSE;
  if (option->kind == MEGATRON_FLAG)
    *(gboolean *)(gpointer)((char *)arguments + option->offset) = TRUE;
  for (guint i = 0; i < n; i++)
    if (!store(option, values[i], arguments, error))
      return FALSE;
  return TRUE;
}

/* An option with the values behind it, as one text. */
static char *join_words(const char *const *words, guint n)
{
  g_autoptr(GString) text = g_string_new(words[0]);

  for (guint i = 1; i < n; i++)
    g_string_append_printf(text, " %s", words[i]);
  return g_string_free(g_steal_pointer(&text), FALSE);
}

gboolean megatron_read(const char *const *words, MegatronArguments *arguments, GPtrArray *unknown, GError **error)
{
  while (*words) {
    const char *sole = NULL;
    g_autofree char *name = split_word(*words, &sole);
    guint n = sole || !is_option(*words) ? 0 : count_values(words + 1);
    const MegatronOption *option = is_option(*words) ? megatron_option(name) : NULL;

    if (!option)
      g_ptr_array_add(unknown, join_words(words, 1 + n));
    else if (!read_known(option, name, sole ? &sole : words + 1, sole ? 1 : n, arguments, error))
      return FALSE;
    words += 1 + n;
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
