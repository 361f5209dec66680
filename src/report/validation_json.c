/* Validations as JSON. */
#include "report/validation.h"

#include "report/json.h"

#include <json-glib/json-glib.h>

static void add_case(JsonBuilder *builder, const MoeCase *c)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "id", c->id);
  for (guint g = 0; g < MOE_N_GROUP_BY; g++)
    moe_json_text(builder, moe_group_by_words[g], c->group[g]);
  if (c->failure) {
    moe_json_text(builder, "failure", c->failure);
  } else {
    moe_json_integer(builder, "gpus", c->gpus);
    moe_json_text(builder, "metric", c->metric);
    moe_json_number(builder, "published", c->published);
    moe_json_number(builder, "predicted", c->predicted);
    moe_json_number(builder, "published_step_time_s", c->published_step_s);
    moe_json_number(builder, "predicted_step_time_s", c->predicted_step_s);
    moe_json_number(builder, "error", c->error);
    moe_json_number(builder, "extrapolated_kernel_share", c->extrapolated_share);
  }
  json_builder_end_object(builder);
}

static void add_group(JsonBuilder *builder, const MoeCaseGroup *group)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", group->name);
  moe_json_integer(builder, "cases", group->n);
  moe_json_number(builder, "median_abs_error", group->median_abs_error);
  moe_json_number(builder, "p90_abs_error", group->p90_abs_error);
  moe_json_number(builder, "bias", group->bias);
  moe_json_number(builder, "rank_correlation", group->rank_correlation);
  json_builder_end_object(builder);
}

static void add_groups(JsonBuilder *builder, const MoeValidation *validation, MoeGroupBy by)
{
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n);

  moe_json_open_array(builder, "groups");
  for (guint g = 0; g < n; g++)
    add_group(builder, &groups[g]);
  json_builder_end_array(builder);
  moe_case_groups_free(groups, n);
}

static void add_layouts(JsonBuilder *builder, const MoeValidation *validation)
{
  MoeLayoutGroups layouts;

  moe_validation_layouts(validation, &layouts);
  moe_json_open_object(builder, "layout_groups");
  moe_json_integer(builder, "groups", layouts.n);
  moe_json_integer(builder, "first", layouts.n_first);
  moe_json_integer(builder, "top_three", layouts.n_top);
  moe_json_integer(builder, "large", layouts.n_large);
  moe_json_integer(builder, "large_top_three", layouts.n_large_top);
  json_builder_end_object(builder);
}

/* [published, predicted] of each. */
static void add_two(JsonBuilder *builder, const char *name, const double of[2])
{
  moe_json_open_object(builder, name);
  moe_json_number(builder, "published", of[0]);
  moe_json_number(builder, "predicted", of[1]);
  json_builder_end_object(builder);
}

static void add_splits(JsonBuilder *builder, const MoeValidation *validation)
{
  guint n = 0;
  g_autofree MoeStepSplit *splits = moe_validation_splits(validation, &n);

  moe_json_open_array(builder, "sizes");
  for (guint i = 0; i < n; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "most_micro_batches", validation->cases[splits[i].many].id);
    moe_json_text(builder, "fewest_micro_batches", validation->cases[splits[i].few].id);
    add_two(builder, "micro_batch_s", splits[i].batch_s);
    add_two(builder, "once_s", splits[i].once_s);
    add_two(builder, "efficiency", splits[i].efficiency);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

char *moe_report_validation_json(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_open_array(builder, "cases");
  for (guint i = 0; i < validation->n; i++)
    add_case(builder, &validation->cases[i]);
  json_builder_end_array(builder);
  add_groups(builder, validation, by);
  add_layouts(builder, validation);
  add_splits(builder, validation);
  moe_json_open_object(builder, "pairs");
  moe_json_integer(builder, "asked", validation->n_pairs);
  moe_json_integer(builder, "right", validation->n_pairs_right);
  json_builder_end_object(builder);
  moe_json_number(builder, "median_abs_error", validation->all.median_abs_error);
  moe_json_number(builder, "p90_abs_error", validation->all.p90_abs_error);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
