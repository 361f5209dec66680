/*
 * GEMM and grouped GEMM.
 *
 * For every tile of the generation's set: tiles = output rounded up to tiles, waves = tiles / SMs with the idle part of
 * the last wave partly won back (`balance`), time of one tile = 2 m n (K + ramp_k) at the SM's sustained rate, lowered
 * for small tiles
 * (`tile_loss`). When fewer tiles than SMs exist, the K loop may be split (`split_s` for the reduction). The fastest
 * choice counts, as the libraries' heuristics and auto-tuners choose. HBM traffic is hidden by math up to `overlap`; a
 * fixed `floor_s` comes on top, and groups that are kernels of their own cannot take less than `group_s` each.
 * Equations, sources and limits: docs/model-kernels.md.
 */
#include <moesim/spec.h>

#include <math.h>

#include "internal.h"

/* One problem in the terms of the equations; `copies` independent outputs of m x n, reduced over k. */
typedef struct {
  double copies, m, n, k;
  int64_t rows, fullest; /* GROUPED forward / dgrad: rows over all groups and of the fullest one; 0 otherwise */
  double flop, useful_flop, bytes, floor_s, least_s;
  double alignment_rate; /* 1, less for rows that are not a multiple of 16 bytes */
} Problem;

/* Cumulative estimates of one tile choice, each with one mechanism more. */
typedef struct {
  double tile_s, wave_s, sustained_s, ramp_s, total_s;
} Estimate;

/* ---- the problem
 * ----------------------------------------------------------------------------------------------------- */

static double output_bytes(const MoeKernel *kernel, double elements)
{
  return elements * moe_precision_bytes(kernel->output) * (kernel->accumulate ? 2 : 1);
}

static void gemm_problem(const MoeKernel *kernel, Problem *p)
{
  double element = moe_precision_bytes(kernel->precision);

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = (double)kernel->m;
  p->n = (double)kernel->n;
  p->k = (double)kernel->k;
  p->bytes = p->copies * ((p->m * p->k + p->k * p->n) * element + output_bytes(kernel, p->m * p->n));
}

/* Weight gradient of experts: one [k, n] output per group, reduced over the group's rows. */
static void grouped_wgrad_problem(const MoeKernel *kernel, Problem *p)
{
  double element = moe_precision_bytes(kernel->precision), rows = (double)kernel->rows;

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = (double)kernel->k;
  p->n = (double)kernel->n;
  p->k = rows / p->copies;
  p->bytes = rows * (p->m + p->n) * element + p->copies * output_bytes(kernel, p->m * p->n);
}

static void grouped_problem(const MoeKernel *kernel, Problem *p)
{
  double element = moe_precision_bytes(kernel->precision), rows = (double)kernel->rows;

  p->copies = (double)MAX(kernel->groups, 1);
  p->m = rows / p->copies;
  p->n = (double)kernel->n;
  p->k = (double)kernel->k;
  p->rows = kernel->rows;
  p->fullest = MAX(kernel->m, moe_ceil_div(kernel->rows, MAX(kernel->groups, 1)));
  p->bytes = (rows * p->k + p->copies * p->k * p->n) * element + output_bytes(kernel, rows * p->n);
}

double moe_cost_flop(const MoeKernel *kernel)
{
  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
    return 2.0 * (double)kernel->m * (double)kernel->n * (double)kernel->k * (double)MAX(kernel->groups, 1);
  case MOE_KERNEL_GROUPED_GEMM:
    return 2.0 * (double)kernel->rows * (double)kernel->n * (double)kernel->k;
  case MOE_KERNEL_ATTENTION:
    return moe_cost_attention_flop(kernel);
  default:
    return 0;
  }
}

/* Rows whose length is not a multiple of 16 bytes cannot be loaded 16 bytes at a time. On H100 a feed-forward width of
 * 10,922 ran at 272.7 TFLOP/s where 10,944 ran at 398.4 (github.com/stas00/ml-engineering, training/performance
 * README). */
#define ALIGNMENT_BYTES 16
#define MISALIGNED_RATE (272.7 / 398.4)

static double alignment_rate(const MoeKernel *kernel)
{
  int64_t elements = 1;

  while (elements * moe_precision_bytes(kernel->precision) < ALIGNMENT_BYTES * 0.75) /* bytes include scales */
    elements *= 2;
  return kernel->n % elements == 0 && kernel->k % elements == 0 ? 1 : MISALIGNED_RATE;
}

static void describe(const MoeMachine *machine, const MoeKernel *kernel, Problem *p)
{
  double useful_share = kernel->useful_share > 0 ? kernel->useful_share : 1;

  if (kernel->klass == MOE_KERNEL_GEMM)
    gemm_problem(kernel, p);
  else if (kernel->pass == MOE_PASS_WGRAD)
    grouped_wgrad_problem(kernel, p);
  else
    grouped_problem(kernel, p);
  p->flop = moe_cost_flop(kernel);
  p->useful_flop = moe_cost_math_flop(kernel, p->flop * useful_share);
  p->floor_s = machine->constant[MOE_GEMM_FLOOR];
  p->alignment_rate = alignment_rate(kernel);
  if (kernel->klass == MOE_KERNEL_GROUPED_GEMM)
    p->least_s = p->copies * machine->constant[MOE_GEMM_GROUP];
}

/* ---- tiles
 * ----------------------------------------------------------------------------------------------------------- */

/* Largest power of two that divides all three. */
static int64_t common_grain(int64_t a, int64_t b, int64_t c)
{
  int64_t grain = 1;

  while ((a | b | c) % (2 * grain) == 0)
    grain *= 2;
  return grain;
}

/* Row tiles over all outputs. Of unequal groups only the sum and the maximum are known: a group ends anywhere within
 * its last tile, so it wastes half a tile on average, less the grain that all counts share (rounded counts waste
 * nothing). */
static double row_tiles(const Problem *p, int64_t tile)
{
  if (p->rows == 0)
    return p->copies * ceil(p->m / (double)tile);
  if (p->fullest * (int64_t)p->copies == p->rows)
    return p->copies * (double)moe_ceil_div(p->fullest, tile);

  double rounded = (double)p->rows / (double)tile;
  double grain = (double)common_grain(p->rows, p->fullest, tile);
  return rounded + 0.5 * MIN(p->copies, (double)p->rows) * (1 - grain / (double)tile);
}

/* Waves that count: whole ones, the last one with its idle part won back by `balance`. */
static double counted_waves(double waves, double balance)
{
  return waves <= 1 ? 1 : waves + (1 - balance) * (ceil(waves) - waves);
}

/* Loss of a tile's rate against the largest common one (256 x 128). */
static double tile_rate(const MoeTile *tile, double loss)
{
  double best = 1 + loss * (1.0 / 256 + 1.0 / 128);

  return best / (1 + loss * (1.0 / tile->m + 1.0 / tile->n));
}

/* K loops shorter than this are not split: the libraries' split-K heuristics keep at least a few main-loop stages. */
#define SPLIT_MIN_K 512
#define SPLIT_MAX   8

/* Pieces the K loop is cut into when tiles leave SMs idle. */
static double split_pieces(const Problem *p, double waves)
{
  double pieces = MIN(floor(1 / waves), floor(p->k / SPLIT_MIN_K));

  return CLAMP(pieces, 1, SPLIT_MAX);
}

/* Row tiles are the same whether the K loop is split or not, and the costliest to count: `tiles` are those of one
 * piece. Each mechanism only adds time, so that a choice whose math alone takes longer than the best one needs no more
 * of them. */
static void try_choice(const MoeMachine *machine, const Problem *p, const MoeTile *tile, double tiles, double pieces,
                       Estimate *best)
{
  const double *c = machine->constant;
  double slot_flop_per_s = machine->peak_flop_per_s / machine->sms * tile->sms; /* of the SMs that share a tile */
  double slots = MAX(floor(machine->free_sms / tile->sms), 1);
  double tile_area = (double)tile->m * tile->n, piece_k = p->k / pieces;
  double waves = counted_waves(tiles * pieces / slots, c[MOE_GEMM_BALANCE]);
  double rate = slot_flop_per_s * c[MOE_GEMM_SUSTAINED] * tile_rate(tile, c[MOE_GEMM_TILE_LOSS]) * p->alignment_rate;
  double math_s = 2 * tile_area * piece_k * waves / rate;
  Estimate e;

  if (math_s >= best->total_s)
    return;
  e.tile_s = 2 * tile_area * piece_k * (tiles * pieces) / machine->peak_flop_per_s;
  e.wave_s = 2 * tile_area * piece_k * waves / slot_flop_per_s;
  e.sustained_s = moe_droop(math_s, c[MOE_GEMM_DROOP], c[MOE_GEMM_DROOP_S]);
  e.ramp_s = e.sustained_s * (1 + c[MOE_GEMM_RAMP_K] / piece_k) + (pieces > 1 ? c[MOE_GEMM_SPLIT] : 0);
  e.total_s = e.ramp_s + moe_memory_visible(e.ramp_s, p->bytes / (machine->hbm_bytes_per_s * c[MOE_GEMM_MEMORY_SHARE]),
                                            c[MOE_GEMM_OVERLAP]);
  if (e.total_s < best->total_s)
    *best = e;
}

static void choose(const MoeMachine *machine, const Problem *p, Estimate *best)
{
  guint n;
  const MoeTile *tiles = moe_cost_tiles(machine->constant[MOE_GEMM_TILES], &n);

  best->total_s = INFINITY;
  for (guint i = 0; i < n; i++) {
    double count = row_tiles(p, tiles[i].m) * ceil(p->n / (double)tiles[i].n);
    double pieces = split_pieces(p, count * tiles[i].sms / machine->free_sms);

    try_choice(machine, p, &tiles[i], count, 1, best);
    if (pieces > 1)
      try_choice(machine, p, &tiles[i], count, pieces, best);
  }
}

/* ---- reasons
 * --------------------------------------------------------------------------------------------------------- */

void moe_cost_gemm(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost)
{
  Problem p = {0};
  Estimate e = {0};
  double reached = 0;

  describe(machine, kernel, &p);
  if (p.flop > 0)
    choose(machine, &p, &e);
  moe_ladder_step(cost, MOE_REASON_MATH, &reached, p.useful_flop / machine->quoted_flop_per_s);
  moe_ladder_step(cost, MOE_REASON_PRECISION, &reached, p.useful_flop / machine->peak_flop_per_s);
  moe_ladder_step(cost, MOE_REASON_PADDING, &reached, p.flop / machine->peak_flop_per_s);
  moe_ladder_step(cost, MOE_REASON_TILE, &reached, e.tile_s);
  moe_ladder_step(cost, MOE_REASON_WAVE, &reached, e.wave_s);
  moe_ladder_step(cost, MOE_REASON_SUSTAINED, &reached, e.sustained_s);
  moe_ladder_step(cost, MOE_REASON_RAMP, &reached, e.ramp_s);
  moe_ladder_step(cost, MOE_REASON_MEMORY, &reached, e.total_s);
  moe_ladder_step(cost, MOE_REASON_FLOOR, &reached, MAX(e.total_s, p.least_s) + p.floor_s);
}
