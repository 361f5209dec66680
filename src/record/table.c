/* Tables: cells, what a column of numbers looks like, CSV. table_layout.c makes them fit a sheet. */
#include "record/table.h"
#include "record/tables.h"

#include <moesim/sheet.h>

#include <math.h>
#include <string.h>

/* ---- columns and cells ------------------------------------------------------------------------------------------- */

/* "llr2w" -> one column per letter; a digit says how early the column goes when there is no room. */
static void read_columns(MoeTable *table, const char *alignment)
{
  for (const char *at = alignment; *at; at++) {
    MoeTableColumn column = {.alignment = *at};

    g_assert(strchr("lrnw", *at));
    if (g_ascii_isdigit(at[1]))
      column.optional = (guint)(*++at - '0');
    g_array_append_val(table->columns, column);
  }
  g_assert(table->columns->len > 0);
}

static void clear_cell(gpointer cell)
{
  g_free(((MoeTableCell *)cell)->text);
}

MoeTable *moe_table_new(const char *alignment)
{
  MoeTable *table = g_new0(MoeTable, 1);

  table->columns = g_array_new(FALSE, TRUE, sizeof(MoeTableColumn));
  table->cells = g_array_new(FALSE, TRUE, sizeof(MoeTableCell));
  g_array_set_clear_func(table->cells, clear_cell);
  read_columns(table, alignment);
  return table;
}

void moe_table_free(MoeTable *table)
{
  if (!table)
    return;
  g_array_unref(table->columns);
  g_array_unref(table->cells);
  g_free(table);
}

void moe_table_take(MoeTable *table, char *cell)
{
  MoeTableCell added = {.text = cell ? cell : g_strdup("")};

  g_array_append_val(table->cells, added);
}

void moe_table_add(MoeTable *table, const char *cell)
{
  moe_table_take(table, g_strdup(cell ? cell : ""));
}

static gboolean is_fraction(MoeCellKind kind)
{
  return kind == MOE_CELL_PERCENT || kind == MOE_CELL_CHANGE || kind == MOE_CELL_POINTS;
}

static gboolean is_signed(MoeCellKind kind)
{
  return kind == MOE_CELL_CHANGE || kind == MOE_CELL_POINTS;
}

void moe_table_kind(MoeTable *table, MoeCellKind kind, MoeDimension dimension, double value)
{
  gboolean costs = kind == MOE_CELL_DOLLARS || kind == MOE_CELL_MWH;
  MoeTableCell added = {.kind = kind,
                        .dimension = dimension,
                        .value = costs && !(value > 0) ? NAN
                                 : is_fraction(kind)   ? 100 * value
                                                       : value};

  g_array_append_val(table->cells, added);
}

void moe_table_between(MoeTable *table, double low, double high)
{
  MoeTableCell *cell = &g_array_index(table->cells, MoeTableCell, table->cells->len - 1);
  double scale = is_fraction(cell->kind) ? 100 : 1;

  cell->ranged = low < high;
  cell->low = scale * low;
  cell->high = scale * high;
}

guint moe_table_rows(MoeTable *table)
{
  while (table->cells->len % table->columns->len != 0)
    moe_table_add(table, NULL);
  return table->cells->len / table->columns->len;
}

MoeTableCell *moe_table_cell(const MoeTable *table, guint row, guint column)
{
  return &g_array_index(table->cells, MoeTableCell, row * table->columns->len + column);
}

/* ---- one unit, one number of decimals ---------------------------------------------------------------------------- */

/* What the numbers of a column have in common. */
typedef struct {
  MoeCellKind kind;
  MoeDimension dimension;
  gboolean ranged;
  double least, most; /* of their sizes; zeros left out */
  double scale;       /* printed is value x scale */
  const char *unit;   /* after the title; "" none */
  int decimals;
} Common;

static void look_at(Common *common, double value)
{
  double size = fabs(value);

  if (!(size > 0) || isinf(size))
    return;
  common->least = common->least > 0 ? MIN(common->least, size) : size;
  common->most = MAX(common->most, size);
}

static Common look_through(const MoeTable *table, guint rows, guint column)
{
  Common common = {0};

  for (guint row = 0; row < rows; row++) {
    const MoeTableCell *cell = moe_table_cell(table, row, column);

    if (cell->kind == MOE_CELL_TEXT)
      continue;
    common.kind = cell->kind;
    common.dimension = cell->dimension;
    common.ranged |= cell->ranged;
    look_at(&common, cell->value);
    look_at(&common, cell->ranged ? cell->low : 0);
    look_at(&common, cell->ranged ? cell->high : 0);
  }
  return common;
}

/* Decimals that leave `digits` significant ones of `size`. */
static int decimals_for(double size, int digits)
{
  return size > 0 ? MAX(0, digits - 1 - (int)floor(log10(size) + 1e-9)) : 0;
}

/* From 1 of a multiple on. */
typedef struct {
  double scale;
  const char *unit;
} Multiple;

static const Multiple dollar_multiples[] = {{1e-9, "$ B"}, {1e-6, "$ M"}, {1e-3, "$ K"}, {1, "$"}};
static const Multiple energy_multiples[] = {{1e-6, "TWh"}, {1e-3, "GWh"}, {1, "MWh"}, {1e3, "kWh"}};

static void choose_multiple(Common *common, const Multiple *multiple, guint n)
{
  while (n > 1 && common->most * multiple->scale < 1) {
    multiple++;
    n--;
  }
  common->scale = multiple->scale;
  common->unit = multiple->unit;
}

static void choose_unit(Common *common)
{
  common->scale = 1;
  common->unit = common->kind == MOE_CELL_POINTS ? "pt" : is_fraction(common->kind) ? "%" : "";
  if (common->kind == MOE_CELL_QUANTITY)
    common->unit = moe_quantity_unit(common->most, common->dimension, &common->scale);
  else if (common->kind == MOE_CELL_DOLLARS)
    choose_multiple(common, dollar_multiples, G_N_ELEMENTS(dollar_multiples));
  else if (common->kind == MOE_CELL_MWH)
    choose_multiple(common, energy_multiples, G_N_ELEMENTS(energy_multiples));
}

/* Four digits of the largest, three in a range, as many more as the smallest needs for two, but one more at most. */
static void choose_decimals(Common *common)
{
  double least = common->least * common->scale, most = common->most * common->scale;

  if (is_fraction(common->kind)) {
    common->decimals = most < 9.995 || least < 0.095 ? 2 : 1;
    return;
  }
  int coarse = decimals_for(most, common->ranged ? 3 : 4);

  common->decimals = CLAMP(decimals_for(least, 2), coarse, coarse + 1);
}

static char *print_number(const Common *common, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE], format[8];
  double scaled = value * common->scale;

  if (isnan(value))
    return g_strdup("-");
  if (isinf(value))
    return g_strdup("never");
  g_snprintf(format, sizeof format, "%%%s.%df", is_signed(common->kind) ? "+" : "", common->decimals);
  return g_strdup(g_ascii_formatd(digits, sizeof digits, format, scaled));
}

/* "22.1", or "22.1" above "(20.0-23.4)". */
static char *print_cell(const Common *common, const MoeTableCell *cell)
{
  g_autofree char *value = print_number(common, cell->value);

  if (!cell->ranged)
    return g_steal_pointer(&value);
  g_autofree char *low = print_number(common, cell->low), *high = print_number(common, cell->high);

  return g_strdup_printf("%s\n(%s-%s)", value, low, high);
}

/* Whether a value has something but zeros in its last decimal. */
static gboolean has_last(const Common *common, double value)
{
  double tenths = value * common->scale * pow(10, common->decimals - 1);

  return isfinite(tenths) && fabs(tenths - round(tenths)) >= 0.05;
}

/* Decimals that are zero in the whole column go; of shares one stays. */
static void trim_decimals(const MoeTable *table, guint rows, guint column, Common *common)
{
  int least = is_fraction(common->kind) ? 1 : 0;

  for (; common->decimals > least; common->decimals--)
    for (guint row = 0; row < rows; row++) {
      const MoeTableCell *cell = moe_table_cell(table, row, column);

      if (cell->kind != MOE_CELL_TEXT &&
          (has_last(common, cell->value) ||
           (cell->ranged && (has_last(common, cell->low) || has_last(common, cell->high)))))
        return;
    }
}

static void settle_column(MoeTable *table, guint rows, guint column)
{
  Common common = look_through(table, rows, column);

  choose_unit(&common);
  choose_decimals(&common);
  trim_decimals(table, rows, column, &common);
  for (guint row = 0; row < rows; row++) {
    MoeTableCell *cell = moe_table_cell(table, row, column);

    if (cell->kind != MOE_CELL_TEXT && !cell->text)
      cell->text = print_cell(&common, cell);
  }
  g_array_index(table->columns, MoeTableColumn, column).unit = common.unit;
}

void moe_table_settle(MoeTable *table)
{
  guint rows = moe_table_rows(table);

  for (guint column = 0; column < table->columns->len; column++)
    settle_column(table, rows, column);
}

/* ---- CSV --------------------------------------------------------------------------------------------------------- */

static void append_csv_cell(GString *text, const char *cell)
{
  if (!strpbrk(cell, ",\"\n\r")) {
    g_string_append(text, cell);
    return;
  }
  g_string_append_c(text, '"');
  for (; *cell; cell++) {
    if (*cell == '"')
      g_string_append_c(text, '"');
    g_string_append_c(text, *cell);
  }
  g_string_append_c(text, '"');
}

char *moe_table_alone(const MoeTableCell *cell)
{
  if (cell->text)
    return g_strdup(cell->text);
  if (!isfinite(cell->value))
    return g_strdup("-");
  if (cell->kind == MOE_CELL_QUANTITY)
    return moe_quantity_format(cell->value, cell->dimension);
  if (cell->kind == MOE_CELL_PERCENT)
    return moe_percent_format(cell->value / 100);
  return g_strdup_printf(cell->kind == MOE_CELL_CHANGE ? "%+.1f %%" : "%.4g", cell->value);
}

char *moe_table_csv(MoeTable *table)
{
  GString *text = g_string_new(NULL);
  guint rows = moe_table_rows(table);

  for (guint row = 0; row < rows; row++)
    for (guint column = 0; column < table->columns->len; column++) {
      g_autofree char *cell = moe_table_alone(moe_table_cell(table, row, column));

      append_csv_cell(text, cell);
      g_string_append_c(text, column + 1 < table->columns->len ? ',' : '\n');
    }
  return g_string_free(text, FALSE);
}
