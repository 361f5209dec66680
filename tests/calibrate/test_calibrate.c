/* Calibration: halves, fits, and whether the constants shipped in clusters/ are still what a fit gives. */
#include "calibrate/calibrate.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "moetest.h"

static MoeCalibration *load(const char *const *names)
{
  g_autofree char *root = moetest_path("");
  g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; names[i]; i++)
    g_ptr_array_add(paths, g_build_filename(root, "validation", "measured", names[i], NULL));
  g_ptr_array_add(paths, NULL);
  MoeCalibration *c = moe_calibration_load((const char *const *)paths->pdata, root, &error);
  ck_assert_msg(c != NULL, "%s", error ? error->message : "");
  return c;
}

static const char *const all_files[] = {"aic-gemm.yaml",     "aic-moe.yaml",  "aic-scan.yaml",
                                        "bandwidth.yaml",    "gemm.yaml",     "attention.yaml",
                                        "grouped_gemm.yaml", "gpu-h200.yaml", NULL};

/* Index of a fit; aborts when there is none. */
static guint find_fit(const MoeCalibration *c, const char *fragment, MoeKernelClass klass, const char *family, int pass)
{
  for (guint i = 0; i < c->n_fits; i++)
    if (c->fits[i].family.klass == klass && c->fits[i].family.pass == pass &&
        strcmp(c->fits[i].fragment, fragment) == 0 && strcmp(c->fits[i].family.name, family) == 0)
      return i;
  ck_abort_msg("no fit of %s on %s", family, fragment);
}

/* Same shape, same half: a kept row was never seen by the fit. */
START_TEST(test_equal_shapes_share_a_half)
{
  g_autoptr(MoeCalibration) c = load(all_files);
  guint fitted = 0;

  for (guint i = 0; i < c->n_measurements; i++) {
    fitted += c->measurements[i].fitted;
    for (guint j = 0; j < i; j++)
      if (c->measurements[i].shape == c->measurements[j].shape &&
          c->measurements[i].kernel[0].bandwidth == c->measurements[j].kernel[0].bandwidth &&
          c->series[c->measurements[i].series].fit == c->series[c->measurements[j].series].fit)
        ck_assert_int_eq(c->measurements[i].fitted, c->measurements[j].fitted);
  }
  /* half and half, but for entries too small to divide */
  ck_assert_uint_gt(c->n_measurements, 1500);
  ck_assert_uint_gt(fitted, 45 * c->n_measurements / 100);
  ck_assert_uint_lt(fitted, 60 * c->n_measurements / 100);
}
END_TEST

/* The residuals that the shipped entries state are those they have. */
START_TEST(test_shipped_constants_have_their_residuals)
{
  g_autoptr(MoeCalibration) c = load(all_files);
  g_autoptr(GError) error = NULL;

  ck_assert_msg(moe_calibration_take(c, &error), "%s", error ? error->message : "");
  for (guint i = 0; i < c->n_fits; i++) {
    const MoeKernelFamily *stated = moe_calibration_shipped(c, i), *now = &c->fits[i].family;

    ck_assert(stated || c->fits[i].aside);
    if (c->fits[i].aside)
      continue;
    ck_assert_msg(fabs(stated->residual_median - now->residual_median) < 1e-3, "%s: median %g, stated %g", now->name,
                  now->residual_median, stated->residual_median);
    ck_assert_msg(fabs(stated->residual_p90 - now->residual_p90) < 1e-3, "%s: P90 %g, stated %g", now->name,
                  now->residual_p90, stated->residual_p90);
    ck_assert_int_eq(stated->rows, now->rows);
  }
}
END_TEST

/* How far BF16 products are off on a machine: the median of either half of the rows, the mean of both. */
static double products_are_off(const MoeCalibration *c, const char *fragment)
{
  const MoeCalibrationFit *fit = &c->fits[find_fit(c, fragment, MOE_KERNEL_GEMM, "cublaslt", -1)];

  ck_assert_int_eq(fit->family.precision, MOE_BF16);
  return (fit->fitted.median + fit->kept.median) / 2;
}

/* Products repeated for a second, which nothing was fitted to: the clock is what the board's power leaves. As bursts
 * they would all be predicted fast. */
START_TEST(test_long_runs_run_at_the_clock_that_power_leaves)
{
  static const char *const files[] = {"power.yaml", NULL};
  static const char *const machines[] = {"gb200", "b200", "h200"};
  g_autoptr(MoeCalibration) c = load(files);
  g_autoptr(MoeCalibration) bursts = load(files);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < bursts->n_series; i++) {
    ck_assert(bursts->series[i].long_run);
    bursts->series[i].long_run = FALSE;
  }
  ck_assert(moe_calibration_take(c, &error));
  ck_assert(moe_calibration_take(bursts, &error));
  for (guint i = 0; i < G_N_ELEMENTS(machines); i++) {
    double power = products_are_off(c, machines[i]);
    double burst = products_are_off(bursts, machines[i]);

    ck_assert_msg(power < 0.07, "%s: %.3f", machines[i], power);
    ck_assert_msg(burst > power + 0.04, "%s: %.3f as bursts, %.3f", machines[i], burst, power);
  }
}
END_TEST

/* Fitting again gives what is shipped, to the accuracy that matters: the residuals of both halves. */
static void check_refit(const char *file, const char *fragment, MoeKernelClass klass, const char *family, int pass)
{
  const char *files[] = {file, "bandwidth.yaml", NULL};
  g_autoptr(MoeCalibration) shipped = load(files);
  g_autoptr(MoeCalibration) again = load(files);
  guint fit = find_fit(shipped, fragment, klass, family, pass);

  ck_assert(moe_calibration_take(shipped, NULL));
  ck_assert(moe_calibration_fit(again, fit, NULL));
  ck_assert_double_eq_tol(again->fits[fit].fitted.median, shipped->fits[fit].fitted.median, 0.01);
  ck_assert_double_eq_tol(again->fits[fit].kept.median, shipped->fits[fit].kept.median, 0.01);
  ck_assert_double_eq_tol(again->fits[fit].kept.p90, shipped->fits[fit].kept.p90, 0.02);
}

START_TEST(test_shipped_constants_are_the_fit)
{
  check_refit("attention.yaml", "a100-80", MOE_KERNEL_ATTENTION, "fa2", -1);
  check_refit("attention.yaml", "gb200", MOE_KERNEL_BANDWIDTH, "te", 0);
  check_refit("grouped_gemm.yaml", "h100", MOE_KERNEL_GROUPED_GEMM, "deepgemm", 2);
}
END_TEST

/* DeepGEMM's grouped products are its dense kernel: five fitted shapes are too few to say what a short reduction costs,
 * which at 8,192 rows per group only kept rows have (21 % too slow from a serving kernel's constants). */
START_TEST(test_few_grouped_rows_lean_on_dense_ones)
{
  static const char *const files[] = {"gemm.yaml", "grouped_gemm.yaml", "bandwidth.yaml", NULL};
  g_autoptr(MoeCalibration) c = load(files);
  guint fit = find_fit(c, "h100", MOE_KERNEL_GROUPED_GEMM, "deepgemm", -1);

  ck_assert(moe_calibration_take(c, NULL));
  ck_assert_double_lt(c->fits[fit].kept.median, 0.08);
  ck_assert_double_lt(c->fits[fit].kept.p90, 0.15);
}
END_TEST

/* What docs/model-kernels.md promises of rows that were not fitted. Bounds a little above the figures there. */
START_TEST(test_kept_half_is_predicted)
{
  static const struct {
    MoeKernelClass klass;
    double median, p90;
  } bounds[] = {
      {MOE_KERNEL_GEMM, 0.05, 0.15},
      {MOE_KERNEL_GROUPED_GEMM, 0.065, 0.2}, /* most rows are whole operations */
      {MOE_KERNEL_ATTENTION, 0.05, 0.15},
      {MOE_KERNEL_BANDWIDTH, 0.10, 0.28},
  };
  g_autoptr(MoeCalibration) c = load(all_files);

  ck_assert(moe_calibration_take(c, NULL));
  for (guint i = 0; i < G_N_ELEMENTS(bounds); i++) {
    MoeResidual fitted, kept;

    ck_assert(moe_calibration_class(c, NULL, bounds[i].klass, &fitted, &kept, NULL));
    ck_assert_uint_gt(kept.rows, 100);
    ck_assert_double_lt(kept.median, bounds[i].median);
    ck_assert_double_lt(kept.p90, bounds[i].p90);
  }
}
END_TEST

/* Whole operations of serving stacks sort what enters a rank, also for experts elsewhere, and sum into rows for all of
 * it. */
START_TEST(test_operations_handle_what_enters)
{
  const char *files[] = {"aic-gemm.yaml", "aic-moe.yaml", NULL};
  g_autoptr(MoeCalibration) c = load(files);
  guint operations = 0, elsewhere = 0;

  for (guint i = 0; i < c->n_measurements; i++) {
    const MoeMeasurement *row = &c->measurements[i];
    guint sorts = 0, sums = 0;

    if (row->n_kernels < 4) /* single products, with or without a cast */
      continue;
    for (guint k = 0; k < row->n_kernels; k++) {
      const MoeKernel *kernel = &row->kernel[k];
      gboolean permutes = kernel->klass == MOE_KERNEL_BANDWIDTH && kernel->bandwidth == MOE_BANDWIDTH_PERMUTE;

      sorts += permutes && k + 4 >= row->n_kernels && kernel->read_bytes == kernel->write_bytes;
      sums += permutes && kernel->write_bytes > kernel->read_bytes;
    }
    ck_assert_uint_eq(sorts, 4);
    operations++;
    elsewhere += sums;
  }
  ck_assert_uint_gt(operations, 2000);
  ck_assert_uint_gt(elsewhere, 400); /* with few experts of many on the rank, the sum writes more than it reads */
}
END_TEST

/* Bytes of a row's kernels of one kind that read and write, and how many there are. */
static guint count_kind(const MoeMeasurement *row, MoeBandwidthKind kind, double read, double write)
{
  guint n = 0;

  for (guint k = 0; k < row->n_kernels; k++)
    n += row->kernel[k].klass == MOE_KERNEL_BANDWIDTH && row->kernel[k].bandwidth == kind &&
         row->kernel[k].read_bytes == read && row->kernel[k].write_bytes == write;
  return n;
}

/* Where rows become FP8: one operation of 4 of 8 experts, 1,024 tokens enter and 512 are the rank's, top-4. */
START_TEST(test_casts_are_where_they_are_said_to_be)
{
  static const struct {
    const char *casts;
    guint entering, gathered, between, copies;
  } cases[] = {{"fused", 0, 0, 0, 0}, {"entering", 1, 0, 0, 0}, {"gathered", 0, 1, 0, 2}, {"apart", 0, 1, 1, 1}};
  const double entering = 1024 * 2048, gathered = 512 * 4 * 2048, between = 512 * 4 * 512;

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *root = moetest_path(""), *path = g_build_filename(g_get_tmp_dir(), "casts-XXXXXX.yaml", NULL);
    g_autofree char *text =
        g_strdup_printf("sources: {s: {url: \"https://example.org\"}}\nseries:\n  - source: s\n    cluster: h100-hgx\n"
                        "    fragment: h100\n    class: grouped_gemm\n    family: cutlass\n    precision: fp8\n"
                        "    pass: forward\n    layer: true\n    gather: true\n    activation: true\n    casts: %s\n"
                        "    columns: [tokens, entering, hidden, width, experts, top_k, us]\n"
                        "    rows: [[512, 1024, 2048, 512, 4, 4, 50]]\n",
                        cases[i].casts);
    gint fd = g_mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert(g_close(fd, NULL) && g_file_set_contents(path, text, -1, NULL));
    g_autoptr(GError) error = NULL;
    g_autoptr(MoeCalibration) c = moe_calibration_load((const char *const[]){path, NULL}, root, &error);
    ck_assert_msg(c != NULL, "%s", error ? error->message : "");
    const MoeMeasurement *row = &c->measurements[0];
    ck_assert_uint_eq(count_kind(row, MOE_BANDWIDTH_QUANTIZE, 2 * entering, entering), cases[i].entering);
    ck_assert_uint_eq(count_kind(row, MOE_BANDWIDTH_QUANTIZE, 2 * gathered, gathered), cases[i].gathered);
    ck_assert_uint_eq(count_kind(row, MOE_BANDWIDTH_PERMUTE, 2 * gathered, 2 * gathered), cases[i].copies);
    ck_assert_uint_eq(count_kind(row, MOE_BANDWIDTH_QUANTIZE, 2 * between, between), cases[i].between);
    ck_assert_uint_eq(count_kind(row, MOE_BANDWIDTH_ROUTER, 1024 * 8 * 2, 1024 * 4 * 8), 1);
    g_unlink(path);
  }
}
END_TEST

/* The written fragment reads back as the constants it was written from. */
START_TEST(test_fragment_reads_back)
{
  const char *files[] = {"attention.yaml", NULL};
  g_autoptr(MoeCalibration) c = load(files);
  MoeKernelFits fits = {0};

  ck_assert(moe_calibration_take(c, NULL));
  g_autofree char *text = moe_calibration_fragment(c, "gb300");
  g_autoptr(MoeDoc) doc = moe_doc_parse(text, -1, "fragment", NULL, NULL);
  ck_assert(moe_kernel_fits_read(moe_node_get(moe_doc_root(doc), "kernels"), &fits, NULL));
  guint own = 0, index = find_fit(c, "gb300", MOE_KERNEL_ATTENTION, "cudnn", 0);
  for (guint i = 0; i < c->n_fits; i++)
    own += strcmp(c->fits[i].fragment, "gb300") == 0;
  ck_assert_uint_gt(fits.n, own); /* the base's entries follow */
  ck_assert_str_eq(fits.family[0].name, "cudnn");
  ck_assert_double_eq_tol(moe_family_constant(&fits.family[0], "sustained", 0),
                          moe_family_constant(&c->fits[index].family, "sustained", 1), 1e-6);
  moe_kernel_fits_clear(&fits);
}
END_TEST

static char *complaint(const char *text)
{
  g_autofree char *root = moetest_path(""), *path = NULL;
  g_autoptr(GError) error = NULL;
  int fd = g_file_open_tmp("moesim-calibrate-XXXXXX.yaml", &path, NULL);

  ck_assert_int_ge(fd, 0);
  ck_assert(g_close(fd, NULL));
  ck_assert(g_file_set_contents(path, text, -1, NULL));
  const char *paths[] = {path, NULL};
  ck_assert_ptr_null(moe_calibration_load(paths, root, &error));
  ck_assert_int_eq(g_remove(path), 0);
  return g_strdup(error->message);
}

#define HEAD                                                                                                           \
  "series:\n  - {source: a, cluster: h100-hgx, fragment: h100, class: gemm, family: te, precision: bf16,\n     "

/* Wrong measurement files are refused at the place. */
START_TEST(test_bad_files_are_refused)
{
  static const char *const cases[][3] = {
      {"title: x\n", "no series", ":1:1:"},
      {HEAD "columns: [m, n, q, tflops], rows: [[1, 2, 3, 4]]}\n", "unknown column \"q\"", ":3:"},
      {HEAD "columns: [m, n, k, tflops], rows: [[1, 2, 3]]}\n", "row of 3 numbers, expected 4", ":3:"},
      {HEAD "columns: [m, n, k, tflops], rows: [[1, 2, 3, 0]]}\n", "row without a time", ":3:"},
      {HEAD "colums: [m], rows: []}\n", "colums", ":3:"},
      {HEAD "in_step: true, long_run: true, columns: [m, n, k, us], rows: []}\n", "expected one of the two", ":3:"},
  };

  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *message = complaint(cases[i][0]);

    ck_assert_msg(strstr(message, cases[i][1]) != NULL, "%s", message);
    ck_assert_msg(strstr(message, cases[i][2]) != NULL, "%s", message);
  }
}
END_TEST

static void count(guint done, guint total, gpointer counted)
{
  guint *calls = counted;

  ck_assert_uint_eq(done, *calls);
  ck_assert_uint_lt(done, total);
  (*calls)++;
}

/* Every entry is fitted once, and what was fitted is judged. */
START_TEST(test_all_entries_are_fitted)
{
  static const char *const names[] = {"bandwidth.yaml", NULL};
  g_autoptr(MoeCalibration) c = load(names);
  g_autoptr(GError) error = NULL;
  guint calls = 0;

  ck_assert_msg(moe_calibration_fit_all(c, count, &calls, &error), "%s", error ? error->message : "");
  ck_assert_uint_eq(calls, c->n_fits);
  for (guint i = 0; i < c->n_fits; i++)
    ck_assert_uint_gt(c->fits[i].fitted.rows, 0);
}
END_TEST

MOE_TEST_MAIN("study/calibrate", test_all_entries_are_fitted, test_equal_shapes_share_a_half,
              test_shipped_constants_have_their_residuals, test_shipped_constants_are_the_fit,
              test_long_runs_run_at_the_clock_that_power_leaves, test_few_grouped_rows_lean_on_dense_ones,
              test_kept_half_is_predicted, test_operations_handle_what_enters, test_casts_are_where_they_are_said_to_be,
              test_fragment_reads_back, test_bad_files_are_refused)
