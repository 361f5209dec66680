/* moesim plot scale: a measure against the number of GPUs. */
#include "plot.h"

#include "study/grid.h"

/* One prediction: a run file on a cluster with a number of GPUs. */
typedef struct {
  guint series;
  const char *file;
  const char *cluster; /* NULL: the run's own */
  gint64 gpus;         /* 0: the run's own */
} Point;

typedef struct {
  const MoePlotOptions *options;
  GArray *points;
  GPtrArray *labels; /* of series */
} Scale;

static int by_number(gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a;
  gint64 right = *(const gint64 *)b;

  return (left > right) - (left < right);
}

/* Without a text: sizes around the run's own. */
static GArray *parse_gpus(const char *text, gint64 own, GError **error)
{
  g_autoptr(GArray) counts = text ? g_array_new(FALSE, FALSE, sizeof(gint64)) : moe_grid_sizes(own);
  g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);

  for (char **word = words; *word; word++) {
    gint64 count = 0;

    if (!moe_cli_count("--gpus", *word, &count, error))
      return NULL;
    g_array_append_val(counts, count);
  }
  g_array_sort(counts, by_number);
  return g_steal_pointer(&counts);
}

static void add_points(Scale *scale, const MoeRun *run, const char *file, const char *cluster, const GArray *counts)
{
  gboolean own = g_strcmp0(cluster, run->cluster.name) == 0;

  g_ptr_array_add(scale->labels, g_strdup_printf("%s on %s", run->name, cluster));
  for (guint i = 0; i < counts->len; i++) {
    gint64 count = g_array_index(counts, gint64, i);
    Point point = {scale->labels->len - 1, file, own ? NULL : cluster,
                   own && count == run->parallelism.gpus ? 0 : count};

    g_array_append_val(scale->points, point);
  }
}

static gboolean add_file(Scale *scale, const char *file, GError **error)
{
  MoeCliRun options = moe_plot_run_options(scale->options);
  g_autoptr(MoeRun) run = moe_cli_load_run(file, &options, error);
  g_autoptr(GArray) counts = run ? parse_gpus(scale->options->gpus, run->parallelism.gpus, error) : NULL;

  if (!counts)
    return FALSE;
  if (!scale->options->clusters) {
    add_points(scale, run, file, run->cluster.name, counts);
    return TRUE;
  }
  g_auto(GStrv) clusters = g_strsplit(scale->options->clusters, ",", -1);

  for (char **cluster = clusters; *cluster; cluster++)
    add_points(scale, run, file, g_intern_string(*cluster), counts);
  return TRUE;
}

static MoeOutcome predict_point(guint index, gpointer user_data)
{
  const Scale *scale = user_data;
  const Point *point = &g_array_index(scale->points, Point, index);
  MoeCliRun options = moe_plot_run_options(scale->options);
  MoeSimOptions sim = {.seed = (uint64_t)options.seed, .fidelity = MOE_FIDELITY_AUTO, .kernel_jitter = -1};
  MoeOutcome outcome = {0};

  options.gpus = point->gpus;
  options.cluster = (char *)point->cluster;
  outcome.result = moe_cli_predict(point->file, &options, &sim, &outcome.error);
  return outcome;
}

/* A layout that cannot exist on so few GPUs leaves a gap in the line (and is told to who asked for that number), any
 * other error ends the command. */
static gboolean sort_outcomes(const Scale *scale, MoeOutcome *outcomes, MoeScaleSeries *series, GError **error)
{
  for (guint i = 0; i < scale->points->len; i++) {
    const Point *point = &g_array_index(scale->points, Point, i);

    if (outcomes[i].result) {
      g_ptr_array_add(series[point->series].results, outcomes[i].result);
    } else if (g_error_matches(outcomes[i].error, MOE_ERROR, MOE_ERROR_LAYOUT)) {
      if (scale->options->gpus)
        moe_cli_warn("left out: %s", outcomes[i].error->message);
    } else {
      g_propagate_error(error, g_steal_pointer(&outcomes[i].error));
      return FALSE;
    }
  }
  return TRUE;
}

static char *format_series(const Scale *scale, MoeOutcome *outcomes, MoePlotWords *words, GError **error)
{
  guint n = scale->labels->len;
  g_autofree MoeScaleSeries *series = g_new0(MoeScaleSeries, n);
  guint drawn = 0;
  char *data = NULL;

  for (guint i = 0; i < n; i++)
    series[i] = (MoeScaleSeries){g_ptr_array_index(scale->labels, i), g_ptr_array_new()};
  gboolean sorted = sort_outcomes(scale, outcomes, series, error);

  for (guint i = 0; i < n; i++) {
    moe_plot_note_sources(words, series[i].results);
    drawn += series[i].results->len;
  }
  if (sorted && drawn > 0)
    data = moe_plot_scale_data(n, series, words->measure, words->tokens);
  else if (sorted)
    moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "plot scale: no number of GPUs suits the layout");
  for (guint i = 0; i < n; i++)
    g_ptr_array_unref(series[i].results);
  return data;
}

/* ---- the best layout of each size -------------------------------------------------------------------------------- */

static gboolean add_best_line(const char *file, const char *cluster, const MoePlotOptions *options, double tokens,
                              GArray *series, GError **error)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  g_autoptr(MoeRun) run = moe_cli_load_run(file, &run_options, error);
  g_autoptr(GArray) sizes = run ? parse_gpus(options->gpus, run->parallelism.gpus, error) : NULL;
  MoeScaleSeries line = {NULL, g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free)};

  if (!sizes || !moe_plot_best(file, cluster, sizes, options, tokens, line.results, error)) {
    g_ptr_array_unref(line.results);
    return FALSE;
  }
  line.label = g_strdup_printf("%s on %s, best layout", run->name, cluster ? cluster : run->cluster.name);
  g_array_append_val(series, line);
  return TRUE;
}

static void clear_line(gpointer data)
{
  MoeScaleSeries *line = data;

  g_free(line->label);
  g_ptr_array_unref(line->results);
}

static char *draw_best(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_auto(GStrv) clusters = options->clusters ? g_strsplit(options->clusters, ",", -1) : g_new0(char *, 2);
  g_autoptr(GArray) series = g_array_new(FALSE, FALSE, sizeof(MoeScaleSeries));

  g_array_set_clear_func(series, clear_line);
  for (int i = 0; i < n; i++)
    for (guint c = 0; c == 0 || clusters[c]; c++)
      if (!add_best_line(files[i], clusters[c], options, words->tokens, series, error))
        return NULL;
  return moe_plot_scale_data(series->len, (const MoeScaleSeries *)(gpointer)series->data, words->measure,
                             words->tokens);
}

static char *title_of(const MoePlotOptions *options)
{
  gboolean strong = g_strcmp0(options->scaling, "strong") == 0;

  return g_strdup_printf(
      "%s%s", strong ? "Strong scaling: more GPUs for the same batch" : "Weak scaling: the batch grows with the GPUs",
      options->best ? ", the best layout of each size" : "");
}

/* What decides the first line, at the run's own size. */
static void print_deciding(const char *file, const MoePlotOptions *options)
{
  MoeCliRun run_options = moe_plot_run_options(options);
  MoeSimOptions sim;
  g_autoptr(MoeRun) run = moe_cli_sim_options(&run_options, &sim) ? moe_cli_load_run(file, &run_options, NULL) : NULL;
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, &sim, NULL) : NULL;
  g_autofree char *deciding = result ? moe_ask_deciding(run, result, &sim) : NULL;

  if (deciding)
    moe_cli_print_text(deciding);
}

char *moe_plot_scale(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GArray) points = g_array_new(FALSE, FALSE, sizeof(Point));
  g_autoptr(GPtrArray) labels = g_ptr_array_new_with_free_func(g_free);
  Scale scale = {.options = options, .points = points, .labels = labels};
  MoeProgress progress;

  words->axis = moe_measure_axis(words->measure, words->tokens);
  words->title = title_of(options);
  if (options->best)
    return draw_best(n, files, options, words, error);
  for (int i = 0; i < n; i++)
    if (!add_file(&scale, files[i], error))
      return NULL;
  moe_cli_progress_init(&progress);
  MoeOutcome *outcomes = moe_study_map(points->len, 0, predict_point, &scale, moe_cli_progress, &progress);

  moe_cli_progress_end(&progress);
  char *data = format_series(&scale, outcomes, words, error);

  if (data)
    print_deciding(files[0], options);
  moe_outcomes_free(outcomes, points->len);
  return data;
}
