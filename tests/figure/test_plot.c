#include "moetest.h"

#include "figure/plot.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "sample_result.h"

static void draw(const char *kind, const char *suffix, const char *data)
{
  g_autofree char *folder = g_dir_make_tmp("moesim-XXXXXX", NULL);
  g_autofree char *templates = moetest_path("plots");
  g_autofree char *name = g_strconcat("figure", suffix, NULL);
  g_autofree char *path = g_build_filename(folder, name, NULL);
  g_autofree char *data_path = g_build_filename(folder, "figure.dat", NULL);
  g_autofree char *picture = NULL;
  g_autoptr(GError) error = NULL;
  gsize size = 0;
  MoeFigure figure = {.kind = kind, .templates = templates, .path = path, .title = "It's a title", .source = "Table 1"};

  ck_assert_msg(moe_figure_draw(&figure, data, &error), "%s", error ? error->message : "");
  ck_assert(g_file_get_contents(path, &picture, &size, NULL));
  ck_assert_uint_gt(size, 2000); /* an empty frame is smaller */
  if (strcmp(suffix, ".svg") == 0)
    ck_assert_msg(strstr(picture, "a title") && strstr(picture, "Table 1"), "title or source missing");
  g_unlink(path);
  g_unlink(data_path);
  ck_assert_msg(g_rmdir(folder) == 0, "%s: files left behind", kind);
}

START_TEST(every_kind_is_drawn_in_every_format)
{
  static const char *const suffixes[] = {".png", ".svg", ".pdf"};
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  MoeScaleSeries series = {(char *)"small on lab", list};
  g_autofree char *scale = moe_plot_scale_data(1, &series, MOE_MEASURE_MFU, 1e12);
  g_autofree char *ladder = moe_plot_ladder_data(list);
  g_autofree char *waterfall = moe_plot_waterfall_data(g_ptr_array_index(list, 0));
  g_autofree char *memory = moe_plot_memory_data(list);
  g_autofree char *strategies = moe_plot_strategies_data(list);

  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    draw("scale", suffixes[i], scale);
    draw("ladder", suffixes[i], ladder);
    draw("waterfall", suffixes[i], waterfall);
    draw("memory", suffixes[i], memory);
    draw("strategies", suffixes[i], strategies);
  }
}
END_TEST

START_TEST(scale_separates_series_and_published_points)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  MoeScaleSeries series = {(char *)"small on lab", list};
  g_autofree char *text = moe_plot_scale_data(1, &series, MOE_MEASURE_MFU, 1e12);

  ck_assert_str_eq(
      text,
      "small on lab\tcausal %\tfull %\tfits\tmfu\tP10\tP90\n8\t50\t75\t0\t50\tNaN\tNaN\n8\t50\t75\t0\t50\tNaN\tNaN\n"
      "\n\npublished\tmfu\tline\n8\t40\t1\n");
}
END_TEST

START_TEST(ladder_has_nan_where_nothing_is_published)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  g_autofree char *text = moe_plot_ladder_data(list);

  ck_assert_str_eq(text, "run\tpredicted\tpublished\tP10\tP90\tfits\nmodel, \"small\"\t50\tNaN\tNaN\tNaN\t0\n"
                         "model, \"small\"\t50\t40\tNaN\tNaN\t0\n");
}
END_TEST

static MoeSlice slice(gint64 rank, guint stream, MoeCause cause, MoeTime start_ms, MoeTime end_ms)
{
  const MoeTime ps_per_ms = 1000000000;

  return (MoeSlice){.rank = rank,
                    .stream = (uint8_t)stream,
                    .cause = (uint8_t)cause,
                    .name = stream == MOE_STREAM_COMPUTE ? "qkv" : "work",
                    .start = start_ms * ps_per_ms,
                    .end = end_ms * ps_per_ms};
}

START_TEST(timeline_cuts_to_the_window_and_joins_neighbours)
{
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();
  const MoeSlice slices[] = {slice(8, MOE_STREAM_COMPUTE, MOE_CAUSE_MATH, 0, 30),
                             slice(8, MOE_STREAM_COMPUTE, MOE_CAUSE_MATH, 30, 50), /* joins the one before */
                             slice(8, MOE_N_STREAMS, MOE_CAUSE_BUBBLE, 50, 90), /* idle time is in the compute lane */
                             slice(0, MOE_STREAM_EXPERT, MOE_CAUSE_NVLINK_EXPOSED, 20, 40),
                             slice(0, MOE_STREAM_COMPUTE, MOE_CAUSE_MATH, 0, 10)}; /* before the window */

  for (guint i = 0; i < G_N_ELEMENTS(slices); i++)
    moe_timeline_slice(&slices[i], timeline);
  g_autofree char *text = moe_timeline_data(timeline, 10000000000, 60000000000, MOE_FIGURE_WIDTH);

  ck_assert_msg(g_str_has_prefix(text, "forward\tfrom ms\tto ms\tlow\thigh\n1\t10\t50\t0\t1\n\n\n"), "%s", text);
  ck_assert_msg(strstr(text, "transfer, NVLink\tfrom ms\tto ms\tlow\thigh\n0\t20\t40\t0\t1\n\n\n") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "pipeline bubble\tfrom ms\tto ms\tlow\thigh\n1\t50\t60\t0\t1\n\n\n") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "lane\tmiddle ms\tname\tshade\n1\t30\tqkv\t1\n") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "1\t55\tpipeline bubble\t2\n") != NULL, "%s", text);
  ck_assert_msg(g_str_has_suffix(text, "lane\tname\n0\trank 0 dispatch, combine\n1\trank 8 compute\n"), "%s", text);
  draw("timeline", ".svg", text);
}
END_TEST

/* Two runs of which one is slower and needs more memory, and one that needs less: the front has the two that none
 * beats. */
START_TEST(the_front_is_what_none_beats)
{
  static const double step_s[] = {2, 3, 4}, memory[] = {70e9, 75e9, 50e9};
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);

  for (guint i = 0; i < G_N_ELEMENTS(step_s); i++) {
    MoeResult *result = sample_result();

    result->step_time_s = step_s[i];
    result->memory.peak_bytes = memory[i];
    result->memory.fits = TRUE;
    g_ptr_array_add(list, result);
  }
  g_autofree char *text = moe_plot_pareto_data(list, MOE_MEASURE_MEMORY, 1e12);
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  ck_assert(g_str_has_suffix(lines[1], "\t1\t1"));
  ck_assert(g_str_has_suffix(lines[2], "\t1\t0"));
  ck_assert(g_str_has_suffix(lines[3], "\t1\t1"));
}
END_TEST

/* Values follow from one another: at twice the step time rates halve, times and costs double. */
START_TEST(measures_go_with_the_step_time)
{
  g_autoptr(MoeResult) result = sample_result();

  result->price_gpu_hour = 2;
  result->gpu_power_w = 1000;
  result->power_overhead = 1.2;
  for (guint measure = 0; measure < MOE_N_MEASURES; measure++) {
    double at_once = moe_measure_value(measure, result, 1e12, result);
    double at_twice = moe_measure_at(measure, result, 1e12, result, 2 * result->step_time_s);
    gboolean falls = measure == MOE_MEASURE_STEP || measure == MOE_MEASURE_DAYS || measure == MOE_MEASURE_DOLLARS ||
                     measure == MOE_MEASURE_MWH;
    double expected = measure == MOE_MEASURE_MEMORY ? 1 : falls ? 2 : 0.5;

    ck_assert_msg(at_once > 0 && fabs(at_twice / at_once - expected) < 1e-9, "%s: %g and %g",
                  moe_measure_words[measure], at_once, at_twice);
  }
  /* 8,192 tokens/s: 1e12 tokens take 1412.9 days */
  ck_assert_double_lt(fabs(moe_measure_value(MOE_MEASURE_DAYS, result, 1e12, result) - 1e12 / 8192 / 86400), 1e-6);
}
END_TEST

/* Ten thousand kernels of a microsecond with as long a wait behind each: nobody sees one, half of each column is
 * either. */
START_TEST(narrow_boxes_become_shares)
{
  g_autoptr(MoeTimeline) timeline = moe_timeline_new();
  const MoeTime us = 1000000;

  for (guint i = 0; i < 10000; i++) {
    MoeSlice busy = {.name = "k", .start = 2 * i * us, .end = (2 * i + 1) * us}, idle = busy;

    idle.stream = MOE_N_STREAMS;
    idle.cause = MOE_CAUSE_HOST;
    idle.start = busy.end;
    idle.end = busy.end + us;
    moe_timeline_slice(&busy, timeline);
    moe_timeline_slice(&idle, timeline);
  }
  g_autofree char *text = moe_timeline_data(timeline, 0, 0, MOE_FIGURE_WIDTH);
  g_auto(GStrv) blocks = g_strsplit(text, "\n\n\n", -1);
  g_auto(GStrv) forward = g_strsplit(blocks[0], "\n", -1);

  ck_assert_uint_gt(g_strv_length(forward), 100);
  ck_assert_uint_lt(g_strv_length(forward), 600);
  ck_assert_msg(g_str_has_suffix(forward[50], "\t0\t0.5"), "%s", forward[50]);
}
END_TEST

START_TEST(an_unknown_suffix_is_refused)
{
  g_autoptr(GError) error = NULL;
  MoeFigure figure = {.kind = "ladder", .templates = ".", .path = "x.gif", .title = ""};

  ck_assert(!moe_figure_draw(&figure, "", &error));
  ck_assert_str_eq(error->message, "x.gif: unknown kind of picture, expected a name that ends in .png, .svg or .pdf");
}
END_TEST

START_TEST(a_failing_gnuplot_leaves_no_picture)
{
  g_autofree char *folder = g_dir_make_tmp("moesim-XXXXXX", NULL);
  g_autofree char *templates = moetest_path("plots");
  g_autofree char *path = g_build_filename(folder, "figure.png", NULL);
  g_autofree char *data_path = g_build_filename(folder, "figure.dat", NULL);
  g_autoptr(GError) error = NULL;
  MoeFigure figure = {.kind = "waterfall", .templates = templates, .path = path, .title = ""};

  /* Words where the template counts on numbers. */
  ck_assert(!moe_figure_draw(&figure, "cause\tupper\tlower\na\tb\tc\n", &error));
  ck_assert_msg(strstr(error->message, "gnuplot failed") != NULL, "%s", error->message);
  ck_assert_msg(strchr(error->message, '\n') == NULL, "more than one line: %s", error->message);
  g_unlink(data_path);
  ck_assert_msg(g_rmdir(folder) == 0, "a picture was left behind");
}
END_TEST

START_TEST(a_missing_template_is_named)
{
  g_autoptr(GError) error = NULL;
  MoeFigure figure = {.kind = "no-such-kind", .templates = "/nowhere", .path = "x.png", .title = ""};

  ck_assert(!moe_figure_check(&figure, &error));
  ck_assert_msg(strstr(error->message, "/nowhere/no-such-kind.gp") != NULL, "%s", error->message);
}
END_TEST

MOE_TEST_MAIN("figure/plot", every_kind_is_drawn_in_every_format, scale_separates_series_and_published_points,
              ladder_has_nan_where_nothing_is_published, timeline_cuts_to_the_window_and_joins_neighbours,
              the_front_is_what_none_beats, measures_go_with_the_step_time, narrow_boxes_become_shares,
              an_unknown_suffix_is_refused, a_failing_gnuplot_leaves_no_picture, a_missing_template_is_named)
