/* Every case of a folder: predicted step time against published, a block of points per family. */
#include "plot.h"

#include <moesim/validate.h>

static void append_family(GString *text, const MoeValidation *validation, const char *family)
{
  g_string_append_printf(text, "%spublished\t%s\n", text->len > 0 ? "\n\n" : "", family);
  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];

    if (moe_case_has_step(c) && g_strcmp0(c->group[MOE_GROUP_BY_FAMILY], family) == 0)
      g_string_append_printf(text, "%.9g\t%.9g\n", c->published_step_s, c->predicted_step_s);
  }
}

char *moe_plot_validation(int n, char **files, G_GNUC_UNUSED const MoePlotOptions *options, MoePlotWords *words,
                          GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autofree char *dir = n > 0 ? g_strdup(files[0]) : g_build_filename(data_dir ? data_dir : ".", "validation", NULL);
  MoeProgress progress;
  MoeSimOptions sim = {.kernel_jitter = -1};
  GString *text = g_string_new(NULL);
  guint n_groups = 0;

  moe_cli_progress_init(&progress);
  g_autoptr(MoeValidation) validation = moe_validate(dir, data_dir, 0, &sim, moe_cli_progress, &progress, error);
  moe_cli_progress_end(&progress);
  if (!validation)
    return g_string_free(text, TRUE);
  MoeCaseGroup *groups = moe_validation_group(validation, MOE_GROUP_BY_FAMILY, &n_groups);
  for (guint g = 0; g < n_groups; g++)
    if (groups[g].n > 0)
      append_family(text, validation, groups[g].name);
  moe_case_groups_free(groups, n_groups);
  words->title = g_strdup_printf("Step time of %u published runs: median error %.1f %%, P90 %.1f %%", validation->all.n,
                                 100 * validation->all.median_abs_error, 100 * validation->all.p90_abs_error);
  g_ptr_array_add(words->published, g_strdup("the sources of the cases"));
  return g_string_free(text, FALSE);
}
