#include "doctest.h"

#include <math.h>

/* Reads the node at "x" of "x: TEXT". */
typedef gboolean (*ReadOne)(const MoeNode *node, GError **error);

static void expect_reads_refused(ReadOne read, const Refusal *refusals, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = g_strdup_printf("x: %s\n", refusals[i].text);
    g_autoptr(MoeDoc) doc = parse(text);

    ck_assert_msg(!read(moe_doc_find(doc, "x"), &error), "accepted: %s", refusals[i].text);
    expect_error(error, refusals[i].message);
    ck_assert_int_eq(error->code, MOE_ERROR_INPUT);
  }
}

/* ---- quantities ------------------------------------------------------------------------------------------------- */

START_TEST(test_quantity)
{
  g_autoptr(MoeDoc) doc = parse("a: 400 Gbit/s\nb: \"186 GB\"\nc: 0.5\n");
  double value = 0;

  ck_assert(moe_node_read_quantity(moe_doc_find(doc, "a"), MOE_DIM_BYTES_PER_S, &value, NULL));
  ck_assert(value == 50e9);
  ck_assert(moe_node_read_quantity(moe_doc_find(doc, "b"), MOE_DIM_BYTES, &value, NULL));
  ck_assert(value == 186e9);
  ck_assert(moe_node_read_quantity(moe_doc_find(doc, "c"), MOE_DIM_NONE, &value, NULL));
  ck_assert(value == 0.5);
}
END_TEST

static gboolean read_bandwidth(const MoeNode *node, GError **error)
{
  double value = NAN;
  gboolean read = moe_node_read_quantity(node, MOE_DIM_BYTES_PER_S, &value, error);

  ck_assert(read == !isnan(value)); /* untouched on failure */
  return read;
}

/* What stands behind the mark is the message of moe_quantity_parse where the text is short enough to be handed to it.
 */
START_TEST(test_quantity_refused)
{
  static const char *const words[] = {"400", "-5 GB/s", "4 GB", "fast", "1e400 GB/s", "nan GB/s", ".inf"};

  for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
    g_autoptr(GError) plain = NULL;
    g_autoptr(GError) marked = NULL;
    g_autofree char *text = g_strdup_printf("x: %s\n", words[i]);
    g_autoptr(MoeDoc) doc = parse(text);
    double value = 0;

    ck_assert(!moe_quantity_parse(words[i], MOE_DIM_BYTES_PER_S, &value, &plain));
    ck_assert(!moe_node_read_quantity(moe_doc_find(doc, "x"), MOE_DIM_BYTES_PER_S, &value, &marked));
    g_autofree char *expected = g_strconcat("t.yaml:1:4: ", plain->message, NULL);
    expect_error(marked, expected);
  }
  static const Refusal refusals[] = {
      {"[1]", "t.yaml:1:4: a list, expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"{a: 1}", "t.yaml:1:4: a map, expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"", "t.yaml:1:3: no value, expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"''", "t.yaml:1:4: \"\", expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"\"4\\aGB/s\"",
       "t.yaml:1:4: \"4\\x07GB/s\", expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"\"4\\nGB/s\"",
       "t.yaml:1:4: \"4\\nGB/s\", expected a number with a unit (B/s, kB/s, ... or bit/s, kbit/s, ...)"},
      {"11111111112222222222333333333344444444445555555555666666666677777 B/s",
       "t.yaml:1:4: \"1111111111222222222233333333334444444444...\", expected a number with a unit (B/s, kB/s, ... or "
       "bit/s, "
       "kbit/s, ...)"},
  };
  expect_reads_refused(read_bandwidth, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

static gboolean read_plain(const MoeNode *node, GError **error)
{
  double value = 0;

  return moe_node_read_quantity(node, MOE_DIM_NONE, &value, error);
}

START_TEST(test_plain_number_refused)
{
  static const Refusal refusals[] = {{"{a: 1}", "t.yaml:1:4: a map, expected a number without unit"}};

  expect_reads_refused(read_plain, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

/* ---- whole numbers ---------------------------------------------------------------------------------------------- */

START_TEST(test_int)
{
  static const struct {
    const char *text;
    int64_t value;
  } cases[] = {
      {"0", 0},
      {"78", 78},
      {"-5", -5},
      {"+5", 5},
      {"8_192", 8192},
      {"8k", 8000},
      {"14.8 T", 14800000000000},
      {"2M", 2000000},
      {"200_019", 200019},
      {"1e9", 1000000000},
      {"1.5e3", 1500},
      {"1E2", 100},
      {"1e+2", 100},
      {"1200e-2", 12},
      {"16.0", 16},
      {"0e99999", 0},
      {"0.0", 0},
      {"-0", 0},
      {"\"64\"", 64},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"922337203685477580.7e1", INT64_MAX},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *text = g_strdup_printf("x: %s\n", cases[i].text);
    g_autoptr(MoeDoc) doc = parse(text);
    g_autoptr(GError) error = NULL;
    int64_t value = 42;

    ck_assert_msg(moe_node_read_int(moe_doc_find(doc, "x"), INT64_MIN, INT64_MAX, &value, &error), "%s: %s",
                  cases[i].text, error ? error->message : "no error");
    ck_assert_msg(value == cases[i].value, "%s gave %" G_GINT64_FORMAT, cases[i].text, value);
  }
}
END_TEST

static gboolean read_small(const MoeNode *node, GError **error)
{
  int64_t value = -42;
  gboolean read = moe_node_read_int(node, 1, 10, &value, error);

  ck_assert(read || value == -42);
  return read;
}

START_TEST(test_int_refused)
{
  static const Refusal refusals[] = {
      {"0", "t.yaml:1:4: \"0\" is out of range, expected a whole number from 1 to 10"},
      {"11", "t.yaml:1:4: \"11\" is out of range, expected a whole number from 1 to 10"},
      {"-1", "t.yaml:1:4: \"-1\" is out of range, expected a whole number from 1 to 10"},
      {"two", "t.yaml:1:4: \"two\" is not a whole number, expected a whole number from 1 to 10"},
      {"8 GPUs", "t.yaml:1:4: \"8 GPUs\" is not a whole number, expected a whole number from 1 to 10"},
      {"0x8", "t.yaml:1:4: \"0x8\" is not a whole number, expected a whole number from 1 to 10"},
      {"1,000", "t.yaml:1:4: \"1,000\" is not a whole number, expected a whole number from 1 to 10"},
      {"1__0", "t.yaml:1:4: \"1__0\" is not a whole number, expected a whole number from 1 to 10"},
      {"_1", "t.yaml:1:4: \"_1\" is not a whole number, expected a whole number from 1 to 10"},
      {"1_", "t.yaml:1:4: \"1_\" is not a whole number, expected a whole number from 1 to 10"},
      {"1e", "t.yaml:1:4: \"1e\" is not a whole number, expected a whole number from 1 to 10"},
      {"1.", "t.yaml:1:4: \"1.\" is not a whole number, expected a whole number from 1 to 10"},
      {"--1", "t.yaml:1:4: \"--1\" is not a whole number, expected a whole number from 1 to 10"},
      {"\"\"", "t.yaml:1:4: \"\" is not a whole number, expected a whole number from 1 to 10"},
      {"1.5", "t.yaml:1:4: \"1.5\" is not whole, expected a whole number from 1 to 10"},
      {"1e-1", "t.yaml:1:4: \"1e-1\" is not whole, expected a whole number from 1 to 10"},
      {"010", "t.yaml:1:4: \"010\" begins with 0, which may mean octal, expected a whole number from 1 to 10"},
      {"9223372036854775808", "t.yaml:1:4: \"9223372036854775808\" is too large, expected a whole number from 1 to 10"},
      {"-9223372036854775809",
       "t.yaml:1:4: \"-9223372036854775809\" is too large, expected a whole number from 1 to 10"},
      {"1e19", "t.yaml:1:4: \"1e19\" is too large, expected a whole number from 1 to 10"},
      {"1e99999999999999999999",
       "t.yaml:1:4: \"1e99999999999999999999\" is too large, expected a whole number from 1 to 10"},
      {"~", "t.yaml:1:4: no value, expected a whole number from 1 to 10"},
      {"[1]", "t.yaml:1:4: a list, expected a whole number from 1 to 10"},
  };

  expect_reads_refused(read_small, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

static void expect_range_message(int64_t minimum, int64_t maximum, const char *message)
{
  g_autoptr(MoeDoc) doc = parse("x: y\n");
  g_autoptr(GError) error = NULL;
  int64_t value = 0;

  ck_assert(!moe_node_read_int(moe_doc_find(doc, "x"), minimum, maximum, &value, &error));
  expect_error(error, message);
}

START_TEST(test_int_range_messages)
{
  expect_range_message(INT64_MIN, INT64_MAX, "t.yaml:1:4: \"y\" is not a whole number, expected a whole number");
  expect_range_message(1, INT64_MAX, "t.yaml:1:4: \"y\" is not a whole number, expected a whole number of at least 1");
  expect_range_message(INT64_MIN, 7, "t.yaml:1:4: \"y\" is not a whole number, expected a whole number of at most 7");
}
END_TEST

/* ---- words ------------------------------------------------------------------------------------------------------ */

START_TEST(test_bool)
{
  static const char *const yes[] = {"true", "True", "TRUE", "yes", "on"};
  static const char *const no[] = {"false", "FALSE", "No", "off", "'no'"};

  for (size_t i = 0; i < G_N_ELEMENTS(yes); i++) {
    g_autofree char *text = g_strdup_printf("y: %s\nn: %s\n", yes[i], no[i]);
    g_autoptr(MoeDoc) doc = parse(text);
    gboolean y = 42, n = 42;

    ck_assert(moe_node_read_bool(moe_doc_find(doc, "y"), &y, NULL));
    ck_assert(moe_node_read_bool(moe_doc_find(doc, "n"), &n, NULL));
    ck_assert(y == TRUE && n == FALSE);
  }
}
END_TEST

static gboolean read_bool(const MoeNode *node, GError **error)
{
  gboolean value = 0;

  return moe_node_read_bool(node, &value, error);
}

START_TEST(test_bool_refused)
{
  static const Refusal refusals[] = {
      {"1", "t.yaml:1:4: \"1\", expected true or false"},
      {"maybe", "t.yaml:1:4: \"maybe\", expected true or false"},
      {"", "t.yaml:1:3: no value, expected true or false"},
      {"{}", "t.yaml:1:4: a map, expected true or false"},
  };

  expect_reads_refused(read_bool, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

static const char *const attention_words[] = {"gqa", "mla", "null", NULL};

static gboolean read_word(const MoeNode *node, GError **error)
{
  int value = 0;

  return moe_node_read_word(node, attention_words, &value, error);
}

START_TEST(test_word)
{
  g_autoptr(MoeDoc) doc = parse("a: mla\nb: \"gqa\"\nc: ~\n");
  int value = 42;

  ck_assert(moe_node_read_word(moe_doc_find(doc, "a"), attention_words, &value, NULL));
  ck_assert_int_eq(value, 1);
  ck_assert(moe_node_read_word(moe_doc_find(doc, "b"), attention_words, &value, NULL));
  ck_assert_int_eq(value, 0);
  ck_assert(moe_node_read_word(moe_doc_find(doc, "c"), attention_words, &value, NULL)); /* null where it is a word */
  ck_assert_int_eq(value, 2);
}
END_TEST

START_TEST(test_word_refused)
{
  static const Refusal refusals[] = {
      {"gqaa", "t.yaml:1:4: \"gqaa\", expected one of gqa, mla, null; did you mean \"gqa\"?"},
      {"something", "t.yaml:1:4: \"something\", expected one of gqa, mla, null"},
      {"[gqa]", "t.yaml:1:4: a list, expected one of gqa, mla, null"},
  };

  expect_reads_refused(read_word, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

static gboolean read_text(const MoeNode *node, GError **error)
{
  const char *value = NULL;

  return moe_node_read_text(node, &value, error);
}

START_TEST(test_text_refused)
{
  static const Refusal refusals[] = {
      {"~", "t.yaml:1:4: no value, expected text"},
      {"{a: 1}", "t.yaml:1:4: a map, expected text"},
  };

  expect_reads_refused(read_text, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

START_TEST(test_expect)
{
  g_autoptr(MoeDoc) doc = parse("x: 1\n");
  g_autoptr(GError) map = NULL;
  g_autoptr(GError) list = NULL;
  g_autoptr(GError) scalar = NULL;

  ck_assert(moe_node_expect(moe_doc_root(doc), MOE_NODE_MAP, "a run", NULL));
  ck_assert(!moe_node_expect(moe_doc_find(doc, "x"), MOE_NODE_MAP, "architecture", &map));
  expect_error(map, "t.yaml:1:4: \"1\", expected a map for architecture");
  ck_assert(!moe_node_expect(moe_doc_root(doc), MOE_NODE_LIST, "cases", &list));
  expect_error(list, "t.yaml:1:1: a map, expected a list for cases");
  ck_assert(!moe_node_expect(moe_doc_root(doc), MOE_NODE_SCALAR, "cluster", &scalar));
  expect_error(scalar, "t.yaml:1:1: a map, expected a single value for cluster");
}
END_TEST

/* ---- curves ----------------------------------------------------------------------------------------------------- */

START_TEST(test_curve)
{
  g_autoptr(MoeDoc) doc = parse("x: [[1 KiB, 10 GB/s], [1 MiB, 20 GB/s]]\n");
  MoeCurve curve = {0};

  ck_assert(moe_node_read_curve(moe_doc_find(doc, "x"), MOE_DIM_BYTES, MOE_DIM_BYTES_PER_S, TRUE, &curve, NULL));
  ck_assert_uint_eq(curve.n, 2);
  ck_assert(curve.log_x);
  ck_assert(curve.x[1] == 1048576 && curve.y[1] == 20e9);
  ck_assert_double_eq_tol(moe_curve_at(&curve, 32768), 15e9, 1); /* half way between 2^10 and 2^20 */
}
END_TEST

static gboolean read_curve(const MoeNode *node, GError **error)
{
  MoeCurve curve = {.n = 7};
  gboolean read = moe_node_read_curve(node, MOE_DIM_NONE, MOE_DIM_NONE, TRUE, &curve, error);

  ck_assert(read || curve.n == 7);
  return read;
}

START_TEST(test_curve_refused)
{
  static const Refusal refusals[] = {
      {"nvlink5", "t.yaml:1:4: \"nvlink5\", expected a curve [[x, y], ...]"},
      {"[]", "t.yaml:1:4: a curve of 0 points, expected 1 to 32"},
      {"[1, 2]", "t.yaml:1:5: \"1\", expected a pair [x, y]"},
      {"[[1, 2], [3]]", "t.yaml:1:13: a list of 1, expected a pair [x, y]"},
      {"[[1, 2], [1, 3]]", "t.yaml:1:14: \"1\", expected x larger than that of the pair before"},
      {"[[0, 2]]", "t.yaml:1:6: \"0\", expected x above 0, as this curve is logarithmic in x"},
      {"[[1, [2]]]", "t.yaml:1:9: a list, expected a number without unit"},
      {"[[1,1],[2,1],[3,1],[4,1],[5,1],[6,1],[7,1],[8,1],[9,1],[10,1],[11,1],[12,1],[13,1],[14,1],[15,1],[16,1],[17,1],"
       "[18,1],[19,1],[20,1],[21,1],[22,1],[23,1],[24,1],[25,1],[26,1],[27,1],[28,1],[29,1],[30,1],[31,1],[32,1],[33,1]"
       "]",
       "t.yaml:1:4: a curve of 33 points, expected 1 to 32"},
  };

  expect_reads_refused(read_curve, refusals, G_N_ELEMENTS(refusals));
}
END_TEST

MOE_TEST_MAIN("doc/read", test_quantity, test_quantity_refused, test_plain_number_refused, test_int, test_int_refused,
              test_int_range_messages, test_bool, test_bool_refused, test_word, test_word_refused, test_text_refused,
              test_expect, test_curve, test_curve_refused)
