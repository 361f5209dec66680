/*
 * Bandwidth-bound kernels: t = floor + bytes / (share x HBM bandwidth).
 *
 * This is the saturation law BW = BWmax S / (S + S0) with S0 = floor x BWmax. A kernel that reduces rows and says how
 * many (`m`) pays row_s for each: rows of 128 elements (norms of single heads) run well below the rate of wide ones.
 * Backward kernels have their own shares (an entry with `pass: dgrad`).
 */
#include "internal.h"

#define SHARE(word, generic)                                                                                           \
  {                                                                                                                    \
    word, generic, 0.02, 1.1, "share of HBM bandwidth", "reached by kernels of this kind"                              \
  }

static const MoeCostConstant constants[MOE_N_BANDWIDTH_CONSTANTS] = {
    [MOE_BANDWIDTH_ELEMENTWISE] = SHARE("elementwise", 0.85),
    [MOE_BANDWIDTH_NORM] = SHARE("norm", 0.78),
    [MOE_BANDWIDTH_RESIDUAL] = SHARE("residual", 0.85),
    [MOE_BANDWIDTH_ACTIVATION] = SHARE("activation", 0.82),
    [MOE_BANDWIDTH_ROTARY] = SHARE("rotary", 0.75),
    [MOE_BANDWIDTH_QUANTIZE] = SHARE("quantize", 0.7),
    [MOE_BANDWIDTH_PERMUTE] = SHARE("permute", 0.6),
    [MOE_BANDWIDTH_ROUTER] = SHARE("router", 0.4),
    [MOE_BANDWIDTH_CROSS_ENTROPY] = SHARE("cross_entropy", 0.7),
    [MOE_BANDWIDTH_DROPOUT] = SHARE("dropout", 0.75),
    [MOE_BANDWIDTH_ACCUMULATE] = SHARE("accumulate", 0.85),
    [MOE_BANDWIDTH_OPTIMIZER] = SHARE("optimizer", 0.8),
    [MOE_BANDWIDTH_EMBEDDING] = SHARE("embedding", 0.6),
    [MOE_BANDWIDTH_SOFTMAX] = SHARE("softmax", 0.8),
    [MOE_BANDWIDTH_INDEX] = SHARE("index", 0.4), /* assumed, as of the router; their least times decide */
    [MOE_BANDWIDTH_MEMCPY] = SHARE("memcpy", 0.82),
    [MOE_BANDWIDTH_FLOOR] = {"floor_s", 3e-6, 0, 2e-5, "s", "launch latency, first bytes and drain of one kernel"},
    [MOE_BANDWIDTH_ROW] = {"row_s", 2e-11, 0, 5e-9, "s",
                           "per row of a kernel that reduces rows (`m` given): narrow rows keep SMs busy"},
};

static const MoeNamedFamily families[] = {
    {"triton", "hand-written Triton kernels"},
    {"compile", "what torch.compile generates"},
    {"pytorch", "eager PyTorch, an operation a kernel"},
    {"te", "TransformerEngine's norms (cuDNN)"},
    {"deepseek", "DeepSeek's kernels as measured beside an all-to-all"},
    {NULL, NULL},
};

static const MoeRelative relatives[] = {{"triton", "te", FALSE},       {"te", "triton", FALSE},
                                        {"pytorch", "triton", FALSE},  {"compile", "triton", FALSE},
                                        {"deepseek", "triton", FALSE}, {NULL, NULL, FALSE}};

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

static double price_seconds(const MoeMachine *machine, const MoeKernel *kernel)
{
  return memory_seconds(machine, kernel) + floor_seconds(machine, kernel);
}

static void price(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost)
{
  cost->part_s[MOE_REASON_MEMORY] = memory_seconds(machine, kernel);
  cost->part_s[MOE_REASON_FLOOR] = floor_seconds(machine, kernel);
  cost->seconds = cost->part_s[MOE_REASON_MEMORY] + cost->part_s[MOE_REASON_FLOOR];
}

static double flop(const MoeKernel *kernel)
{
  (void)kernel;
  return 0;
}

static gboolean complete(MoeKernel *kernel)
{
  return kernel->read_bytes + kernel->write_bytes > 0;
}

const MoeCostClass moe_cost_class_bandwidth = {
    .title = "bandwidth-bound",
    .shape = (const char *const[]){"m", "n", "read", "write", NULL},
    .needs = "read, write in bytes",
    .families = families,
    .relatives = relatives,
    .constants = constants,
    .n_constants = MOE_N_BANDWIDTH_CONSTANTS,
    .kinds_apart = TRUE,
    .no_math = TRUE,
    .flop = flop,
    .complete = complete,
    .price = price,
    .seconds = price_seconds,
};
