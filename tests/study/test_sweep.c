/* Axes, points, records, stores. */
#include "moetest.h"

#include <glib/gstdio.h>
#include <moesim/sweep.h>
#include <string.h>

static MoeSweep *sweep_of(gboolean zip, const char *first, const char *second, GError **error)
{
  const char *vary[] = {first, second, NULL};
  MoeRunOptions options = {.data_dir = g_getenv("MOESIM_DATA")};
  g_autofree char *path = moetest_path("models/deepseek-v3.yaml");

  return moe_sweep_new(path, &options, vary, zip, error);
}

static char *values_of(const char *vary)
{
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, vary, NULL, NULL);

  return sweep ? g_strjoinv("|", sweep->axes[0].value) : g_strdup("refused");
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

START_TEST(axes)
{
  static const struct {
    const char *vary, *values;
  } cases[] = {
      {"a.b=1,2,3", "1|2|3"},
      {"a.b=bf16, fp8", "bf16|fp8"},
      {"a.b=1:4", "1|2|3|4"},
      {"a.b=1:4:2", "1|3"},
      {"a.b=0:1:0.25", "0|0.25|0.5|0.75|1"},
      {"a.b=0:1:0.1", "0|0.1|0.2|0.3|0.4|0.5|0.6|0.7|0.8|0.9|1"}, /* ten tenths reach the end */
      {"a.b=1:64:*4", "1|4|16|64"},
      {"a.b=100:400:*2 Gbit/s", "100 Gbit/s|200 Gbit/s|400 Gbit/s"},
      {"a.b=1:2 us", "1 us|2 us"},
      {"a.b={zipf: 0.3, x: 1},even", "{zipf: 0.3, x: 1}|even"},
      {"a.b=[1,2],[3]", "[1,2]|[3]"},
      {"a.b='x,y',z", "'x,y'|z"},
      {"a.b=x:y:z", "x:y:z"}, /* no numbers: a plain value */
      {"a.b=4:1", "refused"},
      {"a.b=1:4:0", "refused"},
      {"a.b=1:4:*1", "refused"},
      {"a.b=0:4:*2", "refused"},
      {"a.b=1,,2", "refused"},
      {"a.b=", "refused"},
      {"=1", "refused"},
      {"a.b", "refused"},
      {"a.b=0:1:1e-9", "refused"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *values = values_of(cases[i].vary);

    ck_assert_str_eq(values, cases[i].values);
  }
}
END_TEST

START_TEST(crossed)
{
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "a=1,2", "b=x,y,z", NULL);
  GString *text = g_string_new(NULL);

  ck_assert_uint_eq(sweep->n_points, 6);
  for (guint i = 0; i < 6; i++)
    g_string_append_printf(text, "%s%s ", moe_sweep_value(sweep, i, 0), moe_sweep_value(sweep, i, 1));
  ck_assert_str_eq(text->str, "1x 1y 1z 2x 2y 2z ");
  g_string_free(text, TRUE);
}
END_TEST

START_TEST(zipped)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSweep) sweep = sweep_of(TRUE, "a=1,2,3", "b=x,y,z", NULL);
  g_autoptr(MoeSweep) uneven = sweep_of(TRUE, "a=1,2", "b=x,y,z", &error);

  ck_assert_uint_eq(sweep->n_points, 3);
  ck_assert_str_eq(moe_sweep_value(sweep, 1, 0), "2");
  ck_assert_str_eq(moe_sweep_value(sweep, 1, 1), "y");
  ck_assert_ptr_null(uneven);
  ck_assert_ptr_nonnull(strstr(error->message, "expected equally many"));
}
END_TEST

START_TEST(refused)
{
  g_autoptr(GError) twice = NULL;
  g_autoptr(GError) many = NULL;

  ck_assert_ptr_null(sweep_of(FALSE, "a=1,2", "a=3", &twice));
  ck_assert_ptr_nonnull(strstr(twice->message, "stands twice"));
  ck_assert_ptr_null(sweep_of(FALSE, "a=1:2000", "b=1:2000", &many));
  ck_assert_ptr_nonnull(strstr(many->message, "more than"));
}
END_TEST

START_TEST(loads_options_and_keys)
{
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "gpus=1024,2048", "parallelism.expert=16,64", NULL);
  g_autoptr(MoeRun) run = moe_sweep_load(sweep, 2, NULL);

  ck_assert_ptr_nonnull(run);
  ck_assert_int_eq(run->parallelism.gpus, 2048);
  ck_assert_int_eq(run->parallelism.expert, 16);
  ck_assert(!run->published.present); /* of another run */
}
END_TEST

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Counts predictions; the record says what the run was. */
static char *predict(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error)
{
  (void)sweep;
  g_atomic_int_inc((int *)user_data);
  if (run->parallelism.expert == 4) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "four");
    return NULL;
  }
  return g_strdup_printf("%u: expert %" G_GINT64_FORMAT, point, run->parallelism.expert);
}

static char *refuse(const MoeSweep *sweep, guint point, const char *reason, gpointer user_data)
{
  (void)sweep;
  (void)user_data;
  return g_strdup_printf("%u: no: %s", point, reason);
}

static char *run_all(const MoeSweep *sweep, MoeStore *store, guint jobs, int *predicted, const char *salt)
{
  MoeSweepWork work = {predict, refuse, predicted, salt};
  MoeSweepPoint *points = moe_sweep_run(sweep, &work, store, jobs, NULL, NULL, NULL);
  GString *text = g_string_new(NULL);

  ck_assert_ptr_nonnull(points);
  for (guint i = 0; i < sweep->n_points; i++)
    g_string_append_printf(text, "%s%s\n", points[i].failed ? "!" : "", points[i].record);
  moe_sweep_points_free(points, sweep->n_points);
  return g_string_free(text, FALSE);
}

START_TEST(same_records_with_any_number_of_threads)
{
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=1,2,3,4,8,16", "training.micro_batch=1,2", NULL);
  int predicted = 0;
  g_autofree char *one = run_all(sweep, NULL, 1, &predicted, "");
  g_autofree char *eight = run_all(sweep, NULL, 8, &predicted, "");

  ck_assert_str_eq(one, eight);
  ck_assert_ptr_nonnull(strstr(one, "0: expert 1\n"));
  ck_assert_ptr_nonnull(strstr(one, "!4: no: ")); /* 256 experts do not divide by 3 */
  ck_assert_ptr_nonnull(strstr(one, "!6: no: four\n"));
}
END_TEST

/* ---- stores ------------------------------------------------------------------------------------------------------ */

typedef struct {
  char *folder, *path;
} Scratch;

static Scratch new_scratch(void)
{
  Scratch scratch = {.folder = g_dir_make_tmp("moesim-XXXXXX", NULL)};

  scratch.path = g_build_filename(scratch.folder, "a.sqlite", NULL);
  return scratch;
}

static void drop_scratch(Scratch *scratch)
{
  static const char *const suffixes[] = {"", "-wal", "-shm"};

  for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *path = g_strconcat(scratch->path, suffixes[i], NULL);

    g_unlink(path);
  }
  g_rmdir(scratch->folder);
  g_free(scratch->path);
  g_free(scratch->folder);
}

START_TEST(resumes)
{
  Scratch scratch = new_scratch();
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,3,8", NULL, NULL);
  int predicted = 0;
  MoeStore *store = moe_store_open(scratch.path, sweep, FALSE, NULL);
  g_autofree char *first = run_all(sweep, store, 2, &predicted, "v1");

  moe_store_free(store);
  ck_assert_int_eq(predicted, 2); /* 3 cannot be loaded */
  store = moe_store_open(scratch.path, sweep, TRUE, NULL);
  ck_assert_uint_eq(moe_store_count(store), 3);
  g_autofree char *second = run_all(sweep, store, 2, &predicted, "v1");
  ck_assert_int_eq(predicted, 2);
  ck_assert_str_eq(first, second);
  g_autofree char *newer = run_all(sweep, store, 2, &predicted, "v2"); /* another version computes again */
  ck_assert_int_eq(predicted, 4);
  ck_assert_str_eq(first, newer);
  moe_store_free(store);
  drop_scratch(&scratch);
}
END_TEST

START_TEST(refuses_other_stores)
{
  Scratch scratch = new_scratch();
  g_autoptr(GError) other = NULL;
  g_autoptr(GError) again = NULL;
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,8", NULL, NULL);
  g_autoptr(MoeSweep) another = sweep_of(FALSE, "parallelism.expert=2,16", NULL, NULL);
  int predicted = 0;
  MoeStore *store = moe_store_open(scratch.path, sweep, TRUE, NULL);

  g_free(run_all(sweep, store, 1, &predicted, ""));
  moe_store_free(store);
  ck_assert_ptr_null(moe_store_open(scratch.path, another, TRUE, &other));
  ck_assert_ptr_nonnull(strstr(other->message, "belongs to another sweep"));
  ck_assert_ptr_null(moe_store_open(scratch.path, sweep, FALSE, &again));
  ck_assert_ptr_nonnull(strstr(again->message, "holds 2 of 2 points"));
  drop_scratch(&scratch);
}
END_TEST

START_TEST(refuses_what_is_no_store)
{
  Scratch scratch = new_scratch();
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,8", NULL, NULL);

  ck_assert(g_file_set_contents(scratch.path,
                                "title: a run file that is long enough to be mistaken for something else\n", -1, NULL));
  ck_assert_ptr_null(moe_store_open(scratch.path, sweep, TRUE, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "expected a store"));
  drop_scratch(&scratch);
}
END_TEST

MOE_TEST_MAIN("study/sweep", axes, crossed, zipped, refused, loads_options_and_keys,
              same_records_with_any_number_of_threads, resumes, refuses_other_stores, refuses_what_is_no_store)
