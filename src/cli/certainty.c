/* The one interval of all commands, and what decides it. */
#include "certainty.h"

#include <moesim/sensitivity.h>

/* Events that trying each assumption alone may take under an answer that was asked for without it: some seconds. A
 * number of events, not a time, so that the same input prints the same on every machine. */
#define DECIDING_EVENTS 8e6

MoeResiduals *moe_cli_residuals(GError **error)
{
  g_autofree char *data_dir = moe_cli_data_dir();
  g_autofree char *path = g_build_filename(data_dir ? data_dir : ".", "validation", "baseline", "residuals.yaml", NULL);

  return g_file_test(path, G_FILE_TEST_EXISTS) ? moe_residuals_load(path, error) : NULL;
}

gboolean moe_cli_certainty(const MoeRun *run, const MoeResult *result, const MoeSensitivityOptions *options,
                           const MoeGoodput *goodput, MoeCliCertainty *answer, GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(MoeResiduals) residuals = moe_cli_residuals(&failure);
  MoeSensitivityOptions study = *options;

  *answer = (MoeCliCertainty){0};
  study.interval_only = TRUE;
  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  gboolean assumed = options->samples > 0 && run->n_assumptions > 0;
  g_autoptr(MoeSensitivity) s = assumed ? moe_sensitivity(run, &study, error) : NULL;
  if (assumed && !s)
    return FALSE;
  guint n = s ? s->n_samples - s->n_failed : 0;
  answer->samples = s ? s->n_samples : 0;
  moe_model_error(residuals, run, &answer->model_error);
  moe_certainty(result, n > 0 ? s->stepped_s : &result->step_time_s, MAX(n, 1), &answer->model_error, goodput, 0,
                &answer->certainty);
  return TRUE;
}

void moe_cli_certainty_clear(MoeCliCertainty *answer)
{
  moe_model_error_clear(&answer->model_error);
}

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
