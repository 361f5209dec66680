/* Parts of iterations and kernel classes of a pair beside published ones. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* Name, published, predicted, error; what was not published stays open. */
static void add_part(JsonBuilder *builder, const char *id, const char *name, double published_s, double predicted_s)
{
  gboolean known = isfinite(published_s) && published_s > 0;

  json_builder_begin_object(builder);
  if (id)
    moe_json_text(builder, "case", id);
  moe_json_text(builder, "part", name);
  moe_json_number(builder, "published_s", known ? published_s : NAN);
  moe_json_number(builder, "predicted_s", predicted_s);
  moe_json_number(builder, "error", known ? predicted_s / published_s - 1 : NAN);
  json_builder_end_object(builder);
}

static double published_sum(const MoePartsCase *c)
{
  double sum = 0;

  for (guint i = 0; i < MOE_N_ITERATION_PARTS; i++)
    sum += isfinite(c->published_s[i]) ? c->published_s[i] : 0;
  return sum;
}

static void add_case(JsonBuilder *builder, const MoePartsCase *c)
{
  for (guint i = 0; i < MOE_N_ITERATION_PARTS; i++)
    add_part(builder, c->id, moe_iteration_part_words[i], c->published_s[i], moe_time_to_seconds(c->iteration.part[i]));
  add_part(builder, c->id, "sum", published_sum(c), moe_time_to_seconds(c->iteration.step));
}

/* In a table the first row of a case names it. */
static char *case_or_nothing(JsonObject *part)
{
  gboolean first = g_strcmp0(moe_record_text(part, "part"), moe_iteration_part_words[0]) == 0;

  return g_strdup(first ? moe_record_text(part, "case") : "");
}

static const MoeColumn case_columns[] = {
    {"case", "case", "l", .text = case_or_nothing},
    {"part", "part", "l"},
    {"published", "published_s", "r", "s"},
    {"predicted", "predicted_s", "r", "s"},
    {"error", "error", "r", "+%"},
};

char *moe_report_parts(const GPtrArray *cases, MoeSheet sheet)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < cases->len; i++)
    add_case(builder, cases->pdata[i]);
  json_builder_end_array(builder);
  return MOE_EMIT_WHOLE(json_builder_get_root(builder), case_columns, sheet);
}

static const MoeColumn pair_columns[] = {
    {"kernels", "part", "l"},
    {"profiled", "published_s", "r", "s"},
    {"predicted", "predicted_s", "r", "s"},
    {"error", "error", "r", "+%"},
};

char *moe_report_pair(const MoePairTrace *trace, const MoeIteration *iteration, MoeSheet sheet)
{
  double profiled_s = 0, predicted_s = 0;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint c = 0; c < MOE_N_PAIR_CLASSES; c++) {
    profiled_s += trace->class_s[c];
    predicted_s += iteration->pair_class_s[c];
    if (trace->class_s[c] > 0 || iteration->pair_class_s[c] > 0)
      add_part(builder, NULL, moe_pair_class_words[c], trace->class_s[c], iteration->pair_class_s[c]);
  }
  add_part(builder, NULL, "all kernels", profiled_s, predicted_s);
  add_part(builder, NULL, "duration", trace->pair_s, iteration->pair_s);
  json_builder_end_array(builder);
  return MOE_EMIT_WHOLE(json_builder_get_root(builder), pair_columns, sheet);
}
