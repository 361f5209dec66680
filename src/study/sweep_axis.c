/* Axes: "key=a,b,c" and "key=LOW:HIGH:STEP" as values. */
#include "base/base.h"
#include <moesim/sweep.h>

#include <math.h>
#include <string.h>

/* A range that ends within this share of a step of its last value includes it: 0.1 added ten times is not 1. */
#define END_TOLERANCE 1e-9

static const MoeMark command_line = {.file = NULL};

static gboolean bad(GError **error, const char *text, const char *what)
{
  return moe_fail(error, MOE_ERROR_INPUT, command_line, "--vary '%s': %s", text, what);
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

/* Where the value that begins at `text` ends: at a comma outside brackets and quotes, or at the end of the text. */
static const char *end_of_value(const char *text)
{
  int depth = 0;
  char quote = '\0';

  for (; *text; text++) {
    if (quote)
      quote = *text == quote ? '\0' : quote;
    else if (*text == '"' || *text == '\'')
      quote = *text;
    else if (*text == '{' || *text == '[')
      depth++;
    else if (*text == '}' || *text == ']')
      depth--;
    else if (*text == ',' && depth <= 0)
      break;
  }
  return text;
}

static gboolean is_bare_number(const char *text)
{
  return *text && text[strspn(text, "0123456789.eE+-")] == '\0';
}

/* The unit of a physical quantity, with the space before it; NULL when the text is none. Multiples of plain numbers
 * (8k) are no units. */
static const char *unit_of(const char *text)
{
  static const MoeDimension physical[] = {MOE_DIM_BYTES, MOE_DIM_BYTES_PER_S, MOE_DIM_FLOP_PER_S, MOE_DIM_SECONDS,
                                          MOE_DIM_HERTZ, MOE_DIM_WATTS,       MOE_DIM_FLOP};
  double value;

  for (gsize i = 0; i < G_N_ELEMENTS(physical); i++)
    if (moe_quantity_parse(text, physical[i], &value, NULL))
      return text + strspn(text, "0123456789.eE+-");
  return NULL;
}

/* "400,800 Gbit/s": the unit behind the last number is that of the bare numbers before it. */
static void share_unit(GPtrArray *list)
{
  const char *unit = unit_of(g_ptr_array_index(list, list->len - 1));

  for (guint i = 0; unit && i + 1 < list->len; i++)
    if (is_bare_number(g_ptr_array_index(list, i))) {
      char *bare = g_ptr_array_index(list, i);

      g_ptr_array_index(list, i) = g_strconcat(bare, unit, NULL);
      g_free(bare);
    }
}

static gboolean read_list(const char *text, const char *values, GPtrArray *list, GError **error)
{
  for (;;) {
    const char *end = end_of_value(values);
    char *value = g_strstrip(g_strndup(values, (gsize)(end - values)));

    g_ptr_array_add(list, value);
    if (*value == '\0')
      return bad(error, text, "an empty value, expected values between commas");
    if (*end == '\0')
      break;
    values = end + 1;
  }
  share_unit(list);
  return TRUE;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

typedef struct {
  double low, high, step;
  gboolean geometric;
  const char *unit; /* with the space before it, or "" */
} Range;

/* Thousands, as the plain numbers of base may have them; B is bytes here. */
static double multiple_of(const char *rest)
{
  static const struct {
    const char *letter;
    double times;
  } multiples[] = {{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"T", 1e12}};

  for (gsize i = 0; i < G_N_ELEMENTS(multiples); i++)
    if (strcmp(rest, multiples[i].letter) == 0)
      return multiples[i].times;
  return 1;
}

/* "12", "8k" or "12 Gbit/s": the number, and the unit that follows it; FALSE when there is no number. */
static gboolean read_number(const char *text, double *value, const char **rest)
{
  char *end;

  *value = g_ascii_strtod(text, &end);
  double times = multiple_of(end);
  *value *= times;
  *rest = times > 1 ? "" : end;
  return end != text && isfinite(*value);
}

static gboolean read_parts(char **part, Range *range)
{
  const char *rest;

  *range = (Range){.step = 1};
  if (!read_number(part[0], &range->low, &rest) || *rest || !read_number(part[1], &range->high, &rest))
    return FALSE;
  range->unit = rest;
  if (!part[2])
    return TRUE;
  range->geometric = *part[2] == '*';
  return *rest == '\0' && read_number(part[2] + (range->geometric ? 1 : 0), &range->step, &range->unit);
}

/* Two or three numbers between colons, nothing else. */
static gboolean is_range(const char *values, char ***parts, Range *range)
{
  *parts = g_strsplit(values, ":", 4);
  guint n = g_strv_length(*parts);

  return (n == 2 || n == 3) && read_parts(*parts, range);
}

static gboolean add_range(const char *text, const Range *range, GPtrArray *list, GError **error)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  double growth = range->geometric ? range->step - 1 : range->step;

  if (range->high < range->low || growth <= 0 || (range->geometric && range->low <= 0))
    return bad(error, text, "a range that goes nowhere, expected LOW:HIGH:STEP or LOW:HIGH:*FACTOR that rises");
  for (guint i = 0; i <= MOE_SWEEP_MAX_POINTS; i++) {
    double value = range->geometric ? range->low * pow(range->step, i) : range->low + range->step * i;

    if (value > range->high + END_TOLERANCE * (range->geometric ? range->high : range->step))
      return TRUE;
    g_ascii_formatd(number, sizeof number, "%.12g", value);
    g_ptr_array_add(list, g_strconcat(number, range->unit, NULL));
  }
  return bad(error, text, "too many values");
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static gboolean read_values(const char *text, const char *values, GPtrArray *list, GError **error)
{
  g_auto(GStrv) parts = NULL;
  Range range;

  return is_range(values, &parts, &range) ? add_range(text, &range, list, error) : read_list(text, values, list, error);
}

gboolean moe_sweep_axis_read(const char *text, MoeSweepAxis *axis, GError **error)
{
  const char *equals = strchr(text, '=');
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

  if (!equals || equals == text)
    return bad(error, text, "no key, expected KEY=VALUE,VALUE or KEY=LOW:HIGH:STEP");
  if (!read_values(text, equals + 1, list, error))
    return FALSE;
  axis->key = g_strstrip(g_strndup(text, (gsize)(equals - text)));
  axis->n = list->len;
  g_ptr_array_add(list, NULL);
  axis->value = (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
  return TRUE;
}

void moe_sweep_axis_clear(MoeSweepAxis *axis)
{
  g_free(axis->key);
  g_strfreev(axis->value);
}
