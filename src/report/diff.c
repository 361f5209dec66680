/* A prediction beside a profile. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

#define SHOWN_COLLECTIVES 12
#define SHOWN_PRODUCTS    12 /* in a table; JSON and CSV have all */

static void add_row(JsonBuilder *builder, const MoeProfileDiff *diff, const MoeDiffRow *row)
{
  gboolean both = row->predicted_s > 0 && row->measured_s > 0, counted = row->predicted_n + row->measured_n > 0;

  json_builder_begin_object(builder);
  moe_json_text(builder, "by", moe_diff_words[row->kind]);
  moe_json_text(builder, "name", row->name);
  moe_json_number(builder, "predicted_s", row->predicted_s);
  moe_json_number(builder, "measured_s", row->measured_s);
  moe_json_number(builder, "difference_s", row->measured_s - row->predicted_s);
  moe_json_number(builder, "difference_share", (row->measured_s - row->predicted_s) / diff->measured_step_s);
  moe_json_number(builder, "ratio", both ? row->measured_s / row->predicted_s : NAN);
  moe_json_number(builder, "predicted_kernels", counted ? row->predicted_n : NAN);
  moe_json_number(builder, "measured_kernels", counted ? row->measured_n : NAN);
  moe_json_text(builder, "meaning", row->meaning);
  json_builder_end_object(builder);
}

static JsonNode *describe_diff(const MoeProfileDiff *diff)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_answer(builder, diff->result);
  moe_json_integer(builder, "rank", diff->rank);
  moe_json_number(builder, "steps_profiled", diff->steps);
  moe_json_number(builder, "measured_step_time_s", diff->measured_step_s);
  moe_json_number(builder, "ratio", diff->measured_step_s / diff->result->step_time_s);
  moe_json_number(builder, "predicted_overlapped_s", diff->predicted_overlapped_s);
  moe_json_number(builder, "measured_overlapped_s", diff->measured_overlapped_s);
  moe_json_open_array(builder, "differences");
  for (guint i = 0; i < diff->rows->len; i++)
    add_row(builder, diff, &g_array_index(diff->rows, MoeDiffRow, i));
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

#define COLUMNS(title)                                                                                                 \
  {                                                                                                                    \
    {title, "name", "n"}, {"predicted", "predicted_s", "r", "s"}, {"measured", "measured_s", "r", "s"},                \
        {"of the step", "difference_share", "r", "+%"}, {"kernels predicted", "predicted_kernels", "r2?", "%.0f"},     \
        {"kernels measured", "measured_kernels", "r2?", "%.0f"}, {"what it would mean", "meaning", "w"},               \
  }
#define KIND(word, columns) MOE_ROWS("differences", columns), .where = "by=" word, .above = "\n"

char *moe_report_diff(const MoeProfileDiff *diff, MoeSheet sheet)
{
  static const MoeColumn causes[] = COLUMNS("by cause"), layers[] = COLUMNS("kernels by layer"),
                         classes[] = COLUMNS("by class"), products[] = COLUMNS("matrix products");
  static const MoeLine lines[] = {
      {"predicted", .made = moe_record_answer},
      {"measured",
       "{measured_step_time_s|s} per step, of {steps_profiled|%.4g} in the profile: {ratio|%.3f} x as long"},
      {"overlapped",
       "communication under kernels: predicted {predicted_overlapped_s|s}, measured {measured_overlapped_s|s}"},
  };
  static const MoePassage page[] = {
      {MOE_LINES(lines)},
      {KIND("cause", causes)},
      {KIND("layer", layers)},
      {KIND("class", classes)},
      {KIND("product", products), .most = SHOWN_PRODUCTS},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "differences"};

  return moe_record_emit(describe_diff(diff), &forms, sheet);
}

/* ---- what a profile teaches -------------------------------------------------------------------------------------- */

/* NaN where one side has nothing. */
static double less_one(double predicted_s, double measured_s)
{
  return predicted_s > 0 && measured_s > 0 ? predicted_s / measured_s - 1 : NAN;
}

static double error_before(gconstpointer of)
{
  const MoeFragmentRow *row = of;

  return less_one(row->before_s, row->measured_s);
}

static double error_after(gconstpointer of)
{
  const MoeFragmentRow *row = of;

  return less_one(row->after_s, row->measured_s);
}

static double error_kept(gconstpointer of)
{
  const MoeFragmentRow *row = of;

  return less_one(row->after_s, row->kept_s);
}

static const MoeColumn taught[] = {
    {"class", "class", "n", MOE_WORD(MoeFragmentRow, klass, moe_seen_words)},
    {"pass", "pass", "l", "text", MOE_AT(MoeFragmentRow, pass)},
    {"kernels measured", "measured_kernels", "r2", "#", MOE_AT(MoeFragmentRow, n)},
    {"measured", "measured_s", "r", "s", MOE_AT(MoeFragmentRow, measured_s)},
    {"predicted before", "predicted_before_s", "r2", "s", MOE_AT(MoeFragmentRow, before_s)},
    {NULL, "error_before", MOE_RULE(error_before)},
    {"predicted after", "predicted_after_s", "r2", "s", MOE_AT(MoeFragmentRow, after_s)},
    {"error", "error_after", "r", "+%", MOE_RULE(error_after)},
    {NULL, "kept_s", MOE_AT(MoeFragmentRow, kept_s)},
    {"error in steps not fitted", "error_kept", "r2?", "+%", MOE_RULE(error_kept)},
    {NULL, "fitted", MOE_FLAG(MoeFragmentRow, fitted)},
};

static double host_after(gconstpointer of)
{
  const MoeHostRow *row = of;

  return row->refused ? NAN : row->cost.median_s;
}

static const MoeColumn host_costs[] = {
    {"host", "key", "n", MOE_AT(MoeHostRow, key)},
    {"records", "records", "r", "#", MOE_AT(MoeHostRow, cost.n)},
    {"before", "before_s", "r", "s", MOE_AT(MoeHostRow, before_s)},
    {"after", "after_s", "r", "s", MOE_RULE(host_after)},
    {"records not fitted", "records_kept", "r2", "#", MOE_AT(MoeHostRow, cost.kept)},
    {"their distance", "residual_median", "r", "%", MOE_GIVEN(MoeHostRow, cost.residual_median)},
    {"P90", "residual_p90", "r", "%", MOE_GIVEN(MoeHostRow, cost.residual_p90)},
    {"left as it was, because", "refused", "w1", "text", MOE_AT(MoeHostRow, refused)},
};

static double link_after(gconstpointer of)
{
  const MoeLinkRow *row = of;

  return row->refused ? NAN : row->after;
}

static const MoeColumn links[] = {
    {"links", "key", "n", MOE_AT(MoeLinkRow, key)},
    {"records", "records", "r", "#", MOE_AT(MoeLinkRow, n)},
    {"before", "before", "r", "%.3g", MOE_AT(MoeLinkRow, before)},
    {"after", "after", "r", "%.3g", MOE_RULE(link_after)},
    {"records not fitted", "records_kept", "r2", "#", MOE_AT(MoeLinkRow, kept)},
    {"their error", "residual_median", "r", "%", MOE_AT(MoeLinkRow, residual_median)},
    {"P90", "residual_p90", "r", "%", MOE_AT(MoeLinkRow, residual_p90)},
    {"left as it was, because", "refused", "w1", "text", MOE_AT(MoeLinkRow, refused)},
};

static double record_error(gconstpointer of)
{
  const MoeLinkRecord *row = of;

  return less_one(row->after_s, row->measured_s);
}

static const MoeColumn records[] = {
    {"collective", "collective", "n", MOE_AT(MoeLinkRecord, collective)},
    {"ranks", "ranks", "r", "#", MOE_AT(MoeLinkRecord, ranks)},
    {"over", "over", "l", "text", MOE_AT(MoeLinkRecord, over)},
    {"size", "bytes", "r", "B", MOE_AT(MoeLinkRecord, bytes)},
    {"times", "times", "r", "#", MOE_AT(MoeLinkRecord, n)},
    {"shortest", "measured_s", "r", "s", MOE_AT(MoeLinkRecord, measured_s)},
    {"predicted before", "predicted_before_s", "r2", "s", MOE_AT(MoeLinkRecord, before_s)},
    {"predicted after", "predicted_after_s", "r2", "s", MOE_AT(MoeLinkRecord, after_s)},
    {"error", "error_after", "r", "+%", MOE_RULE(record_error)},
    {"learned from", "learned", "l", "yes", MOE_FLAG(MoeLinkRecord, learned)},
};

static JsonNode *describe_fragment(const MoeProfileFragment *fragment)
{
  const MoeFragmentRow *rows = (gconstpointer)fragment->rows->data;
  const MoeHostRow *host = (gconstpointer)fragment->host->data;
  const MoeLinkRow *link = (gconstpointer)fragment->links->data;
  const MoeLinkRecord *record = (gconstpointer)fragment->collectives->data;
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_answer(builder, fragment->result);
  moe_json_integer(builder, "rank", fragment->rank);
  moe_json_number(builder, "steps_profiled", fragment->steps);
  moe_json_number(builder, "measured_step_time_s", fragment->measured_step_s);
  moe_json_number(builder, "step_time_before_s", fragment->before_step_s);
  moe_json_number(builder, "ratio", fragment->measured_step_s / fragment->result->step_time_s);
  MOE_LIST(builder, "classes", rows, fragment->rows->len, taught);
  MOE_LIST(builder, "host", host, fragment->host->len, host_costs);
  MOE_LIST(builder, "links", link, fragment->links->len, links);
  MOE_LIST(builder, "collectives", record, fragment->collectives->len, records);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_fragment(const MoeProfileFragment *fragment, MoeSheet sheet)
{
  static const MoeLine lines[] = {
      {"before", "{step_time_before_s|s} per step by the constants of its cluster"},
      {"after", .made = moe_record_answer},
      {"measured",
       "{measured_step_time_s|s} per step, of {steps_profiled|%.4g} in the profile: {ratio|%.3f} x as long"},
  };
  static const MoePassage page[] = {
      {MOE_LINES(lines)},
      {MOE_ROWS("classes", taught), .above = "\n"},
      {MOE_ROWS("host", host_costs), .above = "\n"},
      {MOE_ROWS("links", links), .above = "\n"},
      {MOE_ROWS("collectives", records), .most = SHOWN_COLLECTIVES, .above = "\n"},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "classes"};

  return moe_record_emit(describe_fragment(fragment), &forms, sheet);
}
