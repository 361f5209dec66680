/* moesim plot scale --best: at each size the layout that a search finds there, instead of the run's own. */
#include "plot.h"

#include "plan/plan.h"

#define SEARCH_S 60.0 /* for all sizes of a line together */

/* Takes the results of the rows that have an answer. */
static void take_results(MoePlan *plan, GPtrArray *results)
{
  for (guint i = 0; i < plan->n_rows; i++) {
    MoePlanRow *row = &plan->rows[i];

    if (row->result)
      g_ptr_array_add(results, g_steal_pointer(&row->result));
    else
      moe_cli_warn("left out: %" G_GINT64_FORMAT " GPUs: %s", row->gpus, row->failure);
  }
}

gboolean moe_plot_best(const char *argument, const char *cluster, const GArray *sizes, const MoePlotOptions *options,
                       double tokens, GPtrArray *results, GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autofree char *file = NULL;
  g_autofree char *variant = NULL;
  g_autofree char *data_dir = moe_data_dir();
  MoeProgress progress;
  MoePlanOptions chosen = {.n_clusters = 1,
                           .n_sizes = sizes->len,
                           .clusters = &cluster,
                           .sizes = (const int64_t *)(gpointer)sizes->data,
                           .tokens = tokens,
                           .samples = (guint)options->samples,
                           .posterior = options->posterior,
                           .seeds = 1,
                           .time_s = SEARCH_S,
                           .progress = moe_cli_progress,
                           .progress_data = &progress};

  moe_ask_split_variant(argument, &file, &variant);
  if (!moe_cli_sim_options(&run_options, &chosen.sim) || !moe_cli_load_options(&run_options, &chosen.load, error))
    return FALSE;
  chosen.path = file;
  chosen.load.variant = variant ? variant : options->variant;
  chosen.load.data_dir = data_dir;
  moe_cli_progress_init(&progress);
  g_autoptr(MoePlan) plan = moe_plan(&chosen, error);

  moe_cli_progress_end(&progress);
  if (plan)
    take_results(plan, results);
  return plan != NULL;
}
