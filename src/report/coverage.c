/* Whether intervals hold: the record, and its table. */
#include "coverage.h"
#include "findings.h"

#include "record/json.h"
#include "report/validation.h"

static void add_group(JsonBuilder *builder, const MoeCoverage *c)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", c->name);
  moe_json_integer(builder, "cases", c->n);
  moe_json_number(builder, "inside_p10_p90", c->inside_80);
  moe_json_number(builder, "inside_p5_p95", c->inside_90);
  moe_json_number(builder, "median_width", c->width);
  moe_json_number(builder, "crps", c->crps);
  moe_json_open_object(builder, "constant");
  moe_json_number(builder, "factor", 1 + c->constant);
  moe_json_number(builder, "inside_p10_p90", c->constant_80);
  moe_json_number(builder, "inside_p5_p95", c->constant_90);
  moe_json_number(builder, "width", c->constant_width);
  moe_json_number(builder, "crps", c->constant_crps);
  json_builder_end_object(builder);
  json_builder_end_object(builder);
}

void moe_coverage_describe(JsonBuilder *builder, const MoeValidation *validation)
{
  guint n = 0;
  MoeCoverage *coverage = moe_coverage(validation, &n);

  json_builder_set_member_name(builder, "coverage");
  json_builder_begin_array(builder);
  for (guint g = 0; g < n; g++)
    add_group(builder, &coverage[g]);
  json_builder_end_array(builder);
  moe_coverage_free(coverage, n);
}

static const MoeColumn columns[] = {
    {"intervals", "name", "l"},
    {"cases", "cases", "r", "#"},
    {"in P10-P90", "inside_p10_p90", "r", "%"},
    {"in P5-P95", "inside_p5_p95", "r", "%"},
    {"width", "median_width", "r", "%"},
    {"CRPS", "crps", "r", "%.4f"},
    {"constant: P10-P90", "constant.inside_p10_p90", "r", "%"},
    {"constant: P5-P95", "constant.inside_p5_p95", "r", "%"},
    {"constant: CRPS", "constant.crps", "r", "%.4f"},
};

char *moe_report_coverage(const MoeValidation *validation, MoeSheet sheet)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_coverage_describe(builder, validation);
  json_builder_end_object(builder);
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  JsonArray *groups = moe_record_list(root, "coverage");
  JsonObject *all = json_array_get_object_element(groups, json_array_get_length(groups) - 1);
  g_autofree char *rows = moe_record_rows(groups, columns, G_N_ELEMENTS(columns), sheet);
  g_autofree char *constant = moe_record_say(all, "factor of {constant.factor|%.3f} either way, which holds as many of "
                                                  "all cases and is {constant.width|%} wide");

  return g_strdup_printf(
      "%s\nintervals of the model's own error, each family's from the other families; constant: a\n%s\n", rows,
      constant);
}
