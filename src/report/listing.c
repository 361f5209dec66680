/* What ships, as a table or JSON. */
#include "study/listing.h"
#include "report/json.h"
#include "report/listing.h"
#include <json-glib/json-glib.h>

char *moe_listing_table(const GPtrArray *listed, MoeSheet sheet)
{
  static const char *const titles[] = {"name", "title", NULL};
  g_autoptr(MoeTable) table = moe_table_new("ll");

  moe_table_header(table, titles);
  for (guint i = 0; i < listed->len; i++) {
    const MoeListed *item = g_ptr_array_index(listed, i);

    moe_table_add(table, item->name);
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
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  return moe_json_finish(builder);
}
