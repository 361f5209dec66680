/* Inside the imports: a run in the making and its text. */
#ifndef MOESIM_INTERCHANGE_IMPORT_H
#define MOESIM_INTERCHANGE_IMPORT_H

#include <moesim/import.h>
#include <moesim/spec.h>

typedef struct {
  const char *source; /* where the figures come from, one line */
  MoeArchitecture architecture;
  MoeTraining training;
  MoeParallelism parallelism;
  MoeRecompute recompute;
  const MoeImportOptions *options;
  const char *title;
  MoeImport *import; /* notes go here */
} Draft;

/* A draft with the defaults of a run file; `options` may be NULL. */
void import_draft_init(Draft *draft, const MoeImportOptions *options);
void import_note(Draft *draft, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Chooses what neither input nor options say (GPUs, sequence length, batch, cluster, stack), then writes import->text.
 */
void import_finish(Draft *draft);

#endif
