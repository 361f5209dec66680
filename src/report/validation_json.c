/* Validations as JSON. */
#include <moesim/report_validation.h>

#include <json-glib/json-glib.h>
#include <math.h>

static void add_number(JsonBuilder *builder, const char *key, double value)
{
  json_builder_set_member_name(builder, key);
  if (isfinite(value))
    json_builder_add_double_value(builder, value);
  else
    json_builder_add_null_value(builder);
}

static void add_text(JsonBuilder *builder, const char *key, const char *value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_string_value(builder, value ? value : "");
}

static void add_count(JsonBuilder *builder, const char *key, gint64 value)
{
  json_builder_set_member_name(builder, key);
  json_builder_add_int_value(builder, value);
}

static void add_case(JsonBuilder *builder, const MoeCase *c)
{
  json_builder_begin_object(builder);
  add_text(builder, "id", c->id);
  for (guint g = 0; g < MOE_N_GROUP_BY; g++)
    add_text(builder, moe_group_by_words[g], c->group[g]);
  if (c->failure) {
    add_text(builder, "failure", c->failure);
  } else {
    add_count(builder, "gpus", c->gpus);
    add_text(builder, "metric", c->metric);
    add_number(builder, "published", c->published);
    add_number(builder, "predicted", c->predicted);
    add_number(builder, "published_step_time_s", c->published_step_s);
    add_number(builder, "predicted_step_time_s", c->predicted_step_s);
    add_number(builder, "error", c->error);
  }
  json_builder_end_object(builder);
}

static void add_group(JsonBuilder *builder, const MoeCaseGroup *group)
{
  json_builder_begin_object(builder);
  add_text(builder, "name", group->name);
  add_count(builder, "cases", group->n);
  add_number(builder, "median_abs_error", group->median_abs_error);
  add_number(builder, "p90_abs_error", group->p90_abs_error);
  add_number(builder, "bias", group->bias);
  add_number(builder, "rank_correlation", group->rank_correlation);
  json_builder_end_object(builder);
}

static void add_groups(JsonBuilder *builder, const MoeValidation *validation, MoeGroupBy by)
{
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n);

  json_builder_set_member_name(builder, "groups");
  json_builder_begin_array(builder);
  for (guint g = 0; g < n; g++)
    add_group(builder, &groups[g]);
  json_builder_end_array(builder);
  moe_case_groups_free(groups, n);
}

static char *print(JsonBuilder *builder)
{
  g_autoptr(JsonNode) root = json_builder_get_root(builder);
  g_autofree char *text = json_to_string(root, TRUE);

  return g_strconcat(text, "\n", NULL);
}

char *moe_report_validation_json(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  json_builder_set_member_name(builder, "cases");
  json_builder_begin_array(builder);
  for (guint i = 0; i < validation->n; i++)
    add_case(builder, &validation->cases[i]);
  json_builder_end_array(builder);
  add_groups(builder, validation, by);
  json_builder_set_member_name(builder, "pairs");
  json_builder_begin_object(builder);
  add_count(builder, "asked", validation->n_pairs);
  add_count(builder, "right", validation->n_pairs_right);
  json_builder_end_object(builder);
  add_number(builder, "median_abs_error", validation->all.median_abs_error);
  add_number(builder, "p90_abs_error", validation->all.p90_abs_error);
  json_builder_end_object(builder);
  return print(builder);
}
