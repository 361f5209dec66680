/* Private to cli: intervals and deciding assumptions, the same under every answer. */
#ifndef MOESIM_CLI_CERTAINTY_H
#define MOESIM_CLI_CERTAINTY_H

#include "cli.h"

#include <moesim/certainty.h>
#include <moesim/report_plan.h>

typedef struct {
  guint samples; /* combinations of the assumptions; 0: none is assumed */
  MoeModelError model_error;
  MoeCertainty certainty;
} MoeCliCertainty;

/* What validation cases are wrong by, of the data folder; NULL without *error when it has none. */
MoeResiduals *moe_cli_residuals(GError **error);
/* The interval of a prediction, and of a training (`goodput` may be NULL), from options->samples combinations. FALSE
 * and *error when the run cannot be varied. Clear with moe_cli_certainty_clear. */
gboolean moe_cli_certainty(const MoeRun *run, const MoeResult *result, const MoeSensitivityOptions *options,
                           const MoeGoodput *goodput, MoeCliCertainty *answer, GError **error);
void moe_cli_certainty_clear(MoeCliCertainty *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoeCliCertainty, moe_cli_certainty_clear)
/* Lines about the assumptions with the largest swings; where trying them would take long, that there are some. ""
 * without any. */
#define MOE_CLI_DECIDING 3
char *moe_cli_deciding(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim);

#endif
