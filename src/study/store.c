/* Finished points in SQLite. */
#include "sweep_internal.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

/* Another process may hold the file for a moment (someone looks into it). */
#define BUSY_TIMEOUT_MS 10000
/* Marks the file as ours: "moe1". */
#define APPLICATION_ID 0x6d6f6531

struct MoeStore {
  sqlite3 *db;
  char *path;
  GMutex lock; /* one statement at a time */
};

static gboolean fail(const MoeStore *store, GError **error)
{
  MoeMark mark = {.file = store->path};
  const char *reason = sqlite3_errmsg(store->db);

  switch (sqlite3_errcode(store->db)) {
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_READONLY:
  case SQLITE_CANTOPEN:
    return moe_fail(error, MOE_ERROR_IO, mark, "cannot write: %s", reason);
  default:
    return moe_fail(error, MOE_ERROR_IO, mark, "%s, expected a store of moesim sweep", reason);
  }
}

/* ---- statements ------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepare(const MoeStore *store, const char *sql)
{
  sqlite3_stmt *statement = NULL;

  return sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

static gboolean execute(const MoeStore *store, const char *sql, GError **error)
{
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(store, error);
}

static char *text_column(sqlite3_stmt *statement, int column)
{
  return g_strdup((const char *)sqlite3_column_text(statement, column));
}

/* First column of the first row; NULL when there is none. */
static char *select_text(const MoeStore *store, const char *sql, guint point)
{
  sqlite3_stmt *statement = prepare(store, sql);
  char *text = NULL;

  if (!statement)
    return NULL;
  if (sqlite3_bind_parameter_count(statement) > 0)
    sqlite3_bind_int64(statement, 1, point);
  if (sqlite3_step(statement) == SQLITE_ROW)
    text = text_column(statement, 0);
  sqlite3_finalize(statement);
  return text;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static void append_columns(GString *sql, const MoeSweep *sweep, const char *suffix)
{
  for (guint a = 0; a < sweep->n_axes; a++) {
    char *column = sqlite3_mprintf(", \"%w\"%s", sweep->axes[a].key, suffix);

    g_string_append(sql, column);
    sqlite3_free(column);
  }
}

/* Everything in one transaction: a store is there whole or not at all. */
static gboolean make_tables(const MoeStore *store, const MoeSweep *sweep, const char *identity, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  char *insert = sqlite3_mprintf("INSERT INTO sweep VALUES (%Q, %u);", identity, sweep->n_points);

  g_string_printf(sql,
                  "BEGIN IMMEDIATE; PRAGMA application_id = %d;"
                  "CREATE TABLE sweep (identity TEXT NOT NULL, points INTEGER NOT NULL);"
                  "CREATE TABLE point (position INTEGER PRIMARY KEY, hash TEXT NOT NULL, failed INTEGER NOT NULL",
                  APPLICATION_ID);
  append_columns(sql, sweep, " TEXT");
  g_string_append_printf(sql, ", record TEXT NOT NULL); %s COMMIT;", insert);
  sqlite3_free(insert);
  return execute(store, sql->str, error);
}

static gboolean check_ours(MoeStore *store, const MoeSweep *sweep, const char *identity, const char *stored,
                           gboolean resume, GError **error)
{
  MoeMark mark = {.file = store->path};

  if (strcmp(stored, identity) != 0)
    return moe_fail(error, MOE_ERROR_IO, mark, "belongs to another sweep (%s), expected %s; give another --store",
                    stored, identity);
  guint n = moe_store_count(store);

  return resume || n == 0 ||
         moe_fail(error, MOE_ERROR_IO, mark, "holds %u of %u points, expected --resume to go on, or another --store", n,
                  sweep->n_points);
}

static gboolean set_up(MoeStore *store, const MoeSweep *sweep, gboolean resume, GError **error)
{
  g_autofree char *identity = moe_sweep_identity(sweep);

  sqlite3_busy_timeout(store->db, BUSY_TIMEOUT_MS);
  /* NORMAL with a write-ahead log: what was committed survives a kill of the process; a power failure may take the last
   * points, which are then computed again (sqlite.org/pragma.html#pragma_synchronous). */
  if (!execute(store, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", error))
    return FALSE;
  g_autofree char *tables = select_text(store, "SELECT count(*) FROM sqlite_master", 0);

  if (!tables)
    return fail(store, error);
  if (strcmp(tables, "0") == 0)
    return make_tables(store, sweep, identity, error);
  g_autofree char *stored = select_text(store, "SELECT identity FROM sweep", 0);

  return stored ? check_ours(store, sweep, identity, stored, resume, error) : fail(store, error);
}

/* Of a store that could not be begun nothing stays. */
static void remove_files(const char *path)
{
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

  for (guint i = 0; i < G_N_ELEMENTS(suffixes); i++) {
    g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

    g_unlink(file);
  }
}

MoeStore *moe_store_open(const char *path, const MoeSweep *sweep, gboolean resume, GError **error)
{
  gboolean existed = g_file_test(path, G_FILE_TEST_EXISTS);
  g_autoptr(MoeStore) store = g_new0(MoeStore, 1);

  store->path = g_strdup(path);
  g_mutex_init(&store->lock);
  if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
      SQLITE_OK) {
    fail(store, error);
    return NULL;
  }
  if (set_up(store, sweep, resume, error))
    return g_steal_pointer(&store);
  if (!existed)
    remove_files(path);
  return NULL;
}

void moe_store_free(MoeStore *store)
{
  if (!store)
    return;
  sqlite3_close(store->db);
  g_mutex_clear(&store->lock);
  g_free(store->path);
  g_free(store);
}

/* ---- points ----------------------------------------------------------------------------------------------------- */

guint moe_store_count(MoeStore *store)
{
  g_mutex_lock(&store->lock);
  g_autofree char *text = select_text(store, "SELECT count(*) FROM point", 0);
  g_mutex_unlock(&store->lock);

  return text ? (guint)g_ascii_strtoull(text, NULL, 10) : 0;
}

char *moe_store_hash(MoeStore *store, guint point)
{
  g_mutex_lock(&store->lock);
  char *hash = select_text(store, "SELECT hash FROM point WHERE position = ?", point);
  g_mutex_unlock(&store->lock);

  return hash;
}

static gboolean read_point(const MoeStore *store, guint point, MoeSweepPoint *result, GError **error)
{
  sqlite3_stmt *statement = prepare(store, "SELECT hash, record, failed FROM point WHERE position = ?");

  if (!statement)
    return fail(store, error);
  sqlite3_bind_int64(statement, 1, point);
  gboolean there = sqlite3_step(statement) == SQLITE_ROW;
  if (there)
    *result = (MoeSweepPoint){.hash = text_column(statement, 0),
                              .record = text_column(statement, 1),
                              .failed = sqlite3_column_int(statement, 2)};
  sqlite3_finalize(statement);
  return there || fail(store, error);
}

gboolean moe_store_get(MoeStore *store, guint point, MoeSweepPoint *result, GError **error)
{
  g_mutex_lock(&store->lock);
  gboolean good = read_point(store, point, result, error);
  g_mutex_unlock(&store->lock);

  return good;
}

static void bind_text(sqlite3_stmt *statement, int column, const char *text)
{
  sqlite3_bind_text(statement, column, text, -1, SQLITE_TRANSIENT);
}

static sqlite3_stmt *prepare_insert(const MoeStore *store, const MoeSweep *sweep)
{
  g_autoptr(GString) sql = g_string_new("INSERT OR REPLACE INTO point (position, hash, failed, record");

  append_columns(sql, sweep, "");
  g_string_append(sql, ") VALUES (?, ?, ?, ?");
  for (guint a = 0; a < sweep->n_axes; a++)
    g_string_append(sql, ", ?");
  g_string_append(sql, ")");
  return prepare(store, sql->str);
}

static gboolean write_point(const MoeStore *store, const MoeSweep *sweep, guint point, const MoeSweepPoint *result,
                            GError **error)
{
  sqlite3_stmt *statement = prepare_insert(store, sweep);

  if (!statement)
    return fail(store, error);
  sqlite3_bind_int64(statement, 1, point);
  bind_text(statement, 2, result->hash);
  sqlite3_bind_int(statement, 3, result->failed);
  bind_text(statement, 4, result->record);
  for (guint a = 0; a < sweep->n_axes; a++)
    bind_text(statement, (int)(5 + a), moe_sweep_value(sweep, point, a));
  gboolean good = sqlite3_step(statement) == SQLITE_DONE || fail(store, error);
  sqlite3_finalize(statement);
  return good;
}

gboolean moe_store_put(MoeStore *store, const MoeSweep *sweep, guint point, const MoeSweepPoint *result, GError **error)
{
  g_mutex_lock(&store->lock);
  gboolean good = write_point(store, sweep, point, result, error);
  g_mutex_unlock(&store->lock);

  return good;
}
