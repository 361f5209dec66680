/* What decides an answer. */
#include "certainty.h"

#include "certainty/posterior.h"

#include "report/findings.h"
#include "study/remedy.h"
#include <moesim/sensitivity.h>

/* Events that trying each assumption alone may take under an answer that was asked for without it: some seconds. A
 * number of events, not a time, so that the same input prints the same on every machine. */
#define DECIDING_EVENTS 8e6

char *moe_cli_deciding(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim)
{
  double events = (double)result->events * 2 * run->n_assumptions;
  MoeSensitivityOptions alone = {.sim = *sim};

  alone.sim.slice = NULL;
  if (run->n_assumptions == 0)
    return g_strdup("");
  g_autoptr(MoeSensitivity) s = events <= DECIDING_EVENTS ? moe_sensitivity(run, &alone, NULL) : NULL;
  g_autofree char *lines = s ? moe_report_deciding(s, MOE_CLI_DECIDING) : NULL;
  if (!s)
    return g_strdup_printf("%u assumptions: moesim sensitivity tells which of them decide\n", run->n_assumptions);
  return *lines ? g_strconcat("assumptions that decide most (moesim sensitivity tells all)\n", lines, NULL)
                : g_strdup("");
}

#define SHOWN_REMEDIES 3

char *moe_cli_remedies(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim)
{
  gboolean fits = result->memory.fits;
  MoeSimOptions plain = *sim;

  plain.slice = NULL;
  if ((double)result->events * MOE_REMEDY_TRIES > DECIDING_EVENTS)
    return g_strdup(fits ? "" : "moesim memory --remedies tells what would make it fit\n");
  g_autoptr(MoeRemedies) found =
      fits ? moe_study_speedups(run, &plain, 0, NULL) : moe_study_remedies(run, &plain, 0, NULL, NULL, NULL);
  g_autofree char *lines = found ? moe_report_remedies_hints(found, SHOWN_REMEDIES) : g_strdup("");

  if (!*lines)
    return g_strdup(fits ? "" : "no single change or pair of changes makes it fit\n");
  return g_strdup_printf("%s\n%s", fits ? "faster, each simulated:" : "would make it fit, each simulated:", lines);
}

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
