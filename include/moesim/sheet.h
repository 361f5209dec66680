/*
 * sheet: numbers and lines as readers have them.
 *
 * Part of record (floor 1). Texts are UTF-8 that the caller frees.
 */
#ifndef MOESIM_SHEET_H
#define MOESIM_SHEET_H

#include <glib.h>

G_BEGIN_DECLS

/* A fraction as percent, two decimals below 10 % and one from there on: "0.80 %", "38.9 %". */
char *moe_percent_format(double fraction);
/* A large count with a decimal prefix: "962.1 B", "34.7 B", "2048". `unit` follows the prefix ("FLOP" gives "250
 * GFLOP"); NULL: plain counts with K, M, B, T. */
char *moe_count_format(double count, const char *unit);

/* What an answer is given as. */
typedef enum { MOE_FORMAT_TABLE, MOE_FORMAT_JSON, MOE_FORMAT_CSV } MoeFormat;

/* What a text is printed on. {0} is plain text without a right margin. */
typedef struct {
  gboolean styled;  /* bold headings */
  guint width;      /* characters of a line; 0: any number */
  MoeFormat format; /* other than a table: styled and width do not matter */
} MoeSheet;

/* For whoever reads by program. */
#define MOE_JSON ((MoeSheet){.format = MOE_FORMAT_JSON})

/* Lines longer than the sheet continue in the next one, indented: at a space, after a comma, a slash and the like where
 * there is none; behind a gap of two spaces or more, the lines that follow begin under what comes after it. A line that
 * begins with a command to type ("  moesim run ...") continues behind a backslash, as shells
 * have it. Lines that fit stay as they are. */
char *moe_sheet_wrap(const char *text, MoeSheet sheet);

G_END_DECLS

#endif
