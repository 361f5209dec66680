/* Folders of published cases: predicted, with what is wrong about them said; watched part by part; fitted. */
#include "moetest.h"

#include "validate/published_parts.h"
#include "validate/rates.h"
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

/* ---- a folder of case files -------------------------------------------------------------------------------------- */

typedef struct {
  char *folder, *data_dir;
  GString *text; /* of the file being written */
} Folder;

static Folder folder_new(void)
{
  return (Folder){g_dir_make_tmp("moesim-XXXXXX", NULL), moetest_path(""), g_string_new("cases:\n")};
}

static void folder_clear(Folder *folder)
{
  moetest_remove(folder->folder);
  g_free(folder->folder);
  g_free(folder->data_dir);
  g_string_free(folder->text, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Folder, folder_clear)

static const char dense[] = "models/llama3-70b.yaml", moe[] = "models/mixtral-8x7b.yaml";

/* A quarter of the dense model will do: one layer per chunk of its stages. */
static int layers_of(const char *model)
{
  return model == dense ? 20 : 32;
}

static void add_case(Folder *folder, const char *id, const char *model, int batch, const char *published)
{
  g_autofree char *path = moetest_path(model);

  g_string_append_printf(folder->text,
                         "  - {id: %s, extends: \"%s\", architecture: {layers: %d}, training: {global_batch: %d}, "
                         "published: %s}\n",
                         id, path, layers_of(model), batch, published);
}

/* What was added is file NAME; the next begins. */
static void write_file(Folder *folder, const char *name)
{
  g_autofree char *path = g_build_filename(folder->folder, name, NULL);

  ck_assert(g_file_set_contents(path, folder->text->str, -1, NULL));
  g_string_assign(folder->text, "cases:\n");
}

static MoeRun *load(const char *model, int batch, double rate)
{
  g_autofree char *path = moetest_path(model);
  g_autofree char *data_dir = moetest_path("");
  g_autofree char *layers = g_strdup_printf("architecture.layers=%d", layers_of(model));
  g_autofree char *size = g_strdup_printf("training.global_batch=%d", batch);
  g_autofree char *speed = g_strdup_printf("cluster.accelerator.training_rate=%g", rate);
  const char *sets[] = {layers, size, rate > 0 ? speed : NULL, NULL};
  MoeRunOptions options = {.sets = sets, .data_dir = data_dir};
  g_autoptr(GError) error = NULL;
  MoeRun *run = moe_run_load(path, &options, &error);

  ck_assert_msg(run != NULL, "%s", error ? error->message : "");
  return run;
}

/* Without noise; rate 0: that of the accelerator's file. */
static const MoeSimOptions quiet = {.kernel_jitter = -1};

static MoeResult *predict(const char *model, int batch, double rate)
{
  g_autoptr(MoeRun) run = load(model, batch, rate);
  MoeResult *result = moe_study_predict(run, &quiet, NULL);

  ck_assert_ptr_nonnull(result);
  return result;
}

/* ---- predicting -------------------------------------------------------------------------------------------------- */

static MoeValidation *validate(const Folder *folder, GError **error)
{
  return moe_validate(folder->folder, folder->data_dir, 2, &quiet, NULL, NULL, error);
}

/* Twice the predicted step time was published: half of it too short. Half the MFU or throughput is twice the time. */
START_TEST(each_metric_gives_the_error_of_the_step_time)
{
  g_auto(Folder) folder = folder_new();
  g_autoptr(MoeResult) result = predict(dense, 128, 0);
  g_autoptr(GError) error = NULL;
  g_autofree char *step = g_strdup_printf("{step_time_s: %.17g}", result->step_time_s * 2);
  g_autofree char *mfu = g_strdup_printf("{mfu: %.17g, convention: full}", result->mfu_full / 2);
  g_autofree char *tokens = g_strdup_printf("{tokens_per_s_per_gpu: %.17g}", result->tokens_per_s_per_gpu / 2);

  add_case(&folder, "step", dense, 128, step);
  add_case(&folder, "mfu", dense, 128, mfu);
  add_case(&folder, "tokens", dense, 128, tokens);
  write_file(&folder, "lab.yaml");
  g_autoptr(MoeValidation) v = validate(&folder, &error);

  ck_assert_msg(v != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq(v->n, 3);
  ck_assert_uint_eq(v->n_failed, 0);
  for (guint i = 0; i < v->n; i++) {
    ck_assert_double_eq_tol(v->cases[i].error, -0.5, 1e-9);
    ck_assert_double_eq(v->cases[i].predicted_step_s, result->step_time_s);
    ck_assert_str_eq(v->cases[i].group[MOE_GROUP_BY_FAMILY], "lab");
    ck_assert_str_eq(v->cases[i].group[MOE_GROUP_BY_KIND], "dense");
    ck_assert_int_eq(v->cases[i].gpus, 64);
  }
  ck_assert_str_eq(v->cases[1].metric, "mfu");
  ck_assert_double_eq(v->cases[1].predicted, result->mfu_full);
  ck_assert_str_eq(v->cases[2].metric, "tokens_per_s_per_gpu");
}
END_TEST

static void check_failure(const MoeCase *c, const char *folder, const char *expected)
{
  g_autofree char *whole = g_strconcat(folder, G_DIR_SEPARATOR_S "lab.yaml", expected, NULL);

  ck_assert_str_eq(c->failure, whole);
}

/* A case that is wrong stands with the reason; the others are predicted all the same. */
START_TEST(wrong_cases_say_why)
{
  g_auto(Folder) folder = folder_new();
  g_autoptr(GError) error = NULL;

  g_string_append(folder.text, "  - {id: a}\n  - {published: {mfu: 0.4}}\n  - 7\n");
  add_case(&folder, "nothing", dense, 128, "{source: \"a slide\"}");
  add_case(&folder, "odd", dense, 127, "{step_time_s: 1}");
  add_case(&folder, "good", dense, 128, "{step_time_s: 1}");
  write_file(&folder, "lab.yaml");
  g_autoptr(MoeValidation) v = validate(&folder, &error);

  ck_assert_msg(v != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq(v->n_failed, 5);
  ck_assert_uint_eq(v->all.n, 1);
  check_failure(&v->cases[0], folder.folder,
                ":2:5: case without published section, expected published: {METRIC: VALUE}");
  check_failure(&v->cases[1], folder.folder, ":3:5: case without id, expected id: NAME");
  ck_assert_str_eq(v->cases[1].id, "?");
  check_failure(&v->cases[2], folder.folder, ":4:5: \"7\", expected a map for a case");
  ck_assert_str_eq(v->cases[3].failure, "nothing published that gives a step time");
  ck_assert_str_eq(v->cases[3].metric, "none");
  ck_assert(
      g_str_has_suffix(v->cases[4].failure, "global_batch is 127, expected a multiple of data x micro_batch (4)"));
  ck_assert_ptr_null(v->cases[5].failure);
}
END_TEST

START_TEST(files_that_are_no_cases)
{
  g_auto(Folder) folder = folder_new();
  g_autoptr(GError) no_cases = NULL;
  g_autoptr(GError) no_list = NULL;
  g_autoptr(GError) no_folder = NULL;

  g_string_assign(folder.text, "runs: []\n");
  write_file(&folder, "lab.yaml");
  ck_assert_ptr_null(validate(&folder, &no_cases));
  ck_assert(g_str_has_suffix(no_cases->message, "lab.yaml: no cases, expected a list cases:"));
  g_string_assign(folder.text, "cases: 7\n");
  write_file(&folder, "lab.yaml");
  ck_assert_ptr_null(validate(&folder, &no_list));
  ck_assert(g_str_has_suffix(no_list->message, "lab.yaml:1:8: \"7\", expected a list for cases"));
  ck_assert_ptr_null(moe_validate("absent", folder.data_dir, 1, &quiet, NULL, NULL, &no_folder));
  ck_assert_str_eq(no_folder->message, "absent: cannot be read, expected a folder of case files");
}
END_TEST

/* ---- parts ------------------------------------------------------------------------------------------------------- */

/* Only what has published parts is watched, and exactly as the run alone is. */
START_TEST(published_parts)
{
  g_auto(Folder) folder = folder_new();
  g_autoptr(MoeRun) run = load(moe, 256, 0);
  g_autoptr(GError) error = NULL;
  MoeIteration expected;

  add_case(&folder, "whole", dense, 128, "{step_time_s: 1}");
  add_case(&folder, "parts", moe, 256, "{step_time_s: 2, iteration_parts_s: {1F: 0.25, bubble: 1.5}}");
  write_file(&folder, "lab.yaml");
  ck_assert(moe_study_iteration(run, &quiet, 1, &expected, NULL));
  g_autoptr(GPtrArray) cases = moe_validate_parts(folder.folder, folder.data_dir, 1, &quiet, &error);

  ck_assert_msg(cases != NULL, "%s", error ? error->message : "");
  ck_assert_uint_eq(cases->len, 1);
  const MoePartsCase *c = cases->pdata[0];
  ck_assert_str_eq(c->id, "parts");
  ck_assert_double_eq(c->published_s[MOE_ITERATION_FORWARD], 0.25);
  ck_assert_double_eq(c->published_s[MOE_ITERATION_BUBBLE], 1.5);
  ck_assert_double_nan(c->published_s[MOE_ITERATION_OPTIMIZER]);
  ck_assert_int_eq(c->iteration.step, expected.step);
  ck_assert_mem_eq(c->iteration.part, expected.part, sizeof expected.part);
}
END_TEST

START_TEST(wrong_parts)
{
  g_auto(Folder) folder = folder_new();
  g_autoptr(GError) error = NULL;

  add_case(&folder, "parts", moe, 256, "{step_time_s: 2, iteration_parts_s: {1F: 3 GB}}");
  write_file(&folder, "lab.yaml");
  ck_assert_ptr_null(moe_validate_parts(folder.folder, folder.data_dir, 1, &quiet, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "lab.yaml:2:"));
  ck_assert_ptr_nonnull(strstr(error->message, "3 GB"));
}
END_TEST

/* ---- rates ------------------------------------------------------------------------------------------------------- */

/* Publishes what the simulator says at a training rate. */
static void add_made(Folder *folder, const char *id, const char *model, int batch, double rate)
{
  g_autoptr(MoeResult) result = predict(model, batch, rate);
  g_autofree char *published = g_strdup_printf("{step_time_s: %.17g}", result->step_time_s);

  add_case(folder, id, model, batch, published);
}

/* `n` ids of the half that is fitted, or of the other, from *next on. */
static char *id_of_half(gboolean fitted, guint *next)
{
  for (;; (*next)++) {
    char *id = g_strdup_printf("case-%u", *next);

    if ((moe_random_stream(id) % 2 == 0) == fitted) {
      (*next)++;
      return id;
    }
    g_free(id);
  }
}

static MoeRateFit *fit(const Folder *folder)
{
  g_autoptr(GError) error = NULL;
  MoeRateFit *fit = moe_fit_rates(folder->folder, folder->data_dir, 2, &quiet, NULL, NULL, &error);

  ck_assert_msg(fit != NULL, "%s", error ? error->message : "");
  return fit;
}

/* Runs made at a rate of 0.85, one of the points where no interpolation is needed: 0.85 is found, and every error is 0.
 * The only family of the fit left out, the rate stays 1: each run then takes what it takes at 1. */
START_TEST(a_rate_is_found_again)
{
  g_auto(Folder) folder = folder_new();
  guint next = 0;

  for (int i = 0; i < 5; i++) {
    g_autofree char *id = id_of_half(i < 4, &next);
    add_made(&folder, id, dense, 128 + 32 * i, 0.85);
  }
  write_file(&folder, "dense.yaml");
  add_made(&folder, "experts", moe, 256, 0.85);
  write_file(&folder, "moe.yaml");
  g_autoptr(MoeRateFit) f = fit(&folder);
  g_autoptr(MoeResult) fast = predict(moe, 256, 1), slow = predict(moe, 256, 0.85);

  ck_assert_uint_eq(f->n_rates, 1);
  ck_assert_uint_eq(f->parameters, 1);
  ck_assert_uint_eq(f->rates[0].rows, 4);
  ck_assert_double_eq_tol(f->rates[0].rate, 0.85, 1e-6);
  ck_assert_double_lt(f->rates[0].fitted_median, 1e-6);
  ck_assert_double_lt(f->rates[0].kept_median, 1e-6);
  ck_assert_double_lt(f->rates[0].moe_median, 1e-6);
  ck_assert_uint_eq(f->n_families, 2);
  ck_assert_str_eq(f->families[0].family, "dense");
  ck_assert_uint_eq(f->families[0].n, 5);
  ck_assert_double_lt(f->families[0].median_in, 1e-6);
  ck_assert_double_gt(f->families[0].median_out, 0.01);
  ck_assert_double_lt(f->families[1].median_out, 1e-6); /* never was in the fit */
  ck_assert_double_gt(slow->step_time_s, fast->step_time_s);
}
END_TEST

/* Between the points the interpolation is what the rate is worth: found to half a percent. */
START_TEST(a_rate_between_the_points)
{
  g_auto(Folder) folder = folder_new();
  guint next = 0;

  for (int i = 0; i < 4; i++) {
    g_autofree char *id = id_of_half(TRUE, &next);
    add_made(&folder, id, dense, 128 + 32 * i, 0.92);
  }
  write_file(&folder, "dense.yaml");
  g_autoptr(MoeRateFit) f = fit(&folder);
  g_autoptr(MoeResult) stated = predict(dense, 128, 1), made = predict(dense, 128, 0.92);

  ck_assert_double_eq_tol(f->rates[0].rate, 0.92, 0.005);
  ck_assert_double_nan(f->rates[0].kept_median);
  ck_assert_double_nan(f->rates[0].moe_median);
  /* Left out: the rate stays 1. */
  ck_assert_double_eq_tol(f->families[0].median_out, 1 - stated->step_time_s / made->step_time_s, 0.002);
}
END_TEST

/* Three dense runs are too few to fit a rate on; cases without a prediction count nowhere. */
START_TEST(too_few_rows)
{
  g_auto(Folder) folder = folder_new();
  guint next = 0;

  for (int i = 0; i < 4; i++) {
    g_autofree char *id = id_of_half(TRUE, &next);
    add_made(&folder, id, dense, 128 + 32 * i, 0.8);
  }
  g_string_truncate(folder.text, (gsize)(g_strrstr(folder.text->str, "step_time_s") - folder.text->str));
  g_string_append(folder.text, "source: none}}\n");
  write_file(&folder, "dense.yaml");
  g_autoptr(MoeRateFit) f = fit(&folder);

  ck_assert_uint_eq(f->n_rates, 0);
  ck_assert_uint_eq(f->families[0].n, 3);
  ck_assert_double_eq(f->families[0].median_in, f->families[0].median_out);
  ck_assert_double_gt(f->families[0].median_in, 0.01);
}
END_TEST

START_TEST(no_folder_to_fit)
{
  g_autoptr(GError) error = NULL;

  ck_assert_ptr_null(moe_fit_rates("absent", NULL, 1, &quiet, NULL, NULL, &error));
  ck_assert_str_eq(error->message, "absent: cannot be read, expected a folder of case files");
  moe_rate_fit_free(NULL);
}
END_TEST

MOE_TEST_MAIN("study/cases", each_metric_gives_the_error_of_the_step_time, wrong_cases_say_why, files_that_are_no_cases,
              published_parts, wrong_parts, a_rate_is_found_again, a_rate_between_the_points, too_few_rows,
              no_folder_to_fit)
