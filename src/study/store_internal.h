/* Private to the store of a sweep. */
#ifndef MOESIM_STUDY_STORE_INTERNAL_H
#define MOESIM_STUDY_STORE_INTERNAL_H

#include <moesim/sweep.h>
#include <sqlite3.h>

/* What every table is made of; another number is another program's file. */
#define MOE_STORE_SCHEMA 2
/* How long another sweep or a reader may hold the file before it counts as locked. */
#define MOE_STORE_BUSY_MS 2000

struct MoeStore {
  sqlite3 *db;
  char *path;
  char *columns; /* of a point, quoted and in order, the checksum aside */
  char *sum;     /* SQL: the checksum that a row ought to have */
  guint known;   /* points found whole at opening */
  GArray *damaged;
  gboolean joined;   /* it was there when it was opened: another process may be filling it */
  gboolean troubled; /* something could not be kept and was said */
  GMutex lock;       /* one statement at a time */
};

/* Sets *error to what SQLite says, with what was expected; returns FALSE. */
gboolean moe_store_fail(const MoeStore *store, GError **error);
/* NULL when SQLite refuses. */
sqlite3_stmt *moe_store_prepare(const MoeStore *store, const char *sql);
gboolean moe_store_execute(const MoeStore *store, const char *sql, GError **error);
/* First column of the first row, NULL when there is none or it cannot be read. Caller frees. */
char *moe_store_text(const MoeStore *store, const char *sql);

/* Opens the file and teaches it to add up rows; NULL and *error when it cannot be opened. `flags` of sqlite3_open_v2.
 */
MoeStore *moe_store_connect(const char *path, int flags, GError **error);
/* FALSE and *error when the file holds tables and they are not a store of this schema. *empty: it holds none. */
gboolean moe_store_check_schema(MoeStore *store, gboolean *empty, GError **error);
gboolean moe_store_make_tables(const MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, GError **error);
/* A store without points, under its name whole or not at all; one that is already there stays. */
gboolean moe_store_begin(const char *path, const MoeSweep *sweep, const MoeSweepWork *work, GError **error);
/* Learns the columns of the points. */
gboolean moe_store_learn_columns(MoeStore *store, GError **error);
/* Positions whose checksum does not fit, appended to store->damaged, and the number of the others. */
gboolean moe_store_scan(MoeStore *store, GError **error);
/* Binds value `axis` of a point as a number in SI units, or as text. */
void moe_store_bind_value(sqlite3_stmt *statement, int parameter, const MoeSweepAxis *axis, const char *value);

#endif
