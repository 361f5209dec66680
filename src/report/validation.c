/* A validation: cases, groups, pairs, sizes, intervals. */
#include "base/base.h"
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>
#include <string.h>

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static char *note(JsonObject *record)
{
  const char *failure = moe_record_text(record, "failure");

  return g_strdup(failure ? failure : moe_record_flag(record, "fits") ? "" : "does not fit");
}

/* Columns of a case; from `metric` on, members of one that was predicted. */
static const MoeColumn case_fields[] = {
    {"case", "id", "l"},
    {"GPUs", "gpus", "r3"},
    {"metric", "metric", "l1", "text", MOE_AT(MoeCase, metric)},
    {"published", "published", "r2", "%.4g", MOE_AT(MoeCase, published)},
    {"predicted", "predicted", "r2", "%.4g", MOE_AT(MoeCase, predicted)},
    {"step published", "published_step_time_s", "r", "s", MOE_AT(MoeCase, published_step_s)},
    {"step predicted", "predicted_step_time_s", "r", "s", MOE_AT(MoeCase, predicted_step_s)},
    {"error", "error", "r", "+%", MOE_AT(MoeCase, error)},
    {NULL, "extrapolated_kernel_share", MOE_AT(MoeCase, extrapolated_share)},
    {NULL, "waiting_share", MOE_AT(MoeCase, waiting_share)},
    {NULL, "fits", MOE_FLAG(MoeCase, fits)},
    {"note", .place = "w", .text = note},
};

void moe_json_case(JsonBuilder *builder, const MoeCase *c)
{
  moe_json_text(builder, "id", c->id);
  for (guint g = 0; g < MOE_N_GROUP_BY; g++)
    moe_json_text(builder, moe_group_by_words[g], c->group[g]);
  if (c->failure)
    moe_json_text(builder, "failure", c->failure);
}

static gint worse_first(gconstpointer a, gconstpointer b)
{
  const MoeCase *x = *(const MoeCase *const *)a, *y = *(const MoeCase *const *)b;
  double ex = x->failure ? INFINITY : fabs(x->error), ey = y->failure ? INFINITY : fabs(y->error);

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(x->id, y->id);
}

static void add_cases(JsonBuilder *builder, const MoeValidation *validation, gboolean worst_first)
{
  g_autoptr(GPtrArray) order = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    g_ptr_array_add(order, &validation->cases[i]);
  if (worst_first)
    g_ptr_array_sort(order, worse_first);
  moe_json_open_array(builder, "cases");
  for (guint i = 0; i < order->len; i++) {
    const MoeCase *c = order->pdata[i];

    json_builder_begin_object(builder);
    moe_json_case(builder, c);
    moe_json_integer(builder, "gpus", c->gpus);
    if (!c->failure)
      MOE_DESCRIBE(builder, c, case_fields);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

static const MoeColumn group_fields[] = {
    {"group", "name", "l", MOE_AT(MoeCaseGroup, name)},
    {"cases", "cases", "r", MOE_AT(MoeCaseGroup, n)},
    {"median |error|", "median_abs_error", "r", "%", MOE_AT(MoeCaseGroup, median_abs_error)},
    {"P90 |error|", "p90_abs_error", "r", "%", MOE_AT(MoeCaseGroup, p90_abs_error)},
    {"bias", "bias", "r", "+%", MOE_AT(MoeCaseGroup, bias)},
    {"rank correlation", "rank_correlation", "r", "%.2f", MOE_AT(MoeCaseGroup, rank_correlation)},
};

/* Groups; `page`: and those with cases above all of them. */
static void add_groups(JsonBuilder *builder, const MoeValidation *validation, MoeGroupBy by, gboolean page)
{
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n);

  MOE_LIST(builder, "groups", groups, n, group_fields);
  if (page) {
    moe_json_open_array(builder, "groups_with_cases");
    for (guint g = 0; g < n; g++)
      MOE_LIST(builder, NULL, &groups[g], groups[g].n > 0, group_fields);
    MOE_LIST(builder, NULL, &validation->all, 1, group_fields);
    json_builder_end_array(builder);
  }
  moe_case_groups_free(groups, n);
}

/* ---- intervals --------------------------------------------------------------------------------------------------- */

static double constant_factor(gconstpointer of)
{
  return 1 + ((const MoeCoverage *)of)->constant;
}

static const MoeColumn coverage_fields[] = {
    {"intervals", "name", "l", MOE_AT(MoeCoverage, name)},
    {"cases", "cases", "r", "#", MOE_AT(MoeCoverage, n)},
    {"in P10-P90", "inside_p10_p90", "r", "%", MOE_AT(MoeCoverage, inside_80)},
    {"in P5-P95", "inside_p5_p95", "r", "%", MOE_AT(MoeCoverage, inside_90)},
    {"width", "median_width", "r", "%", MOE_AT(MoeCoverage, width)},
    {"CRPS", "crps", "r", "%.4f", MOE_AT(MoeCoverage, crps)},
    {NULL, "constant.factor", MOE_RULE(constant_factor)},
    {"constant: P10-P90", "constant.inside_p10_p90", "r", "%", MOE_AT(MoeCoverage, constant_80)},
    {"constant: P5-P95", "constant.inside_p5_p95", "r", "%", MOE_AT(MoeCoverage, constant_90)},
    {NULL, "constant.width", MOE_AT(MoeCoverage, constant_width)},
    {"constant: CRPS", "constant.crps", "r", "%.4f", MOE_AT(MoeCoverage, constant_crps)},
};

static void add_coverage(JsonBuilder *builder, const MoeValidation *validation)
{
  guint n = 0;
  MoeCoverage *coverage = moe_coverage(validation, &n);

  MOE_LIST(builder, "coverage", coverage, n, coverage_fields);
  moe_coverage_free(coverage, n);
}

/* Of all cases, the last of the list. */
static char *constant_text(JsonObject *record)
{
  JsonArray *groups = json_object_get_array_member(record, "coverage");

  return moe_record_say(json_array_get_object_element(groups, json_array_get_length(groups) - 1),
                        "\nintervals of the model's own error, each family's from the other families; constant: a\n"
                        "factor of {constant.factor|%.3f} either way, which holds as many of all cases and is "
                        "{constant.width|%} wide\n");
}

/* ---- layouts and sizes ------------------------------------------------------------------------------------------- */

static const MoeColumn layout_fields[] = {
    {NULL, "layout_groups.groups", MOE_AT(MoeLayoutGroups, n)},
    {NULL, "layout_groups.first", MOE_AT(MoeLayoutGroups, n_first)},
    {NULL, "layout_groups.top_three", MOE_AT(MoeLayoutGroups, n_top)},
    {NULL, "layout_groups.large", MOE_AT(MoeLayoutGroups, n_large)},
    {NULL, "layout_groups.large_top_three", MOE_AT(MoeLayoutGroups, n_large_top)},
};

static const MoeColumn size_fields[] = {
    {"most micro-batches", "most_micro_batches", "w"},
    {"fewest", "fewest_micro_batches", "w"},
    {"t published", "micro_batch_s.published", "r", "s", MOE_AT(MoeStepSplit, batch_s[0])},
    {"t predicted", "micro_batch_s.predicted", "r", "s", MOE_AT(MoeStepSplit, batch_s[1])},
    {"F published", "once_s.published", "r", "s", MOE_AT(MoeStepSplit, once_s[0])},
    {"F predicted", "once_s.predicted", "r", "s", MOE_AT(MoeStepSplit, once_s[1])},
    {"efficiency", "efficiency.published", "r", "%", MOE_AT(MoeStepSplit, efficiency[0])},
    {"predicted", "efficiency.predicted", "r", "%", MOE_AT(MoeStepSplit, efficiency[1])},
};

static void add_sizes(JsonBuilder *builder, const MoeValidation *validation)
{
  guint n = 0;
  g_autofree MoeStepSplit *splits = moe_validation_splits(validation, &n);

  moe_json_open_array(builder, "sizes");
  for (guint i = 0; i < n; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "most_micro_batches", validation->cases[splits[i].many].id);
    moe_json_text(builder, "fewest_micro_batches", validation->cases[splits[i].few].id);
    MOE_DESCRIBE(builder, &splits[i], size_fields);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* |predicted / published - 1|, or with `points` their difference. */
static double size_error(JsonObject *size, const char *of, gboolean points)
{
  g_autofree char *before = g_strconcat(of, ".published", NULL), *after = g_strconcat(of, ".predicted", NULL);
  double published = moe_record_number(size, before), predicted = moe_record_number(size, after);

  if (points)
    return fabs(predicted - published);
  return fabs(published) > 0 ? fabs(predicted / published - 1) : INFINITY;
}

static char *sizes_text(JsonObject *record)
{
  static const char *const of[] = {"micro_batch_s", "once_s", "efficiency"};
  JsonArray *sizes = json_object_get_array_member(record, "sizes");
  guint n = json_array_get_length(sizes);
  double median[G_N_ELEMENTS(of)];

  for (guint k = 0; k < G_N_ELEMENTS(of) && n > 0; k++) {
    g_autofree double *error = g_new(double, n);

    for (guint i = 0; i < n; i++)
      error[i] = size_error(json_array_get_object_element(sizes, i), of[k], k == 2);
    median[k] = moe_quantile(error, n, 0.5);
  }
  return n == 0 ? NULL
                : g_strdup_printf("\n%u runs of several sizes, median error: per micro-batch %.1f %%, once per step "
                                  "%.0f %%,\nefficiency against size %.1f points\n",
                                  n, 100 * median[0], 100 * median[1], 100 * median[2]);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static double right_share(gconstpointer of)
{
  const MoePairCount *count = of;

  return (double)count->right / count->asked;
}

static const MoeColumn kind_fields[] = {
    {"pairs that differ in", "differ_in", "l", MOE_AT(MoePairCount, differs)},
    {"asked", "asked", "r", MOE_AT(MoePairCount, asked)},
    {"right", "right", "r", MOE_AT(MoePairCount, right)},
    {"share", "share", "r", "%", MOE_RULE(right_share)},
    {"beyond 5 %", "clear_asked", "r", MOE_AT(MoePairCount, clear_asked)},
    {"right of these", "clear_right", "r", MOE_AT(MoePairCount, clear_right)},
};

static const MoeColumn wrong_fields[] = {
    {"measured faster", "faster", "w"},
    {"than", "slower", "w"},
    {"differ in", "differ_in", "w", MOE_WORD(MoeCasePair, differs, moe_differs_words)},
    {"measured ratio", "published_ratio", "r", "%.3f", MOE_AT(MoeCasePair, published_ratio)},
    {"predicted ratio", "predicted_ratio", "r", "%.3f", MOE_AT(MoeCasePair, predicted_ratio)},
};

static void add_pairs(JsonBuilder *builder, const MoeValidation *validation)
{
  MoePairCount kinds[MOE_N_DIFFERS + 1];

  moe_json_open_object(builder, "pairs");
  moe_json_integer(builder, "asked", validation->n_pairs);
  moe_json_integer(builder, "right", validation->n_pairs_right);
  MOE_LIST(builder, "kinds", kinds, moe_validation_pair_counts(validation, kinds), kind_fields);
  moe_json_open_array(builder, "wrong");
  for (guint i = 0; i < validation->n_pairs; i++) {
    const MoeCasePair *pair = &validation->pairs[i];

    if (pair->right)
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "faster", validation->cases[pair->a].id);
    moe_json_text(builder, "slower", validation->cases[pair->b].id);
    MOE_DESCRIBE(builder, pair, wrong_fields);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static JsonNode *describe_validation(const MoeValidation *validation, const MoeValidationView *view, gboolean page)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  static const char *const extrapolated[] = {"median", "p90"};
  double median, p90;
  MoeLayoutGroups layouts;

  moe_validation_extrapolated(validation, &median, &p90);
  moe_validation_layouts(validation, &layouts);
  json_builder_begin_object(builder);
  add_cases(builder, validation, view->worst_first);
  add_groups(builder, validation, view->by, page);
  add_coverage(builder, validation);
  MOE_DESCRIBE(builder, &layouts, layout_fields);
  add_sizes(builder, validation);
  add_pairs(builder, validation);
  moe_json_number(builder, "median_abs_error", validation->all.median_abs_error);
  moe_json_number(builder, "p90_abs_error", validation->all.p90_abs_error);
  moe_json_integer(builder, "cases_without_prediction", validation->n_failed);
  moe_json_words(builder, "extrapolated_kernel_share", extrapolated, (const double[]){median, p90}, 2);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

static const MoePassage cases_page[] = {{MOE_ROWS("cases", case_fields)}, {MOE_SAY("\n")}};
static const MoePassage wrong_page[] = {{MOE_ROWS("pairs.wrong", wrong_fields)}, {MOE_SAY("\n")}};
static const MoePassage sizes_page[] = {{MOE_ROWS("sizes", size_fields)}, {MOE_SAY("\n")}};

static void append_page(GString *text, JsonNode *record, const MoePassage *pieces, guint n, MoeSheet sheet)
{
  g_autofree char *page = moe_record_page(record, pieces, n, sheet);

  g_string_append(text, page);
}

static char *validation_page(JsonNode *record, const MoeValidationView *view, MoeSheet sheet)
{
  MoeColumn groups[G_N_ELEMENTS(group_fields)];
  const MoePassage summary[] = {
      {MOE_ROWS("groups_with_cases", groups)},
      {MOE_SAY("\n")},
      {MOE_SAY_IF("cases_without_prediction", "{cases_without_prediction} cases without a prediction\n\n")},
      {MOE_ROWS("pairs.kinds", kind_fields), .above = ""},
      {MOE_SAY_IF("layout_groups.groups", "\nfastest published layout predicted fastest: {layout_groups.first} of "
                                          "{layout_groups.groups} groups; among the first three: "
                                          "{layout_groups.top_three},\nand {layout_groups.large_top_three} of the "
                                          "{layout_groups.large} groups that have more than three\n")},
      {MOE_SAID(sizes_text)},
      {MOE_SAY("\nkernel time priced beyond what was measured: median {extrapolated_kernel_share.median|%} of a case, "
               "P90 {extrapolated_kernel_share.p90|%}\n")},
      {MOE_SAY("\n")},
      {MOE_ROWS("coverage", coverage_fields)},
      {MOE_SAID(constant_text)},
  };
  GString *text = g_string_new(NULL);

  memcpy(groups, group_fields, sizeof groups);
  groups[0].title = moe_group_by_words[view->by];
  if (!view->summary)
    append_page(text, record, cases_page, G_N_ELEMENTS(cases_page), sheet);
  if (view->wrong_pairs)
    append_page(text, record, wrong_page, G_N_ELEMENTS(wrong_page), sheet);
  if (view->once)
    append_page(text, record, sizes_page, G_N_ELEMENTS(sizes_page), sheet);
  append_page(text, record, summary, G_N_ELEMENTS(summary), sheet);
  return g_string_free(text, FALSE);
}

char *moe_report_validation(const MoeValidation *validation, const MoeValidationView *view, MoeSheet sheet)
{
  static const MoeForms forms = {MOE_CSV("cases", case_fields)};
  gboolean page = sheet.format == MOE_FORMAT_TABLE;
  MoeValidationView in_order = {.by = view->by};
  g_autoptr(JsonNode) record = describe_validation(validation, page ? view : &in_order, page);

  return page ? validation_page(record, view, sheet) : moe_record_emit(g_steal_pointer(&record), &forms, sheet);
}
