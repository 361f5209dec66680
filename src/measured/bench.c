/* Which benchmark's output it is, and the series as a file. */
#include "bench_read.h"
#include "doc/doc.h"

#include <string.h>

#define MAX_BYTES (64u << 20) /* of an output */

static void series_free(gpointer data)
{
  BenchSeries *series = data;

  g_free(series->op);
  g_free(series->more);
  g_array_unref(series->rows);
  g_free(series);
}

BenchSeries *bench_add_series(GPtrArray *series, char *op, int64_t gpus, char *more)
{
  BenchSeries *one = g_new0(BenchSeries, 1);

  *one = (BenchSeries){op, gpus, more, g_array_new(FALSE, FALSE, sizeof(BenchRow))};
  g_ptr_array_add(series, one);
  return one;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void print_series(GString *text, const BenchSeries *series, guint number, const MoeBenchOptions *options)
{
  g_autofree char *cluster = moe_text_quote(options->cluster);

  g_string_append_printf(text,
                         "  - {id: %s-%" G_GINT64_FORMAT "-%u, system: bench, source: bench, status: measured,\n"
                         "     cluster: %s, op: %s, gpus: %" G_GINT64_FORMAT "%s,\n     rows: [",
                         series->op, series->gpus, number, cluster, series->op, series->gpus,
                         series->more ? series->more : "");
  for (guint i = 0; i < series->rows->len; i++) {
    const BenchRow *row = &g_array_index(series->rows, BenchRow, i);

    g_string_append_printf(text, "%s[%.0f, %.6g]", i == 0 ? "" : i % 6 == 0 ? ",\n       " : ", ", row->bytes, row->us);
  }
  g_string_append(text, "]}\n");
}

static char *print_file(const GPtrArray *series, const MoeBenchOptions *options)
{
  g_autofree char *source = moe_text_quote(options->source);
  GString *text = g_string_new("# Times that a benchmark printed, [bytes, microseconds]. Written by moesim calibrate "
                               "--bench.\n");

  g_string_append_printf(text, "title: \"Times of a benchmark\"\nsources: {bench: %s}\nseries:\n", source);
  for (guint i = 0; i < series->len; i++)
    print_series(text, series->pdata[i], i + 1, options);
  return g_string_free(text, FALSE);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void drop_empty(GPtrArray *series)
{
  for (guint i = series->len; i-- > 0;)
    if (((const BenchSeries *)series->pdata[i])->rows->len == 0)
      g_ptr_array_remove_index(series, i);
}

char *moe_bench_read(const char *text, gsize length, const char *name, const MoeBenchOptions *options, GError **error)
{
  g_autoptr(GPtrArray) series = g_ptr_array_new_with_free_func(series_free);
  g_auto(Lines) lines;
  gboolean deepep = g_strstr_len(text, (gssize)length, "[tuning]") || g_strstr_len(text, (gssize)length, "[config]");

  lines_init(&lines, name, text, length);
  if (length > MAX_BYTES) {
    moe_fail(error, MOE_ERROR_INPUT, lines_mark(&lines, NULL), "larger than 64 MiB, expected what a benchmark printed");
    return NULL;
  }
  if (!(deepep ? bench_read_deepep : bench_read_nccl)(&lines, options, series, error))
    return NULL;
  drop_empty(series);
  if (series->len == 0) {
    moe_fail(error, MOE_ERROR_INPUT, lines_mark(&lines, NULL),
             "no times up to here, expected a table of nccl-tests or what DeepEP's tests print");
    return NULL;
  }
  return print_file(series, options);
}

char *moe_bench_load(const char *path, const MoeBenchOptions *options, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) reason = NULL;
  gsize length = 0;

  if (!g_file_get_contents(path, &text, &length, &reason)) {
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected what a benchmark printed: %s",
             reason->message);
    return NULL;
  }
  return moe_bench_read(text, length, path, options, error);
}
