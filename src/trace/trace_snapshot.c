/*
 * Snapshot of memory as PyTorch's viewer opens it (pytorch.org/memory_viz reads JSON where it is no pickle): what is
 * held throughout the step as blocks of a segment, what comes and goes as allocations and frees with their times. A
 * device is a rank of the trace.
 *
 * The program says by how much memory changes, not which tensor: a decrease frees what the same layer and micro-batch
 * allocated last, then what anyone did, and cuts an allocation that is larger.
 */
#include "program/program.h"
#include "study/study.h"
#include "trace_story.h"

#include <string.h>

#define FIRST_ADDRESS G_GUINT64_CONSTANT(0x7f0000000000)
#define LEAST_BYTES   1.0 /* less is rounding of sums */
#define NS_PER_US     1000
#define NEVER_FREED   G_MAXINT64
#define FRAMES        "\"frames\": [{\"name\": \"%s\", \"filename\": \"%s\", \"line\": %d}]"

/* A change of memory at a time. */
typedef struct {
  int64_t time_ns;
  guint order;
  double bytes;
  const TraceSlice *slice;
} Change;

/* An allocation, or the part of one that is freed at once. */
typedef struct {
  int64_t from_ns, to_ns;
  guint64 address;
  double bytes;
  const TraceSlice *slice; /* that allocated it */
} Piece;

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static gint by_time(gconstpointer a, gconstpointer b)
{
  const Change *left = a, *right = b;

  if (left->time_ns != right->time_ns)
    return left->time_ns < right->time_ns ? -1 : 1;
  return (left->order > right->order) - (left->order < right->order);
}

static void add_change(GArray *changes, const TraceSlice *slice, int64_t time_ns, double bytes)
{
  Change change = {time_ns, changes->len, bytes, slice};

  if (bytes != 0)
    g_array_append_val(changes, change);
}

/* Index of the live piece to free next. */
static guint find_live(const GArray *live, const TraceSlice *slice)
{
  for (guint i = live->len; i-- > 0;) {
    const TraceSlice *other = g_array_index(live, Piece, i).slice;

    if (other->layer == slice->layer && other->micro_batch == slice->micro_batch)
      return i;
  }
  return live->len - 1;
}

static void release(GArray *live, GArray *done, const Change *change)
{
  double left = -change->bytes;

  while (left >= LEAST_BYTES && live->len > 0) {
    guint index = find_live(live, change->slice);
    Piece *piece = &g_array_index(live, Piece, index), freed = *piece;

    freed.bytes = MIN(piece->bytes, left);
    freed.to_ns = change->time_ns;
    g_array_append_val(done, freed);
    left -= freed.bytes;
    piece->bytes -= freed.bytes;
    piece->address += (guint64)freed.bytes;
    if (piece->bytes < LEAST_BYTES)
      g_array_remove_index(live, index);
  }
}

/* What the slices of a rank, first to end - 1, allocate and free; *peak the most that is live. */
static GArray *find_pieces(const TraceStory *story, guint first, guint end, double *peak)
{
  g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(Change));
  g_autoptr(GArray) live = g_array_new(FALSE, FALSE, sizeof(Piece));
  GArray *done = g_array_new(FALSE, FALSE, sizeof(Piece));
  guint64 address = 2 * FIRST_ADDRESS;
  double now = 0;

  for (guint i = first; i < end; i++) {
    const TraceSlice *slice = trace_slice_at(story, i);

    add_change(changes, slice, slice->start_ns, slice->memory_start_bytes);
    add_change(changes, slice, slice->end_ns, slice->memory_end_bytes);
  }
  g_array_sort(changes, by_time);
  for (guint i = 0; i < changes->len; i++) {
    const Change *change = &g_array_index(changes, Change, i);
    Piece piece = {change->time_ns, NEVER_FREED, address, change->bytes, change->slice};

    now += change->bytes;
    *peak = MAX(*peak, now);
    if (change->bytes < 0) {
      release(live, done, change);
      continue;
    }
    g_array_append_val(live, piece);
    address += (guint64)piece.bytes + 1;
  }
  g_array_append_vals(done, live->data, live->len);
  return done;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* Begin or end of a piece. */
typedef struct {
  int64_t time_ns;
  guint order;
  gboolean frees;
  const Piece *piece;
} Event;

static gint by_moment(gconstpointer a, gconstpointer b)
{
  const Event *left = a, *right = b;

  if (left->time_ns != right->time_ns)
    return left->time_ns < right->time_ns ? -1 : 1;
  if (left->frees != right->frees)
    return left->frees ? -1 : 1;
  return (left->order > right->order) - (left->order < right->order);
}

static void write_event(MoeOutput *output, const Event *event, const char *action, const char *separator)
{
  const Piece *piece = event->piece;
  g_autofree char *place =
      piece->slice->layer < 0 ? g_strdup(piece->slice->block) : g_strdup_printf("layer %d", piece->slice->layer);

  moe_output_printf(output,
                    "%s{\"action\": \"%s\", \"addr\": %" G_GUINT64_FORMAT ", \"size\": %" G_GUINT64_FORMAT
                    ", \"stream\": 0, \"time_us\": %" G_GINT64_FORMAT ", " FRAMES "}",
                    separator, action, piece->address, (guint64)piece->bytes, event->time_ns / NS_PER_US,
                    piece->slice->name, place, (int)piece->slice->micro_batch);
}

static void write_trace(MoeOutput *output, const GArray *pieces)
{
  g_autoptr(GArray) events = g_array_new(FALSE, FALSE, sizeof(Event));
  const char *separator = "\n";

  for (guint i = 0; i < pieces->len; i++) {
    const Piece *piece = &g_array_index(pieces, Piece, i);
    Event begin = {piece->from_ns, i, FALSE, piece}, end = {piece->to_ns, i, TRUE, piece};

    if (piece->bytes < LEAST_BYTES)
      continue;
    g_array_append_val(events, begin);
    if (piece->to_ns != NEVER_FREED)
      g_array_append_val(events, end);
  }
  g_array_sort(events, by_moment);
  for (guint i = 0; i < events->len; i++, separator = ",\n") {
    const Event *event = &g_array_index(events, Event, i);

    if (event->frees)
      write_event(output, event, "free_requested", separator);
    write_event(output, event, event->frees ? "free_completed" : "alloc", event->frees ? ",\n" : separator);
  }
}

/* What is held throughout, part by part: what the peak has beyond what comes and goes. */
static void write_segment(const TraceStory *story, MoeOutput *output, guint device, int64_t rank, double peak)
{
  static const MoeMemoryPart parts[] = {MOE_MEMORY_WEIGHTS, MOE_MEMORY_OPTIMIZER, MOE_MEMORY_GRADIENTS,
                                        MOE_MEMORY_WORKSPACE};
  const MoeFootprint *role = NULL;
  MoeCoordinates at;
  guint64 address = FIRST_ADDRESS;

  moe_layout_coordinates(story->layout, rank, &at);
  role = story->result ? &story->result->memory.role[at.stage] : NULL;
  double held = role ? MAX(role->counted_bytes[MOE_MEMORY_ALLOCATED] - peak, 0) : 0, left = held;

  moe_output_printf(output,
                    "%s{\"device\": %u, \"address\": %" G_GUINT64_FORMAT ", \"total_size\": %" G_GUINT64_FORMAT
                    ", \"stream\": 0, \"segment_type\": \"large\", \"segment_pool_id\": [0, 0], \"allocated_size\": "
                    "%" G_GUINT64_FORMAT ", \"active_size\": %" G_GUINT64_FORMAT ", \"blocks\": [",
                    device > 0 ? ",\n" : "\n", device, address, (guint64)held, (guint64)held, (guint64)held);
  for (guint i = 0; i < G_N_ELEMENTS(parts) && role; i++) {
    gboolean last = i + 1 == G_N_ELEMENTS(parts);
    guint64 bytes = (guint64)(last ? left : MIN(role->part_bytes[parts[i]], left));

    moe_output_printf(output,
                      "%s\n  {\"address\": %" G_GUINT64_FORMAT ", \"size\": %" G_GUINT64_FORMAT
                      ", \"requested_size\": %" G_GUINT64_FORMAT ", \"state\": \"active_allocated\", " FRAMES "}",
                      i > 0 ? "," : "", address, bytes, bytes, moe_memory_words[parts[i]], "held throughout", 0);
    address += bytes;
    left -= (double)bytes;
  }
  moe_output_printf(output, "]}");
}

static guint end_of_rank(const TraceStory *story, guint first)
{
  guint end = first;

  while (end < story->slices->len && trace_slice_at(story, end)->rank == trace_slice_at(story, first)->rank)
    end++;
  return end;
}

void trace_write_snapshot(const TraceStory *story, MoeOutput *output)
{
  g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);

  moe_output_printf(output, "{\"segments\": [");
  for (guint first = 0, end; first < story->slices->len; first = end) {
    double peak = 0;

    end = end_of_rank(story, first);
    g_ptr_array_add(pieces, find_pieces(story, first, end, &peak));
    write_segment(story, output, pieces->len - 1, trace_slice_at(story, first)->rank, peak);
  }
  moe_output_printf(output, "],\n\"device_traces\": [");
  for (guint i = 0; i < pieces->len; i++) {
    moe_output_printf(output, "%s[", i > 0 ? ",\n" : "");
    write_trace(output, g_ptr_array_index(pieces, i));
    moe_output_printf(output, "]");
  }
  moe_output_printf(output, "],\n\"allocator_settings\": {}, \"external_annotations\": []}\n");
}

/* ---- of the fullest GPU ------------------------------------------------------------------------------------------ */

/* The first rank of the stage that peaks. */
static int64_t fullest_rank(const MoeRun *run, const MoeSimOptions *sim, GError **error)
{
  g_autoptr(MoeResult) result = moe_study_predict(run, sim, error);
  g_autoptr(MoeLayout) layout = result ? moe_layout_new(&run->parallelism, error) : NULL;

  return layout ? moe_layout_on_stage(layout, 0, result->memory.peak_role) : -1;
}

int64_t moe_snapshot_save(const char *path, const MoeRun *run, const MoeSimOptions *sim, const char *version,
                          GError **error)
{
  int64_t rank = fullest_rank(run, sim, error);
  g_autoptr(MoeTrace) trace = rank >= 0 ? moe_snapshot_new(path, run, error) : NULL;
  MoeSimOptions traced = *sim;

  if (!trace)
    return -1;
  traced.slice = moe_trace_slice;
  traced.slice_data = trace;
  traced.n_trace_ranks = 1;
  traced.trace_ranks = &rank;
  g_autoptr(MoeResult) result = moe_study_predict(run, &traced, error);

  return result && moe_trace_commit(trace, result, version, error) ? rank : -1;
}
