/* Whole numbers, exactly: 8192, 1_000, 1e9, 1.5e3, 8k, 14.8 T. */
#include "number.h"

#include <string.h>

/* A 64-bit integer has at most this many decimal digits. */
#define MAX_DIGITS 19
/* Exponents are not followed further: the number is then too large, or 0. */
#define MAX_EXPONENT 1000

/* A decimal number as digits * 10^exponent. */
typedef struct {
  GString *digits;
  int exponent;
} Decimal;

/* Appends digits with single underscores between them; the end, or NULL when there is not even one. */
static const char *take_digits(GString *digits, const char *text)
{
  if (!g_ascii_isdigit(*text))
    return NULL;
  while (g_ascii_isdigit(*text) || (*text == '_' && g_ascii_isdigit(text[1]) && text[-1] != '_')) {
    if (*text != '_')
      g_string_append_c(digits, *text);
    text++;
  }
  return text;
}

static const char *take_fraction(Decimal *decimal, const char *text)
{
  if (!text || *text != '.')
    return text;
  gsize before = decimal->digits->len;
  const char *end = take_digits(decimal->digits, text + 1);
  decimal->exponent -= (int)MIN(decimal->digits->len - before, MAX_EXPONENT);
  return end;
}

static const char *take_exponent(Decimal *decimal, const char *text)
{
  if (!text || (*text != 'e' && *text != 'E'))
    return text;
  int sign = text[1] == '-' ? -1 : 1;
  int exponent = 0;
  const char *p = text + 1 + (text[1] == '-' || text[1] == '+');
  if (!g_ascii_isdigit(*p))
    return NULL;
  for (; g_ascii_isdigit(*p); p++)
    exponent = MIN(exponent * 10 + g_ascii_digit_value(*p), MAX_EXPONENT);
  decimal->exponent += sign * exponent;
  return p;
}

/* Thousands, as base reads them in plain numbers. */
static const char *take_multiple(Decimal *decimal, const char *text)
{
  static const char letters[] = "kMBT";

  if (!text)
    return NULL;
  const char *p = text + (text[0] == ' ' && text[1]);
  const char *found = *p ? strchr(letters, *p == 'K' ? 'k' : *p) : NULL;
  if (!found)
    return text;
  decimal->exponent += 3 * (int)(found - letters + 1);
  return p + 1;
}

/* Moves zeros at the end of the digits into the exponent and drops those at the start. */
static void normalize(Decimal *decimal)
{
  GString *digits = decimal->digits;

  while (digits->len > 0 && digits->str[digits->len - 1] == '0') {
    g_string_truncate(digits, digits->len - 1);
    decimal->exponent++;
  }
  g_string_erase(digits, 0, (gssize)strspn(digits->str, "0"));
  if (digits->len == 0)
    decimal->exponent = 0;
}

static MoeNumberKind to_integer(const Decimal *decimal, gboolean negative, int64_t *value)
{
  int64_t result = 0;

  if (decimal->exponent < 0)
    return MOE_NUMBER_NOT_WHOLE;
  if (decimal->digits->len + (gsize)decimal->exponent > MAX_DIGITS)
    return MOE_NUMBER_TOO_LARGE;
  for (gsize i = 0; i < decimal->digits->len + (gsize)decimal->exponent; i++) {
    int digit = i < decimal->digits->len ? g_ascii_digit_value(decimal->digits->str[i]) : 0;
    if (__builtin_mul_overflow(result, 10, &result) || __builtin_sub_overflow(result, digit, &result))
      return MOE_NUMBER_TOO_LARGE; /* summed up below zero, where there is one number more */
  }
  if (!negative && result == INT64_MIN)
    return MOE_NUMBER_TOO_LARGE;
  *value = negative ? result : -result;
  return MOE_NUMBER_WHOLE;
}

MoeNumberKind moe_number_parse(const char *text, int64_t *value)
{
  g_autoptr(GString) digits = g_string_new(NULL);
  Decimal decimal = {digits, 0};
  gboolean negative = *text == '-';
  const char *from = text + (*text == '-' || *text == '+');
  const char *end =
      take_multiple(&decimal, take_exponent(&decimal, take_fraction(&decimal, take_digits(digits, from))));

  if (!end || *end)
    return MOE_NUMBER_NONE;
  if (from[0] == '0' && (g_ascii_isdigit(from[1]) || from[1] == '_'))
    return MOE_NUMBER_OCTAL;
  normalize(&decimal);
  return to_integer(&decimal, negative, value);
}
