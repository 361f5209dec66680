/* What DeepEP's tests of normal kernels print: "[tuning] Best dispatch (FP8): SMs 24, NVL chunk 10, 153.20 GB/s (NVL)",
 * over nodes "... RDMA chunk 16: 43.10 GB/s (RDMA), 153.20 GB/s (NVL)", newer ones with times.
 *
 * Bandwidths count one copy of a token per rank that it goes to inside a host, per host beyond one; where no time is
 * printed it is that count, as random routing expects it, over the bandwidth. */
#include "bench_read.h"

#include <math.h>
#include <string.h>

#define HOST_GPUS       8 /* the tests require it */
#define DEFAULT_EXPERTS 256
#define MAX_COUNT       1e9
#define MAX_EXPERTS     1e6
#define MAX_TOP_K       1024  /* experts of a token, which are gone through one by one */
#define SCALE_GROUP     128.0 /* FP8 values that share a scale of four bytes */

typedef struct {
  Lines *lines;
  const MoeBenchOptions *options;
  GPtrArray *series;
  double tokens, hidden, top_k, top_groups;
  double experts, gpus;
} Reader;

/* "[config] num_tokens=4096, hidden=7168, num_topk_groups=4, num_topk=8" */
static gboolean read_config(Reader *reader, GError **error)
{
  reader->top_groups = 0;
  return lines_number(reader->lines, "num_tokens=", 1, MAX_COUNT, &reader->tokens, error) &&
         lines_number(reader->lines, "hidden=", 1, MAX_COUNT, &reader->hidden, error) &&
         lines_number(reader->lines, "num_topk_groups=", 1, MAX_TOP_K, &reader->top_groups, error) &&
         lines_number(reader->lines, "num_topk=", 1, MAX_TOP_K, &reader->top_k, error) &&
         lines_number(reader->lines, "num_experts=", 1, MAX_EXPERTS, &reader->experts, error);
}

/* How many of `places` alike a token with `top_k` of `experts` at random has at least one expert in. */
static double distinct(double experts, double places, double top_k)
{
  double none = 1, here = experts / places;

  for (int64_t i = 0; i < (int64_t)top_k; i++)
    none *= fmax(experts - here - (double)i, 0) / (experts - (double)i);
  return places * (1 - none);
}

/* Copies of a token that a bandwidth counts. */
static double copies(const Reader *reader, gboolean over_hosts)
{
  double hosts = reader->gpus / HOST_GPUS;
  double groups = reader->top_groups > 0 ? fmin(reader->top_groups, hosts) : hosts;

  return over_hosts ? distinct(reader->experts * groups / hosts, groups, reader->top_k)
                    : distinct(reader->experts, reader->gpus, reader->top_k);
}

/* Time of the line, in microseconds: printed, else from its bandwidth. */
static gboolean read_time(const Reader *reader, double bytes, double *us, GError **error)
{
  const char *line = reader->lines->line->str, *rdma = strstr(line, " GB/s (RDMA)"), *nvl = strstr(line, " GB/s (NVL)");
  const char *end = rdma ? rdma : nvl, *at = end;
  double gb_per_s = 0;

  *us = 0;
  if (!lines_number(reader->lines, "transmit: ", 1e-3, MAX_COUNT, us, error) ||
      (*us == 0 && !lines_number(reader->lines, ", t: ", 1e-3, MAX_COUNT, us, error)))
    return FALSE;
  if (*us > 0)
    return TRUE;
  while (at && at > line && (g_ascii_isdigit(at[-1]) || at[-1] == '.'))
    at--;
  gb_per_s = at ? g_ascii_strtod(at, NULL) : 0;
  if (!(gb_per_s > 0 && gb_per_s < MAX_COUNT))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, at),
                    "no time and no bandwidth, expected 'GB/s (NVL)'");
  *us = bytes * copies(reader, rdma != NULL) / gb_per_s * 1e-3;
  return TRUE;
}

static char *other_keys(const Reader *reader, double sms, double row)
{
  double hosts = reader->gpus / HOST_GPUS;
  g_autofree char *groups = reader->top_groups > 0 && reader->top_groups < hosts
                                ? g_strdup_printf(", expert_groups: %.0f, top_groups: %.0f", hosts, reader->top_groups)
                                : g_strdup("");

  return g_strdup_printf(", library: deepep,\n     top_k: %.0f, experts: %.0f, sms: %.0f, row: %.0f%s", reader->top_k,
                         reader->experts, sms, row, groups);
}

static gboolean is_sane(const Reader *reader, GError **error)
{
  double hosts = reader->gpus / HOST_GPUS;
  gboolean over_hosts = strstr(reader->lines->line->str, "(RDMA)") != NULL;

  if (reader->tokens <= 0 || reader->hidden <= 0 || reader->top_k <= 0)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
                    "a result without '[config] num_tokens=' above it, expected what DeepEP's tests print");
  if (over_hosts && (hosts < 2 || hosts != floor(hosts)))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
                    "bandwidth between hosts of %.0f GPUs, expected --gpus, a multiple of %d", reader->gpus, HOST_GPUS);
  if (reader->experts < reader->gpus || reader->top_k > reader->experts / fmax(hosts, 1))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
                    "top %.0f of %.0f experts on %.0f GPUs, expected --experts of the test", reader->top_k,
                    reader->experts, reader->gpus);
  return TRUE;
}

static gboolean read_best(Reader *reader, const char *op, GError **error)
{
  gboolean fp8 = strstr(reader->lines->line->str, "(FP8)") != NULL;
  double row_bytes = fp8 ? reader->hidden * (1 + 4 / SCALE_GROUP) : 2 * reader->hidden, sms = 0;
  BenchRow row = {.bytes = reader->tokens * row_bytes};

  if (!is_sane(reader, error) || !lines_number(reader->lines, "SMs ", 1, MAX_COUNT, &sms, error) ||
      !read_time(reader, row.bytes, &row.us, error))
    return FALSE;
  if (sms == 0)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL), "no 'SMs', expected how many it had");
  BenchSeries *series =
      bench_add_series(reader->series, g_strdup(op), (int64_t)reader->gpus, other_keys(reader, sms, row_bytes));
  g_array_append_val(series->rows, row);
  return TRUE;
}

static gboolean read_line(Reader *reader, GError **error)
{
  if (lines_after(reader->lines, "[config]"))
    return read_config(reader, error);
  if (lines_after(reader->lines, "[tuning] Best dispatch"))
    return read_best(reader, "dispatch", error);
  if (lines_after(reader->lines, "[tuning] Best combine"))
    return read_best(reader, "combine", error);
  return TRUE;
}

gboolean bench_read_deepep(Lines *lines, const MoeBenchOptions *options, GPtrArray *series, GError **error)
{
  Reader reader = {.lines = lines,
                   .options = options,
                   .series = series,
                   .experts = options->experts > 0 ? (double)options->experts : DEFAULT_EXPERTS,
                   .gpus = options->gpus > 0 ? (double)options->gpus : HOST_GPUS};
  gboolean good = TRUE;

  while (good && lines_next(lines))
    good = read_line(&reader, error);
  return good;
}
