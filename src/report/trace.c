/* Chrome trace event format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
#include <moesim/report_trace.h>

#include "trace_counters.h"

#include <json-glib/json-glib.h>

#define PS_PER_US 1000000 /* the format counts microseconds */
#define PS_PER_NS 1000    /* viewers round to nanoseconds: a flow ends this long before its slice does */

struct MoeTrace {
  MoeOutput *output;
  MoeLayout *layout;
  MoeCounters *counters;
  GHashTable *named; /* (rank, stream) and ranks whose metadata is written */
};

static char *quote(const char *text)
{
  g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);

  return json_to_string(node, FALSE);
}

static void write_metadata(MoeTrace *trace, const char *what, gint64 rank, int stream, const char *name)
{
  moe_output_printf(trace->output,
                    ",\n{\"name\":\"%s\",\"ph\":\"M\",\"ts\":0,\"dur\":0,\"pid\":%" G_GINT64_FORMAT
                    ",\"tid\":%d,\"args\":{\"name\":\"%s\"}}",
                    what, rank, stream, name);
}

static const char *stream_name(guint stream)
{
  return stream < MOE_N_STREAMS ? moe_stream_words[stream] : "idle";
}

MoeTrace *moe_trace_new(const char *path, const MoeRun *run, GError **error)
{
  g_autoptr(MoeTrace) trace = g_new0(MoeTrace, 1);
  g_autofree char *name = quote(run->name);
  g_autofree char *variant = quote(run->variant ? run->variant : "");

  trace->named = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  trace->counters = moe_counters_new();
  trace->layout = moe_layout_new(&run->parallelism, error);
  trace->output = trace->layout ? moe_output_new(path, error) : NULL;
  if (!trace->output)
    return NULL;
  moe_output_printf(trace->output,
                    "{\"displayTimeUnit\":\"ns\",\"otherData\":{\"run\":%s,\"variant\":%s},\"traceEvents\":[\n"
                    "{\"name\":\"step\",\"ph\":\"i\",\"s\":\"g\",\"ts\":0,\"dur\":0,\"pid\":0,\"tid\":0}",
                    name, variant);
  return g_steal_pointer(&trace);
}

/* Whether the key is new; it is not from then on. */
static gboolean first_time(MoeTrace *trace, gint64 key)
{
  return g_hash_table_add(trace->named, g_memdup2(&key, sizeof key));
}

static void name_thread(MoeTrace *trace, const MoeSlice *slice)
{
  gint64 key = slice->rank * (MOE_N_STREAMS + 1) + slice->stream;

  /* Ranks have negative keys, so that they never meet those of threads. */
  if (first_time(trace, -1 - slice->rank)) {
    MoeCoordinates at;

    moe_layout_coordinates(trace->layout, slice->rank, &at);
    g_autofree char *process =
        g_strdup_printf("rank %" G_GINT64_FORMAT " stage %" G_GINT64_FORMAT, slice->rank, at.stage);

    write_metadata(trace, "process_name", slice->rank, 0, process);
  }
  if (first_time(trace, key))
    write_metadata(trace, "thread_name", slice->rank, slice->stream, stream_name(slice->stream));
}

static void write_time(MoeTrace *trace, const char *key, MoeTime time)
{
  moe_output_printf(trace->output, ",\"%s\":%" G_GINT64_FORMAT ".%06d", key, (gint64)(time / PS_PER_US),
                    (int)(time % PS_PER_US));
}

/* One end of a message. The same message id serves every replica of the pipeline: the replica is known by its
 * first-stage rank. */
static void write_flow(MoeTrace *trace, const MoeSlice *slice)
{
  gboolean sends = slice->stream == MOE_STREAM_SEND;
  MoeTime time = sends ? slice->start : MAX(slice->start, slice->end - PS_PER_NS);

  if (slice->message == MOE_NO_MESSAGE || (!sends && slice->stream != MOE_STREAM_RECV))
    return;
  moe_output_printf(trace->output,
                    ",\n{\"name\":\"message\",\"cat\":\"pipeline\",\"ph\":\"%s\",\"id\":\"%u.%" G_GINT64_FORMAT
                    "\",\"pid\":%" G_GINT64_FORMAT ",\"tid\":%d",
                    sends ? "s" : "f\",\"bp\":\"e", slice->message, moe_layout_on_stage(trace->layout, slice->rank, 0),
                    slice->rank, slice->stream);
  write_time(trace, "ts", time);
  moe_output_write(trace->output, "}", 1);
}

void moe_trace_slice(const MoeSlice *slice, gpointer user_data)
{
  MoeTrace *trace = user_data;

  name_thread(trace, slice);
  moe_output_printf(trace->output,
                    ",\n{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":%" G_GINT64_FORMAT ",\"tid\":%d",
                    slice->name, moe_cause_words[slice->cause], slice->rank, slice->stream);
  write_time(trace, "ts", slice->start);
  write_time(trace, "dur", slice->end - slice->start);
  moe_output_printf(trace->output, ",\"args\":{\"pass\":\"%s\",\"layer\":%d,\"micro_batch\":%u,\"block\":\"%s\"}}",
                    slice->pass < MOE_N_PASSES ? moe_pass_words[slice->pass] : "", slice->layer, slice->micro_batch,
                    slice->block ? slice->block : "");
  write_flow(trace, slice);
  moe_counters_add(trace->counters, slice);
}

gboolean moe_trace_commit(MoeTrace *trace, GError **error)
{
  moe_counters_write(trace->counters, trace->output);
  moe_output_write(trace->output, "\n]}\n", -1);
  return moe_output_commit(trace->output, error);
}

void moe_trace_free(MoeTrace *trace)
{
  if (!trace)
    return;
  moe_output_free(trace->output);
  moe_layout_free(trace->layout);
  moe_counters_free(trace->counters);
  g_hash_table_unref(trace->named);
  g_free(trace);
}
