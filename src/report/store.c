/* What the store of a sweep holds. */
#include "report/store.h"
#include "findings.h"
#include "record/json.h"

static JsonNode *describe_store(const MoeStoreReport *report)
{
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
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_store_table(const MoeStoreReport *report, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"sweep", "{sweep}"},
      {"points", "{kept} of {points}, {refused} of them cannot be"},
      {"builds", "{builds}"},
      {"file", "damaged: {structure}; begin another store"},
      {"damaged", "{damaged}: {damage}; moesim sweep --resume computes them again"},
  };
  g_autoptr(JsonNode) record = describe_store(report);
  g_autoptr(MoeTable) table = moe_table_new("lw");

  moe_record_lines(table, json_node_get_object(record), lines, G_N_ELEMENTS(lines));
  g_autofree char *text = moe_table_format(table, sheet);

  return g_strconcat(text, report->structure || report->damage ? "" : "whole\n", NULL);
}
