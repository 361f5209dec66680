#include "doctest.h"

#include <string.h>

/* Prints, reads the text back, and expects the same nodes. */
static gboolean same_nodes(const MoeNode *a, const MoeNode *b)
{
  if (moe_node_kind(a) != moe_node_kind(b) || moe_node_size(a) != moe_node_size(b) ||
      moe_node_is_null(a) != moe_node_is_null(b) || g_strcmp0(moe_node_text(a), moe_node_text(b)) != 0)
    return FALSE;
  for (guint i = 0; i < moe_node_size(a); i++)
    if (g_strcmp0(moe_node_key(a, i), moe_node_key(b, i)) != 0 || !same_nodes(moe_node_at(a, i), moe_node_at(b, i)))
      return FALSE;
  return TRUE;
}

static void expect_round_trip(const char *text)
{
  g_autoptr(MoeDoc) doc = parse(text);

  for (int origins = 0; origins < 2; origins++) {
    g_autofree char *printed = moe_node_print(moe_doc_root(doc), origins);
    g_autoptr(MoeDoc) again = parse(printed);
    ck_assert_msg(same_nodes(moe_doc_root(doc), moe_doc_root(again)), "%s printed as %s", text, printed);
  }
}

START_TEST(test_layout)
{
  g_autoptr(MoeDoc) doc =
      parse("title: \"MAI: v5\"\ncurve: [[1 KiB, 2], [3, 4]]\nmoe: {experts: 512, empty: {}, none: []}\n"
            "cases: [{id: a, w: [1]}, [{b: 1}, 2], 3]\nlast:\n");

  expect_print(doc, "title: \"MAI: v5\"\n"
                    "curve: [[1 KiB, 2], [3, 4]]\n"
                    "moe:\n"
                    "  experts: 512\n"
                    "  empty: {}\n"
                    "  none: []\n"
                    "cases:\n"
                    "  - id: a\n"
                    "    w: [1]\n"
                    "  - - b: 1\n"
                    "    - 2\n"
                    "  - 3\n"
                    "last: null\n");
}
END_TEST

START_TEST(test_long_lists_take_lines)
{
  g_autoptr(GString) text = g_string_new("a: [");
  g_autoptr(GString) expected = g_string_new("a:\n");

  for (int i = 0; i < 40; i++) {
    g_string_append_printf(text, "%d, ", i);
    g_string_append_printf(expected, "  - %d\n", i);
  }
  g_string_append(text, "]\n");
  g_autoptr(MoeDoc) doc = parse(text->str);
  expect_print(doc, expected->str);
}
END_TEST

START_TEST(test_origins)
{
  g_autoptr(MoeDoc) doc = parse("a: 1\nb: {c: x, d: [1, 2],\n  e: [1,\n 2]}\nf: {}\n");

  ck_assert(moe_doc_set(doc, "b.c=y", NULL));
  g_autofree char *text = moe_node_print(moe_doc_root(doc), TRUE);
  ck_assert_str_eq(text, "a: 1  # t.yaml:1\n"
                         "b:\n"
                         "  c: y  # --set\n"
                         "  d: [1, 2]  # t.yaml:2\n"
                         "  e:\n"
                         "    - 1  # t.yaml:3\n"
                         "    - 2  # t.yaml:4\n"
                         "f: {}  # t.yaml:5\n");
}
END_TEST

START_TEST(test_parts)
{
  g_autoptr(MoeDoc) doc = parse("a: {b: \"x\", c: [1, {d: 2}]}\n");
  g_autofree char *scalar = moe_node_print(moe_doc_find(doc, "a.b"), FALSE);
  g_autofree char *list = moe_node_print(moe_doc_find(doc, "a.c"), FALSE);

  ck_assert_str_eq(scalar, "\"x\"\n");
  ck_assert_str_eq(list, "- 1\n- d: 2\n");
}
END_TEST

START_TEST(test_file_names_stay_in_the_comment)
{
  g_autoptr(MoeDoc) doc = moe_doc_parse("a: 1\n", -1, "evil\nb: 2", NULL, NULL);
  g_autofree char *text = moe_node_print(moe_doc_root(doc), TRUE);

  ck_assert_str_eq(text, "a: 1  # evil?b: 2:1\n");
}
END_TEST

START_TEST(test_round_trips)
{
  static const char *const texts[] = {
      "a: ~\nb: 'null'\nc: \"~\"\nd: ''\ne: none\n",
      "a: 'x: y'\nb: 'x #y'\nc: '- x'\nd: '? x'\ne: ' x'\nf: 'x '\ng: 'x:'\nh: '[x'\ni: '&x'\nj: '...'\nk: '---'\n",
      "a: x,y\nb: [\"x,y\", 'x]', \"{x}\", 'a:b', \"?x\"]\nc: a:b\nd: <x>\ne: -5\nf: (x)\n",
      "a: \"tab\\there\\nline\\x01\\u2028\\U0001F600\\ufeff\\uffff\\\\ \\\"q\\\"\"\n",
      "a: |\n  two\n  lines\nb: >\n  folded\n  text\nc: plain\n  goes\n\n  on\n",
      "\"null\": 1\n'~': 2\n~x: 3\n\"x: y\": 5\n\"a\\nb\": 6\n'#': 7\n? long key\n: 8\n'-': 9\n'- x': 10\n",
      "{}",
      "a: [[], {}, [[]], [{}]]\n",
      "a: [[[[1]]], [{x: [{y: [1, {z: 2}]}]}]]\n",
      "\xC3\xA4\xC3\xB6: \"\xE2\x82\xAC 5\"\nb: \xE6\xBC\xA2\n",
      "a: '%x'\nb: '@x'\nc: '`x'\nd: '!x'\ne: '|'\nf: '>'\n",
      "a: 0x1F\nb: 1_000\nc: .5\nd: +1\ne: ~x\nf: $x\ng: /path/x.yaml\nh: _x\n",
  };

  for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
    expect_round_trip(texts[i]);
}
END_TEST

START_TEST(test_longest_key)
{
  g_autoptr(GString) text = g_string_new("? \"");

  for (int i = 0; i < MOE_DOC_MAX_KEY_BYTES; i++) /* each takes four bytes when printed */
    g_string_append(text, "\\x01");
  g_string_append(text, "\"\n: 1\n");
  expect_round_trip(text->str);
}
END_TEST

MOE_TEST_MAIN("doc/print", test_layout, test_long_lists_take_lines, test_origins, test_parts,
              test_file_names_stay_in_the_comment, test_round_trips, test_longest_key)
