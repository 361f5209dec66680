/* Every bad/NAME.yaml is refused with the one line in bad/NAME.stderr. */
#include "doctest.h"

#include <string.h>

/* The folder is not empty by mistake. */
#define FEWEST_FILES 20

static void expect_file_refused(const char *name)
{
  g_autofree char *stem = g_strndup(name, strlen(name) - strlen(".stderr"));
  g_autofree char *yaml = g_strconcat(stem, ".yaml", NULL);
  g_autofree char *expected = NULL;

  ck_assert(g_file_get_contents(name, &expected, NULL, NULL));
  expect_load_refused(yaml, g_strchomp(expected));
  ck_assert_ptr_null(strchr(expected, '\n'));
}

START_TEST(test_bad_files)
{
  g_autofree char *folder = moetest_path("tests/doc/bad");
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  guint refused = 0;

  ck_assert_ptr_nonnull(dir);
  ck_assert_int_eq(g_chdir(folder), 0);
  for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir))
    if (g_str_has_suffix(name, ".stderr")) {
      expect_file_refused(name);
      refused++;
    }
  ck_assert_uint_ge(refused, FEWEST_FILES);
}
END_TEST

MOE_TEST_MAIN("doc/bad", test_bad_files)
