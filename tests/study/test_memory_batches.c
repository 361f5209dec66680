/* Activations by micro-batch: they sum to the part of the footprint, and are those that the schedule has in flight. */
#include "moetest.h"

#include "study/memory_batches.h"

static MoeRun *load(const char *relative, const char *sets)
{
  g_autofree char *path = moetest_path(relative);
  g_autofree char *data_dir = moetest_path("");
  g_auto(GStrv) list = g_strsplit(sets, ";", -1);
  MoeRunOptions options = {.sets = (const char *const *)list, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static void check_sums(const MoeRun *run)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, &error);
  guint n = 0;
  g_autofree MoeMemoryBatches *rows = moe_memory_batches(run, &n, &error);

  ck_assert_msg(program && rows, "%s", error ? error->message : "");
  for (guint role = 0; role < program->n_roles; role++) {
    MoeFootprint footprint;
    double sum = 0;

    moe_program_footprint(program, run, role, &footprint);
    for (guint i = 0; i < n; i++)
      if (rows[i].stage == program->roles[role].stage)
        sum += (double)(rows[i].last_batch - rows[i].first_batch + 1) * rows[i].batch_bytes;
    ck_assert_double_eq_tol(sum, footprint.part_bytes[MOE_MEMORY_ACTIVATIONS], 1e-9 * sum + 1024);
  }
}

/* Whatever the schedule, merged passes among them. */
START_TEST(test_sums)
{
  static const char *const schedules[] = {"1f1b", "zb-h1", "gpipe"};
  g_autoptr(MoeRun) v3 = load("models/deepseek-v3.yaml", "training.global_batch=4096");
  g_autoptr(MoeRun) v5 = load("models/mai-base-1/v5.yaml", "");

  check_sums(v3);
  check_sums(v5);
  for (guint i = 0; i < G_N_ELEMENTS(schedules); i++) {
    g_autofree char *sets = g_strdup_printf("training.global_batch=4096;parallelism.schedule=%s", schedules[i]);
    g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", sets);

    check_sums(run);
  }
}
END_TEST

/* 1F1B: the first stage holds one micro-batch for itself and one for every stage behind it, the first ones. */
START_TEST(test_one_forward_one_backward)
{
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml",
                               "training.global_batch=4096;parallelism.schedule=1f1b;parallelism.overlap.expert=false");
  g_autoptr(GError) error = NULL;
  int64_t held = 0;
  guint n = 0;
  g_autofree MoeMemoryBatches *rows = moe_memory_batches(run, &n, &error);

  ck_assert_msg(rows != NULL, "%s", error ? error->message : "");
  for (guint i = 0; i < n && rows[i].stage == 0; i++) {
    ck_assert_int_eq(rows[i].first_batch, held);
    ck_assert_int_eq(rows[i].first_layer, 0);
    held = rows[i].last_batch + 1;
  }
  ck_assert_int_eq(held, run->parallelism.pipeline);
}
END_TEST

MOE_TEST_MAIN("study/memory_batches", test_sums, test_one_forward_one_backward)
