/* moesim plot: figures. */
#include "plot.h"

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
        "  moesim plot timeline models/deepseek-v3.yaml --ranks 0,128 --window '1 s:1.5 s' -o timeline.png\n\n"
        "Kinds:\n"
        "  scale       MFU against the number of GPUs, a line per run and cluster\n"
        "  ladder      predicted beside published MFU, a pair of bars per run\n"
        "  waterfall   from 100 % of peak down to the MFU of one run\n"
        "  timeline    what chosen ranks do when, in a window of the step\n"
        "  validation  predicted against published step time of every case of a folder (default: validation/)\n"
        "  sensitivity what each assumption does to the MFU, and P10 to P90 of all together\n"
        "  memory      memory per GPU by part, per pipeline stage or per run\n"
        "  strategies  where the step goes, a stack per run or per value of --vary\n",
    .least = 1,
    .most = -1,
};

MoeCliRun moe_plot_run_options(const MoePlotOptions *options)
{
  return (MoeCliRun){
      .variant = options->variant, .stack = options->stack, .seed = options->seed, .sets = options->sets};
}

void moe_plot_note_sources(GPtrArray *published, const GPtrArray *results)
{
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    if (result->published.present && result->published.source &&
        !g_ptr_array_find_with_equal_func(published, result->published.source, g_str_equal, NULL))
      g_ptr_array_add(published, g_strdup(result->published.source));
  }
}

static GPtrArray *predict(int n, char **files, const MoePlotOptions *options, GPtrArray *published, GError **error)
{
  MoeCliRun run = moe_plot_run_options(options);
  MoeSimOptions sim;
  gboolean understood = moe_cli_sim_options(&run, &sim);

  g_assert(understood);
  GPtrArray *results = moe_cli_predict_all(n, files, options->variants, &run, &sim, error);

  if (results)
    moe_plot_note_sources(published, results);
  return results;
}

static char *ladder(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                    GError **error)
{
  g_autoptr(GPtrArray) results = predict(n, files, options, published, error);

  *title = g_strdup("MFU predicted and published, each in the publication's convention");
  return results ? moe_plot_ladder_data(results) : NULL;
}

static char *memory(int n, char **files, const MoePlotOptions *options, char **title, GPtrArray *published,
                    GError **error)
{
  g_autoptr(GPtrArray) results = predict(n, files, options, published, error);

  if (!results)
    return NULL;
  *title = results->len == 1
               ? g_strdup_printf("%s: memory by pipeline stage", ((MoeResult *)g_ptr_array_index(results, 0))->run)
               : g_strdup("memory of the fullest GPU");
  return moe_plot_memory_data(results);
}

static const MoePlotKind kinds[] = {
    {"ladder", "predicted beside published", 1, -1, ladder},
    {"memory", "memory per GPU by part", 1, -1, memory},
    {"scale", "MFU against GPUs", 1, -1, moe_plot_scale},
    {"sensitivity", "what the assumptions do", 1, 1, moe_plot_sensitivity},
    {"strategies", "where the step goes", 1, -1, moe_plot_strategies},
    {"timeline", "who does what when", 1, 1, moe_plot_timeline},
    {"validation", "predicted against published", 0, 1, moe_plot_validation},
    {"waterfall", "from peak to MFU", 1, 1, moe_plot_waterfall},
};

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

static gboolean draw(const MoePlotKind *kind, int n, char **files, const MoePlotOptions *options, GError **error)
{
  g_autoptr(GPtrArray) published = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *data_dir = moe_cli_data_dir();
  g_autofree char *templates = g_build_filename(data_dir ? data_dir : ".", "plots", NULL);
  g_autofree char *title = NULL;
  MoeFigure figure = {.kind = kind->name, .templates = templates, .path = options->output};

  if (!moe_figure_check(&figure, error))
    return FALSE;
  g_autofree char *data = kind->data(n, files, options, &title, published, error);

  if (!data)
    return FALSE;
  g_autofree char *source = small_print(published);

  figure.title = options->title ? options->title : title;
  figure.source = source;
  /* gnuplot writes under a temporary name: a signal waits for the moment it takes */
  moe_cli_hold();
  gboolean drawn = moe_figure_draw(&figure, data, error);

  moe_cli_release();
  return drawn;
}

static int plot(int n, char **words, const MoePlotOptions *options)
{
  g_autoptr(GError) error = NULL;
  const MoePlotKind *kind = find_kind(words[0]);
  int files = n - 1;

  if (!kind)
    return MOE_EXIT_BAD_INPUT;
  if (!options->output)
    return moe_cli_complain("plot: no output given, expected -o FILE.png, FILE.svg or FILE.pdf");
  if (options->seed < 0)
    return moe_cli_complain("--seed: negative");
  if (files < kind->least || (kind->most >= 0 && files > kind->most))
    return moe_cli_complain("plot %s: expected %s", kind->name, kind->most == 1 ? "one run" : "at least one run");
  return draw(kind, files, words + 1, options, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
}

static void clear_options(MoePlotOptions *options)
{
  char *texts[] = {options->output, options->title,  options->clusters, options->gpus, options->vary,
                   options->ranks,  options->window, options->variant,  options->stack};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  g_strfreev(options->sets);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MoePlotOptions, clear_options)

int moe_cmd_plot(int argc, char **argv)
{
  g_auto(MoePlotOptions) options = {0};
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output, "the picture; its data is kept beside it", "FILE"},
      {"title", 0, 0, G_OPTION_ARG_STRING, &options.title, "another title", "TEXT"},
      {"clusters", 0, 0, G_OPTION_ARG_STRING, &options.clusters, "scale: clusters, a line each (default: the run's)",
       "C,C,..."},
      {"gpus", 0, 0, G_OPTION_ARG_STRING, &options.gpus, "scale: numbers of GPUs (default: around the run's)",
       "N,N,..."},
      {"vary", 0, 0, G_OPTION_ARG_STRING, &options.vary, "strategies: a stack per value", "KEY=A,B,..."},
      {"ranks", 0, 0, G_OPTION_ARG_STRING, &options.ranks, "timeline: ranks (default: 0)", "R,R,..."},
      {"window", 0, 0, G_OPTION_ARG_STRING, &options.window, "timeline: part of the step (default: all)", "FROM:TO"},
      {"variant", 0, 0, G_OPTION_ARG_STRING, &options.variant, "variant of the run", "NAME"},
      {"variants", 0, 0, G_OPTION_ARG_NONE, &options.variants, "all variants of each file, in order", NULL},
      {"stack", 0, 0, G_OPTION_ARG_FILENAME, &options.stack, "another software stack", "S"},
      {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.sets, "override any value of the runs", "KEY=VALUE"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "seed of routing and noise", "N"},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : plot(argc - 1, argv + 1, &options);
}
