/* What a GPU was doing at each instant. */
#include "internal.h"

/* Begin or end of a span. */
typedef struct {
  double time_s;
  DiffState state;
  int change;
} Edge;

static gint by_time(gconstpointer a, gconstpointer b)
{
  const Edge *x = a, *y = b;

  return (x->time_s > y->time_s) - (x->time_s < y->time_s);
}

static GArray *edges_of(const GArray *spans)
{
  GArray *edges = g_array_sized_new(FALSE, FALSE, sizeof(Edge), 2 * spans->len);

  for (guint i = 0; i < spans->len; i++) {
    const DiffSpan *span = &g_array_index(spans, DiffSpan, i);
    Edge begin = {span->start_s, span->state, 1}, end = {span->end_s, span->state, -1};

    g_array_append_val(edges, begin);
    g_array_append_val(edges, end);
  }
  g_array_sort(edges, by_time);
  return edges;
}

void diff_sum_states(const GArray *spans, double steps, double state_s[DIFF_N_STATES], double *overlapped_s)
{
  g_autoptr(GArray) edges = edges_of(spans);
  int running[DIFF_N_STATES] = {0};

  for (guint i = 0; i + 1 < edges->len; i++) {
    const Edge *edge = &g_array_index(edges, Edge, i);
    double until_s = (edge[1].time_s - edge->time_s) / steps;
    DiffState state = DIFF_KERNELS;

    running[edge->state] += edge->change;
    while (state < DIFF_IDLE && running[state] == 0)
      state++;
    state_s[state] += until_s;
    if (running[DIFF_KERNELS] > 0 && running[DIFF_COMMUNICATION] > 0)
      *overlapped_s += until_s;
  }
}
