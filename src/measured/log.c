/* Logs of trainings. Megatron: " iteration 10/ 500 | consumed samples: 1280 | elapsed time per iteration (ms): 5432.1 |
 * throughput per GPU (TFLOP/s/GPU): 412.3 | ... | global batch size: 128 | ..." and "[Rank 0] (after 10 iterations)
 * memory (MB) | allocated: ... | max allocated: ..."; torchtitan: "step: 10  loss: 7.1  memory: 47.54GiB(50.02%)  tps:
 * 8,123 tflops: 412.34  mfu: 41.69%". */
#include "measured/log.h"
#include "doc/doc.h"
#include "notation/lines.h"

#include <string.h>

#define MAX_BYTES (256u << 20)
#define MAX_VALUE 1e12
#define MAX_BATCH 268435456 /* as a run may have */
#define LEFT_OUT  5         /* one in so many lines, at the begin */
#define MIB       1048576.0
#define GIB       1073741824.0

typedef struct {
  Lines *lines;
  MoeLog *log;
  GArray *step_s, *tokens_per_s, *flop_per_s; /* of double, as they came; one without a value has no entry */
} Reader;

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* The number behind `key` in units of `unit`, at the end of `values`. */
static gboolean add_number(const Reader *reader, const char *key, double unit, GArray *values, GError **error)
{
  double value = 0;

  if (!lines_number(reader->lines, key, 1e-9, MAX_VALUE, &value, error))
    return FALSE;
  value *= unit;
  if (value > 0)
    g_array_append_val(values, value);
  return TRUE;
}

static gboolean read_megatron(Reader *reader, GError **error)
{
  reader->log->framework = "Megatron";
  reader->log->lines++;
  return add_number(reader, "elapsed time per iteration (ms):", 1e-3, reader->step_s, error) &&
         add_number(reader, "throughput per GPU (TFLOP/s/GPU):", 1e12, reader->flop_per_s, error) &&
         lines_number(reader->lines, "global batch size:", 1, MAX_BATCH, &reader->log->global_batch, error);
}

static gboolean read_memory(Reader *reader, GError **error)
{
  double mib = 0;

  if (!lines_number(reader->lines, "max allocated:", 0, MAX_VALUE, &mib, error))
    return FALSE;
  reader->log->peak_bytes = MAX(reader->log->peak_bytes, mib * MIB);
  return TRUE;
}

static gboolean read_titan(Reader *reader, GError **error)
{
  const char *memory = lines_after(reader->lines, "memory:");
  double gib = 0;

  reader->log->framework = "torchtitan";
  reader->log->lines++;
  if (!add_number(reader, "tps:", 1, reader->tokens_per_s, error) ||
      !add_number(reader, "tflops:", 1e12, reader->flop_per_s, error))
    return FALSE;
  if (!memory)
    return TRUE;
  gib = g_ascii_strtod(memory, NULL);
  if (!(gib >= 0 && gib < MAX_VALUE) || !strstr(memory, "GiB"))
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, memory), "'%.20s', expected GiB such as 47.54GiB",
                    memory);
  reader->log->peak_bytes = MAX(reader->log->peak_bytes, gib * GIB);
  reader->log->reserved = reader->log->first_rank = TRUE;
  return TRUE;
}

static gboolean read_line(Reader *reader, GError **error)
{
  if (lines_after(reader->lines, "elapsed time per iteration (ms):") && lines_after(reader->lines, "iteration "))
    return read_megatron(reader, error);
  if (lines_after(reader->lines, "memory (MB)") && lines_after(reader->lines, "max allocated:"))
    return read_memory(reader, error);
  if (lines_after(reader->lines, "step:") && lines_after(reader->lines, "tps:"))
    return read_titan(reader, error);
  return TRUE;
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static MoeLogSpread spread_of(const GArray *values)
{
  guint first = values->len / LEFT_OUT, n = values->len - first;

  if (n == 0)
    return (MoeLogSpread){0};
  double *from = (double *)(gpointer)values->data + first;
  return (MoeLogSpread){moe_quantile(from, n, 0.1), moe_quantile(from, n, 0.5), moe_quantile(from, n, 0.9)};
}

static gboolean sum_up(Reader *reader, GError **error)
{
  MoeLog *log = reader->log;

  if (reader->step_s->len + reader->tokens_per_s->len == 0)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
                    "no iteration up to here, expected a log of Megatron ('elapsed time per iteration') or torchtitan "
                    "('tps:')");
  if (reader->step_s->len > 0 && reader->tokens_per_s->len > 0)
    return moe_fail(error, MOE_ERROR_INPUT, lines_mark(reader->lines, NULL),
                    "iterations of Megatron and of torchtitan, expected the log of one training");
  log->used = log->lines - log->lines / LEFT_OUT;
  log->step_s = spread_of(reader->step_s);
  log->tokens_per_s = spread_of(reader->tokens_per_s);
  log->flop_per_s = spread_of(reader->flop_per_s);
  return TRUE;
}

MoeLog *moe_log_read(const char *text, gsize length, const char *name, GError **error)
{
  g_autofree MoeLog *log = g_new0(MoeLog, 1);
  g_autoptr(GArray) step_s = g_array_new(FALSE, FALSE, sizeof(double));
  g_autoptr(GArray) tokens_per_s = g_array_new(FALSE, FALSE, sizeof(double));
  g_autoptr(GArray) flop_per_s = g_array_new(FALSE, FALSE, sizeof(double));
  g_auto(Lines) lines;
  Reader reader = {&lines, log, step_s, tokens_per_s, flop_per_s};

  lines_init(&lines, name, text, length);
  if (length > MAX_BYTES) {
    moe_fail(error, MOE_ERROR_INPUT, lines_mark(&lines, NULL), "larger than 256 MiB, expected the log of a training");
    return NULL;
  }
  while (lines_next(&lines))
    if (!read_line(&reader, error))
      return NULL;
  return sum_up(&reader, error) ? g_steal_pointer(&log) : NULL;
}

MoeLog *moe_log_load(const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr(GError) reason = NULL;
  gsize length = 0;

  if (g_file_get_contents(path, &text, &length, &reason))
    return moe_log_read(text, length, path, error);
  moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected the log of a training: %s",
           reason->message);
  return NULL;
}

/* ---- a case ------------------------------------------------------------------------------------------------------ */

static void print_published(GString *text, const MoeLog *log)
{
  if (log->step_s.p50 > 0)
    g_string_append_printf(text, "step_time_s: %.6g", log->step_s.p50);
  else
    g_string_append_printf(text, "tokens_per_s_per_gpu: %.6g", log->tokens_per_s.p50);
  if (log->peak_bytes > 0)
    g_string_append_printf(text, ", peak_memory: %.0f B, memory_kind: %s, memory_of: %s", log->peak_bytes,
                           log->reserved ? "reserved" : "allocated", log->first_rank ? "first" : "most");
}

char *moe_log_case(const MoeLog *log, const char *source, const char *run)
{
  g_autofree char *from = moe_text_quote(source), *file = moe_text_quote(run);
  GString *text = g_string_new(NULL);

  g_string_append_printf(text,
                         "# Medians of %u lines of a %s log. Written by moesim calibrate --log.\n"
                         "source: {name: %s}\ncases:\n  - id: log\n    extends: %s\n",
                         log->used, log->framework, from, file);
  if (log->global_batch > 0)
    g_string_append_printf(text, "    training: {global_batch: %.0f}\n", log->global_batch);
  g_string_append(text, "    published: {");
  print_published(text, log);
  g_string_append(text, "}\n");
  return g_string_free(text, FALSE);
}
