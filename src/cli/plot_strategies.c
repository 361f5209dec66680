/* moesim plot strategies: where the step goes, for several runs or several values of one key. */
#include "plot.h"

#include <string.h>

static GPtrArray *predict_set(int n, char **files, const MoePlotOptions *options, const char *set, GError **error)
{
  g_autoptr(GPtrArray) sets = g_ptr_array_new();
  MoeCliRun run = moe_plot_run_options(options);
  MoeSimOptions sim;
  gboolean understood = moe_cli_sim_options(&run, &sim);

  g_assert(understood);
  for (char **known = options->sets; known && *known; known++)
    g_ptr_array_add(sets, *known);
  if (set)
    g_ptr_array_add(sets, (gpointer)set);
  g_ptr_array_add(sets, NULL);
  run.sets = (char **)sets->pdata;
  return moe_cli_predict_all(n, files, options->variants, &run, &sim, error);
}

/* The varied value takes the place of the variant in the label. */
static void relabel(GPtrArray *results, const char *set)
{
  const char *dot = strrchr(set, '.');

  for (guint i = 0; i < results->len; i++) {
    MoeResult *result = g_ptr_array_index(results, i);

    g_free(result->variant);
    result->variant = g_strdup(dot && dot < strchr(set, '=') ? dot + 1 : set);
  }
}

static gboolean add_value(GPtrArray *all, int n, char **files, const MoePlotOptions *options, const char *set,
                          GError **error)
{
  g_autoptr(GPtrArray) results = predict_set(n, files, options, set, error);

  if (!results)
    return FALSE;
  if (set)
    relabel(results, set);
  g_ptr_array_extend_and_steal(all, g_steal_pointer(&results));
  return TRUE;
}

/* "a.b=1,2,3" -> "a.b=1", "a.b=2", "a.b=3" */
static char **expand(const char *vary, GError **error)
{
  const char *equals = strchr(vary, '=');

  if (!equals || equals == vary) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--vary: '%s', expected KEY=A,B,...", vary);
    return NULL;
  }
  char **values = g_strsplit(equals + 1, ",", -1);

  for (char **value = values; *value; value++) {
    char *set = g_strdup_printf("%.*s=%s", (int)(equals - vary), vary, *value);

    g_free(*value);
    *value = set;
  }
  return values;
}

char *moe_plot_strategies(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                          GError **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);
  g_auto(GStrv) sets = options->vary ? expand(options->vary, error) : NULL;

  if (options->vary && !sets)
    return NULL;
  if (!sets && !add_value(all, n, files, options, NULL, error))
    return NULL;
  for (char **set = sets; set && *set; set++)
    if (!add_value(all, n, files, options, *set, error))
      return NULL;
  moe_plot_note_sources(published, all);
  *title = g_strdup("Where the step goes");
  return moe_plot_strategies_data(all);
}
