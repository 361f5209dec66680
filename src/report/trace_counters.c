/* Memory and link load over time, as the sum of what slices change. */
#include "trace_counters.h"

#include <math.h>

#define PS_PER_US 1000000 /* the format counts microseconds */
#define GB        1e9
#define NOTHING   1e-6 /* GB or GB/s below which a sum of differences is zero */

typedef enum { COUNTER_MEMORY, COUNTER_LINK /* + MoeLink */, N_COUNTERS = COUNTER_LINK + MOE_N_LINKS } Counter;

static const struct {
  const char *name, *unit;
} counters_shown[N_COUNTERS] = {
    {"memory beyond the step's start", "GB"},
    {"NVLink sent", "GB/s"},
    {"network sent", "GB/s"},
    {"host link", "GB/s"},
};

typedef struct {
  gint64 rank;
  guint counter;
  MoeTime time;
  double delta; /* GB or GB/s */
} Change;

struct MoeCounters {
  GArray *changes;
};

MoeCounters *moe_counters_new(void)
{
  MoeCounters *counters = g_new0(MoeCounters, 1);

  counters->changes = g_array_new(FALSE, FALSE, sizeof(Change));
  return counters;
}

void moe_counters_free(MoeCounters *counters)
{
  if (!counters)
    return;
  g_array_unref(counters->changes);
  g_free(counters);
}

static void add_change(MoeCounters *counters, gint64 rank, guint counter, MoeTime time, double delta)
{
  Change change = {rank, counter, time, delta};

  if (delta != 0)
    g_array_append_val(counters->changes, change);
}

void moe_counters_add(MoeCounters *counters, const MoeSlice *slice)
{
  double seconds = moe_time_to_seconds(slice->end - slice->start);

  add_change(counters, slice->rank, COUNTER_MEMORY, slice->start, slice->memory_start_bytes / GB);
  add_change(counters, slice->rank, COUNTER_MEMORY, slice->end, slice->memory_end_bytes / GB);
  for (guint link = 0; link < MOE_N_LINKS && seconds > 0; link++) {
    double rate = slice->sent_bytes[link] / seconds / GB;

    add_change(counters, slice->rank, COUNTER_LINK + link, slice->start, rate);
    add_change(counters, slice->rank, COUNTER_LINK + link, slice->end, -rate);
  }
}

static gint by_place(gconstpointer a, gconstpointer b)
{
  const Change *left = a, *right = b;

  if (left->rank != right->rank)
    return left->rank < right->rank ? -1 : 1;
  if (left->counter != right->counter)
    return left->counter < right->counter ? -1 : 1;
  return (left->time > right->time) - (left->time < right->time);
}

static void write_value(MoeOutput *output, const Change *at, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  moe_output_printf(output,
                    ",\n{\"name\":\"%s\",\"ph\":\"C\",\"pid\":%" G_GINT64_FORMAT ",\"tid\":0,\"ts\":%" G_GINT64_FORMAT
                    ".%06d,\"dur\":0,\"args\":{\"%s\":%s}}",
                    counters_shown[at->counter].name, at->rank, (gint64)(at->time / PS_PER_US),
                    (int)(at->time % PS_PER_US), counters_shown[at->counter].unit,
                    g_ascii_formatd(digits, sizeof digits, "%.6g", fabs(value) < NOTHING ? 0 : value));
}

static gboolean same_counter(const Change *a, const Change *b)
{
  return a->rank == b->rank && a->counter == b->counter;
}

void moe_counters_write(MoeCounters *counters, MoeOutput *output)
{
  const GArray *changes = counters->changes;
  double value = 0;

  g_array_sort(counters->changes, by_place); /* stable: equal times keep the order in which they came */
  for (guint i = 0; i < changes->len; i++) {
    const Change *change = &g_array_index(changes, Change, i);
    const Change *next = i + 1 < changes->len ? &g_array_index(changes, Change, i + 1) : NULL;

    if (i == 0 || !same_counter(change, change - 1))
      value = 0;
    value += change->delta;
    if (!next || !same_counter(change, next) || next->time != change->time)
      write_value(output, change, value);
  }
}
