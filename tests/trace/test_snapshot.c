/* Snapshots of memory: what is allocated is freed, at its own address and size, and the peak is the prediction's. */
#include "moetest.h"

#include "study/study.h"
#include <moesim/report.h>

#include <json-glib/json-glib.h>
#include <math.h>

/* Two stages, recomputation and offload, so that pieces are cut and freed from several micro-batches. */
static MoeRun *load(void)
{
  static const char *const sets[] = {"architecture.layers=8",
                                     "parallelism={gpus: 16, tensor: 2, pipeline: 2, schedule: 1f1b, zero: 1}",
                                     "training.global_batch=32",
                                     "recompute={mode: full, method: uniform, layers: 2}",
                                     "offload={activations: 0.5, optimizer: 0.5, update: device}",
                                     NULL};
  g_autofree char *path = moetest_path("models/llama3-70b.yaml");
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions options = {.variant = "", .sets = sets, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "?");
  return run;
}

static JsonParser *snapshot(MoeResult **result)
{
  static const int64_t ranks[] = {0, 8};
  g_autofree char *path = g_build_filename(moetest_folder(), "snapshot.json", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load();
  g_autoptr(MoeTrace) trace = moe_snapshot_new(path, run, &error);
  MoeSimOptions options = {.kernel_jitter = -1,
                           .fidelity = MOE_FIDELITY_FULL,
                           .slice = moe_trace_slice,
                           .slice_data = trace,
                           .n_trace_ranks = G_N_ELEMENTS(ranks),
                           .trace_ranks = ranks};
  JsonParser *parser = json_parser_new();

  ck_assert_msg(trace != NULL, "%s", error ? error->message : "?");
  *result = moe_study_predict(run, &options, &error);
  ck_assert_msg(*result && moe_trace_commit(trace, *result, "1.2.3", &error), "%s", error ? error->message : "?");
  ck_assert_msg(json_parser_load_from_file(parser, path, &error), "%s", error ? error->message : "?");
  return parser;
}

/* Walks one device's events: each free ends the allocation at its address, none is left; the most that was live. */
static double walk(JsonArray *events)
{
  g_autoptr(GHashTable) live = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
  gint64 now = 0, peak = 0, before = 0;

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);
    const char *action = json_object_get_string_member(event, "action");
    gint64 address = json_object_get_int_member(event, "addr"), size = json_object_get_int_member(event, "size");
    gint64 time = json_object_get_int_member(event, "time_us");

    ck_assert_int_ge(time, before);
    before = time;
    if (g_str_equal(action, "alloc")) {
      ck_assert(!g_hash_table_contains(live, &address));
      g_hash_table_insert(live, g_memdup2(&address, sizeof address), g_memdup2(&size, sizeof size));
      now += size;
    } else if (g_str_equal(action, "free_completed")) {
      gint64 *known = g_hash_table_lookup(live, &address);

      ck_assert(known && *known == size);
      g_hash_table_remove(live, &address);
      now -= size;
    }
    peak = MAX(peak, now);
  }
  ck_assert_int_eq(now, 0);
  return (double)peak;
}

static double held(JsonObject *segment)
{
  JsonArray *blocks = json_object_get_array_member(segment, "blocks");
  double bytes = 0;

  for (guint i = 0; i < json_array_get_length(blocks); i++)
    bytes += (double)json_object_get_int_member(json_array_get_object_element(blocks, i), "size");
  return bytes;
}

START_TEST(test_snapshot)
{
  g_autoptr(MoeResult) result = NULL;
  g_autoptr(JsonParser) parser = snapshot(&result);
  JsonObject *root = json_node_get_object(json_parser_get_root(parser));
  JsonArray *segments = json_object_get_array_member(root, "segments");
  JsonArray *traces = json_object_get_array_member(root, "device_traces");

  ck_assert_uint_eq(json_array_get_length(segments), 2);
  ck_assert_uint_eq(json_array_get_length(traces), 2);
  for (guint stage = 0; stage < 2; stage++) {
    double peak = walk(json_array_get_array_element(traces, stage));
    double all = peak + held(json_array_get_object_element(segments, stage));

    ck_assert_double_gt(peak, 0);
    /* Each piece is rounded to a byte. */
    ck_assert_double_eq_tol(all, result->memory.role[stage].counted_bytes[MOE_MEMORY_ALLOCATED], 1e4);
  }
}
END_TEST

/* Written is the first rank of the fullest stage, of two of eight ranks each. */
START_TEST(test_fullest)
{
  g_autofree char *path = g_build_filename(moetest_folder(), "fullest.json", NULL);
  const MoeSimOptions options = {.kernel_jitter = -1};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load();
  g_autoptr(JsonParser) parser = json_parser_new();

  ck_assert_int_eq(moe_snapshot_save("/no/such/folder/fullest.json", run, &options, "1.2.3", NULL), -1);
  g_autoptr(MoeResult) result = moe_study_predict(run, &options, NULL);
  int64_t rank = moe_snapshot_save(path, run, &options, "1.2.3", &error);

  ck_assert_msg(rank == 8 * (int64_t)result->memory.peak_role, "%s", error ? error->message : "another rank");
  ck_assert(json_parser_load_from_file(parser, path, NULL));
  JsonObject *root = json_node_get_object(json_parser_get_root(parser));

  ck_assert_uint_eq(json_array_get_length(json_object_get_array_member(root, "device_traces")), 1);
}
END_TEST

MOE_TEST_MAIN("trace/snapshot", test_snapshot, test_fullest)
