/* Tables of nccl-tests: size, count, type, [reduction, root,] then time, algbw, busbw and wrong results, out of place
 * and in place. Out of place counts: it is what frameworks call. */
#include "bench_read.h"

#include <math.h>
#include <string.h>

#define MAX_SIZE    1e15
#define MAX_US      1e12
#define BEHIND      8 /* columns of both places, at the end of a row */
#define LEAST_CELLS 11
#define UNROUNDED   0.05  /* what rounding of both explains between time and bandwidth */
#define LAST_DIGIT  0.006 /* GB/s */

/* Words of measurement files, and as programs of nccl-tests are called. */
const char *const moe_bench_ops[] = {"all-reduce", "all-gather", "reduce-scatter", "all-to-all", "broadcast", NULL};
static const char *const programs[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall", "broadcast", NULL};

typedef struct {
  Lines *lines;
  const MoeBenchOptions *options;
  GPtrArray *series;
  BenchSeries *table; /* that rows belong to; NULL: none began */
  const char *op;
  int64_t ranks;
} Reader;

/* ---- what stands above a table ----------------------------------------------------------------------------------- */

/* "# Collective test starting: all_reduce_perf" */
static gboolean read_test(Reader *reader, const char *program, GError **error)
{
  gsize length = strcspn(program, " \t");
  const char *end = g_strstr_len(program, (gssize)length, "_perf");
  g_autofree char *name = g_strndup(program, end ? (gsize)(end - program) : length);

  reader->op = NULL;
  for (guint i = 0; programs[i]; i++)
    if (strcmp(name, programs[i]) == 0)
      reader->op = moe_bench_ops[i];
  return reader->op || moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, program),
                                "%.40s is no collective of the model, expected all_reduce, all_gather, reduce_scatter, "
                                "alltoall or broadcast",
                                name);
}

static gboolean read_comment(Reader *reader, GError **error)
{
  const char *test = lines_after(reader->lines, "Collective test starting:");

  if (test)
    return read_test(reader, test, error);
  if (lines_after(reader->lines, "Using devices"))
    reader->ranks = 0;
  if (lines_after(reader->lines, " Rank ") && lines_after(reader->lines, " Pid "))
    reader->ranks++;
  if (lines_after(reader->lines, "size ") && lines_after(reader->lines, "busbw"))
    reader->table = NULL;
  return TRUE;
}

/* The series of the table whose first row this is; NULL and *error. */
static BenchSeries *begin_table(Reader *reader, GError **error)
{
  const char *op = reader->op ? reader->op : reader->options->op;
  int64_t gpus = reader->ranks > 0 ? reader->ranks : reader->options->gpus;

  if (op && gpus >= 2)
    return bench_add_series(reader->series, g_strdup(op), gpus, NULL);
  if (!op)
    moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
             "rows of a collective that no line above names, expected --op");
  else
    moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
             "rows of %s ranks, expected a list of two and more above, or --gpus", gpus == 1 ? "1" : "unknown");
  return NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* The cells of the line and where each stands. */
static guint split(const char *line, const char *cells[], guint most)
{
  guint n = 0;

  for (const char *at = line; *at && n < most;) {
    at += strspn(at, " \t");
    if (*at)
      cells[n++] = at;
    at += strcspn(at, " \t");
  }
  return n;
}

static gboolean number(const Reader *reader, const char *cell, double least, double most, double *value, GError **error)
{
  char *end = NULL;

  *value = g_ascii_strtod(cell, &end);
  if (end != cell && (*end == ' ' || *end == '\t' || !*end) && *value >= least && *value <= most)
    return TRUE;
  return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, cell), "'%.*s', expected a number from %g to %g",
                  (int)MIN(strcspn(cell, " \t"), 20), cell, least, most);
}

/* Bandwidth is size over time: a column too many or too few is noticed by that. */
static gboolean belong_together(double bytes, double us, double gb_per_s)
{
  double follows = bytes / us * 1e-3;

  return fabs(follows - gb_per_s) <= UNROUNDED * follows + LAST_DIGIT;
}

static gboolean read_row(Reader *reader, GError **error)
{
  const char *cells[16] = {NULL};
  guint n = split(reader->lines->line->str, cells, G_N_ELEMENTS(cells));
  BenchRow row;
  double bandwidth, wrong = 0;

  if (n < LEAST_CELLS)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, cells[0]),
                    "%u columns, expected a row of nccl-tests with size, count, type and two times four results", n);
  const char *const *results = &cells[n - BEHIND];
  if (!number(reader, cells[0], 0, MAX_SIZE, &row.bytes, error) ||
      !number(reader, results[0], 0, MAX_US, &row.us, error) ||
      !number(reader, results[1], 0, MAX_SIZE, &bandwidth, error))
    return FALSE;
  if (!g_str_has_prefix(results[3], "N/A") && !number(reader, results[3], 0, MAX_SIZE, &wrong, error))
    return FALSE;
  if (wrong > 0)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, results[3]),
                    "%g wrong results, expected times of a collective that works", wrong);
  if (row.bytes < 1 || row.us <= 0)
    return TRUE; /* nothing was moved */
  if (!belong_together(row.bytes, row.us, bandwidth))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, results[1]),
                    "%g GB/s for %g bytes in %g us, expected their quotient", bandwidth, row.bytes, row.us);
  BenchSeries *table = reader->table ? reader->table : begin_table(reader, error);
  if (!table)
    return FALSE;
  reader->table = table;
  g_array_append_val(table->rows, row);
  return TRUE;
}

/* Lines of launchers and libraries stand between those of the benchmark: a row begins with a whole number. */
gboolean bench_read_nccl(Lines *lines, const MoeBenchOptions *options, GPtrArray *series, GError **error)
{
  Reader reader = {.lines = lines, .options = options, .series = series};
  gboolean good = TRUE;

  while (good && lines_next(lines)) {
    const char *line = lines->line->str + strspn(lines->line->str, " \t");
    gsize digits = strspn(line, "0123456789");

    if (*line == '#')
      good = read_comment(&reader, error);
    else if (digits > 0 && (line[digits] == ' ' || line[digits] == '\t'))
      good = read_row(&reader, error);
  }
  return good;
}
