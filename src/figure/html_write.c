/* Elements, tables, escaping. */
#include "html.h"
#include "record/table.h"

#include <string.h>

/* What XML 1.0 allows besides the printable characters: tab and line end; what g_markup_escape_text leaves as numeric
 * references to control characters is not allowed either. */
static gboolean allowed(gunichar c)
{
  return c == '\t' || c == '\n' || (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c < 0xfffe);
}

void html_text(GString *html, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

  for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
    gunichar c = g_utf8_get_char(p);

    switch (c) {
    case '&':
      g_string_append(html, "&amp;");
      break;
    case '<':
      g_string_append(html, "&lt;");
      break;
    case '>':
      g_string_append(html, "&gt;");
      break;
    case '"':
      g_string_append(html, "&quot;");
      break;
    case '\'':
      g_string_append(html, "&#39;");
      break;
    default:
      g_string_append_unichar(html, allowed(c) || c >= 0x10000 ? c : ' ');
    }
  }
}

void html_element(GString *html, const char *element, const char *attributes, const char *text)
{
  g_string_append_printf(html, "<%s%s%s>", element, attributes ? " " : "", attributes ? attributes : "");
  html_text(html, text);
  g_string_append_printf(html, "</%s>", element);
}

void html_section(GString *html, const char *id, const char *title)
{
  g_string_append_printf(html, "<section id=\"%s\">\n", id);
  html_element(html, "h2", NULL, title);
  g_string_append_c(html, '\n');
}

void html_section_end(GString *html)
{
  g_string_append(html, "</section>\n");
}

/* Tables are as wide as they need and scroll by themselves where the page is narrower. */
void html_table(GString *html, const char *const *header)
{
  g_string_append(html, "<div class=\"wide\"><table>\n");
  if (!header)
    return;
  g_string_append(html, "<tr>");
  for (guint column = 0; header[column]; column++)
    html_element(html, "th", NULL, header[column]);
  g_string_append(html, "</tr>\n");
}

void html_table_end(GString *html)
{
  g_string_append(html, "</table></div>\n");
}

#define LONGEST_NUMBER 16 /* characters, unit included; what is longer reads as words */

/* "-3.2 %", "81.7 GB", "-": a number and perhaps a unit, which stands to the right. */
static gboolean is_number(const char *cell)
{
  const char *digits = *cell == '-' || *cell == '+' ? cell + 1 : cell;
  const char *unit = digits + strspn(digits, "0123456789.,");

  if (strcmp(cell, "-") == 0)
    return TRUE;
  return unit > digits && strlen(cell) <= LONGEST_NUMBER && (*unit == 0 || (*unit == ' ' && !strchr(unit + 1, ' ')));
}

/* Dotted keys and paths may break after a dot or a slash and nowhere else. */
static void add_cell(GString *html, const char *cell, gboolean number)
{
  gboolean breaks = !number && !strchr(cell, ' ') && strpbrk(cell, "./");

  g_string_append(html, number ? "<td class=\"n\">" : "<td>");
  for (const char *rest = cell; breaks && *rest;) {
    gsize length = strcspn(rest, "./");
    g_autofree char *part = g_strndup(rest, length + (rest[length] != 0));

    html_text(html, part);
    g_string_append(html, "<wbr/>");
    rest += strlen(part);
  }
  if (!breaks)
    html_text(html, cell);
  g_string_append(html, "</td>");
}

void html_row(GString *html, const char *const *cells)
{
  g_string_append(html, "<tr>");
  for (guint column = 0; cells[column]; column++)
    add_cell(html, cells[column], column > 0 && is_number(cells[column]));
  g_string_append(html, "</tr>\n");
}

void html_pair(GString *html, const char *name, char *value)
{
  html_row(html, (const char *const[]){name, value, NULL});
  g_free(value);
}

void html_rows(GString *html, MoeTable *table)
{
  guint rows = moe_table_rows(table);

  html_table(html, NULL);
  for (guint row = 0; row < rows; row++) {
    g_string_append(html, "<tr>");
    for (guint column = 0; column < table->columns->len; column++) {
      g_autofree char *cell = moe_table_alone(moe_table_cell(table, row, column));

      if (row == 0)
        html_element(html, "th", NULL, cell);
      else
        add_cell(html, cell, column > 0 && is_number(cell));
    }
    g_string_append(html, "</tr>\n");
  }
  html_table_end(html);
}

void html_records(GString *html, JsonArray *records, const MoeColumn *columns, guint n)
{
  g_autoptr(MoeTable) table = moe_record_table(records, columns, n);

  html_rows(html, table);
}

void html_lines(GString *html, JsonObject *record, const MoeLine *lines, guint n)
{
  for (guint i = 0; i < n; i++) {
    char *said = moe_record_line(record, &lines[i]);

    if (said)
      html_pair(html, lines[i].title, said);
  }
}

void html_say(GString *html, const char *attributes, JsonObject *record, const char *text)
{
  g_autofree char *said = moe_record_say(record, text);

  if (said)
    html_element(html, "p", attributes, said);
}
