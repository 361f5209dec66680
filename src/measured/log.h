/*
 * log: what a training says of itself. Part of measured (floor 2).
 *
 * Read are the lines of iterations that Megatron-LM (and what is built on it) and torchtitan print. The first fifth of
 * them is left out - compilation, growing buffers - and medians are taken of the rest.
 */
#ifndef MOESIM_MEASURED_LOG_H
#define MOESIM_MEASURED_LOG_H

#include "base/base.h"

G_BEGIN_DECLS

typedef struct {
  double p10, p50, p90; /* all 0: the log does not say */
} MoeLogSpread;

typedef struct {
  const char *framework;     /* "Megatron", "torchtitan" */
  guint lines, used;         /* lines of iterations; those that count */
  MoeLogSpread step_s;       /* Megatron */
  MoeLogSpread tokens_per_s; /* per GPU, torchtitan */
  MoeLogSpread flop_per_s;   /* per GPU, as the framework counts */
  double global_batch;       /* sequences; 0: not said */
  double peak_bytes;         /* largest that was said; 0: none */
  gboolean reserved;         /* it is what the allocator holds; else of tensors */
  gboolean first_rank;       /* only the first rank says it */
} MoeLog;

/* NULL and *error (MOE_ERROR_INPUT, file:line:column) when a line is wrong or none is of an iteration. Free with
 * g_free. */
MoeLog *moe_log_read(const char *text, gsize length, const char *name, GError **error);
MoeLog *moe_log_load(const char *path, GError **error);

/* A file with one case: the run at `run`, and what was measured of it. Caller frees. */
char *moe_log_case(const MoeLog *log, const char *source, const char *run);

G_END_DECLS

#endif
