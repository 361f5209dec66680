/* Chrome trace event format: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
#include "record/output.h"
#include "trace_story.h"

#include <json-glib/json-glib.h>
#include <math.h>

#define NS_PER_US 1000 /* the format counts microseconds */

static void put_text(GString *json, const char *text)
{
  g_autoptr(JsonNode) node = json_node_init_string(json_node_alloc(), text);
  g_autofree char *quoted = json_to_string(node, FALSE);

  g_string_append(json, quoted);
}

/* Nine digits, so that sums over a step hold to one in a million; whole numbers are whole. */
static void put_number(GString *json, double number)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append(json, g_ascii_formatd(digits, sizeof digits, number == floor(number) ? "%.15g" : "%.9g", number));
}

static void put_time(GString *json, const char *key, int64_t ns)
{
  g_string_append_printf(json, ",\"%s\":%" G_GINT64_FORMAT ".%03d", key, ns / NS_PER_US, (int)(ns % NS_PER_US));
}

static double microseconds(int64_t ns)
{
  return (double)ns / NS_PER_US; /* exactly what a reader makes of the digits */
}

/* Viewers add start and duration as floating-point microseconds: where that would reach beyond the slice's end, and so
 * into its neighbour, the duration is a nanosecond less. */
static int64_t duration_ns(const TraceSlice *slice)
{
  int64_t duration = slice->end_ns - slice->start_ns;
  gboolean beyond = microseconds(slice->start_ns) + microseconds(duration) > microseconds(slice->end_ns);

  return duration > 0 && beyond ? duration - 1 : duration;
}

static void put_arguments(GString *json, const GArray *arguments)
{
  g_string_append_c(json, '{');
  for (guint i = 0; i < arguments->len; i++) {
    const TraceArgument *argument = &g_array_index(arguments, TraceArgument, i);

    g_string_append_printf(json, "%s\"%s\":", i > 0 ? "," : "", argument->key);
    if (argument->text)
      put_text(json, argument->text);
    else
      put_number(json, argument->number);
  }
  g_string_append_c(json, '}');
}

static void put_place(GString *json, int64_t rank, guint thread)
{
  g_string_append_printf(json, ",\"pid\":%" G_GINT64_FORMAT ",\"tid\":%u", rank, thread);
}

static void put_slice(const TraceStory *story, const TraceSlice *slice, GArray *arguments, GString *json)
{
  g_array_set_size(arguments, 0);
  trace_arguments(story, slice, arguments);
  g_string_append(json, ",\n{\"name\":");
  put_text(json, slice->name);
  g_string_append_printf(json, ",\"cat\":\"%s\",\"ph\":\"X\"", moe_cause_words[slice->cause]);
  put_place(json, slice->rank, slice->stream);
  put_time(json, "ts", slice->start_ns);
  put_time(json, "dur", duration_ns(slice));
  g_string_append(json, ",\"args\":");
  put_arguments(json, arguments);
  g_string_append_c(json, '}');
}

static void put_name(GString *json, const char *what, int64_t rank, guint thread, const char *name)
{
  g_string_append_printf(json, ",\n{\"name\":\"%s\",\"ph\":\"M\",\"ts\":0", what);
  put_place(json, rank, thread);
  g_string_append(json, ",\"args\":{\"name\":");
  put_text(json, name);
  g_string_append(json, "}}");
}

/* Names of the rank and the stream when they come first; slices are sorted by both. */
static void put_names(const TraceStory *story, guint index, GString *json)
{
  const TraceSlice *slice = trace_slice_at(story, index), *before = index > 0 ? slice - 1 : NULL;

  if (!before || before->rank != slice->rank) {
    g_autofree char *process = trace_process_name(story, slice->rank);

    put_name(json, "process_name", slice->rank, 0, process);
  }
  if (!before || before->rank != slice->rank || before->stream != slice->stream)
    put_name(json, "thread_name", slice->rank, slice->stream, trace_thread_name(slice->stream));
}

/* An arrow starts with its first slice and ends just inside its last one, by which a viewer finds the slice. */
static void put_step(const TraceSlice *slice, const TraceFlow *flow, guint step, GString *json)
{
  gboolean last = step + 1 == flow->n;
  int64_t inside = MAX(slice->start_ns, slice->start_ns + duration_ns(slice) - 1);

  g_string_append(json, ",\n{\"name\":");
  put_text(json, flow->name);
  g_string_append_printf(json, ",\"cat\":\"flow\",\"ph\":\"%s\",\"id\":%" G_GUINT64_FORMAT,
                         step == 0 ? "s"
                         : last    ? "f\",\"bp\":\"e"
                                   : "t",
                         flow->id);
  put_place(json, slice->rank, slice->stream);
  put_time(json, "ts", last ? inside : slice->start_ns);
  g_string_append_c(json, '}');
}

static void put_point(const TracePoint *point, GString *json)
{
  const TraceCounter *counter = &trace_counters[point->counter];

  g_string_append_printf(json, ",\n{\"name\":\"%s\",\"ph\":\"C\"", counter->name);
  put_place(json, point->rank, 0);
  put_time(json, "ts", point->time_ns);
  g_string_append_printf(json, ",\"args\":{\"%s\":", counter->unit);
  put_number(json, point->value);
  g_string_append(json, "}}");
}

static void flush(GString *json, MoeOutput *output)
{
  moe_output_write(output, json->str, (gssize)json->len);
  g_string_truncate(json, 0);
}

static void write_flow(const TraceStory *story, const TraceFlow *flow, GString *json)
{
  for (guint step = 0; step < flow->n; step++)
    put_step(trace_slice_at(story, g_array_index(story->flow_slices, guint, flow->first + step)), flow, step, json);
}

void trace_write_json(const TraceStory *story, MoeOutput *output)
{
  g_autoptr(GArray) arguments = g_array_new(FALSE, FALSE, sizeof(TraceArgument));
  GString *json = g_string_new("{\"displayTimeUnit\":\"ns\",\"otherData\":");

  trace_header(story, arguments);
  put_arguments(json, arguments);
  g_string_append(json, ",\"traceEvents\":[\n"
                        "{\"name\":\"step\",\"ph\":\"i\",\"s\":\"g\",\"ts\":0,\"pid\":0,\"tid\":0}");
  for (guint i = 0; i < story->slices->len; i++) {
    put_names(story, i, json);
    put_slice(story, trace_slice_at(story, i), arguments, json);
    flush(json, output);
  }
  for (guint i = 0; i < story->flows->len; i++) {
    write_flow(story, &g_array_index(story->flows, TraceFlow, i), json);
    flush(json, output);
  }
  for (guint i = 0; i < story->points->len; i++) {
    put_point(&g_array_index(story->points, TracePoint, i), json);
    flush(json, output);
  }
  g_string_append(json, "\n]}\n");
  flush(json, output);
  g_string_free(json, TRUE);
}
