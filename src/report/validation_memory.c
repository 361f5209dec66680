/* Validation of memory as tables and JSON: published peaks, and whether what ran fits. */
#include "report/validation.h"

#include "report/json.h"

#include <json-glib/json-glib.h>

#include <math.h>
#include <string.h>

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static char *groups_table(const MoeValidation *validation, MoeGroupBy by, MoeSheet sheet)
{
  const char *const titles[] = {
      moe_group_by_words[by], "published peaks", "median |error|", "P90 |error|", "bias", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrrr");
  guint n = 0;
  MoeCaseGroup *groups = moe_validation_memory_groups(validation, by, &n);

  moe_table_header(table, titles);
  for (guint g = 0; g < n; g++) {
    moe_table_add(table, groups[g].name);
    moe_table_whole(table, groups[g].n);
    moe_table_percent(table, groups[g].median_abs_error);
    moe_table_percent(table, groups[g].p90_abs_error);
    moe_table_change(table, groups[g].bias);
  }
  moe_case_groups_free(groups, n);
  return moe_table_format(table, sheet);
}

static void add_fit_row(MoeTable *table, const char *title, const guint n[2])
{
  guint all = n[FALSE] + n[TRUE];

  moe_table_add(table, title);
  moe_table_whole(table, n[TRUE]);
  moe_table_whole(table, n[FALSE]);
  moe_table_percent(table, all > 0 ? (double)n[FALSE] / all : NAN);
}

static char *fit_table(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const titles[] = {"published", "predicted to fit", "predicted not to fit", "share not", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrr");
  MoeFitTable fit;

  moe_validation_fit(validation, &fit);
  moe_table_header(table, titles);
  add_fit_row(table, "ran", fit.n[FALSE]);
  add_fit_row(table, "out of memory", fit.n[TRUE]);
  g_autofree char *rows = moe_table_format(table, sheet);
  g_autofree char *worst = moe_percent_format(fit.worst_excess);

  return g_strdup_printf("%s\nfarthest over capacity of those that ran: %s\n", rows, worst);
}

static gboolean is_wrong(const MoeCase *c)
{
  return !c->failure && (c->fits != 0) == (c->memory.out_of_memory != 0);
}

static gint largest_first(gconstpointer a, gconstpointer b)
{
  const MoeCase *x = *(const MoeCase *const *)a, *y = *(const MoeCase *const *)b;
  double ex = moe_case_excess(x), ey = moe_case_excess(y);

  return ex != ey ? (ex < ey) - (ex > ey) : strcmp(x->id, y->id);
}

static char *wrong_table(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const titles[] = {"wrong about", "stack", "peak", "capacity", "over", "published", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwrrrl");
  g_autoptr(GPtrArray) order = g_ptr_array_new();

  for (guint i = 0; i < validation->n; i++)
    if (is_wrong(&validation->cases[i]))
      g_ptr_array_add(order, &validation->cases[i]);
  g_ptr_array_sort(order, largest_first);
  moe_table_header(table, titles);
  for (guint i = 0; i < order->len; i++) {
    const MoeCase *c = order->pdata[i];

    moe_table_add(table, c->id);
    moe_table_add(table, c->group[MOE_GROUP_BY_STACK]);
    moe_table_quantity(table, c->memory.peak_bytes, MOE_DIM_BYTES);
    moe_table_quantity(table, c->memory.capacity_bytes, MOE_DIM_BYTES);
    moe_table_change(table, moe_case_excess(c));
    moe_table_add(table, c->memory.out_of_memory ? "out of memory" : "ran");
  }
  return moe_table_format(table, sheet);
}

static char *peaks_table(const MoeValidation *validation, MoeSheet sheet)
{
  static const char *const titles[] = {"case", "stack", "counted", "published", "predicted", "error", NULL};
  g_autoptr(MoeTable) table = moe_table_new("wwlrrr");

  moe_table_header(table, titles);
  for (guint i = 0; i < validation->n; i++) {
    const MoeCase *c = &validation->cases[i];

    if (c->failure || c->memory.published_bytes <= 0)
      continue;
    moe_table_add(table, c->id);
    moe_table_add(table, c->group[MOE_GROUP_BY_STACK]);
    moe_table_add(table, moe_memory_kind_words[c->memory.kind]);
    moe_table_quantity(table, c->memory.published_bytes, MOE_DIM_BYTES);
    moe_table_quantity(table, c->memory.predicted_bytes, MOE_DIM_BYTES);
    moe_table_change(table, c->memory.error);
  }
  return moe_table_format(table, sheet);
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
  g_autofree char *fit = fit_table(validation, sheet);
  g_autofree char *groups = groups_table(validation, by, sheet);
  g_autofree char *failed = failures(validation);

  if (summary)
    return g_strjoin("\n", fit, groups, failed, NULL);
  g_autofree char *wrong = wrong_table(validation, sheet);
  g_autofree char *peaks = peaks_table(validation, sheet);

  return g_strjoin("\n", peaks, wrong, groups, fit, failed, NULL);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

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
  json_builder_end_object(builder);
}

char *moe_report_validation_memory_json(const MoeValidation *validation, MoeGroupBy by)
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
  return moe_json_finish(builder);
}
