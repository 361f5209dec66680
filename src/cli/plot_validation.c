/* Every case of a folder: predicted step time against published. */
#include "plot.h"

#include <moesim/validate.h>

char *moe_plot_validation(int n, char **files, G_GNUC_UNUSED const MoePlotOptions *options, MoePlotWords *words,
                          GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autofree char *dir = n > 0 ? g_strdup(files[0]) : g_build_filename(data_dir ? data_dir : ".", "validation", NULL);
  MoeProgress progress;
  MoeSimOptions sim = {.kernel_jitter = -1};

  moe_cli_progress_init(&progress);
  g_autoptr(MoeValidation) validation = moe_validate(dir, data_dir, 0, &sim, moe_cli_progress, &progress, error);
  moe_cli_progress_end(&progress);
  if (!validation)
    return NULL;
  words->title = g_strdup_printf("Step time of %u published runs: median error %.1f %%, P90 %.1f %%", validation->all.n,
                                 100 * validation->all.median_abs_error, 100 * validation->all.p90_abs_error);
  g_ptr_array_add(words->published, g_strdup("the sources of the cases"));
  return moe_plot_validation_data(validation);
}
