/*
 * Memory and link load over time, as the sum of what slices change. Memory is absolute: the most that a rank's
 * operations add to what it holds throughout is its stage's peak.
 */
#include "program/program.h"
#include "trace_story.h"

#include <math.h>

#define GB      1e9
#define NOTHING 1e-6 /* GB or GB/s below which a sum of differences is zero */

typedef enum {
  COUNTER_MEMORY,
  COUNTER_CAPACITY,
  COUNTER_LINK, /* + MoeLink */
} Counter;

const TraceCounter trace_counters[] = {
    {"memory", "GB"},         {"memory capacity", "GB"}, {"NVLink sent", "GB/s"},
    {"network sent", "GB/s"}, {"host link", "GB/s"},
};
const guint trace_n_counters = G_N_ELEMENTS(trace_counters);

/* A point whose value is still a difference. */
static void add_change(GArray *points, int64_t rank, guint counter, int64_t time_ns, double delta)
{
  TracePoint change = {rank, time_ns, counter, delta};

  if (delta != 0)
    g_array_append_val(points, change);
}

static void add_slice(GArray *points, const TraceSlice *slice)
{
  double seconds = (double)(slice->end_ns - slice->start_ns) * 1e-9;

  add_change(points, slice->rank, COUNTER_MEMORY, slice->start_ns, slice->memory_start_bytes / GB);
  add_change(points, slice->rank, COUNTER_MEMORY, slice->end_ns, slice->memory_end_bytes / GB);
  for (guint link = 0; link < MOE_N_LINKS && seconds > 0; link++) {
    double rate = slice->sent_bytes[link] / seconds / GB;

    add_change(points, slice->rank, COUNTER_LINK + link, slice->start_ns, rate);
    add_change(points, slice->rank, COUNTER_LINK + link, slice->end_ns, -rate);
  }
}

static gint by_place(gconstpointer a, gconstpointer b)
{
  const TracePoint *left = a, *right = b;

  if (left->rank != right->rank)
    return left->rank < right->rank ? -1 : 1;
  if (left->counter != right->counter)
    return left->counter < right->counter ? -1 : 1;
  return (left->time_ns > right->time_ns) - (left->time_ns < right->time_ns);
}

static gboolean same_counter(const TracePoint *a, const TracePoint *b)
{
  return a->rank == b->rank && a->counter == b->counter;
}

/* Differences become values; of several at one time the last stays. */
static void sum_up(GArray *points)
{
  double value = 0;
  guint kept = 0;

  for (guint i = 0; i < points->len; i++) {
    TracePoint point = g_array_index(points, TracePoint, i);
    TracePoint *last = kept > 0 ? &g_array_index(points, TracePoint, kept - 1) : NULL;
    gboolean goes_on = last && same_counter(last, &point);

    value = (goes_on ? value : 0) + point.value;
    point.value = fabs(value) < NOTHING ? 0 : value;
    if (goes_on && last->time_ns == point.time_ns)
      *last = point;
    else
      g_array_index(points, TracePoint, kept++) = point;
  }
  g_array_set_size(points, kept);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static double peak_gb(const TraceStory *story, int64_t rank)
{
  MoeCoordinates at;

  if (!story->result)
    return 0;
  moe_layout_coordinates(story->layout, rank, &at);
  return story->result->memory.role[at.stage].peak_bytes / GB;
}

/* Lifts the memory of a rank, points first to end - 1, so that its highest value is the stage's peak. */
static void lift(const TraceStory *story, guint first, guint end)
{
  TracePoint *point = &g_array_index(story->points, TracePoint, 0);
  double most = 0;

  for (guint i = first; i < end; i++)
    most = MAX(most, point[i].value);
  double held = MAX(peak_gb(story, point[first].rank) - most, 0);

  for (guint i = first; i < end; i++)
    point[i].value += held;
}

static void lift_memory(TraceStory *story)
{
  for (guint i = 0; i < story->points->len;) {
    guint end = i + 1;

    while (end < story->points->len &&
           same_counter(&g_array_index(story->points, TracePoint, i), &g_array_index(story->points, TracePoint, end)))
      end++;
    if (g_array_index(story->points, TracePoint, i).counter == COUNTER_MEMORY)
      lift(story, i, end);
    i = end;
  }
}

/* The line that memory must not cross. */
static void add_capacity(TraceStory *story)
{
  double capacity = story->result ? story->result->memory.capacity_bytes / GB : 0;
  int64_t last_rank = -1;

  for (guint i = 0; i < story->slices->len && capacity > 0; i++) {
    const TraceSlice *slice = trace_slice_at(story, i);

    if (slice->rank != last_rank)
      add_change(story->points, slice->rank, COUNTER_CAPACITY, 0, capacity);
    last_rank = slice->rank;
  }
}

void trace_count(TraceStory *story)
{
  for (guint i = 0; i < story->slices->len; i++)
    add_slice(story->points, trace_slice_at(story, i));
  add_capacity(story);
  g_array_sort(story->points, by_place); /* stable: equal times keep the order in which they came */
  sum_up(story->points);
  lift_memory(story);
}
