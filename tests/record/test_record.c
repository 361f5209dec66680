/* Records: what a view says is what the record has. */
#include "moetest.h"
#include "record/tables.h"

#include "record/record.h"
#include <json-glib/json-glib.h>
#include <math.h>

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
    {"step", "step_time_s", "r", "s", .low = "low", .high = "high"},
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

/* ---- one declaration, every output --------------------------------------------------------------------------------
 */

static const char *const colours[] = {"red", "green"};

typedef struct {
  const char *name;
  double rate, price, low, high;
  guint rows;
  int offset;
  int64_t bytes;
  uint64_t seed;
  gboolean exact;
  enum { RED, GREEN } colour;
} Link;

static double doubled(gconstpointer of)
{
  return 2 * ((const Link *)of)->rate;
}

static char *seen(JsonObject *record)
{
  return moe_record_say(record, "{bytes} of {seed}");
}

static const MoeColumn link_fields[] = {
    {"link", "name", "l", MOE_AT(Link, name)},
    {"rate", "rate.stated", "r", "B/s", MOE_AT(Link, rate)},
    {NULL, "rate.low", MOE_AT(Link, low)},
    {NULL, "rate.deep.high", MOE_AT(Link, high)},
    {"doubled", "doubled", "r", "%.0f", MOE_RULE(doubled)},
    {"price", "price", "r", "$", MOE_GIVEN(Link, price)},
    {NULL, "rows", MOE_AT(Link, rows)},
    {NULL, "offset", MOE_AT(Link, offset)},
    {NULL, "bytes", MOE_AT(Link, bytes)},
    {NULL, "seed", MOE_AT(Link, seed)},
    {"exact", "exact", "l", "yes", MOE_FLAG(Link, exact)},
    {"colour", "colour", "l", MOE_WORD(Link, colour, colours)},
    {"seen", .place = "l", .text = seen},
};

static const Link links[] = {
    {"up", 2e9, 0, 1e9, NAN, 7, -3, 5, 9, TRUE, GREEN},
    {NULL, 4e9, 2, 3e9, 5e9, 0, 0, 6, 8, FALSE, RED},
};

static JsonNode *described(void)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_bool(builder, "fits", FALSE);
  MOE_LIST(builder, "links", links, G_N_ELEMENTS(links), link_fields);
  MOE_LIST(builder, "none", links, 0, link_fields);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* Each kind of member by its type; objects open and close as paths say; 0 is unknown where it is said so. */
START_TEST(a_struct_is_described_by_its_fields)
{
  g_autoptr(JsonNode) node = moe_record_of(&links[0], link_fields, G_N_ELEMENTS(link_fields));
  g_autofree char *text = moe_json_print(node, FALSE);

  ck_assert_str_eq(text,
                   "{\"name\":\"up\",\"rate\":{\"stated\":2000000000.0,\"low\":1000000000.0,\"deep\":{\"high\":null}},"
                   "\"doubled\":4000000000.0,\"price\":null,\"rows\":7,\"offset\":-3,\"bytes\":5,\"seed\":9,"
                   "\"exact\":true,\"colour\":\"green\"}");
}
END_TEST

static const MoePassage page[] = {
    {MOE_SAY_IF("fits", "fits\n")},
    {MOE_SAY("{absent} is not said\n")},
    {MOE_SAY("links:\n")},
    {MOE_ROWS("links", link_fields), .where = "colour=green"},
    {MOE_ROWS("links", link_fields), .where = "name", .most = 0},
    {MOE_ROWS("none", link_fields), .above = "none:\n"},
};

/* Titles alone are columns; rows are chosen by what they say; a list without any leaves nothing. */
START_TEST(a_page_shows_what_the_record_has)
{
  static const MoeForms forms = {MOE_PAGE(page), MOE_CSV("links", link_fields)};
  static const char table[] = "link  rate, GB/s     doubled  price, $  exact  colour  seen\n"
                              "up             2  4000000000         -  yes    green   5 of 9\n";
  g_autofree char *text = moe_record_emit(described(), &forms, (MoeSheet){0});
  g_autofree char *expected = g_strconcat("links:\n", table, table, NULL);
  g_autofree char *csv = moe_record_emit(described(), &forms, (MoeSheet){.format = MOE_FORMAT_CSV});

  ck_assert_str_eq(text, expected);
  ck_assert_str_eq(csv, "link,rate,doubled,price,exact,colour,seen\nup,2 GB/s,4000000000,-,yes,green,5 of 9\n"
                        ",4 GB/s,8000000000,2,no,red,6 of 8\n");
}
END_TEST

START_TEST(more_rows_than_shown_are_counted)
{
  static const MoePassage first[] = {{MOE_ROWS("links", link_fields), .most = 1}};
  g_autoptr(JsonNode) record = described();
  g_autofree char *text = moe_record_page(record, first, 1, (MoeSheet){0});

  ck_assert(g_str_has_suffix(text, "5 of 9\nand 1 more, in JSON\n"));
}
END_TEST

/* A sentence of every record that can say it, and only where it applies. */
START_TEST(a_sentence_of_each_record)
{
  static const MoePassage passages[] = {{MOE_EACH("rows", "{gpus}: {error}\n")},
                                        {.list = "rows", .each = {.text = "{gpus} fit\n", .when = "fits"}}};
  g_autoptr(JsonNode) node = sample();
  g_autofree char *text = moe_record_page(node, passages, G_N_ELEMENTS(passages), (MoeSheet){0});

  ck_assert_str_eq(text, "16: no\n8 fit\n");
}
END_TEST

/* A table shows some members of a list's records, CSV with `whole` all. */
START_TEST(a_list_with_all_its_members_in_csv)
{
  g_autoptr(JsonNode) node = sample();
  JsonNode *rows = moe_record_find(json_node_get_object(node), "rows");
  const MoeSheet csv = {.format = MOE_FORMAT_CSV};
  g_autofree char *shown = MOE_EMIT_LIST(json_node_copy(rows), columns, csv);
  g_autofree char *whole = MOE_EMIT_WHOLE(json_node_copy(rows), columns, csv);
  g_autofree char *table = MOE_EMIT_WHOLE(json_node_copy(rows), columns, (MoeSheet){0});

  ck_assert(g_str_has_prefix(shown, "GPUs,step"));
  ck_assert(g_str_has_prefix(whole, "gpus,step_time_s,low,high,fits,error\n"));
  ck_assert(g_str_has_prefix(table, "GPUs "));
}
END_TEST

MOE_TEST_MAIN("report/record", paths_lead_through_objects_and_dotted_names, sentences_say_values_with_units,
              tables_and_csv_have_the_same_values, every_member_is_a_column, lines_without_a_value_are_left_out,
              a_struct_is_described_by_its_fields, a_page_shows_what_the_record_has, more_rows_than_shown_are_counted,
              a_sentence_of_each_record, a_list_with_all_its_members_in_csv)
