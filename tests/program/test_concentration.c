/* Expert loads by concentration: what is said of a number of experts is drawn, holds for any other, and is remembered.
 */
#include "../../src/program/internal.h"
#include "runs.h"

#include <math.h>

#define DRAWS 400

static const MoeConcentration said = {.fullest = 1.6, .experts = 64, .shared = 0.5, .memory = 0.9};

/* Mean over many draws of the fullest expert over the mean one, and of the relative standard deviation. */
static double drawn_fullest(const MoeConcentration *law, int64_t experts, double *deviation)
{
  MoeConcentrationDraw draw = {.law = law, .spread = moe_concentration_spread(law), .seed = 3, .experts = experts};
  g_autofree double *loads = g_new(double, experts);
  double sum = 0;

  *deviation = 0;
  for (draw.layer = 0; draw.layer < DRAWS; draw.layer++) {
    double most = 0, square = 0, all = 0;

    moe_concentration_draw(&draw, loads);
    for (int64_t e = 0; e < experts; e++) {
      most = MAX(most, loads[e]);
      all += loads[e];
    }
    for (int64_t e = 0; e < experts; e++)
      square += pow(loads[e] * (double)experts / all - 1, 2) / (double)experts;
    ck_assert_double_eq_tol(all, 64.0 * (double)experts, 1e-9);
    *deviation += sqrt(square) / DRAWS;
    sum += most * (double)experts / all;
  }
  return sum / DRAWS;
}

/* What is said of 64 experts is what 64 have; 8 and 512 have another fullest one and the same spread. */
START_TEST(test_transfers)
{
  double few, named, many;

  ck_assert_double_eq_tol(drawn_fullest(&said, 64, &named), 1.6, 0.03);
  ck_assert_double_lt(drawn_fullest(&said, 8, &few), 1.45);
  ck_assert_double_gt(drawn_fullest(&said, 512, &many), 1.75);
  ck_assert_double_eq_tol(few / named, 1, 0.1); /* eight about their own mean deviate less */
  ck_assert_double_eq_tol(many / named, 1, 0.02);
}
END_TEST

/* The spread that is said of one number and the fullest that follows for another say the same. */
START_TEST(test_any_number)
{
  static const int64_t experts[] = {8, 64, 512};
  static const double fullest[] = {1, 1.02, 1.3, 1.9};

  for (guint n = 0; n < G_N_ELEMENTS(experts); n++)
    for (guint f = 0; f < G_N_ELEMENTS(fullest); f++) {
      MoeConcentration law = {.fullest = fullest[f], .experts = experts[n], .shared = 1};
      double deviation, drawn = drawn_fullest(&law, experts[n], &deviation);

      ck_assert_double_eq_tol(drawn - 1, fullest[f] - 1, 0.12 * (fullest[f] - 1) + 0.01);
    }
}
END_TEST

/* Correlation of the logarithms of the loads of two draws, over layers and experts. */
static double correlation(MoeConcentrationDraw a, MoeConcentrationDraw b)
{
  double x[64], y[64], xy = 0, xx = 0, yy = 0;

  for (a.layer = b.layer = 0; a.layer < 100; a.layer = ++b.layer) {
    moe_concentration_draw(&a, x);
    moe_concentration_draw(&b, y);
    for (int e = 0; e < 64; e++) {
      xy += log(x[e] / 64) * log(y[e] / 64);
      xx += pow(log(x[e] / 64), 2);
      yy += pow(log(y[e] / 64), 2);
    }
  }
  return xy / sqrt(xx * yy);
}

/* Racks share what is common; steps remember of it what memory says, also when the first steps are forgotten. */
START_TEST(test_memory_of_steps)
{
  MoeConcentrationDraw draw = {.law = &said, .spread = moe_concentration_spread(&said), .experts = 64};

  for (uint64_t step = 0; step < 120; step += 40) {
    MoeConcentrationDraw now = draw, beside = draw, next = draw, later = draw;

    now.seed = 7 + step, now.step = step;
    beside = now, beside.index = 1;
    next.seed = now.seed + 1, next.step = step + 1;
    later.seed = now.seed + 60, later.step = step + 60;
    ck_assert_double_eq_tol(correlation(now, beside), 0.5, 0.06);
    ck_assert_double_eq_tol(correlation(now, next), 0.5 * 0.9, 0.06);
    ck_assert_double_eq_tol(correlation(now, later), 0, 0.06);
  }
}
END_TEST

#define LAW "training.routing.balance={concentration: {fullest: 1.6, experts: 64}};stack.moe.tile_rows=0;"

/* Draws that racks have in a micro-batch differ as long as there are draws enough, and are those of other racks later.
 */
START_TEST(test_racks)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, LAW "training.global_batch=256");
  g_autoptr(MoeProgram) p = build_checked(run);
  guint met = 0;

  ck_assert_uint_eq(p->n_load_draws, 8); /* 4 racks, 8 micro-batches */
  ck_assert_uint_eq(p->n_load_classes, 64);
  for (uint32_t m = 0; m < 8; m++) {
    for (guint rack = 1; rack < 4; rack++)
      ck_assert_uint_ne(moe_program_load_draw(p, rack, m), moe_program_load_draw(p, rack - 1, m));
    met |= 1u << moe_program_load_draw(p, 0, m);
  }
  ck_assert_int_gt(__builtin_popcount(met), 3);
}
END_TEST

/* Of rows, forward: not the counts that come before. */
static gboolean is_dispatch(const MoeCollective *c)
{
  return c->kind == MOE_DISPATCH && c->pass == MOE_PASS_FORWARD && c->notifies != MOE_NOTIFY_ALONE;
}

/* Rounds are as many as the fullest rank needs: none holds more than a buffer, and together they hold all rows. */
START_TEST(test_rounds)
{
  g_autoptr(MoeRun) run = run_with(SPARSE, LAW "stack.moe.memory_rounds=2");
  g_autoptr(MoeRun) even =
      run_with(SPARSE, "training.routing.balance=even;stack.moe.tile_rows=0;stack.moe.memory_rounds=2");
  g_autoptr(MoeProgram) p = build_checked(run), q = build_checked(even);
  int64_t most = 0, buffer = 0;
  guint dispatches = 0, nominal = 0;

  for (guint k = 0; k < p->n_kernels; k++)
    for (guint load = 0; load < p->n_load_classes && p->kernels[k].klass == MOE_KERNEL_GROUPED_GEMM; load++) {
      MoeKernel kernel;

      moe_program_kernel(p, load, k, &kernel);
      most = MAX(most, kernel.rows);
    }
  for (guint k = 0; k < q->n_kernels; k++)
    if (q->kernels[k].klass == MOE_KERNEL_GROUPED_GEMM)
      buffer = q->kernels[k].rows;
  for (guint c = 0; c < p->n_collectives; c++)
    dispatches += is_dispatch(&p->collectives[c]);
  for (guint o = 0; o < q->blocks[0].n_ops; o++)
    nominal += q->blocks[0].ops[o].kind == MOE_OP_COLLECTIVE && is_dispatch(&q->collectives[q->blocks[0].ops[o].work]);
  ck_assert_int_eq(most, buffer);
  ck_assert_uint_eq(nominal, 2 * 4);    /* two rounds in each of four layers */
  ck_assert_uint_eq(dispatches, 3 * 4); /* the fullest of eight ranks has up to 1.5 times the mean */
}
END_TEST

MOE_TEST_MAIN("program/concentration", test_transfers, test_any_number, test_memory_of_steps, test_racks, test_rounds)
