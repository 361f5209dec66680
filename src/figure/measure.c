/* What figures show of a prediction: one measure on an axis. */
#include "figure/plot.h"
#include "study/economy.h"

#include <math.h>

#define S_PER_DAY 86400.0
#define TRILLION  1e12
#define GB        1e9
#define TFLOP     1e12
#define PERCENT   100.0

const char *const moe_measure_words[] = {"mfu",  "mfu-full", "step", "tokens",     "tokens-per-gpu", "tflops",
                                         "days", "dollars",  "mwh",  "efficiency", "memory",         NULL};

/* Titles without tokens; "" where the number of tokens belongs to the title. */
static const char *const axes[MOE_N_MEASURES] = {
    [MOE_MEASURE_MFU] = "MFU, causal attention (%)",
    [MOE_MEASURE_MFU_FULL] = "MFU, full attention (%)",
    [MOE_MEASURE_STEP] = "step time (s)",
    [MOE_MEASURE_TOKENS] = "tokens per second (millions)",
    [MOE_MEASURE_TOKENS_PER_GPU] = "tokens per second and GPU",
    [MOE_MEASURE_TFLOPS] = "model TFLOP/s per GPU, causal attention",
    [MOE_MEASURE_DAYS] = "days",
    [MOE_MEASURE_DOLLARS] = "thousands of dollars",
    [MOE_MEASURE_MWH] = "MWh",
    [MOE_MEASURE_EFFICIENCY] = "efficiency: tokens/s per GPU relative to the smallest size (%)",
    [MOE_MEASURE_MEMORY] = "memory of the fullest GPU (GB)",
};

gboolean moe_measure_of_training(MoeMeasure measure)
{
  return measure == MOE_MEASURE_DAYS || measure == MOE_MEASURE_DOLLARS || measure == MOE_MEASURE_MWH;
}

char *moe_measure_axis(MoeMeasure measure, double tokens)
{
  if (!moe_measure_of_training(measure))
    return g_strdup(axes[measure]);
  g_autofree char *count = moe_count_format(tokens, NULL);

  return g_strdup_printf("%s for %s tokens, without interruption", axes[measure], count);
}

static double unknown_if_none(double value)
{
  return value > 0 ? value : NAN;
}

double moe_measure_at(MoeMeasure measure, const MoeResult *result, double tokens, const MoeResult *first,
                      double step_time_s)
{
  double slower =
      step_time_s / result->step_time_s; /* what counts per step goes with the step time, rates against it */
  MoeEconomy economy = moe_economy_ideal(result);

  switch (measure) {
  case MOE_MEASURE_MFU:
    return PERCENT * result->mfu_causal / slower;
  case MOE_MEASURE_MFU_FULL:
    return PERCENT * result->mfu_full / slower;
  case MOE_MEASURE_STEP:
    return step_time_s;
  case MOE_MEASURE_TOKENS:
    return result->tokens_per_s / slower * 1e-6;
  case MOE_MEASURE_TOKENS_PER_GPU:
    return result->tokens_per_s_per_gpu / slower;
  case MOE_MEASURE_TFLOPS:
    return result->model_flop_per_s_per_gpu_causal / slower / TFLOP;
  case MOE_MEASURE_DAYS:
    return tokens / result->tokens_per_s * slower / S_PER_DAY;
  case MOE_MEASURE_DOLLARS:
    return unknown_if_none(economy.dollars_per_trillion) * tokens / TRILLION * slower * 1e-3;
  case MOE_MEASURE_MWH:
    return unknown_if_none(economy.mwh_per_trillion) * tokens / TRILLION * slower;
  case MOE_MEASURE_EFFICIENCY:
    return PERCENT * result->tokens_per_s_per_gpu / slower / first->tokens_per_s_per_gpu;
  case MOE_MEASURE_MEMORY:
    return result->memory.peak_bytes / GB;
  default:
    g_assert_not_reached();
  }
}

double moe_measure_value(MoeMeasure measure, const MoeResult *result, double tokens, const MoeResult *first)
{
  return moe_measure_at(measure, result, tokens, first, result->step_time_s);
}
