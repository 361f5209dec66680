/* Making a table fit a sheet, and printing it: libsmartcols pads and aligns, widths are chosen here. */
#include "record/table.h"

#include <libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#define GAP         "  " /* between columns */
#define GAP_WIDTH   2
#define WORDS_LEAST 24 /* characters that a column of words keeps before optional columns go */
#define NAMES_LEAST 14 /* the same of names */
#define FLOOR       10 /* and when none is left to go */

/* ---- widths ------------------------------------------------------------------------------------------------------ */

static MoeTableColumn *column_at(const MoeTable *table, guint column)
{
  return &g_array_index(table->columns, MoeTableColumn, column);
}

/* Without the heading, which breaks before anything else does. */
static glong body_width(const MoeTable *table, guint rows, guint column)
{
  glong width = 0;

  for (guint row = 1; row < rows; row++)
    width = MAX(width, moe_text_width(moe_table_cell(table, row, column)->text));
  return width;
}

/* The heading in one line: "MFU causal, %". */
static char *flat_heading(const MoeTable *table, guint column)
{
  const char *title = moe_table_cell(table, 0, column)->text, *unit = column_at(table, column)->unit;

  return g_strconcat(title, *title && *unit ? ", " : "", unit, NULL);
}

/* In as many as its words and its unit need, with the words no wider than the column. */
static char *tall_heading(const MoeTable *table, guint column)
{
  const char *title = moe_table_cell(table, 0, column)->text, *unit = column_at(table, column)->unit;
  g_autofree char *wrapped = moe_text_wrap(title, column_at(table, column)->width, 0);

  return g_strconcat(wrapped, *title && *unit ? "\n" : "", unit, NULL);
}

/* Characters of the longest piece that a heading need not break in. */
static glong heading_least(const MoeTable *table, guint column)
{
  g_auto(GStrv) words = g_strsplit(moe_table_cell(table, 0, column)->text, " ", -1);
  glong width = g_utf8_strlen(column_at(table, column)->unit, -1);

  for (char **word = words; *word; word++) {
    const char *slash = strchr(*word, '/');
    glong length = g_utf8_strlen(*word, -1), head = slash ? (glong)(slash + 1 - *word) : length;

    width = MAX(width, MAX(head, length - head));
  }
  return width;
}

static glong total_width(const MoeTable *table)
{
  glong total = 0;
  guint shown = 0;

  for (guint c = 0; c < table->columns->len; c++)
    if (!column_at(table, c)->left_out) {
      total += column_at(table, c)->width;
      shown++;
    }
  return total + (shown > 0 ? GAP_WIDTH * ((glong)shown - 1) : 0);
}

/* Takes characters from the widest of the columns with one of these letters, none below `least`, until the table has at
 * most `width`. */
static void shrink(MoeTable *table, const char *letters, glong least, glong width)
{
  for (glong excess = total_width(table) - width; excess > 0; excess--) {
    MoeTableColumn *widest = NULL;

    for (guint c = 0; c < table->columns->len; c++) {
      MoeTableColumn *column = column_at(table, c);

      if (!column->left_out && strchr(letters, column->alignment) &&
          column->width > MAX(least, heading_least(table, c)) && (!widest || column->width >= widest->width))
        widest = column;
    }
    if (!widest)
      return;
    widest->width--;
  }
}

static gboolean leave_one_out(MoeTable *table)
{
  MoeTableColumn *chosen = NULL;

  for (guint c = 0; c < table->columns->len; c++) {
    MoeTableColumn *column = column_at(table, c);

    if (column->optional > 0 && !column->left_out && (!chosen || column->optional >= chosen->optional))
      chosen = column;
  }
  if (chosen)
    chosen->left_out = TRUE;
  return chosen != NULL;
}

/* On a sheet that no number fits otherwise: the last columns, never the first. */
static void leave_rest_out(MoeTable *table, glong width)
{
  for (guint c = table->columns->len; c-- > 1 && total_width(table) > width;)
    column_at(table, c)->left_out = TRUE;
}

static void narrow_headings(MoeTable *table, guint rows)
{
  for (guint c = 0; c < table->columns->len; c++)
    column_at(table, c)->width = MAX(body_width(table, rows, c), heading_least(table, c));
}

static void wrap_words(MoeTable *table, guint rows, glong width)
{
  narrow_headings(table, rows);
  shrink(table, "w", WORDS_LEAST, width);
  shrink(table, "n", NAMES_LEAST, width);
}

/* Headings in one line and nothing wrapped, where there is room. */
static gboolean fits_flat(MoeTable *table, guint rows, glong width)
{
  for (guint c = 0; c < table->columns->len; c++) {
    g_autofree char *heading = flat_heading(table, c);

    column_at(table, c)->width = MAX(body_width(table, rows, c), g_utf8_strlen(heading, -1));
  }
  return width == 0 || total_width(table) <= width;
}

/* Puts the headings in place and chooses the columns' widths: headings break first, then words wrap, then columns are
 * left out, then all text wraps. */
static void lay_out(MoeTable *table, guint rows, glong width)
{
  gboolean flat = fits_flat(table, rows, width);

  if (!flat) {
    wrap_words(table, rows, width);
    while (total_width(table) > width && leave_one_out(table))
      wrap_words(table, rows, width);
    shrink(table, "wnl", FLOOR, width);
    leave_rest_out(table, width);
  }
  for (guint c = 0; c < table->columns->len; c++) {
    MoeTableCell *cell = moe_table_cell(table, 0, c);
    gboolean tall = !flat && !column_at(table, c)->left_out;
    char *heading = tall ? tall_heading(table, c) : flat_heading(table, c);

    g_free(cell->text);
    cell->text = heading;
  }
}

/* ---- printing ---------------------------------------------------------------------------------------------------- */

/* A range on one line where there is no margin. */
static void join_lines(MoeTable *table, guint rows)
{
  for (guint row = 0; row < rows; row++)
    for (guint c = 0; c < table->columns->len; c++)
      g_strdelimit(moe_table_cell(table, row, c)->text, "\n", ' ');
}

/* libsmartcols answers a lack of memory with a status or NULL, and leaves out what it had no room for: a table that
 * lacks a row is no table. Without memory the program ends, as with any allocation of GLib. */
static void insist(gboolean made)
{
  if (!made)
    g_error("no memory for a table");
}

static void add_columns(struct libscols_table *printed, const MoeTable *table)
{
  for (guint c = 0; c < table->columns->len; c++)
    if (!column_at(table, c)->left_out)
      insist(scols_table_new_column(printed, "", 0, column_at(table, c)->alignment == 'r' ? SCOLS_FL_RIGHT : 0) !=
             NULL);
}

/* The lines of a row's cells, column by column. */
static GPtrArray *split_cells(const MoeTable *table, guint row, guint *n_lines)
{
  GPtrArray *cells = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

  *n_lines = 1;
  for (guint c = 0; c < table->columns->len; c++) {
    if (column_at(table, c)->left_out)
      continue;
    g_autofree char *cell = moe_text_wrap(moe_table_cell(table, row, c)->text, column_at(table, c)->width, 0);
    char **lines = g_strsplit(cell, "\n", -1);

    *n_lines = MAX(*n_lines, g_strv_length(lines));
    g_ptr_array_add(cells, lines);
  }
  return cells;
}

static void add_row(struct libscols_table *printed, const MoeTable *table, guint row)
{
  guint n_lines;
  g_autoptr(GPtrArray) cells = split_cells(table, row, &n_lines);

  for (guint i = 0; i < n_lines; i++) {
    struct libscols_line *line = scols_table_new_line(printed, NULL);

    insist(line != NULL);
    for (guint c = 0; c < cells->len; c++) {
      char **lines = cells->pdata[c];

      insist(scols_line_set_data(line, c, i < g_strv_length(lines) ? lines[i] : "") == 0);
    }
  }
}

/* libsmartcols counts characters by the locale of the thread. */
static char *print_columns(struct libscols_table *printed)
{
  locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
  locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
  char *text = NULL;

  insist(scols_print_table_to_string(printed, &text) == 0);
  if (utf8) {
    uselocale(before);
    freelocale(utf8);
  }
  return text;
}

static char *print(const MoeTable *table, guint rows)
{
  struct libscols_table *printed = scols_new_table();

  insist(printed && scols_table_set_column_separator(printed, GAP) == 0);
  scols_table_enable_noheadings(printed, 1);
  scols_table_enable_nowrap(printed, 1);
  scols_table_enable_noencoding(printed, 1);
  scols_table_set_termforce(printed, SCOLS_TERMFORCE_NEVER);
  add_columns(printed, table);
  for (guint row = 0; row < rows; row++)
    add_row(printed, table, row);
  char *text = print_columns(printed);

  scols_unref_table(printed);
  return text;
}

static guint lines_of(const char *text)
{
  guint lines = 1;

  for (; *text; text++)
    lines += *text == '\n';
  return lines;
}

/* Headings stand on the rows below them. Returns how many lines they take. */
static guint sink_headings(MoeTable *table)
{
  guint lines = 1;

  for (guint c = 0; c < table->columns->len; c++)
    if (!column_at(table, c)->left_out)
      lines = MAX(lines, lines_of(moe_table_cell(table, 0, c)->text));
  for (guint c = 0; c < table->columns->len; c++) {
    MoeTableCell *cell = moe_table_cell(table, 0, c);
    guint missing = column_at(table, c)->left_out ? 0 : lines - lines_of(cell->text);
    g_autofree char *above = g_strnfill(missing, '\n');
    char *sunk = g_strconcat(above, cell->text, NULL);

    g_free(cell->text);
    cell->text = sunk;
  }
  return lines;
}

static void append_lines(GString *text, char *printed, guint bold)
{
  g_auto(GStrv) lines = g_strsplit(printed, "\n", -1);
  guint n = g_strv_length(lines);

  for (guint i = 0; i < n && (i + 1 < n || *lines[i]); i++) {
    g_strchomp(lines[i]);
    g_string_append_printf(text, i < bold ? "\033[1m%s\033[0m\n" : "%s\n", lines[i]);
  }
}

static void append_left_out(GString *text, const MoeTable *table, MoeSheet sheet)
{
  GString *names = g_string_new(NULL);

  for (guint c = 0; c < table->columns->len; c++)
    if (column_at(table, c)->left_out)
      g_string_append_printf(names, "%s%s", names->len > 0 ? "; " : "", moe_table_cell(table, 0, c)->text);
  if (names->len > 0) {
    g_string_append_printf(names, " (--wide shows all columns)\n");
    g_string_prepend(names, "\nno room for: ");
    g_autofree char *wrapped = moe_sheet_wrap(names->str, sheet);

    g_string_append(text, wrapped);
  }
  g_string_free(names, TRUE);
}

char *moe_table_format(MoeTable *table, MoeSheet sheet)
{
  guint rows = moe_table_rows(table);
  GString *text = g_string_new(NULL);

  moe_table_settle(table);
  if (sheet.width == 0)
    join_lines(table, rows);
  if (rows == 0)
    return g_string_free(text, FALSE);
  lay_out(table, rows, sheet.width);
  guint bold = sink_headings(table);
  char *printed = print(table, rows);

  append_lines(text, printed, sheet.styled ? bold : 0);
  free(printed); /* libsmartcols allocated it */
  append_left_out(text, table, sheet);
  return g_string_free(text, FALSE);
}
