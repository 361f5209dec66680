/* Finished points in SQLite. */
#include "base/base.h"
#include "store_internal.h"

#include "sweep_internal.h"

#include <string.h>

/* Positions named in a message. */
#define NAMED_POSITIONS 8
/* Between two tries at a lock that SQLite does not wait for, microseconds. */
#define RETRY_US 2000

gboolean moe_store_fail(const MoeStore *store, GError **error)
{
  MoeMark mark = {.file = store->path};
  const char *reason = sqlite3_errmsg(store->db);

  switch (sqlite3_errcode(store->db)) {
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
    return moe_fail(error, MOE_ERROR_IO, mark, "cannot write: %s", reason);
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return moe_fail(error, MOE_ERROR_IO, mark, "cannot write: locked by another program");
  case SQLITE_CORRUPT:
    return moe_fail(error, MOE_ERROR_IO, mark, "damaged: %s, expected a whole store (moesim store check); give another",
                    reason);
  default:
    return moe_fail(error, MOE_ERROR_IO, mark, "%s, expected a store of moesim sweep", reason);
  }
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

sqlite3_stmt *moe_store_prepare(const MoeStore *store, const char *sql)
{
  sqlite3_stmt *statement = NULL;

  return sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

gboolean moe_store_execute(const MoeStore *store, const char *sql, GError **error)
{
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || moe_store_fail(store, error);
}

static char *text_column(sqlite3_stmt *statement, int column)
{
  return g_strdup((const char *)sqlite3_column_text(statement, column));
}

char *moe_store_text(const MoeStore *store, const char *sql)
{
  sqlite3_stmt *statement = moe_store_prepare(store, sql);
  char *text = NULL;

  if (statement && sqlite3_step(statement) == SQLITE_ROW)
    text = text_column(statement, 0);
  sqlite3_finalize(statement);
  return text;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* SQLite does not wait for the lock that a change of the journal takes.
 *
 * NORMAL with a write-ahead log: what was committed survives a kill of the process; a power failure may take the last
 * points, which are then computed again (sqlite.org/pragma.html#pragma_synchronous). */
static gboolean set_journal(const MoeStore *store, GError **error)
{
  gint64 end_us = g_get_monotonic_time() + MOE_STORE_BUSY_MS * G_TIME_SPAN_MILLISECOND;

  while (!moe_store_execute(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", NULL)) {
    if (sqlite3_errcode(store->db) != SQLITE_BUSY || g_get_monotonic_time() > end_us)
      return moe_store_fail(store, error);
    g_usleep(RETRY_US);
  }
  return TRUE;
}

static gboolean check_identity(const MoeStore *store, const MoeSweep *sweep, GError **error)
{
  g_autofree char *identity = moe_sweep_identity(sweep);
  g_autofree char *stored = moe_store_text(store, "SELECT identity FROM sweep");

  if (!stored)
    return moe_store_fail(store, error);
  return strcmp(stored, identity) == 0 ||
         moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = store->path},
                  "belongs to another sweep (%s), expected %s; give another --store", stored, identity);
}

static gboolean check_resumed(const MoeStore *store, const MoeSweep *sweep, gboolean resume, GError **error)
{
  guint n = store->known + store->damaged->len;

  return resume || n == 0 ||
         moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = store->path},
                  "holds %u of %u points, expected --resume to go on, or another --store", n, sweep->n_points);
}

/* Within the transaction. What cannot be written is noticed here, before anything is computed. */
static gboolean begin_or_join(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, gboolean resume,
                              GError **error)
{
  gboolean empty = FALSE;

  if (!moe_store_check_schema(store, &empty, error))
    return FALSE;
  if (empty)
    return moe_store_make_tables(store, sweep, work, error) && moe_store_learn_columns(store, error);
  return check_identity(store, sweep, error) && moe_store_learn_columns(store, error) && moe_store_scan(store, error) &&
         check_resumed(store, sweep, resume, error) &&
         moe_store_execute(store, "UPDATE sweep SET points = points", error);
}

static gboolean set_up(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, gboolean resume,
                       GError **error)
{
  gboolean empty;

  /* the journal of another program's file stays as it is */
  if (!moe_store_check_schema(store, &empty, error) || !set_journal(store, error) ||
      !moe_store_execute(store, "BEGIN IMMEDIATE", error))
    return FALSE;
  if (begin_or_join(store, sweep, work, resume, error))
    return moe_store_execute(store, "COMMIT", error);
  moe_store_execute(store, "ROLLBACK", NULL);
  return FALSE;
}

MoeStore *moe_store_open(const char *path, const MoeSweep *sweep, const MoeSweepWork *work, gboolean resume,
                         GError **error)
{
  gboolean is_new = !g_file_test(path, G_FILE_TEST_EXISTS);

  if (is_new && !moe_store_begin(path, sweep, work, error))
    return NULL;
  g_autoptr(MoeStore) store = moe_store_connect(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);

  if (!store || !set_up(store, sweep, work, resume, error))
    return NULL;
  store->joined = !is_new;
  return g_steal_pointer(&store);
}

void moe_store_free(MoeStore *store)
{
  if (!store)
    return;
  sqlite3_close(store->db);
  g_mutex_clear(&store->lock);
  g_array_unref(store->damaged);
  g_free(store->columns);
  g_free(store->sum);
  g_free(store->path);
  g_free(store);
}

gboolean moe_store_is_shared(const MoeStore *store)
{
  return store->joined;
}

guint moe_store_known(const MoeStore *store)
{
  return store->known;
}

char *moe_store_damage(const MoeStore *store)
{
  GString *text = NULL;

  for (guint i = 0; i < MIN(store->damaged->len, NAMED_POSITIONS); i++) {
    text = text ? g_string_append(text, ", ") : g_string_new(NULL);
    g_string_append_printf(text, "%u", g_array_index(store->damaged, guint, i));
  }
  if (store->damaged->len > NAMED_POSITIONS)
    g_string_append_printf(text, " and %u more", store->damaged->len - NAMED_POSITIONS);
  return text ? g_string_free(text, FALSE) : NULL;
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* A point that cannot be read whole is a point that is not there. */
static gboolean read_point(const MoeStore *store, guint point, MoeSweepPoint *result)
{
  g_autofree char *sql =
      g_strdup_printf("SELECT hash, record, failed FROM point WHERE position = ? AND checksum IS %s", store->sum);
  sqlite3_stmt *statement = moe_store_prepare(store, sql);

  if (!statement)
    return FALSE;
  sqlite3_bind_int64(statement, 1, point);
  gboolean there = sqlite3_step(statement) == SQLITE_ROW;
  if (there)
    *result = (MoeSweepPoint){.hash = text_column(statement, 0),
                              .record = text_column(statement, 1),
                              .failed = sqlite3_column_int(statement, 2)};
  sqlite3_finalize(statement);
  return there;
}

gboolean moe_store_get(MoeStore *store, guint point, MoeSweepPoint *result)
{
  g_mutex_lock(&store->lock);
  gboolean there = read_point(store, point, result);
  g_mutex_unlock(&store->lock);

  return there;
}

static sqlite3_stmt *prepare_insert(const MoeStore *store, guint n_axes)
{
  g_autoptr(GString) values = g_string_new("?1");

  for (guint i = 2; i <= 5 + n_axes; i++)
    g_string_append_printf(values, ", ?%u", i);
  g_autofree char *sql = g_strdup_printf("INSERT OR REPLACE INTO point (%s, checksum) VALUES (%s, moe_sum(%s))",
                                         store->columns, values->str, values->str);
  return moe_store_prepare(store, sql);
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
  sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static gboolean write_point(const MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, guint point,
                            const MoeSweepPoint *result, GError **error)
{
  sqlite3_stmt *statement = prepare_insert(store, sweep->n_axes);

  if (!statement)
    return moe_store_fail(store, error);
  sqlite3_bind_int64(statement, 1, point);
  bind_text(statement, 2, result->hash);
  bind_text(statement, 3, work->build);
  sqlite3_bind_int(statement, 4, result->failed);
  for (guint a = 0; a < sweep->n_axes; a++)
    moe_store_bind_value(statement, (int)(5 + a), &sweep->axes[a], moe_sweep_value(sweep, point, a));
  bind_text(statement, (int)(5 + sweep->n_axes), result->record);
  gboolean good = sqlite3_step(statement) == SQLITE_DONE || moe_store_fail(store, error);
  sqlite3_finalize(statement);
  return good;
}

/* Waiting once for a lock is enough: from then on points are tried without, and all together at the end. */
static void be_troubled(MoeStore *store, const MoeSweepWork *work, const GError *error)
{
  if (!store->troubled && work->notice)
    work->notice(error->message, work->user_data);
  store->troubled = TRUE;
  sqlite3_busy_timeout(store->db, 0);
}

void moe_store_put(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, guint point, MoeSweepPoint *result)
{
  g_autoptr(GError) error = NULL;

  g_mutex_lock(&store->lock);
  result->unkept = !write_point(store, sweep, work, point, result, &error);
  if (result->unkept)
    be_troubled(store, work, error);
  g_mutex_unlock(&store->lock);
}

gboolean moe_store_settle(MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, MoeSweepPoint *points,
                          GError **error)
{
  gboolean good = TRUE;

  g_mutex_lock(&store->lock);
  sqlite3_busy_timeout(store->db, MOE_STORE_BUSY_MS);
  for (guint i = 0; i < sweep->n_points && good; i++) {
    good = !points[i].unkept || write_point(store, sweep, work, i, &points[i], error);
    points[i].unkept = points[i].unkept && !good;
  }
  g_mutex_unlock(&store->lock);
  return good;
}
