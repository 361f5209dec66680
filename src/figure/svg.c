/* SVG and data lines, each from one format. */
#include "svg.h"
#include "html.h"

#include <math.h>

static void put_number(GString *text, const char *format, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append(text, isfinite(value) ? g_ascii_formatd(digits, sizeof digits, format, value) : "NaN");
}

void svg_put(GString *svg, const char *shape, ...)
{
  va_list numbers;

  va_start(numbers, shape);
  for (; *shape; shape++)
    if (*shape == '@')
      put_number(svg, "%.2f", va_arg(numbers, double));
    else
      g_string_append_c(svg, *shape);
  va_end(numbers);
}

void svg_box(GString *svg, double x, double y, double width, double height, const char *paint, const char *title)
{
  svg_put(svg, "<rect x=\"@\" y=\"@\" width=\"@\" height=\"@\" ", x, y, width, height);
  g_string_append(svg, paint);
  if (title) {
    g_string_append_c(svg, '>');
    html_element(svg, "title", NULL, title);
  }
  g_string_append(svg, title ? "</rect>\n" : "/>\n");
}

void svg_line(GString *svg, double x1, double y1, double x2, double y2, const char *look)
{
  svg_put(svg, "<line x1=\"@\" y1=\"@\" x2=\"@\" y2=\"@\" ", x1, y1, x2, y2);
  g_string_append_printf(svg, "%s/>\n", look);
}

void svg_text(GString *svg, double x, double y, const char *anchor, const char *text)
{
  svg_put(svg, "<text x=\"@\" y=\"@\" ", x, y);
  g_string_append_printf(svg, "text-anchor=\"%s\">", anchor);
  html_text(svg, text);
  g_string_append(svg, "</text>\n");
}

static void put_label(GString *text, const char *label)
{
  for (; *label; label++)
    g_string_append_c(text, g_ascii_iscntrl(*label) ? ' ' : *label);
}

void plot_cells(GString *text, const char *kinds, ...)
{
  va_list cells;

  va_start(cells, kinds);
  for (; *kinds; kinds++) {
    if (*kinds != '\n' && text->len > 0 && text->str[text->len - 1] != '\n')
      g_string_append_c(text, '\t');
    if (*kinds == 's')
      put_label(text, va_arg(cells, const char *));
    else if (*kinds == 'd')
      g_string_append_printf(text, "%d", va_arg(cells, int));
    else if (*kinds == 'i')
      g_string_append_printf(text, "%" G_GINT64_FORMAT, va_arg(cells, gint64));
    else if (*kinds == '\n')
      g_string_append_c(text, '\n');
    else
      put_number(text, *kinds == 'n' ? "%.6g" : *kinds == 'N' ? "%.9g" : "%.3g", va_arg(cells, double));
  }
  va_end(cells);
}
