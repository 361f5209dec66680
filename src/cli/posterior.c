/* --posterior of commands whose answers have intervals. */
#include "cli.h"

#include "certainty/posterior.h"

/* Combinations where none are asked for but a posterior is: P10 and P90 then rest on two to three. */
#define POSTERIOR_SAMPLES 24

gboolean moe_cli_load_posterior(MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;

  if (!options->posterior_file)
    return TRUE;
  options->posterior = moe_posterior_load(options->posterior_file, &error);
  if (!options->posterior)
    moe_cli_fail(error);
  if (options->samples <= 0)
    options->samples = POSTERIOR_SAMPLES;
  return options->posterior != NULL;
}
