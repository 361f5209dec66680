/* Systems solved by hand: each states the system, what is expected, and because of what. */
#include "share/share.h"
#include <moetest.h>

#include <math.h>

#define MAX_ACTIVITIES 6
#define MAX_LOADS      4
#define CAPPED         G_MAXUINT

typedef struct {
  guint n;
  guint resources[MAX_LOADS];
  double loads[MAX_LOADS];
  double cap; /* 0: none */
  double rate;
  guint bottleneck;
} Expected;

typedef struct {
  const char *system;
  const char *because;
  guint n_resources;
  double capacity[4];
  Expected activities[MAX_ACTIVITIES]; /* ends with n == 0 */
} Row;

static const Row rows[] = {
    {"one activity on one resource", "nobody else is there", 1, {10}, {{1, {0}, {1}, 0, 10, 0}}},
    {"one activity of load 4", "rate = capacity / load", 1, {10}, {{1, {0}, {4}, 0, 2.5, 0}}},
    {"one activity on three resources",
     "the tightest of capacity / load = 10, 4, 5 decides",
     3,
     {10, 8, 5},
     {{3, {0, 1, 2}, {1, 2, 1}, 0, 4, 1}}},
    {"a cap below every resource", "the cap decides", 1, {10}, {{1, {0}, {1}, 3, 3, CAPPED}}},
    {"a cap equal to the resource", "a resource goes before the cap", 1, {10}, {{1, {0}, {1}, 10, 10, 0}}},
    {"two activities on one resource", "equal shares", 1, {10}, {{1, {0}, {1}, 0, 5, 0}, {1, {0}, {1}, 0, 5, 0}}},
    {"loads 1 and 3 on one resource",
     "fair in rate, not in use: 1 x + 3 x = 10",
     1,
     {10},
     {{1, {0}, {1}, 0, 2.5, 0}, {1, {0}, {3}, 0, 2.5, 0}}},
    {"a capped one beside a free one",
     "the free one takes what the cap leaves",
     1,
     {10},
     {{1, {0}, {1}, 2, 2, CAPPED}, {1, {0}, {1}, 0, 8, 0}}},
    {"caps that fit together",
     "2 + 3 < 10: nobody meets the resource",
     1,
     {10},
     {{1, {0}, {1}, 2, 2, CAPPED}, {1, {0}, {1}, 3, 3, CAPPED}}},
    {"one through both links, one on each (Bertsekas & Gallager)",
     "all at 5: both links are full",
     2,
     {10, 10},
     {{2, {0, 1}, {1, 1}, 0, 5, 0}, {1, {0}, {1}, 0, 5, 0}, {1, {1}, {1}, 0, 5, 1}}},
    {"the same with links 10 and 20",
     "the first link stops two at 5, the third takes the 15 left",
     2,
     {10, 20},
     {{2, {0, 1}, {1, 1}, 0, 5, 0}, {1, {0}, {1}, 0, 5, 0}, {1, {1}, {1}, 0, 15, 1}}},
    {"three levels in a chain",
     "link 2 stops A, B, C at 1; link 1 then leaves D 6 - 1 = 5; link 0 leaves E 20 - 5 = 15",
     3,
     {20, 6, 3},
     {{1, {2}, {1}, 0, 1, 2},
      {1, {2}, {1}, 0, 1, 2},
      {2, {1, 2}, {1, 1}, 0, 1, 2},
      {2, {0, 1}, {1, 1}, 0, 5, 1},
      {1, {0}, {1}, 0, 15, 0}}},
    {"two ports, three transfers: 0 to 1 twice, 0 to 2",
     "egress of 0 (resource 0) is full at 3 x 4",
     3,
     {12, 12, 12},
     {{2, {0, 1}, {1, 1}, 0, 4, 0}, {2, {0, 1}, {1, 1}, 0, 4, 0}, {2, {0, 2}, {1, 1}, 0, 4, 0}}},
    {"a non-blocking uplink",
     "two ports of 5 fill an uplink of 10 exactly; the ports decide",
     3,
     {10, 5, 5},
     {{2, {0, 1}, {1, 1}, 0, 5, 1}, {2, {0, 2}, {1, 1}, 0, 5, 2}}},
    {"the same uplink, 2:1 oversubscribed",
     "5 is shared by two",
     3,
     {5, 5, 5},
     {{2, {0, 1}, {1, 1}, 0, 2.5, 0}, {2, {0, 2}, {1, 1}, 0, 2.5, 0}}},
    {"an activity with a cap of nothing",
     "it takes nothing from the other",
     1,
     {10},
     {{1, {0}, {1}, 1e-300, 1e-300, CAPPED}, {1, {0}, {1}, 0, 10, 0}}},
    {"two tied bottlenecks",
     "both links are full at 5; the lower index is named",
     2,
     {10, 10},
     {{2, {1, 0}, {1, 1}, 0, 5, 0}, {2, {1, 0}, {1, 1}, 0, 5, 0}}},
    {"two separate pairs",
     "neither knows of the other",
     2,
     {10, 6},
     {{1, {0}, {1}, 0, 5, 0}, {1, {1}, {1}, 0, 3, 1}, {1, {0}, {1}, 0, 5, 0}, {1, {1}, {1}, 0, 3, 1}}},
};

START_TEST(hand_worked)
{
  const Row *row = &rows[_i];
  g_autoptr(MoeShare) share = moe_share_new(row->n_resources, row->capacity);
  guint n = 0;

  for (; n < MAX_ACTIVITIES && row->activities[n].n > 0; n++) {
    const Expected *a = &row->activities[n];
    ck_assert_uint_eq(moe_share_add(share, a->n, a->resources, a->loads, a->cap > 0 ? a->cap : INFINITY), n);
  }
  moe_share_solve(share);
  for (guint a = 0; a < n; a++) {
    double rate = moe_share_rate(share, a);
    ck_assert_msg(fabs(rate - row->activities[a].rate) <= 1e-15 * rate,
                  "%s: activity %u has %.17g, expected %.17g because %s", row->system, a, rate, row->activities[a].rate,
                  row->because);
    ck_assert_msg(moe_share_bottleneck(share, a) == row->activities[a].bottleneck, "%s: bottleneck of %u is %u",
                  row->system, a, moe_share_bottleneck(share, a));
  }
}
END_TEST

static guint add_one(MoeShare *share, guint resource, double load, double cap)
{
  return moe_share_add(share, 1, &resource, &load, cap);
}

static void expect_changed(const MoeShare *share, guint n, const guint *ids)
{
  guint n_changed = 0;
  const guint *changed = moe_share_changed(share, &n_changed);

  ck_assert_uint_eq(n_changed, n);
  for (guint i = 0; i < n; i++)
    ck_assert_uint_eq(changed[i], ids[i]);
}

START_TEST(changes_are_told_and_only_they)
{
  g_autoptr(MoeShare) share = moe_share_new(3, (double[]){12, 12, 12});

  for (guint i = 0; i < 3; i++)
    add_one(share, i, 1, INFINITY);
  ck_assert_double_eq(moe_share_rate(share, 0), 0);
  moe_share_solve(share);
  expect_changed(share, 3, (guint[]){0, 1, 2});
  moe_share_solve(share);
  expect_changed(share, 0, NULL);
  /* a second one on resource 1: its user slows down, the others do not notice */
  add_one(share, 1, 1, INFINITY);
  moe_share_solve(share);
  expect_changed(share, 2, (guint[]){1, 3});
  moe_share_remove(share, 1);
  moe_share_solve(share);
  expect_changed(share, 1, (guint[]){3});
  ck_assert_double_eq(moe_share_rate(share, 3), 12);
  /* one that fits in beside: nobody else changes */
  moe_share_remove(share, 3);
  add_one(share, 1, 1, 4);
  add_one(share, 1, 1, 8);
  moe_share_solve(share);
  expect_changed(share, 2, (guint[]){1, 3});
  ck_assert_double_eq(moe_share_used(share, 1), 12);
}
END_TEST

START_TEST(ids_are_the_lowest_free)
{
  g_autoptr(MoeShare) share = moe_share_new(1, (double[]){1});

  for (guint i = 0; i < 100; i++)
    ck_assert_uint_eq(add_one(share, 0, 1, 0.001), i);
  moe_share_remove(share, 70);
  moe_share_remove(share, 20);
  ck_assert_uint_eq(add_one(share, 0, 1, 0.001), 20);
  ck_assert_uint_eq(add_one(share, 0, 1, 0.001), 70);
  ck_assert_uint_eq(add_one(share, 0, 1, 0.001), 100);
  ck_assert_uint_eq(moe_share_n_ids(share), 101);
}
END_TEST

START_TEST(removed_and_added_again_before_solving)
{
  g_autoptr(MoeShare) share = moe_share_new(2, (double[]){10, 30});

  add_one(share, 0, 1, INFINITY);
  add_one(share, 0, 1, INFINITY);
  moe_share_solve(share);
  moe_share_remove(share, 0);
  ck_assert_uint_eq(add_one(share, 1, 1, INFINITY), 0);
  moe_share_solve(share);
  expect_changed(share, 2, (guint[]){0, 1});
  ck_assert_double_eq(moe_share_rate(share, 0), 30);
  ck_assert_double_eq(moe_share_rate(share, 1), 10);
  /* removed without being replaced, and nothing else is left to do */
  moe_share_remove(share, 0);
  moe_share_remove(share, 1);
  moe_share_solve(share);
  expect_changed(share, 0, NULL);
  ck_assert_double_eq(moe_share_used(share, 0), 0);
  ck_assert_double_eq(moe_share_rate(share, 1), 0);
}
END_TEST

START_TEST(a_link_degrades_and_recovers)
{
  g_autoptr(MoeShare) share = moe_share_new(3, (double[]){10, 10, 10});
  const guint both[] = {0, 1};
  const double ones[] = {1, 1};

  moe_share_add(share, 2, both, ones, INFINITY);
  add_one(share, 0, 1, INFINITY);
  add_one(share, 2, 1, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 5);
  /* link 1 at a tenth: it holds activity 0 at 1, which leaves 9 of link 0 to the other */
  moe_share_set_capacities(share, 1, 1, (const double[]){1});
  moe_share_solve(share);
  expect_changed(share, 2, (guint[]){0, 1});
  ck_assert_double_eq(moe_share_rate(share, 0), 1);
  ck_assert_uint_eq(moe_share_bottleneck(share, 0), 1);
  ck_assert_double_eq(moe_share_rate(share, 1), 9);
  moe_share_set_capacities(share, 1, 1, (const double[]){10});
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 5);
  ck_assert_double_eq(moe_share_rate(share, 1), 5);
  /* an idle resource */
  moe_share_remove(share, 2);
  moe_share_set_capacities(share, 2, 1, (const double[]){7});
  add_one(share, 2, 1, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 2), 7);
}
END_TEST

/* Of a million ports a folded step uses a few: the others are not looked at, whatever stands there. */
START_TEST(what_nobody_uses_costs_nothing)
{
  const guint n = 4000000, used[] = {7, 3999999};
  g_autofree double *capacity = g_new0(double, n);

  capacity[used[0]] = 10;
  capacity[used[1]] = 4;
  g_autoptr(MoeShare) share = moe_share_new(n, capacity);
  ck_assert_double_eq(moe_share_used(share, 63), 0);
  moe_share_add(share, 2, used, (double[]){1, 1}, INFINITY);
  add_one(share, used[0], 1, INFINITY);
  moe_share_set_capacities(share, 64, 1, (const double[]){3});
  add_one(share, 64, 1, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 4);
  ck_assert_double_eq(moe_share_rate(share, 1), 6);
  ck_assert_double_eq(moe_share_rate(share, 2), 3);
  ck_assert_double_eq(moe_share_used(share, used[0]), 10);
  ck_assert_double_eq(moe_share_used(share, 65), 0);
}
END_TEST

START_TEST(no_resource_at_all)
{
  g_autoptr(MoeShare) share = moe_share_new(0, NULL);

  ck_assert_uint_eq(moe_share_add(share, 0, NULL, NULL, 5), 0);
  ck_assert_uint_eq(moe_share_add(share, 0, NULL, NULL, 0), 1);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, 0), 5);
  ck_assert_double_eq(moe_share_rate(share, 1), 0);
  ck_assert_uint_eq(moe_share_bottleneck(share, 0), G_MAXUINT);
  moe_share_free(NULL);
}
END_TEST

/* 20 levels of magnitude between loads: the small ones must not vanish beside the large ones, nor leave dust when they
 * go. */
START_TEST(loads_of_very_different_size)
{
  g_autoptr(MoeShare) share = moe_share_new(2, (double[]){1e12, 1e-3});

  add_one(share, 0, 1e10, INFINITY);
  guint small = moe_share_add(share, 2, (guint[]){0, 1}, (double[]){1e-10, 1e-6}, INFINITY);
  moe_share_solve(share);
  ck_assert_double_eq_tol(moe_share_rate(share, 0), 100, 1e-9);
  ck_assert_double_eq_tol(moe_share_rate(share, small), 1000, 1e-8);
  moe_share_remove(share, 0);
  moe_share_solve(share);
  ck_assert_double_eq(moe_share_rate(share, small), 1e-3 / 1e-6);
  ck_assert_double_eq(moe_share_used(share, 0), 1e-10 * (1e-3 / 1e-6));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("share/systems");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, hand_worked, 0, (int)G_N_ELEMENTS(rows));
  tcase_add_test(tcase, changes_are_told_and_only_they);
  tcase_add_test(tcase, ids_are_the_lowest_free);
  tcase_add_test(tcase, removed_and_added_again_before_solving);
  tcase_add_test(tcase, a_link_degrades_and_recovers);
  tcase_add_test(tcase, what_nobody_uses_costs_nothing);
  tcase_add_test(tcase, no_resource_at_all);
  tcase_add_test(tcase, loads_of_very_different_size);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
