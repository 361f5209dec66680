#include "doctest.h"

#include <string.h>

static char *nested(int depth, const char *open, const char *close)
{
  g_autoptr(GString) text = g_string_new("a: ");

  for (int i = 0; i < depth; i++)
    g_string_append(text, open);
  for (int i = 0; i < depth; i++)
    g_string_append(text, close);
  return g_strdup(text->str);
}

START_TEST(test_depth)
{
  g_autofree char *deepest = nested(MOE_DOC_MAX_DEPTH - 1, "[", "]"); /* the root is a level, too */
  g_autofree char *lists = nested(MOE_DOC_MAX_DEPTH, "[", "]");
  g_autofree char *maps = nested(MOE_DOC_MAX_DEPTH, "{b: ", "}");
  g_autoptr(MoeDoc) doc = parse(deepest);

  ck_assert_ptr_nonnull(doc);
  expect_refused(lists, -1, "t.yaml:1:35: nested too deep, expected at most 32 levels");
  expect_refused(maps, -1, "t.yaml:1:128: nested too deep, expected at most 32 levels");
}
END_TEST

START_TEST(test_hostile_depth)
{
  enum { DEPTH = 1000000 };
  g_autofree char *text = nested(DEPTH, "[", "]");
  g_autofree char *blocks = g_strnfill(DEPTH, '-');

  for (int i = 1; i < DEPTH; i += 2)
    blocks[i] = ' ';
  expect_refused(text, -1, "t.yaml:1:35: nested too deep, expected at most 32 levels");
  g_autofree char *in_map = g_strconcat("a:\n ", blocks, "\n", NULL);
  expect_refused(in_map, -1, "t.yaml:2:64: nested too deep, expected at most 32 levels");
}
END_TEST

START_TEST(test_depth_of_changes)
{
  g_autofree char *value = nested(MOE_DOC_MAX_DEPTH - 2, "[", "]");
  g_autoptr(MoeDoc) doc = parse("x: 1\n");
  g_autoptr(MoeDoc) deep = parse(value);
  g_autoptr(GError) set = NULL;
  g_autoptr(GError) merge = NULL;
  g_autoptr(GError) path = NULL;

  ck_assert(moe_doc_merge(doc, "p", moe_doc_root(deep), NULL));
  ck_assert(!moe_doc_merge(doc, "p.q", moe_doc_root(deep), &merge));
  expect_error(merge, "t.yaml:1:33: nested too deep, expected at most 32 levels");
  ck_assert(!moe_doc_set(doc, "p.q.r=[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", &set));
  expect_error(set, "--set:1:36: nested too deep, expected at most 32 levels");
  ck_assert(!moe_doc_set(doc, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", &path));
  expect_error(
      path,
      "--set:1:65: too many keys in \"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a....\", expected keys joined by dots "
      "such as training.micro_batch");
}
END_TEST

START_TEST(test_depth_of_nested_extends)
{
  g_autofree char *deep = nested(MOE_DOC_MAX_DEPTH - 1, "[", "]");
  g_autoptr(GError) error = NULL;

  enter_empty_folder();
  write_file("deep.yaml", deep);
  write_file("run.yaml", "case: {extends: deep}\n");
  g_autoptr(MoeDoc) doc = load("run.yaml");
  ck_assert(!moe_doc_resolve_extends(doc, moe_doc_find(doc, "case"), &error));
  expect_error(error, "deep.yaml:1:34: nested too deep, expected at most 32 levels");
}
END_TEST

START_TEST(test_number_of_nodes)
{
  g_autoptr(GString) text = g_string_new("a: [");
  g_autoptr(GError) error = NULL;

  for (int i = 0; i < MOE_DOC_MAX_NODES - 2; i++) /* the root and the list are nodes, too */
    g_string_append(text, "1,");
  gsize fits = text->len;
  g_string_append(text, "]\n");
  g_autoptr(MoeDoc) doc = parse(text->str);
  ck_assert_uint_eq(moe_node_size(moe_doc_find(doc, "a")), MOE_DOC_MAX_NODES - 2);
  ck_assert(!moe_doc_set(doc, "b=1", &error));
  expect_error(error, "--set:1:3: too many values, expected at most 4000000");
  g_string_truncate(text, fits);
  g_string_append(text, "1]\n");
  expect_refused(text->str, -1, "t.yaml:1:8000001: too many values, expected at most 4000000");
}
END_TEST

START_TEST(test_key_length)
{
  g_autofree char *longest = g_strnfill(MOE_DOC_MAX_KEY_BYTES, 'k');
  g_autofree char *fits = g_strdup_printf("%s: 1\n", longest);
  g_autofree char *over = g_strdup_printf("k%s: 1\n", longest);
  g_autofree char *set = g_strdup_printf("a.k%s=1", longest);
  g_autoptr(MoeDoc) doc = parse(fits);
  g_autoptr(GError) error = NULL;

  expect_refused(over, -1, "t.yaml:1:1: key of 201 bytes, expected at most 200");
  ck_assert(!moe_doc_set(doc, set, &error));
  expect_error(error, "--set:1:3: key of 201 bytes, expected at most 200");
}
END_TEST

/* A map of very many keys: with time in proportion to their square this would not end within the limit of a test. */
START_TEST(test_many_keys)
{
  enum { KEYS = 300000 };
  g_autoptr(GString) text = g_string_new(NULL);

  for (int i = 0; i < KEYS; i++)
    g_string_append_printf(text, "key%d: %d\n", i, i);
  g_autoptr(MoeDoc) doc = parse(text->str);
  g_autoptr(MoeDoc) other = moe_doc_copy(doc);
  ck_assert(moe_doc_merge(doc, "", moe_doc_root(other), NULL));
  expect_text(doc, "key299999", "299999");
  ck_assert_uint_eq(moe_node_size(moe_doc_root(doc)), KEYS);
}
END_TEST

/* A list of cases, each a map, as validation files have them. */
START_TEST(test_long_list_of_maps)
{
  enum { CASES = 5000 };
  g_autoptr(GString) text = g_string_new("cases:\n");

  for (int i = 0; i < CASES; i++)
    g_string_append_printf(text, "  - id: case-%d\n    training: {global_batch: 4096}\n    published: {mfu: 0.2}\n", i);
  g_autoptr(MoeDoc) doc = parse(text->str);
  expect_text(doc, "cases.4999.id", "case-4999");
  expect_mark_at(doc, "cases.4999.id", "t.yaml", 1 + 4999 * 3 + 1, 9);
}
END_TEST

/* libyaml compares every %TAG directive with all others; they must not reach it. */
START_TEST(test_many_directives)
{
  enum { DIRECTIVES = 1000000 };
  g_autoptr(GString) text = g_string_new("a: 1\n...\n");

  for (int i = 0; i < DIRECTIVES; i++)
    g_string_append_printf(text, "%%TAG !t%d! tag:x\n", i);
  expect_refused(text->str, -1, "t.yaml:3:1: more text after the document, expected one YAML document");
  g_string_erase(text, 0, (gssize)strlen("a: 1\n...\n"));
  expect_refused(text->str, -1, "t.yaml:1:1: % directive, expected plain YAML");
}
END_TEST

MOE_TEST_MAIN("doc/limits", test_depth, test_hostile_depth, test_depth_of_changes, test_depth_of_nested_extends,
              test_number_of_nodes, test_key_length, test_many_keys, test_long_list_of_maps, test_many_directives)
