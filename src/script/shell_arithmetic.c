/* Integer arithmetic of bash: ** * / % + - << >>, comparisons, && ||, ? :, parentheses, names and numbers. */
#include "shell.h"

#include <string.h>

#define LARGEST   (INT64_C(1) << 60) /* of a value: factors of a launch script are far below */
#define MAX_DEPTH 64                 /* of parentheses, powers and choices */
#define MAX_POWER 64                 /* exponents and shifts are below */

typedef struct {
  Shell *shell;
  const char *at;
  guint depth;
  gboolean sound;
} Parser;

static int64_t parse_choice(Parser *p);

static gboolean take(Parser *p, const char *word)
{
  while (g_ascii_isspace(*p->at))
    p->at++;
  if (!g_str_has_prefix(p->at, word))
    return FALSE;
  p->at += strlen(word);
  return TRUE;
}

static int64_t bounded(Parser *p, double value)
{
  p->sound = p->sound && value > -(double)LARGEST && value < (double)LARGEST;
  return p->sound ? (int64_t)value : 0;
}

/* A name stands for its value, which must be a number. */
static int64_t parse_name(Parser *p)
{
  const char *start = p->at;
  gint64 value = 0;

  while (g_ascii_isalnum(*p->at) || *p->at == '_')
    p->at++;
  g_autofree char *reference = g_strdup_printf("$%.*s", (int)(p->at - start), start);
  g_autofree char *text = p->at > start ? shell_expand_text(p->shell, reference) : g_strdup("");

  p->sound = p->sound && g_ascii_string_to_signed(text, 10, -LARGEST, LARGEST, &value, NULL);
  return value;
}

static int64_t parse_factor(Parser *p)
{
  int64_t value = 0;

  if (++p->depth > MAX_DEPTH)
    p->sound = FALSE;
  if (!p->sound) {
    p->depth--;
    return 0;
  }
  if (take(p, "(")) {
    value = parse_choice(p);
    p->sound = p->sound && take(p, ")");
  } else if (take(p, "-")) {
    value = -parse_factor(p);
  } else if (g_ascii_isdigit(*p->at)) {
    char *end = NULL;

    value = bounded(p, (double)g_ascii_strtoll(p->at, &end, 10));
    p->at = end;
  } else {
    value = parse_name(p);
  }
  p->depth--;
  return value;
}

/* 2**3**2 is 2**(3**2). */
static int64_t parse_power(Parser *p)
{
  int64_t base = parse_factor(p), value = 1;

  if (!p->sound || !take(p, "**"))
    return base;
  if (++p->depth > MAX_DEPTH)
    p->sound = FALSE;
  int64_t exponent = p->sound ? parse_power(p) : 0;

  p->depth--;
  p->sound = p->sound && exponent >= 0 && exponent < MAX_POWER;
  for (int64_t i = 0; p->sound && i < exponent; i++)
    value = bounded(p, (double)value * (double)base);
  return value;
}

static int64_t parse_product(Parser *p)
{
  int64_t value = parse_power(p);

  while (p->sound) {
    gboolean times = take(p, "*"), over = !times && take(p, "/"), rest = !times && !over && take(p, "%");

    if (!times && !over && !rest)
      break;
    int64_t right = parse_power(p);

    if (!times && right == 0)
      p->sound = FALSE;
    else
      value = times ? bounded(p, (double)value * (double)right) : over ? value / right : value % right;
  }
  return value;
}

static int64_t parse_sum(Parser *p)
{
  int64_t value = parse_product(p);

  while (p->sound) {
    gboolean plus = take(p, "+");

    if (!plus && !take(p, "-"))
      break;
    int64_t right = parse_product(p);

    value = bounded(p, (double)value + (plus ? (double)right : -(double)right));
  }
  return value;
}

static int64_t parse_shift(Parser *p)
{
  int64_t value = parse_sum(p);

  while (p->sound) {
    gboolean left = take(p, "<<");

    if (!left && !take(p, ">>"))
      break;
    int64_t by = parse_sum(p);

    p->sound = p->sound && value >= 0 && by >= 0 && by < MAX_POWER;
    for (int64_t i = 0; p->sound && i < by; i++)
      value = left ? bounded(p, (double)value * 2) : value / 2;
  }
  return value;
}

static int64_t parse_comparison(Parser *p)
{
  static const char *const words[] = {"<=", ">=", "==", "!=", "<", ">"};
  int64_t left = parse_shift(p);

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
    if (take(p, words[i])) {
      int64_t right = parse_shift(p);
      const gboolean holds[] = {left <= right, left >= right, left == right, left != right, left<right, left> right};

      return holds[i];
    }
  return left;
}

static int64_t parse_both(Parser *p)
{
  int64_t value = parse_comparison(p);

  while (p->sound && take(p, "&&")) {
    int64_t right = parse_comparison(p);

    value = value && right;
  }
  return value;
}

static int64_t parse_either(Parser *p)
{
  int64_t value = parse_both(p);

  while (p->sound && take(p, "||")) {
    int64_t right = parse_both(p);

    value = value || right;
  }
  return value;
}

static int64_t parse_choice(Parser *p)
{
  int64_t value = parse_either(p);

  if (!p->sound || !take(p, "?"))
    return value;
  int64_t yes = parse_choice(p);

  p->sound = p->sound && take(p, ":");
  int64_t no = parse_choice(p);

  return value ? yes : no;
}

gboolean shell_arithmetic(Shell *shell, const char *expression, int64_t *value)
{
  g_autofree char *text = shell_expand_text(shell, expression);
  Parser parser = {.shell = shell, .at = text, .sound = TRUE};

  *value = parse_choice(&parser);
  while (g_ascii_isspace(*parser.at))
    parser.at++;
  return parser.sound && *parser.at == '\0';
}
