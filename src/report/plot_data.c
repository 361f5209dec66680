/* Tab-separated data of the figures. */
#include "report/plot.h"

#include "losses.h"

#include <math.h>
#include <stdlib.h>
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

/* The step time at an end of the interval; NaN without samples. */
static double step_at(const MoeResult *result, double step_time_s)
{
  return result->interval.samples > 0 && step_time_s > 0 ? step_time_s : NAN;
}

static void append_point(GString *text, const MoeResult *result, MoeMeasure measure, double tokens,
                         const MoeResult *first)
{
  g_string_append_printf(text, "%" G_GINT64_FORMAT, result->gpus);
  append_number(text, 100 * result->mfu_causal);
  append_number(text, 100 * result->mfu_full);
  g_string_append(text, result->memory.fits ? "\t1" : "\t0");
  append_number(text, moe_measure_value(measure, result, tokens, first));
  append_number(text,
                moe_measure_at(measure, result, tokens, first, step_at(result, result->interval.step_time_p10_s)));
  append_number(text,
                moe_measure_at(measure, result, tokens, first, step_at(result, result->interval.step_time_p90_s)));
  g_string_append_c(text, '\n');
}

/* What was published in the convention that the axis shows; 0 = nothing. */
static double published_value(const MoeResult *result, MoeMeasure measure, double tokens, const MoeResult *first)
{
  gboolean comparable = measure != MOE_MEASURE_MEMORY && measure != MOE_MEASURE_EFFICIENCY;

  if (measure == MOE_MEASURE_MFU && !result->published.full_convention)
    return 100 * moe_result_published_mfu(result);
  if (!comparable || !result->published.present || result->published.step_time_s <= 0)
    return 0;
  return moe_measure_at(measure, result, tokens, first, result->published.step_time_s);
}

/* Published points of one line carry the line's number, which gives them its colour. */
static void append_published(GString *text, const MoeScaleSeries *series, guint number, MoeMeasure measure,
                             double tokens)
{
  for (guint i = 0; i < series->results->len; i++) {
    const MoeResult *result = g_ptr_array_index(series->results, i);
    double published = published_value(result, measure, tokens, g_ptr_array_index(series->results, 0));

    if (published == 0)
      continue;
    g_string_append_printf(text, "%" G_GINT64_FORMAT, result->gpus);
    append_number(text, published);
    g_string_append_printf(text, "\t%u\n", number);
  }
}

char *moe_plot_scale_data(guint n, const MoeScaleSeries *series, MoeMeasure measure, double tokens)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    append_label(text, series[i].label);
    g_string_append_printf(text, "\tcausal %%\tfull %%\tfits\t%s\tP10\tP90\n", moe_measure_words[measure]);
    for (guint j = 0; j < series[i].results->len; j++)
      append_point(text, g_ptr_array_index(series[i].results, j), measure, tokens,
                   g_ptr_array_index(series[i].results, 0));
    g_string_append(text, "\n\n");
  }
  g_string_append_printf(text, "published\t%s\tline\n", moe_measure_words[measure]);
  for (guint i = 0; i < n; i++)
    append_published(text, &series[i], i + 1, measure, tokens);
  return g_string_free(text, FALSE);
}

/* An end of the MFU's interval in the convention of the publication. */
static double mfu_at(const MoeResult *result, double causal, double full)
{
  return result->interval.samples > 0 ? 100 * (result->published.full_convention ? full : causal) : NAN;
}

char *moe_plot_ladder_data(const GPtrArray *results)
{
  GString *text = g_string_new("run\tpredicted\tpublished\tP10\tP90\tfits\n");

  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);
    double published = moe_result_published_mfu(result);

    append_result_label(text, result);
    append_number(text, 100 * moe_result_mfu_as_published(result));
    append_number(text, published > 0 ? 100 * published : NAN);
    append_number(text, mfu_at(result, result->interval.mfu_causal_p10, result->interval.mfu_full_p10));
    append_number(text, mfu_at(result, result->interval.mfu_causal_p90, result->interval.mfu_full_p90));
    g_string_append(text, result->memory.fits ? "\t1\n" : "\t0\n");
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
  guint n = moe_losses(result->cause_s, losses);
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

/* GPU-seconds that a million tokens take. */
static double gpu_seconds(const MoeResult *result, double seconds)
{
  return seconds * (double)result->gpus / result->tokens_per_step * 1e6;
}

char *moe_plot_strategies_data(const GPtrArray *results)
{
  GString *text = g_string_new("run");

  for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
    g_string_append_printf(text, "\t%s", moe_cause_title(cause));
  g_string_append(text, "\tMFU %\ttokens/s per GPU\tfits\n");
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    append_result_label(text, result);
    for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
      append_number(text, gpu_seconds(result, result->cause_s[cause]));
    append_number(text, 100 * result->mfu_causal);
    append_number(text, result->tokens_per_s_per_gpu);
    g_string_append(text, result->memory.fits ? "\t1\n" : "\t0\n");
  }
  return g_string_free(text, FALSE);
}

char *moe_plot_heatmap_data(guint n_x, char *const *x, guint n_y, char *const *y, MoeResult *const *results,
                            MoeMeasure measure, double tokens)
{
  GString *text = g_string_new("x\ty\tx label\ty label\tvalue\tfits\n");

  for (guint row = 0; row < n_y; row++)
    for (guint column = 0; column < n_x; column++) {
      const MoeResult *result = results[row * n_x + column];

      g_string_append_printf(text, "%u\t%u\t", column, row);
      append_label(text, x[column]);
      g_string_append_c(text, '\t');
      append_label(text, y[row]);
      append_number(text, result ? moe_measure_value(measure, result, tokens, result) : NAN);
      g_string_append(text, result && result->memory.fits ? "\t1\n" : "\t0\n");
    }
  return g_string_free(text, FALSE);
}

/* Whether some other run that fits is at least as good in both and better in one. */
static gboolean is_beaten(const GPtrArray *results, const MoeResult *result, MoeMeasure measure, double tokens)
{
  double cost = moe_measure_value(measure, result, tokens, result);
  double time = gpu_seconds(result, result->step_time_s);

  for (guint i = 0; i < results->len; i++) {
    const MoeResult *other = g_ptr_array_index(results, i);
    double other_cost = moe_measure_value(measure, other, tokens, other);
    double other_time = gpu_seconds(other, other->step_time_s);

    if (other->memory.fits && other_cost <= cost && other_time <= time && (other_cost < cost || other_time < time))
      return TRUE;
  }
  return FALSE;
}

char *moe_plot_pareto_data(const GPtrArray *results, MoeMeasure measure, double tokens)
{
  GString *text = g_string_new("run\tcost\tGPU-seconds per million tokens\tfits\tfront\n");

  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    append_result_label(text, result);
    append_number(text, moe_measure_value(measure, result, tokens, result));
    append_number(text, gpu_seconds(result, result->step_time_s));
    g_string_append_printf(text, "\t%d\t%d\n", result->memory.fits,
                           result->memory.fits && !is_beaten(results, result, measure, tokens));
  }
  return g_string_free(text, FALSE);
}

char *moe_plot_steps_data(guint n, const double *step_time_s)
{
  GString *text = g_string_new("step s\tshare %\n");
  g_autofree double *sorted = g_memdup2(step_time_s, n * sizeof *step_time_s);

  moe_sort(sorted, n);
  for (guint i = 0; i < n; i++) {
    char digits[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(text, g_ascii_formatd(digits, sizeof digits, "%.9g", sorted[i]));
    append_number(text, 100.0 * (i + 1) / n);
    g_string_append_c(text, '\n');
  }
  return g_string_free(text, FALSE);
}
