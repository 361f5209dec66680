/* The one interval of all answers. */
#include "door/ask.h"
#include "spec/spec.h"

MoeResiduals *moe_ask_residuals(const char *data_dir, GError **error)
{
  g_autofree char *path = g_build_filename(data_dir ? data_dir : ".", "validation", "baseline", "residuals.yaml", NULL);

  return g_file_test(path, G_FILE_TEST_EXISTS) ? moe_residuals_load(path, error) : NULL;
}

/* The same from combinations that are predicted already; NULL: nothing is assumed. */
static gboolean find_doubts(const char *data_dir, const MoeRun *run, const MoeResult *result,
                            const MoeSensitivity *sensitivity, const MoeGoodput *goodput, MoeDoubts *doubts,
                            GError **error)
{
  g_autoptr(GError) failure = NULL;
  g_autoptr(MoeResiduals) residuals = moe_ask_residuals(data_dir, &failure);

  if (failure) {
    g_propagate_error(error, g_steal_pointer(&failure));
    return FALSE;
  }
  doubts->samples = sensitivity ? sensitivity->n_samples : 0;
  moe_model_error(residuals, run, result, &doubts->model_error);
  moe_certainty_of(result, sensitivity, &doubts->model_error, goodput, 0, &doubts->certainty);
  return TRUE;
}

gboolean moe_ask_doubts(const char *data_dir, const MoeRun *run, const MoeResult *result,
                        const MoeSensitivityOptions *options, const MoeGoodput *goodput, MoeDoubts *doubts,
                        GError **error)
{
  MoeSensitivityOptions study = *options;
  gboolean assumed = options->samples > 0 && (run->n_assumptions > 0 || options->posterior);

  *doubts = (MoeDoubts){0};
  study.interval_only = TRUE;
  g_autoptr(MoeSensitivity) s = assumed ? moe_sensitivity(run, &study, error) : NULL;
  return (!assumed || s) && find_doubts(data_dir, run, result, s, goodput, doubts, error);
}

void moe_doubts_clear(MoeDoubts *doubts)
{
  moe_model_error_clear(&doubts->model_error);
}

static void write_interval(const MoeDoubts *doubts, MoeResult *result)
{
  const MoeCertainty *c = &doubts->certainty;

  result->interval.samples = MAX(doubts->samples, 1);
  result->interval.mfu_causal_p10 = c->mfu_causal.p10;
  result->interval.mfu_causal_p50 = c->mfu_causal.p50;
  result->interval.mfu_causal_p90 = c->mfu_causal.p90;
  result->interval.mfu_full_p10 = c->mfu_full.p10;
  result->interval.mfu_full_p50 = c->mfu_full.p50;
  result->interval.mfu_full_p90 = c->mfu_full.p90;
  result->interval.step_time_p10_s = c->step_time_s.p10;
  result->interval.step_time_p50_s = c->step_time_s.p50;
  result->interval.step_time_p90_s = c->step_time_s.p90;
  result->interval.peak_p10_bytes = c->peak_bytes.p10;
  result->interval.peak_p90_bytes = c->peak_bytes.p90;
  result->interval.assumptions_share = c->step_share[MOE_DOUBT_ASSUMPTIONS];
  result->interval.model_share = c->step_share[MOE_DOUBT_MODEL];
}

gboolean moe_ask_interval(const char *data_dir, const MoeRun *run, const MoeSensitivityOptions *options,
                          MoeResult *result, GError **error)
{
  g_auto(MoeDoubts) doubts = {0};

  if (!moe_ask_doubts(data_dir, run, result, options, NULL, &doubts, error))
    return FALSE;
  write_interval(&doubts, result);
  return TRUE;
}

MoeSensitivity *moe_ask_sensitivity(const char *data_dir, const MoeRun *run, const MoeSensitivityOptions *options,
                                    GError **error)
{
  g_auto(MoeDoubts) doubts = {0};
  g_autoptr(MoeSensitivity) answer = moe_sensitivity(run, options, error);

  if (!answer || !find_doubts(data_dir, run, answer->result, answer, NULL, &doubts, error))
    return NULL;
  write_interval(&doubts, answer->result);
  return g_steal_pointer(&answer);
}
