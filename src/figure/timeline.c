/* Who does what when, as boxes. */
#include "timeline.h"
#include "base/base.h"
#include "metrics/metrics.h"
#include "spec/work.h"
#include "svg.h"

#include <string.h>

#define PIXELS       2000 /* boxes of one kind with gaps below a pixel of so wide a picture look like one */
#define PS_PER_MS    1e9
#define PLOT_SHARE   0.78 /* of a figure's width is the plot, the rest are lanes' names and margins */
#define LETTER_WIDTH 7.0  /* points, at the size of names in boxes */

/* What each stream does, for those who do not know our words for them; by MoeStream. */
static const char *const lane_titles[MOE_N_STREAMS] = {
    [MOE_STREAM_COMPUTE] = "compute",           [MOE_STREAM_EXPERT] = "dispatch, combine",
    [MOE_STREAM_REDUCE] = "gradient reduction", [MOE_STREAM_GATHER] = "parameter gather",
    [MOE_STREAM_TENSOR] = "tensor, context",    [MOE_STREAM_SEND] = "pipeline send",
    [MOE_STREAM_RECV] = "pipeline receive",     [MOE_STREAM_OUT] = "copy to host",
    [MOE_STREAM_IN] = "copy from host",
};

/* On what names stand: a light box, a dark one, idle time, whose shade goes with the theme; as in plots/timeline.gp. */
typedef enum { SHADE_LIGHT, SHADE_DARK, SHADE_IDLE } Shade;

static const Shade kind_shade[N_KINDS] = {
    [KIND_FORWARD] = SHADE_DARK,    [KIND_DGRAD] = SHADE_LIGHT,    [KIND_WGRAD] = SHADE_DARK,
    [KIND_RECOMPUTE] = SHADE_LIGHT, [KIND_OPTIMIZER] = SHADE_DARK, [KIND_NVLINK] = SHADE_DARK,
    [KIND_NETWORK] = SHADE_DARK,    [KIND_COPY] = SHADE_LIGHT,     [KIND_BUBBLE] = SHADE_IDLE,
    [KIND_IDLE] = SHADE_IDLE,
};

const char *const timeline_kind_titles[N_KINDS] = {
    "forward",          "backward, inputs",  "backward, weights", "recomputation",   "optimizer",
    "transfer, NVLink", "transfer, network", "host copy",         "pipeline bubble", "idle, other cause"};

MoeTimeline *moe_timeline_new(void)
{
  MoeTimeline *timeline = g_new0(MoeTimeline, 1);

  timeline->boxes = g_array_new(FALSE, FALSE, sizeof(Box));
  return timeline;
}

void moe_timeline_free(MoeTimeline *timeline)
{
  if (!timeline)
    return;
  g_array_unref(timeline->boxes);
  g_free(timeline);
}

static Kind kind_of_kernel(guint pass)
{
  static const Kind kinds[MOE_N_PASSES] = {[MOE_PASS_FORWARD] = KIND_FORWARD,
                                           [MOE_PASS_DGRAD] = KIND_DGRAD,
                                           [MOE_PASS_WGRAD] = KIND_WGRAD,
                                           [MOE_PASS_RECOMPUTE] = KIND_RECOMPUTE,
                                           [MOE_PASS_OPTIMIZER] = KIND_OPTIMIZER};

  return pass < MOE_N_PASSES ? kinds[pass] : KIND_IDLE;
}

static Kind kind_of_slice(const MoeSlice *slice)
{
  if (slice->stream == MOE_N_STREAMS)
    return slice->cause == MOE_CAUSE_BUBBLE ? KIND_BUBBLE : KIND_IDLE;
  switch (slice->cause) {
  case MOE_CAUSE_NVLINK_EXPOSED:
    return KIND_NVLINK;
  case MOE_CAUSE_NETWORK_EXPOSED:
    return KIND_NETWORK;
  case MOE_CAUSE_COPY_EXPOSED:
    return KIND_COPY;
  case MOE_CAUSE_PEER_WAIT:
  case MOE_CAUSE_BUBBLE:
  case MOE_CAUSE_DATA:
    return KIND_IDLE;
  default:
    return slice->stream == MOE_STREAM_COMPUTE ? kind_of_kernel(slice->pass) : KIND_IDLE;
  }
}

/* Idle time is named by what is waited for. */
static const char *name_of(const MoeSlice *slice)
{
  return g_intern_string(slice->stream == MOE_N_STREAMS ? moe_cause_title(slice->cause) : slice->name);
}

void moe_timeline_slice(const MoeSlice *slice, gpointer user_data)
{
  MoeTimeline *timeline = user_data;
  guint stream = slice->stream == MOE_N_STREAMS ? MOE_STREAM_COMPUTE : slice->stream;
  Box box = {
      slice->rank * MOE_N_STREAMS + stream, kind_of_slice(slice), name_of(slice), slice->start, slice->end, 0, 1};

  /* A transfer stream that waits is drawn as the gap that it is. */
  gboolean waits = box.kind == KIND_IDLE || box.kind == KIND_BUBBLE;

  if (box.end > box.start && !(waits && stream != MOE_STREAM_COMPUTE))
    g_array_append_val(timeline->boxes, box);
}

static int by_number(gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *)a;
  gint64 right = *(const gint64 *)b;

  return (left > right) - (left < right);
}

/* Distinct lanes in order. */
GArray *timeline_lanes(const GArray *boxes)
{
  g_autoptr(GHashTable) seen = g_hash_table_new(g_int64_hash, g_int64_equal);
  GArray *lanes = g_array_new(FALSE, FALSE, sizeof(gint64));

  for (guint i = 0; i < boxes->len; i++) {
    Box *box = &g_array_index(boxes, Box, i);

    if (g_hash_table_add(seen, &box->lane))
      g_array_append_val(lanes, box->lane);
  }
  g_array_sort(lanes, by_number);
  return lanes;
}

guint timeline_lane(const GArray *lanes, gint64 lane)
{
  guint index = 0;
  gboolean found = g_array_binary_search((GArray *)lanes, &lane, by_number, &index);

  g_assert(found);
  return index;
}

static double ms(MoeTime time)
{
  return (double)time / PS_PER_MS;
}

char *timeline_lane_title(gint64 lane)
{
  return g_strdup_printf("rank %" G_GINT64_FORMAT " %s", lane / MOE_N_STREAMS, lane_titles[lane % MOE_N_STREAMS]);
}

/* Every kind gets a block, so that colours and legend do not depend on what a run happens to do. */
static void append_kind(GString *text, const GArray *boxes, const GArray *lanes, Kind kind)
{
  g_string_append_printf(text, "%s\tfrom ms\tto ms\tlow\thigh\n", timeline_kind_titles[kind]);
  for (guint i = 0; i < boxes->len; i++) {
    const Box *box = &g_array_index(boxes, Box, i);

    if (box->kind == kind)
      plot_cells(text, "dNNpp\n", (int)timeline_lane(lanes, box->lane), ms(box->start), ms(box->end), box->low,
                 box->high);
  }
  g_string_append(text, "\n\n");
}

/* Names of boxes that have the room; a figure is `width` points wide. */
static void append_names(GString *text, const GArray *boxes, const GArray *lanes, MoeTime span, int width)
{
  double points_per_ps = PLOT_SHARE * width / (double)MAX(span, 1);

  g_string_append(text, "lane\tmiddle ms\tname\tshade\n");
  for (guint i = 0; i < boxes->len; i++) {
    const Box *box = &g_array_index(boxes, Box, i);
    double room = (double)(box->end - box->start) * points_per_ps;

    if (box->name && (double)(strlen(box->name) + 1) * LETTER_WIDTH <= room)
      plot_cells(text, "dNsd\n", (int)timeline_lane(lanes, box->lane), ms(box->start + (box->end - box->start) / 2),
                 box->name, (int)kind_shade[box->kind]);
  }
  g_string_append(text, "\n\n");
}

static void append_lanes(GString *text, const GArray *lanes)
{
  g_string_append(text, "lane\tname\n");
  for (guint i = 0; i < lanes->len; i++) {
    g_autofree char *title = timeline_lane_title(g_array_index(lanes, gint64, i));

    plot_cells(text, "ds\n", (int)i, title);
  }
}

MoeTime timeline_end(const MoeTimeline *timeline)
{
  MoeTime end = 0;

  for (guint i = 0; i < timeline->boxes->len; i++)
    end = MAX(end, g_array_index(timeline->boxes, Box, i).end);
  return end;
}

char *moe_timeline_data(const MoeTimeline *timeline, MoeTime from, MoeTime to, int width)
{
  MoeTime until = to > 0 ? to : timeline_end(timeline), span = MAX(until - from, 0);
  g_autoptr(GArray) boxes = timeline_boxes(timeline, from, until, span / PIXELS);
  GString *text = g_string_new(NULL);

  g_autoptr(GArray) lanes = timeline_lanes(boxes);

  for (guint kind = 0; kind < N_KINDS; kind++)
    append_kind(text, boxes, lanes, kind);
  append_names(text, boxes, lanes, span, width);
  append_lanes(text, lanes);
  return g_string_free(text, FALSE);
}
