#include "doctest.h"

#include <string.h>

typedef struct {
  int64_t layers;
  int64_t heads;
  double bandwidth;
  double overhead;
  gboolean gated;
  const char *title;
  int kind;
} Target;

static const char *const kinds[] = {"gqa", "mla", NULL};

static const MoeField fields[] = {
    {"layers", MOE_FIELD_INT, G_STRUCT_OFFSET(Target, layers), .required = TRUE, .minimum = 1, .maximum = 1000},
    {"heads", MOE_FIELD_INT, G_STRUCT_OFFSET(Target, heads), .minimum = 1},
    {"bandwidth", MOE_FIELD_QUANTITY, G_STRUCT_OFFSET(Target, bandwidth), .dimension = MOE_DIM_BYTES_PER_S,
     .minimum = 1e9, .maximum = 1e13},
    {"overhead", MOE_FIELD_QUANTITY, G_STRUCT_OFFSET(Target, overhead), .dimension = MOE_DIM_NONE, .minimum = 1},
    {"gated", MOE_FIELD_BOOL, G_STRUCT_OFFSET(Target, gated)},
    {"title", MOE_FIELD_TEXT, G_STRUCT_OFFSET(Target, title)},
    {"kind", MOE_FIELD_WORD, G_STRUCT_OFFSET(Target, kind), .words = kinds},
    {"nested", MOE_FIELD_IGNORE},
    {NULL},
};

START_TEST(test_reads_all_kinds)
{
  g_autoptr(MoeDoc) doc =
      parse("layers: 78\nheads: 1e3\nbandwidth: 900 GB/s\noverhead: 1.2\ngated: true\ntitle: four\nkind: mla\n"
            "nested: {anything: 1}\n");
  g_autoptr(GError) error = NULL;
  Target target = {0};

  ck_assert(moe_node_read_fields(moe_doc_root(doc), fields, "architecture", &target, &error));
  ck_assert_int_eq(target.layers, 78);
  ck_assert_int_eq(target.heads, 1000);
  ck_assert(target.bandwidth == 900e9);
  ck_assert(target.overhead == 1.2);
  ck_assert(target.gated == TRUE);
  ck_assert_str_eq(target.title, "four");
  ck_assert_int_eq(target.kind, 1);
}
END_TEST

START_TEST(test_absent_fields_stay)
{
  g_autoptr(MoeDoc) doc = parse("layers: 1\n");
  Target target = {.heads = 7, .bandwidth = 5, .gated = TRUE, .title = "kept", .kind = 1};

  ck_assert(moe_node_read_fields(moe_doc_root(doc), fields, "architecture", &target, NULL));
  ck_assert_int_eq(target.layers, 1);
  ck_assert_int_eq(target.heads, 7);
  ck_assert(target.bandwidth == 5 && target.gated == TRUE && target.kind == 1);
  ck_assert_str_eq(target.title, "kept");
}
END_TEST

static void expect_fields_refused(const char *text, const char *message)
{
  g_autoptr(MoeDoc) doc = parse(text);
  g_autoptr(GError) error = NULL;
  Target target = {0};

  ck_assert_msg(!moe_node_read_fields(moe_doc_root(doc), fields, "architecture", &target, &error), "accepted: %s",
                text);
  expect_error(error, message);
}

START_TEST(test_refused)
{
  static const Refusal refusals[] = {
      {"layers: 1\nlayer: 2\n", "t.yaml:2:1: unknown key \"layer\" in architecture, did you mean \"layers\"?"},
      {"layers: 1\nqqqqqq: 2\n",
       "t.yaml:2:1: unknown key \"qqqqqq\" in architecture, expected one of layers, heads, bandwidth, "
       "overhead, gated, title, kind, nested"},
      {"layer: 1\n", "t.yaml:1:1: unknown key \"layer\" in architecture, did you mean \"layers\"?"},
      {"heads: 1\n", "t.yaml:1:1: no \"layers\" in architecture, expected it as it has no default"},
      {"{}", "t.yaml:1:1: no \"layers\" in architecture, expected it as it has no default"},
      {"layers: 1001\n", "t.yaml:1:9: \"1001\" is out of range, expected a whole number from 1 to 1000"},
      {"layers: 1\nheads: 0\n", "t.yaml:2:8: \"0\" is out of range, expected a whole number of at least 1"},
      {"layers:\n", "t.yaml:1:8: no value, expected a whole number from 1 to 1000"},
      {"layers: 1\noverhead: 0.5\n", "t.yaml:2:11: \"0.5\" for overhead is out of range, expected at least 1"},
      {"layers: 1\nbandwidth: 1 TB/s\nkind: mlaa\n",
       "t.yaml:3:7: \"mlaa\", expected one of gqa, mla; did you mean \"mla\"?"},
      {"layers: 1\nbandwidth: 1 MB/s\n",
       "t.yaml:2:12: \"1 MB/s\" for bandwidth is out of range, expected 1 GB/s to 10 TB/s"},
      {"layers: 1\nbandwidth: 100 TB/s\n",
       "t.yaml:2:12: \"100 TB/s\" for bandwidth is out of range, expected 1 GB/s to 10 TB/s"},
      {"layers: 1\ngated: 2\n", "t.yaml:2:8: \"2\", expected true or false"},
      {"layers: 1\ntitle: []\n", "t.yaml:2:8: a list, expected text"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
    expect_fields_refused(refusals[i].text, refusals[i].message);
}
END_TEST

START_TEST(test_no_map)
{
  g_autoptr(MoeDoc) doc = parse("architecture: [1]\n");
  g_autoptr(GError) error = NULL;
  Target target = {0};

  ck_assert(!moe_node_read_fields(moe_doc_find(doc, "architecture"), fields, "architecture", &target, &error));
  expect_error(error, "t.yaml:1:15: a list, expected a map for architecture");
}
END_TEST

/* minimum and maximum both 0: any that is not negative. */
START_TEST(test_default_range)
{
  static const MoeField loose[] = {{"n", MOE_FIELD_INT, 0}, {NULL}};
  g_autoptr(MoeDoc) large = parse("n: 9223372036854775807\n");
  g_autoptr(MoeDoc) negative = parse("n: -1\n");
  g_autoptr(GError) error = NULL;
  int64_t n = 0;

  ck_assert(moe_node_read_fields(moe_doc_root(large), loose, "x", &n, NULL));
  ck_assert(n == INT64_MAX);
  ck_assert(!moe_node_read_fields(moe_doc_root(negative), loose, "x", &n, &error));
  expect_error(error, "t.yaml:1:4: \"-1\" is out of range, expected a whole number of at least 0");
}
END_TEST

START_TEST(test_override_is_blamed)
{
  g_autoptr(MoeDoc) doc = parse("layers: 1\n");
  g_autoptr(GError) range = NULL;
  g_autoptr(GError) unknown = NULL;
  Target target = {0};

  ck_assert(moe_doc_set(doc, "layers=0", NULL));
  ck_assert(!moe_node_read_fields(moe_doc_root(doc), fields, "architecture", &target, &range));
  expect_error(range, "--set:1:8: \"0\" is out of range, expected a whole number from 1 to 1000");
  ck_assert(moe_doc_set(doc, "layers=1", NULL));
  ck_assert(moe_doc_set(doc, "hads=1", NULL));
  ck_assert(!moe_node_read_fields(moe_doc_root(doc), fields, "architecture", &target, &unknown));
  expect_error(unknown, "--set:1:1: unknown key \"hads\" in architecture, did you mean \"heads\"?");
}
END_TEST

MOE_TEST_MAIN("doc/fields", test_reads_all_kinds, test_absent_fields_stay, test_refused, test_no_map,
              test_default_range, test_override_is_blamed)
