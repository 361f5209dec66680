/* What ships, and what the store of a sweep holds. */
#include "report/describe.h"
#include "report/findings.h"
#include "study/listing.h"

static void add_item(JsonBuilder *builder, const MoeListed *item)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", item->name);
  if (item->klass)
    moe_json_text(builder, "class", item->klass);
  moe_json_text(builder, "title", item->title);
  if (item->date) {
    moe_json_text(builder, "date", *item->date ? item->date : NULL);
    moe_json_text(builder, "extends", item->base);
  }
  if (item->values)
    moe_json_text(builder, "values", item->values);
  json_builder_end_object(builder);
}

char *moe_report_listing(const GPtrArray *listed, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"name", "name", "l"},      {"month", "date", "l?"}, {"class", "class", "l?"},
      {"values", "values", "w?"}, {"title", "title", "w"},
  };
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < listed->len; i++)
    add_item(builder, listed->pdata[i]);
  json_builder_end_array(builder);
  return MOE_EMIT_WHOLE(json_builder_get_root(builder), columns, sheet);
}

char *moe_report_store(const MoeStoreReport *report, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"sweep", "{sweep}"},
      {"points", "{kept} of {points}, {refused} of them cannot be"},
      {"builds", "{builds}"},
      {"file", "damaged: {structure}; begin another store"},
      {"damaged", "{damaged}: {damage}; moesim sweep --resume computes them again"},
  };
  static const MoePassage page[] = {{MOE_LINES(lines)}, {MOE_SAY_IF("whole", "whole\n")}};
  static const MoeForms forms = {MOE_PAGE(page)};
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_text(builder, "sweep", report->identity);
  moe_json_integer(builder, "kept", report->n_whole + report->n_damaged);
  moe_json_integer(builder, "points", report->n_points);
  moe_json_integer(builder, "refused", report->n_refused);
  moe_json_text(builder, "builds", report->builds);
  moe_json_text(builder, "structure", report->structure);
  moe_json_integer(builder, "damaged", report->n_damaged);
  moe_json_text(builder, "damage", report->damage);
  moe_json_bool(builder, "whole", !report->structure && !report->damage);
  json_builder_end_object(builder);
  return moe_record_emit(json_builder_get_root(builder), &forms, sheet);
}
