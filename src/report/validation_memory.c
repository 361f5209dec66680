/* A validation of memory: published peaks, and whether what ran fits. */
#include "findings.h"
#include "record/json.h"
#include "report/validation.h"

#include <math.h>
#include <string.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static void add_case(JsonBuilder *builder, const MoeCase *c)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "id", c->id);
  for (guint g = 0; g < MOE_N_GROUP_BY; g++)
    moe_json_text(builder, moe_group_by_words[g], c->group[g]);
  if (c->failure) {
    moe_json_text(builder, "failure", c->failure);
  } else {
    moe_json_number(builder, "peak_bytes", c->memory.peak_bytes);
    moe_json_number(builder, "capacity_bytes", c->memory.capacity_bytes);
    moe_json_number(builder, "headroom_bytes", c->memory.headroom_bytes);
    moe_json_bool(builder, "fits", c->fits);
    moe_json_bool(builder, "out_of_memory", c->memory.out_of_memory);
    moe_json_number(builder, "over_capacity", moe_case_excess(c));
  }
  if (!c->failure && c->memory.published_bytes > 0) {
    moe_json_text(builder, "counted", moe_memory_kind_words[c->memory.kind]);
    moe_json_number(builder, "published_bytes", c->memory.published_bytes);
    moe_json_number(builder, "predicted_bytes", c->memory.predicted_bytes);
    moe_json_number(builder, "error", c->memory.error);
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
  json_builder_end_object(builder);
}

/* What was published in one way: `n` predicted not to fit, and to fit. */
static void add_answers(JsonBuilder *builder, const char *published, const guint n[2])
{
  guint all = n[FALSE] + n[TRUE];

  json_builder_begin_object(builder);
  moe_json_text(builder, "published", published);
  moe_json_integer(builder, "fit", n[TRUE]);
  moe_json_integer(builder, "do_not_fit", n[FALSE]);
  moe_json_number(builder, "share_not", all > 0 ? (double)n[FALSE] / all : NAN);
  json_builder_end_object(builder);
}

static void add_fit(JsonBuilder *builder, const MoeValidation *validation)
{
  MoeFitTable fit;

  moe_validation_fit(validation, &fit);
  moe_json_open_object(builder, "fit");
  moe_json_integer(builder, "ran_fits", fit.n[FALSE][TRUE]);
  moe_json_integer(builder, "ran_does_not_fit", fit.n[FALSE][FALSE]);
  moe_json_integer(builder, "out_of_memory_fits", fit.n[TRUE][TRUE]);
  moe_json_integer(builder, "out_of_memory_does_not_fit", fit.n[TRUE][FALSE]);
  moe_json_number(builder, "worst_excess", fit.worst_excess);
  moe_json_open_array(builder, "answers");
  add_answers(builder, "ran", fit.n[FALSE]);
  add_answers(builder, "out of memory", fit.n[TRUE]);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static JsonNode *describe_memory(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_memory_groups(validation, by, &n);

  json_builder_begin_object(builder);
  moe_json_open_array(builder, "cases");
  for (guint i = 0; i < validation->n; i++)
    add_case(builder, &validation->cases[i]);
  json_builder_end_array(builder);
  moe_json_open_array(builder, "groups");
  for (guint g = 0; g < n; g++)
    add_group(builder, &groups[g]);
  json_builder_end_array(builder);
  add_fit(builder, validation);
  json_builder_end_object(builder);
  moe_case_groups_free(groups, n);
  return json_builder_get_root(builder);
}

char *moe_report_validation_memory_json(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonNode) record = describe_memory(validation, by);

  return moe_record_json(record);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static gboolean is_wrong(JsonObject *c)
{
  return json_object_has_member(c, "fits") && moe_record_flag(c, "fits") == moe_record_flag(c, "out_of_memory");
}

static gboolean has_peak(JsonObject *c)
{
  return json_object_has_member(c, "published_bytes");
}

static gint largest_first(gconstpointer a, gconstpointer b)
{
  JsonObject *x = json_node_get_object(*(JsonNode *const *)a), *y = json_node_get_object(*(JsonNode *const *)b);
  double ex = moe_record_number(x, "over_capacity"), ey = moe_record_number(y, "over_capacity");

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(moe_record_text(x, "id"), moe_record_text(y, "id"));
}

/* The cases that are so, by size of what they are over where they are sorted. */
static JsonArray *select_cases(JsonNode *record, gboolean (*is_so)(JsonObject *), gboolean sorted)
{
  JsonArray *cases = moe_record_list(record, "cases"), *selected = json_array_new();
  g_autoptr(GPtrArray) order = g_ptr_array_new();

  for (guint i = 0; i < json_array_get_length(cases); i++)
    if (is_so(json_array_get_object_element(cases, i)))
      g_ptr_array_add(order, json_array_get_element(cases, i));
  if (sorted)
    g_ptr_array_sort(order, largest_first);
  for (guint i = 0; i < order->len; i++)
    json_array_add_element(selected, json_node_copy(order->pdata[i]));
  return selected;
}

static char *ran_text(JsonObject *c)
{
  return g_strdup(moe_record_flag(c, "out_of_memory") ? "out of memory" : "ran");
}

static char *wrong_table(JsonNode *record, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"wrong about", "id", "w"},           {"stack", "stack", "w"},
      {"peak", "peak_bytes", "r", "B"},     {"capacity", "capacity_bytes", "r", "B"},
      {"over", "over_capacity", "r", "+%"}, {"published", .place = "l", .text = ran_text},
  };
  g_autoptr(JsonArray) wrong = select_cases(record, is_wrong, TRUE);

  return moe_record_rows(wrong, columns, G_N_ELEMENTS(columns), sheet);
}

static char *peaks_table(JsonNode *record, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"case", "id", "w"},
      {"stack", "stack", "w"},
      {"counted", "counted", "l"},
      {"published", "published_bytes", "r", "B"},
      {"predicted", "predicted_bytes", "r", "B"},
      {"error", "error", "r", "+%"},
  };
  g_autoptr(JsonArray) peaks = select_cases(record, has_peak, FALSE);

  return moe_record_rows(peaks, columns, G_N_ELEMENTS(columns), sheet);
}

static char *groups_table(JsonNode *record, MoeGroupBy by, MoeSheet sheet)
{
  const MoeColumn columns[] = {
      {moe_group_by_words[by], "name", "l"},
      {"published peaks", "cases", "r"},
      {"median |error|", "median_abs_error", "r", "%"},
      {"P90 |error|", "p90_abs_error", "r", "%"},
      {"bias", "bias", "r", "+%"},
  };

  return moe_record_rows(moe_record_list(record, "groups"), columns, G_N_ELEMENTS(columns), sheet);
}

static char *fit_table(JsonNode *record, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"published", "published", "l"},
      {"predicted to fit", "fit", "r"},
      {"predicted not to fit", "do_not_fit", "r"},
      {"share not", "share_not", "r", "%"},
  };
  g_autofree char *rows =
      moe_record_rows(moe_record_list(record, "fit.answers"), columns, G_N_ELEMENTS(columns), sheet);
  g_autofree char *worst =
      moe_record_say(json_node_get_object(record), "farthest over capacity of those that ran: {fit.worst_excess|%}");

  return g_strdup_printf("%s\n%s\n", rows, worst);
}

static char *failures(const MoeValidation *validation)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < validation->n; i++)
    if (validation->cases[i].failure)
      g_string_append_printf(text, "%s: %s\n", validation->cases[i].id, validation->cases[i].failure);
  return g_string_free(text, FALSE);
}

char *moe_report_validation_memory(const MoeValidation *validation, MoeGroupBy by, gboolean summary, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_memory(validation, by);
  g_autofree char *fit = fit_table(record, sheet);
  g_autofree char *groups = groups_table(record, by, sheet);
  g_autofree char *failed = failures(validation);

  if (summary)
    return g_strjoin("\n", fit, groups, failed, NULL);
  g_autofree char *wrong = wrong_table(record, sheet);
  g_autofree char *peaks = peaks_table(record, sheet);

  return g_strjoin("\n", peaks, wrong, groups, fit, failed, NULL);
}
