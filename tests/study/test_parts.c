/* Parts of an iteration: they sum to the step, and each schedule has those that it can have. */
#include "moetest.h"

#include "study/parts.h"
#include <glib/gstdio.h>
#include <string.h>

static MoeRun *load(const char *relative, const char *const *sets)
{
  g_autofree char *path = moetest_path(relative);
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions options = {.sets = sets, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

static MoeIteration iterate(const char *schedule, int64_t stage)
{
  g_autofree char *set = g_strdup_printf("parallelism.schedule=%s", schedule);
  const char *sets[] = {set, "training.global_batch=1536", NULL};
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", sets);
  g_autoptr(GError) error = NULL;
  MoeIteration iteration;

  ck_assert_msg(moe_study_iteration(run, NULL, stage, &iteration, &error), "%s", error ? error->message : "");
  return iteration;
}

static MoeTime sum(const MoeIteration *iteration)
{
  MoeTime sum = 0;

  for (guint p = 0; p < MOE_N_ITERATION_PARTS; p++)
    sum += iteration->part[p];
  return sum;
}

/* To the picosecond, on every kind of stage; nothing is negative. */
START_TEST(parts_sum_to_the_step)
{
  static const char *const schedules[] = {"1f1b", "zb-h1", "gpipe"};

  for (guint s = 0; s < G_N_ELEMENTS(schedules); s++)
    for (int64_t stage = -1; stage < 16; stage += 8) {
      MoeIteration it = iterate(schedules[s], stage);

      ck_assert_int_eq(sum(&it), it.step);
      ck_assert_int_gt(it.step, 0);
      for (guint p = 0; p < MOE_N_ITERATION_PARTS; p++)
        ck_assert_int_ge(it.part[p], 0);
    }
}
END_TEST

/* GPipe leaves no weight gradient and pairs no passes; its bubble is what the simulator itself accounts to that rank's.
 */
START_TEST(gpipe)
{
  const char *sets[] = {"parallelism.schedule=gpipe", "training.global_batch=1536", NULL};
  MoeSimOptions options = {.kernel_jitter = -1};
  MoeIteration it = iterate("gpipe", -1);
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", sets);
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, NULL);
  g_autoptr(MoeSimResult) sim = moe_sim_run(program, run, topo, cost, &options, NULL);
  double bubble_s = 0;

  for (guint u = 0; u < sim->n_units; u++)
    if (sim->units[u].rank == it.rank)
      bubble_s = sim->units[u].cause_s[MOE_CAUSE_BUBBLE];
  ck_assert_uint_eq(it.n_pairs, 0);
  ck_assert_int_eq(it.part[MOE_ITERATION_BOTH], 0);
  ck_assert_int_eq(it.part[MOE_ITERATION_WEIGHT], 0);
  ck_assert_double_gt(bubble_s, 0);
  ck_assert_double_eq_tol(moe_time_to_seconds(it.part[MOE_ITERATION_BUBBLE]), bubble_s, 1e-9);
}
END_TEST

START_TEST(split_backward)
{
  MoeIteration it = iterate("zb-h1", -1);

  ck_assert_int_gt(it.part[MOE_ITERATION_WEIGHT], 0);
  ck_assert_int_lt(it.part[MOE_ITERATION_WEIGHT], it.part[MOE_ITERATION_BACKWARD]);
}
END_TEST

/* Pairs are those of the steady part; their kernels fit into them. */
START_TEST(dualpipe)
{
  g_autoptr(MoeRun) run = load("models/deepseek-v3.yaml", NULL);
  g_autoptr(GError) error = NULL;
  MoeIteration it;
  double kernels = 0;

  ck_assert(moe_study_iteration(run, NULL, 5, &it, &error));
  ck_assert_uint_eq(it.role, 5);
  ck_assert_int_eq(sum(&it), it.step);
  ck_assert_uint_eq(it.n_pairs, 2 * (60 - 16 + 5 + 1) + (8 - 5 - 1)); /* steps 4 and 5 of dualpipe.c */
  for (guint c = 0; c < MOE_N_PAIR_CLASSES; c++)
    kernels += it.pair_class_s[c];
  ck_assert_double_lt(kernels, it.pair_s);
  ck_assert_double_gt(kernels, 0.5 * it.pair_s);
  ck_assert_double_le((double)it.n_pairs * it.pair_s, moe_time_to_seconds(it.part[MOE_ITERATION_BOTH]) * (1 + 1e-9));
}
END_TEST

MOE_TEST_MAIN("study/parts", parts_sum_to_the_step, gpipe, split_backward, dualpipe)
