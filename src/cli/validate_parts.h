/* Inside cli: validate --parts and --pair. */
#ifndef MOESIM_CLI_VALIDATE_PARTS_H
#define MOESIM_CLI_VALIDATE_PARTS_H

#include "sim/sim.h"
#include <moesim/report.h>

/* Each case with published parts of its iteration, part by part, on pipeline stage `stage` (< 0: the middle one).
 * Returns the exit status. */
int moe_cli_validate_parts(const char *dir, const char *data_dir, int64_t stage, const MoeSimOptions *sim,
                           MoeFormat format);
/* A profiled forward-backward pair beside the same pair of the run that its file names. Returns the exit status. */
int moe_cli_validate_pair(const char *path, const char *data_dir, const MoeSimOptions *sim, MoeFormat format);

#endif
