/* The JSON door: questions in, answers or errors with their place out. */
#include "moetest.h"

#include <moesim/door.h>

#include <check.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define RUN "\"run\": \"mixtral-8x7b\""

/* The object of an answer; the caller frees the parser. */
static JsonObject *object_of(const char *answer, JsonParser **parser)
{
  g_autoptr(GError) error = NULL;

  *parser = json_parser_new();
  ck_assert_msg(json_parser_load_from_data(*parser, answer, -1, &error), "%s: %s", error ? error->message : "", answer);
  return json_node_get_object(json_parser_get_root(*parser));
}

/* Because every answer is an object with either "error" or the question's own keys. `line` and `column` 0: not said,
 * -1: anywhere. */
static void expect_error(const char *question, const char *request, const char *kind, int line, int column,
                         const char *part)
{
  g_autofree char *answer = moe_answer_json(question, request, NULL);
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root = object_of(answer, &parser);

  ck_assert_msg(json_object_has_member(root, "error"), "%s", answer);
  JsonObject *error = json_object_get_object_member(root, "error");
  ck_assert_str_eq(json_object_get_string_member(error, "kind"), kind);
  ck_assert_msg(strstr(json_object_get_string_member(error, "message"), part) != NULL, "%s", answer);
  ck_assert(line < 0 || json_object_get_int_member_with_default(error, "line", 0) == line);
  ck_assert_msg(column < 0 || json_object_get_int_member_with_default(error, "column", 0) == column, "%s", answer);
}

static double number_of(const char *question, const char *request, const char *key)
{
  g_autofree char *answer = moe_answer_json(question, request, NULL);
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root = object_of(answer, &parser);

  ck_assert_msg(json_object_has_member(root, key), "%s", answer);
  return json_object_get_double_member(root, key);
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

START_TEST(names_of_runs)
{
  /* The same run by its name, its path, with a variant inside or beside it. */
  double step = number_of("predict", "{\"run\": \"mai-base-1/v5\"}", "step_time_s");

  ck_assert(step > 0);
  ck_assert(number_of("predict", "{\"run\": \"models/mai-base-1/v5.yaml\"}", "step_time_s") == step);
  double before = number_of("predict", "{\"run\": \"mai-base-1/v5:before\"}", "step_time_s");
  ck_assert(before != step);
  ck_assert(number_of("predict", "{\"run\": \"mai-base-1/v5\", \"variant\": \"before\"}", "step_time_s") == before);
}
END_TEST

static char *with_text(const char *text)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "run");
  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "text");
  json_builder_add_string_value(builder, text);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  return json_to_string(root, FALSE);
}

/* A run that stands in the request is the run that its file would be. */
START_TEST(inline_runs)
{
  g_autofree char *path = g_build_filename(g_getenv("MOESIM_DATA"), "models", "mixtral-8x7b.yaml", NULL);
  g_autofree char *text = NULL;

  ck_assert(g_file_get_contents(path, &text, NULL, NULL));
  g_autofree char *request = with_text(text);
  ck_assert(number_of("predict", request, "step_time_s") == number_of("predict", "{" RUN "}", "step_time_s"));
}
END_TEST

/* "set" is the command line's --set, in order; numbers and texts mean the same. */
START_TEST(changes)
{
  double number = number_of("predict", "{" RUN ", \"set\": {\"training.micro_batch\": 2}}", "step_time_s");
  double text = number_of("predict", "{" RUN ", \"set\": {\"training.micro_batch\": \"2\"}}", "step_time_s");

  ck_assert(number == text);
  ck_assert(number != number_of("predict", "{" RUN "}", "step_time_s"));
}
END_TEST

START_TEST(refusals)
{
  expect_error("predict", "", "input", -1, -1, "");
  expect_error("predict", "{", "input", -1, -1, "");
  expect_error("predict", "[1]", "input", 1, 1, "expected a map");
  expect_error("predict", "{}", "input", 1, 1, "no \"run\"");
  expect_error("predict", "{\"rum\": 1}", "input", 1, 2, "did you mean run");
  expect_error("predict", "{\"run\": \"no-such\"}", "input", 1, 9, "no run 'no-such'");
  expect_error("predict", "{" RUN ", \"gpus\": 0}", "input", 1, 33, "gpus: '0'");
  expect_error("predict", "{" RUN ", \"steps\": 0}", "input", 1, 34, "out of range");
  expect_error("predict", "{" RUN ", \"fidelity\": \"fold\"}", "input", 1, 37, "expected one of auto");
  expect_error("predict", "{\"run\": {\"text\": \"architecture: 3\\n\"}}", "input", -1, -1, "");
  expect_error("predict", "{" RUN ", \"set\": {\"parallelism.tensor\": 3}}", "layout", -1, -1, "");
  expect_error("foresee", "{}", "input", 0, 0, "no question 'foresee'");
}
END_TEST

/* ---- what a server needs ----------------------------------------------------------------------------------------- */

/* Confined, no file outside the data folder is read, and what is not there is answered like what may not be read. */
START_TEST(confined)
{
  const MoeDoorOptions options = {.confined = 1};
  static const char *const requests[] = {
      "{\"run\": \"/etc/passwd\"}",
      "{\"run\": \"/etc/no-such-file\"}",
      "{\"run\": \"../../etc/passwd\"}",
      "{" RUN ", \"cluster\": \"/etc/passwd\"}",
      "{" RUN ", \"stack\": \"/etc/passwd\"}",
      "{" RUN ", \"set\": {\"cluster\": \"/etc/no-such-file.yaml\"}}",
      "{" RUN ", \"set\": {\"cluster\": {\"extends\": \"/etc/passwd\"}}}",
      "{\"run\": {\"text\": \"extends: /etc/passwd\\n\"}}",
      "{\"run\": {\"extends\": \"/etc/passwd\"}}",
      "{" RUN ", \"set\": {\"training.routing.balance\": {\"file\": \"/etc/passwd\"}}}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS(requests); i++) {
    g_autofree char *answer = moe_answer_json("predict", requests[i], &options);
    g_autoptr(JsonParser) parser = NULL;

    ck_assert_msg(json_object_has_member(object_of(answer, &parser), "error"), "%s: %s", requests[i], answer);
    ck_assert_msg(!strstr(answer, "root:"), "%s", answer);
    ck_assert_msg(!strstr(answer, "cannot be read") && !strstr(answer, "No such"), "%s: %s", requests[i], answer);
  }
  g_autofree char *good = moe_answer_json("predict", "{" RUN "}", &options);
  ck_assert_msg(strstr(good, "step_time_s") != NULL, "%s", good);
}
END_TEST

static gpointer cancel_soon(gpointer cancel)
{
  g_usleep(20000);
  moe_cancel_set(cancel);
  return NULL;
}

/* A flag set by another thread ends a prediction that would take minutes. */
START_TEST(cancelled)
{
  MoeCancel *cancel = moe_cancel_new();
  const MoeDoorOptions options = {.cancel = cancel};
  GThread *thread = g_thread_new("cancel", cancel_soon, cancel);
  g_autofree char *answer = moe_answer_json("predict", "{\"run\": \"deepseek-v3\", \"steps\": 10000}", &options);

  ck_assert_msg(strstr(answer, "\"stopped\"") != NULL, "%s", answer);
  g_thread_join(thread);
  moe_cancel_free(cancel);
}
END_TEST

/* No answer rests on the part of the work that there was time for. Whole, each of these takes longer than a test may.
 */
START_TEST(budget)
{
  static const char *const asked[][2] = {
      {"sensitivity", "{\"run\": \"mai-base-1/v5\", \"samples\": 100000, \"budget_s\": 0.2}"},
      {"sweep", "{" RUN ", \"vary\": {\"training.global_batch\": \"256:25600000:256\"}, \"budget_s\": 0.2}"},
      {"goodput", "{" RUN ", \"tokens\": \"15T\", \"seeds\": 100000, \"mtbf\": \"9000 h\", \"budget_s\": 0.2}"},
      {"explain", "{\"run\": \"mai-base-1/v5\", \"orders\": 100000, \"budget_s\": 0.01}"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(asked); i++)
    expect_error(asked[i][0], asked[i][1], "stopped", -1, -1, "stopped");
  expect_error("predict", "{\"run\": \"deepseek-v3\", \"steps\": 10000, \"budget_s\": 0.05}", "stopped", 0, 0,
               "stopped");
}
END_TEST

/* ---- check ------------------------------------------------------------------------------------------------------- */

static JsonObject *check_of(const char *request, JsonParser **parser)
{
  g_autofree char *answer = moe_check_json(request);

  return object_of(answer, parser);
}

/* The key to blame and its nearest legal value: of 32 heads, 3 ranks take no equal part, 2 and 4 do; 4 is nearer by its
 * ratio. */
START_TEST(nearest_legal)
{
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root = check_of("{" RUN ", \"set\": {\"training.micro_batch\": 1, \"parallelism.tensor\": 3}}", &parser);

  ck_assert(!json_object_get_boolean_member(root, "legal"));
  ck_assert_str_eq(json_object_get_string_member(json_object_get_object_member(root, "error"), "key"),
                   "parallelism.tensor");
  ck_assert_str_eq(json_object_get_string_member(root, "nearest"), "4");
}
END_TEST

START_TEST(nearest_word)
{
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root = check_of("{" RUN ", \"set\": {\"recompute.mode\": \"ful\"}}", &parser);

  ck_assert_str_eq(json_object_get_string_member(root, "nearest"), "full");
}
END_TEST

/* Values to grey out. */
START_TEST(trials)
{
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root =
      check_of("{" RUN ", \"try\": {\"parallelism.tensor\": [1, 2, 3, 4], \"gpus\": [0, 128]}}", &parser);
  JsonObject *tried = json_object_get_object_member(root, "try");
  static const gboolean legal[] = {TRUE, TRUE, FALSE, TRUE, FALSE, TRUE};

  ck_assert(json_object_get_boolean_member(root, "legal"));
  for (guint i = 0; i < G_N_ELEMENTS(legal); i++) {
    JsonArray *list = json_object_get_array_member(tried, i < 4 ? "parallelism.tensor" : "gpus");
    JsonObject *trial = json_array_get_object_element(list, i < 4 ? i : i - 4);

    ck_assert_msg(json_object_get_boolean_member(trial, "legal") == legal[i], "value %u", i);
    ck_assert(json_object_has_member(trial, "error") == !legal[i]);
  }
}
END_TEST

#define CHANGED "\"run\": \"mai-base-1/v5\", \"variant\": \"%s\", \"scaling\": \"weak\""

/* What a run is told when it is asked for itself; "" when it is legal. */
static char *verdict_on(const char *variant, const char *key, const char *value)
{
  gboolean option = strchr(key, '.') == NULL, size = strcmp(key, "gpus") == 0;
  g_autofree char *one = g_strdup_printf("\"%s\": \"%s\"", key, value);
  g_autofree char *body = g_strdup_printf("{" CHANGED "%s%s%s, \"set\": {\"parallelism.zero\": \"1\"%s%s}}", variant,
                                          size ? "" : ", \"gpus\": 2048", option ? ", " : "", option ? one : "",
                                          option ? "" : ", ", option ? "" : one);
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *root = check_of(body, &parser);

  if (json_object_get_boolean_member(root, "legal"))
    return g_strdup("");
  return g_strdup(json_object_get_string_member(json_object_get_object_member(root, "error"), "message"));
}

/* The same of a value that is tried. */
static char *trial_of(const char *variant, const char *key, const char *value)
{
  g_autofree char *body = g_strdup_printf("{" CHANGED ", \"gpus\": 2048, \"set\": {\"parallelism.zero\": \"1\"}, "
                                          "\"try\": {\"%s\": [\"%s\"]}}",
                                          variant, key, value);
  g_autoptr(JsonParser) parser = NULL;
  JsonObject *tried = json_object_get_object_member(check_of(body, &parser), "try");
  JsonObject *trial = json_array_get_object_element(json_object_get_array_member(tried, key), 0);

  if (json_object_get_boolean_member(trial, "legal"))
    return g_strdup("");
  return g_strdup(json_object_get_string_member(json_object_get_object_member(trial, "error"), "message"));
}

/* A file of any kind, shipped or the caller's; not from a door that is confined, and not beside a run. */
START_TEST(files)
{
  const MoeDoorOptions options = {.confined = 1};
  g_autoptr(JsonParser) parser = NULL, again = NULL;
  JsonObject *root = check_of("{\"file\": \"clusters/h100-hgx.yaml\"}", &parser);

  ck_assert(json_object_get_boolean_member(root, "legal"));
  ck_assert_str_eq(json_object_get_string_member(root, "kind"), "cluster");
  ck_assert_ptr_nonnull(strstr(json_object_get_string_member(root, "says"), "8 GPUs per NVLink domain"));
  root = check_of("{\"file\": \"clusters/nowhere.yaml\"}", &again);
  ck_assert(!json_object_get_boolean_member(root, "legal"));
  ck_assert(json_object_has_member(root, "error"));
  expect_error("check", "{" RUN ", \"file\": \"a.yaml\"}", "input", 1, -1, "expected one of them");
  expect_error("check", "{\"file\": [1]}", "input", 1, -1, "");
  g_autofree char *refused = moe_answer_json("check", "{\"file\": \"/etc/passwd\"}", &options);
  ck_assert_msg(strstr(refused, "may not be read"), "%s", refused);
}
END_TEST

/* Trials begin with the run as it was read once; a run of its own says the same of each, in the same words. */
START_TEST(trials_are_runs)
{
  static const struct {
    const char *key, *values[4];
  } tried[] = {
      {"parallelism.pipeline", {"1", "2", "5", "64"}},
      {"parallelism.expert", {"8", "48", "64", "0"}},
      {"training.micro_batch", {"1", "3", "4", "4096"}},
      {"training.precision.gemm", {"bf16", "fp8", "fp7", "mxfp8"}},
      {"recompute.mode", {"none", "full", "most", "selective"}},
      {"cluster.network.nic", {"100 Gbit/s", "1600 Gbit/s", "3 m", "-1"}},
      {"cluster.domain.gpus", {"8", "64", "7", "72"}},
      {"stack", {"megascale:2024", "yolo:v4", "none", "yolo:v5"}},
      {"gpus", {"1024", "2047", "8192", "2048"}},
  };
  guint legal = 0, all = 0;

  for (guint i = 0; i < G_N_ELEMENTS(tried); i++)
    for (guint n = 0; n < G_N_ELEMENTS(tried[i].values); n++) {
      g_autofree char *itself = verdict_on("before", tried[i].key, tried[i].values[n]);
      g_autofree char *trial = trial_of("before", tried[i].key, tried[i].values[n]);

      ck_assert_msg(strcmp(trial, itself) == 0, "%s %s: '%s', expected '%s'", tried[i].key, tried[i].values[n], trial,
                    itself);
      legal += *trial == '\0';
      all++;
    }
  ck_assert_uint_gt(legal, all / 4);
  ck_assert_uint_lt(legal, all);
}
END_TEST

/* ---- infer ------------------------------------------------------------------------------------------------------- */

static void expect_part(const char *request, const MoeDoorOptions *options, const char *part)
{
  char *answer = moe_answer_json("infer", request, options);

  ck_assert_msg(strstr(answer, part) != NULL, "%s, expected %s", answer, part);
  moe_text_free(answer);
}

/* A file of the caller's: one case to learn from, one held out. A confined door does not read it. */
START_TEST(infer_learns_from_cases)
{
  g_autofree char *path = g_build_filename(moetest_folder(), "cases.yaml", NULL);
  g_autofree char *run = moetest_path("models/mixtral-8x7b.yaml");
  g_autofree char *cases = g_strdup_printf("cases:\n  - {id: a, extends: %s, published: {step_time_s: 3}}\n"
                                           "  - {id: b, extends: %s, training: {global_batch: 512}, published: {}}\n",
                                           run, run);
  g_autofree char *request = g_strdup_printf("{\"cases\": [\"%s\"], \"hold_out\": [\"%s:b\"], \"simulations\": 16, "
                                             "\"particles\": 100}",
                                             path, path);
  MoeDoorOptions server = {.confined = 1};

  ck_assert(g_file_set_contents(path, cases, -1, NULL));
  expect_part(request, NULL, "\"unknowns\"");
  expect_part(request, &server, "no cases '");
}
END_TEST

START_TEST(infer_refuses)
{
  expect_part("{}", NULL, "expected a list of FILE or FILE:ID");
  expect_part("{\"cases\": [\"nowhere\"]}", NULL, "no cases 'nowhere'");
  expect_part("{\"cases\": [\"mai-base-1\"], \"noise\": 2}", NULL, "2, expected a share above 0 and below 1");
  expect_part("{\"cases\": [\"mai-base-1\"], \"particles\": 3}", NULL, "\"error\"");
}
END_TEST

/* ---- the other questions ----------------------------------------------------------------------------------------- */

/* Each answers with a key of its own; what they say is the business of their modules. */
START_TEST(all_questions)
{
  static const struct {
    const char *question, *request, *part;
  } asked[] = {
      {"memory", "{" RUN "}", "\"peak_bytes\""},
      {"explain", "{" RUN ", \"orders\": 2}", "\"causes\""},
      {"explain", "{" RUN ", \"with\": {\"training.micro_batch\": 2}}", "\"changes\""},
      {"sensitivity", "{" RUN ", \"samples\": 2}", "\"assumptions\""},
      {"sweep", "{" RUN ", \"vary\": {\"training.micro_batch\": [1, 2]}}", "\"set\""},
      {"goodput", "{" RUN ", \"tokens\": \"1T\", \"seeds\": 2, \"samples\": 0, \"mtbf\": \"50000 h\"}", "\"wall_s\""},
      {"search", "{" RUN ", \"top\": 1, \"limit\": {\"tensor\": [1, 2], \"pipeline\": 4, \"expert\": 8}}", "\"set\""},
      {"plan", "{" RUN ", \"tokens\": \"1T\", \"samples\": 0, \"seeds\": 2, \"limit\": {\"pipeline\": 4}}", "\"rows\""},
      {"timeline", "{" RUN ", \"most\": 100}", "\"spans\""},
      {"list", "{\"of\": \"clusters\"}", "\"h100-hgx\""},
      {"schema", "{\"of\": \"run\"}", "\"training.precision.gemm\""},
      {"show", "{" RUN "}", "\"training.micro_batch\""},
      {"check", "{" RUN "}", "\"legal\""},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
    g_autofree char *answer = moe_answer_json(asked[i].question, asked[i].request, NULL);

    ck_assert_msg(strstr(answer, asked[i].part) && !strstr(answer, "\"error\" : {"), "%s: %.2000s", asked[i].question,
                  answer);
  }
}
END_TEST

/* A run that is shown as one file is the same run. */
START_TEST(shown_runs_are_runs)
{
  static const char *const runs[] = {"mai-base-1/v5", "deepseek-v3", "llama3-70b"};

  for (gsize i = 0; i < G_N_ELEMENTS(runs); i++) {
    g_autofree char *asked = g_strdup_printf("{\"run\": \"%s\"}", runs[i]);
    g_autofree char *shown = moe_answer_json("show", asked, NULL);
    g_autoptr(JsonParser) parser = NULL;
    const char *yaml = json_object_get_string_member(object_of(shown, &parser), "yaml");
    g_autoptr(JsonBuilder) builder = json_builder_new();

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "run");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "text");
    json_builder_add_string_value(builder, yaml);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    g_autoptr(JsonNode) root = json_builder_get_root(builder);
    g_autofree char *again = json_to_string(root, FALSE);
    ck_assert_double_eq(number_of("predict", again, "step_time_s"), number_of("predict", asked, "step_time_s"));
  }
}
END_TEST

static void note_progress(unsigned done, unsigned total, void *told)
{
  unsigned *last = told;

  ck_assert_uint_le(done, total);
  last[0] = done;
  last[1] = total;
}

START_TEST(progress_reaches_its_end)
{
  unsigned told[2] = {0, 0};
  const MoeDoorOptions options = {.progress = note_progress, .progress_data = told};
  g_autofree char *answer =
      moe_answer_json("sweep", "{" RUN ", \"vary\": {\"training.micro_batch\": [1, 2, 4]}}", &options);

  ck_assert_ptr_nonnull(strstr(answer, "\"set\""));
  ck_assert_uint_eq(told[0], 3);
  ck_assert_uint_eq(told[1], 3);
}
END_TEST

static Suite *door_suite(void)
{
  Suite *suite = suite_create("door");
  TCase *requests = tcase_create("requests"), *server = tcase_create("server"), *check = tcase_create("check"),
        *others = tcase_create("others");

  tcase_add_test(requests, names_of_runs);
  tcase_add_test(requests, inline_runs);
  tcase_add_test(requests, changes);
  tcase_add_test(requests, refusals);
  tcase_add_test(server, confined);
  tcase_add_test(server, cancelled);
  tcase_add_test(server, budget);
  tcase_add_test(check, nearest_legal);
  tcase_add_test(check, files);
  tcase_add_test(check, nearest_word);
  tcase_add_test(check, trials);
  tcase_add_test(check, trials_are_runs);
  tcase_add_test(others, all_questions);
  tcase_add_test(others, infer_learns_from_cases);
  tcase_add_test(others, infer_refuses);
  tcase_add_test(others, shown_runs_are_runs);
  tcase_add_test(others, progress_reaches_its_end);
  suite_add_tcase(suite, requests);
  suite_add_tcase(suite, server);
  suite_add_tcase(suite, check);
  suite_add_tcase(suite, others);
  return suite;
}

int main(void)
{
  return moetest_run_suite(door_suite());
}
