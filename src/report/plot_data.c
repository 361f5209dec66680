/* Tab-separated data of the figures. */
#include <moesim/report_plot.h>

#include "losses.h"

#include <math.h>
#include <string.h>

#define GB           1e9
#define SMALLEST_BAR 0.001 /* of the step: less cannot be seen, and is drawn together with its like */

/* Tabs and line ends would break the rows. */
static void append_label(GString *text, const char *label)
{
  for (; *label; label++)
    g_string_append_c(text, g_ascii_iscntrl(*label) ? ' ' : *label);
}

static void append_number(GString *text, double value)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append_c(text, '\t');
  g_string_append(text, isfinite(value) ? g_ascii_formatd(digits, sizeof digits, "%.6g", value) : "NaN");
}

static void append_result_label(GString *text, const MoeResult *result)
{
  g_autofree char *label = moe_result_label(result);

  append_label(text, label);
}

static void append_point(GString *text, const MoeResult *result)
{
  g_string_append_printf(text, "%" G_GINT64_FORMAT, result->gpus);
  append_number(text, 100 * result->mfu_causal);
  append_number(text, 100 * result->mfu_full);
  g_string_append(text, result->memory.fits ? "\t1\n" : "\t0\n");
}

/* Published points of one line carry the line's number, which gives them its colour. */
static void append_published(GString *text, const MoeScaleSeries *series, guint number)
{
  for (guint i = 0; i < series->results->len; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i);
    double published = moe_result_published_mfu(result);

    if (published == 0)
      continue;
    g_string_append_printf(text, "%" G_GINT64_FORMAT, result->gpus);
    append_number(text, 100 * published);
    g_string_append_printf(text, "\t%u\n", number);
  }
}

char *moe_plot_scale_data(guint n, const MoeScaleSeries *series)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    append_label(text, series[i].label);
    g_string_append(text, "\tcausal %\tfull %\tfits\n");
    for (guint j = 0; j < series[i].results->len; j++)
      append_point(text, g_ptr_array_index(series[i].results, j));
    g_string_append(text, "\n\n");
  }
  g_string_append(text, "published\tMFU %\tline\n");
  for (guint i = 0; i < n; i++)
    append_published(text, &series[i], i + 1);
  return g_string_free(text, FALSE);
}

char *moe_plot_ladder_data(const GPtrArray *results)
{
  GString *text = g_string_new("run\tpredicted\tpublished\n");

  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);
    double published = moe_result_published_mfu(result);

    append_result_label(text, result);
    append_number(text, 100 * moe_result_mfu_as_published(result));
    append_number(text, published > 0 ? 100 * published : NAN);
    g_string_append_c(text, '\n');
  }
  return g_string_free(text, FALSE);
}

static void append_fall(GString *text, const char *label, double upper, double lower)
{
  append_label(text, label);
  append_number(text, 100 * upper);
  append_number(text, 100 * lower);
  g_string_append_c(text, '\n');
}

char *moe_plot_waterfall_data(const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result, losses);
  GString *text = g_string_new("cause\tupper\tlower\n");
  double left = 1;
  double small = 0;

  append_fall(text, "peak", 1, 0);
  for (guint i = 0; i < n; i++) {
    double share = losses[i].seconds / result->step_time_s;

    if (share < SMALLEST_BAR) {
      small += share;
      continue;
    }
    append_fall(text, moe_cause_title(losses[i].cause), left, left - share);
    left -= share;
  }
  if (small > 0)
    append_fall(text, "smaller ones", left, left - small);
  append_fall(text, "MFU", result->cause_s[MOE_CAUSE_MATH] / result->step_time_s, 0);
  return g_string_free(text, FALSE);
}

static void append_parts(GString *text, const double *part_bytes, double capacity_bytes)
{
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    append_number(text, part_bytes[part] / GB);
  append_number(text, capacity_bytes / GB);
  g_string_append_c(text, '\n');
}

char *moe_plot_memory_data(const GPtrArray *results)
{
  GString *text = g_string_new("label");

  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    g_string_append_printf(text, "\t%s", moe_memory_words[part]);
  g_string_append(text, "\tcapacity\n");
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    for (guint stage = 0; results->len == 1 && stage < result->memory.n_roles; stage++) {
      g_string_append_printf(text, "stage %u", stage);
      append_parts(text, result->memory.role[stage].part_bytes, result->memory.capacity_bytes);
    }
    if (results->len > 1) {
      append_result_label(text, result);
      append_parts(text, result->memory.part_bytes, result->memory.capacity_bytes);
    }
  }
  return g_string_free(text, FALSE);
}

char *moe_plot_strategies_data(const GPtrArray *results)
{
  GString *text = g_string_new("run");

  for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
    g_string_append_printf(text, "\t%s", moe_cause_title(cause));
  g_string_append_c(text, '\n');
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    append_result_label(text, result);
    for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
      append_number(text, 100 * result->cause_s[cause] / result->step_time_s);
    g_string_append_c(text, '\n');
  }
  return g_string_free(text, FALSE);
}
