/* Runs at the points of --vary, for figures that compare them: strategies, Pareto front, heat map. */
#include "plot.h"

#include "study/grid.h"

/* Takes the results; a layout that cannot be leaves a hole and a warning. */
static gboolean take_results(MoePlotGrid *grid, MoeOutcome *outcomes, GError **error)
{
  guint n = grid->sweep->n_points, taken = 0;

  grid->results = g_new0(MoeResult *, n);
  for (guint i = 0; i < n; i++) {
    if (outcomes[i].result) {
      grid->results[i] = g_steal_pointer(&outcomes[i].result);
      taken++;
    } else if (!g_error_matches(outcomes[i].error, MOE_ERROR, MOE_ERROR_LAYOUT) || (taken == 0 && i + 1 == n)) {
      g_propagate_error(error, g_steal_pointer(&outcomes[i].error));
      return FALSE;
    } else {
      moe_cli_warn("left out: %s", outcomes[i].error->message);
    }
  }
  return TRUE;
}

void moe_plot_grid_clear(MoePlotGrid *grid)
{
  for (guint i = 0; grid->results && i < grid->sweep->n_points; i++)
    moe_result_free(grid->results[i]);
  g_free(grid->results);
  moe_sweep_free(grid->sweep);
}

gboolean moe_plot_grid(const char *argument, const MoePlotOptions *options, MoePlotGrid *grid, GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autofree char *file = NULL;
  g_autofree char *variant = NULL;
  g_autofree char *data_dir = moe_data_dir();
  const MoeSimOptions sim = {.seed = (uint64_t)options->seed, .kernel_jitter = -1};
  MoeRunOptions load;
  MoeProgress progress;

  if (!moe_cli_load_options(&run_options, &load, error))
    return FALSE;
  moe_ask_split_variant(argument, &file, &variant);
  load.variant = variant ? variant : options->variant;
  load.data_dir = data_dir;
  grid->sweep = moe_sweep_new(file, &load, (const char *const *)options->vary, FALSE, error);
  if (!grid->sweep || !moe_sweep_check_values(grid->sweep, error))
    return FALSE;
  moe_cli_progress_init(&progress);
  MoeOutcome *outcomes = moe_grid_predict(grid->sweep, &sim, moe_cli_progress, &progress);
  moe_cli_progress_end(&progress);
  gboolean taken = take_results(grid, outcomes, error);

  moe_outcomes_free(outcomes, grid->sweep->n_points);
  return taken;
}

static gboolean add_points(GPtrArray *all, const char *file, const MoePlotOptions *options, GError **error)
{
  g_auto(MoePlotGrid) grid = {NULL, NULL};

  if (!moe_plot_grid(file, options, &grid, error))
    return FALSE;
  for (guint i = 0; i < grid.sweep->n_points; i++) {
    MoeResult *result = g_steal_pointer(&grid.results[i]);

    if (!result)
      continue;
    g_free(result->variant);
    result->variant = moe_grid_label(grid.sweep, i);
    g_ptr_array_add(all, result);
  }
  return TRUE;
}

GPtrArray *moe_plot_points(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);
  MoeCliRun run = moe_plot_run_options(options);
  MoeSimOptions sim = {.seed = (uint64_t)options->seed, .kernel_jitter = -1};

  if (!options->vary) {
    GPtrArray *results = moe_cli_predict_all(n, files, options->variants, &run, &sim, error);

    if (results)
      moe_plot_note_sources(words, results);
    return results;
  }
  for (int i = 0; i < n; i++)
    if (!add_points(all, files[i], options, error))
      return NULL;
  moe_plot_note_sources(words, all);
  return g_steal_pointer(&all);
}
