/* Intervals of three causes: closed forms, and whose errors count. */
#include "certainty/certainty.h"
#include "certainty/posterior.h"
#include "doc/doc.h"
#include "goodput/model.h"
#include "spec/spec.h"
#include <moesim/sensitivity.h>
#include <moetest.h>

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

static MoeModelError no_error(void)
{
  MoeModelError error = {0};

  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    error.ratio[k] = error.memory_ratio[k] = 1;
  return error;
}

/* Of a run that has a step of 1 s at 40 %: a step so long over as many tokens. */
static MoeCombination stepping(double step_s, double peak_bytes)
{
  return (MoeCombination){.step_time_s = step_s,
                          .mfu_causal = 0.4 / step_s,
                          .mfu_full = 0.4 / step_s,
                          .tokens_per_step = 1000,
                          .peak_bytes = peak_bytes};
}

START_TEST(nothing_varies)
{
  MoeResult result = {.step_time_s = 2, .mfu_causal = 0.4, .mfu_full = 0.5};
  MoeModelError error = no_error();
  MoeCombination stated = {.step_time_s = 2, .mfu_causal = 0.4, .mfu_full = 0.5, .peak_bytes = 1e9};
  MoeCombinations one = {1, &stated, NULL, NULL};
  MoeCertainty c;

  moe_certainty(&result, &one, &error, NULL, 0, &c);
  ck_assert_double_eq(c.peak_bytes.p90, 1e9);
  ck_assert_double_eq(c.step_time_s.p10, 2);
  ck_assert_double_eq(c.step_time_s.p90, 2);
  ck_assert_double_eq(c.mfu_causal.p10, 0.4);
  ck_assert_double_eq(c.mfu_full.p90, 0.5);
  ck_assert_double_eq(c.step_share[MOE_DOUBT_ASSUMPTIONS], 0);
  ck_assert_double_nan(c.chance);
}
END_TEST

/* Half of the published steps were twice as long, half as predicted; half of the combinations four times: the variances
 * of the logarithms are as 1 to 4. */
START_TEST(shares_are_of_the_variance_of_the_logarithm)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4};
  MoeModelError error = no_error();
  MoeCombination gives[] = {stepping(1, 1e9), stepping(4, 2e9)};
  MoeCombinations both = {2, gives, NULL, NULL};
  MoeCertainty c;

  for (guint k = 0; k < MOE_N_MODEL_ERRORS - 1; k += 2) /* 50 of 101; the middle one lies between */
    error.ratio[k] = 2;
  error.ratio[MOE_N_MODEL_ERRORS - 1] = sqrt(2);
  moe_certainty(&result, &both, &error, NULL, 0, &c);
  ck_assert_double_eq(c.peak_bytes.p10, 1e9);
  ck_assert_double_eq(c.memory_share[MOE_DOUBT_ASSUMPTIONS], 1); /* because no peak is known to be wrong */
  ck_assert_double_eq_tol(c.step_share[MOE_DOUBT_ASSUMPTIONS] / c.step_share[MOE_DOUBT_MODEL], 4 * 101.0 / 100, 1e-9);
  ck_assert_double_eq_tol(c.step_share[MOE_DOUBT_ASSUMPTIONS] + c.step_share[MOE_DOUBT_MODEL], 1, 1e-12);
  ck_assert_double_eq(c.step_time_s.p10, 1);
  ck_assert_double_eq(c.step_time_s.p90, 8);
  ck_assert_double_eq(c.mfu_causal.p10, 0.05); /* because the longest step is eight times the predicted one */
}
END_TEST

/* Trainings of 100 steps that take 1 and 3 times the ideal: of steps of 1 and 2 s, three of four end within 300 s. */
START_TEST(a_training_has_all_three)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4};
  MoeModelError error = no_error();
  MoeGoodputSample samples[] = {{.wall_s = 100, .ideal_s = 100}, {.wall_s = 300, .ideal_s = 100}};
  MoeGoodputModel model = {.steps = 100, .step_time_s = 1};
  MoeGoodput goodput = {.model = &model, .n_samples = 2, .samples = samples};
  MoeCombination gives[] = {stepping(1, 1e9), stepping(2, 1e9)};
  MoeCombinations both = {.n = 2, .gives = gives};
  MoeCertainty c;

  moe_certainty(&result, &both, &error, &goodput, 300, &c);
  ck_assert_double_eq(c.chance, 0.75);
  ck_assert_double_eq(c.wall_s.p90, 600);
  ck_assert_double_eq(c.wall_s.p10, 100);
  ck_assert_double_eq_tol(c.wall_share[MOE_DOUBT_FAILURES] / c.wall_share[MOE_DOUBT_ASSUMPTIONS],
                          pow(log(3) / log(2), 2), 1e-9);
  ck_assert_double_eq(c.wall_share[MOE_DOUBT_MODEL], 0);
}
END_TEST

/* Twice the batch in twice the time: the step is longer, neither MFU nor the training is. */
START_TEST(a_larger_batch_is_no_slower)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4, .tokens_per_step = 1000};
  MoeModelError error = no_error();
  MoeGoodputSample sample = {.wall_s = 100, .ideal_s = 100};
  MoeGoodputModel model = {.steps = 100, .step_time_s = 1};
  MoeGoodput goodput = {.model = &model, .n_samples = 1, .samples = &sample};
  MoeCombination gives[] = {stepping(1, 1e9), stepping(1, 1e9)};
  MoeCombinations both = {.n = 2, .gives = gives};
  MoeCertainty c;

  gives[1].step_time_s = 2;
  gives[1].tokens_per_step = 2000;
  moe_certainty(&result, &both, &error, &goodput, 150, &c);
  ck_assert_double_eq(c.step_time_s.p90, 2);
  ck_assert_double_eq(c.mfu_causal.p10, 0.4);
  ck_assert_double_eq(c.wall_s.p90, 100);
  ck_assert_double_eq(c.chance, 1);
}
END_TEST

/* ---- residuals --------------------------------------------------------------------------------------------------- */

#define TWENTY(x)                                                                                                      \
  x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x "," x

static MoeResiduals *residuals_of(const char *text)
{
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-residuals.yaml", NULL);
  g_autoptr(GError) failure = NULL;

  ck_assert(g_file_set_contents(path, text, -1, NULL));
  MoeResiduals *r = moe_residuals_load(path, &failure);
  ck_assert_msg(r != NULL, "%s", failure ? failure->message : "");
  g_remove(path);
  return r;
}

static MoeModelError error_of(const char *text, const char *name, int experts, const char *gpu, const MoeResult *result)
{
  g_autoptr(MoeResiduals) r = residuals_of(text);
  MoeRun run = {.name = (char *)name, .architecture.moe.experts = experts, .cluster.accelerator.name = gpu};
  MoeModelError error;

  moe_model_error(r, &run, result, &error);
  return error;
}

static const char families[] =
    "residuals:\n"
    "  - {family: a, kind: moe, gpu: x, ratios: [" TWENTY(
        "1.1") "]}\n"
               "  - {family: b, kind: moe, gpu: x, ratios: [1.3]}\n"
               "  - {family: c, kind: moe, gpu: y, ratios: [" TWENTY(
                   "2.0") "]}\n"
                          "  - {family: d, kind: dense, gpu: x, ratios: [" TWENTY("3.0") "]}\n";

/* 20 cases on x, 1 on x and 20 on y, which count half: as square roots of 20, 1 and 10, so 51.8, 11.6 and 36.6 %.
 */
START_TEST(families_weigh_as_roots_of_their_cases)
{
  MoeModelError error = error_of(families, "z/v1", 8, "x", NULL);
  guint of[3] = {0};

  ck_assert_uint_eq(error.n_cases, 41);
  ck_assert_uint_eq(error.n_families, 3);
  ck_assert_str_eq(error.like, "runs with experts"); /* because the dense ones are of another kind */
  for (guint k = 0; k < MOE_N_MODEL_ERRORS; k++)
    of[error.ratio[k] < 1.2 ? 0 : error.ratio[k] < 1.5 ? 1 : 2]++;
  ck_assert_uint_eq(of[0], 52);
  ck_assert_uint_eq(of[1], 12);
  ck_assert_uint_eq(of[2], 37);
  moe_model_error_clear(&error);
}
END_TEST

START_TEST(the_own_family_is_left_out)
{
  MoeModelError error = error_of(families, "a/v5", 8, "x", NULL);

  ck_assert_uint_eq(error.n_families, 2); /* b and c */
  ck_assert_double_eq(error.ratio[0], 1.3);
  ck_assert_double_eq(error.ratio[MOE_N_MODEL_ERRORS - 1], 2);
  moe_model_error_clear(&error);
}
END_TEST

/* Cases of a file may be called otherwise than the file, which is what their family is called. */
START_TEST(the_family_of_a_file_is_left_out)
{
  g_autoptr(MoeResiduals) r = residuals_of(families);
  g_autoptr(MoeDoc) doc = moe_doc_parse("title: one case\n", -1, "validation/a.yaml", NULL, NULL);
  MoeRun run = {
      .name = (char *)"other-70b", .doc = doc, .architecture.moe.experts = 8, .cluster.accelerator.name = "x"};
  MoeModelError error;

  moe_model_error(r, &run, NULL, &error);
  ck_assert_uint_eq(error.n_families, 2); /* b and c */
  moe_model_error_clear(&error);
}
END_TEST

static const char scales[] =
    "residuals:\n"
    "  - {family: a, kind: dense, gpu: x, training_rate: 0.8, ratios: [" TWENTY("1.1") "], gpus: [" TWENTY(
        "8") "], waiting: [" TWENTY("0.05") "]}\n"
                                            "  - {family: b, kind: dense, gpu: y, training_rate: 0.5, ratios: "
                                            "[" TWENTY("2") "], gpus: [" TWENTY("8192") "], waiting: [" TWENTY(
                                                "0.5") "]}\n"
                                                       "memory:\n"
                                                       "  - {family: a, kind: dense, ratios: [" TWENTY("1.25") "]}\n";

/* Ten powers of two away, and with half of the step waiting: what is like the run counts fifty times as much in each.
 */
START_TEST(what_is_alike_counts)
{
  MoeResult result = {.step_time_s = 1, .gpus = 8192, .cause_s[MOE_CAUSE_NETWORK_EXPOSED] = 0.5};
  MoeModelError large = error_of(scales, "z", 0, "y", &result);

  ck_assert_double_eq(large.ratio[3], 2);
  result = (MoeResult){.step_time_s = 1, .gpus = 16, .cause_s[MOE_CAUSE_HOST] = 0.05};
  MoeModelError small = error_of(scales, "z", 0, "x", &result);
  ck_assert_double_eq(small.ratio[MOE_N_MODEL_ERRORS - 4], 1.1);
  ck_assert_uint_eq(small.n_peaks, 20);
  ck_assert_double_eq(small.memory_ratio[3], 1.25);
  moe_model_error_clear(&large);
  moe_model_error_clear(&small);
}
END_TEST

/* Rates of 0.8 and 0.5: either may be that of an accelerator that nobody published runs on, where math takes all of the
 * step. */
START_TEST(an_accelerator_without_runs_is_less_known)
{
  MoeResult result = {.step_time_s = 1, .gpus = 8, .cause_s[MOE_CAUSE_HOST] = 0};
  MoeModelError known = error_of(scales, "z", 0, "x", &result), announced = error_of(scales, "z", 0, "new", &result);

  ck_assert_double_eq(known.ratio[0], 1.1);
  ck_assert_double_eq_tol(announced.ratio[0], 1.1 * sqrt(0.5 / 0.8), 1e-12);
  ck_assert_double_eq_tol(announced.ratio[MOE_N_MODEL_ERRORS / 2 + 4], 1.1 * sqrt(0.8 / 0.5), 1e-12);
  ck_assert_str_eq(announced.like, "dense runs, none on new");
  moe_model_error_clear(&known);
  moe_model_error_clear(&announced);
}
END_TEST

/* ---- whether intervals hold -------------------------------------------------------------------------------------- */

#define N_FAMILIES 8
#define N_ROWS     50

static char *text_of(const char *format, guint value)
{
  return g_strdup_printf(format, value);
}

/* Rows of all families scatter alike, so that the quantiles of others are those of each. */
static MoeValidation *alike_validation(double last_family)
{
  MoeValidation *v = g_new0(MoeValidation, 1);

  v->n = N_FAMILIES * N_ROWS;
  v->cases = g_new0(MoeCase, v->n + 1);
  for (guint i = 0; i < v->n; i++) {
    MoeCase *c = &v->cases[i];
    double within = i % N_ROWS + (i / N_ROWS + 0.5) / N_FAMILIES; /* no two rows alike */
    double off = 0.2 * (within / N_ROWS - 0.5);

    *c = (MoeCase){.id = text_of("case-%u", i), .gpus = 8, .predicted_step_s = 1, .training_rate = 1, .busy_share = 1};
    c->group[MOE_GROUP_BY_FAMILY] = text_of("family-%u", i / N_ROWS);
    c->group[MOE_GROUP_BY_GPU] = g_strdup("x");
    c->group[MOE_GROUP_BY_KIND] = g_strdup("dense");
    c->group[MOE_GROUP_BY_STACK] = g_strdup("s");
    c->published_step_s = exp(off + (i / N_ROWS == N_FAMILIES - 1 ? last_family : 0));
  }
  return v;
}

START_TEST(intervals_of_alike_families_hold)
{
  g_autoptr(MoeValidation) v = alike_validation(0);
  guint n = 0;
  MoeCoverage *coverage = moe_coverage(v, &n);
  const MoeCoverage *all = &coverage[n - 1];

  ck_assert_uint_eq(n, N_FAMILIES + 1);
  ck_assert_str_eq(all->name, "all");
  ck_assert_uint_eq(all->n, N_FAMILIES * N_ROWS);
  ck_assert_double_eq_tol(all->inside_80, 0.8, 0.02);
  ck_assert_double_eq_tol(all->inside_90, 0.9, 0.02);
  ck_assert_double_eq_tol(all->width, exp(0.08) - exp(-0.08), 0.005);
  ck_assert_double_eq_tol(all->crps, 0.2 / 6, 1e-3); /* of a uniform distribution of width w that is right: w / 6 */
  ck_assert_double_ge(all->constant_80, all->inside_80);
  moe_coverage_free(coverage, n);
}
END_TEST

/* No row judges itself: a family that is twice as slow as the others' is held by none of its intervals. */
START_TEST(a_family_does_not_judge_itself)
{
  g_autoptr(MoeValidation) v = alike_validation(log(2));
  guint n = 0;
  MoeCoverage *coverage = moe_coverage(v, &n);

  ck_assert_double_eq(coverage[N_FAMILIES - 1].inside_80, 0);
  ck_assert_double_eq_tol(coverage[N_FAMILIES - 1].crps, log(2) - 0.2 / 6, 0.02);
  moe_coverage_free(coverage, n);
}
END_TEST

/* ---- posteriors -------------------------------------------------------------------------------------------------- */

static MoePosterior *posterior_of(const char *text, GError **error)
{
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-posterior.yaml", NULL);

  ck_assert(g_file_set_contents(path, text, -1, NULL));
  MoePosterior *posterior = moe_posterior_load(path, error);
  g_remove(path);
  return posterior;
}

START_TEST(a_posterior_says_what_was_learned)
{
  g_autoptr(MoePosterior) p = posterior_of("posterior:\n"
                                           "  unknowns:\n"
                                           "    - {key: stack.host.sync, bits: 1}\n"
                                           "    - {key: cluster.network.efficiency, bits: 0}\n"
                                           "  models: [m1]\n"
                                           "  draws:\n"
                                           "    - [-0.1, 0.03, 0.04, 0.05, 0.25, 1]\n"
                                           "    - [0.2, 0.3, 0.4, 0, 0.5, 0]\n",
                                           NULL);
  g_autoptr(MoeDoc) doc = moe_doc_parse("architecture: {layers: 1}", -1, "run", NULL, NULL);
  MoeRun run = {.name = (char *)"a", .doc = doc};
  double bias, scatter;

  ck_assert_ptr_nonnull(p);
  ck_assert_double_eq(moe_posterior_share(p, "stack.host.sync", 0), 0.25);
  ck_assert_double_eq(moe_posterior_share(p, "cluster.network.efficiency", 1), 0);
  ck_assert_double_nan(moe_posterior_share(p, "stack.host.step", 0));
  ck_assert_uint_eq(moe_posterior_draw(p, 0, 4), 0);
  ck_assert_uint_eq(moe_posterior_draw(p, 3, 4), 1);
  moe_posterior_error(p, &run, 0, &bias, &scatter);
  ck_assert_double_eq(bias, -0.1);
  ck_assert_double_eq_tol(scatter, 0.05, 1e-12); /* hypot(0.03, 0.04), because the run is of no model that it knows */
}
END_TEST

START_TEST(damaged_posteriors_are_refused)
{
  static const char *const texts[] = {"draws: []\n",
                                      "posterior: 3\n",
                                      "posterior: {unknowns: [], models: []}\n",
                                      "posterior: {unknowns: [], models: [], draws: []}\n",
                                      "posterior: {unknowns: [{bits: 1}], models: [], draws: [[0, 0, 0, 0.5]]}\n",
                                      "posterior: {unknowns: [{key: a}], models: [], draws: [[0, 0, 0, 1.5]]}\n",
                                      "posterior: {unknowns: [{key: a}], models: [], draws: [[0, -1, 0, 0.5]]}\n",
                                      "posterior: {unknowns: [{key: a}], models: [], draws: [[0, 0, 0]]}\n",
                                      "posterior: {unknowns: [{key: a}], models: [], draws: [[x, 0, 0, 1]]}\n"};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(posterior_of(texts[i], &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  }
}
END_TEST

/* A step of 1 s with a bias of log 2 and one of 4 s with -log 2: both make 2 s, whatever other families are wrong by.
 */
START_TEST(what_was_learned_together_stays_together)
{
  MoeResult result = {.step_time_s = 1, .mfu_causal = 0.4, .mfu_full = 0.4};
  MoeModelError error = no_error();
  double bias[] = {G_LN2, -G_LN2}, scatter[] = {0, 0};
  MoeCombination gives[] = {stepping(1, 1e9), stepping(4, 1e9)};
  MoeCombinations both = {2, gives, bias, scatter};
  MoeCertainty c;

  error.ratio[0] = 100;
  moe_certainty(&result, &both, &error, NULL, 0, &c);
  ck_assert_double_eq_tol(c.step_time_s.p10, 2, 1e-12);
  ck_assert_double_eq_tol(c.step_time_s.p90, 2, 1e-12);
  scatter[0] = scatter[1] = 0.1;
  moe_certainty(&result, &both, &error, NULL, 0, &c);
  ck_assert_double_eq_tol(log(c.step_time_s.p90 / 2), 0.1 * moe_normal_quantile(0.9), 3e-3);
}
END_TEST

START_TEST(without_residuals_nothing_is_known)
{
  MoeRun run = {.name = (char *)"a", .cluster.accelerator.name = "x"};
  MoeModelError error;

  moe_model_error(NULL, &run, NULL, &error);
  ck_assert_uint_eq(error.n_cases, 0);
  ck_assert_double_eq(error.ratio[3], 1);
  moe_model_error_clear(&error);
}
END_TEST

START_TEST(damaged_residuals_are_refused)
{
  static const char *const texts[] = {"groups: []\n",
                                      "residuals: 3\n",
                                      "residuals: [{family: a, kind: moe, gpu: x}]\n",
                                      "residuals: [{family: a, kind: moe, gpu: x, ratios: [0]}]\n",
                                      "residuals: [{family: a, kind: moe, gpu: x, ratios: [1], gpus: [8, 8]}]\n",
                                      "residuals: [{family: a, kind: moe, gpu: x, ratios: [1], gpus: [0]}]\n",
                                      "residuals: []\nmemory: [{family: a, kind: moe, ratios: [-1]}]\n"};
  g_autofree char *path = g_build_filename(g_get_tmp_dir(), "moesim-residuals-bad.yaml", NULL);

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
    g_autoptr(GError) error = NULL;

    ck_assert(g_file_set_contents(path, texts[i], -1, NULL));
    ck_assert_ptr_null(moe_residuals_load(path, &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  }
  g_remove(path);
}
END_TEST

MOE_TEST_MAIN("study/certainty", nothing_varies, shares_are_of_the_variance_of_the_logarithm, a_training_has_all_three,
              a_larger_batch_is_no_slower, families_weigh_as_roots_of_their_cases, the_own_family_is_left_out,
              the_family_of_a_file_is_left_out, what_is_alike_counts, an_accelerator_without_runs_is_less_known,
              intervals_of_alike_families_hold, a_family_does_not_judge_itself, a_posterior_says_what_was_learned,
              damaged_posteriors_are_refused, what_was_learned_together_stays_together,
              without_residuals_nothing_is_known, damaged_residuals_are_refused)
