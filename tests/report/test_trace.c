/* A trace is JSON, and every event has what the format asks for. */
#include "moetest.h"

#include <moesim/report_trace.h>
#include <moesim/sim.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

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

static void simulate(const MoeRun *run, MoeSimOptions *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, &error);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, &error);
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, &error);
  g_autoptr(MoeSimResult) result = moe_sim_run(program, run, topo, cost, options, &error);

  ck_assert_msg(result != NULL, "%s", error ? error->message : "?");
}

/* Writes the trace of the first rank of each stage and reads it back. */
static JsonParser *trace_run(void)
{
  static const int64_t ranks[] = {0, 16};
  g_autofree char *dir = g_dir_make_tmp("moesim-trace-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(dir, "trace.json", NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = load();
  g_autoptr(MoeTrace) trace = moe_trace_new(path, run, &error);
  MoeSimOptions options = {
      .kernel_jitter = -1, .slice = moe_trace_slice, .slice_data = trace, .n_trace_ranks = 2, .trace_ranks = ranks};
  JsonParser *parser = json_parser_new();

  ck_assert_msg(trace != NULL, "%s", error ? error->message : "?");
  simulate(run, &options);
  ck_assert_msg(moe_trace_commit(trace, &error), "%s", error ? error->message : "?");
  ck_assert_msg(json_parser_load_from_file(parser, path, &error), "%s", error ? error->message : "?");
  g_unlink(path);
  g_rmdir(dir);
  return parser;
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

/* Each message that arrives was sent: both ends carry the same id. */
START_TEST(messages_flow_between_ranks)
{
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);
  g_autoptr(GHashTable) starts = g_hash_table_new(g_str_hash, g_str_equal);

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(json_object_get_string_member(event, "ph"), "s") == 0)
      g_hash_table_add(starts, (gpointer)json_object_get_string_member(event, "id"));
  }
  ck_assert_uint_gt(g_hash_table_size(starts), 0);
  ck_assert_uint_gt(count_phase(events, "f"), 0);
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(json_object_get_string_member(event, "ph"), "f") == 0)
      ck_assert(g_hash_table_contains(starts, json_object_get_string_member(event, "id")));
  }
}
END_TEST

/* What links carry is never negative, reaches more than nothing and ends at nothing; memory returns to where it was. */
START_TEST(counters_rise_and_return)
{
  static const char *const names[] = {"memory beyond the step's start", "NVLink sent", "network sent"};
  static const char *const units[] = {"GB", "GB/s", "GB/s"};
  g_autoptr(JsonParser) parser = trace_run();
  JsonArray *events = events_of(parser);

  for (guint c = 0; c < G_N_ELEMENTS(names); c++) {
    double most = 0, last = -1;

    for (guint i = 0; i < json_array_get_length(events); i++) {
      JsonObject *event = json_array_get_object_element(events, i);

      if (strcmp(json_object_get_string_member(event, "ph"), "C") != 0 ||
          strcmp(json_object_get_string_member(event, "name"), names[c]) != 0)
        continue;
      last = json_object_get_double_member(json_object_get_object_member(event, "args"), units[c]);
      most = MAX(most, last);
      if (c > 0)
        ck_assert_double_ge(last, 0);
    }
    ck_assert_msg(most > 0, "%s never rises", names[c]);
    ck_assert_msg(last > -1e-3 && last < 1e-3, "%s ends at %g", names[c], last);
  }
}
END_TEST

MOE_TEST_MAIN("report/trace", every_slice_is_whole, messages_flow_between_ranks, counters_rise_and_return)
