/* What of a run does not come back from the text of other software. */
#ifndef MOESIM_INTERCHANGE_EXPORT_LOSS_H
#define MOESIM_INTERCHANGE_EXPORT_LOSS_H

#include "spec/spec.h"

/* "parallelism.overlap.pipeline: true comes back as its default": a note for each key of `sections` (NULL-terminated)
 * that reads otherwise in the run that was exported and read again. */
void export_add_losses(const MoeRun *run, const MoeRun *again, const char *const *sections, GPtrArray *notes);

#endif
