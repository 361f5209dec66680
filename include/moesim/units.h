/*
 * units: quantities as text, errors with their place, what samples spread over. Part of base (floor 0).
 *
 * Quantities are SI base units in a double or integer: bytes, bytes/s, FLOP, FLOP/s, seconds, hertz, watts; the unit is
 * in the name (`_s`, `_bytes`, `_bytes_per_s`). Text with units exists only on the way in (moe_quantity_parse) and on
 * the way out (moe_quantity_format).
 *
 * Of all functions of the library: text and structs that are returned belong to the caller unless said otherwise; a
 * GError ** may be NULL; everything may be called from several threads at once on objects that they do not share.
 */
#ifndef MOESIM_UNITS_H
#define MOESIM_UNITS_H

#include <glib.h>
#include <stdint.h>

G_BEGIN_DECLS

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/* Where in an input something stands. `file` is owned by whoever parsed it and outlives the mark; line and column count
 * from 1; line 0 means the whole file; a NULL file means the command line. */
typedef struct {
  const char *file;
  int line;
  int column;
} MoeMark;

#define MOE_ERROR (moe_error_quark())
GQuark moe_error_quark(void);

typedef enum {
  MOE_ERROR_INPUT,    /* the user's input is wrong: exit status 2 */
  MOE_ERROR_IO,       /* a file cannot be read or written: exit status 2 */
  MOE_ERROR_LAYOUT,   /* a parallelism layout that cannot exist: exit status 2 */
  MOE_ERROR_INTERNAL, /* our fault: exit status 3 */
  MOE_ERROR_STOPPED,  /* the caller asked for it, or its time is over */
} MoeErrorCode;

/* Domain of notes in GLib's log, all at G_LOG_LEVEL_INFO, which is silent unless the program listens. Called in any
 * thread. */
#define MOE_LOG_DOMAIN "moesim"

/* ---- quantities ------------------------------------------------------------------------------------------------- */

typedef enum {
  MOE_DIM_NONE,        /* plain number, no unit; k or K, M, B, T are thousands of each other: 30T */
  MOE_DIM_BYTES,       /* B kB MB GB TB PB, KiB MiB GiB TiB */
  MOE_DIM_BYTES_PER_S, /* B/s ... TB/s, KiB/s ... and bit/s ... Tbit/s (divided by 8) */
  MOE_DIM_FLOP_PER_S,  /* FLOP/s ... EFLOP/s */
  MOE_DIM_SECONDS,     /* ps ns us ms s min h d */
  MOE_DIM_HERTZ,       /* Hz kHz MHz GHz */
  MOE_DIM_WATTS,       /* W kW MW */
  MOE_DIM_FLOP,        /* FLOP ... YFLOP */
  MOE_DIM_DOLLARS,     /* the same, $ before it allowed: $3, 20M */
} MoeDimension;

/* Parses "400 Gbit/s", "186 GB", "2 us", "1e9 FLOP/s"... into SI base units. A unit is required exactly where the
 * dimension has one. Refuses trailing text, NaN, infinity and negative values (say which). The message names what was
 * expected, and carries no mark: the caller adds it. */
gboolean moe_quantity_parse(const char *text, MoeDimension dimension, double *value, GError **error);
/* Human text with a fitting prefix and at most four significant digits: "186 GB", "7.39 s", "50 GB/s". The decimal
 * point is a point in every locale. Caller frees. */
char *moe_quantity_format(double value, MoeDimension dimension);
/* The unit in which `value` is printed ("ms"; "" where the dimension has none); value x *scale is the number before it,
 * within a rounding. Static storage. */
const char *moe_quantity_unit(double value, MoeDimension dimension, double *scale);
/* The shortest text that moe_quantity_parse reads as the same double, in a fitting unit where one is exact: "3.7 us".
 * Caller frees. */
char *moe_quantity_print(double value, MoeDimension dimension);
/* Short list of accepted units for messages, for example "B, kB, MB, ..."; "" for a dimension without unit. Static
 * storage. */
const char *moe_dimension_units(MoeDimension dimension);

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* What samples spread over. */
typedef struct {
  double p10, p50, p90;
} MoeQuantiles;

G_END_DECLS

#endif
