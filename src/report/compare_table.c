/* Several predictions side by side; memory by stage. */
#include "losses.h"
#include "training.h"

#include "report/goodput.h"
#include <math.h>

#define SHOWN_LOSSES 3 /* as many as a row has room for */

/* "kernels below peak 31.0 %, exposed network 12.1 %" */
static char *largest_losses(const MoeResult *result)
{
  MoeLoss losses[MOE_N_CAUSES];
  guint n = MIN(moe_losses(result, losses), SHOWN_LOSSES);
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    g_autofree char *share = moe_percent_format(losses[i].seconds / result->step_time_s);

    g_string_append_printf(text, "%s%s %s", i > 0 ? ", " : "", moe_cause_title(losses[i].cause), share);
  }
  return g_string_free(text, FALSE);
}

static void add_published(MoeTable *table, const MoeResult *result)
{
  double published = moe_result_published_mfu(result);
  double step_s = result->published.step_time_s;

  moe_table_percent(table, published > 0 ? published : NAN);
  moe_table_add(table, published == 0 ? "-" : result->published.full_convention ? "full" : "causal");
  moe_table_points(table, published > 0 ? moe_result_mfu_as_published(result) - published : NAN);
  moe_table_change(table, published > 0 && step_s > 0 ? result->step_time_s / step_s - 1 : NAN);
}

/* What a trillion tokens cost, without interruption. */
static void add_economy(MoeTable *table, const MoeResult *result)
{
  MoeEconomy economy = moe_economy_ideal(result);

  moe_table_dollars(table, economy.dollars_per_trillion);
  moe_table_mwh(table, economy.mwh_per_trillion);
}

static gboolean any_economy(const GPtrArray *results)
{
  for (guint i = 0; i < results->len; i++) {
    const MoeResult *result = g_ptr_array_index(results, i);

    if (result->price_gpu_hour > 0 || result->gpu_power_w > 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean any_interval(const GPtrArray *results)
{
  for (guint i = 0; i < results->len; i++)
    if (((const MoeResult *)g_ptr_array_index(results, i))->interval.samples > 0)
      return TRUE;
  return FALSE;
}

/* P10 to P90 in the convention in which the run was published. */
static void add_interval(MoeTable *table, const MoeResult *result)
{
  gboolean full = result->published.present && result->published.full_convention;
  gboolean known = result->interval.samples > 0;

  moe_table_percent(table, !known ? NAN : full ? result->interval.mfu_full_p10 : result->interval.mfu_causal_p10);
  moe_table_percent(table, !known ? NAN : full ? result->interval.mfu_full_p90 : result->interval.mfu_causal_p90);
}

static void add_row(MoeTable *table, const MoeResult *result, gboolean economy, gboolean training, gboolean interval)
{
  moe_table_take(table, moe_result_label(result));
  moe_table_add(table, result->cluster);
  moe_table_whole(table, result->gpus);
  moe_table_whole(table, result->global_batch);
  moe_table_quantity(table, result->step_time_s, MOE_DIM_SECONDS);
  moe_table_add(table, result->memory.fits ? "yes" : "no");
  moe_table_take(table, g_strdup_printf("%.0f", result->tokens_per_s_per_gpu));
  moe_table_number(table, result->model_flop_per_s_per_gpu_causal * 1e-12);
  moe_table_percent(table, result->mfu_causal);
  moe_table_percent(table, result->mfu_full);
  add_published(table, result);
  if (training) {
    MoeTrainingCost asked = moe_training_cost_of(result, result->training_tokens);

    moe_training_cost_cells(table, &asked);
  } else if (economy) {
    add_economy(table, result);
  }
  if (interval)
    add_interval(table, result);
  moe_table_take(table, largest_losses(result));
}

char *moe_report_compare_table(const GPtrArray *results, MoeSheet sheet)
{
  static const char *const header[] = {"run",           "cluster",      "GPUs",        "batch",      "step",
                                       "fits",          "tokens/s/GPU", "TFLOP/s/GPU", "MFU causal", "MFU full",
                                       "published MFU", "convention",   "error",       "step error", NULL};
  static const char *const economy_header[] = {"cost/T tokens", "energy/T tokens", NULL};
  static const char *const interval_header[] = {"MFU P10", "MFU P90", NULL};
  gboolean training = ((const MoeResult *)g_ptr_array_index(results, 0))->training_tokens > 0;
  gboolean economy = !training && any_economy(results);
  gboolean interval = any_interval(results);
  g_autofree char *alignment = g_strconcat("nl1rr5rlr3r5rr6rl5r4r4",
                                           training  ? MOE_TRAINING_COLUMNS
                                           : economy ? "r2r3"
                                                     : "",
                                           interval ? "rr" : "", "w2", NULL);
  g_autoptr(MoeTable) table = moe_table_new(alignment);

  moe_table_header(table, header);
  if (training)
    moe_training_cost_header(table);
  else if (economy)
    moe_table_header(table, economy_header);
  if (interval)
    moe_table_header(table, interval_header);
  moe_table_add(table, "largest losses");
  for (guint i = 0; i < results->len; i++)
    add_row(table, g_ptr_array_index(results, i), economy, training, interval);
  return moe_table_format(table, sheet);
}

static void add_stage(MoeTable *table, const MoeResult *result, guint stage)
{
  const MoeFootprint *footprint = &result->memory.role[stage];

  moe_table_take(table, g_strdup_printf("%u%s", stage, stage == result->memory.peak_role ? " *" : ""));
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    moe_table_quantity(table, footprint->part_bytes[part], MOE_DIM_BYTES);
  moe_table_quantity(table, footprint->peak_bytes, MOE_DIM_BYTES);
  moe_table_percent(table, footprint->peak_bytes / result->memory.capacity_bytes);
}

char *moe_report_memory_table(const MoeResult *result, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = moe_table_new("lrrrrrrrrr");
  g_autofree char *label = moe_result_label(result);
  g_autofree char *peak = moe_quantity_format(result->memory.peak_bytes, MOE_DIM_BYTES);
  g_autofree char *capacity = moe_quantity_format(result->memory.capacity_bytes, MOE_DIM_BYTES);
  g_autofree char *headroom = moe_quantity_format(result->memory.headroom_bytes, MOE_DIM_BYTES);

  moe_table_add(table, "stage");
  for (guint part = 0; part < MOE_N_MEMORY_PARTS; part++)
    moe_table_add(table, moe_memory_words[part]);
  moe_table_add(table, "peak");
  moe_table_add(table, "of capacity");
  for (guint stage = 0; stage < result->memory.n_roles; stage++)
    add_stage(table, result, stage);
  g_autofree char *rows = moe_table_format(table, sheet);

  return g_strdup_printf("%s on %s, %" G_GINT64_FORMAT " GPUs: %s per GPU of %s, %s with %s of headroom\n\n%s", label,
                         result->cluster, result->gpus, peak, capacity, result->memory.fits ? "fits" : "does not fit",
                         headroom, rows);
}
