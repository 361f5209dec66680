/* Tables of a store, and the checksum over each of its points.
 *
 *     sweep  identity, points          what is swept: one row
 *     axis   place, key, unit          unit: SI base unit of the numbers in that column, "" = plain, NULL = text
 *     point  position, hash, build, failed, KEY..., record, checksum; and numbers of the record as virtual columns
 */
#include "base/base.h"
#include "store_internal.h"

#include <math.h>
#include <string.h>

/* Marks the file as ours: "moe1". */
#define APPLICATION_ID 0x6d6f6531

/* ---- values in SI units ------------------------------------------------------------------------------------------ */

static const struct {
  MoeDimension dimension;
  const char *unit;
} base_units[] = {
    {MOE_DIM_BYTES, "B"},  {MOE_DIM_BYTES_PER_S, "B/s"}, {MOE_DIM_FLOP_PER_S, "FLOP/s"}, {MOE_DIM_SECONDS, "s"},
    {MOE_DIM_HERTZ, "Hz"}, {MOE_DIM_WATTS, "W"},         {MOE_DIM_FLOP, "FLOP"},
};

static gboolean is_plain(const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod(text, &end);
  return end != text && *end == '\0' && isfinite(*value);
}

/* Whether every value of the axis is a quantity of this dimension. */
static gboolean is_all(const MoeSweepAxis *axis, MoeDimension dimension)
{
  double value;

  for (guint i = 0; i < axis->n; i++)
    if (!moe_quantity_parse(axis->value[i], dimension, &value, NULL))
      return FALSE;
  return TRUE;
}

static gboolean is_all_plain(const MoeSweepAxis *axis)
{
  double value;

  for (guint i = 0; i < axis->n; i++)
    if (!is_plain(axis->value[i], &value))
      return FALSE;
  return TRUE;
}

/* Index in base_units, or -1. */
static int dimension_of(const MoeSweepAxis *axis)
{
  for (guint i = 0; i < G_N_ELEMENTS(base_units); i++)
    if (is_all(axis, base_units[i].dimension))
      return (int)i;
  return -1;
}

static const char *unit_of(const MoeSweepAxis *axis)
{
  int index = dimension_of(axis);

  return index >= 0 ? base_units[index].unit : is_all_plain(axis) ? "" : NULL;
}

void moe_store_bind_value(sqlite3_stmt *statement, int parameter, const MoeSweepAxis *axis, const char *text)
{
  int index = dimension_of(axis);
  gint64 whole;
  double value;

  if (index >= 0 && moe_quantity_parse(text, base_units[index].dimension, &value, NULL))
    sqlite3_bind_double(statement, parameter, value);
  else if (is_all_plain(axis) && g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &whole, NULL))
    sqlite3_bind_int64(statement, parameter, whole);
  else if (is_all_plain(axis) && is_plain(text, &value))
    sqlite3_bind_double(statement, parameter, value);
  else
    sqlite3_bind_text(statement, parameter, text, -1, SQLITE_TRANSIENT);
}

/* ---- the checksum ------------------------------------------------------------------------------------------------ */

/* Type, length and bytes: no two lists of values read the same. */
static void add_value(GChecksum *checksum, sqlite3_value *value)
{
  int type = sqlite3_value_type(value);

  if (type == SQLITE_FLOAT) { /* its text would depend on the version of SQLite */
    double real = sqlite3_value_double(value);

    g_checksum_update(checksum, (const guchar *)&real, sizeof real);
    return;
  }
  const void *bytes = sqlite3_value_blob(value);
  guint32 head[] = {GUINT32_TO_LE((guint32)type), GUINT32_TO_LE((guint32)sqlite3_value_bytes(value))};

  g_checksum_update(checksum, (const guchar *)head, sizeof head);
  if (bytes)
    g_checksum_update(checksum, bytes, sqlite3_value_bytes(value));
}

/* moe_sum(value, ...): SHA-256, hexadecimal. */
static void sum_values(sqlite3_context *context, int n, sqlite3_value **values)
{
  g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

  for (int i = 0; i < n; i++)
    add_value(checksum, values[i]);
  sqlite3_result_text(context, g_checksum_get_string(checksum), -1, SQLITE_TRANSIENT);
}

MoeStore *moe_store_connect(const char *path, int flags, GError **error)
{
  g_autoptr(MoeStore) store = g_new0(MoeStore, 1);

  store->path = g_strdup(path);
  store->damaged = g_array_new(FALSE, FALSE, sizeof(guint));
  g_mutex_init(&store->lock);
  if (sqlite3_open_v2(path, &store->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
      sqlite3_create_function(store->db, "moe_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, sum_values, NULL,
                              NULL) != SQLITE_OK) {
    moe_store_fail(store, error);
    return NULL;
  }
  sqlite3_busy_timeout(store->db, MOE_STORE_BUSY_MS);
  return g_steal_pointer(&store);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Formats of SQLite: %Q a literal or NULL, %w inside of a quoted name. */
static void append_sql(GString *sql, const char *format, ...)
{
  va_list arguments;

  va_start(arguments, format);
  char *text = sqlite3_vmprintf(format, arguments);
  va_end(arguments);
  g_string_append(sql, text);
  sqlite3_free(text);
}

/* No declared type: what is bound stays what it is. */
static void append_axes(GString *sql, const MoeSweep *sweep)
{
  for (guint a = 0; a < sweep->n_axes; a++)
    append_sql(sql, ", \"%w\"", sweep->axes[a].key);
}

static void append_numbers(GString *sql, const MoeSweepColumn *columns)
{
  for (; columns && columns->name; columns++)
    append_sql(sql, ", \"%w\" AS (CASE WHEN json_valid(record) THEN json_extract(record, %Q) END)", columns->name,
               columns->path);
}

static void append_rows(GString *sql, const MoeSweep *sweep, const char *identity)
{
  append_sql(sql, "INSERT INTO sweep VALUES (%Q, %u);", identity, sweep->n_points);
  for (guint a = 0; a < sweep->n_axes; a++)
    append_sql(sql, "INSERT INTO axis VALUES (%u, %Q, %Q);", a, sweep->axes[a].key, unit_of(&sweep->axes[a]));
}

gboolean moe_store_make_tables(const MoeStore *store, const MoeSweep *sweep, const MoeSweepWork *work, GError **error)
{
  g_autoptr(GString) sql = g_string_new(NULL);
  g_autofree char *identity = moe_sweep_identity(sweep);

  append_sql(sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID, MOE_STORE_SCHEMA);
  g_string_append(sql, "CREATE TABLE sweep (identity TEXT NOT NULL, points INTEGER NOT NULL);"
                       "CREATE TABLE axis (place INTEGER PRIMARY KEY, key TEXT NOT NULL, unit TEXT);"
                       "CREATE TABLE point (position INTEGER PRIMARY KEY, hash TEXT NOT NULL, build TEXT, "
                       "failed INTEGER NOT NULL");
  append_axes(sql, sweep);
  g_string_append(sql, ", record TEXT NOT NULL, checksum TEXT NOT NULL");
  append_numbers(sql, work->columns);
  g_string_append(sql, ");");
  append_rows(sql, sweep, identity);
  return moe_store_execute(store, sql->str, error);
}

gboolean moe_store_learn_columns(MoeStore *store, GError **error)
{
  store->columns = moe_store_text(store, "SELECT group_concat(format('\"%w\"', name), ', ') FROM "
                                         "pragma_table_info('point') WHERE name <> 'checksum'");
  store->sum = g_strdup_printf("moe_sum(%s)", store->columns ? store->columns : "");
  return store->columns || moe_store_fail(store, error);
}

gboolean moe_store_check_schema(MoeStore *store, gboolean *empty, GError **error)
{
  MoeMark mark = {.file = store->path};
  g_autofree char *tables = moe_store_text(store, "SELECT count(*) FROM sqlite_master");
  g_autofree char *id = moe_store_text(store, "PRAGMA application_id");
  g_autofree char *schema = moe_store_text(store, "PRAGMA user_version");

  if (!tables || !id || !schema)
    return moe_store_fail(store, error);
  *empty = strcmp(tables, "0") == 0;
  if (*empty)
    return TRUE;
  if (g_ascii_strtoll(id, NULL, 10) != APPLICATION_ID)
    return moe_fail(error, MOE_ERROR_IO, mark, "another program's database, expected a store of moesim sweep");
  return g_ascii_strtoll(schema, NULL, 10) == MOE_STORE_SCHEMA ||
         moe_fail(error, MOE_ERROR_IO, mark, "a store of schema %s, expected %d; give another --store", schema,
                  MOE_STORE_SCHEMA);
}

gboolean moe_store_scan(MoeStore *store, GError **error)
{
  g_autofree char *sql = g_strdup_printf("SELECT position, checksum IS %s FROM point ORDER BY position", store->sum);
  sqlite3_stmt *statement = moe_store_prepare(store, sql);
  int status = SQLITE_ERROR;

  while (statement && (status = sqlite3_step(statement)) == SQLITE_ROW) {
    guint position = (guint)sqlite3_column_int64(statement, 0);

    if (sqlite3_column_int(statement, 1))
      store->known++;
    else
      g_array_append_val(store->damaged, position);
  }
  gboolean good = status == SQLITE_DONE || moe_store_fail(store, error);
  sqlite3_finalize(statement);
  return good;
}
