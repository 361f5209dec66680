#include "base/base.h"

#include <math.h>
#include <string.h>

/* A value in this unit is worth value * times / over in SI base units: two exact factors, so that "3 us" is the double
 * nearest to 3e-6. */
typedef struct {
  const char *name;
  double times;
  double over;
  double shown_from; /* least number of this unit worth printing with it; 0: never printed */
} UnitWord;

typedef struct {
  const char *noun;      /* "size" */
  const char *example;   /* "186 GB" */
  const char *units;     /* short list for messages */
  const UnitWord *table; /* ends with a NULL name; printed units ascend; NULL when the dimension has no unit */
} Dimension;

#define KI 1024.0

static const UnitWord byte_units[] = {
    {"B", 1, 1, 1},
    {"kB", 1e3, 1, 1},
    {"MB", 1e6, 1, 1},
    {"GB", 1e9, 1, 1},
    {"TB", 1e12, 1, 1},
    {"PB", 1e15, 1, 1},
    {"KiB", KI, 1, 0},
    {"MiB", KI *KI, 1, 0},
    {"GiB", KI *KI *KI, 1, 0},
    {"TiB", KI *KI *KI *KI, 1, 0},
    {NULL, 0, 0, 0},
};
static const UnitWord byte_rate_units[] = {
    {"B/s", 1, 1, 1},
    {"kB/s", 1e3, 1, 1},
    {"MB/s", 1e6, 1, 1},
    {"GB/s", 1e9, 1, 1},
    {"TB/s", 1e12, 1, 1},
    {"PB/s", 1e15, 1, 1},
    {"KiB/s", KI, 1, 0},
    {"MiB/s", KI *KI, 1, 0},
    {"GiB/s", KI *KI *KI, 1, 0},
    {"TiB/s", KI *KI *KI *KI, 1, 0},
    {"bit/s", 1, 8, 0},
    {"kbit/s", 1e3, 8, 0},
    {"Mbit/s", 1e6, 8, 0},
    {"Gbit/s", 1e9, 8, 0},
    {"Tbit/s", 1e12, 8, 0},
    {NULL, 0, 0, 0},
};
static const UnitWord flop_rate_units[] = {
    {"FLOP/s", 1, 1, 1},     {"kFLOP/s", 1e3, 1, 1},  {"MFLOP/s", 1e6, 1, 1},  {"GFLOP/s", 1e9, 1, 1},
    {"TFLOP/s", 1e12, 1, 1}, {"PFLOP/s", 1e15, 1, 1}, {"EFLOP/s", 1e18, 1, 1}, {NULL, 0, 0, 0},
};
static const UnitWord second_units[] = {
    {"ps", 1, 1e12, 1}, {"ns", 1, 1e9, 1}, {"us", 1, 1e6, 1},  {"ms", 1, 1e3, 1}, {"s", 1, 1, 1},
    {"min", 60, 1, 2},  {"h", 3600, 1, 2}, {"d", 86400, 1, 2}, {NULL, 0, 0, 0},
};
static const UnitWord hertz_units[] = {
    {"Hz", 1, 1, 1}, {"kHz", 1e3, 1, 1}, {"MHz", 1e6, 1, 1}, {"GHz", 1e9, 1, 1}, {NULL, 0, 0, 0},
};
static const UnitWord watt_units[] = {
    {"W", 1, 1, 1},
    {"kW", 1e3, 1, 1},
    {"MW", 1e6, 1, 1},
    {NULL, 0, 0, 0},
};
static const UnitWord flop_units[] = {
    {"FLOP", 1, 1, 1},     {"kFLOP", 1e3, 1, 1},  {"MFLOP", 1e6, 1, 1},  {"GFLOP", 1e9, 1, 1},  {"TFLOP", 1e12, 1, 1},
    {"PFLOP", 1e15, 1, 1}, {"EFLOP", 1e18, 1, 1}, {"ZFLOP", 1e21, 1, 1}, {"YFLOP", 1e24, 1, 1}, {NULL, 0, 0, 0},
};

/* Multiples as moe_count_format prints them: "34.7 B" parameters, "30 T" tokens. */
static const UnitWord multiples[] = {
    {"", 1, 1, 0},    {"k", 1e3, 1, 0},  {"K", 1e3, 1, 0}, {"M", 1e6, 1, 0},
    {"B", 1e9, 1, 0}, {"T", 1e12, 1, 0}, {NULL, 0, 0, 0},
};

static const Dimension dimensions[] = {
    [MOE_DIM_NONE] = {"plain number", "8192", "", NULL},
    [MOE_DIM_BYTES] = {"size", "186 GB", "B, kB, MB, ...", byte_units},
    [MOE_DIM_BYTES_PER_S] = {"bandwidth", "400 Gbit/s", "B/s, kB/s, ... or bit/s, kbit/s, ...", byte_rate_units},
    [MOE_DIM_FLOP_PER_S] = {"compute rate", "2.5 PFLOP/s", "FLOP/s, kFLOP/s, MFLOP/s, ...", flop_rate_units},
    [MOE_DIM_SECONDS] = {"duration", "2 us", "ps, ns, us, ms, s, min, h, d", second_units},
    [MOE_DIM_HERTZ] = {"frequency", "1.83 GHz", "Hz, kHz, MHz, GHz", hertz_units},
    [MOE_DIM_WATTS] = {"power", "1200 W", "W, kW, MW", watt_units},
    [MOE_DIM_FLOP] = {"amount of work", "3 EFLOP", "FLOP, kFLOP, MFLOP, ...", flop_units},
    [MOE_DIM_DOLLARS] = {"number of dollars", "2.99", "", NULL},
};

const char *moe_dimension_units(MoeDimension dimension)
{
  return dimensions[dimension].units;
}

/* ---- parsing ---------------------------------------------------------------------------------------------------- */

/* "such as" clause and what stood there; `remark` may be "". */
static gboolean refuse(GError **error, const Dimension *dimension, const char *text, const char *remark)
{
  const MoeMark none = {NULL, 0, 0};
  gboolean has_units = dimension->units[0] != '\0';

  if (!error)
    return FALSE;
  return moe_fail(error, MOE_ERROR_INPUT, none, "expected a%s %s such as \"%s\"%s%s%s, got \"%s\"%s",
                  strchr("aeiou", dimension->noun[0]) ? "n" : "", dimension->noun, dimension->example,
                  has_units ? " (" : "", dimension->units, has_units ? ")" : "", text, remark);
}

static size_t digits(const char *text)
{
  size_t n = 0;

  while (g_ascii_isdigit(text[n]))
    n++;
  return n;
}

/* Length of a decimal number at the start of text: digits, point, exponent; 0 when there is none. No sign, no
 * hexadecimal, no "inf": g_ascii_strtod alone would take them. */
static size_t number_length(const char *text)
{
  size_t whole = digits(text);
  size_t n = whole;

  if (text[n] == '.') {
    size_t part = digits(text + n + 1);
    if (whole + part == 0)
      return 0;
    n += 1 + part;
  }
  if (n > 0 && (text[n] == 'e' || text[n] == 'E')) {
    size_t sign = text[n + 1] == '+' || text[n + 1] == '-';
    size_t exponent = digits(text + n + 1 + sign);
    if (exponent > 0)
      n += 1 + sign + exponent;
  }
  return n;
}

static const UnitWord *find_unit(const UnitWord *table, const char *name)
{
  for (; table->name; table++)
    if (strcmp(table->name, name) == 0)
      return table;
  return NULL;
}

static char *suggest_unit(const UnitWord *table, const char *name)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new();

  for (; table->name; table++)
    g_ptr_array_add(names, (gpointer)table->name);
  g_ptr_array_add(names, NULL);
  const char *nearest = moe_nearest_word(name, (const char *const *)names->pdata);
  return nearest ? g_strdup_printf("; did you mean \"%s\"?", nearest) : g_strdup("");
}

static gboolean refuse_unit(GError **error, const Dimension *dimension, const char *text, const char *unit)
{
  if (unit[0] == '\0' || dimension->table == NULL)
    return refuse(error, dimension, text, unit[0] ? " (no unit is allowed here)" : "");
  g_autofree char *hint = error ? suggest_unit(dimension->table, unit) : NULL; /* many only try whether it is one */
  return refuse(error, dimension, text, hint);
}

static gboolean refuse_number(GError **error, const Dimension *dimension, const char *text, const char *start)
{
  if (start[0] == '-' && number_length(start + 1) > 0)
    return refuse(error, dimension, text, " (negative values are not allowed)");
  if (start[0] == '-' || start[0] == '+')
    start++;
  if (start[0] == '.')
    start++; /* YAML's own spelling: .inf, .nan */
  if (g_ascii_strncasecmp(start, "inf", 3) == 0 || g_ascii_strncasecmp(start, "nan", 3) == 0)
    return refuse(error, dimension, text, " (the value must be finite)");
  return refuse(error, dimension, text, "");
}

static gboolean scale(const Dimension *dimension, const char *unit, double number, double *value)
{
  const UnitWord *found = find_unit(dimension->table ? dimension->table : multiples, unit);

  if (found == NULL)
    return FALSE;
  *value = number * found->times / found->over;
  return TRUE;
}

gboolean moe_quantity_parse(const char *text, MoeDimension dimension, double *value, GError **error)
{
  const Dimension *known = &dimensions[dimension];
  g_autofree char *trimmed = g_strstrip(g_strdup(text));
  const char *start = trimmed + (dimension == MOE_DIM_DOLLARS && trimmed[0] == '$');
  size_t length = number_length(start);
  double result = 0;

  if (length == 0)
    return refuse_number(error, known, text, start);
  g_autofree char *number = g_strndup(start, length);
  const char *unit = start + length;
  while (g_ascii_isspace(*unit))
    unit++;
  if (!scale(known, unit, g_ascii_strtod(number, NULL), &result))
    return refuse_unit(error, known, text, unit);
  if (!isfinite(result))
    return refuse(error, known, text, " (the value is too large)");
  *value = result;
  return TRUE;
}

/* ---- printing --------------------------------------------------------------------------------------------------- */

/* Four significant digits; half a unit of the last one decides where the next prefix starts, so that 999.97 MB is 1 GB.
 */
#define SHOWN_FORMAT   "%.4g"
#define SHOWN_ROUNDING (1 + 5e-5)
/* From here on %.4g would lose whole units or turn to an exponent. */
#define WHOLE_FROM 9999.5
/* Beyond 2^53 a double no longer counts every whole number. */
#define WHOLE_UNTIL 0x1p53

static char *format_number(double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  gboolean whole = fabs(value) >= WHOLE_FROM && fabs(value) < WHOLE_UNTIL;

  return g_strdup(g_ascii_formatd(buffer, sizeof buffer, whole ? "%.0f" : SHOWN_FORMAT, value));
}

static char *format_dollars(double value)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];
  gboolean cents = fabs(value) < WHOLE_FROM && value != round(value);

  return cents ? g_strdup(g_ascii_formatd(buffer, sizeof buffer, "%.2f", value)) : format_number(value);
}

/* The largest printed unit of which `value` holds enough; below the first unit the first one, 0 in the base unit. */
static const UnitWord *fitting_unit(const UnitWord *table, double value)
{
  const UnitWord *best = table;

  for (; table->name; table++) {
    double held = fabs(value) * table->over / table->times * SHOWN_ROUNDING;
    gboolean base = table->times == 1 && table->over == 1;
    if (table->shown_from > 0 && (held >= table->shown_from || (value == 0 && base)))
      best = table;
  }
  return best;
}

const char *moe_quantity_unit(double value, MoeDimension dimension, double *scale)
{
  *scale = 1;
  if (dimensions[dimension].table == NULL)
    return "";
  const UnitWord *unit = fitting_unit(dimensions[dimension].table, value);

  *scale = unit->over / unit->times;
  return unit->name;
}

char *moe_quantity_format(double value, MoeDimension dimension)
{
  if (dimension == MOE_DIM_DOLLARS)
    return format_dollars(value);
  if (dimensions[dimension].table == NULL)
    return format_number(value);
  const UnitWord *unit = fitting_unit(dimensions[dimension].table, value);
  g_autofree char *number = format_number(value * unit->over / unit->times);
  return g_strdup_printf("%s %s", number, unit->name);
}

/* ---- exact printing --------------------------------------------------------------------------------------------- */

#define LEAST_DIGITS 6
#define MOST_DIGITS  17 /* tell any two doubles apart */

/* `shown` of a unit in the fewest digits that read as `value`; NULL when none do. */
static char *print_in_unit(double shown, double value, MoeDimension dimension, const char *unit)
{
  for (int n = LEAST_DIGITS; n <= MOST_DIGITS; n++) {
    char format[8], buffer[G_ASCII_DTOSTR_BUF_SIZE];
    double read = 0;

    g_snprintf(format, sizeof format, "%%.%dg", n);
    g_ascii_formatd(buffer, sizeof buffer, format, shown);
    g_autofree char *text = g_strdup_printf("%s%s%s", buffer, *unit ? " " : "", unit);
    if (moe_quantity_parse(text, dimension, &read, NULL) && read == value)
      return g_steal_pointer(&text);
  }
  return NULL;
}

char *moe_quantity_print(double value, MoeDimension dimension)
{
  const UnitWord *table = dimensions[dimension].table;
  const UnitWord *unit = table ? fitting_unit(table, value) : NULL;
  const UnitWord *base = table;
  char *text = unit ? print_in_unit(value * unit->over / unit->times, value, dimension, unit->name) : NULL;

  while (base && (base->times != 1 || base->over != 1))
    base++;
  return text ? text : print_in_unit(value, value, dimension, base ? base->name : "");
}
