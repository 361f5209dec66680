/* Typed reads of single nodes. */
#include "internal.h"

#include <string.h>

#include "number.h"

/* Longer text is no quantity and no word; it is not handed on. Bytes. */
#define MAX_WORD_BYTES 64

/* Short printable ASCII: what may stand in a message as it is. */
static gboolean is_short_line(const char *text)
{
  for (const char *p = text; *p; p++)
    if (!g_ascii_isprint(*p))
      return FALSE;
  return strlen(text) <= MAX_WORD_BYTES;
}

/* "what is there, expected ..." */
static gboolean fail_expected(const MoeNode *node, GError **error, const char *expected)
{
  if (node->kind != MOE_NODE_SCALAR)
    return moe_fail(error, MOE_ERROR_INPUT, node->mark, "%s, expected %s", moe_kind_name(node->kind), expected);
  if (moe_node_is_null(node))
    return moe_fail(error, MOE_ERROR_INPUT, node->mark, "no value, expected %s", expected);
  g_autofree char *shown = moe_text_show(node->text);
  return moe_fail(error, MOE_ERROR_INPUT, node->mark, "%s, expected %s", shown, expected);
}

gboolean moe_node_expect(const MoeNode *node, MoeNodeKind kind, const char *what, GError **error)
{
  if (node->kind == kind)
    return TRUE;
  g_autofree char *expected = g_strdup_printf("%s for %s", moe_kind_name(kind), what);
  return fail_expected(node, error, expected);
}

/* ---- quantities ------------------------------------------------------------------------------------------------- */

gboolean moe_node_read_quantity(const MoeNode *node, MoeDimension dimension, double *value, GError **error)
{
  g_autoptr(GError) cause = NULL;
  const char *text = node->kind == MOE_NODE_SCALAR && !moe_node_is_null(node) ? node->text : "";
  gboolean readable = is_short_line(text);

  if (moe_quantity_parse(readable ? text : "", dimension, value, error ? &cause : NULL))
    return TRUE;
  if (!error) /* many only try whether it is one */
    return FALSE;
  if (*text && readable)
    return moe_fail(error, MOE_ERROR_INPUT, node->mark, "%s", cause->message);
  const char *units = moe_dimension_units(dimension);
  g_autofree char *expected =
      *units ? g_strdup_printf("a number with a unit (%s)", units) : g_strdup("a number without unit");
  return fail_expected(node, error, expected);
}

/* ---- whole numbers ---------------------------------------------------------------------------------------------- */

static char *describe_range(int64_t minimum, int64_t maximum)
{
  if (minimum == INT64_MIN && maximum == INT64_MAX)
    return g_strdup("a whole number");
  if (maximum == INT64_MAX)
    return g_strdup_printf("a whole number of at least %" G_GINT64_FORMAT, minimum);
  if (minimum == INT64_MIN)
    return g_strdup_printf("a whole number of at most %" G_GINT64_FORMAT, maximum);
  return g_strdup_printf("a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, minimum, maximum);
}

static const char *number_remark(MoeNumberKind kind)
{
  static const char *const remarks[] = {
      [MOE_NUMBER_WHOLE] = "is out of range",
      [MOE_NUMBER_NONE] = "is not a whole number",
      [MOE_NUMBER_NOT_WHOLE] = "is not whole",
      [MOE_NUMBER_TOO_LARGE] = "is too large",
      [MOE_NUMBER_OCTAL] = "begins with 0, which may mean octal",
  };

  return remarks[kind];
}

gboolean moe_node_read_int(const MoeNode *node, int64_t minimum, int64_t maximum, int64_t *value, GError **error)
{
  g_autofree char *expected = NULL;
  MoeNumberKind kind = MOE_NUMBER_NONE;
  int64_t number = 0;

  if (node->kind == MOE_NODE_SCALAR)
    kind = moe_number_parse(node->text, &number);
  if (kind == MOE_NUMBER_WHOLE && number >= minimum && number <= maximum) {
    *value = number;
    return TRUE;
  }
  expected = describe_range(minimum, maximum);
  if (node->kind != MOE_NODE_SCALAR || moe_node_is_null(node))
    return fail_expected(node, error, expected);
  g_autofree char *shown = moe_text_show(node->text);
  return moe_fail(error, MOE_ERROR_INPUT, node->mark, "%s %s, expected %s", shown, number_remark(kind), expected);
}

/* ---- words ------------------------------------------------------------------------------------------------------ */

gboolean moe_node_read_bool(const MoeNode *node, gboolean *value, GError **error)
{
  /* YAML 1.1, http://yaml.org/type/bool.html, without the one-letter forms. */
  static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", NULL};
  static const char *const no[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", NULL};

  if (node->kind != MOE_NODE_SCALAR || !(g_strv_contains(yes, node->text) || g_strv_contains(no, node->text)))
    return fail_expected(node, error, "true or false");
  *value = g_strv_contains(yes, node->text);
  return TRUE;
}

gboolean moe_node_read_text(const MoeNode *node, const char **value, GError **error)
{
  if (node->kind != MOE_NODE_SCALAR || moe_node_is_null(node))
    return fail_expected(node, error, "text");
  *value = node->text;
  return TRUE;
}

static gboolean fail_word(const MoeNode *node, const char *const *words, GError **error)
{
  g_autofree char *list = moe_text_list(words);
  g_autofree char *expected = g_strdup_printf("%s%s", words[0] && words[1] ? "one of " : "", list);
  const char *nearest = node->kind == MOE_NODE_SCALAR && is_short_line(node->text) && !moe_node_is_null(node)
                            ? moe_nearest_word(node->text, words)
                            : NULL;

  if (!nearest)
    return fail_expected(node, error, expected);
  g_autofree char *meant = g_strdup_printf("%s; did you mean \"%s\"?", expected, nearest);
  return fail_expected(node, error, meant);
}

gboolean moe_node_read_word(const MoeNode *node, const char *const *words, int *value, GError **error)
{
  if (node->kind == MOE_NODE_SCALAR)
    for (int i = 0; words[i]; i++)
      if (strcmp(words[i], node->text) == 0) {
        *value = i;
        return TRUE;
      }
  return fail_word(node, words, error);
}

/* ---- curves ----------------------------------------------------------------------------------------------------- */

static gboolean read_point(const MoeNode *pair, MoeDimension x, MoeDimension y, MoeCurve *curve, GError **error)
{
  guint i = curve->n;

  if (pair->kind != MOE_NODE_LIST)
    return fail_expected(pair, error, "a pair [x, y]");
  if (pair->n != 2)
    return moe_fail(error, MOE_ERROR_INPUT, pair->mark, "a list of %u, expected a pair [x, y]", pair->n);
  if (!moe_node_read_quantity(pair->items[0], x, &curve->x[i], error) ||
      !moe_node_read_quantity(pair->items[1], y, &curve->y[i], error))
    return FALSE;
  if (i > 0 && curve->x[i] <= curve->x[i - 1])
    return fail_expected(pair->items[0], error, "x larger than that of the pair before");
  if (curve->log_x && curve->x[i] <= 0)
    return fail_expected(pair->items[0], error, "x above 0, as this curve is logarithmic in x");
  curve->n++;
  return TRUE;
}

gboolean moe_node_read_curve(const MoeNode *node, MoeDimension x, MoeDimension y, gboolean log_x, MoeCurve *curve,
                             GError **error)
{
  MoeCurve read = {.log_x = log_x};

  if (node->kind != MOE_NODE_LIST)
    return fail_expected(node, error, "a curve [[x, y], ...]");
  if (node->n == 0 || node->n > MOE_CURVE_MAX)
    return moe_fail(error, MOE_ERROR_INPUT, node->mark, "a curve of %u points, expected 1 to %d", node->n,
                    MOE_CURVE_MAX);
  for (guint i = 0; i < node->n; i++)
    if (!read_point(node->items[i], x, y, &read, error))
      return FALSE;
  g_assert(!moe_curve_check(&read));
  *curve = read;
  return TRUE;
}
