/*
 * report: results as text - tables, JSON, CSV, files that appear whole or not at all.
 *
 * Floor 12. Uses metrics, study and what is below them. Knows neither sim nor terminals: the caller prints.
 *
 * Numbers in tables carry their unit; JSON and CSV carry SI base units with the unit in the key. Every function that
 * returns text returns UTF-8 that the caller frees.
 */
#ifndef MOESIM_REPORT_H
#define MOESIM_REPORT_H

#include "base/base.h"
#include "metrics/metrics.h"

G_BEGIN_DECLS

/* ---- words and numbers ------------------------------------------------------------------------------------------- */

/* A fraction as percent, two decimals below 10 % and one from there on: "0.80 %", "38.9 %". */
char *moe_percent_format(double fraction);
/* A large count with a decimal prefix: "962.1 B", "34.7 B", "2048". `unit` follows the prefix ("FLOP" gives "250
 * GFLOP"); NULL: plain counts with K, M, B, T. */
char *moe_count_format(double count, const char *unit);
/* What a user reads for a cause, from MoeCause: "waiting for peers". Static. */
const char *moe_cause_title(guint cause);
/* What a user reads for a reason within the kernel time, from MoeReason: "last wave not full". Static. */
const char *moe_reason_title(guint reason);

/* ---- sheets ------------------------------------------------------------------------------------------------------ */

/* What a text is printed on. {0} is plain text without a right margin. */
typedef struct {
  gboolean styled; /* bold headings */
  guint width;     /* characters of a line; 0: any number */
} MoeSheet;

/* Lines longer than the sheet continue in the next one, indented: at a space, after a comma, a slash and the like where
 * there is none; behind a gap of two spaces or more, the lines that follow begin under what comes after it. A line that
 * begins with a command to type ("  moesim run ...") continues behind a backslash, as shells
 * have it. Lines that fit stay as they are. */
char *moe_sheet_wrap(const char *text, MoeSheet sheet);

/* ---- tables ------------------------------------------------------------------------------------------------------ */

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
/* Several cells, up to NULL. */
void moe_table_header(MoeTable *table, const char *const *titles);
/* Numbers whose unit the column decides: a quantity in SI base units, a fraction as percent, a relative change as
 * signed percent, a difference of fractions as signed points, a plain number, a whole one as it is. NaN is "-",
 * infinity "never". */
void moe_table_quantity(MoeTable *table, double value, MoeDimension dimension);
void moe_table_percent(MoeTable *table, double fraction);
void moe_table_change(MoeTable *table, double fraction);
void moe_table_points(MoeTable *table, double fraction);
void moe_table_number(MoeTable *table, double value);
void moe_table_whole(MoeTable *table, int64_t value);
/* Dollars and megawatt-hours; 0 is unknown: "-". */
void moe_table_dollars(MoeTable *table, double dollars);
void moe_table_mwh(MoeTable *table, double mwh);
/* Makes the cell added last one of a value with what it may be between: "22.1 (20.0-23.4)". A range of no width is left
 * out. `low` and `high` as the value was given. */
void moe_table_between(MoeTable *table, double low, double high);
/* Text of the table, each line ended; the heading in bold when the sheet is styled. Incomplete rows are ended with
 * empty cells. A table is printed once. */
char *moe_table_format(MoeTable *table, MoeSheet sheet);
/* The same cells as CSV (RFC 4180, lines end in LF), each number with its own unit. */
char *moe_table_csv(MoeTable *table);

/* ---- predictions ------------------------------------------------------------------------------------------------- */

/* One result as a reader's page: answer, memory, waterfall. */
char *moe_report_run_table(const MoeResult *result, MoeSheet sheet);
/* Rows: one per result, predicted beside published, with the `n_losses` largest losses. */
char *moe_report_compare_table(const GPtrArray *results, MoeSheet sheet);
/* One JSON object (`array` FALSE, one result) or an array of objects; keys as in docs/outputs.md. Ends with a line
 * feed. */
char *moe_report_json(const GPtrArray *results, gboolean array);
/* Header and one line per result; columns are the JSON keys, nested ones joined by a dot. */
char *moe_report_csv(const GPtrArray *results);
/* Memory by pipeline stage and part. */
char *moe_report_memory_table(const MoeResult *result, MoeSheet sheet);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A file that is written under a temporary name beside its own, settled on the disk, and renamed when complete: what
 * stands under `path` is always a whole file, the old or the new one. Links stay links: the file behind them is
 * replaced, and its successor has its owner and mode. Devices, pipes and names of our own descriptors (/dev/stdout) are
 * written in place. A path that ends in ".gz" is compressed. */
typedef struct MoeOutput MoeOutput;

MoeOutput *moe_output_new(const char *path, GError **error);
/* Failure is remembered and reported by moe_output_commit. */
void moe_output_write(MoeOutput *output, const char *text, gssize length);
void moe_output_printf(MoeOutput *output, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Everything that can fail for want of room: flushes, settles, closes. FALSE and *error (MOE_ERROR_IO) when anything
 * since the start failed. Nothing stands under the name yet; moe_output_commit does this first where it was not done.
 */
gboolean moe_output_finish(MoeOutput *output, GError **error);
/* Finishes and renames. FALSE and *error (MOE_ERROR_IO) when anything since the start failed; the temporary file is
 * then removed. */
gboolean moe_output_commit(MoeOutput *output, GError **error);
/* Without a commit before, the temporary file is removed. */
void moe_output_free(MoeOutput *output);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeOutput, moe_output_free)
/* All at once. */
gboolean moe_output_save(const char *path, const char *text, GError **error);
/* The temporary name of what is to be called `path`, however long that is. Caller frees. */
char *moe_output_temporary(const char *path);

/* Files that belong together: each is whole before the first gets its name. Free with g_ptr_array_unref. */
GPtrArray *moe_outputs_new(void);
gboolean moe_outputs_add(GPtrArray *outputs, const char *path, const char *text, GError **error);
gboolean moe_outputs_commit(GPtrArray *outputs, GError **error);

G_END_DECLS

#endif
