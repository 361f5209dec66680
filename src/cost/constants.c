/*
 * Constants of each class's model: names, units, meaning, typical values, and the range a fit may choose from.
 *
 * `generic` values are rounded medians of the fits shipped in clusters/accelerators (docs/model-kernels.md lists them);
 * they price accelerators and families nobody has published measurements of, and moe_cost_family says so.
 */
#include "internal.h"

static const MoeCostConstant gemm_constants[MOE_N_GEMM_CONSTANTS] = {
    [MOE_GEMM_SUSTAINED] = {"sustained", 0.72, 0.2, 1.0, "share of peak",
                            "rate of a full wave of the largest tile: clock under power, issue slots"},
    [MOE_GEMM_DROOP] = {"droop", 0.02, 0, 0.4, "share",
                        "rate lost by long kernels as power is averaged and the clock falls"},
    [MOE_GEMM_DROOP_S] = {"droop_s", 1e-3, 1e-5, 2e-2, "s", "kernel time at which half of droop is reached"},
    [MOE_GEMM_BALANCE] = {"balance", 0.5, 0.0, 1.0, "share",
                          "part of the idle last wave that stream-K, split-K or tile choice wins back"},
    [MOE_GEMM_RAMP_K] = {"ramp_k", 250, 0, 1500, "elements of K",
                         "prologue and epilogue of a tile, as a longer reduction"},
    [MOE_GEMM_TILE_LOSS] = {"tile_loss", 20, 0, 120, "elements",
                            "loss of small tiles: operand traffic per output grows with 1/m + 1/n"},
    [MOE_GEMM_MEMORY_SHARE] = {"memory_share", 0.85, 0.3, 1.0, "share of HBM bandwidth", "reached by operand streams"},
    [MOE_GEMM_OVERLAP] = {"overlap", 0.8, 0.0, 1.0, "share", "of the shorter of math and memory hidden by the longer"},
    [MOE_GEMM_FLOOR] = {"floor_s", 3e-6, 0, 2e-5, "s", "launch latency and drain of one kernel on the GPU"},
    [MOE_GEMM_SPLIT] = {"split_s", 2e-6, 0, 1e-5, "s", "reduction of the partial sums of a split K loop"},
    [MOE_GEMM_TILES] = {"tiles", 90, 90, 90, "generation", "tile set: 80 Ampere, 90 Hopper, 100 Blackwell, 942 CDNA3"},
    [MOE_GEMM_GROUP] = {"group_s", 0, 0, 2e-5, "s",
                        "least time per expert group where each is a kernel that somebody issues"},
};

static const MoeCostConstant attention_constants[MOE_N_ATTENTION_CONSTANTS] = {
    [MOE_ATTENTION_SUSTAINED] = {"sustained", 0.75, 0.1, 2.0, "share of peak",
                                 "matrix rate of a full wave of long rows"},
    [MOE_ATTENTION_DROOP] = {"droop", 0.05, 0, 0.4, "share",
                             "rate lost by long kernels as power is averaged and the clock falls"},
    [MOE_ATTENTION_DROOP_S] = {"droop_s", 1e-2, 1e-5, 2e-2, "s", "kernel time at which half of droop is reached"},
    [MOE_ATTENTION_SCORE_FLOP] =
        {"score_flop", 250, 0, 3000, "FLOP",
         "softmax of one score as FLOPs at the sustained rate, beside the products (Euclidean sum)"},
    [MOE_ATTENTION_WIDE_WORK] = {"wide_work", 1, 0.4, 3, "ratio",
                                 "work per FLOP of head dimension beyond 128, relative to that up to 128"},
    [MOE_ATTENTION_BALANCE] = {"balance", 0.5, 0.0, 1.0, "share",
                               "part of the idle last wave that scheduling wins back"},
    [MOE_ATTENTION_RAMP_KEYS] = {"ramp_keys", 150, 0, 3000, "keys", "prologue and epilogue of a tile, as a longer row"},
    [MOE_ATTENTION_TILE_Q] = {"tile_q", 128, 128, 128, "rows", "queries of one tile"},
    [MOE_ATTENTION_TILE_KV] = {"tile_kv", 128, 128, 128, "rows", "keys of one tile"},
    [MOE_ATTENTION_DENSITY] = {"density", 1, 1, 1, "share",
                               "scores computed relative to unmasked ones (block-sparse kernels)"},
    [MOE_ATTENTION_SKIPS_WINDOW] = {"skips_window", 1, 1, 1, "0 or 1",
                                    "0: tiles outside the window are computed and masked"},
    [MOE_ATTENTION_MEMORY_SHARE] = {"memory_share", 0.85, 0.85, 0.85, "share of HBM bandwidth",
                                    "reached by operand streams"},
    [MOE_ATTENTION_FLOOR] = {"floor_s", 5e-6, 0, 6e-5, "s",
                             "launch latency; for backward also its preparation and conversion kernels"},
};

#define SHARE(word, generic)                                                                                           \
  {                                                                                                                    \
    word, generic, 0.02, 1.1, "share of HBM bandwidth", "reached by kernels of this kind"                              \
  }

static const MoeCostConstant bandwidth_constants[MOE_N_BANDWIDTH_CONSTANTS] = {
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
    [MOE_BANDWIDTH_MEMCPY] = SHARE("memcpy", 0.82),
    [MOE_BANDWIDTH_FLOOR] = {"floor_s", 3e-6, 0, 2e-5, "s", "launch latency, first bytes and drain of one kernel"},
    [MOE_BANDWIDTH_ROW] = {"row_s", 2e-11, 0, 5e-9, "s",
                           "per row of a kernel that reduces rows (`m` given): narrow rows keep SMs busy"},
};

G_STATIC_ASSERT(MOE_N_BANDWIDTH_CONSTANTS <= MOE_CONSTANTS_MAX && MOE_N_GEMM_CONSTANTS <= MOE_CONSTANTS_MAX &&
                MOE_N_ATTENTION_CONSTANTS <= MOE_CONSTANTS_MAX);

const MoeCostConstant *moe_cost_constants(MoeKernelClass klass, guint *n)
{
  switch (klass) {
  case MOE_KERNEL_ATTENTION:
    *n = MOE_N_ATTENTION_CONSTANTS;
    return attention_constants;
  case MOE_KERNEL_BANDWIDTH:
    *n = MOE_N_BANDWIDTH_CONSTANTS;
    return bandwidth_constants;
  case MOE_KERNEL_GEMM:
    *n = MOE_GEMM_GROUP;
    return gemm_constants;
  default:
    *n = MOE_N_GEMM_CONSTANTS;
    return gemm_constants;
  }
}

/* Tiles that the vendor libraries and CUTLASS instantiate for large problems. On Blackwell two SMs work on one tile of
 * 256 rows (tcgen05.mma with cta_group::2; PTX ISA 8.6). */
static const MoeTile ampere_tiles[] = {{256, 128, 1}, {128, 256, 1}, {128, 128, 1}, {256, 64, 1},
                                       {64, 256, 1},  {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};
static const MoeTile hopper_tiles[] = {{256, 128, 1}, {128, 256, 1}, {128, 192, 1}, {192, 128, 1},
                                       {128, 160, 1}, {128, 128, 1}, {64, 256, 1},  {256, 64, 1},
                                       {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};
static const MoeTile blackwell_tiles[] = {{256, 256, 2}, {256, 192, 2}, {256, 128, 2}, {128, 256, 1}, {128, 192, 1},
                                          {128, 128, 1}, {256, 64, 2},  {128, 64, 1},  {64, 128, 1}};
static const MoeTile cdna3_tiles[] = {{256, 256, 1}, {256, 224, 1}, {256, 192, 1}, {256, 160, 1}, {256, 128, 1},
                                      {128, 256, 1}, {128, 128, 1}, {128, 64, 1},  {64, 128, 1},  {64, 64, 1}};

static const struct {
  double generation;
  const MoeTile *tiles;
  guint n;
} tile_sets[] = {
    {80, ampere_tiles, G_N_ELEMENTS(ampere_tiles)},
    {90, hopper_tiles, G_N_ELEMENTS(hopper_tiles)},
    {100, blackwell_tiles, G_N_ELEMENTS(blackwell_tiles)},
    {942, cdna3_tiles, G_N_ELEMENTS(cdna3_tiles)},
};

const MoeTile *moe_cost_tiles(double generation, guint *n)
{
  guint set = 0;

  while (set + 1 < G_N_ELEMENTS(tile_sets) && tile_sets[set + 1].generation <= generation)
    set++;
  *n = tile_sets[set].n;
  return tile_sets[set].tiles;
}
