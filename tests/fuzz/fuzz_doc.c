/*
 * doc under any bytes: as a file and as an override. What must hold:
 *   - a failure has a message of one line of valid UTF-8 with the place in front;
 *   - what was read prints to text that reads back as the same tree, with origins and without;
 *   - a copy prints the same, and a tree merged over itself stays what it is;
 *   - typed reads of any node succeed, or fail with such a message.
 */
#include "doc/doc.h"

#include <string.h>

#include "fuzz.h"

#define FILE_NAME "fuzz" /* in marks */

static void check_error(const GError *error)
{
  g_assert_nonnull(error);
  g_assert_true(g_str_has_prefix(error->message, FILE_NAME ":") ||
                g_str_has_prefix(error->message, MOE_DOC_SET_NAME ":"));
  g_assert_true(g_utf8_validate(error->message, -1, NULL));
  for (const char *p = error->message; *p; p++)
    g_assert_false(g_ascii_iscntrl(*p));
}

static gboolean read_int(const MoeNode *node, GError **error)
{
  int64_t value = 0;

  return moe_node_read_int(node, -5, 1000, &value, error);
}

static gboolean read_bool(const MoeNode *node, GError **error)
{
  gboolean value = FALSE;

  return moe_node_read_bool(node, &value, error);
}

static gboolean read_text(const MoeNode *node, GError **error)
{
  const char *value = NULL;

  return moe_node_read_text(node, &value, error);
}

static gboolean read_word(const MoeNode *node, GError **error)
{
  static const char *const words[] = {"gqa", "mla", "none", NULL};
  int value = 0;

  return moe_node_read_word(node, words, &value, error);
}

static gboolean read_curve(const MoeNode *node, GError **error)
{
  MoeCurve curve = {0};

  return moe_node_read_curve(node, MOE_DIM_NONE, MOE_DIM_BYTES_PER_S, TRUE, &curve, error);
}

static gboolean read_fields(const MoeNode *node, GError **error)
{
  static const MoeField fields[] = {{"layers", MOE_FIELD_INT, 0, .minimum = 1}, {"hidden", MOE_FIELD_IGNORE}, {NULL}};
  int64_t layers = 0;

  return moe_node_read_fields(node, fields, "architecture", &layers, error);
}

static void read_every_way(const MoeNode *node)
{
  static gboolean (*const reads[])(const MoeNode *, GError **) = {read_int,  read_bool,  read_text,
                                                                  read_word, read_curve, read_fields};

  for (size_t i = 0; i < G_N_ELEMENTS(reads); i++) {
    g_autoptr(GError) error = NULL;
    if (!reads[i](node, &error))
      check_error(error);
  }
  for (int dimension = MOE_DIM_NONE; dimension <= MOE_DIM_DOLLARS; dimension++) {
    g_autoptr(GError) error = NULL;
    double value = 0;
    if (!moe_node_read_quantity(node, (MoeDimension)dimension, &value, &error))
      check_error(error);
  }
}

static void read_all(const MoeNode *node)
{
  read_every_way(node);
  for (guint i = 0; i < moe_node_size(node); i++) {
    const char *key = moe_node_key(node, i);
    g_assert_true(!key || moe_node_get(node, key) == moe_node_at(node, i));
    read_all(moe_node_at(node, i));
  }
}

/* Prints the document, reads that, prints again: the same text. */
static void check_round_trip(const MoeDoc *doc, gboolean origins)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *printed = moe_node_print(moe_doc_root(doc), origins);
  g_autofree char *plain = moe_node_print(moe_doc_root(doc), FALSE);
  g_autoptr(MoeDoc) again = moe_doc_parse(printed, -1, "again", NULL, &error);

  g_assert_no_error(error);
  g_autofree char *printed_again = moe_node_print(moe_doc_root(again), FALSE);
  g_assert_cmpstr(printed_again, ==, plain);
}

static void check_copy_and_merge(MoeDoc *doc)
{
  g_autofree char *before = moe_node_print(moe_doc_root(doc), TRUE);
  g_autoptr(MoeDoc) copy = moe_doc_copy(doc);
  g_autofree char *copied = moe_node_print(moe_doc_root(copy), TRUE);

  g_assert_cmpstr(copied, ==, before);
  if (moe_doc_merge(doc, "", moe_doc_root(copy), NULL)) { /* fails when there are too many nodes */
    g_autofree char *after = moe_node_print(moe_doc_root(doc), TRUE);
    g_assert_cmpstr(after, ==, before);
  }
}

static void check_doc(MoeDoc *doc)
{
  read_all(moe_doc_root(doc));
  check_round_trip(doc, FALSE);
  check_round_trip(doc, TRUE);
  check_copy_and_merge(doc);
}

static void try_file(const char *text, gsize length)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, (gssize)length, FILE_NAME, NULL, &error);

  if (doc)
    check_doc(doc);
  else
    check_error(error);
}

static void try_override(const char *text, gsize length)
{
  g_autofree char *assignment = g_strndup(text, length);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeDoc) doc = moe_doc_parse("a: {b: 1}\nl: [1, {c: 2}]\n", -1, FILE_NAME, NULL, NULL);
  g_autofree char *before = moe_node_print(moe_doc_root(doc), TRUE);

  if (moe_doc_set(doc, assignment, &error)) {
    moe_doc_remove(doc, moe_doc_root(doc), "extends"); /* text that is no file may not have it */
    check_doc(doc);
    return;
  }
  check_error(error);
  g_autofree char *after = moe_node_print(moe_doc_root(doc), TRUE);
  g_assert_cmpstr(after, ==, before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_memdup2(data, size); /* no closing NUL, so that sanitizers see a read beyond the end */

  try_file(text ? text : "", size);
  try_override(text ? text : "", size);
  return 0;
}
