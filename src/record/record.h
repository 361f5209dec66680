/*
 * record: a finding is described once, and every output is a view of the description.
 *
 * Floor 1. Uses base. Knows no finding.
 *
 * A *record* is a JSON object in SI base units. JSON prints it; tables, CSV and pages are lists of columns or lines
 * that name what they show by its path ("mfu.causal"), so that none of them can say something else:
 *
 *     static const MoeColumn columns[] = {
 *         {"run", "run", "n"},
 *         {"step", "step_time_s", "r", "s"},
 *         {"MFU causal", "mfu.causal", "r", "%"},
 *     };
 *     g_autoptr(MoeTable) table = moe_record_table(moe_record_list(record, "rows"), columns, G_N_ELEMENTS(columns));
 *
 * How a value is shown is a word: "s", "B", "B/s", "FLOP/s", "W" a quantity in that unit, "%" a fraction as percent,
 * "+%" a change as signed percent, "pt" a difference of fractions as points, "#" a number, "$" dollars, "MWh" energy,
 * "MW" power (0 is unknown), "h" and "d" seconds as hours and days, "yes" a flag as yes or no, "count" and "FLOP" a
 * large count (lines only), a printf format ("%.3f") that number as text, "text" the value as it is; for these, "-"
 * stands for what is null or not there. NULL is the value as it is and nothing for what is not: as CSV has it.
 */
#ifndef MOESIM_RECORD_H
#define MOESIM_RECORD_H

#include "record/json.h"
#include "record/tables.h"

G_BEGIN_DECLS

/* Of json-glib, which whoever reads JSON includes. */
typedef struct _JsonObject JsonObject;
typedef struct _JsonArray JsonArray;

typedef struct {
  const char *title;
  const char *path;
  const char *place;                 /* as moe_table_new has it; a '?' behind: only where a record has a value */
  const char *as;                    /* how it is shown */
  const char *low, *high;            /* paths of what the value may be between; NULL: no range */
  const char *none;                  /* for what is null or not there, in place of "-" */
  char *(*text)(JsonObject *record); /* instead of all of these: what to show; NULL is an empty cell */
} MoeColumn;

/* A name and a sentence with values, "{mfu.causal|%} causal of {peak_flops_per_gpu|FLOP/s}"; it is left out where a
 * value is null or not there. */
typedef struct {
  const char *title;
  const char *text;
  const char *when; /* path of a flag that has to be true, or with '!' before it false; NULL: always */
} MoeLine;

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* NULL when the record has nothing there. */
JsonNode *moe_record_find(JsonObject *record, const char *path);
/* NaN when there is no number. */
double moe_record_number(JsonObject *record, const char *path);
gboolean moe_record_flag(JsonObject *record, const char *path);
/* NULL when there is no text. The record's own. */
const char *moe_record_text(JsonObject *record, const char *path);
/* The list there; its elements are records. It has to be there. */
JsonArray *moe_record_list(JsonNode *record, const char *path);

/* ---- emitting ---------------------------------------------------------------------------------------------------- */

/* Indented, with a line end. */
char *moe_record_json(JsonNode *record);
/* A row per record, for moe_table_format, moe_table_csv or html_records. */
MoeTable *moe_record_table(JsonArray *records, const MoeColumn *columns, guint n);
/* The table as text on a sheet, as CSV. */
char *moe_record_rows(JsonArray *records, const MoeColumn *columns, guint n, MoeSheet sheet);
char *moe_record_csv(JsonArray *records, const MoeColumn *columns, guint n);
/* A line per record, under the names of all members that any has, nested ones joined by a dot. */
char *moe_records_csv(JsonArray *records);
/* The sentence with its values; NULL where one is missing. */
char *moe_record_say(JsonObject *record, const char *text);
/* The sentence of a line that applies; NULL otherwise. */
char *moe_record_line(JsonObject *record, const MoeLine *line);
/* The lines as rows of a table of two columns ("lw"). */
void moe_record_lines(MoeTable *table, JsonObject *record, const MoeLine *lines, guint n);
/* A value as text, standing alone. Caller frees; NULL where there is none. */
char *moe_record_show(JsonNode *value, const char *as);

/* ---- describing -------------------------------------------------------------------------------------------------- */

/* One number per word; words are in the order of the enumeration that indexes `values`. */
void moe_json_words(JsonBuilder *builder, const char *key, const char *const *words, const double *values, guint n);
/* An object of p10, p50 and p90, before them `first` under the name `name`; NULL: only those three. */
void moe_json_quantiles(JsonBuilder *builder, const char *key, const char *name, double first,
                        const MoeQuantiles *quantiles);

G_END_DECLS

#endif
