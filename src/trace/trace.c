/* Collects a timeline; the file is written when the step is over and its MFU known. */
#include "metrics/metrics.h"
#include "program/program.h"
#include "record/output.h"
#include "spec/spec.h"
#include "spec/work.h"
#include "trace_story.h"

#include <string.h>

#define PS_PER_NS 1000

struct MoeTrace {
  MoeOutput *output;
  TraceWriter write;
  TraceStory story;
  GHashTable *details; /* GBytes of a kernel or collective -> its number in the story plus one */
};

/* ---- formats ----------------------------------------------------------------------------------------------------- */

/* Formats by the end of the name, ".gz" apart; the first one is what any other name gets. */
static const struct {
  const char *suffix;
  TraceWriter write;
} formats[] = {
    {".json", trace_write_json},
    {".perfetto-trace", trace_write_perfetto},
    {".folded", trace_write_folded},
};

static TraceWriter writer_for(const char *path)
{
  gsize length = strlen(path) - (g_str_has_suffix(path, ".gz") ? strlen(".gz") : 0);
  g_autofree char *name = g_strndup(path, length);

  for (guint i = 0; i < G_N_ELEMENTS(formats); i++)
    if (g_str_has_suffix(name, formats[i].suffix))
      return formats[i].write;
  return formats[0].write;
}

/* ---- collecting -------------------------------------------------------------------------------------------------- */

static MoeTrace *new_trace(const char *path, TraceWriter write, const MoeRun *run, GError **error)
{
  g_autoptr(MoeTrace) trace = g_new0(MoeTrace, 1);
  TraceStory *story = &trace->story;

  trace->details = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  story->run = run;
  story->slices = g_array_new(FALSE, FALSE, sizeof(TraceSlice));
  story->details = g_array_new(FALSE, FALSE, sizeof(TraceDetail));
  story->flows = g_array_new(FALSE, FALSE, sizeof(TraceFlow));
  story->flow_slices = g_array_new(FALSE, FALSE, sizeof(guint));
  story->points = g_array_new(FALSE, FALSE, sizeof(TracePoint));
  story->layout = moe_layout_new(&run->parallelism, error);
  trace->write = write;
  trace->output = story->layout ? moe_output_new(path, error) : NULL;
  return trace->output ? g_steal_pointer(&trace) : NULL;
}

MoeTrace *moe_trace_new(const char *path, const MoeRun *run, GError **error)
{
  return new_trace(path, writer_for(path), run, error);
}

MoeTrace *moe_snapshot_new(const char *path, const MoeRun *run, GError **error)
{
  return new_trace(path, trace_write_snapshot, run, error);
}

/* Slices of equal work share one description. */
static uint32_t detail_number(MoeTrace *trace, const MoeSlice *slice)
{
  TraceDetail detail = {0};

  if (!trace_describe(slice, &detail))
    return TRACE_NO_DETAIL;
  GBytes *key = g_bytes_new(&detail, sizeof detail);
  guint known = GPOINTER_TO_UINT(g_hash_table_lookup(trace->details, key));

  if (known > 0) {
    g_bytes_unref(key);
    return known - 1;
  }
  g_array_append_val(trace->story.details, detail);
  g_hash_table_insert(trace->details, key, GUINT_TO_POINTER(trace->story.details->len));
  return trace->story.details->len - 1;
}

void moe_trace_slice(const MoeSlice *slice, gpointer user_data)
{
  MoeTrace *trace = user_data;
  TraceSlice kept = {.rank = slice->rank,
                     .start_ns = slice->start / PS_PER_NS,
                     .end_ns = slice->end / PS_PER_NS,
                     .name = g_intern_string(slice->name),
                     .block = g_intern_string(slice->block ? slice->block : ""),
                     .micro_batch = slice->micro_batch,
                     .message = slice->message,
                     .detail = detail_number(trace, slice),
                     .order = trace->story.slices->len,
                     .layer = slice->layer,
                     .stream = slice->stream,
                     .pass = slice->pass,
                     .cause = slice->cause,
                     .collective_kind = slice->collective ? slice->collective->kind : MOE_N_COLLECTIVES,
                     .group_kind = slice->collective ? slice->collective->group : MOE_N_GROUPS,
                     .group = slice->group,
                     .memory_start_bytes = slice->memory_start_bytes,
                     .memory_end_bytes = slice->memory_end_bytes};

  memcpy(kept.cause_s, slice->cause_s, sizeof kept.cause_s);
  memcpy(kept.sent_bytes, slice->sent_bytes, sizeof kept.sent_bytes);
  g_array_append_val(trace->story.slices, kept);
}

/* ---- what slices and traces say of themselves -------------------------------------------------------------------- */

const char *trace_thread_name(guint stream)
{
  return stream < MOE_N_STREAMS ? moe_stream_words[stream] : "idle";
}

char *trace_process_name(const TraceStory *story, int64_t rank)
{
  MoeCoordinates at;

  moe_layout_coordinates(story->layout, rank, &at);
  return g_strdup_printf("rank %" G_GINT64_FORMAT " stage %" G_GINT64_FORMAT, rank, at.stage);
}

const TraceDetail *trace_detail(const TraceStory *story, const TraceSlice *slice)
{
  return slice->detail == TRACE_NO_DETAIL ? NULL : &g_array_index(story->details, TraceDetail, slice->detail);
}

static void add_text(GArray *arguments, const char *key, const char *text)
{
  TraceArgument argument = {.key = key, .text = text};

  if (text && *text)
    g_array_append_val(arguments, argument);
}

static void add_number(GArray *arguments, const char *key, double number)
{
  TraceArgument argument = {.key = key, .number = number};

  g_array_append_val(arguments, argument);
}

/* Where a kernel's time goes. */
static void add_causes(const TraceSlice *slice, GArray *arguments)
{
  static const char *const keys[MOE_N_CAUSES] = {
      [MOE_CAUSE_MATH] = "math_us",           [MOE_CAUSE_KERNEL_INEFFICIENCY] = "kernel_inefficiency_us",
      [MOE_CAUSE_PADDING] = "padding_us",     [MOE_CAUSE_PEER_WAIT] = "peer_wait_us",
      [MOE_CAUSE_RECOMPUTE] = "recompute_us", [MOE_CAUSE_OPTIMIZER] = "optimizer_us"};

  for (guint c = 0; c < MOE_N_CAUSES && slice->stream == MOE_STREAM_COMPUTE; c++)
    if (keys[c] && slice->cause_s[c] != 0)
      add_number(arguments, keys[c], slice->cause_s[c] * 1e6);
}

void trace_arguments(const TraceStory *story, const TraceSlice *slice, GArray *arguments)
{
  const TraceDetail *detail = trace_detail(story, slice);
  double seconds = (double)(slice->end_ns - slice->start_ns) * 1e-9;

  if (slice->stream < MOE_N_STREAMS) {
    add_text(arguments, "pass", slice->pass < MOE_N_PASSES ? moe_pass_words[slice->pass] : NULL);
    add_number(arguments, "layer", slice->layer);
    add_number(arguments, "micro_batch", slice->micro_batch);
  }
  add_text(arguments, "block", slice->block);
  add_causes(slice, arguments);
  if (!detail)
    return;
  g_array_append_vals(arguments, detail->argument, detail->n);
  if (detail->flop > 0 && seconds > 0)
    add_number(arguments, "tflop_per_s", detail->flop / seconds * 1e-12);
  if (detail->bytes > 0 && seconds > 0)
    add_number(arguments, "gb_per_s", detail->bytes / seconds * 1e-9);
}

void trace_header(const TraceStory *story, GArray *arguments)
{
  const MoeRun *run = story->run;
  const MoeResult *result = story->result;

  add_text(arguments, "run", run->name);
  add_text(arguments, "variant", run->variant);
  add_text(arguments, "cluster", run->cluster.name);
  add_text(arguments, "stack", run->stack.name);
  add_number(arguments, "gpus", (double)run->parallelism.gpus);
  add_text(arguments, "moesim", story->version);
  if (!result)
    return;
  add_text(arguments, "fidelity", moe_fidelity_words[result->fidelity]);
  add_number(arguments, "seed", (double)result->seed);
  add_number(arguments, "step_time_s", result->step_time_s);
  add_number(arguments, "mfu_causal", result->mfu_causal);
  add_number(arguments, "mfu_full", result->mfu_full);
  add_number(arguments, "memory_peak_bytes", result->memory.peak_bytes);
  add_number(arguments, "memory_capacity_bytes", result->memory.capacity_bytes);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int by_place(gconstpointer a, gconstpointer b)
{
  const TraceSlice *left = a, *right = b;

  if (left->rank != right->rank)
    return left->rank < right->rank ? -1 : 1;
  if (left->stream != right->stream)
    return left->stream < right->stream ? -1 : 1;
  if (left->start_ns != right->start_ns)
    return left->start_ns < right->start_ns ? -1 : 1;
  return (left->order > right->order) - (left->order < right->order);
}

gboolean moe_trace_commit(MoeTrace *trace, const MoeResult *result, const char *version, GError **error)
{
  trace->story.result = result;
  trace->story.version = version;
  g_array_sort(trace->story.slices, by_place);
  trace_find_flows(&trace->story);
  trace_count(&trace->story);
  trace->write(&trace->story, trace->output);
  return moe_output_commit(trace->output, error);
}

void moe_trace_free(MoeTrace *trace)
{
  if (!trace)
    return;
  moe_output_free(trace->output);
  moe_layout_free(trace->story.layout);
  g_array_unref(trace->story.slices);
  g_array_unref(trace->story.details);
  g_array_unref(trace->story.flows);
  g_array_unref(trace->story.flow_slices);
  g_array_unref(trace->story.points);
  g_hash_table_unref(trace->details);
  g_free(trace);
}
