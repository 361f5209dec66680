/* moesim plot sensitivity: a bar per assumption, from the least to the most MFU it gives. */
#include "plot.h"

#include <moesim/report.h>
#include <moesim/sensitivity.h>

#define SAMPLES 100 /* as moesim sensitivity does by default */

char *moe_plot_sensitivity(int n G_GNUC_UNUSED, char **files, const MoePlotOptions *options, MoePlotWords *words,
                           GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autoptr(MoeRun) run = moe_cli_load_run(files[0], &run_options, error);
  g_autofree char *data_dir = moe_data_dir();
  MoeProgress progress;
  MoeSensitivityOptions chosen = {.samples = SAMPLES, .progress = moe_cli_progress, .progress_data = &progress};

  if (!run || !moe_cli_sim_options(&run_options, &chosen.sim))
    return NULL;
  moe_cli_progress_init(&progress);
  g_autoptr(MoeSensitivity) answer = moe_ask_sensitivity(data_dir, run, &chosen, error);

  moe_cli_progress_end(&progress);
  if (!answer)
    return NULL;
  if (answer->n_swings == 0) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = files[0]}, "no assumptions, expected some under assumptions:");
    return NULL;
  }
  words->title = g_strdup_printf("%s on %s: MFU across what is assumed", answer->result->run, answer->result->cluster);
  g_autoptr(GPtrArray) results = g_ptr_array_new();
  g_ptr_array_add(results, answer->result);
  moe_plot_note_sources(words, results);
  return moe_plot_sensitivity_data(answer);
}
