/* What a store holds, and what of it is damaged. */
#include "base/base.h"
#include "store_internal.h"

void moe_store_report_clear(MoeStoreReport *report)
{
  g_free(report->identity);
  g_free(report->builds);
  g_free(report->structure);
  g_free(report->damage);
  *report = (MoeStoreReport){0};
}

static guint number(const MoeStore *store, const char *sql)
{
  g_autofree char *text = moe_store_text(store, sql);

  return text ? (guint)g_ascii_strtoull(text, NULL, 10) : 0;
}

static void read_points(MoeStore *store, MoeStoreReport *report)
{
  g_autoptr(GError) error = NULL;

  if (!moe_store_learn_columns(store, &error) || !moe_store_scan(store, &error)) {
    if (!report->structure)
      report->structure = g_strdup(sqlite3_errmsg(store->db));
    return;
  }
  report->n_whole = store->known;
  report->n_damaged = store->damaged->len;
  report->damage = moe_store_damage(store);
  report->n_refused = number(store, "SELECT count(*) FROM point WHERE failed");
  report->builds =
      moe_store_text(store, "SELECT group_concat(n || ' by ' || build, ', ') FROM "
                            "(SELECT coalesce(build, 'unknown') AS build, count(*) AS n FROM point GROUP BY 1)");
}

gboolean moe_store_check(const char *path, MoeStoreReport *report, GError **error)
{
  g_autoptr(MoeStore) store = moe_store_connect(path, SQLITE_OPEN_READWRITE, error);
  gboolean empty = FALSE;

  *report = (MoeStoreReport){0};
  if (!store || !moe_store_check_schema(store, &empty, error))
    return FALSE;
  if (empty)
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "empty, expected a store of moesim sweep");
  report->identity = moe_store_text(store, "SELECT identity FROM sweep");
  report->n_points = number(store, "SELECT points FROM sweep");
  report->structure = moe_store_text(store, "SELECT quick_check FROM pragma_quick_check(1) WHERE quick_check <> 'ok'");
  read_points(store, report);
  return report->identity || moe_store_fail(store, error);
}
