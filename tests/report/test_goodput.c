/* Simulated trainings as table, JSON and CSV. */
#include "goodput/model.h"
#include "moetest.h"
#include "sample_result.h"

#include "record/tables.h"
#include "report/findings.h"
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

/* Ten hours of steps on 8 GPUs that fail once in 20 h together, checkpoints of a minute every half hour. */
static MoeGoodput *sample_goodput(MoeResult *result)
{
  MoeGoodputModel model = {.plan = {.tokens = 300e6,
                                    .weibull_shape = 1,
                                    .spares = -1,
                                    .detect_s = 60,
                                    .restart_s = 300,
                                    .mode = MOE_CHECKPOINT_SYNC,
                                    .interval_s = 1800,
                                    .degraded.slowdown = 1,
                                    .stragglers.slowdown = 1,
                                    .published = {.wall_s = 36 * 3600, .goodput = 0.9}},
                           .steps = 18000,
                           .step_time_s = 2,
                           .parts = {8, 1, 8},
                           .mtbf_s = {160 * 3600},
                           .checkpoint_bytes = 6e12,
                           .write_s = 60};
  MoeGoodputOptions options = {.seeds = 40, .no_search = TRUE};
  MoeGoodput *goodput = moe_goodput(&model, result, &options, NULL);

  ck_assert_ptr_nonnull(goodput);
  return goodput;
}

static MoeResult *priced_result(void)
{
  MoeResult *result = sample_result();

  result->price_gpu_hour = 2;
  result->gpu_power_w = 1000;
  result->power_overhead = 1;
  return result;
}

static double number_at(JsonObject *object, const char *member, const char *inner)
{
  return json_object_get_double_member(json_object_get_object_member(object, member), inner);
}

START_TEST(test_json_sums_and_repeats_the_cost)
{
  g_autoptr(MoeResult) result = priced_result();
  g_autoptr(MoeGoodput) goodput = sample_goodput(result);
  g_autofree char *text = moe_report_goodput(NULL, result, goodput, NULL, MOE_JSON);
  g_autoptr(JsonParser) parser = json_parser_new();

  ck_assert(json_parser_load_from_data(parser, text, -1, NULL));
  JsonObject *root = json_node_get_object(json_parser_get_root(parser));
  JsonObject *overhead = json_object_get_object_member(root, "overhead_s");
  double wall_s = number_at(root, "wall_s", "mean"), sum = json_object_get_double_member(root, "ideal_s");

  for (guint kind = 0; kind < MOE_N_OVERHEADS; kind++)
    sum += number_at(overhead, moe_overhead_words[kind], "mean");
  ck_assert_double_eq_tol(sum, wall_s, 1e-9 * wall_s);
  ck_assert_double_eq_tol(number_at(root, "goodput", "mean"), 36000 / wall_s, 1e-12);
  ck_assert_double_eq_tol(number_at(root, "economy", "dollars"), 2 * 8 * wall_s / 3600, 1e-6);
  ck_assert_double_eq_tol(number_at(root, "checkpoint", "young_interval_s"), sqrt(2 * 60 * 72000.0), 1e-6);
  ck_assert_int_eq(json_object_get_int_member(root, "trainings"), 40);
}
END_TEST

START_TEST(test_csv_has_a_line_per_training)
{
  g_autoptr(MoeResult) result = priced_result();
  g_autoptr(MoeGoodput) goodput = sample_goodput(result);
  g_autofree char *text = moe_report_goodput(NULL, NULL, goodput, NULL, (MoeSheet){.format = MOE_FORMAT_CSV});
  g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

  ck_assert_uint_eq(g_strv_length(lines), 1 + 40 + 1); /* header, trainings, what follows the last line end */
  ck_assert(g_str_has_prefix(lines[0], "training,wall_s,goodput,"));
}
END_TEST

START_TEST(test_table_says_unknown_instead_of_zero)
{
  g_autoptr(MoeResult) result = sample_result();
  g_autoptr(MoeGoodput) goodput = sample_goodput(result);
  MoeRun run = {0};
  g_autofree char *text = moe_report_goodput(&run, result, goodput, NULL, (MoeSheet){0});

  ck_assert_ptr_nonnull(strstr(text, "unknown: no price per GPU-hour"));
  ck_assert_ptr_null(strstr(text, "energy"));
  ck_assert_ptr_nonnull(strstr(text, "published           36.0")); /* published wall-clock */
  ck_assert_ptr_nonnull(strstr(text, "90.0\n"));
}
END_TEST

START_TEST(test_dollars_and_energy)
{
  g_autofree char *dollars = moe_dollars_format(3.2e6);
  g_autofree char *small = moe_energy_format(820);
  g_autofree char *large = moe_energy_format(5380);
  g_autofree char *none = moe_energy_format(0);

  ck_assert_str_eq(dollars, "$3.2 M");
  ck_assert_str_eq(small, "820 MWh");
  ck_assert_str_eq(large, "5.38 GWh");
  ck_assert_str_eq(none, "-");
}
END_TEST

MOE_TEST_MAIN("report/goodput", test_json_sums_and_repeats_the_cost, test_csv_has_a_line_per_training,
              test_table_says_unknown_instead_of_zero, test_dollars_and_energy)
