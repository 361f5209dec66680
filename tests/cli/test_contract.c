/* The contract of `run`, `compare` and `--trace` as other programs see it: bytes on stdout, files, exit status. */
#include "moetest.h"

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* Runs "moesim WORDS..." from the source root; returns stdout. */
static char *moesim(const char *words, int expected_status)
{
  g_autofree char *line = g_strdup_printf("%s %s", g_getenv("MOESIM_PROGRAM"), words);
  g_auto(GStrv) arguments = NULL;
  char *out = NULL;
  g_autofree char *said = NULL;
  g_autoptr(GError) error = NULL;
  int status = 0;

  ck_assert(g_shell_parse_argv(line, NULL, &arguments, NULL));
  ck_assert_msg(
      g_spawn_sync(g_getenv("MOESIM_DATA"), arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &said, &status, &error),
      "%s", error ? error->message : "");
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected_status, "%s: status %d: %s", words, status, said);
  return out;
}

static JsonNode *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  JsonNode *node = json_from_string(text, &error);

  ck_assert_msg(node != NULL, "%s", error ? error->message : "empty");
  return node;
}

static JsonNode *run_json(const char *words)
{
  g_autofree char *out = moesim(words, 0);

  return parse(out);
}

static double number(JsonObject *object, const char *section, const char *key)
{
  JsonObject *holder = section ? json_object_get_object_member(object, section) : object;

  ck_assert_msg(holder && json_object_has_member(holder, key), "no %s.%s", section ? section : "", key);
  return json_object_get_double_member(holder, key);
}

static double sum_of(JsonObject *object, const char *section)
{
  JsonObject *parts = json_object_get_object_member(object, section);
  g_autoptr(GList) keys = json_object_get_members(parts);
  double sum = 0;

  for (GList *key = keys; key; key = key->next)
    sum += json_object_get_double_member(parts, key->data);
  return sum;
}

static void check_near(double value, double expected, double tolerance, const char *what)
{
  ck_assert_msg(fabs(value - expected) <= tolerance * fabs(expected), "%s is %.17g, expected %.17g", what, value,
                expected);
}

START_TEST(times_sum_to_the_step_and_mfu_follows)
{
  g_autoptr(JsonNode) root = run_json("run models/mai-base-1/v5.yaml --format json");
  JsonObject *object = json_node_get_object(root);
  double step_s = number(object, NULL, "step_time_s");
  double gpus = number(object, NULL, "gpus"), peak = number(object, NULL, "peak_flops_per_gpu");
  double tokens = number(object, NULL, "tokens_per_step");
  double flops = number(object, "model_flops_per_token", "causal");

  ck_assert_str_eq(json_object_get_string_member(object, "run"), "mai-base-1/v5");
  ck_assert_double_gt(step_s, 0);
  check_near(sum_of(object, "time_s"), step_s, 1e-9, "sum of time_s");
  check_near(number(object, "mfu", "causal"), flops * tokens / (step_s * gpus * peak), 1e-12, "MFU");
  check_near(number(object, NULL, "tokens_per_s_per_gpu"), tokens / step_s / gpus, 1e-12, "tokens/s/GPU");
  check_near(tokens, 8192.0 * 16384, 0, "tokens per step");
  /* "math" is model FLOPs at the quoted peak: its share of the step is the MFU. */
  check_near(number(object, "time_s", "math") / step_s, number(object, "mfu", "causal"), 1e-6, "share of math");
}
END_TEST

START_TEST(memory_parts_sum_to_the_peak)
{
  g_autoptr(JsonNode) root = run_json("run models/deepseek-v3.yaml --format json");
  JsonObject *memory = json_object_get_object_member(json_node_get_object(root), "memory");

  check_near(sum_of(memory, "parts"), number(memory, NULL, "peak_bytes"), 1e-9, "sum of memory parts");
  ck_assert_uint_eq(json_array_get_length(json_object_get_array_member(memory, "stages")), 16);
  ck_assert_int_eq(json_object_get_boolean_member(memory, "fits"),
                   number(memory, NULL, "peak_bytes") <= number(memory, NULL, "capacity_bytes"));
}
END_TEST

START_TEST(deepseek_v3_counts_250_and_281_gflop)
{
  g_autoptr(JsonNode) root = run_json("run models/deepseek-v3.yaml --format json");
  JsonObject *object = json_node_get_object(root);

  check_near(number(object, "model_flops_per_token", "causal"), 250e9, 0.01, "causal FLOPs per token");
  check_near(number(object, "model_flops_per_token", "full"), 281e9, 0.01, "full FLOPs per token");
}
END_TEST

/* The text without the one value that may differ. */
static char *without_wall_time(const char *text)
{
  g_autoptr(GRegex) regex = g_regex_new("\"wall_time_s\" : [-+.e0-9]+", 0, 0, NULL);

  return g_regex_replace_literal(regex, text, -1, 0, "", 0, NULL);
}

START_TEST(the_same_call_gives_the_same_bytes)
{
  static const char *const calls[] = {
      "run models/mai-base-1/v5.yaml --format json",
      "run models/deepseek-v3.yaml --gpus 1024 --seed 7 --set 'training.routing.balance={zipf: 0.3}' --format json",
      "compare models/mai-base-1/v4.yaml models/mixtral-8x7b.yaml --variants --format json"};

  for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
    g_autofree char *first = moesim(calls[i], 0);
    g_autofree char *second = moesim(calls[i], 0);
    g_autofree char *a = without_wall_time(first);
    g_autofree char *b = without_wall_time(second);

    ck_assert_msg(strlen(a) < strlen(first), "wall_time_s not found");
    ck_assert_str_eq(a, b);
  }
}
END_TEST

START_TEST(compare_lists_variants_in_order)
{
  g_autoptr(JsonNode) root =
      run_json("compare models/mai-base-1/v5.yaml --variants models/deepseek-v3.yaml --format json");
  JsonArray *array = json_node_get_array(root);
  static const char *const variants[] = {"before", "after"};

  ck_assert_uint_eq(json_array_get_length(array), 3);
  for (guint i = 0; i < G_N_ELEMENTS(variants); i++)
    ck_assert_str_eq(json_object_get_string_member(json_array_get_object_element(array, i), "variant"), variants[i]);
  ck_assert(json_object_get_null_member(json_array_get_object_element(array, 2), "variant"));
}
END_TEST

START_TEST(another_machine_has_no_published_result)
{
  g_autoptr(JsonNode) own = run_json("run models/deepseek-v3.yaml --format json");
  g_autoptr(JsonNode) other = run_json("run models/deepseek-v3.yaml --cluster h100-hgx --format json");
  JsonObject *published = json_object_get_object_member(json_node_get_object(own), "published");

  ck_assert_double_gt(json_object_get_double_member(published, "mfu"), 0.3);
  published = json_object_get_object_member(json_node_get_object(other), "published");
  ck_assert(json_object_get_null_member(published, "mfu"));
}
END_TEST

START_TEST(what_does_not_fit_is_predicted_and_said)
{
  const char *arguments = "models/deepseek-v3.yaml --set cluster.accelerator.memory='8 GB' --format json";
  g_autofree char *run = g_strdup_printf("run %s", arguments);
  g_autofree char *memory = g_strdup_printf("memory %s", arguments);
  g_autoptr(JsonNode) root = run_json(run);
  g_autofree char *no = moesim(memory, 1);

  ck_assert(
      !json_object_get_boolean_member(json_object_get_object_member(json_node_get_object(root), "memory"), "fits"));
  ck_assert_msg(strstr(no, "\"fits\" : false") != NULL, "%s", no);
}
END_TEST

/* ---- other formats ---------------------------------------------------------------------------------------------- */

/* Lines of comma-separated cells; the first is the header. */
typedef struct {
  char **lines;
  guint n; /* lines, without the header */
} Csv;

static Csv run_csv(const char *words)
{
  g_autofree char *out = moesim(words, 0);
  Csv csv = {.lines = g_strsplit(g_strchomp(out), "\n", -1)};

  csv.n = g_strv_length(csv.lines) - 1;
  return csv;
}

static void csv_clear(Csv *csv)
{
  g_strfreev(csv->lines);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Csv, csv_clear)

/* Cells of a line; a cell in double quotes may hold commas (none holds a quote here). */
static GStrv cells_of(const char *line)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  for (const char *at = line; at; at = *at == ',' ? at + 1 : NULL) {
    gboolean quoted = *at == '"';
    const char *end = quoted ? strchr(at + 1, '"') : at + strcspn(at, ",");

    ck_assert_ptr_nonnull(end);
    g_autofree char *cell = g_strndup(at + quoted, (gsize)(end - at) - (gsize)quoted);
    g_strv_builder_add(builder, cell);
    at = end + quoted;
  }
  return g_strv_builder_end(builder);
}

/* Text below a title in a row, counted from 0. */
static char *cell(const Csv *csv, guint row, const char *title)
{
  g_auto(GStrv) titles = cells_of(csv->lines[0]);
  g_auto(GStrv) cells = cells_of(csv->lines[row + 1]);

  ck_assert_uint_eq(g_strv_length(titles), g_strv_length(cells));
  for (guint i = 0; titles[i]; i++)
    if (strcmp(titles[i], title) == 0)
      return g_strdup(cells[i]);
  ck_abort_msg("no column %s", title);
}

static double cell_number(const Csv *csv, guint row, const char *title)
{
  g_autofree char *text = cell(csv, row, title);

  return g_ascii_strtod(text, NULL);
}

static void check_row(const Csv *csv, guint row, JsonObject *object)
{
  static const char *const leaves[][2] = {{"mfu", "causal"},        {"memory", "peak_bytes"},
                                          {"time_s", "bubble"},     {"traffic_bytes_per_gpu", "network"},
                                          {"pass_time_s", "dgrad"}, {NULL, "step_time_s"}};
  g_autofree char *run = cell(csv, row, "run");

  ck_assert_str_eq(run, json_object_get_string_member(object, "run"));
  for (guint i = 0; i < G_N_ELEMENTS(leaves); i++) {
    g_autofree char *title = leaves[i][0] ? g_strjoin(".", leaves[i][0], leaves[i][1], NULL) : g_strdup(leaves[i][1]);

    check_near(cell_number(csv, row, title), number(object, leaves[i][0], leaves[i][1]), 1e-15, title);
  }
}

START_TEST(csv_says_what_json_says)
{
  static const char *const calls[] = {"run models/mixtral-8x7b.yaml", "memory models/mixtral-8x7b.yaml",
                                      "compare models/mixtral-8x7b.yaml models/mixtral-8x22b.yaml"};
  static const guint rows[] = {1, 1, 2};

  for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
    g_autofree char *as_csv = g_strconcat(calls[i], " --format csv", NULL);
    g_autofree char *as_json = g_strconcat(calls[i], " --format json", NULL);
    g_auto(Csv) csv = run_csv(as_csv);
    g_autoptr(JsonNode) root = run_json(as_json);

    ck_assert_uint_eq(csv.n, rows[i]);
    for (guint row = 0; row < csv.n; row++)
      check_row(&csv, row,
                JSON_NODE_HOLDS_ARRAY(root) ? json_array_get_object_element(json_node_get_array(root), row)
                                            : json_node_get_object(root));
  }
}
END_TEST

/* "--set KEY=VALUE" for each column that a search chose. */
static char *chosen(const Csv *csv, guint row)
{
  g_auto(GStrv) titles = cells_of(csv->lines[0]);
  GString *words = g_string_new(NULL);

  for (guint i = 0; titles[i]; i++)
    if (g_str_has_prefix(titles[i], "set.")) {
      g_autofree char *value = cell(csv, row, titles[i]);
      g_string_append_printf(words, " --set %s=%s", titles[i] + strlen("set."), value);
    }
  return g_string_free(words, FALSE);
}

/* What is ranked is in order, and is a run that anybody can repeat from what the record says. Searches leave the noise
 * of GPUs out, so it is switched off here. */
START_TEST(a_ranked_layout_can_be_run)
{
  const char *quiet = "models/mixtral-8x7b.yaml --set cluster.accelerator.speed_spread=0";
  g_autofree char *search =
      g_strdup_printf("search %s --top 2 --limit micro_batch=1 --limit pipeline=1 --limit recompute=selective", quiet);
  g_autofree char *as_csv = g_strconcat(search, " --format csv", NULL);
  g_autofree char *as_json = g_strconcat(search, " --format json", NULL);
  g_auto(Csv) csv = run_csv(as_csv);
  g_autoptr(JsonNode) root = run_json(as_json);

  ck_assert_uint_eq(csv.n, 2);
  ck_assert_uint_eq(json_array_get_length(json_node_get_array(root)), 2);
  ck_assert_double_ge(cell_number(&csv, 0, "mfu.causal"), cell_number(&csv, 1, "mfu.causal"));
  for (guint row = 0; row < csv.n; row++) {
    g_autofree char *sets = chosen(&csv, row);
    g_autofree char *words = g_strdup_printf("run %s%s --format json", quiet, sets);
    g_autoptr(JsonNode) again = run_json(words);

    check_row(&csv, row, json_array_get_object_element(json_node_get_array(root), row));
    check_near(number(json_node_get_object(again), NULL, "step_time_s"), cell_number(&csv, row, "step_time_s"), 1e-12,
               "step time of the layout by itself");
  }
}
END_TEST

/* A point of a sweep is the run that the command line would give: cluster, size, variant and stack as well as keys. */
START_TEST(a_point_of_a_sweep_is_a_run)
{
  static const struct {
    const char *sweep, *runs[2];
  } calls[] = {{"models/mixtral-8x7b.yaml --vary cluster=h100-hgx,h800-hgx --gpus 128",
                {"models/mixtral-8x7b.yaml --cluster h100-hgx --gpus 128",
                 "models/mixtral-8x7b.yaml --cluster h800-hgx --gpus 128"}},
               {"models/mixtral-8x7b.yaml --vary gpus=64,128",
                {"models/mixtral-8x7b.yaml", "models/mixtral-8x7b.yaml --gpus 128"}},
               {"models/mai-base-1/v5.yaml --vary variant=before,after",
                {"models/mai-base-1/v5.yaml:before", "models/mai-base-1/v5.yaml:after"}},
               {"models/mixtral-8x7b.yaml --vary stack=megatron-core:2024,megatron-core:0.13",
                {"models/mixtral-8x7b.yaml", "models/mixtral-8x7b.yaml --stack megatron-core:0.13"}}};

  for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
    g_autofree char *words = g_strdup_printf("sweep %s --format json", calls[i].sweep);
    g_autoptr(JsonNode) points = run_json(words);
    JsonArray *array = json_node_get_array(points);

    ck_assert_uint_eq(json_array_get_length(array), 2);
    for (guint p = 0; p < 2; p++) {
      g_autofree char *alone = g_strdup_printf("run %s --format json", calls[i].runs[p]);
      g_autoptr(JsonNode) run = run_json(alone);

      check_near(number(json_array_get_object_element(array, p), NULL, "step_time_s"),
                 number(json_node_get_object(run), NULL, "step_time_s"), 0, calls[i].runs[p]);
    }
  }
}
END_TEST

/* Two steps with seeds 3 and 4: the mean of each, and everything that follows from the step time follows from it. */
START_TEST(steps_are_averaged)
{
  g_autoptr(JsonNode) first = run_json("run models/mai-base-1/v5.yaml --seed 3 --format json");
  g_autoptr(JsonNode) second = run_json("run models/mai-base-1/v5.yaml --seed 4 --format json");
  g_autoptr(JsonNode) both = run_json("run models/mai-base-1/v5.yaml --seed 3 --steps 2 --format json");
  JsonObject *a = json_node_get_object(first), *b = json_node_get_object(second), *mean = json_node_get_object(both);
  static const char *const sums[][2] = {{NULL, "step_time_s"},       {"time_s", "peer_wait"},
                                        {"kernel_time_s", "memory"}, {"scope_time_s", "experts"},
                                        {"pass_time_s", "forward"},  {"traffic_bytes_per_gpu", "network"}};
  double step_s = number(mean, NULL, "step_time_s");

  ck_assert_double_ne(number(a, NULL, "step_time_s"), number(b, NULL, "step_time_s"));
  for (guint i = 0; i < G_N_ELEMENTS(sums); i++)
    check_near(number(mean, sums[i][0], sums[i][1]),
               (number(a, sums[i][0], sums[i][1]) + number(b, sums[i][0], sums[i][1])) / 2, 1e-12, sums[i][1]);
  check_near(sum_of(mean, "time_s"), step_s, 1e-9, "sum of time_s");
  check_near(number(mean, NULL, "tokens_per_s"), number(mean, NULL, "tokens_per_step") / step_s, 1e-12, "tokens/s");
  check_near(number(mean, "mfu", "full"), number(a, "mfu", "full") * number(a, NULL, "step_time_s") / step_s, 1e-12,
             "MFU");
  check_near(number(mean, NULL, "events"), number(a, NULL, "events") + number(b, NULL, "events"), 0, "events");
}
END_TEST

/* ---- traces ----------------------------------------------------------------------------------------------------- */

/* Latest end so far of each (rank, stream), in microseconds. */
static void check_slice(JsonObject *slice, GHashTable *ends)
{
  static const char *const keys[] = {"ph", "ts", "dur", "pid", "tid", "name", NULL};

  for (const char *const *key = keys; *key; key++)
    ck_assert_msg(json_object_has_member(slice, *key), "a slice without %s", *key);
  double start = json_object_get_double_member(slice, "ts");
  double duration = json_object_get_double_member(slice, "dur");
  char *place = g_strdup_printf("%g/%g", json_object_get_double_member(slice, "pid"),
                                json_object_get_double_member(slice, "tid"));
  double *end = g_hash_table_lookup(ends, place);

  ck_assert_double_ge(start, 0);
  ck_assert_double_ge(duration, 0);
  /* 1e-3 us: the format's doubles hold a step of seconds to better than a nanosecond. */
  ck_assert_msg(!end || start >= *end - 1e-3, "slices of %s overlap at %f us", place, start);
  double now = start + duration;

  g_hash_table_replace(ends, place, g_memdup2(&now, sizeof now));
}

static guint check_trace(const char *text)
{
  g_autoptr(JsonNode) root = parse(text);
  JsonArray *events = json_object_get_array_member(json_node_get_object(root), "traceEvents");
  g_autoptr(GHashTable) ends = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  guint slices = 0;

  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonObject *event = json_array_get_object_element(events, i);

    if (strcmp(json_object_get_string_member(event, "ph"), "X") != 0)
      continue;
    check_slice(event, ends);
    slices++;
  }
  return slices;
}

START_TEST(a_trace_has_well_formed_slices)
{
  g_autofree char *folder = g_dir_make_tmp("moesim-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(folder, "trace.json", NULL);
  g_autofree char *call = g_strdup_printf("run models/deepseek-v3.yaml --trace %s --trace-ranks 0,128", path);
  g_autofree char *text = NULL;

  g_free(moesim(call, 0));
  ck_assert(g_file_get_contents(path, &text, NULL, NULL));
  ck_assert_uint_gt(check_trace(text), 1000);
  /* Two stages of one pipeline: their messages are flows with a start and an end. */
  ck_assert_msg(strstr(text, "\"ph\":\"s\"") && strstr(text, "\"ph\":\"f\""), "no flows");
  g_unlink(path);
  ck_assert_msg(g_rmdir(folder) == 0, "files left behind");
}
END_TEST

START_TEST(a_trace_that_cannot_be_written_is_an_error)
{
  g_autofree char *full = moesim("run models/mixtral-8x7b.yaml --trace /dev/full", 2);
  g_autofree char *nowhere = moesim("run models/mixtral-8x7b.yaml --trace /nowhere/trace.json", 2);

  ck_assert_str_eq(full, "");
  ck_assert_str_eq(nowhere, "");
}
END_TEST

MOE_TEST_MAIN("cli/contract", times_sum_to_the_step_and_mfu_follows, memory_parts_sum_to_the_peak,
              deepseek_v3_counts_250_and_281_gflop, the_same_call_gives_the_same_bytes, compare_lists_variants_in_order,
              another_machine_has_no_published_result, what_does_not_fit_is_predicted_and_said, csv_says_what_json_says,
              a_ranked_layout_can_be_run, a_point_of_a_sweep_is_a_run, steps_are_averaged,
              a_trace_has_well_formed_slices, a_trace_that_cannot_be_written_is_an_error)
