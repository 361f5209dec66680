/* What all variants of a file replace is read, too. */
#include "spec/hidden.h"

#include "moetest.h"

#include <string.h>

/* "" or the message about the file, from the place on. */
static char *said_of(gboolean stack, const char *folder, const char *text)
{
  g_autofree char *path = g_build_filename(folder, "file.yaml", NULL);
  const char *data_dir = g_getenv("MOESIM_DATA");
  g_autoptr(GError) error = NULL;

  ck_assert(g_file_set_contents(path, text, -1, NULL));
  if (stack) {
    if (moe_stack_check_hidden(path, data_dir, &error))
      return g_strdup("");
  } else {
    g_autoptr(MoeDoc) doc = moe_doc_load(path, &error);

    ck_assert_ptr_nonnull(doc);
    if (moe_run_check_hidden(path, doc, data_dir, &error))
      return g_strdup("");
  }
  const char *place = strstr(error->message, "file.yaml:");

  ck_assert_ptr_nonnull(place);
  return g_strndup(place, strlen("file.yaml:2:26"));
}

static char *said_of_run(const char *folder, const char *keys)
{
  g_autofree char *base = moetest_path("models/mixtral-8x7b.yaml");
  g_autofree char *text = g_strdup_printf("extends: %s\n%s", base, keys);

  return said_of(FALSE, folder, text);
}

START_TEST(runs)
{
  const char *folder = moetest_folder();
  g_autofree char *good =
      said_of_run(folder, "training: {micro_batch: 1}\nvariants:\n  a: {training: {micro_batch: 2}}\n");
  g_autofree char *without = said_of_run(folder, "training: {micro_batch: 1}\n");
  g_autofree char *bad =
      said_of_run(folder, "training: {micro_batch:  many}\nvariants:\n  a: {training: {micro_batch: 2}}\n");

  ck_assert_str_eq(good, "");
  ck_assert_str_eq(without, "");
  ck_assert_str_eq(bad, "file.yaml:2:26");
}
END_TEST

START_TEST(stacks)
{
  const char *folder = moetest_folder();
  g_autofree char *good =
      said_of(TRUE, folder, "extends: megatron-core:0.13\ndate: 2025-01\nvariants:\n  a: {date: 2025-02}\n");
  g_autofree char *without = said_of(TRUE, folder, "extends: megatron-core:0.13\ndate: 2025-01\n");
  g_autofree char *bad = said_of(TRUE, folder,
                                 "extends: megatron-core:0.13\nmoe: {per_expert:        perhaps}\n"
                                 "variants:\n  a: {moe: {per_expert: true}}\n");

  ck_assert_str_eq(good, "");
  ck_assert_str_eq(without, "");
  ck_assert_str_eq(bad, "file.yaml:2:26");
}
END_TEST

MOE_TEST_MAIN("spec/hidden", runs, stacks)
