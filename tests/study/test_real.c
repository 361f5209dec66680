/* Real runs, lowered from model files: 200 random small layouts, folded and full and on several threads. */
#include "sim/drawn.h"

#define CASES MOETEST_CASES(200)

static MoeSimResult *simulate_with(const MoeRun *run, const MoeProgram *program, const MoeSimOptions *options)
{
  GError *error = NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, &error);
  g_autoptr(MoeCostModel) cost = topo ? moe_cost_model_new(&run->cluster.accelerator, &run->stack, &error) : NULL;
  MoeSimResult *result = cost ? moe_sim_run(program, run, topo, cost, options, &error) : NULL;

  ck_assert_msg(result != NULL, "%s", error ? error->message : "?");
  return result;
}

static MoeSimResult *simulate(const MoeRun *run, const MoeProgram *program, MoeFidelity fidelity)
{
  return simulate_with(run, program, &(MoeSimOptions){.kernel_jitter = 0, .fidelity = fidelity});
}

/* Returns the number of units that stood for all GPUs. */
static guint check_folded_is_full(const MoeRun *run, const MoeProgram *program, uint64_t seed)
{
  g_autoptr(MoeSimResult) folded = simulate(run, program, MOE_FIDELITY_FOLDED);
  g_autoptr(MoeSimResult) full = simulate(run, program, MOE_FIDELITY_FULL);

  ck_assert_msg(folded->step == full->step,
                "layout %u (%s): folded %" G_GINT64_FORMAT " ps, full %" G_GINT64_FORMAT " ps", (guint)seed,
                moe_schedule_words[run->parallelism.schedule], folded->step, full->step);
  ck_assert_uint_eq(full->n_units, (guint)run->parallelism.gpus);
  ck_assert_uint_le(folded->n_units, full->n_units);
  for (int cause = 0; cause < MOE_N_CAUSES; cause++)
    ck_assert_double_eq_tol(folded->cause_s[cause], full->cause_s[cause], 1e-11);
  ck_assert_double_eq_tol(folded->network_bytes, full->network_bytes, 1e-9 * full->network_bytes + 1e-6);
  ck_assert_double_eq_tol(folded->nvlink_bytes, full->nvlink_bytes, 1e-9 * full->nvlink_bytes + 1e-6);
  return folded->n_units;
}

/* 200 layouts that exist, of those drawn: one GPU per class gives the step of all GPUs to the picosecond. */
START_TEST(folded_is_full)
{
  guint found = 0, units = 0, gpus = 0;

  for (uint64_t seed = 0; found < CASES; seed++) {
    g_autoptr(MoeRun) run = draw_run(seed);
    g_autoptr(MoeProgram) program = run ? moe_program_build(run, seed, NULL) : NULL;

    ck_assert_uint_lt((guint)seed, 20 * CASES);
    if (!program)
      continue;
    units += check_folded_is_full(run, program, seed);
    gpus += (guint)run->parallelism.gpus;
    found++;
  }
  ck_assert_uint_lt(2 * units, gpus); /* a third draw their loads per rack and micro-batch and hardly fold */
}
END_TEST

static void check_same_step(const MoeSimResult *a, const MoeSimResult *b)
{
  ck_assert_int_eq(a->step, b->step);
  ck_assert_uint_eq(a->events, b->events);
  ck_assert_uint_eq(a->operations, b->operations);
  ck_assert_double_eq(a->nvlink_bytes, b->nvlink_bytes);
  ck_assert_double_eq(a->network_bytes, b->network_bytes);
  ck_assert_double_eq(a->host_bytes, b->host_bytes);
}

static void check_same_account(const MoeSimResult *a, const MoeSimResult *b)
{
  ck_assert_mem_eq(a->cause_s, b->cause_s, sizeof a->cause_s);
  ck_assert_mem_eq(a->reason_s, b->reason_s, sizeof a->reason_s);
  ck_assert_mem_eq(a->scope_s, b->scope_s, sizeof a->scope_s);
  ck_assert_mem_eq(a->pass_s, b->pass_s, sizeof a->pass_s);
  ck_assert_double_eq(a->hardware_flop, b->hardware_flop);
}

/* Recomputing kernels that take over the forward pass's price take what they take when each is priced for itself; a
 * step without an account is the same step. Returns whether any kernel took one over. */
static gboolean check_shortcuts(const MoeRun *run, MoeProgram *program)
{
  const guint *like = program->kernel_like;
  gboolean any = FALSE;
  g_autoptr(MoeSimResult) as_usual = simulate(run, program, MOE_FIDELITY_AUTO);
  g_autoptr(MoeSimResult) alone = simulate_with(run, program, &(MoeSimOptions){.kernel_jitter = 0, .step_alone = TRUE});

  program->kernel_like = NULL;
  g_autoptr(MoeSimResult) each_priced = simulate(run, program, MOE_FIDELITY_AUTO);
  program->kernel_like = like;
  check_same_step(as_usual, each_priced);
  check_same_account(as_usual, each_priced);
  check_same_step(as_usual, alone);
  ck_assert_ptr_null(alone->units);
  for (guint k = 0; k < program->n_kernels; k++)
    any |= like[k] != k;
  return any;
}

START_TEST(shortcuts_change_nothing)
{
  guint found = 0, shared = 0;

  for (uint64_t seed = 0; found < CASES; seed++) {
    g_autoptr(MoeRun) run = draw_run(seed);
    g_autoptr(MoeProgram) program = run ? moe_program_build(run, seed, NULL) : NULL;

    if (!program)
      continue;
    found++;
    shared += check_shortcuts(run, program) ? 1 : 0;
  }
  ck_assert_uint_gt(shared, CASES / 4); /* half of the draws recompute */
}
END_TEST

static MoeOutcome predict(guint index, gpointer user_data)
{
  const MoeSimOptions *options = user_data;
  g_autoptr(MoeRun) run = draw_run(index);
  MoeOutcome outcome = {0};

  if (run)
    outcome.result = moe_study_predict(run, options, &outcome.error);
  return outcome;
}

/* The same layouts, folded and with jitter, on 1, 2 and 8 threads. */
START_TEST(threads_change_nothing)
{
  const guint jobs[] = {1, 2, 8}, n = 40;

  for (int jitter = 0; jitter < 2; jitter++) {
    MoeSimOptions options = {.kernel_jitter = 0.02 * jitter, .seed = 7};
    MoeOutcome *outcomes[3];

    for (guint j = 0; j < 3; j++)
      outcomes[j] = moe_study_map(n, jobs[j], predict, &options, NULL, NULL);
    for (guint i = 0; i < n; i++)
      for (guint j = 1; j < 3; j++) {
        ck_assert_int_eq(outcomes[0][i].result != NULL, outcomes[j][i].result != NULL);
        if (outcomes[0][i].result)
          ck_assert_double_eq(outcomes[0][i].result->step_time_s, outcomes[j][i].result->step_time_s);
      }
    for (guint j = 0; j < 3; j++)
      moe_outcomes_free(outcomes[j], n);
  }
}
END_TEST

/* MAI-Base-1 v5 on 512 GPUs, with its unbalanced experts. */
START_TEST(large_run)
{
  const char *data = g_getenv("MOESIM_DATA");
  g_autofree char *path = g_build_filename(data, "models", "mai-base-1", "v5.yaml", NULL);
  MoeRunOptions options = {.gpus = 512, .data_dir = data};
  g_autoptr(MoeRun) run = moe_run_load(path, &options, NULL);
  g_autoptr(MoeProgram) program = moe_program_build(run, 0, NULL);

  ck_assert_uint_eq(check_folded_is_full(run, program, 0), 64);
}
END_TEST

MOE_TEST_MAIN("study/real", folded_is_full, shortcuts_change_nothing, threads_change_nothing, large_run)
