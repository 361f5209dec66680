#include "moetest.h"

#include <moesim/report.h>

#include <json-glib/json-glib.h>
#include <string.h>

#include "sample_result.h"

static JsonNode *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  JsonNode *node = json_from_string(text, &error);

  ck_assert_msg(node != NULL, "%s", error ? error->message : "empty");
  return node;
}

START_TEST(json_has_the_keys_of_the_contract)
{
  static const char *const keys[] = {"run",
                                     "variant",
                                     "cluster",
                                     "stack",
                                     "gpus",
                                     "fidelity",
                                     "seed",
                                     "parameters",
                                     "model_flops_per_token",
                                     "tokens_per_step",
                                     "step_time_s",
                                     "tokens_per_s",
                                     "tokens_per_s_per_gpu",
                                     "model_tflops_per_gpu",
                                     "mfu",
                                     "hfu",
                                     "peak_flops_per_gpu",
                                     "peak_precision",
                                     "published",
                                     "memory",
                                     "time_s",
                                     "traffic_bytes_per_gpu",
                                     "events",
                                     "wall_time_s"};
  g_autoptr(GPtrArray) list = sample_list(sample_result(), NULL);
  g_autofree char *text = moe_report_run(g_ptr_array_index(list, 0), MOE_JSON);
  g_autoptr(JsonNode) root = parse(text);
  JsonObject *object = json_node_get_object(root);

  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    ck_assert_msg(json_object_has_member(object, keys[i]), "no key %s", keys[i]);
  ck_assert_str_eq(json_object_get_string_member(object, "run"), "model, \"small\"");
  ck_assert_int_eq(json_object_get_int_member(object, "gpus"), 8);
}
END_TEST

START_TEST(json_numbers_are_si)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), NULL);
  g_autofree char *text = moe_report_run(g_ptr_array_index(list, 0), MOE_JSON);
  g_autoptr(JsonNode) root = parse(text);
  JsonObject *object = json_node_get_object(root);
  JsonObject *time_s = json_object_get_object_member(object, "time_s");
  JsonObject *mfu = json_object_get_object_member(object, "mfu");

  ck_assert_double_eq(json_object_get_double_member(mfu, "causal"), 0.5);
  ck_assert_double_eq(json_object_get_double_member(time_s, "network_exposed"), 0.5);
  ck_assert_double_eq(json_object_get_double_member(time_s, "bubble"), 0);
  ck_assert_double_eq(
      json_object_get_double_member(json_object_get_object_member(object, "model_tflops_per_gpu"), "causal"), 500);
  ck_assert(!json_object_get_boolean_member(json_object_get_object_member(object, "memory"), "fits"));
}
END_TEST

START_TEST(what_is_not_published_is_null)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  g_autofree char *text = moe_report_compare(list, MOE_JSON);
  g_autoptr(JsonNode) root = parse(text);
  JsonArray *array = json_node_get_array(root);
  JsonObject *without = json_object_get_object_member(json_array_get_object_element(array, 0), "published");
  JsonObject *with = json_object_get_object_member(json_array_get_object_element(array, 1), "published");

  ck_assert_uint_eq(json_array_get_length(array), 2);
  ck_assert(json_object_get_null_member(without, "mfu"));
  ck_assert(json_object_get_null_member(without, "source"));
  ck_assert_double_eq(json_object_get_double_member(with, "mfu"), 0.4);
  ck_assert(json_object_get_null_member(with, "tokens_per_s_per_gpu"));
}
END_TEST

START_TEST(csv_has_one_line_per_result)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  g_autofree char *text = moe_report_compare(list, (MoeSheet){.format = MOE_FORMAT_CSV});
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  ck_assert_uint_eq(g_strv_length(lines), 4); /* header, two rows, nothing after the last line feed */
  ck_assert_msg(strstr(lines[0], "mfu.causal,mfu.full") != NULL, "%s", lines[0]);
  ck_assert_msg(strstr(lines[0], "time_s.network_exposed") != NULL, "%s", lines[0]);
  ck_assert_msg(g_str_has_prefix(lines[1], "\"model, \"\"small\"\"\",,lab,plain,false,false,8,folded,0,"), "%s",
                lines[1]);
}
END_TEST

START_TEST(waterfall_falls_from_peak_to_mfu)
{
  g_autoptr(GPtrArray) list = sample_list(sample_published(), NULL);
  g_autofree char *text = moe_report_run(g_ptr_array_index(list, 0), (MoeSheet){0});

  /* Largest loss first; of equal ones the order of causes decides. */
  const char *network = strstr(text, "exposed network          0.50     25.0     75.0");
  const char *kernels = strstr(text, "kernels below peak       0.25     12.5     62.5");
  const char *host = strstr(text, "host launch and sync     0.25     12.5     50.0");

  ck_assert_msg(network && kernels && host, "%s", text);
  ck_assert(network < kernels && kernels < host);
  ck_assert_msg(strstr(text, "DOES NOT FIT: 10 GB too much") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "MFU 40.0 % causal (predicted +10.0 points)\n") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "published step         2.5 s derived (predicted -20.0 %)\n") != NULL, "%s", text);
}
END_TEST

START_TEST(compare_shows_predicted_beside_published)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), sample_published());
  g_autofree char *text = moe_report_compare(list, (MoeSheet){0});
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  ck_assert_msg(strstr(lines[1], "50.0         75.0                 -  -                   -              -") != NULL,
                "%s", text);
  ck_assert_msg(strstr(lines[2], "40.0  causal          +10.0          -20.0") != NULL, "%s", text);
  ck_assert_msg(strstr(lines[2], "exposed network 25.0 %, kernels below peak 12.5 %, host launch and sync 12.5 %") !=
                    NULL,
                "%s", text);
}
END_TEST

START_TEST(memory_marks_the_fullest_stage)
{
  g_autoptr(GPtrArray) list = sample_list(sample_result(), NULL);
  g_autofree char *text = moe_report_memory(g_ptr_array_index(list, 0), (MoeSheet){0});

  ck_assert_msg(strstr(text, "90 GB per GPU of 80 GB, does not fit") != NULL, "%s", text);
  ck_assert_msg(strstr(text, "0 *") != NULL && strstr(text, "112.5") != NULL, "%s", text);
}
END_TEST

MOE_TEST_MAIN("report/result", json_has_the_keys_of_the_contract, json_numbers_are_si, what_is_not_published_is_null,
              csv_has_one_line_per_result, waterfall_falls_from_peak_to_mfu, compare_shows_predicted_beside_published,
              memory_marks_the_fullest_stage)
