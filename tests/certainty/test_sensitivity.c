/* Sensitivity: quantiles in order, swings sorted, reproducible, whole numbers where a key wants them. */
#include "doc/doc.h"
#include "moetest.h"
#include "spec/spec.h"

#include <moesim/sensitivity.h>

#include <math.h>
#include <string.h>

/* A small v5: quick to predict hundreds of times. */
static const char *const small[] = {"architecture.layers=6",         "architecture.moe.experts=16",
                                    "parallelism.gpus=16",           "parallelism.expert=8",
                                    "training.global_batch=16",      "training.routing.balance=even",
                                    "training.sequence_length=4096", NULL};

static MoeRun *load(const char *relative)
{
  g_autofree char *path = moetest_path(relative);
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions options = {.sets = small, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "?");
  return run;
}

static MoeSensitivity *study(const MoeRun *run, guint samples, uint64_t seed, guint jobs)
{
  MoeSensitivityOptions options = {.sim = {.seed = seed, .kernel_jitter = -1}, .samples = samples, .jobs = jobs};
  g_autoptr(GError) error = NULL;
  MoeSensitivity *s = moe_sensitivity(run, &options, &error);

  ck_assert_msg(s != NULL, "%s", error ? error->message : "?");
  return s;
}

/* The run with these assumptions and no others. */
static MoeRun *assuming(const char *assumptions)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml");
  g_autoptr(MoeDoc) doc = moe_doc_copy(run->doc);
  static const char *const sections[] = {"cluster", "cluster.accelerator", "stack"};
  g_autofree char *set = g_strconcat("assumptions=", assumptions, NULL);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS(sections); i++)
    moe_doc_remove(doc, moe_doc_find(doc, sections[i]), "assumptions");
  ck_assert(moe_doc_set(doc, set, &error));
  MoeRun *assumed = moe_run_from_doc(g_steal_pointer(&doc), "assumed", NULL, &error);
  ck_assert_msg(assumed != NULL, "%s", error ? error->message : "?");
  return assumed;
}

static void check_order(const MoeQuantiles *q)
{
  ck_assert_double_le(q->p10, q->p50);
  ck_assert_double_le(q->p50, q->p90);
}

START_TEST(quantiles_and_swings_are_in_order)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml");
  g_autoptr(MoeSensitivity) s = study(run, 20, 0, 0);

  check_order(&s->mfu_causal);
  check_order(&s->step_time_s);
  ck_assert_double_lt(s->mfu_causal.p10, s->mfu_causal.p90);
  ck_assert_uint_eq(s->n_samples, 20);
  ck_assert_uint_gt(s->n_swings, 5);
  for (guint i = 0; i < s->n_swings; i++) {
    const MoeSwing *swing = &s->swings[i];

    if (swing->low)
      ck_assert_double_le(swing->mfu_low, swing->mfu_high);
    if (i > 0 && swing->low)
      ck_assert_double_ge(s->swings[i - 1].mfu_high - s->swings[i - 1].mfu_low, swing->mfu_high - swing->mfu_low);
  }
}
END_TEST

/* Assumptions of stack and cluster are among them, under their paths in the run, each once. */
START_TEST(all_files_are_asked)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml");
  g_autoptr(MoeSensitivity) s = study(run, 0, 0, 0);
  guint from_stack = 0, from_cluster = 0;

  for (guint i = 0; i < s->n_swings; i++) {
    from_stack += g_str_has_prefix(s->swings[i].key, "stack.");
    from_cluster += g_str_has_prefix(s->swings[i].key, "cluster.");
    for (guint j = 0; j < i; j++)
      ck_assert_str_ne(s->swings[i].key, s->swings[j].key);
  }
  ck_assert_uint_gt(from_stack, 0);
  ck_assert_uint_gt(from_cluster, 0);
  ck_assert(isnan(s->mfu_causal.p50)); /* no combination was asked for */
}
END_TEST

START_TEST(same_seed_same_answer)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml");
  g_autoptr(MoeSensitivity) one = study(run, 12, 3, 1);
  g_autoptr(MoeSensitivity) many = study(run, 12, 3, 4);
  g_autoptr(MoeSensitivity) other = study(run, 12, 4, 4);

  ck_assert_mem_eq(&one->mfu_causal, &many->mfu_causal, sizeof one->mfu_causal);
  ck_assert_mem_eq(&one->step_time_s, &many->step_time_s, sizeof one->step_time_s);
  ck_assert_mem_ne(&one->step_time_s, &other->step_time_s, sizeof one->step_time_s);
}
END_TEST

START_TEST(nothing_assumed_nothing_gained)
{
  g_autoptr(MoeRun) run = assuming("{}");
  g_autoptr(MoeSensitivity) s = study(run, 5, 0, 0);

  ck_assert_uint_eq(s->n_swings, 0);
  ck_assert_double_eq(s->mfu_causal.p10, s->result->mfu_causal);
  ck_assert_double_eq(s->mfu_causal.p90, s->result->mfu_causal);
}
END_TEST

/* v5 has Grace hosts. */
START_TEST(another_cpu_is_no_unknown)
{
  g_autoptr(MoeRun) run = assuming("{stack.host.launch.x86: {range: [1 us, 100 us], why: test}, "
                                   "stack.host.calls.linear.x86: {range: [1 us, 100 us], why: test}, "
                                   "stack.host.launch.grace: {range: [1 us, 100 us], why: test}}");
  g_autoptr(MoeSensitivity) s = study(run, 2, 0, 0);

  ck_assert_uint_eq(s->n_swings, 1);
  ck_assert_str_eq(s->swings[0].key, "stack.host.launch.grace");
}
END_TEST

/* One assumption with a monotone effect: a Latin hypercube of n puts one value in each n-th, so the median is near the
 * middle's answer. */
START_TEST(one_range_is_covered_evenly)
{
  g_autoptr(MoeRun) run = assuming("{stack.host.step: {range: [1001 ms, 2001 ms], why: test}}");
  g_autoptr(MoeSensitivity) s = study(run, 50, 0, 0);
  double span = s->swings[0].step_low_s - s->swings[0].step_high_s; /* least MFU is the longest step */

  ck_assert_uint_eq(s->n_swings, 1);
  ck_assert_double_eq_tol(span, 1.0, 1e-3);
  ck_assert_double_eq_tol(s->step_time_s.p50 - s->swings[0].step_high_s, 0.5 * span, 0.02 * span);
  ck_assert_double_eq_tol(s->step_time_s.p10 - s->swings[0].step_high_s, 0.1 * span, 0.03 * span);
  ck_assert_double_eq_tol(s->step_time_s.p90 - s->swings[0].step_high_s, 0.9 * span, 0.03 * span);
}
END_TEST

/* A width is a whole number; a share is not. */
START_TEST(whole_numbers_where_a_key_wants_them)
{
  g_autoptr(MoeRun) run = assuming("{architecture.ffn.width: {range: [6000, 6007], why: test},"
                                   " training.routing.capacity_factor: {range: [1, 2], why: test}}");
  g_autoptr(MoeSensitivity) s = study(run, 16, 0, 0);

  ck_assert_msg(s->n_failed == 0, "%s", s->failure ? s->failure : "?");
  ck_assert_double_lt(s->mfu_causal.p10, s->mfu_causal.p90);
}
END_TEST

static const MoeSwing *swing_of(const MoeSensitivity *s, const char *key)
{
  for (guint i = 0; i < s->n_swings; i++)
    if (strcmp(s->swings[i].key, key) == 0)
      return &s->swings[i];
  ck_abort_msg("no swing of %s", key);
}

/* Ends of a range are set in the unit of what is assumed, and shown as people write them. Neither power nor the quoted
 * peak (the run says itself of which peak its MFU is a share) bears on a step; a slower clock does. */
START_TEST(ends_have_their_units)
{
  g_autoptr(MoeRun) run = assuming("{cluster.accelerator.quoted_peak: {range: [1 PFLOP/s, 2 PFLOP/s], why: test},"
                                   " cluster.power.gpu: {range: [700 W, 1.4 kW], why: test},"
                                   " cluster.accelerator.clock: {range: [1 GHz, 1.5 GHz], why: test}}");
  g_autoptr(MoeSensitivity) s = study(run, 0, 0, 0);
  const MoeSwing *peak = swing_of(s, "cluster.accelerator.quoted_peak"), *power = swing_of(s, "cluster.power.gpu");
  const MoeSwing *hertz = swing_of(s, "cluster.accelerator.clock");

  ck_assert_str_eq(peak->low, "1 PFLOP/s"); /* of equal ones the first and the last */
  ck_assert_str_eq(peak->high, "2 PFLOP/s");
  ck_assert_double_eq(peak->mfu_low, peak->mfu_high);
  ck_assert_str_eq(power->low, "700 W");
  ck_assert_str_eq(power->high, "1.4 kW");
  ck_assert_double_eq(power->step_low_s, power->step_high_s);
  ck_assert_str_eq(hertz->low, "1 GHz");
  ck_assert_str_eq(hertz->high, "1.5 GHz");
  ck_assert_double_ge(hertz->step_low_s, hertz->step_high_s);
}
END_TEST

/* Combinations that cannot exist are counted and left out. */
START_TEST(what_cannot_exist_is_said)
{
  g_autoptr(MoeRun) run = assuming("{architecture.attention.query_heads: {values: [80, 81], why: test}}");
  g_autoptr(MoeSensitivity) s = study(run, 10, 0, 0);

  ck_assert_uint_eq(s->n_failed, 5); /* a Latin hypercube of ten takes each of two values five times */
  ck_assert_ptr_nonnull(s->failure);
  ck_assert_uint_eq(s->swings[0].n_failed, 1);
  ck_assert_str_eq(s->swings[0].low, "80");
  ck_assert_double_eq(s->mfu_causal.p10, s->mfu_causal.p90);
}
END_TEST

START_TEST(stopped_is_no_interval)
{
  g_autoptr(MoeRun) run = assuming("{stack.host.step: {range: [1 ms, 20 ms], why: test}}");
  MoetestPatience patience = {.last = G_MAXUINT};
  const MoeSensitivityOptions options = {
      .sim = {.kernel_jitter = -1, .stopped = moetest_has_ended, .stopped_data = &patience}, .samples = 4, .jobs = 1};
  g_autoptr(MoeSensitivity) whole = moe_sensitivity(run, &options, NULL);
  guint n = patience.asked;

  ck_assert_ptr_nonnull(whole);
  ck_assert_uint_gt(n, 4);
  for (guint i = 0; i < n; i++) {
    g_autoptr(GError) error = NULL;

    patience = (MoetestPatience){.last = i};
    ck_assert_ptr_null(moe_sensitivity(run, &options, &error));
    ck_assert_msg(g_error_matches(error, MOE_ERROR, MOE_ERROR_STOPPED), "%s", error->message);
  }
}
END_TEST

MOE_TEST_MAIN("study/sensitivity", stopped_is_no_interval, quantiles_and_swings_are_in_order, all_files_are_asked,
              same_seed_same_answer, nothing_assumed_nothing_gained, another_cpu_is_no_unknown,
              one_range_is_covered_evenly, whole_numbers_where_a_key_wants_them, ends_have_their_units,
              what_cannot_exist_is_said)
