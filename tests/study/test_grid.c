/* One run at many points. */
#include "moetest.h"
#include "study/grid.h"

/* Each point is predicted as a run of its own would be; one that cannot be has its reason. */
START_TEST(points)
{
  g_autofree char *path = moetest_path("models/mixtral-8x7b.yaml");
  const MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  const char *vary[] = {"parallelism.tensor=1,3", "training.micro_batch=1,2", NULL};
  const MoeSimOptions sim = {.kernel_jitter = -1};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSweep) sweep = moe_sweep_new(path, &options, vary, FALSE, &error);

  ck_assert_ptr_nonnull(sweep);
  MoeOutcome *outcomes = moe_grid_predict(sweep, &sim, NULL, NULL);
  g_autoptr(MoeRun) run = moe_sweep_load(sweep, 1, &error);
  g_autoptr(MoeResult) alone = moe_study_predict(run, &sim, &error);
  g_autofree char *label = moe_grid_label(sweep, 1);

  ck_assert_ptr_nonnull(alone);
  ck_assert_ptr_nonnull(outcomes[0].result);
  ck_assert(outcomes[1].result->step_time_s == alone->step_time_s);
  ck_assert(outcomes[0].result->step_time_s != alone->step_time_s);
  for (guint i = 2; i < 4; i++) {
    ck_assert_ptr_null(outcomes[i].result);
    ck_assert(g_error_matches(outcomes[i].error, MOE_ERROR, MOE_ERROR_LAYOUT));
  }
  ck_assert_str_eq(label, "tensor=1, micro_batch=2");
  moe_outcomes_free(outcomes, sweep->n_points);
}
END_TEST

START_TEST(sizes)
{
  static const struct {
    int64_t gpus, first, last;
    guint n;
  } cases[] = {{64, 4, 128, 6}, {8, 1, 16, 5}, {1, 1, 2, 2}, {100, 6, 200, 6}};

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GArray) found = moe_grid_sizes(cases[i].gpus);

    ck_assert_uint_eq(found->len, cases[i].n);
    ck_assert_int_eq(g_array_index(found, int64_t, 0), cases[i].first);
    ck_assert_int_eq(g_array_index(found, int64_t, found->len - 1), cases[i].last);
  }
}
END_TEST

MOE_TEST_MAIN("study/grid", points, sizes)
