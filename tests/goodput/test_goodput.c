/* The simulated training against renewal theory, Young and Daly, and its own account. */
#include "goodput/model.h"
#include "moetest.h"
#include "spec/goodput.h"

#include <moesim/goodput.h>

#include <math.h>
#include <string.h>

#define HOUR 3600.0

/* 100 GPUs that fail every 1,000 h, hence the job every 10 h; 200 h of steps of 36 s; checkpoints of 3 min that block.
 */
static MoeGoodputModel plain_model(void)
{
  return (MoeGoodputModel){.plan = {.tokens = 1,
                                    .weibull_shape = 1,
                                    .spares = -1,
                                    .restart_s = 0.5 * HOUR,
                                    .mode = MOE_CHECKPOINT_SYNC,
                                    .interval_s = HOUR,
                                    .degraded.slowdown = 1,
                                    .stragglers.slowdown = 1},
                           .steps = 20000,
                           .step_time_s = 36,
                           .parts = {100, 25, 100},
                           .mtbf_s = {1000 * HOUR, 0, 0},
                           .write_s = 180};
}

static MoeGoodput *simulate(const MoeGoodputModel *model, guint seeds, guint jobs)
{
  MoeResult result = {.gpus = 100, .step_time_s = 36, .tokens_per_step = 1};
  MoeGoodputOptions options = {.seeds = seeds, .jobs = jobs, .no_search = TRUE};
  GError *error = NULL;
  MoeGoodput *goodput = moe_goodput(model, &result, &options, &error);

  ck_assert_msg(goodput != NULL, "%s", error ? error->message : "");
  return goodput;
}

static double standard_error(const MoeGoodput *goodput)
{
  double sum = 0;

  for (guint i = 0; i < goodput->n_samples; i++)
    sum += pow(goodput->samples[i].wall_s - goodput->mean.wall_s, 2);
  return sqrt(sum) / goodput->n_samples;
}

/* Renewal theory: work that needs x without a failure, failures at rate 1/M that cost detection D (during which further
 * ones change nothing) and a restart R that may fail itself: E = (M + D) e^(R/M) (e^(x/M) - 1). */
static double expected_segment(double x, double mtbf, double detect, double restart)
{
  return (mtbf + detect) * exp(restart / mtbf) * (exp(x / mtbf) - 1);
}

static double expected_wall(const MoeGoodputModel *model)
{
  double mtbf = moe_goodput_job_mtbf(model), detect = model->plan.detect_s,
         restart = model->plan.restart_s + model->load_s;
  double tau = model->plan.interval_s, total = model->step_time_s * (double)model->steps;
  double segments = floor(total / tau + 1e-9);

  ck_assert_double_eq_tol(segments * tau, total, 1e-6 * total); /* the formula below wants a whole number */
  return (segments - 1) * expected_segment(tau + model->copy_s + model->write_s, mtbf, detect, restart) +
         expected_segment(tau, mtbf, detect, restart);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

START_TEST(test_without_failures_it_is_ideal)
{
  MoeGoodputModel model = plain_model();

  model.mtbf_s[MOE_PART_GPU] = 0;
  model.plan.interval_s = 1e9;
  g_autoptr(MoeGoodput) goodput = simulate(&model, 2, 1);

  ck_assert_double_eq(goodput->mean.wall_s, 200 * HOUR);
  ck_assert_double_eq(goodput->mean_goodput, 1);
  ck_assert(isinf(goodput->job_mtbf_s) && isinf(goodput->young_s));
}
END_TEST

START_TEST(test_without_failures_checkpoints_cost_their_stops)
{
  MoeGoodputModel model = plain_model();

  model.mtbf_s[MOE_PART_GPU] = 0;
  g_autoptr(MoeGoodput) sync = simulate(&model, 1, 1);

  model.plan.mode = MOE_CHECKPOINT_ASYNC;
  model.copy_s = 2;
  g_autoptr(MoeGoodput) async = simulate(&model, 1, 1);

  /* 200 segments have 199 checkpoints between them. */
  ck_assert_double_eq_tol(sync->mean.overhead_s[MOE_OVERHEAD_CHECKPOINT], 199 * 180, 1e-3);
  ck_assert_double_eq_tol(async->mean.overhead_s[MOE_OVERHEAD_CHECKPOINT], 199 * 2, 1e-3);
  ck_assert_uint_eq(async->samples[0].checkpoints, 199);
}
END_TEST

START_TEST(test_expected_wall_is_that_of_renewal_theory)
{
  static const struct {
    double detect_s, restart_s, load_s, interval_s;
  } cases[] = {{0, 0, 0, HOUR}, {0, 0.5 * HOUR, 0, HOUR}, {600, 0.5 * HOUR, 300, HOUR}, {900, 2 * HOUR, 0, 4 * HOUR}};

  for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
    MoeGoodputModel model = plain_model();

    model.plan.detect_s = cases[i].detect_s;
    model.plan.restart_s = cases[i].restart_s;
    model.plan.interval_s = cases[i].interval_s;
    model.load_s = cases[i].load_s;
    g_autoptr(MoeGoodput) goodput = simulate(&model, 4000, 0);
    double expected = expected_wall(&model);

    /* Four standard errors: a right simulation fails once in 16,000 sets of seeds, and these are fixed. */
    ck_assert_double_le(standard_error(goodput), 0.003 * expected);
    ck_assert_double_eq_tol(goodput->mean.wall_s, expected, 4 * standard_error(goodput));
  }
}
END_TEST

START_TEST(test_kinds_of_parts_add_their_rates)
{
  MoeGoodputModel model = plain_model();

  model.mtbf_s[MOE_PART_HOST] = 500 * HOUR; /* 25 of them: one in 20 h */
  model.mtbf_s[MOE_PART_LINK] = 2000 * HOUR;
  ck_assert_double_eq_tol(moe_goodput_job_mtbf(&model), HOUR / (0.1 + 0.05 + 0.05), 1e-6);
  g_autoptr(MoeGoodput) goodput = simulate(&model, 2000, 0);

  ck_assert_double_eq_tol(goodput->mean.wall_s, expected_wall(&model), 4 * standard_error(goodput));
}
END_TEST

START_TEST(test_account_sums_to_the_wall_clock)
{
  MoeGoodputModel model = plain_model();

  model.plan.mode = MOE_CHECKPOINT_ASYNC;
  model.plan.detect_s = 100;
  model.plan.spares = 2;
  model.plan.repair_s = 30 * HOUR;
  model.plan.reschedule_s = 3 * HOUR;
  model.plan.degraded = (MoeSlowPeriods){900 * HOUR, 2 * HOUR, 1.5};
  model.plan.stragglers = (MoeSlowPeriods){3000 * HOUR, HOUR, 2};
  model.copy_s = 5;
  g_autoptr(MoeGoodput) goodput = simulate(&model, 50, 0);

  for (guint i = 0; i < goodput->n_samples; i++) {
    const MoeGoodputSample *sample = &goodput->samples[i];
    double sum = sample->ideal_s;

    for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++) {
      ck_assert_double_ge(sample->overhead_s[kind], 0);
      sum += sample->overhead_s[kind];
    }
    ck_assert_double_eq_tol(sum, sample->wall_s, 1e-9 * sample->wall_s);
  }
  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    ck_assert_double_gt(goodput->mean.overhead_s[kind], 0);
  ck_assert_uint_gt(goodput->mean.planned, 0);
}
END_TEST

/* Degraded periods that start at rate a and last d on average overlap like customers of an M/G/infinity queue: none is
 * under way a share e^(-a d) of the time. While one is, steps take `slowdown` times as long. */
START_TEST(test_degraded_periods_slow_as_an_infinite_queue)
{
  MoeGoodputModel model = plain_model();

  model.mtbf_s[MOE_PART_GPU] = 0;
  model.plan.interval_s = 1e9;
  model.steps = 2000000;                                             /* 20,000 h */
  model.plan.degraded = (MoeSlowPeriods){500 * HOUR, 2 * HOUR, 1.5}; /* one in 5 h of 100 GPUs */
  g_autoptr(MoeGoodput) goodput = simulate(&model, 40, 0);
  double healthy = exp(-2.0 / 5);
  double speed = healthy + (1 - healthy) / 1.5;

  ck_assert_double_eq_tol(goodput->mean_goodput, speed, 0.003);
  ck_assert_double_eq_tol(goodput->mean.overhead_s[MOE_OVERHEAD_SLOW], goodput->mean.wall_s * (1 - speed),
                          0.01 * goodput->mean.wall_s);
}
END_TEST

/* A failure loses what was done since the copy of the last checkpoint that was completely written: on average half an
 * interval and the writing, when failures are rare. */
START_TEST(test_asynchronous_checkpoints_lose_the_writing_too)
{
  MoeGoodputModel model = plain_model();

  model.plan.mode = MOE_CHECKPOINT_ASYNC;
  model.plan.restart_s = 0;
  model.mtbf_s[MOE_PART_GPU] = 20000 * HOUR; /* every 200 h of 100 GPUs, 20,000 h */
  model.steps = 2000000;
  model.write_s = 0.25 * HOUR;
  g_autoptr(MoeGoodput) goodput = simulate(&model, 100, 0);
  double loss_s = goodput->mean.overhead_s[MOE_OVERHEAD_RECOMPUTATION] / goodput->interruptions;

  ck_assert_double_eq_tol(goodput->interruptions, goodput->mean.wall_s / (200 * HOUR), 3);
  ck_assert_double_eq_tol(loss_s, 0.75 * HOUR, 0.02 * HOUR);
}
END_TEST

/* Asked for more often than it can be written, a checkpoint follows the other: the loss is half a writing (the age of
 * the copy) and a writing. */
START_TEST(test_one_checkpoint_in_flight)
{
  MoeGoodputModel model = plain_model();

  model.plan.mode = MOE_CHECKPOINT_ASYNC;
  model.mtbf_s[MOE_PART_GPU] = 0;
  model.plan.interval_s = 36;
  model.write_s = HOUR;
  g_autoptr(MoeGoodput) goodput = simulate(&model, 1, 1);

  ck_assert_uint_ge(goodput->samples[0].checkpoints, 195);
  ck_assert_uint_le(goodput->samples[0].checkpoints, 200);
  ck_assert_double_eq_tol(goodput->mean.wall_s, 200 * HOUR, 1);
}
END_TEST

START_TEST(test_theory_of_intervals)
{
  /* Daly 2006, first-order: sqrt(2 x 300 x 86400) = 7200. */
  ck_assert_double_eq_tol(moe_young_interval(300, 86400), 7200, 1e-9);
  ck_assert_double_eq_tol(moe_daly_interval(300, 86400), 7200 * (1 + sqrt(1.0 / 576) / 3 + 1.0 / 576 / 9) - 300, 1e-9);
  ck_assert_double_eq(moe_daly_interval(10, 4), 4);
}
END_TEST

/* A stop binds the trainings themselves, also where no interval is searched. */
START_TEST(test_stopped)
{
  MoeGoodputModel model = plain_model();
  MoeResult result = {.gpus = 100, .step_time_s = 36, .tokens_per_step = 1};
  MoeGoodputOptions options = {.seeds = 4, .no_search = TRUE, .stop = {.end_us = 1}};
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_goodput(&model, &result, &options, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_STOPPED));
}
END_TEST

START_TEST(test_optimum_is_near_daly)
{
  MoeGoodputModel model = plain_model();
  MoeResult result = {.gpus = 100, .step_time_s = 36, .tokens_per_step = 1};
  MoeGoodputOptions options = {.seeds = 64};

  model.plan.interval_s = 0;
  model.steps = 200000; /* 2,000 h: 200 failures per training */
  g_autoptr(MoeGoodput) goodput = moe_goodput(&model, &result, &options, NULL);

  ck_assert_ptr_nonnull(goodput);
  ck_assert_double_eq(goodput->model->plan.interval_s, goodput->optimum_s);
  ck_assert_double_eq_tol(goodput->daly_s / goodput->young_s, 1, 0.05);
  ck_assert_double_ge(goodput->optimum_s, 0.6 * goodput->daly_s);
  ck_assert_double_le(goodput->optimum_s, 1.6 * goodput->daly_s);
  /* The optimum is flat: what counts is that Daly's interval costs no more than a per mille beyond it. */
  model.plan.interval_s = goodput->daly_s;
  g_autoptr(MoeGoodput) daly = simulate(&model, 64, 0);
  ck_assert_double_le(goodput->optimum_wall_s, daly->mean.wall_s);
  ck_assert_double_le(daly->mean.wall_s, 1.002 * goodput->optimum_wall_s);
}
END_TEST

static gboolean same(const MoeGoodput *a, const MoeGoodput *b)
{
  return a->n_samples == b->n_samples && memcmp(a->samples, b->samples, a->n_samples * sizeof *a->samples) == 0 &&
         memcmp(&a->wall_s, &b->wall_s, sizeof a->wall_s) == 0;
}

START_TEST(test_seeds_decide_threads_do_not)
{
  MoeGoodputModel model = plain_model();

  model.plan.weibull_shape = 0.7;
  g_autoptr(MoeGoodput) one = simulate(&model, 30, 1);
  g_autoptr(MoeGoodput) four = simulate(&model, 30, 4);
  g_autoptr(MoeGoodput) again = simulate(&model, 30, 4);

  ck_assert(same(one, four));
  ck_assert(same(four, again));
  ck_assert_double_ne(one->samples[0].wall_s, one->samples[1].wall_s);
}
END_TEST

/* Long in service, parts fail at the rate 1 / MTBF from the start, whatever the shape. With a single failure expected
 * per part's life few replacements fail again, so that the count is that of the equilibrium process. */
START_TEST(test_weibull_parts_start_in_equilibrium)
{
  static const double shapes[] = {0.6, 1, 3};

  for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++) {
    MoeGoodputModel model = plain_model();

    model.plan.weibull_shape = shapes[i];
    model.plan.restart_s = 0;
    model.write_s = 0;
    g_autoptr(MoeGoodput) goodput = simulate(&model, 1000, 0);

    ck_assert_double_eq_tol(goodput->interruptions * 10 * HOUR / goodput->mean.wall_s, 1, 0.02);
  }
}
END_TEST

START_TEST(test_spares_save_the_wait)
{
  MoeGoodputModel model = plain_model();

  model.plan.repair_s = 48 * HOUR;
  model.plan.reschedule_s = 5 * HOUR;
  model.plan.spares = 0;
  g_autoptr(MoeGoodput) none = simulate(&model, 200, 0);

  model.plan.spares = 5;
  g_autoptr(MoeGoodput) some = simulate(&model, 200, 0);

  model.plan.spares = -1;
  g_autoptr(MoeGoodput) enough = simulate(&model, 200, 0);

  ck_assert_double_gt(none->mean.overhead_s[MOE_OVERHEAD_WAITING], 2 * some->mean.overhead_s[MOE_OVERHEAD_WAITING]);
  ck_assert_double_gt(some->mean.overhead_s[MOE_OVERHEAD_WAITING], 0);
  ck_assert_double_eq(enough->mean.overhead_s[MOE_OVERHEAD_WAITING], 0);
}
END_TEST

START_TEST(test_no_progress_is_an_error)
{
  MoeGoodputModel model = plain_model();
  MoeResult result = {.gpus = 100, .step_time_s = 36, .tokens_per_step = 1};
  MoeGoodputOptions options = {.seeds = 2, .no_search = TRUE};
  g_autoptr(GError) error = NULL;

  model.mtbf_s[MOE_PART_GPU] = HOUR; /* the job fails every 36 s, a restart takes half an hour */
  ck_assert_ptr_null(moe_goodput(&model, &result, &options, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  ck_assert_ptr_nonnull(strstr(error->message, "no progress"));
}
END_TEST

MOE_TEST_MAIN("study/goodput", test_without_failures_it_is_ideal, test_without_failures_checkpoints_cost_their_stops,
              test_expected_wall_is_that_of_renewal_theory, test_kinds_of_parts_add_their_rates,
              test_account_sums_to_the_wall_clock, test_degraded_periods_slow_as_an_infinite_queue,
              test_asynchronous_checkpoints_lose_the_writing_too, test_one_checkpoint_in_flight,
              test_theory_of_intervals, test_stopped, test_optimum_is_near_daly, test_seeds_decide_threads_do_not,
              test_weibull_parts_start_in_equilibrium, test_spares_save_the_wait, test_no_progress_is_an_error)
