/* Boxes that can be seen: wide ones as they are, of narrow ones the shares that each kind has in a column of some
 * pixels. */
#include "base/base.h"
#include "timeline.h"

#define NARROW   4    /* pixels: a box below that is part of a column */
#define ROUNDING 1e-9 /* of sums of shares */

/* A column in the making. */
typedef struct {
  gint64 lane;
  MoeTime number, start, end; /* of the column; of what is in it */
  MoeTime time[N_KINDS];
  const char *name; /* of the last box in it */
  guint n;
} Column;

static int by_time(gconstpointer a, gconstpointer b)
{
  const Box *left = a, *right = b;

  if (left->lane != right->lane)
    return left->lane < right->lane ? -1 : 1;
  return (left->start > right->start) - (left->start < right->start);
}

static int by_kind(gconstpointer a, gconstpointer b)
{
  const Box *left = a, *right = b;

  if (left->kind != right->kind)
    return left->kind < right->kind ? -1 : 1;
  return by_time(a, b);
}

static GArray *boxes_within(const MoeTimeline *timeline, MoeTime from, MoeTime to)
{
  GArray *chosen = g_array_new(FALSE, FALSE, sizeof(Box));

  for (guint i = 0; i < timeline->boxes->len; i++) {
    Box box = g_array_index(timeline->boxes, Box, i);

    if (box.end <= from || box.start >= to)
      continue;
    box.start = MAX(box.start, from);
    box.end = MIN(box.end, to);
    g_array_append_val(chosen, box);
  }
  g_array_sort(chosen, by_time);
  return chosen;
}

static gboolean is_whole(const Box *box)
{
  return box->low == 0 && box->high == 1;
}

/* Adds a box, or lengthens the one before when both look like one. */
static void add_box(GArray *boxes, const Box *box, MoeTime pixel)
{
  Box *last = boxes->len > 0 ? &g_array_index(boxes, Box, boxes->len - 1) : NULL;

  if (last && is_whole(last) && is_whole(box) && last->lane == box->lane && last->kind == box->kind &&
      box->start - last->end < pixel && (last->name == box->name || !last->name || !box->name)) {
    last->end = MAX(last->end, box->end);
    last->name = last->name ? last->name : box->name;
  } else {
    g_array_append_val(boxes, *box);
  }
}

static void end_column(GArray *boxes, Column *column, MoeTime pixel)
{
  double low = 0, total = (double)(column->end - column->start);

  for (guint kind = 0; kind < N_KINDS && total > 0; kind++) {
    double high = low + (double)column->time[kind] / total;
    Box box = {.lane = column->lane,
               .kind = kind,
               .name = column->n == 1 ? column->name : NULL,
               .start = column->start,
               .end = column->end,
               .low = low,
               .high = high > 1 - ROUNDING ? 1 : high};

    if (column->time[kind] > 0)
      add_box(boxes, &box, pixel);
    low = high;
  }
  *column = (Column){.lane = -1};
}

/* Puts a narrow box into the columns that it crosses. */
static void add_narrow(GArray *boxes, Column *column, const Box *box, MoeTime width, MoeTime pixel)
{
  for (MoeTime start = box->start; start < box->end;) {
    MoeTime number = start / width, end = MIN((number + 1) * width, box->end);

    if (column->lane != box->lane || column->number != number) {
      end_column(boxes, column, pixel);
      *column = (Column){.lane = box->lane, .number = number, .start = start};
    }
    column->time[box->kind] += end - start;
    column->end = end;
    column->name = box->name;
    column->n++;
    start = end;
  }
}

GArray *timeline_boxes(const MoeTimeline *timeline, MoeTime from, MoeTime to, MoeTime pixel)
{
  g_autoptr(GArray) chosen = boxes_within(timeline, from, to);
  GArray *boxes = g_array_new(FALSE, FALSE, sizeof(Box));
  Column column = {.lane = -1};

  for (guint i = 0; i < chosen->len; i++) {
    const Box *box = &g_array_index(chosen, Box, i);

    if (box->end - box->start < NARROW * pixel) {
      add_narrow(boxes, &column, box, NARROW * pixel, pixel);
      continue;
    }
    end_column(boxes, &column, pixel);
    add_box(boxes, box, pixel);
  }
  end_column(boxes, &column, pixel);
  g_array_sort(boxes, by_kind);
  return boxes;
}
