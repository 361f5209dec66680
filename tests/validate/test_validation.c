/* Groups, their errors, and pair questions. */
#include "moetest.h"

#include "../../src/validate/cases.h"
#include "validate/baseline.h"

#include <math.h>

static void add(MoeValidation *v, const char *family, double published, double predicted, const char *layout,
                const char *precision)
{
  MoeCase *c = &v->cases[v->n];

  *c = (MoeCase){.id = g_strdup_printf("case-%u", v->n),
                 .published_step_s = published,
                 .predicted_step_s = predicted,
                 .error = predicted / published - 1,
                 .tokens_per_s_per_gpu_published = 1 / published,
                 .tokens_per_s_per_gpu_predicted = 1 / predicted};
  c->group[MOE_GROUP_BY_FAMILY] = g_strdup(family);
  for (guint d = 0; d < MOE_N_DIFFERS; d++)
    c->differs[d] = g_strdup(d == MOE_DIFFERS_LAYOUT ? layout : d == MOE_DIFFERS_PRECISION ? precision : "same");
  v->n++;
}

static MoeValidation *six_cases(void)
{
  MoeValidation *v = g_new0(MoeValidation, 1);

  v->cases = g_new0(MoeCase, 8);
  add(v, "b", 1.0, 1.1, "tp1", "bf16");
  add(v, "b", 2.0, 1.8, "tp2", "bf16");
  add(v, "b", 3.0, 3.0, "tp1", "fp8");
  add(v, "a", 1.0, 1.5, "tp1", "bf16");
  add(v, "a", 1.005, 1.2, "tp2", "bf16"); /* a draw with the one before */
  add(v, "a", 2.0, 1.3, "tp4", "bf16");
  return v;
}

/* A case that only memory was published of: allocated bytes published and predicted, and whether it ran out. */
static void add_memory(MoeValidation *v, double published, double predicted, gboolean out, gboolean fits)
{
  MoeCase *c = &v->cases[v->n];

  *c = (MoeCase){.id = g_strdup_printf("memory-%u", v->n), .fits = fits};
  c->memory.peak_bytes = predicted;
  c->memory.capacity_bytes = 80;
  c->memory.headroom_bytes = 8;
  c->memory.published_bytes = published;
  c->memory.predicted_bytes = predicted;
  c->memory.error = published > 0 ? predicted / published - 1 : 0;
  c->memory.out_of_memory = out;
  c->group[MOE_GROUP_BY_FAMILY] = g_strdup("m");
  v->n++;
}

static MoeValidation *memory_cases(void)
{
  MoeValidation *v = g_new0(MoeValidation, 1);

  v->cases = g_new0(MoeCase, 8);
  add(v, "b", 1.0, 1.1, "tp1", "bf16");
  v->cases[0].fits = TRUE;
  add_memory(v, 50, 55, FALSE, TRUE);
  add_memory(v, 80, 76, FALSE, FALSE);
  add_memory(v, 0, 90, TRUE, FALSE);
  add_memory(v, 0, 60, TRUE, TRUE);
  return v;
}

/* What has no step time counts in no group of step times; what has no published peak in no group of peaks. */
START_TEST(memory_groups)
{
  g_autoptr(MoeValidation) v = memory_cases();
  guint n;
  MoeCaseGroup *g = moe_validation_memory_groups(v, MOE_GROUP_BY_FAMILY, &n);

  moe_case_group_fill(v, NULL, MOE_GROUP_BY_FAMILY, &v->all);
  ck_assert_uint_eq(v->all.n, 1);
  ck_assert_uint_eq(n, 2);
  ck_assert_str_eq(g[0].name, "m");
  ck_assert_str_eq(g[1].name, "all");
  for (guint i = 0; i < n; i++) {
    ck_assert_uint_eq(g[i].n, 2);
    ck_assert_double_eq_tol(g[i].median_abs_error, 0.075, 1e-12);
    ck_assert_double_eq_tol(g[i].bias, 0.025, 1e-12);
  }
  moe_case_groups_free(g, n);
}
END_TEST

START_TEST(fit_table)
{
  g_autoptr(MoeValidation) v = memory_cases();
  MoeFitTable table;

  moe_validation_fit(v, &table);
  ck_assert_uint_eq(table.n[FALSE][TRUE], 2);
  ck_assert_uint_eq(table.n[FALSE][FALSE], 1);
  ck_assert_uint_eq(table.n[TRUE][TRUE], 1);
  ck_assert_uint_eq(table.n[TRUE][FALSE], 1);
  ck_assert_double_eq_tol(table.worst_excess, 84.0 / 80 - 1, 1e-12); /* headroom counts */
}
END_TEST

/* One ran and is predicted 5 % over with its headroom, one ran out and is predicted to fit; the farther over first. */
START_TEST(wrong_about_memory)
{
  g_autoptr(MoeValidation) v = memory_cases();
  g_autoptr(GPtrArray) wrong = moe_validation_wrong_fits(v);

  ck_assert_uint_eq(wrong->len, 2);
  ck_assert_ptr_eq(wrong->pdata[0], &v->cases[2]);
  ck_assert_ptr_eq(wrong->pdata[1], &v->cases[4]);
}
END_TEST

/* Errors +10, -10, 0, +50, +19.4, -35 %: sorted sizes 0, 10, 10, 19.4, 35, 50; median (10 + 19.4) / 2. */
START_TEST(errors)
{
  g_autoptr(MoeValidation) v = six_cases();

  moe_case_group_fill(v, NULL, MOE_GROUP_BY_FAMILY, &v->all);
  ck_assert_uint_eq(v->all.n, 6);
  ck_assert_double_eq_tol(v->all.median_abs_error, (0.1 + (1.2 / 1.005 - 1)) / 2, 1e-12);
  ck_assert_double_eq_tol(v->all.p90_abs_error, 0.425, 1e-12); /* halfway between the two largest */
}
END_TEST

START_TEST(groups)
{
  g_autoptr(MoeValidation) v = six_cases();
  guint n;
  MoeCaseGroup *g = moe_validation_group(v, MOE_GROUP_BY_FAMILY, &n);

  ck_assert_uint_eq(n, 2);
  ck_assert_str_eq(g[0].name, "a");
  ck_assert_str_eq(g[1].name, "b");
  ck_assert_double_eq_tol(g[1].median_abs_error, 0.1, 1e-12);
  ck_assert_double_eq_tol(g[1].rank_correlation, 1, 1e-12);
  ck_assert_double_eq_tol(g[0].rank_correlation, -0.5, 1e-12); /* published order 1, 2, 3; predicted 3, 1, 2 */
  moe_case_groups_free(g, n);
}
END_TEST

/* Family b: 0 and 1 differ in layout (right), 0 and 2 in precision (right). Family a: 3-4 a draw, 3-5 wrong, 4-5 right.
 */
START_TEST(pairs)
{
  g_autoptr(MoeValidation) v = six_cases();

  moe_case_pairs(v);
  ck_assert_uint_eq(v->n_pairs, 4);
  ck_assert_uint_eq(v->n_pairs_right, 3);
  for (guint i = 0; i < v->n_pairs; i++)
    ck_assert_double_gt(v->pairs[i].published_ratio, 1);
}
END_TEST

/* Layouts: two right of three; precisions: one of one; then all. What no pair differs in has no row. */
START_TEST(pairs_by_what_differs)
{
  static const MoePairCount expected[] = {{"layout", 3, 2, 3, 2}, {"precision", 1, 1, 1, 1}, {"all", 4, 3, 4, 3}};
  g_autoptr(MoeValidation) v = six_cases();
  MoePairCount counts[MOE_N_DIFFERS + 1];

  moe_case_pairs(v);
  ck_assert_uint_eq(moe_validation_pair_counts(v, counts), G_N_ELEMENTS(expected));
  for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
    ck_assert_str_eq(counts[i].differs, expected[i].differs);
    ck_assert_uint_eq(counts[i].asked, expected[i].asked);
    ck_assert_uint_eq(counts[i].right, expected[i].right);
    ck_assert_uint_eq(counts[i].clear_asked, expected[i].clear_asked);
    ck_assert_uint_eq(counts[i].clear_right, expected[i].clear_right);
  }
}
END_TEST

/* Of cases that were predicted: the one without a prediction would be the median else. */
START_TEST(what_rests_on_no_measurement)
{
  g_autoptr(MoeValidation) v = six_cases();
  double median, p90;

  for (guint i = 0; i < v->n; i++)
    v->cases[i].extrapolated_share = 0.1 * i;
  v->cases[3].failure = g_strdup("no");
  moe_validation_extrapolated(v, &median, &p90);
  ck_assert_double_eq_tol(median, 0.2, 1e-12);
  ck_assert_double_eq_tol(p90, 0.5, 1e-12);
  v->n = 0;
  moe_validation_extrapolated(v, &median, &p90);
  ck_assert(isnan(median) && isnan(p90));
  v->n = 6;
}
END_TEST

/* Factors of 1.04 and 1.06 apart are both asked; only the second is clear. */
START_TEST(clear_pairs)
{
  g_autoptr(MoeValidation) v = g_new0(MoeValidation, 1);

  v->cases = g_new0(MoeCase, 3);
  add(v, "a", 1.00, 1, "tp1", "bf16");
  add(v, "a", 1.04, 2, "tp2", "bf16");
  add(v, "a", 1.06, 3, "tp1", "fp8");
  moe_case_pairs(v);
  ck_assert_uint_eq(v->n_pairs, 2);
  ck_assert(!v->pairs[0].clear);
  ck_assert(v->pairs[1].clear);
}
END_TEST

static void describe(MoeCase *c, const char *set)
{
  g_autofree char *path = moetest_path("models/mai-base-1/v5.yaml"), *data = moetest_path(".");
  const char *sets[] = {set, NULL};
  const MoeRunOptions options = {.data_dir = data, .sets = sets};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeRun) run = moe_run_load(path, &options, &error);

  g_assert_no_error(error);
  moe_case_describe(run, c);
}

/* What two runs differ in whose stacks do: another expert library, with the copies that belong to it, is a kind of its
 * own; anything else of the stack is software. */
START_TEST(parts_of_a_stack)
{
  static const struct {
    const char *set;
    gboolean experts, software;
  } stacks[] = {{"stack.collectives.expert_library=uccl", TRUE, FALSE},
                {"stack.moe.deduplicate=true", TRUE, FALSE},
                {"stack.collectives.deterministic=false", FALSE, TRUE}};
  g_autoptr(MoeValidation) v = g_new0(MoeValidation, 1);

  v->n = 1 + G_N_ELEMENTS(stacks);
  v->cases = g_new0(MoeCase, v->n);
  describe(&v->cases[0], "title=as it is");
  for (guint i = 0; i < G_N_ELEMENTS(stacks); i++) {
    char **a = v->cases[0].differs, **b = v->cases[i + 1].differs;

    describe(&v->cases[i + 1], stacks[i].set);
    for (guint d = 0; d < MOE_N_DIFFERS; d++) {
      gboolean expected = d == MOE_DIFFERS_EXPERTS    ? stacks[i].experts
                          : d == MOE_DIFFERS_SOFTWARE ? stacks[i].software
                                                      : FALSE;
      ck_assert_msg((strcmp(a[d], b[d]) != 0) == expected, "%s: %s", stacks[i].set, moe_differs_words[d]);
    }
  }
}
END_TEST

/* A case that failed counts nowhere. */
/* Family b's fastest is predicted so; family a's is the third of three, and with one more the fourth of four. */
START_TEST(groups_of_layouts)
{
  g_autoptr(MoeValidation) v = six_cases();
  MoeLayoutGroups g;

  moe_validation_layouts(v, &g);
  ck_assert_uint_eq(g.n, 2); /* because the only case in FP8 has nothing to be compared with */
  ck_assert_uint_eq(g.n_first, 1);
  ck_assert_uint_eq(g.n_top, 2);
  ck_assert_uint_eq(g.n_large, 0);
  add(v, "a", 3.0, 1.4, "tp8", "bf16");
  moe_validation_layouts(v, &g);
  ck_assert_uint_eq(g.n_top, 1);
  ck_assert_uint_eq(g.n_large, 1);
  ck_assert_uint_eq(g.n_large_top, 0);
}
END_TEST

/* A run of 10 s + 0.5 s for each of 100, 40 and 20 micro-batches, predicted as 4 s + 0.6 s: most and fewest tell both
 * apart. A case of another sequence length, of another family or with as many micro-batches does not come in. */
START_TEST(sizes_of_one_run)
{
  static const int64_t batches[] = {100, 40, 20};
  g_autoptr(MoeValidation) v = g_new0(MoeValidation, 1);
  guint n = 0;

  v->cases = g_new0(MoeCase, 8);
  for (guint i = 0; i < 6; i++) {
    int64_t m = batches[i % 3];

    add(v, i == 4 ? "b" : "a", 10 + 0.5 * (double)m, 4 + 0.6 * (double)m, "tp1", "bf16");
    v->cases[i].micro_batches = m;
    v->cases[i].sequence_length = i == 5 ? 1024 : 4096;
  }
  g_autofree MoeStepSplit *splits = moe_validation_splits(v, &n);

  ck_assert_uint_ge(n, 1);
  ck_assert_uint_eq(splits[0].many, 0);
  ck_assert_uint_eq(splits[0].few, 2);
  ck_assert_double_eq_tol(splits[0].batch_s[0], 0.5, 1e-12);
  ck_assert_double_eq_tol(splits[0].batch_s[1], 0.6, 1e-12);
  ck_assert_double_eq_tol(splits[0].once_s[0], 10, 1e-9);
  ck_assert_double_eq_tol(splits[0].once_s[1], 4, 1e-9);
  ck_assert_double_eq_tol(splits[0].efficiency[1], 64.0 / 16, 1e-9);
  for (guint i = 0; i < n; i++)
    ck_assert(splits[i].many != 4 && splits[i].many != 5 && splits[i].few == 2);
}
END_TEST

START_TEST(failures)
{
  g_autoptr(MoeValidation) v = six_cases();

  v->cases[5].failure = g_strdup("no");
  moe_case_pairs(v);
  moe_case_group_fill(v, "a", MOE_GROUP_BY_FAMILY, &v->all);
  ck_assert_uint_eq(v->n_pairs, 2);
  ck_assert_uint_eq(v->all.n, 2);
  ck_assert(isnan(v->all.rank_correlation));
}
END_TEST

/* What is kept is not worse than itself; a larger error, a case less and a family without any are, in the words that a
 * user reads. */
START_TEST(baseline)
{
  g_autoptr(MoeValidation) v = six_cases();
  g_autofree char *path = g_build_filename(moetest_folder(), "baseline.yaml", NULL);
  g_autoptr(GError) error = NULL;

  moe_case_group_fill(v, NULL, MOE_GROUP_BY_FAMILY, &v->all);
  g_autofree char *text = moe_baseline_text(v);
  ck_assert(g_file_set_contents(path, text, -1, NULL));
  g_autoptr(MoeBaseline) kept = moe_baseline_load(path, &error);
  ck_assert_ptr_nonnull(kept);
  g_auto(GStrv) same = moe_baseline_compare(v, kept);
  ck_assert_ptr_nonnull(same);
  ck_assert_uint_eq(g_strv_length(same), 0);
  ck_assert(g_file_set_contents(path,
                                "groups:\n"
                                "  - {name: b, cases: 3, median_abs_error: 0.2, p90_abs_error: 0.2}\n"
                                "  - {name: a, cases: 3, median_abs_error: 0.1, p90_abs_error: 1}\n"
                                "  - {name: all, cases: 7, median_abs_error: 1, p90_abs_error: 1}\n"
                                "  - {name: gone, cases: 1, median_abs_error: 1, p90_abs_error: 1}\n",
                                -1, NULL));
  g_autoptr(MoeBaseline) better = moe_baseline_load(path, &error);
  ck_assert_ptr_nonnull(better);
  g_auto(GStrv) worse = moe_baseline_compare(v, better);
  ck_assert_ptr_nonnull(worse);
  ck_assert_uint_eq(g_strv_length(worse), 3);
  ck_assert(g_str_has_prefix(worse[0], "a is worse than the baseline: median 35.00 % (was 10.00), P90 "));
  ck_assert(g_str_has_suffix(worse[1], "6 cases (were 7)"));
  ck_assert_str_eq(worse[2], "gone of the baseline has no case any more");
  ck_assert(g_file_set_contents(path, "groups: [{name: a, cases: -1}]\n", -1, NULL));
  ck_assert_ptr_null(moe_baseline_load(path, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
}
END_TEST

MOE_TEST_MAIN("study/validation", errors, groups, pairs, pairs_by_what_differs, clear_pairs, parts_of_a_stack,
              groups_of_layouts, sizes_of_one_run, failures, what_rests_on_no_measurement, memory_groups, fit_table,
              wrong_about_memory, baseline)
