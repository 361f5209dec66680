/* What stands under an answer without being asked for: what decides, what to try. Each line is simulated, as long as
 * that takes moments. */
#include "certainty/varied.h"
#include "door/ask.h"
#include "report/findings.h"
#include "study/remedy.h"

/* Events that may be simulated for it, some seconds. A number of events, not a time, so that the same run says the same
 * on every machine. */
#define HINT_EVENTS 8e6

guint moe_ask_usual_samples(const MoeResult *result)
{
  return (double)result->events * MOE_ASK_RUN_SAMPLES <= HINT_EVENTS ? MOE_ASK_RUN_SAMPLES : 0;
}

#define SHOWN_DECIDING 3

char *moe_ask_deciding(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim)
{
  guint n = moe_n_varied(run);
  double events = (double)result->events * 2 * n;
  MoeSensitivityOptions alone = {.sim = *sim};

  alone.sim.slice = NULL;
  if (n == 0)
    return g_strdup("");
  g_autoptr(MoeSensitivity) s = events <= HINT_EVENTS ? moe_sensitivity(run, &alone, NULL) : NULL;
  g_autofree char *lines = s ? moe_report_deciding(s, SHOWN_DECIDING) : NULL;
  if (!s)
    return g_strdup_printf("%u assumptions: moesim sensitivity tells which of them decide\n", n);
  return *lines ? g_strconcat("assumptions that decide most (moesim sensitivity tells all)\n", lines, NULL)
                : g_strdup("");
}

#define SHOWN_REMEDIES 3

char *moe_ask_remedies(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim)
{
  gboolean fits = result->memory.fits;
  MoeSimOptions plain = *sim;

  plain.slice = NULL;
  if ((double)result->events * MOE_REMEDY_TRIES > HINT_EVENTS)
    return g_strdup(fits ? "" : "moesim memory --remedies tells what would make it fit\n");
  g_autoptr(MoeRemedies) found =
      fits ? moe_study_speedups(run, &plain, 0, NULL) : moe_study_remedies(run, &plain, 0, NULL, NULL, NULL);
  g_autofree char *lines = found ? moe_report_remedies_hints(found, SHOWN_REMEDIES) : g_strdup("");

  if (!*lines)
    return g_strdup(fits ? "" : "no single change or pair of changes makes it fit\n");
  return g_strdup_printf("%s\n%s", fits ? "faster, each simulated:" : "would make it fit, each simulated:", lines);
}
