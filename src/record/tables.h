/* tables: columns of text and numbers. Part of record (floor 1). */
#ifndef MOESIM_RECORD_TABLES_H
#define MOESIM_RECORD_TABLES_H

#include "base/base.h"
#include <moesim/sheet.h>

G_BEGIN_DECLS

/* Columns of text and numbers. Rows are added cell by cell; the first is the heading.
 *
 *     run             GPUs  step, s  MFU, %
 *     mai-base-1/v5   8192     7.39    20.0
 *     deepseek-v3     2048    19.93    38.9
 *
 * The numbers of a column have one unit, which stands in the heading, and one number of decimals. On a sheet too
 * narrow, headings break first, then words wrap, then columns that are optional are left out and named below the table.
 */
typedef struct MoeTable MoeTable;

/* One letter per column: 'r' right; left: 'l' text, 'w' words and 'n' names, which wrap where there is no room. A digit
 * behind it makes the column optional: where there is still no room, the highest go first, of equal ones the last. */
MoeTable *moe_table_new(const char *alignment);
void moe_table_free(MoeTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTable, moe_table_free)
/* Adds a cell; NULL is an empty one. A row ends when it has as many cells as columns. */
void moe_table_add(MoeTable *table, const char *cell);
/* The same, taking the string over. */
void moe_table_take(MoeTable *table, char *cell);
/* Makes the cell added last one of a value with what it may be between: "22.1 (20.0-23.4)". A range of no width is left
 * out. `low` and `high` as the value was given. */
void moe_table_between(MoeTable *table, double low, double high);
/* Text of the table, each line ended; the heading in bold when the sheet is styled. Incomplete rows are ended with
 * empty cells. A table is printed once. */
char *moe_table_format(MoeTable *table, MoeSheet sheet);
/* The same cells as CSV (RFC 4180, lines end in LF), each number with its own unit. */
char *moe_table_csv(MoeTable *table);

/* "$3.2 M"; "-" when the price is unknown (0). */
char *moe_dollars_format(double dollars);
/* "5.38 GWh", "820 MWh"; "-" when the power is unknown (0). */
char *moe_energy_format(double mwh);

G_END_DECLS

#endif
