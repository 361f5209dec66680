/* Words for readers. */
#include <moesim/report.h>

const char *moe_cause_title(guint cause)
{
  static const char *const titles[MOE_N_CAUSES] = {
      [MOE_CAUSE_MATH] = "model FLOPs at peak",      [MOE_CAUSE_KERNEL_INEFFICIENCY] = "kernels below peak",
      [MOE_CAUSE_RECOMPUTE] = "recomputation",       [MOE_CAUSE_PADDING] = "padding",
      [MOE_CAUSE_NVLINK_EXPOSED] = "exposed NVLink", [MOE_CAUSE_NETWORK_EXPOSED] = "exposed network",
      [MOE_CAUSE_PEER_WAIT] = "waiting for peers",   [MOE_CAUSE_BUBBLE] = "pipeline bubble",
      [MOE_CAUSE_HOST] = "host launch and sync",     [MOE_CAUSE_COPY_EXPOSED] = "exposed copies",
      [MOE_CAUSE_OPTIMIZER] = "optimizer",           [MOE_CAUSE_DATA] = "data loading",
  };

  g_assert(cause < MOE_N_CAUSES);
  return titles[cause];
}

const char *moe_reason_title(guint reason)
{
  static const char *const titles[MOE_N_REASONS] = {
      [MOE_REASON_MATH] = "model FLOPs at peak",
      [MOE_REASON_PRECISION] = "precision other than the quoted peak's",
      [MOE_REASON_PADDING] = "rows without tokens",
      [MOE_REASON_TILE] = "tiles larger than the output",
      [MOE_REASON_WAVE] = "last wave not full",
      [MOE_REASON_SUSTAINED] = "sustained rate below peak",
      [MOE_REASON_RAMP] = "prologue and short reductions",
      [MOE_REASON_MEMORY] = "memory-bound",
      [MOE_REASON_FLOOR] = "minimum kernel time",
      [MOE_REASON_CONTENTION] = "beside communication kernels",
      [MOE_REASON_RECOMPUTE] = "scores rebuilt in backward",
      [MOE_REASON_UNCOUNTED] = "math that is not counted",
  };

  g_assert(reason < MOE_N_REASONS);
  return titles[reason];
}
