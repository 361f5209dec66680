/* Footprints: activation bytes against the published formula, schedules' activations in flight, states per ZeRO stage.
 */
#include "runs.h"

#include <math.h>

/* Peak of activations of a stage. */
static double activations(const MoeRun *run, guint stage)
{
  g_autoptr(MoeProgram) program = build_checked(run);
  MoeFootprint footprint;

  moe_program_footprint(program, run, stage, &footprint);
  return footprint.part_bytes[MOE_MEMORY_ACTIVATIONS];
}

/* Bytes that one more layer keeps, per token and hidden element: the difference of two runs cancels embedding and head.
 */
static double layer_bytes(const char *sets)
{
  g_autofree char *more = g_strdup_printf("%s;architecture.layers=16", sets);
  g_autofree char *less = g_strdup_printf("%s;architecture.layers=8", sets);
  g_autoptr(MoeRun) a = run_with(DENSE, more);
  g_autoptr(MoeRun) b = run_with(DENSE, less);
  double sbh = 2048.0 * 1024.0;

  return (activations(a, 0) - activations(b, 0)) / 8 / sbh;
}

#define KORTHIKANTI "architecture.dropout=0.1;stack.family.attention=unfused;training.precision.residual=bf16;"

/* Korthikanti et al. 2022, arXiv:2205.05198, table 2. a = 16 heads, s = 2048, h = 1024: 5 a s / h = 160. */
START_TEST(test_korthikanti)
{
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.gpus=8"), 34 + 160, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4"), 10 + 24 / 4.0 + 160 / 4.0, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4;parallelism.sequence_parallel=true"),
                          (34 + 160) / 4.0, 1e-6);
  /* Selective recompute of the core leaves 34 / t; full recompute the input, 2. */
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "parallelism.tensor=4;parallelism.sequence_parallel=true;"
                                                  "recompute={mode: selective, modules: [core_attention]}"),
                          34 / 4.0, 1e-6);
  ck_assert_double_eq_tol(layer_bytes(KORTHIKANTI "recompute={mode: full}"), 2, 1e-6);
}
END_TEST

/* 1F1B holds as many micro-batches as stages follow, one more for the stage itself; GPipe all of them. */
START_TEST(test_in_flight)
{
  const char *sets = "parallelism.gpus=4;parallelism.pipeline=4;training.global_batch=16;recompute={mode: full};";
  g_autofree char *text = g_strdup_printf("%sparallelism.schedule=1f1b", sets);
  g_autofree char *gpipe_text = g_strdup_printf("%sparallelism.schedule=gpipe", sets);
  g_autoptr(MoeRun) run = run_with(DENSE, text);
  g_autoptr(MoeRun) gpipe = run_with(DENSE, gpipe_text);
  double checkpoint = 2 * 2048.0 * 1024.0, one = activations(run, 2) - activations(run, 1);

  /* Stage 1 holds one micro-batch of 4 layers more than stage 2, and so on towards the first. */
  ck_assert_double_eq_tol(one, -4 * checkpoint, 1);
  ck_assert_double_eq_tol(activations(run, 0) - activations(run, 1), 4 * checkpoint, 1);
  ck_assert_double_eq_tol(activations(gpipe, 0) - activations(run, 0), (16 - 4) * 4 * checkpoint, 1);
}
END_TEST

/* ZB-H1 keeps 1F1B's memory on the first stage, ZB-H2 about doubles it; ZB-V has every stage at the first one's level.
 */
START_TEST(test_zero_bubble_memory)
{
  const char *sets = "parallelism.gpus=4;parallelism.pipeline=4;training.global_batch=16;parallelism.schedule=";
  double bytes[4][4];
  const char *const schedules[] = {"1f1b", "zb-h1", "zb-h2", "zb-v"};

  for (guint i = 0; i < 4; i++) {
    g_autofree char *text = g_strdup_printf("%s%s", sets, schedules[i]);
    g_autoptr(MoeRun) run = run_with(DENSE, text);

    for (guint stage = 0; stage < 4; stage++)
      bytes[i][stage] = activations(run, stage);
  }
  ck_assert_double_eq_tol(bytes[1][0] / bytes[0][0], 1, 0.01);
  ck_assert_double_eq_tol(bytes[2][0] / bytes[0][0], 7.0 / 4, 0.01);
  ck_assert_double_le(bytes[3][1], bytes[0][0] * 1.01);
}
END_TEST

static void states(const char *sets, double parts[MOE_N_MEMORY_PARTS])
{
  g_autoptr(MoeRun) run = run_with(DENSE, sets);
  g_autoptr(MoeProgram) program = build_checked(run);

  for (guint i = 0; i < MOE_N_MEMORY_PARTS; i++)
    parts[i] = program->roles[0].static_bytes[i];
}

/* Rajbhandari et al. 2020, figure 1, with FP32 gradients: 2 + 4 + 12 bytes per parameter, of which ZeRO-1 shards 12,
 * ZeRO-2 16, ZeRO-3 all (the ends of the model stay gathered). */
START_TEST(test_zero_states)
{
  double s0[MOE_N_MEMORY_PARTS], s1[MOE_N_MEMORY_PARTS], s2[MOE_N_MEMORY_PARTS], s3[MOE_N_MEMORY_PARTS];
  g_autoptr(MoeRun) run = run_with(DENSE, "parallelism.zero=0");
  MoeParameters count;

  moe_count_parameters(&run->architecture, &count);
  states("parallelism.zero=0", s0);
  states("parallelism.zero=1", s1);
  states("parallelism.zero=2", s2);
  states("parallelism.zero=3", s3);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_WEIGHTS], 2 * count.total, 1);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_GRADIENTS], 4 * count.total, 1);
  ck_assert_double_eq_tol(s0[MOE_MEMORY_OPTIMIZER], 12 * count.total, 1);
  ck_assert_double_eq_tol(s1[MOE_MEMORY_GRADIENTS], 4 * count.total, 1);
  ck_assert_double_eq_tol(s1[MOE_MEMORY_OPTIMIZER], 12 * count.total / 8, 1);
  ck_assert_double_eq_tol(s2[MOE_MEMORY_GRADIENTS], 4 * count.total / 8, 1);
  ck_assert_double_eq_tol(s3[MOE_MEMORY_WEIGHTS] - 2 * count.total / 8, 2 * (count.embedding + count.head + 1024), 1);
}
END_TEST

/* Weights that ranks hold add up to the model, whatever the layout. */
START_TEST(test_weights_add_up)
{
  const char *const sets[] = {
      "parallelism.expert=8",
      "parallelism.tensor=4;parallelism.sequence_parallel=true;parallelism.expert=8",
      "parallelism.pipeline=4;parallelism.schedule=1f1b;parallelism.expert=4",
      "parallelism.pipeline=4;parallelism.schedule=zb-v;parallelism.expert=8;training.global_batch=64",
  };

  for (guint i = 0; i < G_N_ELEMENTS(sets); i++) {
    g_autofree char *text = g_strdup_printf("%s;architecture.tied_embeddings=false;parallelism.zero=0", sets[i]);
    g_autoptr(MoeRun) run = run_with(SPARSE, text);
    g_autoptr(MoeProgram) program = build_checked(run);
    const MoeParallelism *p = &run->parallelism;
    MoeParameters count;
    double sum = 0, norms, repeated = 0;

    moe_count_parameters(&run->architecture, &count);
    for (guint r = 0; r < program->n_roles; r++)
      sum += program->roles[r].static_bytes[MOE_MEMORY_GRADIENTS] / 4;
    /* Per stage: dense weights are divided by tensor, experts by expert parallelism; norms and routers are on every
     * tensor rank. */
    repeated = (count.norms + count.router) * (1 - 1.0 / (double)p->tensor);
    norms = (count.total - count.experts) / (double)p->tensor + repeated + count.experts / (double)p->expert;
    ck_assert_msg(fabs(sum / norms - 1) < 1e-9, "%s: %.0f of %.0f", sets[i], sum, norms);
  }
}
END_TEST

/* Offload takes the checkpoints away; what stays is what is in flight. */
START_TEST(test_offload)
{
  g_autoptr(MoeRun) keep = run_with(DENSE, "recompute={mode: full}");
  g_autoptr(MoeRun) away = run_with(DENSE, "recompute={mode: full};offload.activations=1.0");
  double checkpoint = 2 * 2048.0 * 1024.0, saved = activations(keep, 0) - activations(away, 0);

  ck_assert_double_ge(saved, 10 * checkpoint);
  ck_assert_double_le(saved, 16 * checkpoint);
}
END_TEST

MOE_TEST_MAIN("program/memory", test_korthikanti, test_in_flight, test_zero_bubble_memory, test_zero_states,
              test_weights_add_up, test_offload)
