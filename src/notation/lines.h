/* lines: text line by line, with the place of a mistake. Part of notation (floor 1). */
#ifndef MOESIM_NOTATION_LINES_H
#define MOESIM_NOTATION_LINES_H

#include "base/base.h"

typedef struct {
  const char *name; /* of the file, for marks */
  const char *next, *end;
  guint number;  /* of the line read last, from 1 */
  GString *line; /* it, without its end, escape sequences of terminals and bytes that are no text */
} Lines;

/* Of a text that outlives it. */
void lines_init(Lines *lines, const char *name, const char *text, gsize length);
void lines_clear(Lines *lines);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Lines, lines_clear)
/* FALSE at the end. */
gboolean lines_next(Lines *lines);
/* Where `at` stands in the line; NULL is its begin. */
MoeMark lines_mark(const Lines *lines, const char *at);
/* What stands behind the first `key` of the line, blanks passed over; NULL without. */
const char *lines_after(const Lines *lines, const char *key);
/* The number behind `key`, thousands parted by commas allowed; FALSE and *error when there is none, or none from
 * `least` to `most`. Without the key nothing happens and TRUE returns. */
gboolean lines_number(const Lines *lines, const char *key, double least, double most, double *value, GError **error);

#endif
