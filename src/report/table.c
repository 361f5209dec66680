/* Column layout. */
#include <moesim/report.h>

#include <string.h>

#define GAP "  " /* between columns */

struct MoeTable {
  char *alignment;
  guint columns;
  GPtrArray *cells; /* row after row */
};

MoeTable *moe_table_new(const char *alignment)
{
  MoeTable *table = g_new0(MoeTable, 1);

  table->alignment = g_strdup(alignment);
  table->columns = (guint)strlen(alignment);
  table->cells = g_ptr_array_new_with_free_func(g_free);
  g_assert(table->columns > 0);
  return table;
}

void moe_table_free(MoeTable *table)
{
  if (!table)
    return;
  g_free(table->alignment);
  g_ptr_array_unref(table->cells);
  g_free(table);
}

void moe_table_take(MoeTable *table, char *cell)
{
  g_ptr_array_add(table->cells, cell ? cell : g_strdup(""));
}

void moe_table_add(MoeTable *table, const char *cell)
{
  moe_table_take(table, g_strdup(cell ? cell : ""));
}

static guint complete_rows(MoeTable *table)
{
  while (table->cells->len % table->columns != 0)
    moe_table_add(table, NULL);
  return table->cells->len / table->columns;
}

static const char *cell_at(const MoeTable *table, guint row, guint column)
{
  return g_ptr_array_index(table->cells, row * table->columns + column);
}

static glong column_width(const MoeTable *table, guint rows, guint column)
{
  glong width = 0;

  for (guint row = 0; row < rows; row++)
    width = MAX(width, g_utf8_strlen(cell_at(table, row, column), -1));
  return width;
}

static void append_padding(GString *text, glong n)
{
  for (glong i = 0; i < n; i++)
    g_string_append_c(text, ' ');
}

static void append_row(GString *text, const MoeTable *table, guint row, const glong *width)
{
  gsize start = text->len;

  for (guint column = 0; column < table->columns; column++) {
    const char *cell = cell_at(table, row, column);
    glong padding = width[column] - g_utf8_strlen(cell, -1);
    gboolean right = table->alignment[column] == 'r';

    if (column > 0)
      g_string_append(text, GAP);
    append_padding(text, right ? padding : 0);
    g_string_append(text, cell);
    append_padding(text, right ? 0 : padding);
  }
  while (text->len > start && text->str[text->len - 1] == ' ')
    g_string_truncate(text, text->len - 1);
}

char *moe_table_format(MoeTable *table, gboolean styled)
{
  guint rows = complete_rows(table);
  g_autofree glong *width = g_new(glong, table->columns);
  GString *text = g_string_new(NULL);

  for (guint column = 0; column < table->columns; column++)
    width[column] = column_width(table, rows, column);
  for (guint row = 0; row < rows; row++) {
    if (styled && row == 0)
      g_string_append(text, "\033[1m");
    append_row(text, table, row, width);
    g_string_append(text, styled && row == 0 ? "\033[0m\n" : "\n");
  }
  return g_string_free(text, FALSE);
}

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

char *moe_table_csv(MoeTable *table)
{
  guint rows = complete_rows(table);
  GString *text = g_string_new(NULL);

  for (guint row = 0; row < rows; row++)
    for (guint column = 0; column < table->columns; column++) {
      append_csv_cell(text, cell_at(table, row, column));
      g_string_append_c(text, column + 1 < table->columns ? ',' : '\n');
    }
  return g_string_free(text, FALSE);
}
