/* A prediction beside a profile: the record, and its tables. */
#include "report/diff.h"
#include "findings.h"
#include "record/json.h"

#include <math.h>
#include <string.h>

#define SHOWN_PRODUCTS 12 /* in a table; JSON and CSV have all */

/* ---- record ------------------------------------------------------------------------------------------------------ */

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

char *moe_report_diff_json(const MoeProfileDiff *diff)
{
  g_autoptr(JsonNode) record = describe_diff(diff);

  return moe_record_json(record);
}

char *moe_report_diff_csv(const MoeProfileDiff *diff)
{
  static const MoeColumn columns[] = {
      {"by", "by", "l"},
      {"name", "name", "l"},
      {"predicted_s", "predicted_s", "r"},
      {"measured_s", "measured_s", "r"},
      {"difference_s", "difference_s", "r"},
      {"difference_share", "difference_share", "r"},
      {"ratio", "ratio", "r"},
      {"predicted_kernels", "predicted_kernels", "r"},
      {"measured_kernels", "measured_kernels", "r"},
      {"meaning", "meaning", "l"},
  };
  g_autoptr(JsonNode) record = describe_diff(diff);

  return moe_record_csv(moe_record_list(record, "differences"), columns, G_N_ELEMENTS(columns));
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static const MoeLine lines[] = {
    {"measured", "{measured_step_time_s|s} per step, of {steps_profiled|%.4g} in the profile: {ratio|%.3f} x as long"},
    {"overlapped",
     "communication under kernels: predicted {predicted_overlapped_s|s}, measured {measured_overlapped_s|s}"},
};

static const MoeColumn columns[] = {
    {"", "name", "n"},
    {"predicted", "predicted_s", "r", "s"},
    {"measured", "measured_s", "r", "s"},
    {"of the step", "difference_share", "r", "+%"},
    {"kernels predicted", "predicted_kernels", "r2?", "%.0f"},
    {"kernels measured", "measured_kernels", "r2?", "%.0f"},
    {"what it would mean", "meaning", "w"},
};

/* The rows of one kind, at most `most` of them; *left: how many more there are. */
static JsonArray *rows_of(JsonNode *record, const char *by, guint most, guint *left)
{
  JsonArray *all = moe_record_list(record, "differences"), *some = json_array_new();

  *left = 0;
  for (guint i = 0; i < json_array_get_length(all); i++) {
    JsonNode *row = json_array_get_element(all, i);

    if (strcmp(moe_record_text(json_node_get_object(row), "by"), by) != 0)
      continue;
    if (json_array_get_length(some) < most)
      json_array_add_element(some, json_node_copy(row));
    else
      (*left)++;
  }
  return some;
}

/* "" of a kind without rows. */
static char *show_kind(JsonNode *record, MoeDiffKind kind, MoeSheet sheet)
{
  static const char *const titles[MOE_N_DIFFS] = {"by cause", "kernels by layer", "by class", "matrix products"};
  MoeColumn named[G_N_ELEMENTS(columns)];
  guint left = 0;
  g_autoptr(JsonArray) rows =
      rows_of(record, moe_diff_words[kind], kind == MOE_DIFF_PRODUCT ? SHOWN_PRODUCTS : G_MAXUINT, &left);

  memcpy(named, columns, sizeof columns);
  named[0].title = titles[kind];
  if (json_array_get_length(rows) == 0)
    return g_strdup("");
  g_autofree char *text = moe_record_rows(rows, named, G_N_ELEMENTS(named), sheet);
  g_autofree char *more = left > 0 ? g_strdup_printf("and %u more, in JSON and CSV\n", left) : g_strdup("");

  return g_strdup_printf("\n%s%s", text, more);
}

char *moe_report_diff_table(const MoeProfileDiff *diff, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_diff(diff);
  g_autoptr(MoeTable) head = moe_table_new("lw");
  GString *text = g_string_new(NULL);

  moe_table_add(head, "predicted");
  moe_table_take(head, moe_record_answer(json_node_get_object(record)));
  moe_record_lines(head, json_node_get_object(record), lines, G_N_ELEMENTS(lines));
  g_autofree char *both = moe_table_format(head, sheet);
  g_string_append(text, both);
  for (MoeDiffKind kind = 0; kind < MOE_N_DIFFS; kind++) {
    g_autofree char *rows = show_kind(record, kind, sheet);

    g_string_append(text, rows);
  }
  return g_string_free(text, FALSE);
}
