/*
 * Bandwidth-bound kernels: t = floor + bytes / (share x HBM bandwidth).
 *
 * This is the saturation law BW = BWmax S / (S + S0) with S0 = floor x BWmax. A kernel that reduces rows and says how
 * many (`m`) pays row_s for each: rows of 128 elements (norms of single heads) run well below the rate of wide ones.
 * Backward kernels have their own shares (an entry with `pass: dgrad`).
 */
#include "internal.h"

/* Share of a GPU's SMs whose outstanding loads saturate HBM. Assumed: STREAM kernels with two blocks per SM lose 10 to
 * 25 % against eight (te42kyfo/gpu-benches, gpu-stream), so about half the SMs at full occupancy are needed. */
#define SATURATING_SM_SHARE 0.5

static double memory_seconds(const MoeMachine *machine, const MoeKernel *kernel)
{
  double sm_share = machine->free_sms / (machine->sms * SATURATING_SM_SHARE);
  double rate = machine->hbm_bytes_per_s * machine->constant[kernel->bandwidth] * MIN(sm_share, 1);

  return (kernel->read_bytes + kernel->write_bytes) / rate;
}

static double floor_seconds(const MoeMachine *machine, const MoeKernel *kernel)
{
  return machine->constant[MOE_BANDWIDTH_FLOOR] * (double)MAX(kernel->launches, 1) +
         machine->constant[MOE_BANDWIDTH_ROW] * (double)kernel->m;
}

void moe_cost_bandwidth(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost)
{
  cost->part_s[MOE_REASON_MEMORY] = memory_seconds(machine, kernel);
  cost->part_s[MOE_REASON_FLOOR] = floor_seconds(machine, kernel);
}

double moe_cost_bandwidth_seconds(const MoeMachine *machine, const MoeKernel *kernel)
{
  return memory_seconds(machine, kernel) + floor_seconds(machine, kernel);
}
