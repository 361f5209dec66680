/* moesim plot strategies, pareto, heatmap: runs and values of keys against one another. */
#include "plot.h"

char *moe_plot_strategies(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GPtrArray) all = moe_plot_points(n, files, options, words, error);

  if (!all)
    return NULL;
  words->title = g_strdup("Where the GPUs' time goes");
  words->axis = g_strdup("GPU-seconds per million tokens");
  return moe_plot_strategies_data(all);
}

char *moe_plot_pareto(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GPtrArray) all = moe_plot_points(n, files, options, words, error);

  if (!all)
    return NULL;
  words->title = g_strdup("Runs that none beats in both: GPU time and what it takes");
  words->axis = moe_measure_axis(words->measure, words->tokens);
  return moe_plot_pareto_data(all, words->measure, words->tokens);
}

static const char *name_of(const MoePlotGrid *grid)
{
  for (guint i = 0; i < grid->sweep->n_points; i++)
    if (grid->results[i])
      return grid->results[i]->run;
  return grid->sweep->path;
}

char *moe_plot_heatmap(G_GNUC_UNUSED int n, char **files, const MoePlotOptions *options, MoePlotWords *words,
                       GError **error)
{
  g_auto(MoePlotGrid) grid = {NULL, NULL};

  if (!options->vary || g_strv_length(options->vary) != 2) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "plot heatmap: expected --vary twice, a key for each side");
    return NULL;
  }
  if (!moe_plot_grid(files[0], options, &grid, error))
    return NULL;
  const MoeSweepAxis *y = &grid.sweep->axes[0], *x = &grid.sweep->axes[1]; /* the last axis runs fastest */

  words->axis = moe_measure_axis(words->measure, words->tokens);
  words->x_axis = g_strdup(x->key);
  words->y_axis = g_strdup(y->key);
  words->title = g_strdup_printf("%s: %s and %s", name_of(&grid), x->key, y->key);
  return moe_plot_heatmap_data(x->n, x->value, y->n, y->value, grid.results, words->measure, words->tokens);
}
