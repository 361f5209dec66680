/* Kept simulations: key, numbers or failure, and a checksum over them. */
#include "store.h"

#include <sqlite3.h>
#include <string.h>

/* "moei": marks the file as ours. */
#define APPLICATION_ID "1836016489"
/* How long another process may hold the file. */
#define BUSY_MS 5000

struct MoeShotStore {
  sqlite3 *db;
  char *path;
  GMutex lock; /* one statement at a time */
};

static gboolean fail(const MoeShotStore *kept, GError **error)
{
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = kept->path}, "%s, expected a store of moesim infer",
                  sqlite3_errmsg(kept->db));
}

static gboolean execute(const MoeShotStore *kept, const char *sql, GError **error)
{
  return sqlite3_exec(kept->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(kept, error);
}

/* First column of the first row as a number; -1 when there is none. */
static gint64 ask(const MoeShotStore *kept, const char *sql)
{
  sqlite3_stmt *statement = NULL;
  gint64 answer = -1;

  if (sqlite3_prepare_v2(kept->db, sql, -1, &statement, NULL) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
    answer = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return answer;
}

static gboolean set_up(const MoeShotStore *kept, GError **error)
{
  gint64 tables = ask(kept, "SELECT count(*) FROM sqlite_master");

  if (tables < 0)
    return fail(kept, error);
  if (tables > 0 && ask(kept, "PRAGMA application_id") != g_ascii_strtoll(APPLICATION_ID, NULL, 10))
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = kept->path},
                    "another program's database, expected a store of moesim infer or no file");
  return execute(kept,
                 "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA application_id = " APPLICATION_ID
                 "; CREATE TABLE IF NOT EXISTS simulation (key TEXT PRIMARY KEY, numbers BLOB, failure TEXT, checksum "
                 "TEXT NOT NULL) WITHOUT ROWID",
                 error);
}

MoeShotStore *moe_kept_open(const char *path, GError **error)
{
  g_autoptr(MoeShotStore) kept = g_new0(MoeShotStore, 1);

  kept->path = g_strdup(path);
  g_mutex_init(&kept->lock);
  if (sqlite3_open_v2(path, &kept->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK) {
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be opened: %s", sqlite3_errmsg(kept->db));
    return NULL;
  }
  sqlite3_busy_timeout(kept->db, BUSY_MS);
  return set_up(kept, error) ? g_steal_pointer(&kept) : NULL;
}

void moe_kept_free(MoeShotStore *kept)
{
  if (!kept)
    return;
  sqlite3_close(kept->db);
  g_mutex_clear(&kept->lock);
  g_free(kept->path);
  g_free(kept);
}

static char *checksum_of(const char *key, const void *numbers, gsize n_bytes, const char *failure)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

  g_checksum_update(checksum, (const guchar *)key, (gssize)strlen(key) + 1);
  if (numbers)
    g_checksum_update(checksum, numbers, (gssize)n_bytes);
  if (failure)
    g_checksum_update(checksum, (const guchar *)failure, (gssize)strlen(failure));
  return g_strdup(g_checksum_get_string(checksum));
}

/* The row of `statement`, when it is whole. */
static gboolean read_row(sqlite3_stmt *statement, const char *key, double *numbers, guint n, char **failure)
{
  const void *bytes = sqlite3_column_blob(statement, 0);
  gsize n_bytes = (gsize)sqlite3_column_bytes(statement, 0);
  const char *why = (const char *)sqlite3_column_text(statement, 1);
  g_autofree char *checksum = checksum_of(key, bytes, n_bytes, why);

  if (g_strcmp0(checksum, (const char *)sqlite3_column_text(statement, 2)) != 0 ||
      (!why && n_bytes != n * sizeof *numbers))
    return FALSE;
  *failure = g_strdup(why);
  if (!why)
    memcpy(numbers, bytes, n_bytes);
  return TRUE;
}

gboolean moe_kept_get(MoeShotStore *kept, const char *key, double *numbers, guint n, char **failure)
{
  sqlite3_stmt *statement = NULL;
  gboolean found = FALSE;

  if (!kept)
    return FALSE;
  g_mutex_lock(&kept->lock);
  if (sqlite3_prepare_v2(kept->db, "SELECT numbers, failure, checksum FROM simulation WHERE key = ?1", -1, &statement,
                         NULL) == SQLITE_OK &&
      sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
    found = read_row(statement, key, numbers, n, failure);
  sqlite3_finalize(statement);
  g_mutex_unlock(&kept->lock);
  return found;
}

static gboolean insert(sqlite3_stmt *statement, const char *key, const double *numbers, guint n, const char *failure)
{
  int n_bytes = (int)(n * sizeof *numbers);
  g_autofree char *checksum = checksum_of(key, failure ? NULL : numbers, (gsize)n_bytes, failure);

  sqlite3_bind_text(statement, 1, key, -1, SQLITE_TRANSIENT);
  if (!failure)
    sqlite3_bind_blob(statement, 2, numbers, n_bytes, SQLITE_TRANSIENT);
  else
    sqlite3_bind_text(statement, 3, failure, -1, SQLITE_TRANSIENT);
  sqlite3_bind_text(statement, 4, checksum, -1, SQLITE_TRANSIENT);
  return sqlite3_step(statement) == SQLITE_DONE;
}

gboolean moe_kept_put(MoeShotStore *kept, const char *key, const double *numbers, guint n, const char *failure,
                      GError **error)
{
  sqlite3_stmt *statement = NULL;

  if (!kept)
    return TRUE;
  g_mutex_lock(&kept->lock);
  gboolean good = sqlite3_prepare_v2(kept->db, "INSERT OR REPLACE INTO simulation VALUES (?1, ?2, ?3, ?4)", -1,
                                     &statement, NULL) == SQLITE_OK &&
                  insert(statement, key, numbers, n, failure);
  if (!good)
    fail(kept, error);
  sqlite3_finalize(statement);
  g_mutex_unlock(&kept->lock);
  return good;
}
