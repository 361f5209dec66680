/* What ships: record and table. */
#include "report/listing.h"
#include "findings.h"
#include "record/json.h"
#include "study/listing.h"

static void add_item(JsonBuilder *builder, const MoeListed *item)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", item->name);
  moe_json_text(builder, "title", item->title);
  if (item->date) {
    moe_json_text(builder, "date", *item->date ? item->date : NULL);
    moe_json_text(builder, "extends", item->base);
  }
  json_builder_end_object(builder);
}

static JsonNode *describe_listing(const GPtrArray *listed)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < listed->len; i++)
    add_item(builder, listed->pdata[i]);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

char *moe_listing_table(const GPtrArray *listed, MoeSheet sheet)
{
  static const MoeColumn columns[] = {{"name", "name", "l"}, {"month", "date", "l?"}, {"title", "title", "l"}};
  g_autoptr(JsonNode) record = describe_listing(listed);

  return moe_record_rows(json_node_get_array(record), columns, G_N_ELEMENTS(columns), sheet);
}

char *moe_listing_json(const GPtrArray *listed)
{
  g_autoptr(JsonNode) record = describe_listing(listed);

  return moe_record_json(record);
}
