/* moesim plot: figures. */
#include "plot.h"
#include "record/output.h"

#include <string.h>

static const MoeUsage usage = {
    .command = "plot",
    .arguments = "KIND RUN.yaml[:VARIANT]... -o FILE.{png,svg,pdf}",
    .examples =
        "  moesim plot scale models/mai-base-1/v5.yaml --clusters gb200-nvl72,h800-hgx -o scale.png\n"
        "  moesim plot ladder models/mai-base-1/v4.yaml models/mai-base-1/v5.yaml --variants -o ladder.svg\n"
        "  moesim plot waterfall models/deepseek-v3.yaml -o waterfall.pdf\n"
        "  moesim plot memory models/deepseek-v3.yaml -o memory.png\n"
        "  moesim plot strategies models/deepseek-v3.yaml --vary parallelism.expert=16,32,64 -o strategies.png\n"
        "  moesim plot timeline models/deepseek-v3.yaml --ranks 0,128 --window '1 s:1.5 s' -o timeline.png\n"
        "  moesim plot scale models/deepseek-v3.yaml --y days --tokens 14.8e12 --theme dark --size 1600x900 -o "
        "days.png\n"
        "  moesim plot heatmap models/deepseek-v3.yaml --vary parallelism.expert=16,32,64 \\\n"
        "    --vary training.micro_batch=1,2 -o heat.png\n"
        "  moesim plot posterior posterior.yaml -o posterior.png\n\n"
        "Kinds:\n"
        "  scale       a measure against the number of GPUs, a line per run and cluster\n"
        "  ladder      predicted beside published MFU, a pair of bars per run\n"
        "  waterfall   from 100 % of peak down to the MFU of one run\n"
        "  timeline    what chosen ranks do when, in a window of the step\n"
        "  validation  predicted against published step time of every case of a folder (default: validation/)\n"
        "  sensitivity what each assumption does to the MFU, and P10 to P90 of all together\n"
        "  memory      memory per GPU by part, per pipeline stage or per run\n"
        "  strategies  where the GPUs' time goes, a stack per run or per value of --vary\n"
        "  heatmap     a measure over two varied keys\n"
        "  pareto      GPU time against memory, dollars or energy; the front of those that none beats\n"
        "  steps       how step times are distributed over seeds\n"
        "  posterior   what moesim infer -o learned of each unknown, beside what was known before\n"
        "  predictions rows of moesim infer -o, learned from and held out, beside what was published\n\n"
        "Measures (--y): mfu, mfu-full, step, tokens, tokens-per-gpu, tflops, days, dollars, mwh, efficiency, memory\n",
    .least = 1,
    .most = -1,
};

MoeCliRun moe_plot_run_options(const MoePlotOptions *options)
{
  return (MoeCliRun){.variant = options->variant,
                     .stack = options->stack,
                     .seed = options->seed,
                     .samples = options->samples,
                     .posterior = options->posterior,
                     .scaling = options->scaling,
                     .sets = options->sets};
}

void moe_plot_note_sources(MoePlotWords *words, const GPtrArray *results)
{
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    if (result->published.present && result->published.source &&
        !g_ptr_array_find_with_equal_func(words->published, result->published.source, g_str_equal, NULL))
      g_ptr_array_add(words->published, g_strdup(result->published.source));
  }
}

static char *ladder(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GPtrArray) results = moe_plot_points(n, files, options, words, error);

  words->title = g_strdup("MFU predicted and published, each in the publication's convention");
  words->axis = g_strdup("MFU (%)");
  return results ? moe_plot_ladder_data(results) : NULL;
}

static char *memory(int n, char **files, const MoePlotOptions *options, MoePlotWords *words, GError **error)
{
  g_autoptr(GPtrArray) results = moe_plot_points(n, files, options, words, error);

  if (!results)
    return NULL;
  words->axis = g_strdup("memory per GPU (GB)");
  words->title = results->len == 1 ? g_strdup_printf("%s: memory by pipeline stage",
                                                     ((MoeResult *)g_ptr_array_index(results, 0))->run)
                                   : g_strdup("Memory of the fullest GPU");
  return moe_plot_memory_data(results);
}

/* Options of every kind; of those that load a run; of those that may vary it; of those with a measure. */
#define DRAWN    "output title size scale theme"
#define OF_RUN   DRAWN " variant stack set seed scaling"
#define OF_RUNS  OF_RUN " variants"
#define VARIED   OF_RUNS " vary"
#define MEASURED " y tokens"

static const MoePlotKind kinds[] = {
    {"heatmap", "a measure over two keys", 1, 1, MOE_MEASURE_MFU, OF_RUN " vary" MEASURED, moe_plot_heatmap},
    {"ladder", "predicted beside published", 1, -1, MOE_N_MEASURES, VARIED " samples posterior", ladder},
    {"memory", "memory per GPU by part", 1, -1, MOE_N_MEASURES, VARIED, memory},
    {"pareto", "GPU time against what it takes", 1, -1, MOE_MEASURE_MEMORY, VARIED MEASURED, moe_plot_pareto},
    {"posterior", "what was learned of each unknown", 1, 1, MOE_N_MEASURES, DRAWN, moe_plot_posterior},
    {"predictions", "an inference beside what was published", 1, 1, MOE_N_MEASURES, DRAWN, moe_plot_predictions},
    {"scale", "a measure against GPUs", 1, -1, MOE_MEASURE_MFU, OF_RUN MEASURED " clusters gpus best samples posterior",
     moe_plot_scale},
    {"sensitivity", "what the assumptions do", 1, 1, MOE_N_MEASURES, OF_RUN, moe_plot_sensitivity},
    {"steps", "how step times are distributed", 1, 1, MOE_N_MEASURES, OF_RUN " steps", moe_plot_steps},
    {"strategies", "where the GPUs' time goes", 1, -1, MOE_N_MEASURES, VARIED, moe_plot_strategies},
    {"timeline", "who does what when", 1, 1, MOE_N_MEASURES, OF_RUN " ranks window", moe_plot_timeline},
    {"validation", "predicted against published", 0, 1, MOE_N_MEASURES, DRAWN, moe_plot_validation},
    {"waterfall", "from peak to MFU", 1, 1, MOE_N_MEASURES, OF_RUN " attribution", moe_plot_waterfall},
};

const MoePlotKind *moe_plot_kind(guint index)
{
  return index < G_N_ELEMENTS(kinds) ? &kinds[index] : NULL;
}

static const MoePlotKind *find_kind(const char *word)
{
  const char *words[G_N_ELEMENTS(kinds) + 1] = {NULL};

  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
    words[i] = kinds[i].name;
  int index = moe_cli_word("plot", word, words);

  return index >= 0 ? &kinds[index] : NULL;
}

#define SMALL_PRINT_WIDTH 110 /* characters of sources that the narrowest format has room for */

/* "Predicted by moesim 0.1.0. Published: Figure 11; Table 4 and 3 more" */
static char *small_print(const GPtrArray *published)
{
  GString *text = g_string_new("Predicted by moesim " MOESIM_VERSION ".");

  for (guint i = 0; i < published->len; i++) {
    const char *source = g_ptr_array_index(published, i);

    if (i > 0 && text->len + strlen(source) > SMALL_PRINT_WIDTH) {
      g_string_append_printf(text, " and %u more", published->len - i);
      break;
    }
    g_string_append_printf(text, "%s%s", i > 0 ? "; " : " Published: ", source);
  }
  return g_string_free(text, FALSE);
}

static void clear_words(MoePlotWords *words)
{
  g_free(words->title);
  g_free(words->axis);
  g_free(words->x_axis);
  g_free(words->y_axis);
  g_clear_pointer(&words->published, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePlotWords, clear_words)

static gboolean draw(const MoePlotKind *kind, int n, char **files, const MoePlotOptions *options, MoeFigure *figure,
                     MoePlotWords *words, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autofree char *templates = g_build_filename(data_dir ? data_dir : ".", "plots", NULL);

  figure->kind = kind->name;
  figure->templates = templates;
  figure->path = options->output;
  words->width = figure->width;
  if (!moe_figure_check(figure, error) || !moe_output_check(options->output, error))
    return FALSE;
  g_autofree char *data = kind->data(n, files, options, words, error);

  if (!data)
    return FALSE;
  g_autofree char *source = small_print(words->published);

  figure->title = options->title ? options->title : words->title;
  figure->source = source;
  figure->axis = words->axis;
  figure->x_axis = words->x_axis;
  figure->y_axis = words->y_axis;
  /* gnuplot writes under a temporary name: a signal waits for the moment it takes */
  moe_cli_hold();
  gboolean drawn = moe_figure_draw(figure, data, error);

  moe_cli_release();
  return drawn;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* "1600x900" */
static gboolean parse_size(const char *text, MoeFigure *figure)
{
  g_auto(GStrv) sides = g_strsplit(text, "x", 2);
  int *const side[] = {&figure->width, &figure->height};

  for (guint i = 0; i < G_N_ELEMENTS(side); i++) {
    gint64 points = 0;

    if (g_strv_length(sides) != 2 ||
        !g_ascii_string_to_signed(sides[i], 10, MOE_FIGURE_LEAST, MOE_FIGURE_MOST, &points, NULL)) {
      moe_cli_complain("--size: '%s', expected WIDTHxHEIGHT, each from %d to %d", text, MOE_FIGURE_LEAST,
                       MOE_FIGURE_MOST);
      return FALSE;
    }
    *side[i] = (int)points;
  }
  return TRUE;
}

static gboolean parse_figure(const MoePlotOptions *options, MoeFigure *figure)
{
  int theme = options->theme ? moe_cli_word("--theme", options->theme, moe_theme_words) : MOE_THEME_LIGHT;

  *figure = (MoeFigure){.scale = options->scale, .width = MOE_FIGURE_WIDTH, .height = MOE_FIGURE_HEIGHT};
  if (theme < 0 || (options->size && !parse_size(options->size, figure)))
    return FALSE;
  figure->theme = (MoeTheme)theme;
  if (options->scale == 0 || (options->scale >= MOE_FIGURE_LEAST_SCALE && options->scale <= MOE_FIGURE_MOST_SCALE))
    return TRUE;
  moe_cli_complain("--scale: %g, expected %g to %g", options->scale, MOE_FIGURE_LEAST_SCALE, MOE_FIGURE_MOST_SCALE);
  return FALSE;
}

#define TOKENS 1e12 /* without --tokens: figures are per trillion */

static gboolean parse_words(const MoePlotKind *kind, const MoePlotOptions *options, MoePlotWords *words)
{
  int measure = options->measure ? moe_cli_word("--y", options->measure, moe_measure_words) : (int)kind->measure;

  if (measure < 0)
    return FALSE;
  if (options->tokens && !options->best && !moe_measure_of_training((MoeMeasure)measure)) {
    moe_cli_complain("plot %s: --tokens does not apply to %s, expected --y days, dollars or mwh", kind->name,
                     moe_measure_words[measure]);
    return FALSE;
  }
  *words = (MoePlotWords){
      .published = g_ptr_array_new_with_free_func(g_free), .measure = (MoeMeasure)measure, .tokens = TOKENS};
  return moe_cli_quantity("--tokens", options->tokens, MOE_DIM_NONE, &words->tokens);
}

/* Words and numbers that are wrong whatever the kind. */
static gboolean check_options(const MoePlotOptions *options)
{
  static const char *const attributions[] = {"accounted", "shapley", NULL}, *const scalings[] = {"weak", "strong",
                                                                                                 NULL};

  if ((options->attribution && moe_cli_word("--attribution", options->attribution, attributions) < 0) ||
      (options->scaling && moe_cli_word("--scaling", options->scaling, scalings) < 0))
    return FALSE;
  if (!options->output)
    moe_cli_complain("plot: no output given, expected -o FILE.png, FILE.svg or FILE.pdf");
  else if (options->seed < 0)
    moe_cli_complain("--seed: negative");
  else if (options->samples < 0 || options->steps < 0)
    moe_cli_complain("plot: --samples and --steps take no negative numbers");
  else if (options->vary && options->variants)
    moe_cli_complain("plot: --variants does not apply beside --vary");
  else if (options->vary && (options->samples > 0 || options->posterior_file))
    moe_cli_complain("plot: --samples and --posterior do not apply beside --vary");
  else if (options->scale != 0 && !g_str_has_suffix(options->output, ".png"))
    moe_cli_complain("plot: --scale does not apply to '%s', expected FILE.png", options->output);
  else
    return TRUE;
  return FALSE;
}

/* --posterior, and combinations with it as moe_cli_load_posterior says. */
static gboolean load_posterior(MoePlotOptions *options)
{
  MoeCliRun run = {.posterior_file = options->posterior_file, .samples = options->samples};
  gboolean good = moe_cli_load_posterior(&run);

  options->posterior = run.posterior;
  options->samples = run.samples;
  return good;
}

static gboolean kind_applies(const MoePlotKind *kind, const GOptionEntry *entries)
{
  g_autofree char *what = g_strdup_printf("plot %s", kind->name);

  return moe_cli_applies(what, entries, kind->options);
}

static int plot(const MoePlotKind *kind, int files, char **arguments, const MoePlotOptions *options)
{
  g_autoptr(GError) error = NULL;
  MoeFigure figure;

  if (!check_options(options) || !parse_figure(options, &figure))
    return MOE_EXIT_BAD_INPUT;
  if (files < kind->least || (kind->most >= 0 && files > kind->most))
    return moe_cli_complain("plot %s: expected %s", kind->name, kind->most == 1 ? "one run" : "at least one run");
  g_auto(MoePlotWords) words = {.published = NULL};

  if (!parse_words(kind, options, &words))
    return MOE_EXIT_BAD_INPUT;
  return draw(kind, files, arguments, options, &figure, &words, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
}

/* The kind that the first argument names, with what was said for it. */
static int plot_kind(int n, char **arguments, const GOptionEntry *entries, MoePlotOptions *options)
{
  const MoePlotKind *kind = find_kind(arguments[0]);

  if (!kind || !kind_applies(kind, entries) || !load_posterior(options))
    return MOE_EXIT_BAD_INPUT;
  return plot(kind, n - 1, arguments + 1, options);
}

static void clear_options(MoePlotOptions *options)
{
  char *texts[] = {options->output,  options->title,   options->clusters,    options->gpus,   options->ranks,
                   options->window,  options->variant, options->stack,       options->size,   options->theme,
                   options->measure, options->tokens,  options->attribution, options->scaling};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  g_strfreev(options->sets);
  g_strfreev(options->vary);
  g_free(options->posterior_file);
  moe_posterior_free(options->posterior);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePlotOptions, clear_options)

int moe_cmd_plot(int argc, char **argv)
{
  g_auto(MoePlotOptions) o = {0};
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output, "the picture; its data is kept beside it", "FILE"},
      {"title", 0, 0, G_OPTION_ARG_STRING, &o.title, "another title", "TEXT"},
      {"size", 0, 0, G_OPTION_ARG_STRING, &o.size, "in points (default: 1300x800)", "WxH"},
      {"scale", 0, 0, G_OPTION_ARG_DOUBLE, &o.scale, "pixels per point of a PNG (default: 2)", "X"},
      {"theme", 0, 0, G_OPTION_ARG_STRING, &o.theme, "light, dark or print", "T"},
      {"y", 0, 0, G_OPTION_ARG_STRING, &o.measure, "scale, heatmap, pareto: what is shown", "MEASURE"},
      {"tokens", 0, 0, G_OPTION_ARG_STRING, &o.tokens, "days, dollars, mwh: of a training on N tokens (default: 1e12)",
       "N"},
      {"clusters", 0, 0, G_OPTION_ARG_STRING, &o.clusters, "scale: clusters, a line each (default: the run's)",
       "C,C,..."},
      {"gpus", 0, 0, G_OPTION_ARG_STRING, &o.gpus, "scale: numbers of GPUs (default: around the run's)", "N,N,..."},
      {"scaling", 0, 0, G_OPTION_ARG_STRING, &o.scaling,
       "weak: the batch follows the GPUs (default of scale), or strong", "S"},
      {"best", 0, 0, G_OPTION_ARG_NONE, &o.best, "scale: at each size the best layout that a search finds", NULL},
      {"samples", 0, 0, G_OPTION_ARG_INT, &o.samples,
       "scale, ladder: P10 to P90 over so many combinations of the assumptions", "N"},
      {"posterior", 0, 0, G_OPTION_ARG_FILENAME, &o.posterior_file, "scale, ladder: P10 to P90 by moesim infer -o",
       "FILE"},
      {"steps", 0, 0, G_OPTION_ARG_INT, &o.steps, "steps: how many (default: 50)", "N"},
      {"vary", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.vary,
       "strategies, ladder, memory, pareto, heatmap: values of a key; several: all pairs", "KEY=A,B,..."},
      {"ranks", 0, 0, G_OPTION_ARG_STRING, &o.ranks, "timeline: ranks (default: 0)", "R,R,..."},
      {"window", 0, 0, G_OPTION_ARG_STRING, &o.window, "timeline: part of the step (default: all)", "FROM:TO"},
      {"attribution", 0, 0, G_OPTION_ARG_STRING, &o.attribution,
       "waterfall: accounted (as moesim run, default) or shapley (as moesim explain)", "A"},
      {"variant", 0, 0, G_OPTION_ARG_STRING, &o.variant, "variant of the run", "NAME"},
      {"variants", 0, 0, G_OPTION_ARG_NONE, &o.variants,
       "ladder, memory, strategies, pareto: all variants of each file, in order", NULL},
      {"stack", 0, 0, G_OPTION_ARG_FILENAME, &o.stack, "another software stack", "S"},
      {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.sets, "override any value of the runs", "KEY=VALUE"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &o.seed, "seed of routing and noise", "N"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : plot_kind(argc - 1, argv + 1, entries, &o);
}
