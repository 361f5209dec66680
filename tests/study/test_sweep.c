/* Axes, points, records, stores. */
#include "base/base.h"
#include "moetest.h"
#include "spec/spec.h"

#include <glib/gstdio.h>
#include <moesim/sweep.h>
#include <sqlite3.h>
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

static const MoeSweepWork plain = {predict, refuse, NULL, "", .build = "test"};

static char *run_all(const MoeSweep *sweep, MoeStore *store, guint jobs, int *predicted, const char *salt)
{
  MoeSweepWork work = {predict, refuse, predicted, salt, .build = "test"};
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
  MoeStore *store = moe_store_open(scratch.path, sweep, &plain, FALSE, NULL);
  g_autofree char *first = run_all(sweep, store, 2, &predicted, "v1");

  moe_store_free(store);
  ck_assert_int_eq(predicted, 2); /* 3 cannot be loaded */
  store = moe_store_open(scratch.path, sweep, &plain, TRUE, NULL);
  ck_assert_uint_eq(moe_store_known(store), 3);
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
  MoeStore *store = moe_store_open(scratch.path, sweep, &plain, TRUE, NULL);

  g_free(run_all(sweep, store, 1, &predicted, ""));
  moe_store_free(store);
  ck_assert_ptr_null(moe_store_open(scratch.path, another, &plain, TRUE, &other));
  ck_assert_ptr_nonnull(strstr(other->message, "belongs to another sweep"));
  ck_assert_ptr_null(moe_store_open(scratch.path, sweep, &plain, FALSE, &again));
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
  ck_assert_ptr_null(moe_store_open(scratch.path, sweep, &plain, TRUE, &error));
  ck_assert_ptr_nonnull(strstr(error->message, "expected a store"));
  drop_scratch(&scratch);
}
END_TEST

/* ---- damage ------------------------------------------------------------------------------------------------------ */

/* Fills the store of a sweep over four expert counts, changes it by SQL, and reads it again. */
typedef struct {
  Scratch scratch;
  MoeSweep *sweep;
  char *first;
} Filled;

static Filled new_filled(int *predicted)
{
  Filled filled = {new_scratch(), sweep_of(FALSE, "parallelism.expert=2,8,16,32", NULL, NULL), NULL};
  MoeStore *store = moe_store_open(filled.scratch.path, filled.sweep, &plain, FALSE, NULL);

  filled.first = run_all(filled.sweep, store, 2, predicted, "");
  moe_store_free(store);
  return filled;
}

static void drop_filled(Filled *filled)
{
  g_free(filled->first);
  moe_sweep_free(filled->sweep);
  drop_scratch(&filled->scratch);
}

static void change(const Filled *filled, const char *sql)
{
  sqlite3 *db = NULL;

  ck_assert_int_eq(sqlite3_open(filled->scratch.path, &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* A point that was changed behind our back is named, and computed again; the others are not. */
START_TEST(damage_is_named_and_mended)
{
  static const struct {
    const char *sql, *damage;
    int again;
  } cases[] = {
      {"UPDATE point SET record = replace(record, 'expert 8', 'expert 9')", "1", 1},
      {"UPDATE point SET record = 'nonsense' WHERE position IN (0, 3)", "0, 3", 2},
      {"UPDATE point SET failed = 1 WHERE position = 2", "2", 1},
      {"UPDATE point SET \"parallelism.expert\" = 17 WHERE position = 2", "2", 1},
      {"UPDATE point SET build = 'other' WHERE position = 2", "2", 1},
      {"UPDATE point SET checksum = 'none'", "0, 1, 2, 3", 4},
      {"DELETE FROM point WHERE position = 1", NULL, 1},
      {"UPDATE point SET position = position + 10", "10, 11, 12, 13", 4},
      {"UPDATE point SET hash = x'00'", "0, 1, 2, 3", 4},
  };

  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    int predicted = 0;
    Filled filled = new_filled(&predicted);

    change(&filled, cases[i].sql);
    MoeStore *store = moe_store_open(filled.scratch.path, filled.sweep, &plain, TRUE, NULL);
    g_autofree char *damage = moe_store_damage(store);
    g_autofree char *again = run_all(filled.sweep, store, 2, &predicted, "");
    ck_assert_str_eq(damage ? damage : "-", cases[i].damage ? cases[i].damage : "-");
    ck_assert_int_eq(predicted, 4 + cases[i].again);
    ck_assert_str_eq(filled.first, again);
    moe_store_free(store);
    drop_filled(&filled);
  }
}
END_TEST

START_TEST(check_tells_what_is_damaged)
{
  int predicted = 0;
  Filled filled = new_filled(&predicted);
  g_auto(MoeStoreReport) whole = {0};
  g_auto(MoeStoreReport) damaged = {0};

  ck_assert(moe_store_check(filled.scratch.path, &whole, NULL));
  ck_assert_uint_eq(whole.n_whole, 4);
  ck_assert_ptr_null(whole.damage);
  ck_assert_ptr_null(whole.structure);
  ck_assert_str_eq(whole.builds, "4 by test");
  change(&filled, "UPDATE point SET record = 'x' WHERE position = 3");
  ck_assert(moe_store_check(filled.scratch.path, &damaged, NULL));
  ck_assert_uint_eq(damaged.n_whole, 3);
  ck_assert_str_eq(damaged.damage, "3");
  drop_filled(&filled);
}
END_TEST

/* A file of an older schema or of another program is not touched. */
START_TEST(other_schemas_are_refused)
{
  static const char *const changes[] = {"PRAGMA user_version = 1", "PRAGMA application_id = 7"};

  for (gsize i = 0; i < G_N_ELEMENTS(changes); i++) {
    int predicted = 0;
    Filled filled = new_filled(&predicted);
    g_autoptr(GError) error = NULL;

    change(&filled, changes[i]);
    ck_assert_ptr_null(moe_store_open(filled.scratch.path, filled.sweep, &plain, TRUE, &error));
    ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_IO));
    drop_filled(&filled);
  }
}
END_TEST

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static char *query(const char *path, const char *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;

  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  char *text = g_strdup((const char *)sqlite3_column_text(statement, 0));
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return text;
}

/* Axes stand as numbers in SI units, so that they sort and add up: 100 Gbit/s is 1.25e10 B/s. */
START_TEST(axes_are_numbers)
{
  Scratch scratch = new_scratch();
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "cluster.network.nic=100 Gbit/s,50 GB/s", "variant=a,b", NULL);
  int predicted = 0;
  MoeStore *store = moe_store_open(scratch.path, sweep, &plain, FALSE, NULL);

  g_free(run_all(sweep, store, 1, &predicted, ""));
  moe_store_free(store);
  g_autofree char *types = query(scratch.path, "SELECT group_concat(typeof(\"cluster.network.nic\") || ' ' || "
                                               "\"cluster.network.nic\" || ' ' || variant) FROM point");
  g_autofree char *units = query(scratch.path, "SELECT group_concat(key || '=' || ifnull(unit, 'text')) FROM axis");
  ck_assert_str_eq(types, "real 12500000000.0 a,real 12500000000.0 b,real 50000000000.0 a,real 50000000000.0 b");
  ck_assert_str_eq(units, "cluster.network.nic=B/s,variant=text");
  drop_scratch(&scratch);
}
END_TEST

/* ---- trouble ----------------------------------------------------------------------------------------------------- */

static char *be_troubled(const MoeSweep *sweep, guint point, const MoeRun *run, gpointer user_data, GError **error)
{
  (void)sweep;
  (void)run;
  (void)user_data;
  if (point != 1)
    return g_strdup("fine");
  moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = "counts.csv"}, "Input/output error");
  return NULL;
}

/* A file that cannot be read says nothing about the point: no answer, and nothing of it in the store. */
START_TEST(io_errors_are_no_answers)
{
  Scratch scratch = new_scratch();
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,8,16", NULL, NULL);
  g_autoptr(GError) error = NULL;
  MoeSweepWork work = {be_troubled, refuse, NULL, ""};
  MoeStore *store = moe_store_open(scratch.path, sweep, &work, FALSE, NULL);

  ck_assert_ptr_null(moe_sweep_run(sweep, &work, store, 2, NULL, NULL, &error));
  ck_assert(g_error_matches(error, MOE_ERROR, MOE_ERROR_IO));
  ck_assert_str_eq(error->message, "counts.csv: Input/output error (1 of 3 points have no answer)");
  moe_store_free(store);
  store = moe_store_open(scratch.path, sweep, &work, TRUE, NULL);
  ck_assert_uint_eq(moe_store_known(store), 2);
  moe_store_free(store);
  drop_scratch(&scratch);
}
END_TEST

static void count_notices(const char *message, gpointer user_data)
{
  ck_assert_ptr_nonnull(strstr(message, "locked by another program"));
  g_atomic_int_inc((int *)user_data);
}

/* A store that another program keeps locked costs one wait and one notice; the answers are there, and are kept as soon
 * as the lock ends. */
START_TEST(a_lock_costs_no_answer)
{
  Scratch scratch = new_scratch();
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,8,16,32", NULL, NULL);
  g_autoptr(GError) error = NULL;
  int notices = 0;
  sqlite3 *other = NULL;
  MoeSweepWork work = {be_troubled, refuse, &notices, "", .notice = count_notices};
  MoeStore *store = moe_store_open(scratch.path, sweep, &work, FALSE, NULL);
  MoeSweepPoint points[4] = {{0}};

  ck_assert_int_eq(sqlite3_open(scratch.path, &other), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
  for (guint i = 0; i < 4; i++) {
    points[i] = (MoeSweepPoint){.hash = g_strdup("hash"), .record = g_strdup("record")};
    moe_store_put(store, sweep, &work, i, &points[i]);
    ck_assert(points[i].unkept);
  }
  ck_assert_int_eq(notices, 1);
  ck_assert(!moe_store_settle(store, sweep, &work, points, &error));
  sqlite3_close(other);
  ck_assert(moe_store_settle(store, sweep, &work, points, NULL));
  moe_store_free(store);
  store = moe_store_open(scratch.path, sweep, &work, TRUE, NULL);
  ck_assert_uint_eq(moe_store_known(store), 4);
  moe_store_free(store);
  for (guint i = 0; i < 4; i++)
    moe_sweep_point_clear(&points[i]);
  drop_scratch(&scratch);
}
END_TEST

/* ---- two at once ------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *path;
  const MoeSweep *sweep;
  gint *ready;
  guint number;
} Rival;

static gpointer begin_and_fill(gpointer data)
{
  const Rival *rival = data;
  g_autoptr(GError) error = NULL;

  g_atomic_int_inc(rival->ready);
  while (g_atomic_int_get(rival->ready) < 4)
    g_usleep(1);
  MoeStore *store = moe_store_open(rival->path, rival->sweep, &plain, TRUE, &error);

  if (!store)
    return g_steal_pointer(&error);
  g_auto(MoeSweepPoint) point = {.hash = g_strdup("hash"), .record = g_strdup("record")};
  moe_store_put(store, rival->sweep, &plain, rival->number, &point);
  moe_store_free(store);
  return NULL;
}

/* Of four that begin one store at the same moment each keeps its point: no one's file is taken away. */
START_TEST(rivals_share_a_new_store)
{
  g_autoptr(MoeSweep) sweep = sweep_of(FALSE, "parallelism.expert=2,8,16,32", NULL, NULL);

  for (guint round = 0; round < 25; round++) {
    Scratch scratch = new_scratch();
    gint ready = 0;
    Rival rivals[4];
    GThread *threads[4];

    for (guint i = 0; i < 4; i++) {
      rivals[i] = (Rival){scratch.path, sweep, &ready, i};
      threads[i] = g_thread_new("rival", begin_and_fill, &rivals[i]);
    }
    for (guint i = 0; i < 4; i++) {
      GError *error = g_thread_join(threads[i]);
      ck_assert_msg(!error, "%s", error ? error->message : "");
    }
    MoeStore *store = moe_store_open(scratch.path, sweep, &plain, TRUE, NULL);
    ck_assert_uint_eq(moe_store_known(store), 4);
    moe_store_free(store);
    drop_scratch(&scratch);
  }
}
END_TEST

MOE_TEST_MAIN("study/sweep", axes, crossed, zipped, refused, loads_options_and_keys,
              same_records_with_any_number_of_threads, resumes, refuses_other_stores, refuses_what_is_no_store,
              damage_is_named_and_mended, check_tells_what_is_damaged, other_schemas_are_refused, axes_are_numbers,
              io_errors_are_no_answers, a_lock_costs_no_answer, rivals_share_a_new_store)
