/* Validations, fitted rates and iteration parts as tables, JSON and CSV: every text written out by hand (percentages
 * have three digits). */
#include "moetest.h"

#include "report/findings.h"
#include <json-glib/json-glib.h>
#include <math.h>

static void fill_case(MoeCase *c, const char *id, const char *family, double published_s, double predicted_s)
{
  *c = (MoeCase){.id = g_strdup(id),
                 .metric = "step_time_s",
                 .published = published_s,
                 .predicted = predicted_s,
                 .published_step_s = published_s,
                 .predicted_step_s = predicted_s,
                 .tokens_per_s_per_gpu_published = 1 / published_s,
                 .tokens_per_s_per_gpu_predicted = 1 / predicted_s,
                 .error = predicted_s / published_s - 1,
                 .gpus = 8,
                 .fits = TRUE};
  c->group[MOE_GROUP_BY_FAMILY] = g_strdup(family);
}

/* Errors +10 % and -25 % (too large for its GPU), and one case without a prediction. One pair question, answered
 * wrongly. */
static MoeValidation *sample_validation(void)
{
  MoeValidation *v = g_new0(MoeValidation, 1);

  v->n = 3;
  v->n_failed = 1;
  v->cases = g_new0(MoeCase, 3);
  fill_case(&v->cases[0], "one", "lab", 10, 11);
  fill_case(&v->cases[1], "two", "lab", 16, 12);
  v->cases[1].fits = FALSE;
  v->cases[2] = (MoeCase){.id = g_strdup("bad"), .failure = g_strdup("no layers"), .gpus = 64};
  v->cases[2].group[MOE_GROUP_BY_FAMILY] = g_strdup("lab");
  v->all = (MoeCaseGroup){g_strdup("all"), 2, 0.175, 0.235, -0.075, NAN};
  v->n_pairs = 2;
  v->n_pairs_right = 1;
  v->pairs = g_new0(MoeCasePair, 2);
  v->pairs[0] = (MoeCasePair){0, 1, MOE_DIFFERS_PRECISION, 1.6, 1.09, TRUE, TRUE};
  v->pairs[1] = (MoeCasePair){1, 0, MOE_DIFFERS_LAYOUT, 1.25, 0.875, FALSE, TRUE};
  return v;
}

/* What the table of a validation begins with, or has behind `from`. */
static char *shown(const MoeValidation *v, MoeValidationView view, const char *from)
{
  g_autofree char *text = moe_report_validation(v, &view, (MoeSheet){0});
  const char *at = strstr(text, from);

  return g_strdup(at ? at : "");
}

START_TEST(cases_in_order_of_file_and_of_error)
{
  g_autoptr(MoeValidation) v = sample_validation();
  g_autofree char *in_order = shown(v, (MoeValidationView){0}, "case ");
  g_autofree char *worst_first = shown(v, (MoeValidationView){.worst_first = TRUE}, "case ");
  const char *header =
      "case  GPUs  metric       published  predicted  step published, s  step predicted, s  error, %  note\n";
  const char *one = "one      8  step_time_s         10         11                 10                 11     +10.0\n";
  const char *two =
      "two      8  step_time_s         16         12                 16                 12     -25.0  does not fit\n";
  const char *bad =
      "bad     64  -                    -          -                  -                  -         -  no layers\n";
  g_autofree char *expected = g_strconcat(header, one, two, bad, NULL);
  g_autofree char *expected_worst = g_strconcat(header, bad, two, one, NULL);

  ck_assert(g_str_has_prefix(in_order, expected));
  ck_assert(g_str_has_prefix(worst_first, expected_worst));
}
END_TEST

START_TEST(cases_as_csv)
{
  g_autoptr(MoeValidation) v = sample_validation();
  g_autofree char *text = moe_report_validation(v, &(MoeValidationView){0}, (MoeSheet){.format = MOE_FORMAT_CSV});

  ck_assert_str_eq(text, "case,GPUs,metric,published,predicted,step published,step predicted,error,note\n"
                         "one,8,step_time_s,10,11,10 s,11 s,+10.0 %,\n"
                         "two,8,step_time_s,16,12,16 s,12 s,-25.0 %,does not fit\n"
                         "bad,64,-,-,-,-,-,-,no layers\n");
}
END_TEST

/* Medians of 10 and 25 % are 17.5, their P90 23.5; with two cases no rank correlation. */
START_TEST(summary_of_groups_and_pairs)
{
  g_autoptr(MoeValidation) v = sample_validation();
  g_autofree char *text = shown(v, (MoeValidationView){.summary = TRUE}, "family ");

  const char *expected = "family  cases  median |error|, %  P90 |error|, %  bias, %  rank correlation\n"
                         "lab         2               17.5            23.5     -7.5                 -\n"
                         "all         2               17.5            23.5     -7.5                 -\n"
                         "\n"
                         "1 cases without a prediction\n"
                         "\n"
                         "pairs that differ in  asked  right  share, %  beyond 5 %  right of these\n"
                         "layout                    1      0       0.0           1               0\n"
                         "precision                 1      1     100.0           1               1\n"
                         "all                       2      1      50.0           2               1\n"
                         "\n"
                         "fastest published layout predicted fastest: 1 of 1 groups; among the first three: 1,\n"
                         "and 0 of the 0 groups that have more than three\n"
                         "\nkernel time priced beyond what was measured: median 0.00 % of a case, P90 0.00 %\n"
                         "\n";

  ck_assert_msg(g_str_has_prefix(text, expected), "%s", text);
}
END_TEST

START_TEST(only_wrong_pairs_are_listed)
{
  g_autoptr(MoeValidation) v = sample_validation();
  g_autofree char *text = shown(v, (MoeValidationView){.summary = TRUE, .wrong_pairs = TRUE}, "measured faster");

  ck_assert(g_str_has_prefix(text, "measured faster  than  differ in  measured ratio  predicted ratio\n"
                                   "two              one   layout              1.250            0.875\n\n"));
}
END_TEST

static JsonObject *element(JsonObject *root, const char *array, guint i)
{
  return json_array_get_object_element(json_object_get_array_member(root, array), i);
}

START_TEST(json_says_why_a_case_has_no_prediction)
{
  g_autoptr(MoeValidation) v = sample_validation();
  g_autofree char *text = moe_report_validation(v, &(MoeValidationView){0}, MOE_JSON);
  g_autoptr(JsonNode) node = json_from_string(text, NULL);
  JsonObject *root = json_node_get_object(node);
  JsonObject *two = element(root, "cases", 1), *bad = element(root, "cases", 2), *lab = element(root, "groups", 0);

  ck_assert_str_eq(json_object_get_string_member(two, "id"), "two");
  ck_assert_int_eq(json_object_get_int_member(two, "gpus"), 8);
  ck_assert_double_eq(json_object_get_double_member(two, "published"), 16);
  ck_assert_double_eq(json_object_get_double_member(two, "error"), -0.25);
  ck_assert(json_object_get_null_member(two, "stack")); /* unknown here */
  ck_assert_str_eq(json_object_get_string_member(bad, "failure"), "no layers");
  ck_assert(!json_object_has_member(bad, "error"));
  ck_assert_str_eq(json_object_get_string_member(lab, "name"), "lab");
  ck_assert_double_eq_tol(json_object_get_double_member(lab, "median_abs_error"), 0.175, 1e-12);
  ck_assert(json_object_get_null_member(lab, "rank_correlation"));
  ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(root, "pairs"), "asked"), 2);
  ck_assert_int_eq(json_object_get_int_member(json_object_get_object_member(root, "pairs"), "right"), 1);
  ck_assert_double_eq(json_object_get_double_member(root, "p90_abs_error"), 0.235);
}
END_TEST

START_TEST(rates_with_and_without_other_halves)
{
  MoeRate rates[] = {{(char *)"h100", 5, 0.875, 0.85, 0.9, 0.02, 0.03, NAN}};
  MoeLeftOut families[] = {{(char *)"llama", 7, 0.02, 0.05, 0.025, 0.075}};
  MoeRateFit fit = {.n_rates = 1, .n_families = 1, .parameters = 1, .rates = rates, .families = families};
  g_autofree char *text = moe_report_rates(&fit, (MoeSheet){0});

  ck_assert_str_eq(
      text,
      "1 fitted parameters: the training rate of each accelerator, median |error| of step time\n\n"
      "accelerator  rows fitted  training rate  one family left out  dense, fitted half, %  "
      "dense, other half, %  MoE, %\n"
      "h100                   5          0.875       0.850 to 0.900                    2.0                   3.0       "
      "-\n\n"
      "each family with all families in the fit, and left out of it\n\n"
      "family  cases  median in, %  P90 in, %  median left out, %  P90 left out, %\n"
      "llama       7           2.0        5.0                 2.5              7.5\n");
}
END_TEST

/* Parts of 1, 2 and 0.5 s, of which the first two were published: 10 % too long, and right. */
START_TEST(parts_beside_published_ones)
{
  MoePartsCase c = {.id = (char *)"v3", .published_s = {1, 2, NAN, NAN, NAN, NAN}};
  g_autoptr(GPtrArray) cases = g_ptr_array_new();

  c.iteration.part[MOE_ITERATION_FORWARD] = moe_time_from_seconds(1.1);
  c.iteration.part[MOE_ITERATION_BUBBLE] = moe_time_from_seconds(2);
  c.iteration.part[MOE_ITERATION_OPTIMIZER] = moe_time_from_seconds(0.5);
  c.iteration.step = moe_time_from_seconds(3.6);
  g_ptr_array_add(cases, &c);
  g_autofree char *text = moe_report_parts(cases, (MoeSheet){0});

  ck_assert_str_eq(text, "case  part       published, s  predicted, s  error, %\n"
                         "v3    1F                    1           1.1     +10.0\n"
                         "      bubble                2           2.0      +0.0\n"
                         "      1B                    -           0.0         -\n"
                         "      1W                    -           0.0         -\n"
                         "      1F1B                  -           0.0         -\n"
                         "      optimizer             -           0.5         -\n"
                         "      sum                   3           3.6     +20.0\n");
}
END_TEST

/* Classes that neither has are left out; the sum of the kernels is not the duration, since they overlap. */
START_TEST(pair_by_kernel_class)
{
  MoePairTrace trace = {.pair_s = 0.004, .class_s = {[MOE_PAIR_ATTENTION] = 0.002, [MOE_PAIR_NORM] = 0.001}};
  MoeIteration iteration = {.pair_s = 0.005, .pair_class_s = {[MOE_PAIR_ATTENTION] = 0.001, [MOE_PAIR_ROUTER] = 0.001}};
  g_autofree char *text = moe_report_pair(&trace, &iteration, (MoeSheet){0});

  ck_assert_str_eq(text, "kernels      profiled, ms  predicted, ms  error, %\n"
                         "attention               2              1     -50.0\n"
                         "norm                    1              0    -100.0\n"
                         "router                  -              1         -\n"
                         "all kernels             3              2     -33.3\n"
                         "duration                4              5     +25.0\n");
}
END_TEST

MOE_TEST_MAIN("report/validation", cases_in_order_of_file_and_of_error, cases_as_csv, summary_of_groups_and_pairs,
              only_wrong_pairs_are_listed, json_says_why_a_case_has_no_prediction, rates_with_and_without_other_halves,
              parts_beside_published_ones, pair_by_kernel_class)
