/*
 * bench: times of collectives and expert exchange, from what their benchmarks print. Part of measured (floor 2).
 *
 * Read are the tables of nccl-tests (and of rccl-tests, which prints the same) and what DeepEP's tests of normal
 * kernels print. The answer is a file of measurements for moesim calibrate-network: one series per table, or per
 * direction and precision of DeepEP.
 */
#ifndef MOESIM_MEASURED_BENCH_H
#define MOESIM_MEASURED_BENCH_H

#include "base/base.h"

G_BEGIN_DECLS

/* What a benchmark does not print. Texts are borrowed. */
typedef struct {
  const char *cluster; /* name or path of the machine's file */
  const char *source;  /* what to call the file that was read */
  const char *op;      /* of nccl-tests, "all-reduce", where the output does not name it; NULL: it does */
  int64_t gpus;        /* members, where no list of ranks stands above the table; 0: one does, or DeepEP's 8 */
  int64_t experts;     /* of DeepEP's test; 0: its default of 256 */
} MoeBenchOptions;

/* YAML text, the caller's to free. NULL and *error (MOE_ERROR_INPUT, file:line:column) when the text is neither, has no
 * rows, wrong results, or lacks what the options do not say. */
char *moe_bench_read(const char *text, gsize length, const char *name, const MoeBenchOptions *options, GError **error);
/* The same of a file. */
char *moe_bench_load(const char *path, const MoeBenchOptions *options, GError **error);

/* Words of `op`, NULL-terminated. */
extern const char *const moe_bench_ops[];

G_END_DECLS

#endif
