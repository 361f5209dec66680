/* Chakra traces: what is written replays to the step time it came from; what is wrong is refused. */
#include "replay/replay.h"
#include "study/study.h"
#include <moesim/export.h>
#include <string.h>

#include "small_runs.h"

static void append(const void *data, gsize length, gpointer array)
{
  g_byte_array_append(array, data, (guint)length);
}

static MoeChakra *trace_of(const MoeExport *export)
{
  MoeChakra *chakra = moe_chakra_new();
  g_autofree char *groups = moe_export_chakra_groups(export);
  g_autoptr(GError) error = NULL;

  ck_assert_msg(moe_chakra_groups(chakra, groups, strlen(groups), "groups", &error), "%s", error ? error->message : "");
  for (int64_t rank = 0; rank < moe_export_ranks(export); rank++) {
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    moe_export_chakra(export, rank, append, bytes);
    ck_assert_msg(moe_chakra_add(chakra, bytes->data, bytes->len, "trace", &error), "%s", error ? error->message : "");
  }
  return chakra;
}

/* The replay is a second executor: dependencies only, no streams, no roles. It must find the step time of the
 * simulator. */
static void check_sample(guint row)
{
  g_autoptr(MoeRun) run = sample_run(row);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeExport) export = moe_export_new(run, 0, &error);
  g_autoptr(MoeResult) result = moe_study_predict(run, NULL, &error);

  ck_assert_msg(export && result, "%s", error ? error->message : "");
  g_autoptr(MoeChakra) chakra = trace_of(export);
  MoeReplay replay;

  ck_assert_msg(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, &error), "%s",
                error ? error->message : "");
  double deviation = moe_time_to_seconds(replay.step) / result->step_time_s - 1;

  ck_assert_msg(ABS(deviation) < 1e-6, "sample %u: %.9f s replayed, %.9f s simulated", row,
                moe_time_to_seconds(replay.step), result->step_time_s);
  ck_assert_double_eq_tol(replay.network_bytes, result->traffic_network_bytes,
                          1e-6 * result->traffic_network_bytes + 1);
  ck_assert_double_eq_tol(replay.nvlink_bytes, result->traffic_nvlink_bytes, 1e-6 * result->traffic_nvlink_bytes + 1);
}

START_TEST(test_round_trip)
{
  for (guint row = 0; row < G_N_ELEMENTS(sample_sets); row++)
    check_sample(row);
}
END_TEST

START_TEST(test_replay_twice)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeExport) export = moe_export_new(run, 0, NULL);
  g_autoptr(MoeChakra) chakra = trace_of(export);
  MoeReplay first, second;

  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &first, NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &second, NULL));
  ck_assert(first.step == second.step && first.events == second.events);
}
END_TEST

/* ---- traces written by hand: bytes of the protobuf encoding ---------------------------------- */

static void put(GByteArray *bytes, const void *data, guint length)
{
  g_byte_array_append(bytes, data, length);
}

static void put_varint(GByteArray *bytes, guint64 value)
{
  do {
    guint8 byte = (guint8)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

    put(bytes, &byte, 1);
    value >>= 7;
  } while (value > 0);
}

static void put_field(GByteArray *bytes, guint field, guint64 value)
{
  put_varint(bytes, (guint64)field << 3);
  put_varint(bytes, value);
}

static void put_bytes(GByteArray *bytes, guint field, const void *data, guint length)
{
  put_varint(bytes, (guint64)field << 3 | 2);
  put_varint(bytes, length);
  put(bytes, data, length);
}

/* Fields of an attribute's kinds (chakra.proto); 0 stands for INT64. */
enum { DOUBLE = 3, FLOAT = 5, INT32 = 7, INT64 = 9, UINT32 = 11, UINT64 = 13, SINT32 = 15, SINT64 = 17 };

static void put_attribute(GByteArray *node, const char *name, guint kind, gint64 value)
{
  g_autoptr(GByteArray) attribute = g_byte_array_new();
  double wide = (double)value;
  float narrow = (float)value;

  put_bytes(attribute, 1, name, (guint)strlen(name));
  if (kind == DOUBLE || kind == FLOAT) {
    put_varint(attribute, (guint64)kind << 3 | (kind == DOUBLE ? 1 : 5));
    put(attribute, kind == DOUBLE ? (void *)&wide : (void *)&narrow, kind == DOUBLE ? sizeof wide : sizeof narrow);
  } else if (kind == SINT32 || kind == SINT64) {
    put_field(attribute, kind, value < 0 ? (guint64)(-value) * 2 - 1 : (guint64)value * 2);
  } else {
    put_field(attribute, kind ? kind : INT64, (guint64)value);
  }
  put_bytes(node, 10, attribute->data, attribute->len);
}

typedef struct {
  guint64 id, type, after, micros; /* after: id + 1 of the node before, 0 = none */
  const char *name[4];
  gint64 value[4];
  guint kind[4];
} Node;

enum { COMP = 4, SEND = 5, RECV = 6, COLL = 7 };

static GByteArray *encode(const Node *nodes, guint n)
{
  GByteArray *file = g_byte_array_new();

  put_varint(file, 0); /* empty metadata */
  for (guint i = 0; i < n; i++) {
    g_autoptr(GByteArray) node = g_byte_array_new();

    put_field(node, 1, nodes[i].id);
    put_field(node, 3, nodes[i].type);
    if (nodes[i].after > 0)
      put_field(node, 5, nodes[i].after - 1);
    put_field(node, 7, nodes[i].micros);
    for (guint a = 0; a < 4 && nodes[i].name[a]; a++)
      put_attribute(node, nodes[i].name[a], nodes[i].kind[a], nodes[i].value[a]);
    put_varint(file, node->len);
    put(file, node->data, node->len);
  }
  return file;
}

static gboolean add(MoeChakra *chakra, const Node *nodes, guint n, GError **error)
{
  g_autoptr(GByteArray) file = encode(nodes, n);

  return moe_chakra_add(chakra, file->data, file->len, "x.et", error);
}

/* Kernels of one GPU follow one another even when nothing says so: 300 us + 200 us; a host node runs beside. */
START_TEST(test_foreign_kernels)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  const Node nodes[] = {{.id = 7, .type = COMP, .micros = 300},
                        {.id = 3, .type = COMP, .micros = 200},
                        {.id = 5, .type = COMP, .micros = 450, .name = {"is_cpu_op"}, .value = {1}}};
  MoeReplay replay;

  ck_assert(add(chakra, nodes, 3, NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, NULL));
  ck_assert_int_eq(replay.step, 500 * INT64_C(1000000));
}
END_TEST

/* No time: 1e12 FLOP at the quoted peak. */
START_TEST(test_roofline)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  const Node nodes[] = {{.id = 1, .type = COMP, .name = {"num_ops", "tensor_size"}, .value = {1000000000000, 1000}}};
  MoeReplay replay;

  ck_assert(add(chakra, nodes, 1, NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, NULL));
  ck_assert_double_eq_tol(moe_time_to_seconds(replay.step), 1e12 / run->cluster.accelerator.quoted_peak_flop_per_s,
                          1e-9);
}
END_TEST

/* A collective starts when its last member arrives, here after 400 us. */
START_TEST(test_foreign_collective)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  MoeReplay alone, late;
  Node nodes[] = {{.id = 1, .type = COMP, .micros = 400},
                  {.id = 2, .type = COLL, .after = 2, .name = {"comm_type", "comm_size"}, .value = {0, 1000000}}};

  ck_assert(add(chakra, nodes, 2, NULL));
  nodes[0].micros = 100;
  ck_assert(add(chakra, nodes, 2, NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &late, NULL));
  g_autoptr(MoeChakra) only = moe_chakra_new();

  nodes[1].after = 0;
  ck_assert(add(only, &nodes[1], 1, NULL) && add(only, &nodes[1], 1, NULL));
  ck_assert(moe_chakra_replay(only, &run->cluster, &run->stack, &alone, NULL));
  ck_assert_int_gt(alone.step, 0);
  ck_assert_int_eq(late.step, alone.step + 400 * INT64_C(1000000));
}
END_TEST

/* A number is the same in whatever kind of attribute it comes: 2^30 FLOP at the quoted peak. */
START_TEST(test_numbers_of_every_kind)
{
  static const guint kinds[] = {DOUBLE, FLOAT, INT32, INT64, UINT32, UINT64, SINT32, SINT64};
  g_autoptr(MoeRun) run = sample_run(0);
  MoeReplay replay;

  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const Node node = {.id = 1, .type = COMP, .name = {"num_ops"}, .value = {1 << 30}, .kind = {kinds[i]}};
    g_autoptr(MoeChakra) chakra = moe_chakra_new();

    ck_assert(add(chakra, &node, 1, NULL));
    ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, NULL));
    ck_assert_double_eq_tol(moe_time_to_seconds(replay.step),
                            (1 << 30) / run->cluster.accelerator.quoted_peak_flop_per_s, 2e-12);
  }
}
END_TEST

/* Two GPUs of one domain exchange 100 MB: an all-reduce sends all of it, a gather, a scatter or an exchange half, since
 * the other half is at its place; a broadcast goes over the one edge there is. Kinds that NCCL has under another name,
 * or makes of others, count as those. */
START_TEST(test_kinds_of_collectives)
{
  static const struct {
    gint64 comm_type;
    double share;
  } kinds[] = {{0, 1}, {9, 1} /* barrier */, {2, 0.5}, {3, 0.5}, {1, 0.5}, {7, 0.5}, {8, 0.5}, {6, 0.5}, {4, 1},
               {5, 1}};
  g_autoptr(MoeRun) run = sample_run(0);

  for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
    const Node node = {
        .id = 1, .type = COLL, .name = {"comm_type", "comm_size"}, .value = {kinds[i].comm_type, 100000000}};
    g_autoptr(MoeChakra) chakra = moe_chakra_new();
    MoeReplay replay;

    ck_assert(add(chakra, &node, 1, NULL) && add(chakra, &node, 1, NULL));
    ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, NULL));
    ck_assert_msg(ABS(replay.nvlink_bytes - kinds[i].share * 1e8) < 1, "comm_type %d: %.0f bytes",
                  (int)kinds[i].comm_type, replay.nvlink_bytes);
  }
}
END_TEST

/* PyTorch's call of a collective on the host has no size: it is host time, and the kernel behind it the collective. */
START_TEST(test_host_calls)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new(), alone = moe_chakra_new();
  const Node nodes[] = {
      {.id = 1, .type = COLL, .micros = 50, .name = {"is_cpu_op"}, .value = {1}},
      {.id = 2, .type = COLL, .after = 2, .name = {"is_cpu_op", "comm_type", "comm_size"}, .value = {0, 0, 1 << 20}}};
  const Node kernel = {.id = 2, .type = COLL, .name = {"comm_type", "comm_size"}, .value = {0, 1 << 20}};
  MoeReplay with, without;

  for (int rank = 0; rank < 2; rank++)
    ck_assert(add(chakra, nodes, 2, NULL) && add(alone, &kernel, 1, NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &with, NULL));
  ck_assert(moe_chakra_replay(alone, &run->cluster, &run->stack, &without, NULL));
  ck_assert_int_eq(with.step, without.step + 50 * INT64_C(1000000));
  ck_assert_double_eq_tol(with.host_s, 50e-6, 1e-12);
}
END_TEST

/* A timed NCCL kernel without kind or size takes the time that was recorded, and is counted; control dependencies, here
 * on a node that the trace has not and on the node behind, are the profiler's nesting. */
START_TEST(test_what_a_trace_has_not)
{
  static const char text[] =
      "{\"workload_graph\": [{\"Id\": 5, \"NodeType\": 4, \"is_cpu_op\": false, \"runtime\": 100, \"ctrl_deps\": [3, "
      "6]},"
      " {\"Id\": 6, \"NodeType\": 7, \"is_cpu_op\": false, \"runtime\": 28, \"data_deps\": [5]}]}";
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  MoeReplay replay;

  ck_assert(moe_chakra_add_json(chakra, text, strlen(text), "x.json", NULL));
  ck_assert(moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, NULL));
  ck_assert_int_eq(replay.step, 128 * INT64_C(1000000));
  ck_assert_uint_eq(replay.unsized, 1);
}
END_TEST

static gboolean add_json(MoeChakra *chakra, const char *text, GError **error)
{
  return moe_chakra_add_json(chakra, text, strlen(text), "x.json", error);
}

static void check_json(const char *text, const char *message)
{
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  g_autoptr(GError) error = NULL;

  ck_assert(!add_json(chakra, text, &error));
  ck_assert_str_eq(error->message, message);
}

/* The same trace as JSON and as protobuf replays the same. */
START_TEST(test_json)
{
  static const char text[] =
      "{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 4, \"is_cpu_op\": false, \"runtime\": 400},"
      " {\"Id\": 2, \"NodeType\": 7, \"data_deps\": [1], \"comm_type\": 0, \"comm_size\": 1000000}]}";
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) json = moe_chakra_new(), bytes = moe_chakra_new();
  const Node nodes[] = {{.id = 1, .type = COMP, .micros = 400},
                        {.id = 2, .type = COLL, .after = 2, .name = {"comm_type", "comm_size"}, .value = {0, 1000000}}};
  MoeReplay one, other;

  for (int rank = 0; rank < 2; rank++)
    ck_assert(add_json(json, text, NULL) && add(bytes, nodes, 2, NULL));
  ck_assert(moe_chakra_replay(json, &run->cluster, &run->stack, &one, NULL));
  ck_assert(moe_chakra_replay(bytes, &run->cluster, &run->stack, &other, NULL));
  ck_assert_int_eq(one.step, other.step);
  check_json("{\"workload\": []}", "x.json: no list \"workload_graph\", expected a Chakra trace");
  check_json("{\"traceEvents\": []}",
             "x.json: a Kineto trace, expected a Chakra trace, as chakra_trace_link and chakra_converter make of it");
  check_json("{\"workload_graph\": [7]}", "x.json: workload_graph[0]: no object, expected a node");
  check_json("{\"workload_graph\": [{\"NodeType\": 4}]}",
             "x.json: workload_graph[0]: no \"Id\", expected a whole number");
  check_json("{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 40}]}",
             "x.json: workload_graph[0]: no known \"NodeType\", expected a number from 1 to 7");
  check_json("{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 4, \"data_deps\": [-1]}]}",
             "x.json: workload_graph[0]: dependencies that are no list of ids");
  check_json("{\"workload_graph\": [{\"Id\": 1, \"NodeType\": 4, \"data_deps\": [5]}]}",
             "x.json: node 1: depends on a node that is not there");
}
END_TEST

static void check_refused(const Node *nodes, guint n, guint ranks, const char *message)
{
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  g_autoptr(GError) error = NULL;
  gboolean sound = TRUE;
  MoeReplay replay;

  for (guint r = 0; sound && r < ranks; r++)
    sound = add(chakra, nodes, n, &error);
  ck_assert(!sound || !moe_chakra_replay(chakra, &run->cluster, &run->stack, &replay, &error));
  ck_assert_str_eq(error->message, message);
}

START_TEST(test_refusals)
{
  const Node missing = {.id = 1, .type = COMP, .after = 10};
  const Node itself = {.id = 1, .type = COMP, .after = 2};
  const Node twice[] = {{.id = 1, .type = COMP}, {.id = 1, .type = COMP}};
  const Node unsent = {.id = 1, .type = RECV, .name = {"comm_src", "comm_size"}, .value = {3, 8}};
  const Node self = {.id = 1, .type = SEND, .name = {"comm_dst", "comm_size"}, .value = {0, 8}};
  const Node size = {.id = 1, .type = COLL, .name = {"comm_type", "comm_size"}, .value = {0, -5}};
  const Node kind = {.id = 1, .type = COLL, .name = {"comm_size"}, .value = {5}};
  const Node type = {.id = 1, .type = 99};
  const Node eternal = {.id = 1, .type = COMP, .micros = UINT64_C(1) << 50};
  const Node owed = {.id = 1, .type = COMP, .name = {"num_ops"}, .value = {-1}, .kind = {SINT64}};

  check_refused(&missing, 1, 1, "x.et: node 1: depends on a node that is not there");
  check_refused(&itself, 1, 1, "the trace cannot finish: rank 0, node 1 waits for 1 others");
  check_refused(twice, 2, 1, "x.et: node 1: a second node of this id");
  check_refused(&unsent, 1, 1, "a message from rank 3 to rank 0 is received and not sent, expected both sides");
  check_refused(&self, 1, 1, "x.et: node 1: peer, tag or size of the message out of range");
  check_refused(&size, 1, 1, "x.et: node 1: a size of the collective is out of range");
  check_refused(&kind, 1, 1, "x.et: node 1: a collective without a known comm_type");
  check_refused(&type, 1, 1, "x.et: node 1: a node of unknown type");
  check_refused(&eternal, 1, 1, "x.et: node 1: a duration of more than 12 days");
  check_refused(&owed, 1, 1, "x.et: node 1: num_ops or tensor_size out of range");
  check_refused(NULL, 0, 1, "a trace without nodes, expected some");
}
END_TEST

MOE_TEST_MAIN("interchange/chakra", test_host_calls, test_what_a_trace_has_not, test_json, test_round_trip,
              test_replay_twice, test_foreign_kernels, test_roofline, test_numbers_of_every_kind,
              test_kinds_of_collectives, test_foreign_collective, test_refusals)
