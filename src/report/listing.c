/* What ships, as a table or JSON. */
#include "study/listing.h"
#include "report/json.h"
#include "report/listing.h"
#include "report/tables.h"
#include <json-glib/json-glib.h>

/* A column that some have. */
static gboolean are_dated(const GPtrArray *listed)
{
  return listed->len > 0 && ((const MoeListed *)g_ptr_array_index(listed, 0))->date != NULL;
}

char *moe_listing_table(const GPtrArray *listed, MoeSheet sheet)
{
  static const char *const titles[] = {"name", "title", NULL}, *const dated_titles[] = {"name", "month", "title", NULL};
  gboolean dated = are_dated(listed);
  g_autoptr(MoeTable) table = moe_table_new(dated ? "lll" : "ll");

  moe_table_header(table, dated ? dated_titles : titles);
  for (guint i = 0; i < listed->len; i++) {
    const MoeListed *item = g_ptr_array_index(listed, i);

    moe_table_add(table, item->name);
    if (dated)
      moe_table_add(table, item->date);
    moe_table_add(table, item->title);
  }
  return moe_table_format(table, sheet);
}

char *moe_listing_json(const GPtrArray *listed)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < listed->len; i++) {
    const MoeListed *item = g_ptr_array_index(listed, i);

    json_builder_begin_object(builder);
    moe_json_text(builder, "name", item->name);
    moe_json_text(builder, "title", item->title);
    if (item->date) {
      moe_json_text(builder, "date", *item->date ? item->date : NULL);
      moe_json_text(builder, "extends", item->base);
    }
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  return moe_json_finish(builder);
}
