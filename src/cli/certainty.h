/* Private to cli: deciding assumptions, the same under every answer. */
#ifndef MOESIM_CLI_CERTAINTY_H
#define MOESIM_CLI_CERTAINTY_H

#include "cli.h"

#include "report/findings.h"

/* Lines about the assumptions with the largest swings; where trying them would take long, that there are some. ""
 * without any. */
#define MOE_CLI_DECIDING 3
char *moe_cli_deciding(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim);
/* What would make a run that does not fit do so, or one that fits faster: lines, each simulated. "" where nothing does,
 * or where trying would take long and the run fits. */
char *moe_cli_remedies(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim);

/* --posterior: reads what moesim infer -o wrote; with it, combinations if none are asked for. FALSE, having said why,
 * when it cannot be read; without a file it does nothing. */
gboolean moe_cli_load_posterior(MoeCliRun *options);

#endif
