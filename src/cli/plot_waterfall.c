/* moesim plot waterfall: from peak to MFU, by one of two attributions that are not the same and never share a name. */
#include "plot.h"

#include <moesim/explain.h>
#include <moesim/report.h>

/* What kept the GPU from math, as `moesim run` accounts for every instant. */
static char *draw_accounted(const MoeRun *run, const MoeSimOptions *sim, MoePlotWords *words, GError **error)
{
  g_autoptr(MoeResult) result = moe_study_predict_steps(run, sim, 1, error);
  g_autoptr(GPtrArray) results = g_ptr_array_new();

  if (!result)
    return NULL;
  words->title = g_strdup_printf("%s on %s, %" G_GINT64_FORMAT " GPUs: from peak to MFU, accounted by instant",
                                 result->run, result->cluster, result->gpus);
  g_ptr_array_add(results, result);
  moe_plot_note_sources(words, results);
  return moe_plot_waterfall_data(result);
}

/* What the step gains without each cause, averaged over orders, as `moesim explain` finds. */
static char *draw_shapley(const MoeRun *run, const MoeSimOptions *sim, MoePlotWords *words, GError **error)
{
  MoeProgress progress;
  MoeExplainOptions chosen = {.sim = *sim, .progress = moe_cli_progress, .progress_data = &progress};

  moe_cli_progress_init(&progress);
  g_autoptr(MoeExplanation) answer = moe_explain_run(run, &chosen, error);

  moe_cli_progress_end(&progress);
  if (!answer)
    return NULL;
  words->title =
      g_strdup_printf("%s on %s, %" G_GINT64_FORMAT " GPUs: from peak to MFU, what removing each cause gains (Shapley)",
                      answer->result->run, answer->result->cluster, answer->result->gpus);
  g_autoptr(GPtrArray) results = g_ptr_array_new();
  g_ptr_array_add(results, answer->result);
  moe_plot_note_sources(words, results);
  return moe_plot_explanation_data(answer);
}

char *moe_plot_waterfall(G_GNUC_UNUSED int n, char **files, const MoePlotOptions *options, MoePlotWords *words,
                         GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autoptr(MoeRun) run = moe_cli_load_run(files[0], &run_options, error);
  MoeSimOptions sim;

  if (!run || !moe_cli_sim_options(&run_options, &sim))
    return NULL;
  words->axis = g_strdup("share of the step (%)");
  if (g_strcmp0(options->attribution, "shapley") == 0)
    return draw_shapley(run, &sim, words, error);
  return draw_accounted(run, &sim, words, error);
}
