/* The shipped fabrics against published rows that no constant was fitted to; DeepEP's published bandwidth. */
#include "calibrate/network.h"
#include <moetest.h>

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Targets on the kept half by part: median and 90th percentile of the error of time. */
static const struct {
  double median, p90;
} targets[MOE_N_NETWORK_PARTS] = {{0.04, 0.15}, {0.045, 0.15}, {0.05, 0.25}};

static MoeNetworkCalibration *load(void)
{
  g_autofree char *collectives = moetest_path("validation/measured/collectives.yaml");
  g_autofree char *expert = moetest_path("validation/measured/expert.yaml");
  g_autofree char *sends = moetest_path("validation/measured/p2p.yaml");
  g_autofree char *root = moetest_path(".");
  g_autofree char *small = moetest_path("validation/measured/small.yaml");
  const char *const paths[] = {collectives, expert, sends, small, NULL};
  g_autoptr(GError) error = NULL;
  MoeNetworkCalibration *calibration = moe_network_calibration_load(paths, root, &error);

  ck_assert_msg(calibration, "%s", error ? error->message : "");
  return calibration;
}

START_TEST(test_kept_rows_meet_the_target)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();
  MoeNetworkResidual kept = moe_network_residual(calibration, (MoeNetworkPart)_i, G_MAXUINT, FALSE);

  ck_assert_uint_gt(kept.rows, 10);
  ck_assert_msg(kept.median <= targets[_i].median && kept.p90 <= targets[_i].p90,
                "part %d: median %.3f, P90 %.3f over %u rows", _i, kept.median, kept.p90, kept.rows);
}
END_TEST

/* Messages below 1 MiB over 64 to 8,192 ranks. The points were read off a coarse figure, hence the width. */
#define TARGET_SMALL 0.25

START_TEST(test_small_messages_at_scale)
{
  g_autofree char *path = moetest_path("validation/measured/small.yaml"), *root = moetest_path(".");
  const char *const paths[] = {path, NULL};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeNetworkCalibration) small = moe_network_calibration_load(paths, root, &error);

  ck_assert_msg(small, "%s", error ? error->message : "");
  for (int fitted = 0; fitted <= 1; fitted++) {
    MoeNetworkResidual residual = moe_network_residual(small, MOE_NETWORK_COLLECTIVES, G_MAXUINT, fitted);

    ck_assert_uint_ge(residual.rows, 8);
    ck_assert_msg(residual.median <= TARGET_SMALL, "median %.3f over %u rows", residual.median, residual.rows);
  }
}
END_TEST

START_TEST(test_halves_are_halves)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();
  MoeNetworkResidual fitted = moe_network_residual(calibration, MOE_N_NETWORK_PARTS, G_MAXUINT, TRUE);
  MoeNetworkResidual kept = moe_network_residual(calibration, MOE_N_NETWORK_PARTS, G_MAXUINT, FALSE);

  ck_assert_uint_eq(fitted.rows + kept.rows, calibration->n_rows);
  ck_assert_uint_gt(fitted.rows, calibration->n_rows * 4 / 10);
  ck_assert_uint_gt(kept.rows, calibration->n_rows * 4 / 10);
}
END_TEST

/* EP 8 over NVLink, EP 16 to 64 over 400 Gbit/s: one set of constants. */
START_TEST(test_deepep_on_h800)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();
  guint rows = 0;

  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkRow *row = &calibration->rows[i];
    const MoeNetworkSeries *series = &calibration->series[row->series];

    if (strcmp(series->source, "deepep_legacy") != 0)
      continue;
    rows++;
    ck_assert_msg(fabs(moe_network_predict_s(calibration, row) / row->measured_s - 1) < 0.1, "%s: %.0f us for %.0f us",
                  series->id, moe_network_predict_s(calibration, row) * 1e6, row->measured_s * 1e6);
  }
  ck_assert_uint_eq(rows, 8);
}
END_TEST

/* A fit from the shipped constants must not find much better ones: they are what the fit gives. */
START_TEST(test_fit_is_where_the_files_are)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();

  for (guint i = 0; i < calibration->fabrics->len; i++)
    if (strcmp(g_array_index(calibration->fabrics, MoeNetworkFabric, i).name, "infiniband") == 0) {
      double before = moe_network_residual(calibration, MOE_NETWORK_COLLECTIVES, i, TRUE).median;

      moe_network_fit(calibration, i);
      double after = moe_network_residual(calibration, MOE_NETWORK_COLLECTIVES, i, TRUE).median;
      ck_assert_double_lt(fabs(after - before), 0.01);
      return;
    }
  ck_abort_msg("no fabric infiniband");
}
END_TEST

/* Wrong constants are found: from a quarter of the bandwidth back to where the rows are. */
START_TEST(test_fit_recovers_from_wrong_constants)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();

  for (guint i = 0; i < calibration->fabrics->len; i++) {
    MoeNetworkFabric *fabric = &g_array_index(calibration->fabrics, MoeNetworkFabric, i);

    if (strcmp(fabric->name, "nvlink3") != 0)
      continue;
    double good = fabric->fit.ring;
    fabric->fit.ring = good / 2;
    fabric->fit.floor_s *= 2;
    moe_network_fit(calibration, i);
    ck_assert_double_lt(fabs(g_array_index(calibration->fabrics, MoeNetworkFabric, i).fit.ring / good - 1), 0.05);
    return;
  }
  ck_abort_msg("no fabric nvlink3");
}
END_TEST

/* The rows of traits hold what the fit gives, and expert exchanges that were not fitted are met. */
#define TARGET_EXPERT 0.045

START_TEST(test_libraries_are_where_the_fit_puts_them)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();
  MoeNetworkResidual before = moe_network_residual(calibration, MOE_NETWORK_EXPERT, G_MAXUINT, FALSE);

  ck_assert_msg(before.median <= TARGET_EXPERT, "median %.3f", before.median);
  for (guint i = 0; i < calibration->libraries->len; i++)
    moe_network_fit_library(calibration, i);
  MoeNetworkResidual after = moe_network_residual(calibration, MOE_NETWORK_EXPERT, G_MAXUINT, FALSE);
  ck_assert_double_lt(fabs(after.median - before.median), 0.01);
}
END_TEST

static int by_value(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* A dispatch's fixed time is not a combine's: of DeepEP's shortest transfers neither kind is long or short by more than
 * this in the median. */
#define SHORTEST_TOKENS 256
#define SHORTEST_BIAS   0.05

START_TEST(test_dispatch_and_combine_begin_differently)
{
  g_autoptr(MoeNetworkCalibration) calibration = load();
  const MoeCollectiveKind kind = _i ? MOE_COMBINE : MOE_DISPATCH;
  g_autofree double *error = g_new(double, calibration->n_rows);
  guint n = 0;

  for (guint i = 0; i < calibration->n_rows; i++) {
    const MoeNetworkRow *row = &calibration->rows[i];
    const MoeNetworkSeries *series = &calibration->series[row->series];

    if (strcmp(series->source, "aic") != 0 || g_strcmp0(series->stack.expert_library, "deepep") != 0 ||
        series->collective.kind != kind || row->bytes != SHORTEST_TOKENS * series->collective.row_bytes)
      continue;
    error[n++] = moe_network_predict_s(calibration, row) / row->measured_s - 1;
  }
  ck_assert_uint_ge(n, 20);
  qsort(error, n, sizeof *error, by_value);
  ck_assert_msg(fabs(error[n / 2]) <= SHORTEST_BIAS, "median of %u: %+.3f", n, error[n / 2]);
}
END_TEST

START_TEST(test_wrong_files_are_refused)
{
  static const char *const texts[] = {
      "title: x\n", "series: {a: 1}\n",
      "series: [{id: a, system: s, source: x, cluster: h100-hgx, op: all-reduce, gpus: 8, rows: [[1]]}]\n",
      "series: [{id: a, system: s, source: x, cluster: h100-hgx, op: sum, gpus: 8, rows: []}]\n"};
  g_autofree char *path = NULL, *root = moetest_path(".");
  g_autoptr(GError) error = NULL;
  int fd = g_file_open_tmp("moesim-XXXXXX.yaml", &path, NULL);

  ck_assert_int_ge(fd, 0);
  close(fd);
  ck_assert(g_file_set_contents(path, texts[_i], -1, NULL));
  const char *const paths[] = {path, NULL};
  ck_assert_ptr_null(moe_network_calibration_load(paths, root, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_INPUT));
  g_unlink(path);
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("coll/measured");
  TCase *tcase = tcase_create("all");

  tcase_set_timeout(tcase, 120);
  tcase_add_loop_test(tcase, test_kept_rows_meet_the_target, 0, MOE_N_NETWORK_PARTS);
  tcase_add_test(tcase, test_small_messages_at_scale);
  tcase_add_test(tcase, test_halves_are_halves);
  tcase_add_test(tcase, test_deepep_on_h800);
  tcase_add_loop_test(tcase, test_dispatch_and_combine_begin_differently, 0, 2);
  tcase_add_test(tcase, test_fit_is_where_the_files_are);
  tcase_add_test(tcase, test_fit_recovers_from_wrong_constants);
  tcase_add_test(tcase, test_libraries_are_where_the_fit_puts_them);
  tcase_add_loop_test(tcase, test_wrong_files_are_refused, 0, 4);
  suite_add_tcase(suite, tcase);
  return moetest_run_suite(suite);
}
