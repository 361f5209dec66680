#include "doctest.h"

#include <string.h>

#define KEY_OF_50_BYTES  "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
#define KEY_OF_201_BYTES "k" KEY_OF_50_BYTES KEY_OF_50_BYTES KEY_OF_50_BYTES KEY_OF_50_BYTES

static const char base_text[] = "training: {batch: 8, routing: even}\ncases:\n  - {id: a, w: 1}\n  - {id: b}\nempty:\n";

static void set(MoeDoc *doc, const char *assignment)
{
  g_autoptr(GError) error = NULL;

  ck_assert_msg(moe_doc_set(doc, assignment, &error), "%s: %s", assignment, error ? error->message : "no error");
}

START_TEST(test_set_values)
{
  g_autoptr(MoeDoc) doc = parse(base_text);

  set(doc, "training.batch=16");
  set(doc, "cases.0.w=[1, {x: 2}]");
  set(doc, "cases.1=none");
  set(doc, "link=400 Gbit/s");
  set(doc, "text=\"a=b # c\"");
  set(doc, "comment=1 # why");
  set(doc, "equation=a=b");
  set(doc, "nothing=null");
  expect_print(doc,
               "training:\n  batch: 16\n  routing: even\ncases:\n  - id: a\n    w:\n      - 1\n      - x: 2\n  - none\n"
               "empty: null\nlink: 400 Gbit/s\ntext: \"a=b # c\"\ncomment: 1\nequation: a=b\nnothing: null\n");
}
END_TEST

START_TEST(test_set_makes_maps)
{
  g_autoptr(MoeDoc) doc = parse(base_text);

  set(doc, "a.b.c=1");
  set(doc, "training.routing.zipf=0.3"); /* in place of a single value */
  set(doc, "empty.x=2");                 /* in place of nothing */
  set(doc, "assumptions.\"training.batch\".why=guess");
  expect_text(doc, "a.b.c", "1");
  expect_text(doc, "training.routing.zipf", "0.3");
  expect_text(doc, "training.batch", "8");
  expect_text(doc, "empty.x", "2");
  ck_assert_ptr_nonnull(moe_node_get(moe_doc_find(doc, "assumptions"), "training.batch"));
}
END_TEST

START_TEST(test_set_replaces_maps)
{
  g_autoptr(MoeDoc) doc = parse(base_text);

  set(doc, "training={x: 1}");
  ck_assert_ptr_null(moe_doc_find(doc, "training.batch"));
  expect_text(doc, "training.x", "1");
  ck_assert_str_eq(moe_node_key(moe_doc_root(doc), 0), "training"); /* keeps its place */
}
END_TEST

START_TEST(test_set_marks)
{
  g_autoptr(MoeDoc) doc = parse(base_text);

  set(doc, "a.\xC3\xA4.c=[1, 2]");
  expect_mark_at(doc, "a.\xC3\xA4.c", "--set", 1, 7);
  expect_mark_at(doc, "a.\xC3\xA4.c.1", "--set", 1, 11);
  expect_mark_at(doc, "training.batch", "t.yaml", 1, 19);
  expect_mark(moe_node_key_mark(moe_doc_root(doc), 3), "--set", 1, 1);
}
END_TEST

START_TEST(test_set_refused)
{
  static const Refusal refusals[] = {
      {"", "--set:1:1: \"\" has no =, expected key=value such as training.micro_batch=2"},
      {"a.b", "--set:1:1: \"a.b\" has no =, expected key=value such as training.micro_batch=2"},
      {"=3", "--set:1:1: \"=3\" has no key, expected key=value such as training.micro_batch=2"},
      {"a..b=1", "--set:1:3: an empty key in \"a..b\", expected keys joined by dots such as training.micro_batch"},
      {".a=1", "--set:1:1: an empty key in \".a\", expected keys joined by dots such as training.micro_batch"},
      {"a.=1", "--set:1:3: an empty key in \"a.\", expected keys joined by dots such as training.micro_batch"},
      {"a.\"\"=1",
       "--set:1:3: an empty key in \"a.\\\"\\\"\", expected keys joined by dots such as training.micro_batch"},
      {"a.\"b=1", "--set:1:3: a quote that is not closed in \"a.\\\"b\", expected keys joined by dots such as "
                  "training.micro_batch"},
      {"\"a\"b=1", "--set:1:1: text behind a quoted key in \"\\\"a\\\"b\", expected keys joined by dots such as "
                   "training.micro_batch"},
      {"a=", "--set:1:3: nothing here, expected a value"},
      {"a= # x", "--set:1:3: nothing here, expected a value"},
      {"a.b=[1",
       "--set:1:5: did not find expected ',' or ']' while parsing a flow sequence that begins in line 1, expected "
       "valid YAML"},
      {"a=b: c", "--set:1:3: block style, expected one line such as {key: value} or [1, 2]"},
      {"a=- c", "--set:1:3: block style, expected one line such as {key: value} or [1, 2]"},
      {"a=&x 1", "--set:1:3: anchor (&), expected the value itself; `extends` shares settings"},
      {"a={b: 1, b: 2}", "--set:1:10: key \"b\" a second time, expected it once; the first is in line 1"},
      {"a=%TAG", "--set:1:3: % directive, expected plain YAML"},
      {"a=[1] 2", "--set:1:7: more text after the document, expected one YAML document"},
      {"cases.2.id=1", "--set:1:7: \"2\" is no item of this list, expected an index from 0, below its length of 2"},
      {"cases.x=1", "--set:1:7: \"x\" is no item of this list, expected an index from 0, below its length of 2"},
      {"cases.-1=1", "--set:1:7: \"-1\" is no item of this list, expected an index from 0, below its length of 2"},
      {"made." KEY_OF_201_BYTES "=1", "--set:1:6: key of 201 bytes, expected at most 200"},
      {"a=\xFF", "--set:1:3: byte 0xFF is not UTF-8, expected YAML text in UTF-8"},
  };

  for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeDoc) doc = parse(base_text);
    g_autofree char *before = moe_node_print(moe_doc_root(doc), TRUE);

    ck_assert_msg(!moe_doc_set(doc, refusals[i].text, &error), "accepted: %s", refusals[i].text);
    expect_error(error, refusals[i].message);
    g_autofree char *after = moe_node_print(moe_doc_root(doc), TRUE);
    ck_assert_str_eq(after, before);
  }
}
END_TEST

static void merge(MoeDoc *doc, const char *path, const MoeNode *overlay)
{
  g_autoptr(GError) error = NULL;

  ck_assert_msg(moe_doc_merge(doc, path, overlay, &error), "%s", error ? error->message : "no error");
}

START_TEST(test_merge_variants_in_order)
{
  g_autoptr(MoeDoc) doc =
      parse("parallelism: {zero: 0, gpus: 8}\nvariants:\n  before: {parallelism: {zero: 3}, offload: {a: 0}}\n"
            "  after: {parallelism: {zero: 2}, offload: {a: 1}}\n");

  merge(doc, "", moe_doc_find(doc, "variants.before"));
  merge(doc, "", moe_doc_find(doc, "variants.after"));
  moe_doc_remove(doc, moe_doc_root(doc), "variants");
  expect_print(doc, "parallelism:\n  zero: 2\n  gpus: 8\noffload:\n  a: 1\n");
  expect_mark_at(doc, "parallelism.zero", "t.yaml", 4, 31);
}
END_TEST

START_TEST(test_merge_places)
{
  g_autoptr(MoeDoc) doc = parse("a: {x: 1}\nb: word\n");
  g_autoptr(MoeDoc) other = parse("y: 2\nz: [1]\n");

  merge(doc, "a", moe_doc_root(other));
  merge(doc, "b", moe_doc_root(other)); /* in place of a single value */
  merge(doc, "c.d", moe_doc_root(other));
  merge(doc, "a", moe_doc_find(doc, "a")); /* itself */
  expect_print(doc, "a:\n  x: 1\n  y: 2\n  z: [1]\nb:\n  y: 2\n  z: [1]\nc:\n  d:\n    y: 2\n    z: [1]\n");
}
END_TEST

START_TEST(test_merge_copies)
{
  g_autoptr(MoeDoc) doc = parse("a: {x: 1}\nvariants: {v: {a: {deep: {k: 1}}}}\n");

  merge(doc, "", moe_doc_find(doc, "variants.v"));
  set(doc, "a.deep.k=2");
  expect_text(doc, "variants.v.a.deep.k", "1");
}
END_TEST

START_TEST(test_merge_refused)
{
  g_autoptr(MoeDoc) doc = parse("a: [1]\nb: 1\n");
  g_autoptr(GError) scalar = NULL;
  g_autoptr(GError) index = NULL;
  g_autoptr(GError) path = NULL;

  ck_assert(!moe_doc_merge(doc, "", moe_doc_find(doc, "b"), &scalar));
  expect_error(scalar, "t.yaml:2:4: \"1\", expected a map for an overlay");
  ck_assert(!moe_doc_merge(doc, "a.1", moe_doc_root(doc), &index));
  expect_error(index, "t.yaml:1:3: \"1\" is no item of this list, expected an index from 0, below its length of 1");
  ck_assert(!moe_doc_merge(doc, "a.", moe_doc_root(doc), &path));
  expect_error(path, "t.yaml:1:3: an empty key in \"a.\", expected keys joined by dots such as training.micro_batch");
}
END_TEST

START_TEST(test_replace)
{
  g_autoptr(MoeDoc) doc = parse("a: {x: 1, y: 2}\nl: [1, 2]\n");
  g_autoptr(MoeDoc) other = parse("m: {z: 3}\n");
  g_autoptr(GError) error = NULL;

  ck_assert(moe_doc_replace(doc, "a", moe_doc_find(other, "m"), NULL));
  ck_assert(moe_doc_replace(doc, "l.1", moe_doc_find(other, "m.z"), NULL));
  ck_assert(moe_doc_replace(doc, "n.o", moe_doc_find(other, "m"), NULL));
  expect_print(doc, "a:\n  z: 3\nl: [1, 3]\nn:\n  o:\n    z: 3\n");
  ck_assert(moe_doc_replace(doc, "", moe_doc_find(doc, "n.o"), NULL));
  expect_print(doc, "z: 3\n");
  ck_assert(!moe_doc_replace(doc, "", moe_doc_find(doc, "z"), &error));
  expect_error(error, "t.yaml:1:8: \"3\", expected a map for the root of a document");
}
END_TEST

START_TEST(test_remove)
{
  g_autoptr(MoeDoc) doc = parse("a: 1\nb: 2\nc: 3\n");

  moe_doc_remove(doc, moe_doc_root(doc), "b");
  moe_doc_remove(doc, moe_doc_root(doc), "absent");
  expect_print(doc, "a: 1\nc: 3\n");
  set(doc, "b=4");
  expect_print(doc, "a: 1\nc: 3\nb: 4\n");
}
END_TEST

/* Maps of many keys have an index of their own: the same answers are due. */
START_TEST(test_large_maps)
{
  enum { KEYS = 3000 };
  g_autoptr(MoeDoc) doc = parse("x: {}\n");

  for (int i = 0; i < KEYS; i++) {
    g_autofree char *assignment = g_strdup_printf("x.key%d=%d", i, i);
    set(doc, assignment);
  }
  for (int i = 0; i < KEYS; i += 2) {
    g_autofree char *key = g_strdup_printf("key%d", i);
    if (i % 100 == 0)
      moe_doc_remove(doc, moe_doc_find(doc, "x"), key);
  }
  g_autoptr(MoeDoc) copy = moe_doc_copy(doc);
  const MoeNode *map = moe_doc_find(copy, "x");
  ck_assert_uint_eq(moe_node_size(map), KEYS - KEYS / 100);
  for (int i = 0; i < KEYS; i++) {
    g_autofree char *key = g_strdup_printf("key%d", i);
    const MoeNode *node = moe_node_get(map, key);
    ck_assert_int_eq(node != NULL, i % 100 != 0);
    ck_assert(!node || atoi(moe_node_text(node)) == i);
  }
  ck_assert_str_eq(moe_node_key(map, 0), "key1");
}
END_TEST

START_TEST(test_find)
{
  g_autoptr(MoeDoc) doc = parse("a: {\"x.y\": 1}\nl: [[1, 2]]\n");
  const MoeNode *root = moe_doc_root(doc);

  ck_assert_ptr_eq(moe_node_find(root, ""), root);
  ck_assert_str_eq(moe_node_text(moe_node_find(root, "a.\"x.y\"")), "1");
  ck_assert_str_eq(moe_node_text(moe_node_find(root, "l.0.1")), "2");
  ck_assert_ptr_null(moe_node_find(root, "a.x.y"));
  ck_assert_ptr_null(moe_node_find(root, "l.0.2"));
  ck_assert_ptr_null(moe_node_find(root, "l.0.1.x"));
  ck_assert_ptr_null(moe_node_find(root, "a..b"));
  ck_assert_ptr_null(moe_doc_find(doc, "b"));
}
END_TEST

MOE_TEST_MAIN("doc/change", test_set_values, test_set_makes_maps, test_set_replaces_maps, test_set_marks,
              test_set_refused, test_merge_variants_in_order, test_merge_places, test_merge_copies, test_merge_refused,
              test_replace, test_remove, test_large_maps, test_find)
