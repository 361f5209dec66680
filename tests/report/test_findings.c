/* Explanations, differences and sensitivities as tables, JSON, CSV and figure data. */
#include "moetest.h"
#include "sample_result.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <moesim/report.h>
#include <moesim/search.h>
#include <string.h>

/* The sample's MFU of 50 % after two changes: one that alone gives no legal run and doubles the MFU of 20 %, one that
 * adds 10 points. */
typedef struct {
  MoeResult *before, *after;
  MoeChangedKey many[14], few[1];
  MoeChange changes[2];
  MoeDifference difference;
} Sample;

static void sample_init(Sample *s)
{
  *s = (Sample){.before = sample_result(), .after = sample_result()};
  s->before->mfu_causal = 0.2;
  s->before->step_time_s = 5;
  s->after->memory.fits = TRUE;
  for (guint k = 0; k < G_N_ELEMENTS(s->many); k++)
    s->many[k] = (MoeChangedKey){(char *)"parallelism.pipeline", (char *)"1", (char *)"2"};
  s->few[0] = (MoeChangedKey){(char *)"offload.activations", NULL, (char *)"0.5"};
  s->changes[0] = (MoeChange){.name = (char *)"pipeline",
                              .n_keys = G_N_ELEMENTS(s->many),
                              .keys = s->many,
                              .merged = TRUE,
                              .merged_why = (char *)"no schedule",
                              .in_order = {2.5, 0.4, 820, FALSE}};
  s->changes[1] = (MoeChange){.name = (char *)"offload",
                              .n_keys = 1,
                              .keys = s->few,
                              .alone = {4, 0.25, 512, TRUE},
                              .in_order = {2, 0.5, 1024, TRUE}};
  s->difference = (MoeDifference){s->before, s->after, 2, s->changes, 0.25, 7};
}

static void sample_clear(Sample *s)
{
  moe_result_free(s->before);
  moe_result_free(s->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sample, sample_clear)

START_TEST(difference_as_table)
{
  g_auto(Sample) s;

  sample_init(&s);
  g_autofree char *text = moe_report_difference(&s.difference, (MoeSheet){0});

  ck_assert_ptr_nonnull(
      strstr(text, "change       alone: MFU, %  points, pt   factor  in order: MFU, %  points, pt   factor  fits\n"
                   "pipeline                 -           -        -              40.0       +20.0  x 2.000  no\n"
                   "offload               25.0        +5.0  x 1.250              50.0       +10.0  x 1.250\n"
                   "interaction              -       +25.0        -                 -           -        -\n"
                   "total                    -           -        -              50.0       +30.0  x 2.500\n"));
  ck_assert_ptr_nonnull(strstr(text, "and 2 more\n")); /* twelve of fourteen keys are shown */
  ck_assert_ptr_nonnull(strstr(text, "offload   offload.activations   -       0.5\n"));
  ck_assert(g_str_has_suffix(text, "Only together: pipeline (no schedule)\n7 simulations.\n"));
}
END_TEST

/* What cannot be is null, not 0; each change counts from what the one before it reached. */
START_TEST(difference_as_json)
{
  g_auto(Sample) s;

  sample_init(&s);
  g_autofree char *text = moe_report_difference(&s.difference, MOE_JSON);
  g_autoptr(JsonNode) node = json_from_string(text, NULL);
  JsonObject *root = json_node_get_object(node);
  JsonArray *changes = json_object_get_array_member(root, "changes");
  JsonObject *pipeline = json_array_get_object_element(changes, 0),
             *offload = json_array_get_object_element(changes, 1);
  JsonObject *alone = json_object_get_object_member(pipeline, "alone");
  JsonObject *in_order = json_object_get_object_member(offload, "in_order");
  JsonObject *key = json_array_get_object_element(json_object_get_array_member(offload, "keys"), 0);

  ck_assert(json_object_get_null_member(alone, "mfu_causal"));
  ck_assert(json_object_get_null_member(alone, "step_time_s"));
  ck_assert(json_object_get_boolean_member(pipeline, "only_together"));
  ck_assert_uint_eq(json_array_get_length(json_object_get_array_member(pipeline, "keys")), 14);
  ck_assert_double_eq_tol(json_object_get_double_member(in_order, "mfu_change"), 0.1, 1e-12);
  ck_assert_double_eq_tol(json_object_get_double_member(in_order, "mfu_factor"), 1.25, 1e-12);
  ck_assert(json_object_get_null_member(key, "before"));
  ck_assert_str_eq(json_object_get_string_member(key, "after"), "0.5");
  ck_assert_double_eq_tol(json_object_get_double_member(root, "mfu_total"), 0.3, 1e-12);
  ck_assert_double_eq(json_object_get_double_member(json_object_get_object_member(root, "before"), "step_time_s"), 5);
}
END_TEST

START_TEST(difference_as_csv)
{
  g_auto(Sample) s;

  sample_init(&s);
  g_autofree char *text = moe_report_difference(&s.difference, (MoeSheet){.format = MOE_FORMAT_CSV});

  ck_assert_str_eq(text, "change,keys,alone_mfu_causal,alone_step_time_s,in_order_mfu_causal,in_order_step_time_s\n"
                         "pipeline,14,,,0.40000000000000002,2.5\n"
                         "offload,1,0.25,4,0.5,2\n");
}
END_TEST

START_TEST(small_causes_and_uncounted_math_are_rows_of_their_own)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeExplanation x = sample_explanation(result);
  g_autofree char *table = moe_report_explanation(&x, (MoeSheet){0});

  ck_assert_ptr_nonnull(strstr(table, "math that the MFU does not count"));
  /* Equal shares in the order of the causes; the error of joint causes is not that of the orders. */
  const char *first = strstr(table, moe_cause_title(MIN(MOE_CAUSE_HOST, MOE_CAUSE_COPY_EXPOSED)));
  ck_assert_ptr_nonnull(first);
  ck_assert_ptr_nonnull(strstr(first, moe_cause_title(MAX(MOE_CAUSE_HOST, MOE_CAUSE_COPY_EXPOSED))));
  ck_assert_ptr_nonnull(strstr(table, "8 sampled orders of removal (standard error up to 20 ms), 20 simulations."));
  ck_assert_ptr_nonnull(strstr(table, "10 ms are counted more than once by the causes alone"));
}
END_TEST

START_TEST(sensitivity_says_what_cannot_exist)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeSwing swings[2];
  MoeSensitivity s = sample_sensitivity(result, swings);
  g_autofree char *text = moe_report_sensitivity(&s, (MoeSheet){0});

  ck_assert_ptr_nonnull(strstr(text, "           MFU causal, %  MFU full, %  step time, s\n"
                                     "as stated           50.0         75.0          2.00\n"
                                     "P10                 42.5            -          1.50\n"
                                     "P50                 50.0            -          2.00\n"
                                     "P90                 57.5            -          2.25\n"));
  ck_assert_ptr_nonnull(strstr(text, "10 combinations (Latin hypercube), 14 simulations; 4 combinations cannot exist, "
                                     "the first: no such stage\n"));
  ck_assert_ptr_nonnull(strstr(text, "2 of its values give no run\n"));
}
END_TEST

/* What is told with the model's own error stands above what is assumed alone. */
START_TEST(sensitivity_with_the_models_error)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeSwing swings[2];
  MoeSensitivity s = sample_sensitivity(result, swings);

  sample_interval(result);
  g_autofree char *text = moe_report_sensitivity(&s, (MoeSheet){0});
  ck_assert_ptr_nonnull(strstr(text, "P10                              40.0            -          1.25\n"));
  ck_assert_ptr_nonnull(strstr(text, "P90                              62.5            -          2.50\n"
                                     "assumptions alone: P10           42.5            -          1.50\n"));
  ck_assert_ptr_nonnull(strstr(text, "P10 to P90 made of: assumptions 25.0 %, the model's own error 75.0 %.\n"));
}
END_TEST

START_TEST(sensitivity_as_csv)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeSwing swings[2];
  MoeSensitivity s = sample_sensitivity(result, swings);
  g_autofree char *text = moe_report_sensitivity(&s, (MoeSheet){.format = MOE_FORMAT_CSV});

  ck_assert_str_eq(text, "assumption,low,mfu_causal_low,step_time_s_low,high,mfu_causal_high,step_time_s_high\n"
                         "stack.host.step,20 ms,0.40000000000000002,2.5,10 ms,0.59999999999999998,1.25\n"
                         "parallelism.zero,,,,,,\n");
}
END_TEST

/* A search that ran out of time: bounds are told where there are any, and the best is not compared with itself. */
START_TEST(search_out_of_time)
{
  g_autoptr(MoeResult) result = sample_result();
  MoeCandidate best = {.value = 2, .result = result};
  MoeSearchResult search = {
      .n_legal = 9, .n_simulated = 1, .n_not_reached = 8, .n_clusters = 1, .n_ranked = 1, .ranked = &best, .own = best};
  g_autofree char *unknown = moe_report_search(&search, (MoeSheet){0});

  ck_assert_ptr_nonnull(strstr(unknown, "8 layouts were not looked at, and each could be better than those ranked.\n"));
  ck_assert_ptr_nonnull(strstr(unknown, "\nThe run's own layout ranks 1.\n"));
  ck_assert_ptr_null(strstr(unknown, "than the best"));
  search.not_reached_s = 1.5;
  g_autofree char *bounded = moe_report_search(&search, (MoeSheet){0});
  ck_assert_ptr_nonnull(strstr(bounded, "not looked at, and by their bounds (1.5 s or more) each could be better"));
}
END_TEST

MOE_TEST_MAIN("report/findings", difference_as_table, difference_as_json, difference_as_csv,
              small_causes_and_uncounted_math_are_rows_of_their_own, sensitivity_says_what_cannot_exist,
              sensitivity_with_the_models_error, sensitivity_as_csv, search_out_of_time)
