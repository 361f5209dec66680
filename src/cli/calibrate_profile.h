/* Private to cli: moesim calibrate of a profile, of what benchmarks print, of logs. */
#ifndef MOESIM_CLI_CALIBRATE_PROFILE_H
#define MOESIM_CLI_CALIBRATE_PROFILE_H

#include "cli.h"

typedef struct {
  char *trace, *classes, *cluster, *family, *output, *stack, *format, *steps_text, *rank;
} MoeCliProfile;

void moe_cli_profile_clear(MoeCliProfile *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliProfile, moe_cli_profile_clear)

/* Prints what the trace shows, and writes its matrix products as measurements where an output is given. */
int moe_cli_profile(const MoeCliProfile *options, const char *data_dir);

/* With a run of what was profiled: prints its classes of kernels before and after, and writes the constants under which
 * they take as long as they did; what the host pays, likewise. */
int moe_cli_fragment(const MoeCliProfile *options, const char *run);

/* A rank by its text; -1: none was said. FALSE, with a complaint, of no such number. */
gboolean moe_cli_rank(const char *text, int64_t *rank);
/* "3", "0.5" or "1/120" steps of a profile; NaN of anything else. FALSE, with a complaint, of no such number. */
double moe_cli_steps(const char *text);
gboolean moe_cli_check_steps(const char *text, double steps);

/* A cluster as a file in any folder can name it: a path becomes a whole one. Caller frees. */
char *moe_cli_machine(const char *cluster);

/* ---- what benchmarks and trainings print ------------------------------------------------------------------------- */

typedef struct {
  char *file, *op; /* output of a benchmark; its collective where it does not say it */
  gint64 gpus, experts;
} MoeCliBench;

void moe_cli_bench_clear(MoeCliBench *bench);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliBench, moe_cli_bench_clear)

/* Writes its times as measurements into `output` and prints them beside what is predicted on the cluster. */
int moe_cli_bench(const MoeCliBench *bench, const char *cluster, const char *output, const char *format,
                  const char *data_dir);

/* Prints what the log of a training says, beside the prediction of `run` where one is named; `output`, which may be
 * NULL, gets a case. */
int moe_cli_log(const char *log, const char *run, const char *output, const char *format);

#endif
