/* The inside of a table. Part of record (floor 1): table.c fills it, table_layout.c makes it fit a sheet. */
#ifndef MOESIM_RECORD_TABLE_H
#define MOESIM_RECORD_TABLE_H

#include "record/tables.h"
#include <moesim/sheet.h>

typedef enum {
  MOE_CELL_TEXT,
  MOE_CELL_QUANTITY, /* of a dimension */
  MOE_CELL_PERCENT,
  MOE_CELL_CHANGE,
  MOE_CELL_POINTS,
  MOE_CELL_NUMBER,
  MOE_CELL_DOLLARS,
  MOE_CELL_MWH,
} MoeCellKind;

/* A text, or numbers until moe_table_settle makes a text of them. */
typedef struct {
  char *text;
  MoeCellKind kind;
  MoeDimension dimension;
  gboolean ranged;
  double value, low, high; /* fractions are in percent */
} MoeTableCell;

typedef struct {
  char alignment;   /* l, r, n, w */
  guint optional;   /* 0: always there */
  const char *unit; /* behind the heading; "" none */
  gboolean left_out;
  glong width; /* characters, as laid out */
} MoeTableColumn;

struct MoeTable {
  GArray *columns; /* MoeTableColumn */
  GArray *cells;   /* MoeTableCell, row after row */
};

/* Adds a number, whose unit and decimals its column decides: a quantity in SI base units, a fraction as percent, a
 * relative change as signed percent, a difference of fractions as signed points. NaN is "-", infinity "never", dollars
 * and energy of 0 are unknown. */
void moe_table_kind(MoeTable *table, MoeCellKind kind, MoeDimension dimension, double value);
/* Ends the last row; how many there are. */
guint moe_table_rows(MoeTable *table);
MoeTableCell *moe_table_cell(const MoeTable *table, guint row, guint column);
/* The cell as it reads without its column: a number has its own unit. Caller frees. */
char *moe_table_alone(const MoeTableCell *cell);
/* Gives every column of numbers its unit and its decimals. */
void moe_table_settle(MoeTable *table);

/* `text` with line feeds so that no line has more than `width` characters; `rest` of lines behind the first begin with
 * `indent` spaces, which count. */
char *moe_text_wrap(const char *text, glong width, guint indent);
/* Characters of the longest line. */
glong moe_text_width(const char *text);

#endif
