/* Expected copies of a token, against counting every routing there is. */
#include "../../src/coll/internal.h"

#include <moetest.h>

#include <math.h>

/* Routings counted so far: how many, and how many parts they reach in all. */
typedef struct {
  double routings, parts;
} Count;

static int bits_of(guint set)
{
  int n = 0;

  for (; set; set >>= 1)
    n += set & 1;
  return n;
}

/* Parts with a chosen expert among the `counted` first experts of each. */
static int parts_reached(guint chosen, int experts, int parts, int counted)
{
  int each = experts / parts, reached = 0;

  for (int p = 0; p < parts; p++)
    reached += (chosen >> (p * each) & ((1u << counted) - 1)) != 0;
  return reached;
}

/* All sets of top_k experts inside `allowed`. */
static void count_inside(guint allowed, const MoeCollective *c, int parts, int counted, Count *count)
{
  for (guint chosen = 0; chosen < 1u << c->experts; chosen++)
    if (bits_of(chosen) == c->top_k && (chosen & ~allowed) == 0) {
      count->routings++;
      count->parts += parts_reached(chosen, (int)c->experts, parts, counted);
    }
}

/* Mean over all choices of top_groups groups, and all choices of experts in them. */
static double count_all(const MoeCollective *c, int parts, int counted)
{
  int each = (int)(c->experts / c->expert_groups);
  Count count = {0, 0};

  for (guint groups = 0; groups < 1u << c->expert_groups; groups++) {
    guint allowed = 0;

    if (bits_of(groups) != c->top_groups)
      continue;
    for (int g = 0; g < c->expert_groups; g++)
      if (groups >> g & 1)
        allowed |= ((1u << each) - 1) << (g * each);
    count_inside(allowed, c, parts, counted, &count);
  }
  return count.parts / count.routings;
}

typedef struct {
  int64_t experts, top_k, groups, top_groups;
  int parts, counted; /* experts counted in each part */
} Row;

static const Row rows[] = {
    {16, 1, 1, 1, 4, 4}, {16, 2, 1, 1, 4, 4},  {16, 4, 1, 1, 16, 1}, {16, 4, 1, 1, 2, 8}, {16, 4, 1, 1, 8, 1},
    {16, 4, 4, 2, 4, 4}, {16, 4, 4, 2, 16, 1}, {16, 4, 4, 2, 8, 2},  {16, 3, 4, 2, 2, 8}, {16, 3, 8, 4, 4, 4},
    {16, 3, 8, 4, 2, 8}, {16, 2, 4, 1, 8, 1},  {12, 3, 6, 3, 3, 4},  {16, 4, 4, 4, 8, 2},
};

START_TEST(test_expectation_equals_the_count)
{
  const Row *row = &rows[_i];
  const MoeCollective c = {.kind = MOE_DISPATCH,
                           .experts = row->experts,
                           .top_k = row->top_k,
                           .expert_groups = row->groups,
                           .top_groups = row->top_groups};
  double share = (double)row->counted * row->parts / (double)row->experts;

  ck_assert_double_eq_tol(moe_coll_expected_parts(&c, row->parts, share), count_all(&c, row->parts, row->counted),
                          1e-9);
}
END_TEST

START_TEST(test_one_expert_per_part_and_all_chosen)
{
  const MoeCollective all = {.experts = 8, .top_k = 8, .expert_groups = 1, .top_groups = 1};
  const MoeCollective one = {.experts = 512, .top_k = 1, .expert_groups = 1, .top_groups = 1};

  ck_assert_double_eq_tol(moe_coll_expected_parts(&all, 4, 1), 4, 1e-12);
  ck_assert_double_eq_tol(moe_coll_expected_parts(&one, 64, 1), 1, 1e-9);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("coll/copies");
  TCase *tcase = tcase_create("all");

  tcase_add_loop_test(tcase, test_expectation_equals_the_count, 0, G_N_ELEMENTS(rows));
  tcase_add_test(tcase, test_one_expert_per_part_and_all_chosen);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
