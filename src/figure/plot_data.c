/* Tab-separated data of the figures. */
#include "figure/plot.h"

#include "report/losses.h"
#include "svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GB           1e9
#define SMALLEST_BAR 0.001 /* of the step: less cannot be seen, and is drawn together with its like */

/* The run and its cluster, as the first cell of a line. */
static void put_result(GString *text, const MoeResult *result)
{
  g_autofree char *label = moe_result_label(result);

  plot_cells(text, "s", label);
}

/* The step time at an end of the interval; NaN without samples. */
static double step_at(const MoeResult *result, double step_time_s)
{
  return result->interval.samples > 0 && step_time_s > 0 ? step_time_s : NAN;
}

static void put_point(GString *text, const MoeResult *result, MoeMeasure measure, double tokens, const MoeResult *first)
{
  plot_cells(text, "inndnnn\n", result->gpus, 100 * result->mfu_causal, 100 * result->mfu_full,
             result->memory.fits != 0, moe_measure_value(measure, result, tokens, first),
             moe_measure_at(measure, result, tokens, first, step_at(result, result->interval.step_time_p10_s)),
             moe_measure_at(measure, result, tokens, first, step_at(result, result->interval.step_time_p90_s)));
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

    if (published != 0)
      plot_cells(text, "ind\n", result->gpus, published, (int)number);
  }
}

char *moe_plot_scale_data(guint n, const MoeScaleSeries *series, MoeMeasure measure, double tokens)
{
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    plot_cells(text, "sssssss\n", series[i].label, "causal %", "full %", "fits", moe_measure_words[measure], "P10",
               "P90");
    for (guint j = 0; j < series[i].results->len; j++)
      put_point(text, g_ptr_array_index(series[i].results, j), measure, tokens,
                g_ptr_array_index(series[i].results, 0));
    g_string_append(text, "\n\n");
  }
  plot_cells(text, "sss\n", "published", moe_measure_words[measure], "line");
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

    put_result(text, result);
    plot_cells(text, "nnnnd\n", 100 * moe_result_mfu_as_published(result), published > 0 ? 100 * published : NAN,
               mfu_at(result, result->interval.mfu_causal_p10, result->interval.mfu_full_p10),
               mfu_at(result, result->interval.mfu_causal_p90, result->interval.mfu_full_p90),
               result->memory.fits != 0);
  }
  return g_string_free(text, FALSE);
}

char *moe_plot_waterfall_data(const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = moe_losses(result->cause_s, losses);
  GString *text = g_string_new("cause\tupper\tlower\n");
  double left = 1;
  double small = 0;

  plot_cells(text, "snn\n", "peak", 100.0, 0.0);
  for (guint i = 0; i < n; i++) {
    double share = losses[i].seconds / result->step_time_s;

    if (share < SMALLEST_BAR) {
      small += share;
      continue;
    }
    plot_cells(text, "snn\n", moe_cause_title(losses[i].cause), 100 * left, 100 * (left - share));
    left -= share;
  }
  if (small > 0)
    plot_cells(text, "snn\n", "smaller ones", 100 * left, 100 * (left - small));
  plot_cells(text, "snn\n", "MFU", 100 * (result->cause_s[MOE_CAUSE_MATH] / result->step_time_s), 0.0);
  return g_string_free(text, FALSE);
}

static void append_parts(GString *text, const double *part_bytes, double capacity_bytes)
{
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    plot_cells(text, "n", part_bytes[part] / GB);
  plot_cells(text, "n\n", capacity_bytes / GB);
}

char *moe_plot_memory_data(const GPtrArray *results)
{
  GString *text = g_string_new("label");

  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    plot_cells(text, "s", moe_memory_words[part]);
  plot_cells(text, "s\n", "capacity");
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    for (guint stage = 0; results->len == 1 && stage < result->memory.n_roles; stage++) {
      g_string_append_printf(text, "stage %u", stage);
      append_parts(text, result->memory.role[stage].part_bytes, result->memory.capacity_bytes);
    }
    if (results->len > 1) {
      put_result(text, result);
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
    plot_cells(text, "s", moe_cause_title(cause));
  plot_cells(text, "sss\n", "MFU %", "tokens/s per GPU", "fits");
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    put_result(text, result);
    for (guint cause = 0; cause < MOE_N_CAUSES; cause++)
      plot_cells(text, "n", gpu_seconds(result, result->cause_s[cause]));
    plot_cells(text, "nnd\n", 100 * result->mfu_causal, result->tokens_per_s_per_gpu, result->memory.fits != 0);
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

      plot_cells(text, "ddssnd\n", (int)column, (int)row, x[column], y[row],
                 result ? moe_measure_value(measure, result, tokens, result) : NAN, result && result->memory.fits);
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

    put_result(text, result);
    plot_cells(text, "nndd\n", moe_measure_value(measure, result, tokens, result),
               gpu_seconds(result, result->step_time_s), result->memory.fits != 0,
               result->memory.fits && !is_beaten(results, result, measure, tokens));
  }
  return g_string_free(text, FALSE);
}

char *moe_plot_steps_data(guint n, const double *step_time_s)
{
  GString *text = g_string_new("step s\tshare %\n");
  g_autofree double *sorted = g_memdup2(step_time_s, n * sizeof *step_time_s);

  moe_sort(sorted, n);
  for (guint i = 0; i < n; i++)
    plot_cells(text, "Nn\n", sorted[i], 100.0 * (i + 1) / n);
  return g_string_free(text, FALSE);
}
