/* Records: what a view says is what the record has. */
#include "moetest.h"
#include "record/tables.h"

#include "record/record.h"
#include <json-glib/json-glib.h>

static JsonNode *sample(void)
{
  return json_from_string(
      "{\"name\": \"a, b\", \"mfu\": {\"causal\": 0.2, \"a.b\": 3}, \"step_time_s\": 0.0025, \"fits\": false, "
      "\"none\": null, \"rows\": [{\"gpus\": 8, \"step_time_s\": 1.5, \"low\": 1, \"high\": 2, \"fits\": true}, "
      "{\"gpus\": 16, \"error\": \"no\"}]}",
      NULL);
}

/* A name may have dots itself: what a user chose is kept under its whole path. */
START_TEST(paths_lead_through_objects_and_dotted_names)
{
  g_autoptr(JsonNode) node = sample();
  JsonObject *record = json_node_get_object(node);

  ck_assert_double_eq(moe_record_number(record, "mfu.causal"), 0.2);
  ck_assert_double_eq(moe_record_number(record, "mfu.a.b"), 3);
  ck_assert(moe_record_find(record, "mfu.full") == NULL && moe_record_find(record, "name.causal") == NULL);
  ck_assert_double_nan(moe_record_number(record, "name"));
  ck_assert(!moe_record_flag(record, "fits") && moe_record_text(record, "none") == NULL);
}
END_TEST

START_TEST(sentences_say_values_with_units)
{
  g_autoptr(JsonNode) node = sample();
  JsonObject *record = json_node_get_object(node);
  g_autofree char *said =
      moe_record_say(record, "{name}: {mfu.causal|%} in {step_time_s|s}, {mfu.a.b|%.1f} {fits|yes}");
  g_autofree char *missing = moe_record_say(record, "{name} {none|s}");

  ck_assert_str_eq(said, "a, b: 20.0 % in 2.5 ms, 3.0 no");
  ck_assert_ptr_null(missing);
}
END_TEST

static const MoeColumn columns[] = {
    {"GPUs", "gpus", "r"},
    {"step", "step_time_s", "r", "s", "low", "high"},
    {"fits", "fits", "l", "yes"},
    {"spare", "spare", "r?", "#"},
};

/* What a record does not have is "-" for a reader and nothing in CSV; a column that no record has a value for is left
 * out where it says so. */
START_TEST(tables_and_csv_have_the_same_values)
{
  static const MoeColumn csv[] = {{"gpus", "gpus", "l"}, {"step_time_s", "step_time_s", "l"}, {"error", "error", "l"}};
  g_autoptr(JsonNode) node = sample();
  JsonArray *rows = moe_record_list(node, "rows");
  g_autofree char *table = moe_record_rows(rows, columns, G_N_ELEMENTS(columns), (MoeSheet){0});
  g_autofree char *lines = moe_record_csv(rows, csv, G_N_ELEMENTS(csv));

  ck_assert_str_eq(table, "GPUs        step, s  fits\n"
                          "   8  1.5 (1.0-2.0)  yes\n"
                          "  16              -  -\n");
  ck_assert_str_eq(lines, "gpus,step_time_s,error\n8,1.5,\n16,,no\n");
}
END_TEST

START_TEST(every_member_is_a_column)
{
  g_autoptr(JsonNode) node = sample();
  g_autofree char *lines = moe_records_csv(moe_record_list(node, "rows"));

  ck_assert_str_eq(lines, "gpus,step_time_s,low,high,fits,error\n8,1.5,1,2,true,\n16,,,,,no\n");
}
END_TEST

START_TEST(lines_without_a_value_are_left_out)
{
  static const MoeLine said[] = {
      {"a", "{mfu.causal|%}"}, {"b", "{none|s}"}, {"c", "never", "fits"}, {"d", "{step_time_s|s}", "!fits"}};
  g_autoptr(JsonNode) node = sample();
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, json_node_get_object(node), said, G_N_ELEMENTS(said));
  g_autofree char *text = moe_table_format(table, (MoeSheet){0});
  ck_assert_str_eq(text, "a  20.0 %\nd  2.5 ms\n");
}
END_TEST

MOE_TEST_MAIN("report/record", paths_lead_through_objects_and_dotted_names, sentences_say_values_with_units,
              tables_and_csv_have_the_same_values, every_member_is_a_column, lines_without_a_value_are_left_out)
