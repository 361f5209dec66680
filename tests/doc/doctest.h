/* Shared by the tests of doc. */
#ifndef DOCTEST_H
#define DOCTEST_H

#include "doc/doc.h"
#include <glib/gstdio.h>
#include <moetest.h>

/* Text that must be refused, and the whole message. */
typedef struct {
  const char *text;
  const char *message;
} Refusal;

static inline void expect_error(const GError *error, const char *message)
{
  ck_assert_msg(error != NULL, "no error, expected: %s", message);
  ck_assert_str_eq(error->message, message);
  ck_assert(error->domain == MOE_ERROR);
}

/* A document that must be sound. */
static inline MoeDoc *parse(const char *text)
{
  g_autoptr(GError) error = NULL;
  MoeDoc *doc = moe_doc_parse(text, -1, "t.yaml", NULL, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "no document and no error");
  return doc;
}

static inline void expect_refused(const char *text, gssize length, const char *message)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, length, "t.yaml", NULL, &error);

  ck_assert_msg(doc == NULL, "accepted, expected: %s", message);
  expect_error(error, message);
}

static inline void expect_all_refused(const Refusal *refusals, size_t n)
{
  for (size_t i = 0; i < n; i++)
    expect_refused(refusals[i].text, -1, refusals[i].message);
}

/* The printed form of a document, without origins. */
static inline void expect_print(const MoeDoc *doc, const char *expected)
{
  g_autofree char *text = moe_node_print(moe_doc_root(doc), FALSE);

  ck_assert_str_eq(text, expected);
}

static inline void expect_text(const MoeDoc *doc, const char *path, const char *expected)
{
  const MoeNode *node = moe_node_find(moe_doc_root(doc), path);

  ck_assert_msg(node != NULL, "nothing at %s", path);
  ck_assert_str_eq(moe_node_text(node), expected);
}

static inline void expect_mark(MoeMark mark, const char *file, int line, int column)
{
  ck_assert_str_eq(mark.file, file);
  ck_assert_int_eq(mark.line, line);
  ck_assert_int_eq(mark.column, column);
}

static inline void expect_mark_at(const MoeDoc *doc, const char *path, const char *file, int line, int column)
{
  const MoeNode *node = moe_node_find(moe_doc_root(doc), path);

  ck_assert_msg(node != NULL, "nothing at %s", path);
  expect_mark(moe_node_mark(node), file, line, column);
}

/* Makes an empty folder and changes to it, so that the names in messages are short; the next test has its own. */
static inline void enter_empty_folder(void)
{
  ck_assert_int_eq(g_chdir(moetest_folder()), 0);
}

/* Writes a file below the current folder, making the folders on the way. */
static inline void write_file(const char *name, const char *text)
{
  g_autofree char *folder = g_path_get_dirname(name);

  ck_assert_int_eq(g_mkdir_with_parents(folder, 0755), 0);
  ck_assert(g_file_set_contents(name, text, -1, NULL));
}

static inline MoeDoc *load(const char *name)
{
  g_autoptr(GError) error = NULL;
  MoeDoc *doc = moe_doc_load(name, &error);

  ck_assert_msg(doc != NULL, "%s", error ? error->message : "no document and no error");
  return doc;
}

static inline void expect_load_refused(const char *name, const char *message)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_load(name, &error);

  ck_assert_msg(doc == NULL, "accepted, expected: %s", message);
  expect_error(error, message);
}

#endif
