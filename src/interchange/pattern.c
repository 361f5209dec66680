/*
 * Layer patterns as Megatron evaluates them: Python lists of 0 and 1 with + and *, such as ([0]*3+[1]*58) or
 * ([0]*1+[1]*1)*24 (arguments.py, moe_freq_type). Grammar: sum = product { + product }; product = factor { * factor };
 * factor = ( sum ) | list | number.
 */
#include "megatron.h"

#define MAX_DEPTH  16    /* of parentheses */
#define MAX_LENGTH 65536 /* of a list, and of any number in it */

typedef struct {
  const char *at;
  int64_t most; /* elements */
  guint depth;
} Parser;

/* A value of the expression: a list, or a number when `list` is NULL. */
typedef struct {
  GArray *list; /* of gboolean */
  int64_t number;
} Value;

static gboolean parse_sum(Parser *parser, Value *value);

static void clear(Value *value)
{
  if (value->list)
    g_array_unref(value->list);
  value->list = NULL;
}

static gboolean take(Parser *parser, char c)
{
  while (*parser->at == ' ')
    parser->at++;
  if (*parser->at != c)
    return FALSE;
  parser->at++;
  return TRUE;
}

static gboolean parse_number(Parser *parser, int64_t *number)
{
  char *end = NULL;

  while (*parser->at == ' ')
    parser->at++;
  if (!g_ascii_isdigit(*parser->at))
    return FALSE;
  *number = g_ascii_strtoll(parser->at, &end, 10);
  parser->at = end;
  return *number <= parser->most;
}

static gboolean parse_list(Parser *parser, Value *value)
{
  int64_t number = 0;

  value->list = g_array_new(FALSE, FALSE, sizeof(gboolean));
  while (!take(parser, ']')) {
    if (!parse_number(parser, &number) || number > 1 || (int64_t)value->list->len >= parser->most)
      return FALSE;
    gboolean element = number == 1;

    g_array_append_val(value->list, element);
    if (!take(parser, ',') && *parser->at != ']')
      return FALSE;
  }
  return TRUE;
}

static gboolean parse_factor(Parser *parser, Value *value)
{
  if (take(parser, '('))
    return ++parser->depth <= MAX_DEPTH && parse_sum(parser, value) && take(parser, ')') && parser->depth-- > 0;
  if (take(parser, '['))
    return parse_list(parser, value);
  return parse_number(parser, &value->number);
}

/* list * n, n * list or n * n into `left`. */
static gboolean multiply(const Parser *parser, Value *left, Value *right)
{
  if (left->list && right->list)
    return FALSE;
  if (!left->list && !right->list) {
    left->number *= right->number;
    return left->number <= parser->most;
  }
  int64_t times = left->list ? right->number : left->number;
  g_autoptr(GArray) once = left->list ? g_steal_pointer(&left->list) : g_steal_pointer(&right->list);

  if (times > 0 && (int64_t)once->len > parser->most / times)
    return FALSE;
  left->list = g_array_new(FALSE, FALSE, sizeof(gboolean));
  for (int64_t i = 0; i < times; i++)
    g_array_append_vals(left->list, once->data, once->len);
  return TRUE;
}

static gboolean parse_product(Parser *parser, Value *value)
{
  gboolean sound = parse_factor(parser, value);

  while (sound && take(parser, '*')) {
    Value right = {0};

    sound = parse_factor(parser, &right) && multiply(parser, value, &right);
    clear(&right);
  }
  return sound;
}

/* list + list or n + n into `left`. */
static gboolean append(const Parser *parser, Value *left, const Value *right)
{
  if (!left->list && !right->list) {
    left->number += right->number;
    return left->number <= parser->most;
  }
  if (!left->list || !right->list || (int64_t)left->list->len + right->list->len > parser->most)
    return FALSE;
  g_array_append_vals(left->list, right->list->data, right->list->len);
  return TRUE;
}

static gboolean parse_sum(Parser *parser, Value *value)
{
  gboolean sound = parse_product(parser, value);

  while (sound && take(parser, '+')) {
    Value right = {0};

    sound = parse_product(parser, &right) && append(parser, value, &right);
    clear(&right);
  }
  return sound;
}

/* Every `period`-th of `layers`, from the first on. */
static GArray *every(int64_t period, int64_t layers)
{
  GArray *list = g_array_new(FALSE, FALSE, sizeof(gboolean));

  for (int64_t i = 0; i < layers; i++) {
    gboolean element = i % period == 0;

    g_array_append_val(list, element);
  }
  return list;
}

GArray *megatron_pattern(const char *option, const char *text, int64_t layers, GError **error)
{
  Parser parser = {.at = text, .most = MAX_LENGTH};
  Value value = {0};
  gboolean sound = parse_sum(&parser, &value) && *parser.at == '\0';

  if (sound && !value.list && value.number > 0)
    value.list = every(value.number, layers);
  if (sound && value.list && (int64_t)value.list->len == layers)
    return value.list;
  if (sound && value.list)
    moe_fail_about(error, option, "'%.60s' is a list of %u, expected one for each of the %" G_GINT64_FORMAT " layers",
                   text, value.list->len, layers);
  else
    moe_fail_about(error, option,
                   "'%.60s' is not understood, expected a count or a list of %" G_GINT64_FORMAT
                   " layers such as [0]*3+[1]*58",
                   text, layers);
  clear(&value);
  return NULL;
}
