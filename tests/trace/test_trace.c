/* Traces: every event has what its format asks for, slices touch but do not overlap, arrows have both ends. */
#include "moetest.h"

#include "study/study.h"
#include <moesim/report.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

/* v5 made small, in two stages so that messages flow. */
static const char *const small[] = {"architecture.layers=8",
                                    "architecture.moe.experts=16",
                                    "parallelism.gpus=32",
                                    "parallelism.expert=8",
                                    "training.global_batch=64",
                                    "parallelism.pipeline=2",
                                    "parallelism.schedule=1f1b",
                                    "training.routing.balance=even",
                                    "training.sequence_length=4096",
                                    "parallelism.zero=1",
                                    "cluster.domain.gpus=8",
                                    "cluster.domain.of=8",
                                    NULL};

static MoeRun *load(void)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml");
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions options = {.sets = small, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "?");
  return run;
}

/* The trace of the first rank of each stage, as bytes. */
static char *trace_bytes(const char *name, gsize *length, MoeResult **result)
{
  static const int64_t ranks[] = {0, 1, 16};
  g_autofree char *path = g_build_filename(moetest_folder(), name, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load();
  g_autoptr(MoeTrace) trace = moe_trace_new(path, run, &error);
  MoeSimOptions options = {.kernel_jitter = -1,
                           .fidelity = MOE_FIDELITY_FULL,
                           .slice = moe_trace_slice,
                           .slice_data = trace,
                           .n_trace_ranks = G_N_ELEMENTS(ranks),
                           .trace_ranks = ranks};
  char *bytes = NULL;

  ck_assert_msg(trace != NULL, "%s", error ? error->message : "?");
  *result = moe_study_predict(run, &options, &error);
  ck_assert_msg(*result != NULL, "%s", error ? error->message : "?");
  ck_assert_msg(moe_trace_commit(trace, *result, "1.2.3", &error), "%s", error ? error->message : "?");
  ck_assert_msg(g_file_get_contents(path, &bytes, length, &error), "%s", error ? error->message : "?");
  return bytes;
}

static JsonParser *trace_with(MoeResult **result)
{
  g_autoptr(GError) error = NULL;
  gsize length = 0;
  g_autofree char *bytes = trace_bytes("trace.json", &length, result);
  JsonParser *parser = json_parser_new();

  ck_assert_msg(json_parser_load_from_data(parser, bytes, (gssize)length, &error), "%s", error ? error->message : "?");
  return parser;
}

static JsonParser *trace_run(void)
{
  g_autoptr(MoeResult) result = NULL;

  return trace_with(&result);
}

static JsonArray *events_of(JsonParser *parser)
{
  return json_object_get_array_member(json_node_get_object(json_parser_get_root(parser)), "traceEvents");
}

static guint count_phase(JsonArray *events, const char *phase)
{
  guint n = 0;

  for (guint i = 0; i < json_array_get_length(events); i++)
    n += strcmp(json_object_get_string_member(json_array_get_object_element(events, i), "ph"), phase) == 0;
  return n;
}

START_TEST(every_slice_is_whole)
{
  static const char *const members[] = {"ph", "ts", "dur", "pid", "tid", "name"};
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);

  ck_assert_uint_gt(count_phase(events, "X"), 500);
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(json_object_get_string_member(event, "ph"), "X") != 0)
      continue;
    for (guint m = 0; m < G_N_ELEMENTS(members); m++)
      ck_assert_msg(json_object_has_member(event, members[m]), "event %u has no %s", i, members[m]);
    ck_assert_double_ge(json_object_get_double_member(event, "ts"), 0);
    ck_assert_double_ge(json_object_get_double_member(event, "dur"), 0);
    ck_assert_uint_gt(strlen(json_object_get_string_member(event, "name")), 0);
  }
}
END_TEST

/* ---- slices ------------------------------------------------------------------------------------------------------ */

static const char *phase_of(JsonObject *event)
{
  return json_object_get_string_member(event, "ph");
}

/* Key of an event's thread. */
static gint64 thread_of(JsonObject *event)
{
  return json_object_get_int_member(event, "pid") * 100 + json_object_get_int_member(event, "tid");
}

/* A viewer that adds start and duration in double precision must not see one slice reach into the next, as speedscope
 * would draw in a staircase. Slices of a thread are written in order. */
START_TEST(slices_of_a_thread_never_overlap)
{
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);
  g_autoptr(GHashTable) ends = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  guint n = 0;

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(phase_of(event), "X") != 0)
      continue;
    gint64 thread = thread_of(event);
    const double *before = g_hash_table_lookup(ends, &thread);
    double start = json_object_get_double_member(event, "ts");
    double end = start + json_object_get_double_member(event, "dur");

    ck_assert_msg(!before || *before <= start, "event %u starts %g us before its neighbour ends", i,
                  before ? *before - start : 0);
    g_hash_table_insert(ends, g_memdup2(&thread, sizeof thread), g_memdup2(&end, sizeof end));
    n++;
  }
  ck_assert_uint_gt(n, 500);
}
END_TEST

/* Whole nanoseconds: thousandths of the microseconds that the format counts. */
START_TEST(times_are_whole_nanoseconds)
{
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);
    double ns = json_object_get_double_member_with_default(event, "ts", 0) * 1000;

    ck_assert_msg(fabs(ns - nearbyint(ns)) < 1e-4, "event %u starts at %.6f ns", i, ns);
  }
}
END_TEST

/* A slice says what it executes and how fast that was. */
START_TEST(slices_say_what_they_execute)
{
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);
  guint gemms = 0, collectives = 0;

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);
    JsonObject *args = strcmp(phase_of(event), "X") == 0 ? json_object_get_object_member(event, "args") : NULL;

    if (args && json_object_has_member(args, "k")) {
      double flop = json_object_get_double_member(args, "flop"), dur = json_object_get_double_member(event, "dur");
      double rate = json_object_get_double_member(args, "tflop_per_s");

      ck_assert_double_gt(flop, 0);
      ck_assert_double_lt(fabs(rate / (flop / (dur * 1e-6) * 1e-12) - 1), 0.01); /* dur may be short of a nanosecond */
      gemms++;
    } else if (args && json_object_has_member(args, "algorithm")) {
      ck_assert_int_gt(json_object_get_int_member(args, "members"), 0);
      ck_assert_double_gt(json_object_get_double_member(args, "bytes"), 0);
      collectives++;
    }
  }
  ck_assert_uint_gt(gemms, 50);
  ck_assert_uint_gt(collectives, 20);
}
END_TEST

/* Seconds of a slice that belong to a cause: what its arguments say, all of it where they say nothing. */
static double cause_seconds(JsonObject *event, guint cause)
{
  JsonObject *args = json_object_get_object_member(event, "args");
  g_autofree char *key = g_strconcat(moe_cause_words[cause], "_us", NULL);
  gboolean whole = strcmp(json_object_get_string_member(event, "cat"), moe_cause_words[cause]) == 0;

  if (json_object_has_member(args, "precision")) /* a kernel */
    return json_object_get_double_member_with_default(args, key, 0) * 1e-6;
  return whole ? json_object_get_double_member(event, "dur") * 1e-6 : 0;
}

/* What the slices of both stages' ranks say of their time adds up, cause by cause, to the account of the step, which is
 * a mean over ranks: all ranks of a stage do the same here. */
START_TEST(causes_sum_to_the_account)
{
  g_autoptr(MoeResult) result = NULL;
  g_autoptr(JsonParser) parser = trace_with(&result);
  JsonArray *events = events_of(parser);
  double sum_s[MOE_N_CAUSES] = {0};

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);
    gint64 rank = json_object_get_int_member(event, "pid"), thread = json_object_get_int_member(event, "tid");

    if (strcmp(phase_of(event), "X") != 0 || rank == 1 || (thread != MOE_STREAM_COMPUTE && thread != MOE_N_STREAMS))
      continue;
    for (guint c = 0; c < MOE_N_CAUSES; c++)
      sum_s[c] += cause_seconds(event, c) / 2;
  }
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    ck_assert_msg(fabs(sum_s[c] - result->cause_s[c]) < 1e-6 * result->step_time_s,
                  "%s: %.9f in the trace, %.9f in the account", moe_cause_words[c], sum_s[c], result->cause_s[c]);
}
END_TEST

/* ---- arrows ------------------------------------------------------------------------------------------------------ */

/* Steps of one arrow seen so far. */
typedef struct {
  guint starts, ends;
} Arrow;

/* Every arrow starts once and ends once, and there is one of each kind. */
START_TEST(arrows_have_both_ends)
{
  static const char *const names[] = {"message", "dispatch to combine", "gradient_norm"};
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);
  g_autoptr(GHashTable) arrows = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer value;

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);
    const char *phase = phase_of(event);

    if (!strchr("stf", phase[0]))
      continue;
    gint64 id = json_object_get_int_member(event, "id");
    Arrow *arrow = g_hash_table_lookup(arrows, &id);

    if (!arrow)
      g_hash_table_insert(arrows, g_memdup2(&id, sizeof id), arrow = g_new0(Arrow, 1));
    arrow->starts += phase[0] == 's';
    arrow->ends += phase[0] == 'f';
    g_hash_table_add(seen, (gpointer)json_object_get_string_member(event, "name"));
  }
  for (guint i = 0; i < G_N_ELEMENTS(names); i++)
    ck_assert_msg(g_hash_table_contains(seen, names[i]), "no arrow '%s'", names[i]);
  g_hash_table_iter_init(&iter, arrows);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    ck_assert_uint_eq(((Arrow *)value)->starts, 1);
    ck_assert_uint_eq(((Arrow *)value)->ends, 1);
  }
}
END_TEST

/* ---- counters and header ----------------------------------------------------------------------------------------- */

static double last_counted(JsonArray *events, gint64 rank, const char *name, const char *unit, double *most)
{
  double last = -1;

  *most = 0;
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(phase_of(event), "C") != 0 || json_object_get_int_member(event, "pid") != rank ||
        strcmp(json_object_get_string_member(event, "name"), name) != 0)
      continue;
    last = json_object_get_double_member(json_object_get_object_member(event, "args"), unit);
    *most = MAX(*most, last);
    ck_assert_double_ge(last, 0);
  }
  return last;
}

/* What links carry is never negative, reaches more than nothing and ends at nothing. */
START_TEST(link_counters_rise_and_return)
{
  static const char *const names[] = {"NVLink sent", "network sent"};
  g_autoptr(JsonParser) parser = trace_run();

  for (guint c = 0; c < G_N_ELEMENTS(names); c++) {
    double most, last = last_counted(events_of(parser), 0, names[c], "GB/s", &most);

    ck_assert_msg(most > 0, "%s never rises", names[c]);
    ck_assert_msg(last < 1e-3, "%s ends at %g", names[c], last);
  }
}
END_TEST

/* Memory is absolute: its highest value is what `moesim memory` says of the stage, and the capacity stands beside it.
 */
START_TEST(memory_counter_reaches_the_peak)
{
  g_autoptr(MoeResult) result = NULL;
  g_autoptr(JsonParser) parser = trace_with(&result);
  double most, capacity = last_counted(events_of(parser), 16, "memory capacity", "GB", &most);

  ck_assert_double_lt(fabs(capacity - result->memory.capacity_bytes / 1e9), 1e-3);
  last_counted(events_of(parser), 16, "memory", "GB", &most);
  ck_assert_double_lt(fabs(most - result->memory.role[1].peak_bytes / 1e9), 1e-3);
}
END_TEST

START_TEST(header_says_what_was_run)
{
  g_autoptr(MoeResult) result = NULL;
  g_autoptr(JsonParser) parser = trace_with(&result);
  JsonObject *root = json_node_get_object(json_parser_get_root(parser));
  JsonObject *header = json_object_get_object_member(root, "otherData");

  ck_assert_str_eq(json_object_get_string_member(header, "cluster"), "gb200-nvl72");
  ck_assert_str_eq(json_object_get_string_member(header, "moesim"), "1.2.3");
  ck_assert_int_eq(json_object_get_int_member(header, "gpus"), 32);
  ck_assert_double_lt(fabs(json_object_get_double_member(header, "mfu_causal") - result->mfu_causal), 1e-5);
}
END_TEST

/* ---- Perfetto's protobuf, read without its library --------------------------------------------------------------- */

typedef struct {
  const guint8 *at, *end;
} Wire;

/* A field of a message: its number and either a value or the bytes of a nested message. */
typedef struct {
  guint number;
  guint64 value;
  Wire bytes;
} Field;

static guint64 read_varint(Wire *wire)
{
  guint64 value = 0;

  for (guint shift = 0; wire->at < wire->end; shift += 7) {
    guint8 digit = *wire->at++;

    value |= (guint64)(digit & 0x7f) << shift;
    if (!(digit & 0x80))
      return value;
  }
  ck_abort_msg("a number is cut off");
}

static gboolean next_field(Wire *wire, Field *field)
{
  if (wire->at >= wire->end)
    return FALSE;
  guint64 tag = read_varint(wire), size = 0;

  *field = (Field){.number = (guint)(tag >> 3)};
  switch (tag & 7) {
  case 0:
    field->value = read_varint(wire);
    return TRUE;
  case 1:
    size = 8;
    memcpy(&field->value, wire->at, size);
    break;
  case 2:
    size = read_varint(wire);
    break;
  default:
    ck_abort_msg("wire type %u", (guint)(tag & 7));
  }
  ck_assert_uint_le(size, (guint64)(wire->end - wire->at));
  field->bytes = (Wire){wire->at, wire->at + size};
  wire->at += size;
  return TRUE;
}

/* What the events of the trace add up to. */
typedef struct {
  GHashTable *begun; /* track -> begin of its open slice, ns */
  GHashTable *ended; /* track -> end of its last slice, ns */
  GHashTable *flows; /* id -> 1 while open, 2 once ended */
  guint slices, counters;
} Sums;

enum { EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_FLOW = 47, EVENT_LAST_FLOW = 48 };

static guint64 *slot(GHashTable *table, guint64 key)
{
  guint64 *value = g_hash_table_lookup(table, &key);

  if (!value)
    g_hash_table_insert(table, g_memdup2(&key, sizeof key), value = g_new0(guint64, 1));
  return value;
}

static void add_event(Sums *sums, Wire wire, guint64 time)
{
  guint64 type = 0, track = 0;
  Field field;

  while (next_field(&wire, &field)) {
    if (field.number == EVENT_TYPE)
      type = field.value;
    else if (field.number == EVENT_TRACK)
      track = field.value;
    else if (field.number == EVENT_FLOW || field.number == EVENT_LAST_FLOW)
      *slot(sums->flows, field.value) += field.number == EVENT_FLOW ? 1 : 1000;
  }
  if (type == 1) { /* slice begins */
    ck_assert_uint_eq(*slot(sums->begun, track), 0);
    ck_assert_uint_ge(time, *slot(sums->ended, track));
    *slot(sums->begun, track) = time + 1;
  } else if (type == 2) {
    ck_assert_uint_ge(time + 1, *slot(sums->begun, track));
    *slot(sums->begun, track) = 0;
    *slot(sums->ended, track) = time;
    sums->slices++;
  }
  sums->counters += type == 4;
}

static void add_packets(Sums *sums, Wire wire);

static void add_deflated(Sums *sums, Wire bytes)
{
  uLongf size = 4 << 20; /* batches are of 1 MiB */
  g_autofree guint8 *inflated = g_malloc(size);

  ck_assert_int_eq(uncompress(inflated, &size, bytes.at, (uLong)(bytes.end - bytes.at)), Z_OK);
  add_packets(sums, (Wire){inflated, inflated + size});
}

static void add_packets(Sums *sums, Wire wire)
{
  Field packet, field;

  while (next_field(&wire, &packet)) {
    guint64 time = 0;

    ck_assert_uint_eq(packet.number, 1);
    while (next_field(&packet.bytes, &field)) {
      if (field.number == 8)
        time = field.value;
      else if (field.number == 11)
        add_event(sums, field.bytes, time);
      else if (field.number == 50)
        add_deflated(sums, field.bytes);
    }
  }
}

/* As the JSON: the same slices, none overlaps, each arrow ends once and passes somewhere before. */
START_TEST(perfetto_says_the_same)
{
  g_autoptr(MoeResult) result = NULL;
  gsize length = 0;
  g_autofree char *bytes = trace_bytes("trace.perfetto-trace", &length, &result);
  Sums sums = {g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
               g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free),
               g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free), 0, 0};
  GHashTableIter iter;
  gpointer value;

  add_packets(&sums, (Wire){(guint8 *)bytes, (guint8 *)bytes + length});
  g_hash_table_iter_init(&iter, sums.flows);
  ck_assert_uint_gt(g_hash_table_size(sums.flows), 20);
  while (g_hash_table_iter_next(&iter, NULL, &value)) {
    ck_assert_uint_eq(*(guint64 *)value / 1000, 1);
    ck_assert_uint_ge(*(guint64 *)value % 1000, 1);
  }
  ck_assert_uint_gt(sums.slices, 500);
  ck_assert_uint_gt(sums.counters, 100);
  g_hash_table_unref(sums.begun);
  g_hash_table_unref(sums.ended);
  g_hash_table_unref(sums.flows);
}
END_TEST

/* ---- collapsed stacks -------------------------------------------------------------------------------------------- */

/* The stacks of a rank's compute and idle threads add up to the step. */
START_TEST(stacks_sum_to_the_step)
{
  g_autoptr(MoeResult) result = NULL;
  gsize length = 0;
  g_autofree char *text = trace_bytes("trace.folded", &length, &result);
  g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
  double sum_ns = 0;

  for (char **line = lines; *line; line++) {
    const char *count = strrchr(*line, ' ');

    ck_assert_msg(count && count == strchr(*line, ' '), "'%s' has spaces", *line);
    if (g_str_has_prefix(*line, "rank_16_stage_1;compute") || g_str_has_prefix(*line, "rank_16_stage_1;idle"))
      sum_ns += g_ascii_strtod(count, NULL);
  }
  ck_assert_double_lt(fabs(sum_ns * 1e-9 / result->step_time_s - 1), 1e-6);
}
END_TEST

MOE_TEST_MAIN("trace", every_slice_is_whole, slices_of_a_thread_never_overlap, times_are_whole_nanoseconds,
              slices_say_what_they_execute, causes_sum_to_the_account, arrows_have_both_ends,
              link_counters_rise_and_return, memory_counter_reaches_the_peak, header_says_what_was_run,
              perfetto_says_the_same, stacks_sum_to_the_step)
