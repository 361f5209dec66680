/* moesim plot timeline: chosen ranks within a window of the step. */
#include "plot.h"

#include <string.h>

/* "0.5 s:1.2 s" -> both times; a missing one keeps its default. */
static gboolean parse_window(const char *text, MoeTime *from, MoeTime *to, GError **error)
{
  g_auto(GStrv) words = g_strsplit(text ? text : ":", ":", 2);
  MoeTime *const ends[] = {from, to};

  if (!words[0] || !words[1])
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--window: '%s', expected FROM:TO such as '1 s:1.2 s'", text);
  for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
    double seconds = 0;
    g_autoptr(GError) reason = NULL;

    if (*words[i] && !moe_quantity_parse(words[i], MOE_DIM_SECONDS, &seconds, &reason))
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--window: %s", reason->message);
    *ends[i] = moe_time_from_seconds(seconds);
  }
  if (*to > 0 && *to <= *from)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--window: '%s' ends before it begins", text);
  return TRUE;
}

/* "deepseek-v3 on h800-hgx: 1.000 to 1.040 s of a step of 19.23 s" */
static char *title_of(const MoeResult *result, MoeTime from, MoeTime to)
{
  g_autofree char *step = moe_quantity_format(result->step_time_s, MOE_DIM_SECONDS);

  if (from == 0 && to == 0)
    return g_strdup_printf("%s on %s: one step of %s", result->run, result->cluster, step);
  return g_strdup_printf("%s on %s: %.3f to %.3f s of a step of %s", result->run, result->cluster,
                         moe_time_to_seconds(from), to > 0 ? moe_time_to_seconds(to) : result->step_time_s, step);
}

static char *draw_ranks(const MoeRun *run, const MoePlotOptions *options, MoeTime from, MoeTime to, MoePlotWords *words,
                        GError **error)
{
  g_autoptr(GArray) ranks = moe_cli_parse_ranks("--ranks", options->ranks, run->parallelism.gpus, error);
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();

  if (!ranks)
    return NULL;
  MoeSimOptions sim = {.seed = (uint64_t)options->seed,
                       .kernel_jitter = -1,
                       .slice = moe_timeline_slice,
                       .slice_data = timeline,
                       .n_trace_ranks = ranks->len,
                       .trace_ranks = (const int64_t *)(gpointer)ranks->data};
  g_autoptr(MoeResult) result = moe_study_predict_steps(run, &sim, 1, error);

  if (!result)
    return NULL;
  words->title = title_of(result, from, to);
  words->axis = g_strdup("time in the step (ms)");
  return moe_timeline_data(timeline, from, to, words->width);
}

char *moe_plot_timeline(G_GNUC_UNUSED int n, char **files, const MoePlotOptions *options, MoePlotWords *words,
                        GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  MoeTime from = 0, to = 0;

  if (!parse_window(options->window, &from, &to, error))
    return NULL;
  g_autoptr(MoeRun) run = moe_cli_load_run(files[0], &run_options, error);

  return run ? draw_ranks(run, options, from, to, words, error) : NULL;
}
