/* Writing HTML that is also XML. Private to figure. */
#ifndef MOESIM_FIGURE_HTML_H
#define MOESIM_FIGURE_HTML_H

#include "figure/page.h"
#include "record/tables.h"
#include "report/describe.h"
#include "svg.h"

/* Appends text with &, <, >, " and ' escaped; characters that XML forbids become spaces. NULL appends nothing. */
void html_text(GString *html, const char *text);
/* <element>escaped text</element>; `attributes` ("class='x'", may be NULL) stand as given. */
void html_element(GString *html, const char *element, const char *attributes, const char *text);
/* A heading and the start of a section; html_section_end ends it. */
void html_section(GString *html, const char *id, const char *title);
void html_section_end(GString *html);

/* Tables: the first column holds names, the others are as wide as they need. */
void html_table(GString *html, const char *const *header); /* NULL-terminated; NULL: no header row */
void html_table_end(GString *html);
/* A row of NULL-terminated cells. */
void html_row(GString *html, const char *const *cells);
/* A whole table: the first row is the header. */
void html_rows(GString *html, MoeTable *table);
/* Records as such a table; lines of a record as rows of the open one. */
void html_records(GString *html, JsonArray *records, const MoeColumn *columns, guint n);
void html_lines(GString *html, JsonObject *record, const MoeLine *lines, guint n);
/* A paragraph, where the record has all of its values. */
void html_say(GString *html, const char *attributes, JsonObject *record, const char *text);
/* Name and value; takes the value over. */
void html_pair(GString *html, const char *name, char *value);

/* Figures. */
/* A figure SVG_WIDTH units wide, which scrolls by itself where the page is too narrow to read it. */
#define SVG_WIDTH 900.0
void svg_start(GString *html, const char *title, double height);
void svg_end(GString *html);
void html_waterfall(GString *html, const MoeResult *result);
void html_memory(GString *html, const MoeResult *result);
void html_tornado(GString *html, const MoeSensitivity *sensitivity);

/* Sections; what the page has nothing for is left out. */
void html_timeline(GString *html, const MoePage *page);
void html_scale(GString *html, const MoePage *page);
void html_comparison(GString *html, const MoePage *page);
void html_layout(GString *html, const MoePage *page);
void html_machine(GString *html, const MoePage *page);
void html_assumptions(GString *html, const MoePage *page);
void html_sensitivity(GString *html, const MoePage *page);
void html_goodput(GString *html, const MoePage *page);
void html_sources(GString *html, const MoePage *page);

#endif
