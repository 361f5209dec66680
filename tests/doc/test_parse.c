#include "doctest.h"

#include <string.h>

START_TEST(test_kinds_and_order)
{
  g_autoptr(MoeDoc) doc = parse("zebra: 1\nlist: [a, b, {c: d}]\napple: {x: 1, w: 2}\n");
  const MoeNode *root = moe_doc_root(doc);
  const MoeNode *list = moe_node_get(root, "list");

  ck_assert_int_eq(moe_node_kind(root), MOE_NODE_MAP);
  ck_assert_uint_eq(moe_node_size(root), 3);
  ck_assert_str_eq(moe_node_key(root, 0), "zebra");
  ck_assert_str_eq(moe_node_key(root, 2), "apple");
  ck_assert_int_eq(moe_node_kind(list), MOE_NODE_LIST);
  ck_assert_uint_eq(moe_node_size(list), 3);
  ck_assert_str_eq(moe_node_text(moe_node_at(list, 1)), "b");
  ck_assert_ptr_null(moe_node_text(list));
  ck_assert_uint_eq(moe_node_size(moe_node_at(list, 0)), 0);
  expect_text(doc, "list.2.c", "d");
  ck_assert_ptr_null(moe_node_get(root, "absent"));
  ck_assert_ptr_null(moe_node_get(list, "c"));
}
END_TEST

START_TEST(test_marks)
{
  g_autoptr(MoeDoc) doc = parse("# comment\na: 1\nb:\n  c: [10, 20]\n  \xC3\xA4\xC3\xB6: \"q\"\n");
  const MoeNode *b = moe_node_get(moe_doc_root(doc), "b");

  expect_mark(moe_node_mark(moe_doc_root(doc)), "t.yaml", 2, 1);
  expect_mark_at(doc, "a", "t.yaml", 2, 4);
  expect_mark_at(doc, "b", "t.yaml", 4, 3);
  expect_mark_at(doc, "b.c.1", "t.yaml", 4, 11);
  expect_mark(moe_node_key_mark(b, 1), "t.yaml", 5, 3);
  expect_mark_at(doc, "b.\xC3\xA4\xC3\xB6", "t.yaml", 5, 7); /* characters, not bytes */
}
END_TEST

START_TEST(test_null_words)
{
  g_autoptr(MoeDoc) doc = parse("a: ~\nb: null\nc:\nd: NULL\ne: \"null\"\nf: ''\ng: none\n");

  for (const char *key = "abcd"; *key; key++) {
    const MoeNode *node = moe_node_get(moe_doc_root(doc), (char[]){*key, '\0'});
    ck_assert(moe_node_is_null(node));
    ck_assert_str_eq(moe_node_text(node), "null");
  }
  for (const char *key = "efg"; *key; key++)
    ck_assert(!moe_node_is_null(moe_node_get(moe_doc_root(doc), (char[]){*key, '\0'})));
  expect_text(doc, "f", "");
  ck_assert(!moe_node_is_null(moe_doc_root(doc)));
}
END_TEST

START_TEST(test_scalar_styles)
{
  g_autoptr(MoeDoc) doc = parse("plain: one\n  two\nsingle: 'it''s'\ndouble: \"a\\tb\\u00e9\"\nliteral: |\n  x\n  y\n"
                                "folded: >-\n  x\n  y\n");

  expect_text(doc, "plain", "one two");
  expect_text(doc, "single", "it's");
  expect_text(doc, "double", "a\tb\xC3\xA9");
  expect_text(doc, "literal", "x\ny\n");
  expect_text(doc, "folded", "x y");
}
END_TEST

START_TEST(test_byte_order_mark_and_line_ends)
{
  g_autoptr(MoeDoc) doc = parse("\xEF\xBB\xBF"
                                "a: 1\r\nb: 2\r\n");

  expect_mark_at(doc, "a", "t.yaml", 1, 4);
  expect_mark_at(doc, "b", "t.yaml", 2, 4);
  expect_text(doc, "b", "2");
}
END_TEST

START_TEST(test_one_document_with_markers)
{
  g_autoptr(MoeDoc) doc = parse("# head\n---\na: 1\n...\n# tail\n\n");

  expect_text(doc, "a", "1");
}
END_TEST

START_TEST(test_json_is_read)
{
  g_autoptr(MoeDoc) doc =
      parse("{\n  \"hidden_size\": 7168,\n  \"rope\": {\"type\": \"yarn\"},\n  \"x\": [1, 2.5, true, null]\n}\n");

  expect_text(doc, "hidden_size", "7168");
  expect_text(doc, "rope.type", "yarn");
  ck_assert(moe_node_is_null(moe_node_find(moe_doc_root(doc), "x.3")));
}
END_TEST

START_TEST(test_refused_content)
{
  static const Refusal refusals[] = {
      {"", "t.yaml:1:1: nothing here, expected a map (key: value)"},
      {"# only a comment\n", "t.yaml:1:1: nothing here, expected a map (key: value)"},
      {"---\n", "t.yaml:2:1: a single value, expected a map (key: value)"},
      {"just words\n", "t.yaml:1:1: a single value, expected a map (key: value)"},
      {"- a\n- b\n", "t.yaml:1:1: a list, expected a map (key: value)"},
      {"a: &x 1\n", "t.yaml:1:4: anchor (&), expected the value itself; `extends` shares settings"},
      {"&x a: 1\n", "t.yaml:1:1: anchor (&), expected the value itself; `extends` shares settings"},
      {"a: &x [1]\n", "t.yaml:1:4: anchor (&), expected the value itself; `extends` shares settings"},
      {"a: &x {b: 1}\n", "t.yaml:1:4: anchor (&), expected the value itself; `extends` shares settings"},
      {"a: 1\nb: *a\n", "t.yaml:2:4: alias (*), expected the value itself; `extends` shares settings"},
      {"a: 1\n*a : 2\n", "t.yaml:2:1: alias (*), expected the value itself; `extends` shares settings"},
      {"a: !!int 1\n", "t.yaml:1:4: tag \"tag:yaml.org,2002:int\", expected a value without tag"},
      {"a: !mine [1]\n", "t.yaml:1:4: tag \"!mine\", expected a value without tag"},
      {"!x {a: 1}\n", "t.yaml:1:1: tag \"!x\", expected a value without tag"},
      {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key \"a\" a second time, expected it once; the first is in line 1"},
      {"x:\n  a: 1\n  'a': 3\n", "t.yaml:3:3: key \"a\" a second time, expected it once; the first is in line 2"},
      {"[a]: 1\n", "t.yaml:1:1: list or map as a key, expected a name"},
      {"? {a: b}\n: 1\n", "t.yaml:1:3: list or map as a key, expected a name"},
      {"? : 1\n", "t.yaml:1:3: list or map as a key, expected a name"},
      {"'': 1\n", "t.yaml:1:1: empty key, expected a name"},
      {"a: 1\n---\nb: 2\n", "t.yaml:2:1: more text after the document, expected one YAML document"},
      {"a: 1\n...\n%YAML 1.1\n---\nb: 2\n", "t.yaml:3:1: more text after the document, expected one YAML document"},
      {"{a: 1} b\n", "t.yaml:1:8: more text after the document, expected one YAML document"},
      {"# x\n%YAML 1.1\n---\na: 1\n", "t.yaml:2:1: % directive, expected plain YAML"},
      {"a: \"x\\0y\"\n", "t.yaml:1:4: NUL character in a value, expected text"},
      {"\"x\\0y\": 1\n", "t.yaml:1:1: NUL character in a key, expected a name"},
      {"extends: v4\n", "t.yaml:1:10: extends in text that is no file, expected all settings in place"},
  };

  expect_all_refused(refusals, G_N_ELEMENTS(refusals));
}
END_TEST

START_TEST(test_refused_syntax)
{
  static const Refusal refusals[] = {
      {"a: [1, 2\nb: 3\n",
       "t.yaml:2:2: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1, "
       "expected valid YAML"},
      {"a: 1\n  b: 2\n", "t.yaml:2:4: mapping values are not allowed in this context, expected valid YAML"},
      {"a: 1\n\tb: 2\n", "t.yaml:2:1: tab, expected spaces as indentation"},
      {"a:\n\tb: 2\n", "t.yaml:2:1: tab, expected spaces as indentation"},
      {"a: 'open\n", "t.yaml:2:1: found unexpected end of stream while scanning a quoted scalar that begins in line 1, "
                     "expected valid YAML"},
      {"a: @b\n",
       "t.yaml:1:4: found character that cannot start any token while scanning for the next token that begins in "
       "line 1, expected valid YAML"},
      {"a: 1\nb\nc: 2\n",
       "t.yaml:3:1: could not find expected ':' while scanning a simple key that begins in line 2, expected "
       "valid YAML"},
  };

  expect_all_refused(refusals, G_N_ELEMENTS(refusals));
}
END_TEST

START_TEST(test_refused_bytes)
{
  expect_refused("a: 1\nb\0c", 8, "t.yaml:2:2: NUL byte, expected YAML text, not a binary file");
  expect_refused("a: caf\xE9\n", -1, "t.yaml:1:7: byte 0xE9 is not UTF-8, expected YAML text in UTF-8");
  expect_refused("\xFF\xFE"
                 "a\0",
                 4, "t.yaml:1:1: byte 0xFF is not UTF-8, expected YAML text in UTF-8");
  expect_refused("\xC3\xA9: 1\nb: \x1B[31m\n", -1, "t.yaml:2:4: control character U+001B, expected YAML text");
  expect_refused("a: \xC2\x9B\n", -1, "t.yaml:1:4: control character U+009B, expected YAML text");
  expect_refused("a: 1\r\nb: \xED\xA0\x80\n", -1, "t.yaml:2:4: byte 0xED is not UTF-8, expected YAML text in UTF-8");
  expect_refused("a: \xC3", -1, "t.yaml:1:4: byte 0xC3 is not UTF-8, expected YAML text in UTF-8");
}
END_TEST

START_TEST(test_messages_stay_on_one_line)
{
  expect_refused("\"a\\nb\\e\": 1\n\"a\\nb\\e\": 2\n", -1,
                 "t.yaml:2:1: key \"a\\nb\\x1B\" a second time, expected it once; the first is in line 1");
  expect_refused("a: !aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee 1\n", -1,
                 "t.yaml:1:4: tag \"!aaaaaaaaaabbbbbbbbbbccccccccccddddddddd...\", expected a value without tag");
}
END_TEST

START_TEST(test_length_bounds_the_text)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *bytes = g_memdup2("a: 1#", 4); /* no closing NUL: memory checkers see a read beyond */
  g_autoptr(MoeDoc) doc = moe_doc_parse(bytes, 4, "t.yaml", NULL, &error);

  ck_assert_ptr_nonnull(doc);
  expect_text(doc, "a", "1");
}
END_TEST

MOE_TEST_MAIN("doc/parse", test_kinds_and_order, test_marks, test_null_words, test_scalar_styles,
              test_byte_order_mark_and_line_ends, test_one_document_with_markers, test_json_is_read,
              test_refused_content, test_refused_syntax, test_refused_bytes, test_messages_stay_on_one_line,
              test_length_bounds_the_text)
