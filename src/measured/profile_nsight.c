/* Exports of Nsight Systems (nsys export --type sqlite): a database with a table per kind of activity, times in
 * nanoseconds. Of several GPUs the one of the lowest number counts. Shapes of products are in the NVTX ranges that
 * PyTorch's emit_nvtx(record_shapes=True) pushes: "aten::mm, seq = 7, sizes = [[256, 512], [512, 1024]]". */
#include "profile_read.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#define NANOSECOND 1e-9 /* times of the export */
#define SIZES      "sizes = "
#define MAX_SIZES  4096 /* characters of a list of sizes */

typedef struct {
  ProfileReader *reader;
  sqlite3 *db;
  const char *name; /* of the file */
  GError **error;
} Nsight;

/* ---- queries ----------------------------------------------------------------------------------------------------- */

static gboolean fail(const Nsight *nsight, const char *what)
{
  g_autofree char *reason = g_strdelimit(g_strdup(sqlite3_errmsg(nsight->db)), "\n\r", ' ');

  return moe_fail(nsight->error, MOE_ERROR_INPUT, (MoeMark){.file = nsight->name},
                  "%s: %s, expected an export of Nsight Systems as SQLite", what, reason);
}

/* A real table, not a view that could compute without end. */
static gboolean has_table(const Nsight *nsight, const char *table)
{
  sqlite3_stmt *query = NULL;
  gboolean found = sqlite3_prepare_v2(nsight->db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1", -1,
                                      &query, NULL) == SQLITE_OK &&
                   sqlite3_bind_text(query, 1, table, -1, SQLITE_STATIC) == SQLITE_OK &&
                   sqlite3_step(query) == SQLITE_ROW;

  sqlite3_finalize(query);
  return found;
}

typedef void (*RowFunc)(Nsight *nsight, sqlite3_stmt *row);

/* Every row of a query on `table`; a table that is not there has none. */
static gboolean each_row(Nsight *nsight, const char *table, const char *sql, RowFunc read)
{
  sqlite3_stmt *query = NULL;
  int status = SQLITE_DONE;

  if (!has_table(nsight, table))
    return TRUE;
  if (sqlite3_prepare_v2(nsight->db, sql, -1, &query, NULL) == SQLITE_OK)
    while ((status = sqlite3_step(query)) == SQLITE_ROW)
      read(nsight, query);
  else
    status = SQLITE_ERROR;
  gboolean good = status == SQLITE_DONE || fail(nsight, table);
  sqlite3_finalize(query);
  return good;
}

/* Columns 0 and 1 are begin and end; FALSE where they are none. */
static gboolean times(sqlite3_stmt *row, double *start_s, double *duration_s)
{
  double start = sqlite3_column_double(row, 0), end = sqlite3_column_double(row, 1);

  *start_s = start * NANOSECOND;
  *duration_s = (end - start) * NANOSECOND;
  return sqlite3_column_type(row, 0) == SQLITE_INTEGER && sqlite3_column_type(row, 1) == SQLITE_INTEGER && end >= start;
}

static const char *text_at(sqlite3_stmt *row, int column)
{
  return (const char *)sqlite3_column_text(row, column);
}

/* ---- the host ---------------------------------------------------------------------------------------------------- */

static void read_call(Nsight *nsight, sqlite3_stmt *row)
{
  int64_t correlation = sqlite3_column_int64(row, 3);
  const char *name = text_at(row, 4);
  double start_s, duration_s;

  if (!name || !times(row, &start_s, &duration_s))
    return;
  OnHost launch = {.thread = sqlite3_column_int64(row, 2), .start = start_s, .end = start_s + duration_s};
  profile_add_call(nsight->reader, name, start_s, duration_s);
  if (correlation > 0)
    profile_add_launch(nsight->reader, correlation, &launch);
}

/* "[[256, 512], [512, 1024]]" behind "sizes = "; NULL without. */
static JsonNode *sizes_of(const char *text)
{
  const char *from = strstr(text, SIZES), *to;
  int depth = 0;

  if (!from || from[strlen(SIZES)] != '[')
    return NULL;
  from = to = from + strlen(SIZES);
  do {
    depth += (*to == '[') - (*to == ']');
    to++;
  } while (depth > 0 && *to && to - from < MAX_SIZES);
  g_autofree char *object = g_strdup_printf("{\"sizes\": %.*s}", (int)(to - from), from);
  return depth == 0 ? moe_json_parse(object, strlen(object), G_MAXINT, "sizes", NULL) : NULL;
}

static JsonArray *list_in(JsonNode *node)
{
  JsonNode *list = node ? json_object_get_member(json_node_get_object(node), "sizes") : NULL;

  return list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
}

static gboolean is_step(const char *text)
{
  return g_str_has_prefix(text, "ProfilerStep#") || g_str_has_prefix(text, "iteration ") ||
         g_str_has_prefix(text, "step ");
}

static void read_range(Nsight *nsight, sqlite3_stmt *row)
{
  const char *text = text_at(row, 3);
  double start_s, duration_s;

  if (!text || !times(row, &start_s, &duration_s))
    return;
  if (is_step(text))
    g_array_append_val(nsight->reader->steps, duration_s);
  if (!g_str_has_prefix(text, "aten::"))
    return;
  g_autofree char *name = g_strndup(text, strcspn(text, ","));
  g_autoptr(JsonNode) sizes = sizes_of(text);
  OnHost operation = {.thread = sqlite3_column_int64(row, 2), .start = start_s, .end = start_s + duration_s};
  if (profile_product(nsight->reader, name, list_in(sizes), NULL, &operation))
    profile_add_operation(nsight->reader, &operation);
}

/* ---- the GPU ----------------------------------------------------------------------------------------------------- */

static void add_activity(Nsight *nsight, sqlite3_stmt *row, const char *name)
{
  MoeSeenKernel kernel = profile_kernel(nsight->reader, name, sqlite3_column_int64(row, 3));

  if (!times(row, &kernel.start_s, &kernel.duration_s))
    return;
  kernel.stream = sqlite3_column_int64(row, 2);
  g_array_append_val(nsight->reader->profile->kernels, kernel);
}

static void read_kernel(Nsight *nsight, sqlite3_stmt *row)
{
  const char *name = text_at(row, 4);

  add_activity(nsight, row, name ? name : "unnamed");
}

static void read_copy(Nsight *nsight, sqlite3_stmt *row)
{
  add_activity(nsight, row, "Memcpy");
}

static void read_fill(Nsight *nsight, sqlite3_stmt *row)
{
  add_activity(nsight, row, "Memset");
}

static void read_gpu(Nsight *nsight, sqlite3_stmt *row)
{
  const char *name = text_at(row, 0);

  if (!nsight->reader->profile->gpu && name)
    nsight->reader->profile->gpu = g_utf8_make_valid(name, -1);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

#define LOWEST "deviceId = (SELECT min(deviceId) FROM CUPTI_ACTIVITY_KIND_KERNEL)"

static gboolean read_tables(Nsight *nsight)
{
  static const struct {
    const char *table, *sql;
    RowFunc read;
  } tables[] = {
      {"CUPTI_ACTIVITY_KIND_RUNTIME",
       "SELECT r.start, r.end, r.globalTid, r.correlationId, s.value FROM CUPTI_ACTIVITY_KIND_RUNTIME AS r LEFT JOIN "
       "StringIds AS s ON s.id = r.nameId",
       read_call},
      {"NVTX_EVENTS",
       "SELECT e.start, e.end, e.globalTid, coalesce(e.text, s.value) FROM NVTX_EVENTS AS e LEFT JOIN StringIds AS s "
       "ON "
       "s.id = e.textId WHERE e.end IS NOT NULL ORDER BY e.start",
       read_range},
      {NULL, NULL, NULL}, /* all that launches lie in is there */
      {"CUPTI_ACTIVITY_KIND_KERNEL",
       "SELECT k.start, k.end, k.streamId, k.correlationId, coalesce(d.value, s.value) FROM CUPTI_ACTIVITY_KIND_KERNEL "
       "AS k LEFT JOIN StringIds AS d ON d.id = k.demangledName LEFT JOIN StringIds AS s ON s.id = k.shortName WHERE "
       "k." LOWEST,
       read_kernel},
      {"CUPTI_ACTIVITY_KIND_MEMCPY",
       "SELECT start, end, streamId, correlationId FROM CUPTI_ACTIVITY_KIND_MEMCPY WHERE " LOWEST, read_copy},
      {"CUPTI_ACTIVITY_KIND_MEMSET",
       "SELECT start, end, streamId, correlationId FROM CUPTI_ACTIVITY_KIND_MEMSET WHERE " LOWEST, read_fill},
      {"TARGET_INFO_GPU", "SELECT name FROM TARGET_INFO_GPU ORDER BY id", read_gpu},
  };

  for (guint i = 0; i < G_N_ELEMENTS(tables); i++) {
    if (!tables[i].table)
      profile_order(nsight->reader);
    else if (!each_row(nsight, tables[i].table, tables[i].sql, tables[i].read))
      return FALSE;
  }
  return TRUE;
}

static MoeProfile *read_database(sqlite3 *db, const char *name, const MoeSeenTable *table, GError **error)
{
  g_auto(ProfileReader) reader;
  Nsight nsight = {&reader, db, name, error};

  profile_reader_init(&reader, table);
  reader.profile->rank = -1;
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
  if (!has_table(&nsight, "CUPTI_ACTIVITY_KIND_KERNEL") || !has_table(&nsight, "StringIds")) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "no table CUPTI_ACTIVITY_KIND_KERNEL with StringIds, expected an export of Nsight Systems as SQLite");
    return NULL;
  }
  return read_tables(&nsight) ? profile_finish(&reader, name, error) : NULL;
}

gboolean profile_is_nsight(const guchar *bytes, gsize n)
{
  static const char magic[] = "SQLite format 3";

  return n >= sizeof magic && memcmp(bytes, magic, sizeof magic) == 0;
}

MoeProfile *profile_load_nsight(const char *path, const MoeSeenTable *table, GError **error)
{
  sqlite3 *db = NULL;
  MoeProfile *profile = NULL;

  if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
    profile = read_database(db, path, table, error);
  else
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be opened, expected an export of Nsight Systems");
  sqlite3_close(db);
  return profile;
}

MoeProfile *moe_profile_parse_nsight(const guchar *bytes, gsize length, const char *name, const MoeSeenTable *table,
                                     GError **error)
{
  sqlite3 *db = NULL;
  MoeProfile *profile = NULL;
  guchar *own = sqlite3_malloc64(length > 0 ? length : 1);

  if (length > 0)
    memcpy(own, bytes, length);
  if (sqlite3_open(":memory:", &db) == SQLITE_OK &&
      sqlite3_deserialize(db, "main", own, (sqlite3_int64)length, (sqlite3_int64)length,
                          SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY) == SQLITE_OK)
    profile = read_database(db, name, table, error);
  else
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "no database, expected an export of Nsight Systems");
  sqlite3_close(db);
  return profile;
}
