/* A validation of memory: published peaks, and whether what ran fits. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>
#include <string.h>

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static double over_capacity(gconstpointer of)
{
  return moe_case_excess(of);
}

static char *ran_text(JsonObject *c)
{
  return g_strdup(moe_record_flag(c, "out_of_memory") ? "out of memory" : "ran");
}

static const MoeColumn case_fields[] = {
    {"wrong about", "id", "w"},
    {"stack", "stack", "w"},
    {"peak", "peak_bytes", "r", "B", MOE_AT(MoeCase, memory.peak_bytes)},
    {"capacity", "capacity_bytes", "r", "B", MOE_AT(MoeCase, memory.capacity_bytes)},
    {NULL, "headroom_bytes", MOE_AT(MoeCase, memory.headroom_bytes)},
    {NULL, "fits", MOE_FLAG(MoeCase, fits)},
    {NULL, "out_of_memory", MOE_FLAG(MoeCase, memory.out_of_memory)},
    {"over", "over_capacity", "r", "+%", MOE_RULE(over_capacity)},
    {"published", .place = "l", .text = ran_text},
};

static const MoeColumn peak_fields[] = {
    {"case", "id", "w"},
    {"stack", "stack", "w"},
    {"counted", "counted", "l", MOE_WORD(MoeCase, memory.kind, moe_memory_kind_words)},
    {"published", "published_bytes", "r", "B", MOE_AT(MoeCase, memory.published_bytes)},
    {"predicted", "predicted_bytes", "r", "B", MOE_AT(MoeCase, memory.predicted_bytes)},
    {"error", "error", "r", "+%", MOE_AT(MoeCase, memory.error)},
};

static void add_case(JsonBuilder *builder, const MoeCase *c)
{
  json_builder_begin_object(builder);
  moe_json_case(builder, c);
  if (!c->failure)
    MOE_DESCRIBE(builder, c, case_fields);
  if (!c->failure && c->memory.published_bytes > 0)
    MOE_DESCRIBE(builder, c, peak_fields);
  json_builder_end_object(builder);
}

static void add_wrong(JsonBuilder *builder, const MoeValidation *validation)
{
  g_autoptr(GPtrArray) wrong = moe_validation_wrong_fits(validation);

  moe_json_open_array(builder, "wrong");
  for (guint i = 0; i < wrong->len; i++)
    add_case(builder, wrong->pdata[i]);
  json_builder_end_array(builder);
}

/* ---- groups, answers --------------------------------------------------------------------------------------------- */

static const MoeColumn group_fields[] = {
    {"group", "name", "l", MOE_AT(MoeCaseGroup, name)},
    {"published peaks", "cases", "r", MOE_AT(MoeCaseGroup, n)},
    {"median |error|", "median_abs_error", "r", "%", MOE_AT(MoeCaseGroup, median_abs_error)},
    {"P90 |error|", "p90_abs_error", "r", "%", MOE_AT(MoeCaseGroup, p90_abs_error)},
    {"bias", "bias", "r", "+%", MOE_AT(MoeCaseGroup, bias)},
};

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

static const MoeColumn answer_columns[] = {
    {"published", "published", "l"},
    {"predicted to fit", "fit", "r"},
    {"predicted not to fit", "do_not_fit", "r"},
    {"share not", "share_not", "r", "%"},
};

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

/* ---- all --------------------------------------------------------------------------------------------------------- */

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
  MOE_LIST(builder, "groups", groups, n, group_fields);
  add_fit(builder, validation);
  add_wrong(builder, validation);
  json_builder_end_object(builder);
  moe_case_groups_free(groups, n);
  return json_builder_get_root(builder);
}

char *moe_report_validation_memory(const MoeValidation *validation, MoeGroupBy by, gboolean summary, MoeSheet sheet)
{
  MoeColumn groups[G_N_ELEMENTS(group_fields)];
  const MoePassage fit = {MOE_ROWS("fit.answers", answer_columns)};
  const MoePassage failures = {MOE_EACH("cases", "{id}: {failure}\n")};
  const MoePassage worst = {MOE_SAY("\nfarthest over capacity of those that ran: {fit.worst_excess|%}\n")};
  const MoePassage short_page[] = {
      fit, worst, {MOE_SAY("\n")}, {MOE_ROWS("groups", groups)}, {MOE_SAY("\n")}, failures,
  };
  const MoePassage long_page[] = {
      {MOE_ROWS("cases", peak_fields), .where = "published_bytes"},
      {MOE_SAY("\n")},
      {MOE_ROWS("wrong", case_fields)},
      {MOE_SAY("\n")},
      {MOE_ROWS("groups", groups)},
      {MOE_SAY("\n")},
      fit,
      worst,
      {MOE_SAY("\n")},
      failures,
  };
  const MoeForms brief = {MOE_PAGE(short_page), .rows = "cases"}, whole = {MOE_PAGE(long_page), .rows = "cases"};

  memcpy(groups, group_fields, sizeof groups);
  groups[0].title = moe_group_by_words[by];
  return moe_record_emit(describe_memory(validation, by), summary ? &brief : &whole, sheet);
}
