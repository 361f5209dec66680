/*
 * Figures by their structure: every label inside the picture, none over another, all of them legible on what is behind
 * them, in every theme; colours that stay apart in grey and for who does not see green. Figures are drawn as SVG, whose
 * labels can be read back.
 */
#include "moetest.h"

#include "figure/plot.h"

#include <math.h>
#include <string.h>

#include "sample_result.h"

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

static char *draw_svg(const char *kind, const char *data, MoeTheme theme)
{
  g_autofree char *templates = moetest_path("plots");
  g_autofree char *name = g_strdup_printf("%s-%s.svg", kind, moe_theme_words[theme]);
  g_autofree char *path = g_build_filename(*moetest_folder_kept(), name, NULL);
  g_autoptr(GError) error = NULL;
  char *svg = NULL;
  MoeFigure figure = {.kind = kind,
                      .templates = templates,
                      .path = path,
                      .title = "What varies",
                      .source = "Table 1",
                      .axis = "some measure (unit)",
                      .x_axis = "training.micro_batch",
                      .y_axis = "parallelism.expert",
                      .theme = theme};

  ck_assert_msg(moe_figure_draw(&figure, data, &error), "%s: %s", kind, error ? error->message : "");
  ck_assert(g_file_get_contents(path, &svg, NULL, NULL));
  return svg;
}

/* `n` runs on 8, 16, ... GPUs, every other one too large for its memory. */
static GPtrArray *runs(guint n)
{
  GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);

  for (guint i = 0; i < n; i++) {
    MoeResult *result = sample_published();

    result->variant = g_strdup_printf("expert=%u", 8u << i);
    result->gpus = 8 << i;
    result->memory.fits = i % 2 == 0;
    result->interval.samples = 10;
    result->interval.step_time_p10_s = 1.8;
    result->interval.step_time_p90_s = 2.6;
    result->interval.mfu_causal_p10 = 0.4;
    result->interval.mfu_causal_p90 = 0.55;
    g_ptr_array_add(list, result);
  }
  return list;
}

static char *scale_data(guint n_lines)
{
  g_autofree MoeScaleSeries *series = g_new0(MoeScaleSeries, n_lines);
  g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

  for (guint i = 0; i < n_lines; i++) {
    GPtrArray *list = runs(5);

    for (guint j = 0; j < list->len; j++)
      ((MoeResult *)g_ptr_array_index(list, j))->mfu_causal = 0.2 + 0.03 * i;
    series[i] = (MoeScaleSeries){g_strdup_printf("model %u on a-cluster", i + 1), list};
    g_ptr_array_add(lists, list);
  }
  char *text = moe_plot_scale_data(n_lines, series, MOE_MEASURE_MFU, 1e12);

  for (guint i = 0; i < n_lines; i++)
    g_free(series[i].label);
  return text;
}

static char *heatmap_data(const GPtrArray *list)
{
  char *labels[] = {(char *)"1", (char *)"2"};
  MoeResult *results[] = {g_ptr_array_index(list, 0), g_ptr_array_index(list, 1), NULL, g_ptr_array_index(list, 2)};

  ((MoeResult *)g_ptr_array_index(list, 1))->mfu_causal = 0.4;
  return moe_plot_heatmap_data(2, labels, 2, labels, results, MOE_MEASURE_MFU, 1e12);
}

static char *timeline_data(void)
{
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();
  const MoeTime ms = 1000000000;

  for (guint pass = 0; pass < MOE_N_PASSES; pass++) {
    MoeSlice slice = {
        .rank = 0, .pass = (uint8_t)pass, .name = "expert_up", .start = pass * 10 * ms, .end = (pass * 10 + 9) * ms};

    moe_timeline_slice(&slice, timeline);
    slice.stream = MOE_STREAM_EXPERT;
    slice.cause = pass % 2 ? MOE_CAUSE_NVLINK_EXPOSED : MOE_CAUSE_NETWORK_EXPOSED;
    slice.name = "dispatch";
    moe_timeline_slice(&slice, timeline);
    slice.stream = MOE_N_STREAMS;
    slice.rank = 1;
    slice.cause = pass % 2 ? MOE_CAUSE_BUBBLE : MOE_CAUSE_HOST;
    moe_timeline_slice(&slice, timeline);
  }
  return moe_timeline_data(timeline, 0, 0, MOE_FIGURE_WIDTH);
}

static char *steps_data(void)
{
  static const double seconds[] = {5.1, 5.0, 5.2, 5.15, 5.6, 5.05, 5.12, 5.3, 5.01, 5.11};

  return moe_plot_steps_data(G_N_ELEMENTS(seconds), seconds);
}

/* A figure of each kind, NULL-terminated pairs of kind and data; the caller frees the data. */
static void make_figures(const char **kinds, char **data)
{
  g_autoptr(GPtrArray) list = runs(5);
  guint n = 0;

  kinds[n] = "scale", data[n++] = scale_data(3);
  kinds[n] = "scale", data[n++] = scale_data(12); /* more lines than fit below the axis */
  kinds[n] = "ladder", data[n++] = moe_plot_ladder_data(list);
  kinds[n] = "strategies", data[n++] = moe_plot_strategies_data(list);
  kinds[n] = "memory", data[n++] = moe_plot_memory_data(list);
  kinds[n] = "waterfall", data[n++] = moe_plot_waterfall_data(g_ptr_array_index(list, 0));
  kinds[n] = "pareto", data[n++] = moe_plot_pareto_data(list, MOE_MEASURE_MEMORY, 1e12);
  kinds[n] = "heatmap", data[n++] = heatmap_data(list);
  kinds[n] = "timeline", data[n++] = timeline_data();
  kinds[n] = "steps", data[n++] = steps_data();
  g_autofree char *posterior = moetest_path("tests/figure/posterior.yaml");
  kinds[n] = "posterior", data[n++] = moe_plot_posterior_data(posterior, NULL);
  kinds[n] = "predictions", data[n++] = moe_plot_predictions_data(posterior, NULL);
  kinds[n] = NULL;
}

/* ---- labels of an SVG -------------------------------------------------------------------------------------------- */

typedef struct {
  double left, top, right, bottom; /* of the text as it stands, rotated or not */
  gboolean turned;
  double luminance; /* of its colour, 0..1 */
  char *text;
} Label;

static void clear_label(gpointer data)
{
  g_free(((Label *)data)->text);
}

/* Relative luminance, https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
static double linear(double channel)
{
  double c = channel / 255;

  return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double luminance(double red, double green, double blue)
{
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

#define LETTER 0.6 /* mean width of DejaVu Sans, of the font size */

/* Corners of a text that starts at (x, y), ends or is centred there, and is turned by `degrees`. */
static void place(Label *label, double x, double y, const char *anchor, double size, double degrees)
{
  double width = LETTER * size * (double)g_utf8_strlen(label->text, -1);
  double from = strcmp(anchor, "end") == 0 ? -width : strcmp(anchor, "middle") == 0 ? -width / 2 : 0;
  double turn = degrees * G_PI / 180;
  const double corner[4][2] = {
      {from, -0.75 * size}, {from + width, -0.75 * size}, {from, 0.15 * size}, {from + width, 0.15 * size}};

  label->turned = degrees != 0;
  label->left = label->top = G_MAXDOUBLE;
  label->right = label->bottom = -G_MAXDOUBLE;
  for (guint i = 0; i < 4; i++) {
    double px = x + corner[i][0] * cos(turn) - corner[i][1] * sin(turn);
    double py = y + corner[i][0] * sin(turn) + corner[i][1] * cos(turn);

    label->left = MIN(label->left, px), label->right = MAX(label->right, px);
    label->top = MIN(label->top, py), label->bottom = MAX(label->bottom, py);
  }
}

static double number_of(GMatchInfo *match, int group)
{
  g_autofree char *text = g_match_info_fetch(match, group);

  return text && *text ? g_ascii_strtod(text, NULL) : 0;
}

static GArray *labels_of(const char *svg)
{
  g_autoptr(GRegex) regex =
      g_regex_new("translate\\(([-0-9.]+),([-0-9.]+)\\)(?: rotate\\(([-0-9.]+)\\))?\"[^>]*fill=\"rgb\\("
                  "([0-9]+),([0-9]+),([0-9]+)\\)\"[^>]*font-size=\"([0-9.]+)\"\\s+text-anchor=\"(\\w+)\">\\s*"
                  "<text[^>]*>(?:<tspan[^>]*>)?([^<]*)",
                  0, 0, NULL);
  g_autoptr(GMatchInfo) match = NULL;
  GArray *labels = g_array_new(FALSE, FALSE, sizeof(Label));

  g_array_set_clear_func(labels, clear_label);
  for (g_regex_match(regex, svg, 0, &match); g_match_info_matches(match); g_match_info_next(match, NULL)) {
    g_autofree char *anchor = g_match_info_fetch(match, 8);
    Label label = {.text = g_strstrip(g_match_info_fetch(match, 9))};

    label.luminance = luminance(number_of(match, 4), number_of(match, 5), number_of(match, 6));
    place(&label, number_of(match, 1), number_of(match, 2), anchor, number_of(match, 7), number_of(match, 3));
    if (*label.text)
      g_array_append_val(labels, label);
    else
      g_free(label.text);
  }
  return labels;
}

/* ---- what every figure keeps ------------------------------------------------------------------------------------- */

static void check_inside(const char *what, const Label *label)
{
  ck_assert_msg(label->left >= -2 && label->top >= -2 && label->right <= MOE_FIGURE_WIDTH + 2 &&
                    label->bottom <= MOE_FIGURE_HEIGHT + 2,
                "%s: '%s' leaves the picture: %.0f to %.0f, %.0f to %.0f", what, label->text, label->left, label->right,
                label->top, label->bottom);
}

/* Turned labels stand side by side; their boxes say nothing about their letters. */
static void check_apart(const char *what, const Label *a, const Label *b)
{
  double wide = MIN(a->right, b->right) - MAX(a->left, b->left);
  double high = MIN(a->bottom, b->bottom) - MAX(a->top, b->top);

  if (a->turned || b->turned || strcmp(a->text, b->text) == 0)
    return;
  ck_assert_msg(wide <= 2 || high <= 2, "%s: '%s' (%.0f %.0f %.0f %.0f) lies over '%s' (%.0f %.0f %.0f %.0f)", what,
                a->text, a->left, a->right, a->top, a->bottom, b->text, b->left, b->right, b->top, b->bottom);
}

static void check_figure(const char *what, const char *svg)
{
  g_autoptr(GArray) labels = labels_of(svg);

  ck_assert_msg(labels->len >= 8, "%s: %u labels", what, labels->len);
  ck_assert_msg(strstr(svg, "<title>What varies</title>"), "%s: the picture has another title", what);
  for (guint i = 0; i < labels->len; i++) {
    check_inside(what, &g_array_index(labels, Label, i));
    for (guint j = i + 1; j < labels->len; j++)
      check_apart(what, &g_array_index(labels, Label, i), &g_array_index(labels, Label, j));
  }
}

static void check_theme(MoeTheme theme)
{
  const char *kinds[16];
  char *data[16];

  moetest_folder();
  make_figures(kinds, data);
  for (guint i = 0; kinds[i]; i++) {
    g_autofree char *what = g_strdup_printf("%s (%s)", kinds[i], moe_theme_words[theme]);
    g_autofree char *svg = draw_svg(kinds[i], data[i], theme);

    check_figure(what, svg);
    g_free(data[i]);
  }
}

START_TEST(light_figures_are_whole)
{
  check_theme(MOE_THEME_LIGHT);
}
END_TEST

START_TEST(dark_figures_are_whole)
{
  check_theme(MOE_THEME_DARK);
}
END_TEST

START_TEST(printed_figures_are_whole)
{
  check_theme(MOE_THEME_PRINT);
}
END_TEST

/* ---- colours ----------------------------------------------------------------------------------------------------- */

typedef struct {
  double red, green, blue; /* 0..255 */
} Colour;

/* What a template variable of plots/style.gp is in a theme: "hue[3]". */
static Colour colour_of(MoeTheme theme, const char *expression)
{
  g_autofree char *style = moetest_path("plots/style.gp");
  g_autofree char *script = g_strdup_printf("theme = '%s'; title = ''; source = ''; load '%s'; print %s",
                                            moe_theme_words[theme], style, expression);
  char *arguments[] = {(char *)"gnuplot", (char *)"-e", script, NULL};
  g_autofree char *said = NULL;
  unsigned red = 0, green = 0, blue = 0;

  ck_assert(g_spawn_sync(NULL, arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said, NULL, NULL));
  ck_assert_msg(sscanf(said, " #%2x%2x%2x", &red, &green, &blue) == 3, "%s: '%s'", expression, said);
  return (Colour){red, green, blue};
}

static double contrast(Colour a, Colour b)
{
  double first = luminance(a.red, a.green, a.blue), second = luminance(b.red, b.green, b.blue);

  return (MAX(first, second) + 0.05) / (MIN(first, second) + 0.05);
}

/* Text reads at 4.5 : 1 (WCAG 2.1, AA), lines and markers show at 2 : 1 and have a shape besides. */
START_TEST(words_and_lines_stand_out)
{
  for (guint theme = MOE_THEME_LIGHT; theme <= MOE_THEME_PRINT; theme++) {
    Colour paper = colour_of(theme, "paper");

    ck_assert_double_ge(contrast(colour_of(theme, "foreground"), paper), 7);
    ck_assert_double_ge(contrast(colour_of(theme, "muted"), paper), 4.5);
    for (guint i = 1; i <= 12; i++) {
      g_autofree char *hue = g_strdup_printf("hue[%u]", i);

      ck_assert_msg(contrast(colour_of(theme, hue), paper) >= 2, "%s, %s: %.2f", moe_theme_words[theme], hue,
                    contrast(colour_of(theme, hue), paper));
    }
  }
}
END_TEST

/* Neighbours in a stack differ in grey: that is what a copier and a colour-blind reader see. */
START_TEST(parts_of_a_stack_differ_in_grey)
{
  for (guint i = 1; i < 12; i++) {
    g_autofree char *lower = g_strdup_printf("part_hue[%u]", i), *upper = g_strdup_printf("part_hue[%u]", i + 1);
    double apart = contrast(colour_of(MOE_THEME_LIGHT, lower), colour_of(MOE_THEME_LIGHT, upper));

    ck_assert_msg(apart >= 2.5, "parts %u and %u: %.2f", i, i + 1, apart);
  }
}
END_TEST

/* Deuteranopia as simulated by Machado, Oliveira and Fernandes (2009), severity 1.0. */
static Colour without_green(Colour c)
{
  return (Colour){0.367322 * c.red + 0.860646 * c.green - 0.227968 * c.blue,
                  0.280085 * c.red + 0.672501 * c.green + 0.047413 * c.blue,
                  -0.011820 * c.red + 0.042940 * c.green + 0.968881 * c.blue};
}

static double distance(Colour a, Colour b)
{
  return sqrt(pow(a.red - b.red, 2) + pow(a.green - b.green, 2) + pow(a.blue - b.blue, 2));
}

/* The first six lines, which most figures have, are told apart by colour alone; the others by marker and dash as well.
 */
START_TEST(lines_differ_without_green)
{
  for (guint theme = MOE_THEME_LIGHT; theme <= MOE_THEME_DARK; theme++)
    for (guint i = 1; i <= 6; i++)
      for (guint j = i + 1; j <= 6; j++) {
        g_autofree char *one = g_strdup_printf("hue[%u]", i), *other = g_strdup_printf("hue[%u]", j);
        double apart = distance(without_green(colour_of(theme, one)), without_green(colour_of(theme, other)));

        ck_assert_msg(apart >= 30, "%s, lines %u and %u: %.0f", moe_theme_words[theme], i, j, apart);
      }
}
END_TEST

MOE_TEST_MAIN("figure/whole", light_figures_are_whole, dark_figures_are_whole, printed_figures_are_whole,
              words_and_lines_stand_out, parts_of_a_stack_differ_in_grey, lines_differ_without_green)
