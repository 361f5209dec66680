/* Shared by all Check programs: one suite, one main. A test file ends with MOE_TEST_MAIN("module/unit", test_a, test_b). */
#ifndef MOETEST_H
#define MOETEST_H

#include <check.h>
#include <glib.h>
#include <stdlib.h>

/* Path below the source root: models/, clusters/ ... Caller frees. */
static inline char *moetest_path(const char *relative)
{
  const char *root = g_getenv("MOESIM_DATA");

  return g_build_filename(root ? root : ".", relative, NULL);
}

static inline int moetest_run(const char *name, const TTest *const *tests, size_t n)
{
  Suite *suite = suite_create(name);
  TCase *tcase = tcase_create("all");

  for (size_t i = 0; i < n; i++)
    tcase_add_test(tcase, tests[i]);
  suite_add_tcase(suite, tcase);
  SRunner *runner = srunner_create(suite);
  srunner_run_all(runner, CK_NORMAL);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define MOE_TEST_MAIN(name, ...)                                              \
  int main(void)                                                              \
  {                                                                           \
    const TTest *tests[] = {__VA_ARGS__};                                     \
    return moetest_run(name, tests, sizeof tests / sizeof *tests);            \
  }

#endif
