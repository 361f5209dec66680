/* Shared by all Check programs: one suite, one main. A test file ends with MOE_TEST_MAIN("module/unit", test_a,
 * test_b). */
#ifndef MOETEST_H
#define MOETEST_H

#include <check.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MOETEST_SANITIZED 1
#endif
#endif

/* How many random cases to try, and which of many files: all in the other builds, one in five under the sanitizers,
 * which look for other faults and take ten times as long. */
#ifdef MOETEST_SANITIZED
#define MOETEST_EVERY 5
#else
#define MOETEST_EVERY 1
#endif
#define MOETEST_CASES(n) ((n) / MOETEST_EVERY)

/* Path below the source root: models/, clusters/ ... Caller frees. */
static inline char *moetest_path(const char *relative)
{
  const char *root = g_getenv("MOESIM_DATA");

  return g_build_filename(root ? root : ".", relative, NULL);
}

/* Removes a file, or a folder with all that is in it. */
static inline void moetest_remove(const char *path)
{
  g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *child = g_build_filename(path, name, NULL);

    moetest_remove(child);
  }
  g_remove(path);
}

static inline char **moetest_folder_kept(void)
{
  static char *folder;

  return &folder;
}

static inline void moetest_drop_folder(void)
{
  char **folder = moetest_folder_kept();

  if (*folder)
    moetest_remove(*folder);
  g_clear_pointer(folder, g_free);
}

/* An empty folder for one test of MOE_TEST_MAIN, gone when it ends, however it does. Not to be freed. */
static inline const char *moetest_folder(void)
{
  char **folder = moetest_folder_kept();

  ck_assert_msg(*folder == NULL, "a test has one folder");
  *folder = g_dir_make_tmp("moesim-XXXXXX", NULL);
  ck_assert_ptr_nonnull(*folder);
  ck_assert_int_eq(atexit(moetest_drop_folder), 0);
  return *folder;
}

/* Somebody who is asked whether work is to end, and says so from the time behind the last on. */
typedef struct {
  guint asked, last;
} MoetestPatience;

static inline gboolean moetest_has_ended(gpointer patience)
{
  MoetestPatience *own = (MoetestPatience *)patience;

  return ++own->asked > own->last;
}

/* Check runs each test in a process of its own; under the sanitizers all in one, where a look for leaks at its end
 * finds those of every test. */
static inline int moetest_run_suite(Suite *suite)
{
  SRunner *runner = srunner_create(suite);

#ifdef MOETEST_SANITIZED
  srunner_set_fork_status(runner, CK_NOFORK);
#endif
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int moetest_run(const char *name, const TTest *const *tests, size_t n)
{
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create("all");

  tcase_add_checked_fixture(tcase, NULL, moetest_drop_folder);
  for (size_t i = 0; i < n; i++)
    tcase_add_test(tcase, tests[i]);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}

#define MOE_TEST_MAIN(name, ...)                                                                                       \
  int main(void)                                                                                                       \
  {                                                                                                                    \
    const TTest *tests[] = {__VA_ARGS__};                                                                              \
    return moetest_run(name, tests, sizeof tests / sizeof *tests);                                                     \
  }

#endif
