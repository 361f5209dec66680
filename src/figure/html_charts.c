/* Sections with charts that need axes: who does what when, the run on other numbers of GPUs, other runs beside it. */
#include "base/base.h"
#include "html.h"
#include "report/losses.h"
#include "timeline.h"

#include <math.h>

/* Geometry, in SVG user units; the page scales the whole. */
#define WIDTH  SVG_WIDTH
#define LEFT   190.0 /* names of lanes, numbers of the axis */
#define RIGHT  20.0
#define SPAN   (WIDTH - LEFT - RIGHT)
#define LANE   24.0
#define BOX    18.0
#define LEGEND 24.0
#define AXIS   24.0

#define GRID "class=\"grid\""

/* ---- timeline ---------------------------------------------------------------------------------------------------- */

/* Kernels by pass, transfers, copies, idle time; the same hues as in plots/timeline.gp. */
static const char *const kind_paint[N_KINDS] = {
    "fill=\"#0b5b94\"", "fill=\"#7cc8f2\"", "fill=\"#0a6e50\"", "fill=\"#f2b134\"", "fill=\"#7a2e4d\"",
    "fill=\"#5b3a8c\"", "fill=\"#9c4a00\"", "fill=\"#cfd3d8\"", "fill=\"#9aa0a9\"", "fill=\"#c9cdd3\"",
};

/* Titles of the kinds that occur, from left to right, in rows. */
static double timeline_legend(GString *html, const GArray *boxes, double y)
{
  double x = LEFT;

  for (guint kind = 0; kind < N_KINDS; kind++) {
    gboolean occurs = FALSE;

    for (guint i = 0; i < boxes->len && !occurs; i++)
      occurs = g_array_index(boxes, Box, i).kind == kind;
    if (!occurs)
      continue;
    if (x > WIDTH - 170)
      x = LEFT, y += LEGEND;
    svg_box(html, x, y, 12, 12, kind_paint[kind], NULL);
    svg_text(html, x + 18, y + 11, "start", timeline_kind_titles[kind]);
    x += 170;
  }
  return y + LEGEND;
}

static void timeline_axis(GString *html, MoeTime end, double y)
{
  for (guint tick = 0; tick <= 5; tick++) {
    double share = tick / 5.0;
    g_autofree char *time = moe_quantity_format(moe_time_to_seconds(end) * share, MOE_DIM_SECONDS);

    svg_line(html, LEFT + share * SPAN, 0, LEFT + share * SPAN, y, GRID);
    svg_text(html, LEFT + share * SPAN, y + 17,
             tick == 0   ? "start"
             : tick == 5 ? "end"
                         : "middle",
             tick == 0 ? "0" : time);
  }
}

void html_timeline(GString *html, const MoePage *page)
{
  if (!page->timeline)
    return;
  MoeTime end = timeline_end(page->timeline);
  g_autoptr(GArray) boxes = timeline_boxes(page->timeline, 0, end, end / (MoeTime)SPAN);
  g_autoptr(GArray) lanes = timeline_lanes(boxes);
  double bottom = lanes->len * LANE;

  html_section(html, "timeline", "One step in time");
  svg_start(html, "What chosen ranks do when", bottom + AXIS + 3 * LEGEND);
  timeline_axis(html, end, bottom);
  for (guint i = 0; i < lanes->len; i++) {
    g_autofree char *title = timeline_lane_title(g_array_index(lanes, gint64, i));

    svg_text(html, LEFT - 8, i * LANE + 16, "end", title);
  }
  for (guint i = 0; i < boxes->len; i++) {
    const Box *box = &g_array_index(boxes, Box, i);
    double from = (double)box->start / (double)end * SPAN, to = (double)box->end / (double)end * SPAN;

    double top = timeline_lane(lanes, box->lane) * LANE + (LANE - BOX) / 2 + BOX * (1 - box->high);

    svg_box(html, LEFT + from, top, MAX(to - from, 0.3), BOX * (box->high - box->low), kind_paint[box->kind], NULL);
  }
  timeline_legend(html, boxes, bottom + AXIS + 6);
  svg_end(html);
  html_section_end(html);
}

/* ---- scale ------------------------------------------------------------------------------------------------------- */

#define SCALE_HEIGHT 260.0
#define SCALE_LEFT   60.0
#define SCALE_SPAN   (WIDTH - SCALE_LEFT - 220)

/* Hues of lines by number, and a marker for each: told apart in grey as well. */
static const char *const line_hue[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7"};

typedef struct {
  double least, most; /* log2 of GPUs */
  double top;         /* MFU at the upper edge, fraction */
} Axes;

static double x_of(const Axes *axes, double gpus)
{
  double range = axes->most - axes->least;

  return SCALE_LEFT + (range > 0 ? (log2(gpus) - axes->least) / range : 0.5) * SCALE_SPAN;
}

static double y_of(const Axes *axes, double mfu)
{
  return SCALE_HEIGHT * (1 - mfu / axes->top) + 8;
}

static gboolean has_interval(const MoeResult *result)
{
  return result->interval.samples > 0 && isfinite(result->interval.mfu_causal_p90);
}

static Axes find_axes(const MoePage *page)
{
  Axes axes = {INFINITY, -INFINITY, 0.1};

  for (guint s = 0; s < page->n_scale; s++)
    for (guint i = 0; i < page->scale[s].results->len; i++) {
      const MoeResult *result = g_ptr_array_index(page->scale[s].results, i);

      axes.least = MIN(axes.least, log2((double)result->gpus));
      axes.most = MAX(axes.most, log2((double)result->gpus));
      axes.top = MAX(axes.top, MAX(result->mfu_causal, has_interval(result) ? result->interval.mfu_causal_p90 : 0));
    }
  axes.top = ceil(axes.top * 10) / 10; /* tens of percent */
  return axes;
}

static void draw_axes(GString *html, const Axes *axes, const MoeScaleSeries *series)
{
  for (double mfu = 0; mfu <= axes->top + 1e-9; mfu += 0.1) {
    g_autofree char *percent = g_strdup_printf("%.0f %%", 100 * mfu);

    svg_line(html, SCALE_LEFT, y_of(axes, mfu), SCALE_LEFT + SCALE_SPAN, y_of(axes, mfu), GRID);
    svg_text(html, SCALE_LEFT - 8, y_of(axes, mfu) + 4, "end", percent);
  }
  for (guint i = 0; i < series->results->len; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i);
    g_autofree char *gpus = g_strdup_printf("%" G_GINT64_FORMAT, result->gpus);

    svg_text(html, x_of(axes, (double)result->gpus), SCALE_HEIGHT + 26, "middle", gpus);
  }
  svg_text(html, SCALE_LEFT + SCALE_SPAN / 2, SCALE_HEIGHT + 44, "middle", "GPUs; the batch grows with them");
}

static void add_point(GString *html, const Axes *axes, const MoeResult *result, double mfu)
{
  svg_put(html, "@,@ ", x_of(axes, (double)result->gpus), y_of(axes, mfu));
}

static void draw_band(GString *html, const Axes *axes, const MoeScaleSeries *series, const char *hue)
{
  guint n = series->results->len;

  g_string_append(html, "<polygon points=\"");
  for (guint i = 0; i < 2 * n; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i < n ? i : 2 * n - 1 - i);

    if (has_interval(result))
      add_point(html, axes, result, i < n ? result->interval.mfu_causal_p10 : result->interval.mfu_causal_p90);
  }
  g_string_append_printf(html, "\" fill=\"%s\" fill-opacity=\"0.16\"/>\n", hue);
}

static void draw_cross(GString *html, double x, double y, double size)
{
  svg_line(html, x - size, y - size, x + size, y + size, "class=\"alarm\"");
  svg_line(html, x - size, y + size, x + size, y - size, "class=\"alarm\"");
}

static void draw_series(GString *html, const Axes *axes, const MoeScaleSeries *series, guint number)
{
  const char *hue = line_hue[number % G_N_ELEMENTS(line_hue)];

  draw_band(html, axes, series, hue);
  g_string_append(html, "<polyline points=\"");
  for (guint i = 0; i < series->results->len; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i);

    add_point(html, axes, result, result->mfu_causal);
  }
  g_string_append_printf(html, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-dasharray=\"%u %u\"/>\n",
                         hue, number == 0 ? 1 : 12 - 3 * (number % 4), number == 0 ? 0 : 4);
  for (guint i = 0; i < series->results->len; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i);
    double x = x_of(axes, (double)result->gpus), published = moe_result_published_mfu(result);

    svg_box(html, x - 4, y_of(axes, result->mfu_causal) - 4, 8, 8, "class=\"point\"", NULL);
    if (!result->memory.fits)
      draw_cross(html, x, y_of(axes, result->mfu_causal), 7);
    if (published > 0 && !result->published.full_convention)
      svg_text(html, x, y_of(axes, published) + 6, "middle", "\u2605");
  }
}

static void draw_legend(GString *html, const MoePage *page)
{
  double x = SCALE_LEFT + SCALE_SPAN + 24, y = 20;

  for (guint s = 0; s < page->n_scale; s++, y += LEGEND) {
    g_autofree char *paint = g_strdup_printf("fill=\"%s\"", line_hue[s % G_N_ELEMENTS(line_hue)]);

    svg_box(html, x, y - 8, 18, 4, paint, NULL);
    svg_text(html, x + 26, y, "start", page->scale[s].label);
  }
  svg_text(html, x + 9, y + 2, "middle", "\u2605");
  svg_text(html, x + 26, y, "start", "published");
  draw_cross(html, x + 9, y + LEGEND - 4, 6);
  svg_text(html, x + 26, y + LEGEND, "start", "does not fit memory");
}

void html_scale(GString *html, const MoePage *page)
{
  static const MoeColumn columns[] = {
      {"GPUs", "gpus", "r"},
      {"MFU causal", "mfu.causal", "r", "%"},
      {"tokens/s per GPU", "tokens_per_s_per_gpu", "r", "%.0f"},
      {"memory", "memory.peak_bytes", "r", "B"},
      {"fits", "memory.fits", "l", "yes"},
  };

  if (page->n_scale == 0 || page->scale[0].results->len == 0)
    return;
  Axes axes = find_axes(page);

  html_section(html, "scale", "On other numbers of GPUs");
  svg_start(html, "MFU against the number of GPUs", SCALE_HEIGHT + 54);
  draw_axes(html, &axes, &page->scale[0]);
  for (guint s = page->n_scale; s-- > 0;) /* the page's own run on top */
    draw_series(html, &axes, &page->scale[s], s);
  draw_legend(html, page);
  svg_end(html);
  g_autoptr(JsonNode) records = moe_describe_results(page->scale[0].results);

  html_records(html, json_node_get_array(records), columns, G_N_ELEMENTS(columns));
  html_section_end(html);
}

/* ---- comparison -------------------------------------------------------------------------------------------------- */

static char *machine(JsonObject *record)
{
  return moe_record_say(record, "{cluster}, {gpus} GPUs");
}

void html_comparison(GString *html, const MoePage *page)
{
  static const MoeColumn columns[] = {
      {"run", .place = "l", .text = moe_record_label},
      {"machine", .place = "l", .text = machine},
      {"step", "step_time_s", "r", "s"},
      {"MFU causal", "mfu.causal", "r", "%"},
      {"MFU full", "mfu.full", "r", "%"},
      {"tokens/s per GPU", "tokens_per_s_per_gpu", "r", "%.0f"},
      {"memory", "memory.peak_bytes", "r", "B"},
      {"fits", "memory.fits", "l", "yes"},
  };

  if (!page->rivals || page->rivals->len == 0)
    return;
  g_autoptr(JsonArray) rows = json_array_new();

  json_array_add_element(rows, moe_describe_result(page->result));
  for (guint i = 0; i < page->rivals->len; i++)
    json_array_add_element(rows, moe_describe_result(page->rivals->pdata[i]));
  html_section(html, "comparison", "Beside other runs");
  html_records(html, rows, columns, G_N_ELEMENTS(columns));
  for (guint i = 0; i < page->rivals->len; i++) {
    const MoeResult *rival = g_ptr_array_index(page->rivals, i);
    g_autofree char *label = moe_result_label(rival);

    html_element(html, "h3", NULL, label);
    html_waterfall(html, rival);
  }
  html_section_end(html);
}
