/* Inside the reading of benchmarks. */
#ifndef MOESIM_MEASURED_BENCH_READ_H
#define MOESIM_MEASURED_BENCH_READ_H

#include "measured/bench.h"
#include "notation/lines.h"

typedef struct {
  double bytes, us;
} BenchRow;

/* One series of the answer. */
typedef struct {
  char *op; /* "all-reduce" */
  int64_t gpus;
  char *more;   /* other keys of the series, ", library: deepep, ..."; NULL without */
  GArray *rows; /* of BenchRow */
} BenchSeries;

/* A new one at the end of `series`, which owns it; `op` and `more` are taken over. */
BenchSeries *bench_add_series(GPtrArray *series, char *op, int64_t gpus, char *more);

/* Both append what the text holds to `series`; FALSE and *error when it is wrong. */
gboolean bench_read_nccl(Lines *lines, const MoeBenchOptions *options, GPtrArray *series, GError **error);
gboolean bench_read_deepep(Lines *lines, const MoeBenchOptions *options, GPtrArray *series, GError **error);

#endif
