/* Writing SVG and the data lines of figures: numbers with a point in every locale. Private to figure. */
#ifndef MOESIM_FIGURE_SVG_H
#define MOESIM_FIGURE_SVG_H

#include <glib.h>

/* Appends `shape` with the next of the numbers (doubles) in place of each '@', with two decimals. */
void svg_put(GString *svg, const char *shape, ...);
/* A box; `paint` is an attribute; `title` (may be NULL) is what it is called where a pointer rests on it. */
void svg_box(GString *svg, double x, double y, double width, double height, const char *paint, const char *title);
/* From (x1, y1) to (x2, y2); `look` are attributes. */
void svg_line(GString *svg, double x1, double y1, double x2, double y2, const char *look);
/* Text whose `anchor` ("start", "middle", "end") is at x. */
void svg_text(GString *svg, double x, double y, const char *anchor, const char *text);

/* Appends a line of tab-separated cells, or a part of one, as gnuplot reads it: 's' a label (a control character in it
 * becomes a space), 'n' a double with six digits ("NaN" where it is no number), 'N' with nine, 'p' with three, 'd' an
 * int, 'i' a gint64, and the end of the line. "snn\n": label, two numbers, end. */
void plot_cells(GString *text, const char *kinds, ...);

#endif
