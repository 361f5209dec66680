/* moesim plot posterior, predictions: what moesim infer -o wrote. */
#include "plot.h"

char *moe_plot_posterior(int n G_GNUC_UNUSED, char **files, const MoePlotOptions *options G_GNUC_UNUSED,
                         MoePlotWords *words, GError **error)
{
  g_autofree char *name = g_path_get_basename(files[0]);

  words->title = g_strdup_printf("%s: what was learned of what was not published", name);
  words->axis = g_strdup("share of each range");
  return moe_plot_posterior_data(files[0], error);
}

char *moe_plot_predictions(int n G_GNUC_UNUSED, char **files, const MoePlotOptions *options G_GNUC_UNUSED,
                           MoePlotWords *words, GError **error)
{
  g_autofree char *name = g_path_get_basename(files[0]);

  words->title = g_strdup_printf("%s: predicted beside published", name);
  words->axis = g_strdup("predicted, % of published");
  return moe_plot_predictions_data(files[0], error);
}
