#include "doctest.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(test_extends_merges)
{
  enter_empty_folder();
  write_file(
      "v4.yaml",
      "title: four\nmoe: {experts: 512, top_k: 8}\nlist: [1, 2, 3]\nbalance: even\nlora: {rank: 16}\nkept: yes\n");
  write_file("v5.yaml",
             "new: 1\nextends: v4.yaml\nmoe: {top_k: 4, latent: 3072}\nlist: [9]\nbalance: {zipf: 0.3}\nlora: none\n");
  g_autoptr(MoeDoc) doc = load("v5.yaml");

  expect_print(doc, "title: four\nmoe:\n  experts: 512\n  top_k: 4\n  latent: 3072\nlist: [9]\nbalance:\n  zipf: 0.3\n"
                    "lora: none\nkept: yes\nnew: 1\n");
}
END_TEST

START_TEST(test_marks_after_extends)
{
  enter_empty_folder();
  write_file("base/v4.yaml", "title: four\nmoe: {experts: 512,\n      top_k: 8}\n");
  write_file("v5.yaml", "extends: base/v4\nmoe:\n  top_k: 4\n");
  g_autoptr(MoeDoc) doc = load("./v5.yaml");

  expect_mark_at(doc, "title", "base/v4.yaml", 1, 8);
  expect_mark_at(doc, "moe.experts", "base/v4.yaml", 2, 16);
  expect_mark_at(doc, "moe.top_k", "./v5.yaml", 3, 10);
  expect_mark_at(doc, "moe", "./v5.yaml", 3, 3); /* the file that the user gave is blamed for what a merged map lacks */
  expect_mark(moe_node_mark(moe_doc_root(doc)), "./v5.yaml", 1, 1);
}
END_TEST

START_TEST(test_chain_and_names)
{
  enter_empty_folder();
  write_file("a/one.yaml", "x: 1\ny: 1\nz: 1\n");
  write_file("a/b/two-0.13.yaml", "extends: ../one\ny: 2\nz: 2\n");
  write_file("a/b/plain", "extends: two-0.13\nz: 3\n");
  write_file("a/three.yml", "extends: b/plain\n");
  g_autofree char *absolute = g_canonicalize_filename("a/three.yml", NULL);
  g_autofree char *text = g_strdup_printf("extends: %s\nw: 4\n", absolute);
  write_file("four.yaml", text);
  g_autoptr(MoeDoc) doc = load("four.yaml");

  expect_print(doc, "x: 1\ny: 2\nz: 3\nw: 4\n");
}
END_TEST

/* A folder's old name leads to what lies in the new one, unless there is something in the old one. */
START_TEST(test_moved_folder)
{
  enter_empty_folder();
  write_file("models/architectures/one.yaml", "x: 1\n");
  write_file("models/architectures/two.yaml", "x: 2\n");
  write_file("models/shapes/two.yaml", "x: 3\n");
  write_file("models/a.yaml", "extends: shapes/one.yaml\n");
  write_file("runs/b.yaml", "extends: ../models/shapes/two\n");
  write_file("runs/c.yaml", "extends: ../models/shapes/none\n");
  g_autoptr(MoeDoc) moved = load("models/a.yaml");
  g_autoptr(MoeDoc) kept = load("runs/b.yaml");

  expect_print(moved, "x: 1\n");
  expect_print(kept, "x: 3\n");
  expect_load_refused("runs/c.yaml", "runs/c.yaml:1:10: runs/../models/shapes/none.yaml: No such file or "
                                     "directory, expected a readable YAML file");
}
END_TEST

START_TEST(test_extends_from_memory)
{
  g_autoptr(GError) error = NULL;

  enter_empty_folder();
  write_file("d/base.yaml", "a: 1\nb: 2\n");
  g_autoptr(MoeDoc) doc = moe_doc_parse("{extends: base, b: 3}", -1, "inline", "d", &error);
  ck_assert_ptr_nonnull(doc);
  expect_print(doc, "a: 1\nb: 3\n");
  expect_mark_at(doc, "a", "d/base.yaml", 1, 4);
  expect_mark_at(doc, "b", "inline", 1, 20);
}
END_TEST

START_TEST(test_resolve_nested_extends)
{
  g_autoptr(GError) error = NULL;

  enter_empty_folder();
  write_file("models/root.yaml", "layers: 61\nhidden: 7168\n");
  write_file("models/v3.yaml", "extends: root\ntraining: {batch: 1, length: 4096}\n");
  write_file("validation/cases.yaml", "cases:\n  - id: one\n    extends: ../models/v3\n    training: {batch: 7}\n  - "
                                      "id: two\n    extends: ../models/none\n");
  g_autoptr(MoeDoc) doc = load("validation/cases.yaml");

  ck_assert(moe_doc_resolve_extends(doc, moe_doc_find(doc, "cases.0"), &error));
  expect_text(doc, "cases.0.layers", "61");
  expect_text(doc, "cases.0.training.batch", "7");
  expect_text(doc, "cases.0.id", "one");
  ck_assert_ptr_null(moe_doc_find(doc, "cases.0.extends"));
  expect_mark_at(doc, "cases.0.training.length", "validation/../models/v3.yaml", 2, 30);
  expect_mark_at(doc, "cases.0", "validation/cases.yaml", 2, 5);

  ck_assert(!moe_doc_resolve_extends(doc, moe_doc_find(doc, "cases.1"), &error));
  expect_error(error,
               "validation/cases.yaml:6:14: validation/../models/none.yaml: No such file or directory, expected a "
               "readable YAML file");
  expect_text(doc, "cases.1.extends", "../models/none");            /* unchanged */
  ck_assert(moe_doc_resolve_extends(doc, moe_doc_root(doc), NULL)); /* nothing to resolve */
}
END_TEST

START_TEST(test_resolve_after_copy_to_another_document)
{
  g_autoptr(GError) error = NULL;

  enter_empty_folder();
  write_file("models/base.yaml", "a: 1\n");
  write_file("models/run.yaml", "cases: [{extends: base, b: 2}]\n");
  g_autoptr(MoeDoc) other = parse("x: 1\n");
  {
    g_autoptr(MoeDoc) doc = load("models/run.yaml");
    ck_assert(moe_doc_replace(other, "case", moe_doc_find(doc, "cases.0"), &error));
  }
  ck_assert(moe_doc_resolve_extends(other, moe_doc_find(other, "case"), &error));
  expect_print(other, "x: 1\ncase:\n  a: 1\n  b: 2\n");
  expect_mark_at(other, "case.b", "models/run.yaml", 1, 28);
}
END_TEST

START_TEST(test_refused_extends)
{
  enter_empty_folder();
  write_file("a.yaml", "x: 1\nextends: nothing\n");
  write_file("list.yaml", "extends: [a, b]\n");
  write_file("null.yaml", "extends:\n");
  write_file("bad.yaml", "extends: broken\n");
  write_file("broken.yaml", "a: 1\na: 2\n");
  write_file("folder.yaml", "extends: dir.yaml\n");
  ck_assert_int_eq(g_mkdir("dir.yaml", 0755), 0);

  expect_load_refused("a.yaml", "a.yaml:2:10: nothing.yaml: No such file or directory, expected a readable YAML file");
  expect_load_refused("list.yaml", "list.yaml:1:10: a list, expected text");
  expect_load_refused("null.yaml", "null.yaml:1:9: no value, expected text");
  expect_load_refused("bad.yaml", "broken.yaml:2:1: key \"a\" a second time, expected it once; the first is in line 1");
  expect_load_refused("folder.yaml", "folder.yaml:1:10: dir.yaml: a directory, expected a YAML file");
}
END_TEST

START_TEST(test_cycles)
{
  enter_empty_folder();
  write_file("self.yaml", "extends: self\n");
  write_file("a.yaml", "extends: sub/b\n");
  write_file("sub/b.yaml", "extends: ../c\n");
  write_file("c.yaml", "extends: sub/b\n");
  write_file("alias.yaml", "extends: link\n");
  ck_assert_int_eq(symlink("alias.yaml", "link.yaml"), 0);

  expect_load_refused("self.yaml",
                      "self.yaml:1:10: extends in a circle (self.yaml -> self.yaml), expected a chain that ends");
  expect_load_refused("a.yaml",
                      "sub/../c.yaml:1:10: extends in a circle (sub/b.yaml -> sub/../c.yaml -> sub/b.yaml), expected a "
                      "chain that ends");
  expect_load_refused("alias.yaml", /* the same file under another name */
                      "alias.yaml:1:10: extends in a circle (alias.yaml -> alias.yaml), expected a chain that ends");
}
END_TEST

static void write_chain(int files)
{
  for (int i = 0; i < files; i++) {
    g_autofree char *name = g_strdup_printf("f%d.yaml", i);
    g_autofree char *text = i + 1 < files ? g_strdup_printf("extends: f%d\n", i + 1) : g_strdup("end: 1\n");
    write_file(name, text);
  }
}

START_TEST(test_chain_length)
{
  enter_empty_folder();
  write_chain(MOE_DOC_MAX_EXTENDS + 1);
  expect_load_refused("f0.yaml", "f15.yaml:1:10: extends in a chain too long, expected at most 16 files");
  g_autoptr(MoeDoc) doc = load("f1.yaml");
  expect_text(doc, "end", "1");
}
END_TEST

START_TEST(test_refused_files)
{
  enter_empty_folder();
  write_file("empty.yaml", "");
  ck_assert(g_file_set_contents("binary.yaml",
                                "a: 1\n\x7F"
                                "ELF\0\1",
                                11, NULL));
  write_file("secret.yaml", "a: 1\n");
  ck_assert_int_eq(g_mkdir("dir", 0755), 0);

  expect_load_refused("empty.yaml", "empty.yaml:1:1: nothing here, expected a map (key: value)");
  expect_load_refused("binary.yaml", "binary.yaml:2:5: NUL byte, expected YAML text, not a binary file");
  expect_load_refused("dir", "dir: a directory, expected a YAML file");
  expect_load_refused("absent.yaml", "absent.yaml: No such file or directory, expected a readable YAML file");
  expect_load_refused("empti.yaml", "empti.yaml: No such file or directory, did you mean empty.yaml?");
  expect_load_refused("empty", "empty: No such file or directory, did you mean empty.yaml?");
  expect_load_refused("empty.yaml/x", "empty.yaml/x: Not a directory, expected a readable YAML file");
  ck_assert_int_eq(g_chmod("secret.yaml", 0), 0);
  if (g_access("secret.yaml", R_OK) != 0) /* the superuser may read everything */
    expect_load_refused("secret.yaml", "secret.yaml: Permission denied, expected a readable YAML file");
}
END_TEST

/* A wrong name is the input's fault; no descriptor to be had is the machine's, and says nothing about the input. */
START_TEST(test_file_errors_have_their_code)
{
  g_autoptr(GError) absent = NULL;
  g_autoptr(GError) input = NULL;
  g_autoptr(GError) io = NULL;
  struct rlimit before, none;

  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = before;
  none.rlim_cur = 0;
  enter_empty_folder();
  write_file("bad.yaml", "a: [\n");
  ck_assert_ptr_null(moe_doc_load("absent.yaml", &absent));
  ck_assert_ptr_null(moe_doc_load("bad.yaml", &input));
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
  ck_assert_ptr_null(moe_doc_load("bad.yaml", &io));
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0); /* what looks for leaks at the end opens files */
  ck_assert_int_eq(absent->code, MOE_ERROR_INPUT);
  ck_assert_int_eq(input->code, MOE_ERROR_INPUT);
  ck_assert_int_eq(io->code, MOE_ERROR_IO);
}
END_TEST

START_TEST(test_huge_file_is_not_read)
{
  enter_empty_folder();
  int fd = g_open("huge.yaml", O_CREAT | O_WRONLY, 0644);

  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(ftruncate(fd, 100 * 1000 * 1000), 0); /* all NUL: reading it would give another message */
  close(fd);
  write_file("small.yaml", "extends: huge\n");
  expect_load_refused("huge.yaml", "huge.yaml: 100000000 bytes, expected at most 64000000 bytes in one file");
  expect_load_refused("small.yaml",
                      "small.yaml:1:10: huge.yaml: 100000000 bytes, expected at most 64000000 bytes in one file");
}
END_TEST

static gpointer write_to_pipe(gpointer path)
{
  static const char line[] = "# filler, filler, filler, filler, filler, filler\n";
  int fd = g_open(path, O_WRONLY, 0);
  gssize written = write(fd, "a: 1\n", strlen("a: 1\n"));

  for (int i = 0; i < 10000 && written > 0; i++) /* more than a pipe holds and than is read at a time */
    written = write(fd, line, strlen(line));
  close(fd);
  return NULL;
}

START_TEST(test_pipe_is_read)
{
  enter_empty_folder();
  ck_assert_int_eq(mkfifo("pipe", 0600), 0);
  GThread *writer = g_thread_new("writer", write_to_pipe, "pipe");
  g_autoptr(MoeDoc) doc = load("pipe");

  g_thread_join(writer);
  expect_text(doc, "a", "1");
}
END_TEST

START_TEST(test_endless_stream_is_refused)
{
  expect_load_refused("/dev/zero", "/dev/zero: 64000000 bytes and more, expected at most 64000000 bytes in one file");
}
END_TEST

START_TEST(test_copy_is_independent)
{
  g_autoptr(MoeDoc) copy = NULL;
  {
    g_autoptr(MoeDoc) doc = parse("a: {b: 1, c: ['x', ~]}\n");
    copy = moe_doc_copy(doc);
    ck_assert(moe_doc_set(doc, "a.b=2", NULL));
  }
  expect_print(copy, "a:\n  b: 1\n  c: [\"x\", null]\n");
  expect_mark_at(copy, "a.b", "t.yaml", 1, 8);
  moe_doc_free(NULL);
}
END_TEST

MOE_TEST_MAIN("doc/load", test_extends_merges, test_marks_after_extends, test_chain_and_names, test_moved_folder,
              test_extends_from_memory, test_resolve_nested_extends, test_resolve_after_copy_to_another_document,
              test_refused_extends, test_cycles, test_chain_length, test_refused_files,
              test_file_errors_have_their_code, test_huge_file_is_not_read, test_pipe_is_read,
              test_endless_stream_is_refused, test_copy_is_independent)
