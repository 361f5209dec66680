/* Outcomes do not depend on the number of threads; progress counts every one, one at a time. */
#include "moetest.h"

#include "study/study.h"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define NOBODY 65534 /* of Debian */

static MoeOutcome number(guint index, gpointer user_data)
{
  (void)user_data;
  if (index % 7 == 3)
    return (MoeOutcome){NULL, g_error_new(MOE_ERROR, MOE_ERROR_INPUT, "point %u", index)};
  MoeResult *result = g_new0(MoeResult, 1);

  result->step_time_s = index * 0.5;
  return (MoeOutcome){result, NULL};
}

static void count(guint done, guint total, gpointer user_data)
{
  guint *seen = user_data;

  ck_assert_uint_eq(done, *seen + 1);
  ck_assert_uint_eq(total, 100);
  *seen = done;
}

START_TEST(same_with_any_number_of_threads)
{
  for (guint jobs = 1; jobs <= 8; jobs *= 2) {
    guint seen = 0;
    MoeOutcome *outcomes = moe_study_map(100, jobs, number, NULL, count, &seen);

    ck_assert_uint_eq(seen, 100);
    for (guint i = 0; i < 100; i++) {
      ck_assert((outcomes[i].error != NULL) == (i % 7 == 3));
      if (outcomes[i].result)
        ck_assert_double_eq(outcomes[i].result->step_time_s, i * 0.5);
    }
    moe_outcomes_free(outcomes, 100);
  }
}
END_TEST

START_TEST(nothing_to_do)
{
  moe_outcomes_free(moe_study_map(0, 4, number, NULL, NULL, NULL), 0);
}
END_TEST

static gpointer nothing(gpointer data)
{
  return data;
}

/* A machine that gives no thread gives an answer all the same. The limit binds anyone but the superuser. */
START_TEST(without_threads)
{
  struct rlimit before, one;

  ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
  one = before;
  one.rlim_cur = 1;
  ck_assert(getuid() != 0 || setuid(NOBODY) == 0);
  ck_assert_int_eq(prctl(PR_SET_DUMPABLE, 1),
                   0); /* who became another may be traced: by what looks for leaks at the end */
  ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &one), 0);
  ck_assert_ptr_null(g_thread_try_new("none", nothing, NULL, NULL));
  MoeOutcome *outcomes = moe_study_map(20, 8, number, NULL, NULL, NULL);

  for (guint i = 0; i < 20; i++)
    ck_assert((outcomes[i].error != NULL) == (i % 7 == 3));
  moe_outcomes_free(outcomes, 20);
  ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
}
END_TEST

MOE_TEST_MAIN("study/map", same_with_any_number_of_threads, nothing_to_do, without_threads)
