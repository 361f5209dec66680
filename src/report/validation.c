/* A validation: record, tables of cases, pairs and sizes. */
#include "report/validation.h"
#include "base/base.h"
#include "coverage.h"
#include "findings.h"
#include "record/json.h"

#include <math.h>
#include <string.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static void add_prediction(JsonBuilder *builder, const MoeCase *c)
{
  moe_json_text(builder, "metric", c->metric);
  moe_json_number(builder, "published", c->published);
  moe_json_number(builder, "predicted", c->predicted);
  moe_json_number(builder, "published_step_time_s", c->published_step_s);
  moe_json_number(builder, "predicted_step_time_s", c->predicted_step_s);
  moe_json_number(builder, "error", c->error);
  moe_json_number(builder, "extrapolated_kernel_share", c->extrapolated_share);
  moe_json_number(builder, "waiting_share", c->waiting_share);
  moe_json_bool(builder, "fits", c->fits);
}

static void add_case(JsonBuilder *builder, const MoeCase *c)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "id", c->id);
  for (guint g = 0; g < MOE_N_GROUP_BY; g++)
    moe_json_text(builder, moe_group_by_words[g], c->group[g]);
  if (c->failure)
    moe_json_text(builder, "failure", c->failure);
  moe_json_integer(builder, "gpus", c->gpus);
  if (!c->failure)
    add_prediction(builder, c);
  json_builder_end_object(builder);
}

static gint worse_first(gconstpointer a, gconstpointer b)
{
  const MoeCase *x = *(const MoeCase *const *)a, *y = *(const MoeCase *const *)b;
  double ex = x->failure ? INFINITY : fabs(x->error), ey = y->failure ? INFINITY : fabs(y->error);

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(x->id, y->id);
}

/* The open list gets them. */
static void add_cases(JsonBuilder *builder, const MoeValidation *validation, gboolean worst_first)
{
  g_autoptr(GPtrArray) order = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    g_ptr_array_add(order, &validation->cases[i]);
  if (worst_first)
    g_ptr_array_sort(order, worse_first);
  for (guint i = 0; i < order->len; i++)
    add_case(builder, order->pdata[i]);
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

static void add_groups(JsonBuilder *builder, const MoeValidation *validation, MoeGroupBy by, gboolean empty)
{
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_group(validation, by, &n);

  for (guint g = 0; g < n; g++)
    if (empty || groups[g].n > 0)
      add_group(builder, &groups[g]);
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

/* Pairs that differ in one thing, or with MOE_N_DIFFERS all; without any there is nothing to say. */
static void add_pairs_of(JsonBuilder *builder, const MoeValidation *validation, guint differs)
{
  gboolean all = differs == MOE_N_DIFFERS;
  guint n = 0, right = 0;

  for (guint i = 0; i < validation->n_pairs; i++)
    if (all || validation->pairs[i].differs == (MoeDiffers)differs) {
      n++;
      right += validation->pairs[i].right;
    }
  if (n == 0)
    return;
  json_builder_begin_object(builder);
  moe_json_text(builder, "differ_in", all ? "all" : moe_differs_words[differs]);
  moe_json_integer(builder, "asked", n);
  moe_json_integer(builder, "right", right);
  moe_json_number(builder, "share", (double)right / n);
  json_builder_end_object(builder);
}

static void add_wrong_pair(JsonBuilder *builder, const MoeValidation *validation, const MoeCasePair *pair)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "faster", validation->cases[pair->a].id);
  moe_json_text(builder, "slower", validation->cases[pair->b].id);
  moe_json_text(builder, "differ_in", moe_differs_words[pair->differs]);
  moe_json_number(builder, "published_ratio", pair->published_ratio);
  moe_json_number(builder, "predicted_ratio", pair->predicted_ratio);
  json_builder_end_object(builder);
}

static void add_pairs(JsonBuilder *builder, const MoeValidation *validation)
{
  moe_json_open_object(builder, "pairs");
  moe_json_integer(builder, "asked", validation->n_pairs);
  moe_json_integer(builder, "right", validation->n_pairs_right);
  moe_json_open_array(builder, "kinds");
  for (guint d = 0; d <= MOE_N_DIFFERS; d++)
    add_pairs_of(builder, validation, d);
  json_builder_end_array(builder);
  moe_json_open_array(builder, "wrong");
  for (guint i = 0; i < validation->n_pairs; i++)
    if (!validation->pairs[i].right)
      add_wrong_pair(builder, validation, &validation->pairs[i]);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static JsonNode *describe_validation(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_open_array(builder, "cases");
  add_cases(builder, validation, FALSE);
  json_builder_end_array(builder);
  moe_json_open_array(builder, "groups");
  add_groups(builder, validation, by, TRUE);
  json_builder_end_array(builder);
  moe_coverage_describe(builder, validation);
  add_layouts(builder, validation);
  add_splits(builder, validation);
  add_pairs(builder, validation);
  moe_json_number(builder, "median_abs_error", validation->all.median_abs_error);
  moe_json_number(builder, "p90_abs_error", validation->all.p90_abs_error);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_validation_json(const MoeValidation *validation, MoeGroupBy by)
{
  g_autoptr(JsonNode) record = describe_validation(validation, by);

  return moe_record_json(record);
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

static char *note(JsonObject *record)
{
  const char *failure = moe_record_text(record, "failure");

  return g_strdup(failure ? failure : moe_record_flag(record, "fits") ? "" : "does not fit");
}

static const MoeColumn case_columns[] = {
    {"case", "id", "l"},
    {"GPUs", "gpus", "r3"},
    {"metric", "metric", "l1", "text"},
    {"published", "published", "r2", "%.4g"},
    {"predicted", "predicted", "r2", "%.4g"},
    {"step published", "published_step_time_s", "r", "s"},
    {"step predicted", "predicted_step_time_s", "r", "s"},
    {"error", "error", "r", "+%"},
    {"note", .place = "w", .text = note},
};

static JsonNode *describe_cases(const MoeValidation *validation, gboolean worst_first)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  add_cases(builder, validation, worst_first);
  json_builder_end_array(builder);
  return json_builder_get_root(builder);
}

char *moe_report_validation_cases(const MoeValidation *validation, gboolean worst_first, MoeSheet sheet)
{
  g_autoptr(JsonNode) cases = describe_cases(validation, worst_first);

  return moe_record_rows(json_node_get_array(cases), case_columns, G_N_ELEMENTS(case_columns), sheet);
}

char *moe_report_validation_csv(const MoeValidation *validation)
{
  g_autoptr(JsonNode) cases = describe_cases(validation, FALSE);

  return moe_record_csv(json_node_get_array(cases), case_columns, G_N_ELEMENTS(case_columns));
}

char *moe_report_validation_wrong_pairs(const MoeValidation *validation, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"measured faster", "faster", "w"},
      {"than", "slower", "w"},
      {"differ in", "differ_in", "w"},
      {"measured ratio", "published_ratio", "r", "%.3f"},
      {"predicted ratio", "predicted_ratio", "r", "%.3f"},
  };
  g_autoptr(JsonNode) record = describe_validation(validation, MOE_GROUP_BY_FAMILY);

  return moe_record_rows(moe_record_list(record, "pairs.wrong"), columns, G_N_ELEMENTS(columns), sheet);
}

char *moe_report_validation_once(const MoeValidation *validation, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"most micro-batches", "most_micro_batches", "w"},    {"fewest", "fewest_micro_batches", "w"},
      {"t published", "micro_batch_s.published", "r", "s"}, {"t predicted", "micro_batch_s.predicted", "r", "s"},
      {"F published", "once_s.published", "r", "s"},        {"F predicted", "once_s.predicted", "r", "s"},
      {"efficiency", "efficiency.published", "r", "%"},     {"predicted", "efficiency.predicted", "r", "%"},
  };
  g_autoptr(JsonNode) record = describe_validation(validation, MOE_GROUP_BY_FAMILY);

  return moe_record_rows(moe_record_list(record, "sizes"), columns, G_N_ELEMENTS(columns), sheet);
}

/* ---- summary ----------------------------------------------------------------------------------------------------- */

static char *groups_table(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet)
{
  const MoeColumn columns[] = {
      {moe_group_by_words[by], "name", "l"},
      {"cases", "cases", "r"},
      {"median |error|", "median_abs_error", "r", "%"},
      {"P90 |error|", "p90_abs_error", "r", "%"},
      {"bias", "bias", "r", "+%"},
      {"rank correlation", "rank_correlation", "r", "%.2f"},
  };
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  add_groups(builder, validation, by, FALSE);
  add_group(builder, &validation->all);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) groups = json_builder_get_root(builder);

  return moe_record_rows(json_node_get_array(groups), columns, G_N_ELEMENTS(columns), sheet);
}

static char *pairs_table(JsonNode *record, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"pairs that differ in", "differ_in", "l"},
      {"asked", "asked", "r"},
      {"right", "right", "r"},
      {"share", "share", "r", "%"},
  };

  return moe_record_rows(moe_record_list(record, "pairs.kinds"), columns, G_N_ELEMENTS(columns), sheet);
}

static char *layouts_line(JsonObject *record)
{
  char *said = moe_record_say(record, "\nfastest published layout predicted fastest: {layout_groups.first} of "
                                      "{layout_groups.groups} groups; among the first three: "
                                      "{layout_groups.top_three},\nand {layout_groups.large_top_three} of the "
                                      "{layout_groups.large} groups that have more than three\n");

  if (moe_record_number(record, "layout_groups.groups") > 0)
    return said;
  g_free(said);
  return g_strdup("");
}

static int compare_shares(gconstpointer a, gconstpointer b)
{
  double x = *(const double *)a, y = *(const double *)b;

  return (x > y) - (x < y);
}

/* How much of what was predicted rests on no measurement of its kind. */
static char *support_line(const MoeValidation *validation)
{
  g_autoptr(GArray) shares = g_array_new(FALSE, FALSE, sizeof(double));

  for (guint i = 0; i < validation->n; i++)
    if (!validation->cases[i].failure)
      g_array_append_val(shares, validation->cases[i].extrapolated_share);
  if (shares->len == 0)
    return g_strdup("");
  g_array_sort(shares, compare_shares);
  g_autofree char *median = moe_percent_format(g_array_index(shares, double, shares->len / 2));
  g_autofree char *p90 = moe_percent_format(g_array_index(shares, double, shares->len * 9 / 10));
  return g_strdup_printf("\nkernel time priced beyond what was measured: median %s of a case, P90 %s\n", median, p90);
}

static double relative_error(const double of[2])
{
  return fabs(of[0]) > 0 ? fabs(of[1] / of[0] - 1) : INFINITY;
}

static char *once_line(const MoeValidation *validation)
{
  guint n = 0;
  g_autofree MoeStepSplit *splits = moe_validation_splits(validation, &n);
  g_autofree double *batch = g_new(double, n + 1), *once = g_new(double, n + 1), *scale = g_new(double, n + 1);

  for (guint i = 0; i < n; i++) {
    batch[i] = relative_error(splits[i].batch_s);
    once[i] = relative_error(splits[i].once_s);
    scale[i] = fabs(splits[i].efficiency[1] - splits[i].efficiency[0]);
  }
  if (n == 0)
    return g_strdup("");
  return g_strdup_printf("\n%u runs of several sizes, median error: per micro-batch %.1f %%, once per step %.0f %%,\n"
                         "efficiency against size %.1f points\n",
                         n, 100 * moe_quantile(batch, n, 0.5), 100 * moe_quantile(once, n, 0.5),
                         100 * moe_quantile(scale, n, 0.5));
}

char *moe_report_validation_summary(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet)
{
  g_autoptr(JsonNode) record = describe_validation(validation, by);
  g_autofree char *groups = groups_table(validation, by, sheet);
  g_autofree char *pairs = validation->n_pairs > 0 ? pairs_table(record, sheet) : g_strdup("");
  g_autofree char *failed = validation->n_failed > 0
                                ? g_strdup_printf("%u cases without a prediction\n\n", validation->n_failed)
                                : g_strdup("");
  g_autofree char *layouts = layouts_line(json_node_get_object(record));
  g_autofree char *support = support_line(validation);
  g_autofree char *splits = once_line(validation);

  return g_strdup_printf("%s\n%s%s%s%s%s", groups, failed, pairs, layouts, splits, support);
}
