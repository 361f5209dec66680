/* What stands under an answer without being asked for, and what makes a point of a sweep the same. */
#include "door/ask.h"
#include "small_runs.h"

#include <moesim/predict.h>
#include <string.h>

static MoeRun *load(const char *relative)
{
  g_autofree char *path = moetest_path(relative);
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

/* Of how many events a step has, not of how fast the machine is. */
START_TEST(combinations_that_take_moments)
{
  const MoeResult quick = {.events = 1000}, slow = {.events = 100000000};

  ck_assert_uint_eq(moe_ask_usual_samples(&quick), MOE_ASK_RUN_SAMPLES);
  ck_assert_uint_eq(moe_ask_usual_samples(&slow), 0);
}
END_TEST

START_TEST(what_decides)
{
  const MoeSimOptions sim = {.kernel_jitter = -1};
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml"), sure = sample_run(0);
  g_autoptr(MoeResult) result = moe_study_predict(run, &sim, NULL);
  MoeResult slow = *result;

  slow.events = 100000000;
  sure->n_assumptions = 0;
  g_autofree char *lines = moe_ask_deciding(run, result, &sim), *number = moe_ask_deciding(run, &slow, &sim);
  g_autofree char *nothing = moe_ask_deciding(sure, result, &sim);

  ck_assert_msg(g_str_has_prefix(lines, "assumptions that decide most"), "%s", lines);
  ck_assert_msg(strstr(number, "tells which of them decide"), "%s", number);
  ck_assert_str_eq(nothing, "");
}
END_TEST

START_TEST(what_helps)
{
  const MoeSimOptions sim = {.kernel_jitter = -1};
  g_autoptr(MoeRun) run = sample_run(0);
  g_autoptr(MoeResult) result = moe_study_predict(run, &sim, NULL);
  MoeResult full = *result;

  full.memory.fits = FALSE;
  full.events = 1000000000;
  g_autofree char *later = moe_ask_remedies(run, &full, &sim), *faster = moe_ask_remedies(run, result, &sim);

  ck_assert_str_eq(later, "moesim memory --remedies tells what would make it fit\n");
  ck_assert_msg(!*faster || g_str_has_prefix(faster, "faster, each simulated:\n"), "%s", faster);
}
END_TEST

/* Each part of how it is predicted makes another point; the same parts the same. */
START_TEST(points_of_one_kind)
{
  g_autofree char *file = g_build_filename(moetest_folder(), "posterior.yaml", NULL);
  MoeAskPoint asked = {.steps = 1};
  g_autoptr(GPtrArray) salts = g_ptr_array_new_with_free_func(g_free);

  ck_assert(g_file_set_contents(file, "learned\n", -1, NULL));
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "one", NULL));
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "two", NULL));
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "one", file));
  asked.samples = 4;
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "one", NULL));
  asked = (MoeAskPoint){.steps = 2};
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "one", NULL));
  asked = (MoeAskPoint){.steps = 1, .sim = {.seed = 1}};
  g_ptr_array_add(salts, moe_ask_point_salt(&asked, "one", NULL));
  for (guint i = 0; i < salts->len; i++)
    for (guint j = 0; j < i; j++)
      ck_assert_str_ne(salts->pdata[i], salts->pdata[j]);
  asked.sim.seed = 0;
  g_autofree char *again = moe_ask_point_salt(&asked, "one", NULL);
  ck_assert_str_eq(again, salts->pdata[0]);
}
END_TEST

MOE_TEST_MAIN("door/hints", combinations_that_take_moments, what_decides, what_helps, points_of_one_kind)
