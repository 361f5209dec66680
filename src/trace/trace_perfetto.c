/*
 * Perfetto's own format (perfetto.proto): a tenth of the size of the JSON, since strings are said once and packets are
 * deflated in batches, which Perfetto inflates itself (TracePacket.compressed_packets). One packet sequence; tracks by
 * uuid: a rank is (rank + 1) << TRACK_BITS, its threads and counters follow.
 */
#include "perfetto.pb-c.h"
#include "record/output.h"
#include "trace_story.h"

#include <zlib.h>

#define SEQUENCE         1
#define FLAG_CLEARED     1u   /* SEQ_INCREMENTAL_STATE_CLEARED */
#define FLAG_NEEDS       2u   /* SEQ_NEEDS_INCREMENTAL_STATE */
#define PACKET_TAG       0x0a /* field 1 of Trace, length-delimited */
#define TRACK_BITS       6
#define FIRST_COUNTER    32 /* threads before, counters from here on */
#define MOST_ANNOTATIONS 24
#define BATCH_BYTES      (1 << 20) /* of packets that are deflated together */

typedef Perfetto__Protos__TracePacket Packet;
typedef Perfetto__Protos__TrackEvent Event;

/* What an interned string is used for; each kind has numbers of its own. */
typedef enum { INTERN_NAME, INTERN_CATEGORY, INTERN_KEY, INTERN_TEXT, N_INTERNS } Intern;

typedef struct {
  const TraceStory *story;
  MoeOutput *output;
  GByteArray *batch;            /* packets to be deflated */
  GHashTable *known[N_INTERNS]; /* interned string -> its number */
  GPtrArray *flows_of;          /* per slice: GArray of signed flow numbers, negative where the flow ends; NULL none */
  gboolean started;
} Writer;

/* ---- packets ----------------------------------------------------------------------------------------------------- */

/* A packet as it stands in a Trace message, appended to `bytes`. */
static void append_packet(GByteArray *bytes, const Packet *packet)
{
  gsize size = perfetto__protos__trace_packet__get_packed_size(packet), rest = size;
  guint8 tag = PACKET_TAG;

  g_byte_array_append(bytes, &tag, 1);
  do { /* base 128, lowest digit first */
    guint8 digit = (guint8)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));

    g_byte_array_append(bytes, &digit, 1);
    rest >>= 7;
  } while (rest > 0);
  g_byte_array_set_size(bytes, bytes->len + (guint)size);
  perfetto__protos__trace_packet__pack(packet, bytes->data + bytes->len - size);
}

static void write_batch(Writer *writer)
{
  Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;
  uLongf size = compressBound(writer->batch->len);
  g_autofree Bytef *deflated = g_malloc(size);
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  int status = compress(deflated, &size, writer->batch->data, writer->batch->len);

  g_assert(status == Z_OK); /* the room suffices by compressBound */
  packet.has_compressed_packets = TRUE;
  packet.compressed_packets = (ProtobufCBinaryData){size, deflated};
  append_packet(bytes, &packet);
  moe_output_write(writer->output, (const char *)bytes->data, (gssize)bytes->len);
  g_byte_array_set_size(writer->batch, 0);
}

static void write_packet(Writer *writer, Packet *packet)
{
  packet->has_trusted_packet_sequence_id = TRUE;
  packet->trusted_packet_sequence_id = SEQUENCE;
  packet->has_sequence_flags = TRUE;
  packet->sequence_flags = writer->started ? FLAG_NEEDS : FLAG_CLEARED;
  writer->started = TRUE;
  append_packet(writer->batch, packet);
  if (writer->batch->len >= BATCH_BYTES)
    write_batch(writer);
}

/* ---- interned strings -------------------------------------------------------------------------------------------- */

/* Tells the reader a string's number. */
static void introduce(Writer *writer, Intern kind, uint64_t iid, const char *text)
{
  Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;
  Perfetto__Protos__InternedData data = PERFETTO__PROTOS__INTERNED_DATA__INIT;
  Perfetto__Protos__EventName name = PERFETTO__PROTOS__EVENT_NAME__INIT, *names = &name;
  Perfetto__Protos__EventCategory category = PERFETTO__PROTOS__EVENT_CATEGORY__INIT, *categories = &category;
  Perfetto__Protos__DebugAnnotationName key = PERFETTO__PROTOS__DEBUG_ANNOTATION_NAME__INIT, *keys = &key;
  Perfetto__Protos__InternedString string = PERFETTO__PROTOS__INTERNED_STRING__INIT, *strings = &string;

  name.has_iid = category.has_iid = key.has_iid = string.has_iid = string.has_str = TRUE;
  name.iid = category.iid = key.iid = string.iid = iid;
  name.name = category.name = key.name = (char *)text;
  string.str = (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
  data.event_names = &names;
  data.n_event_names = kind == INTERN_NAME;
  data.event_categories = &categories;
  data.n_event_categories = kind == INTERN_CATEGORY;
  data.debug_annotation_names = &keys;
  data.n_debug_annotation_names = kind == INTERN_KEY;
  data.debug_annotation_string_values = &strings;
  data.n_debug_annotation_string_values = kind == INTERN_TEXT;
  packet.interned_data = &data;
  write_packet(writer, &packet);
}

static uint64_t intern(Writer *writer, Intern kind, const char *text)
{
  const char *key = g_intern_string(text);
  guint number = GPOINTER_TO_UINT(g_hash_table_lookup(writer->known[kind], key));

  if (number > 0)
    return number;
  number = g_hash_table_size(writer->known[kind]) + 1;
  g_hash_table_insert(writer->known[kind], (gpointer)key, GUINT_TO_POINTER(number));
  introduce(writer, kind, number, key);
  return number;
}

/* ---- tracks ------------------------------------------------------------------------------------------------------ */

static uint64_t rank_track(int64_t rank)
{
  return (uint64_t)(rank + 1) << TRACK_BITS;
}

static uint64_t thread_track(const TraceSlice *slice)
{
  return rank_track(slice->rank) + 1 + slice->stream;
}

static uint64_t counter_track(int64_t rank, guint counter)
{
  return rank_track(rank) + FIRST_COUNTER + counter;
}

static void write_track(Writer *writer, Perfetto__Protos__TrackDescriptor *track, uint64_t uuid)
{
  Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;

  track->has_uuid = TRUE;
  track->uuid = uuid;
  packet.track_descriptor = track;
  write_packet(writer, &packet);
}

static void describe_counters(Writer *writer, int64_t rank)
{
  for (guint i = 0; i < trace_n_counters; i++) {
    Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
    Perfetto__Protos__CounterDescriptor counter = PERFETTO__PROTOS__COUNTER_DESCRIPTOR__INIT;

    counter.unit_name = (char *)trace_counters[i].unit;
    track.name = (char *)trace_counters[i].name;
    track.counter = &counter;
    track.has_parent_uuid = TRUE;
    track.parent_uuid = rank_track(rank);
    write_track(writer, &track, counter_track(rank, i));
  }
}

static void describe_rank(Writer *writer, int64_t rank)
{
  Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
  Perfetto__Protos__ProcessDescriptor process = PERFETTO__PROTOS__PROCESS_DESCRIPTOR__INIT;
  g_autofree char *name = trace_process_name(writer->story, rank);

  process.has_pid = TRUE;
  process.pid = (int32_t)rank + 1; /* 0 is the swapper's in a process table */
  process.process_name = name;
  track.process = &process;
  write_track(writer, &track, rank_track(rank));
  describe_counters(writer, rank);
}

static void describe_thread(Writer *writer, const TraceSlice *slice)
{
  Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
  Perfetto__Protos__ThreadDescriptor thread = PERFETTO__PROTOS__THREAD_DESCRIPTOR__INIT;

  thread.has_pid = thread.has_tid = TRUE;
  thread.pid = (int32_t)slice->rank + 1;
  thread.tid = ((int32_t)slice->rank + 1) * TRACE_N_THREADS + slice->stream + 1;
  thread.thread_name = (char *)trace_thread_name(slice->stream);
  track.thread = &thread;
  track.has_parent_uuid = TRUE;
  track.parent_uuid = rank_track(slice->rank);
  write_track(writer, &track, thread_track(slice));
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void write_event(Writer *writer, Event *event, uint64_t track, int64_t time_ns, int type)
{
  Packet packet = PERFETTO__PROTOS__TRACE_PACKET__INIT;

  event->has_track_uuid = event->has_type = TRUE;
  event->track_uuid = track;
  event->type = (Perfetto__Protos__TrackEvent__Type)type;
  packet.has_timestamp = TRUE;
  packet.timestamp = (uint64_t)time_ns;
  packet.track_event = event;
  write_packet(writer, &packet);
}

/* An event with its arguments; all strings are introduced before the packet that names them. */
static void write_annotated(Writer *writer, Event *event, uint64_t track, int64_t time_ns, int type,
                            const GArray *arguments)
{
  Perfetto__Protos__DebugAnnotation annotation[MOST_ANNOTATIONS], *pointers[MOST_ANNOTATIONS];

  g_assert(arguments->len <= MOST_ANNOTATIONS);
  for (guint i = 0; i < arguments->len; i++) {
    const TraceArgument *argument = &g_array_index(arguments, TraceArgument, i);

    perfetto__protos__debug_annotation__init(&annotation[i]);
    annotation[i].has_name_iid = TRUE;
    annotation[i].name_iid = intern(writer, INTERN_KEY, argument->key);
    annotation[i].has_string_value_iid = argument->text != NULL;
    annotation[i].string_value_iid = argument->text ? intern(writer, INTERN_TEXT, argument->text) : 0;
    annotation[i].has_int_value = !argument->text && (double)(int64_t)argument->number == argument->number;
    annotation[i].int_value = annotation[i].has_int_value ? (int64_t)argument->number : 0;
    annotation[i].has_double_value = !argument->text && !annotation[i].has_int_value;
    annotation[i].double_value = argument->number;
    pointers[i] = &annotation[i];
  }
  event->n_debug_annotations = arguments->len;
  event->debug_annotations = pointers;
  write_event(writer, event, track, time_ns, type);
}

/* Arrows that pass through a slice, and those that end in it. */
static void add_flows(const GArray *flows, Event *event, uint64_t *through, uint64_t *ending)
{
  event->flow_ids = through;
  event->terminating_flow_ids = ending;
  for (guint i = 0; flows && i < flows->len; i++) {
    int64_t id = g_array_index(flows, int64_t, i);

    if (id > 0)
      through[event->n_flow_ids++] = (uint64_t)id;
    else
      ending[event->n_terminating_flow_ids++] = (uint64_t)-id;
  }
}

static void write_slice(Writer *writer, guint index, GArray *arguments)
{
  const TraceSlice *slice = trace_slice_at(writer->story, index);
  const GArray *flows = g_ptr_array_index(writer->flows_of, index);
  g_autofree uint64_t *through = g_new(uint64_t, flows ? flows->len + 1 : 1);
  g_autofree uint64_t *ending = g_new(uint64_t, flows ? flows->len + 1 : 1);
  Event begin = PERFETTO__PROTOS__TRACK_EVENT__INIT, end = PERFETTO__PROTOS__TRACK_EVENT__INIT;
  uint64_t category = intern(writer, INTERN_CATEGORY, moe_cause_words[slice->cause]);

  g_array_set_size(arguments, 0);
  trace_arguments(writer->story, slice, arguments);
  begin.has_name_iid = TRUE;
  begin.name_iid = intern(writer, INTERN_NAME, slice->name);
  begin.n_category_iids = 1;
  begin.category_iids = &category;
  add_flows(flows, &begin, through, ending);
  write_annotated(writer, &begin, thread_track(slice), slice->start_ns,
                  PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, arguments);
  write_event(writer, &end, thread_track(slice), slice->end_ns, PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_SLICE_END);
}

static void write_slices(Writer *writer, GArray *arguments)
{
  for (guint i = 0; i < writer->story->slices->len; i++) {
    const TraceSlice *slice = trace_slice_at(writer->story, i), *before = trace_slice_at(writer->story, MAX(i, 1) - 1);
    gboolean first = i == 0;

    if (first || before->rank != slice->rank)
      describe_rank(writer, slice->rank);
    if (first || before->rank != slice->rank || before->stream != slice->stream)
      describe_thread(writer, slice);
    write_slice(writer, i, arguments);
  }
}

static void write_points(Writer *writer)
{
  for (guint i = 0; i < writer->story->points->len; i++) {
    const TracePoint *point = &g_array_index(writer->story->points, TracePoint, i);
    Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;

    event.has_double_counter_value = TRUE;
    event.double_counter_value = point->value;
    write_event(writer, &event, counter_track(point->rank, point->counter), point->time_ns,
                PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_COUNTER);
  }
}

/* What the trace is about: an instant on a track of its own. */
static void write_header(Writer *writer, GArray *arguments)
{
  Perfetto__Protos__TrackDescriptor track = PERFETTO__PROTOS__TRACK_DESCRIPTOR__INIT;
  Event event = PERFETTO__PROTOS__TRACK_EVENT__INIT;

  track.name = (char *)"run";
  write_track(writer, &track, 1);
  trace_header(writer->story, arguments);
  event.has_name_iid = TRUE;
  event.name_iid = intern(writer, INTERN_NAME, "step");
  write_annotated(writer, &event, 1, 0, PERFETTO__PROTOS__TRACK_EVENT__TYPE__TYPE_INSTANT, arguments);
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static void note_flows(Writer *writer)
{
  const TraceStory *story = writer->story;

  g_ptr_array_set_size(writer->flows_of, (gint)story->slices->len);
  for (guint f = 0; f < story->flows->len; f++) {
    const TraceFlow *flow = &g_array_index(story->flows, TraceFlow, f);

    for (guint step = 0; step < flow->n; step++) {
      guint slice = g_array_index(story->flow_slices, guint, flow->first + step);
      int64_t id = step + 1 == flow->n ? -(int64_t)flow->id : (int64_t)flow->id;

      if (!g_ptr_array_index(writer->flows_of, slice))
        g_ptr_array_index(writer->flows_of, slice) = g_array_new(FALSE, FALSE, sizeof(int64_t));
      g_array_append_val((GArray *)g_ptr_array_index(writer->flows_of, slice), id);
    }
  }
}

static void free_flows(gpointer flows)
{
  if (flows)
    g_array_unref(flows);
}

void trace_write_perfetto(const TraceStory *story, MoeOutput *output)
{
  g_autoptr(GPtrArray) flows_of = g_ptr_array_new_with_free_func(free_flows);
  g_autoptr(GByteArray) batch = g_byte_array_new();
  g_autoptr(GArray) arguments = g_array_new(FALSE, FALSE, sizeof(TraceArgument));
  Writer writer = {.story = story, .output = output, .batch = batch, .flows_of = flows_of};

  for (guint i = 0; i < N_INTERNS; i++)
    writer.known[i] = g_hash_table_new(NULL, NULL);
  note_flows(&writer);
  write_header(&writer, arguments);
  write_slices(&writer, arguments);
  write_points(&writer);
  write_batch(&writer);
  for (guint i = 0; i < N_INTERNS; i++)
    g_hash_table_unref(writer.known[i]);
}
