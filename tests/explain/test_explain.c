/* Explanations: shares sum to the step, absent causes are worth nothing, equal runs do not differ. */
#include "moetest.h"

#include <moesim/explain.h>

#include <math.h>
#include <string.h>

/* A small v5 with every mechanism of the whole one: quick to simulate hundreds of times. */
static const char *const small[] = {"architecture.layers=6", "architecture.moe.experts=16",   "parallelism.gpus=16",
                                    "parallelism.expert=8",  "training.global_batch=16",      "cluster.domain.gpus=8",
                                    "cluster.domain.of=8",   "training.sequence_length=4096", NULL};

/* v5 made small; `sets` on top. */
static MoeRun *load(const char *relative, const char *variant, const char *const *sets)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new();

  for (guint i = 0; small[i]; i++)
    g_ptr_array_add(all, (gpointer)small[i]);
  for (guint i = 0; sets && sets[i]; i++)
    g_ptr_array_add(all, (gpointer)sets[i]);
  g_ptr_array_add(all, NULL);
  g_autofree char *path = moetest_path(relative);
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions options = {.variant = variant, .sets = (const char *const *)all->pdata, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "?");
  return run;
}

static MoeExplanation *explain(const MoeRun *run, guint orders, guint jobs)
{
  MoeExplainOptions options = {.sim = {.kernel_jitter = -1}, .orders = orders, .jobs = jobs};
  g_autoptr(GError) error = NULL;
  MoeExplanation *x = moe_explain_run(run, &options, &error);

  ck_assert_msg(x != NULL, "%s", error ? error->message : "?");
  return x;
}

static MoeDifference *difference(const MoeRun *before, const MoeRun *after, gboolean by_key)
{
  MoeExplainOptions options = {.sim = {.kernel_jitter = -1}, .by_key = by_key};
  g_autoptr(GError) error = NULL;
  MoeDifference *d = moe_explain_difference(before, after, &options, &error);

  ck_assert_msg(d != NULL, "%s", error ? error->message : "?");
  return d;
}

static double sum(const MoeExplanation *x)
{
  double total = 0;

  for (guint c = 0; c < x->n_causes; c++)
    total += x->causes[c].share_s;
  for (guint c = 0; c < MOE_N_CAUSES; c++)
    total += x->left_s[c];
  return total;
}

/* The efficiency axiom of the Shapley value, and the account of the run without any cause. */
START_TEST(waterfall_sums_to_the_step)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", "before", NULL);
  g_autoptr(MoeExplanation) x = explain(run, 0, 0);
  double step = x->result->step_time_s;

  ck_assert_double_eq_tol(sum(x), step, 1e-9 * step);
  /* math at peak is what no counterfactual removes: its share of the step is the MFU */
  ck_assert_double_eq_tol(x->left_s[MOE_CAUSE_MATH] / step, x->result->mfu_causal, 1e-3);
  ck_assert_double_lt(x->ideal_s, step);
}
END_TEST

/* Sampled orders are less sure of each share, never of their sum. */
START_TEST(sampled_orders_agree)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeExplanation) exact = explain(run, 0, 0);
  g_autoptr(MoeExplanation) sampled = explain(run, 31, 0);

  ck_assert_uint_eq(exact->n_orders, 0);
  ck_assert_uint_eq(sampled->n_orders, 32); /* orders come in pairs */
  ck_assert_double_eq_tol(sum(sampled), sum(exact), 1e-9 * sum(exact));
  for (guint c = 0; c < exact->n_causes; c++) {
    double off = fabs(sampled->causes[c].share_s - exact->causes[c].share_s);

    if (!exact->causes[c].joint)
      ck_assert_double_eq(exact->causes[c].error_s, 0);
    ck_assert_double_le(off, 5 * sampled->causes[c].error_s + 1e-9);
  }
}
END_TEST

/* What the program does not hold is worth nothing, and the simulator says so too. */
START_TEST(absent_causes_change_nothing)
{
  static const char *const sets[] = {"recompute.mode=none", "offload.activations=0.0", "training.routing.balance=even",
                                     "cluster.accelerator.speed_spread=0", NULL};
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", NULL, sets);
  g_autoptr(MoeExplanation) x = explain(run, 0, 0);
  guint absent = 0;

  for (guint c = 0; c < x->n_causes; c++) {
    MoeSimOptions without = {.kernel_jitter = -1, .without = 1u << x->causes[c].cause};

    if (x->causes[c].present)
      continue;
    g_autoptr(MoeResult) same = moe_study_predict(run, &without, NULL);
    ck_assert_double_eq(same->step_time_s, x->result->step_time_s);
    ck_assert_double_eq(x->causes[c].share_s, 0);
    absent++;
  }
  ck_assert_uint_ge(absent, 3); /* recomputation, copies, unequal peers */
}
END_TEST

/* A present cause alone is what one counterfactual run says. */
START_TEST(alone_is_one_counterfactual)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeExplanation) x = explain(run, 0, 0);
  MoeSimOptions without = {.kernel_jitter = -1, .without = MOE_WITHOUT_KERNEL_INEFFICIENCY};
  g_autoptr(MoeResult) ideal = moe_study_predict(run, &without, NULL);

  ck_assert_int_eq(x->causes[0].cause, MOE_CAUSE_KERNEL_INEFFICIENCY);
  ck_assert_double_eq_tol(x->causes[0].alone_s, x->result->step_time_s - ideal->step_time_s, 1e-12);
  ck_assert_double_gt(x->causes[0].alone_s, 0);
}
END_TEST

START_TEST(threads_change_nothing)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v4.yaml", NULL, NULL);
  g_autoptr(MoeExplanation) one = explain(run, 0, 1);
  g_autoptr(MoeExplanation) many = explain(run, 0, 4);

  ck_assert_mem_eq(one->causes, many->causes, sizeof one->causes);
  ck_assert_mem_eq(one->left_s, many->left_s, sizeof one->left_s);
}
END_TEST

START_TEST(a_run_does_not_differ_from_itself)
{
  g_autoptr(MoeRun) run = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeRun) again = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeDifference) d = difference(run, again, FALSE);

  ck_assert_uint_eq(d->n_changes, 0);
  ck_assert_double_eq(d->mfu_interaction, 0);
}
END_TEST

/* v5 before and after differ in two mechanisms; in order they lead to the second run. */
START_TEST(changes_lead_from_one_to_the_other)
{
  g_autoptr(MoeRun) before = load("models/mai-base-1/v5.yaml", "before", NULL);
  g_autoptr(MoeRun) after = load("models/mai-base-1/v5.yaml", "after", NULL);
  g_autoptr(MoeDifference) d = difference(before, after, FALSE);
  double alone = 0;

  ck_assert_uint_eq(d->n_changes, 2);
  ck_assert_str_eq(d->changes[0].name, "sharding of the optimizer");
  ck_assert_str_eq(d->changes[0].keys[0].path, "parallelism.zero");
  ck_assert_str_eq(d->changes[0].keys[0].before, "3");
  ck_assert_str_eq(d->changes[0].keys[0].after, "2");
  ck_assert_str_eq(d->changes[1].name, "offload");
  ck_assert_double_eq(d->changes[0].alone.step_time_s, d->changes[0].in_order.step_time_s);
  ck_assert_double_eq(d->changes[1].in_order.step_time_s, d->after->step_time_s);
  for (guint i = 0; i < 2; i++)
    alone += d->changes[i].alone.mfu_causal - d->before->mfu_causal;
  ck_assert_double_eq_tol(alone + d->mfu_interaction, d->after->mfu_causal - d->before->mfu_causal, 1e-12);
}
END_TEST

/* Another cluster and stack: files count as the keys in them, and the last step is the second run. */
START_TEST(clusters_and_stacks)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml");
  g_autofree char *data_dir = moetest_path("");
  MoeRunOptions other = {.cluster = "h100-hgx", .stack = "megatron-core:0.13", .sets = small, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) before = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeRun) after = moe_run_load(path, &other, &error);

  ck_assert_msg(after != NULL, "%s", error ? error->message : "?");
  g_autoptr(MoeDifference) d = difference(before, after, FALSE);
  ck_assert_uint_gt(d->n_changes, 5);
  ck_assert_double_eq_tol(d->changes[d->n_changes - 1].in_order.step_time_s, d->after->step_time_s,
                          1e-9 * d->after->step_time_s);
}
END_TEST

/* Two stages without a schedule cannot be: the two keys stand together, with the reason. */
START_TEST(what_is_legal_only_together)
{
  static const char *const sets[] = {"parallelism.pipeline=2", "parallelism.schedule=1f1b", NULL};
  g_autoptr(MoeRun) before = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeRun) after = load("models/mai-base-1/v5.yaml", NULL, sets);
  g_autoptr(MoeDifference) d = difference(before, after, TRUE);

  ck_assert_uint_eq(d->n_changes, 1);
  ck_assert(d->changes[0].merged);
  ck_assert_uint_eq(d->changes[0].n_keys, 2);
  ck_assert_ptr_nonnull(d->changes[0].merged_why);
  ck_assert_double_eq(d->changes[0].in_order.step_time_s, d->after->step_time_s);
}
END_TEST

/* No two of these are legal without the third: interleaving needs stages and more than one chunk on each. */
START_TEST(what_is_legal_only_as_three)
{
  static const char *const sets[] = {"parallelism.pipeline=2", "parallelism.schedule=interleaved",
                                     "parallelism.virtual_stages=2", "cluster.network.nic=200 Gbit/s", NULL};
  g_autoptr(MoeRun) before = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeRun) after = load("models/mai-base-1/v5.yaml", NULL, sets);
  g_autoptr(MoeDifference) d = difference(before, after, TRUE);
  guint together = d->changes[0].merged ? 0 : 1;

  ck_assert_uint_eq(d->n_changes, 2);
  ck_assert(!d->changes[1 - together].merged);
  ck_assert_uint_eq(d->changes[1 - together].n_keys, 1);
  ck_assert_str_eq(d->changes[1 - together].keys[0].path, "cluster.network.nic");
  ck_assert(d->changes[together].merged);
  ck_assert_uint_eq(d->changes[together].n_keys, 3);
  ck_assert_double_eq(d->changes[1].in_order.step_time_s, d->after->step_time_s);
}
END_TEST

/* Wherever it is stopped: what was cut off is no change that cannot be, which others would be joined with. */
START_TEST(stopped_is_no_answer)
{
  static const char *const changed[] = {"cluster.network.nic=800 Gbit/s", "architecture.moe.top_k=4",
                                        "parallelism.zero=2", NULL};
  g_autoptr(MoeRun) before = load("models/mai-base-1/v5.yaml", NULL, NULL);
  g_autoptr(MoeRun) after = load("models/mai-base-1/v5.yaml", NULL, changed);
  MoetestPatience patience = {.last = G_MAXUINT};
  MoeExplainOptions options = {
      .sim = {.kernel_jitter = -1, .stopped = moetest_has_ended, .stopped_data = &patience}, .by_key = TRUE, .jobs = 1};
  g_autoptr(MoeDifference) whole = moe_explain_difference(before, after, &options, NULL);
  guint n = patience.asked;

  ck_assert_ptr_nonnull(whole);
  ck_assert_uint_gt(n, 4);
  for (guint i = 0; i < n; i++) {
    g_autoptr(GError) error = NULL;

    patience = (MoetestPatience){.last = i};
    ck_assert_ptr_null(moe_explain_difference(before, after, &options, &error));
    ck_assert_msg(g_error_matches(error, MOE_ERROR, MOE_ERROR_STOPPED), "%s", error->message);
  }
}
END_TEST

MOE_TEST_MAIN("study/explain", stopped_is_no_answer, waterfall_sums_to_the_step, sampled_orders_agree,
              absent_causes_change_nothing, alone_is_one_counterfactual, threads_change_nothing,
              a_run_does_not_differ_from_itself, changes_lead_from_one_to_the_other, clusters_and_stacks,
              what_is_legal_only_together, what_is_legal_only_as_three)
