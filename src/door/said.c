/* Words of a caller to values. */
#include "door/ask.h"

#include <math.h>
#include <string.h>

/* Digits, point and exponent only: a plain number is in SI units. */
static gboolean is_bare(const char *text)
{
  return text[strspn(text, "0123456789.eE+-")] == '\0';
}

gboolean moe_said_amount(const MoeSaid *said, MoeDimension dimension, double *value, GError **error)
{
  g_autoptr(GError) reason = NULL;

  if (!said->text || moe_quantity_parse(said->text, is_bare(said->text) ? MOE_DIM_NONE : dimension, value, &reason))
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: %s", said->name, reason->message);
}

gboolean moe_said_quantity(const MoeSaid *said, MoeDimension dimension, double *value, GError **error)
{
  if (!said->text)
    return TRUE;
  if (!moe_said_amount(said, dimension, value, error))
    return FALSE;
  return *value > 0 ||
         moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: '%s' is not above zero", said->name, said->text);
}

gboolean moe_said_count(const MoeSaid *said, int64_t *value, GError **error)
{
  double count = 0;

  if (!said->text)
    return TRUE;
  if (!moe_quantity_parse(said->text, MOE_DIM_NONE, &count, NULL) || count < 1 || count > G_MAXINT32 ||
      count != floor(count))
    return moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: '%s', expected a whole number above zero, as 8192 or 8k",
                    said->name, said->text);
  *value = (int64_t)count;
  return TRUE;
}

gboolean moe_said_integer(const MoeSaid *said, int64_t least, int64_t most, int64_t *value, GError **error)
{
  gint64 number = 0;

  if (!said->text)
    return TRUE;
  if (!g_ascii_string_to_signed(said->text, 10, least, most, &number, NULL))
    return moe_fail(error, MOE_ERROR_INPUT, said->mark,
                    "%s: '%s', expected a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, said->name,
                    said->text, least, most);
  *value = number;
  return TRUE;
}

gboolean moe_said_word(const MoeSaid *said, const char *const *words, int *value, GError **error)
{
  for (int i = 0; said->text && words[i]; i++)
    if (strcmp(words[i], said->text) == 0) {
      *value = i;
      return TRUE;
    }
  if (!said->text)
    return TRUE;
  const char *nearest = moe_nearest_word(said->text, words);
  g_autofree char *list = g_strjoinv(", ", (char **)words);

  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: unknown word '%s', did you mean '%s'?", said->name,
                    said->text, nearest);
  return moe_fail(error, MOE_ERROR_INPUT, said->mark, "%s: unknown word '%s', expected one of %s", said->name,
                  said->text, list);
}
