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
#include "spec/spec.h"

#include <math.h>

#include "internal.h"

typedef MoeGemm Problem;

/* ---- the problem ------------------------------------------------------------------------------------------------- */

double moe_gemm_output_bytes(const MoeKernel *kernel, double elements)
{
  return elements * moe_precision_bytes(kernel->output) * (kernel->accumulate ? 2 : 1);
}

/* Rows whose length is not a multiple of 16 bytes cannot be loaded 16 bytes at a time. On H100 a feed-forward width of
 * 10,922 ran at 272.7 TFLOP/s where 10,944 ran at 398.4 (github.com/stas00/ml-engineering, training/performance
 * README). */
#define ALIGNMENT_BYTES 16
#define MISALIGNED_RATE (272.7 / 398.4)

static double alignment_rate(const MoeKernel *kernel)
{
  double element = moe_precision_bytes(kernel->precision);
  int64_t elements = 1;

  while ((double)elements * element < ALIGNMENT_BYTES * 0.75) /* bytes include scales */
    elements *= 2;
  return (kernel->n | kernel->k) % elements == 0 ? 1 : MISALIGNED_RATE;
}

/* ---- tiles ------------------------------------------------------------------------------------------------------- */

#define ALL_WHOLE 0x1p52 /* from here on every double is a whole number */

/* ceil() of what is not negative, without the library's call. */
static double round_up(double x)
{
  if (!(x < ALL_WHOLE))
    return x;
  double whole = (double)(int64_t)x;

  return whole < x ? whole + 1 : whole;
}

/* Largest power of two that divides all three. */
static int64_t common_grain(int64_t a, int64_t b, int64_t c)
{
  uint64_t bits = (uint64_t)(a | b | c);

  return (int64_t)(bits & -bits);
}

/* Row tiles over all outputs. Of unequal groups only the sum and the maximum are known: a group ends anywhere within
 * its last tile, so it wastes half a tile on average, less the grain that all counts share (rounded counts waste
 * nothing). */
static double row_tiles(const Problem *p, int64_t tile)
{
  if (p->rows == 0)
    return p->copies * round_up(p->m / (double)tile);
  if (p->fullest * (int64_t)p->copies == p->rows)
    return p->copies * (double)moe_ceil_div(p->fullest, tile);

  double rounded = (double)p->rows / (double)tile;
  double grain = (double)common_grain(p->rows, p->fullest, tile);
  return rounded + 0.5 * MIN(p->copies, (double)p->rows) * (1 - grain / (double)tile);
}

/* Tiles of one height have the same rows, of one width the same columns; `likely` is where the least work is, whole
 * waves apart. */
static void count_tiles(const MoeMachine *machine, Problem *p)
{
  const MoeTileTable *table = machine->tiles;
  double rows[MOE_TILES_MAX], columns[MOE_TILES_MAX], least = INFINITY;

  for (guint i = 0; i < table->n_heights; i++)
    rows[i] = row_tiles(p, table->heights[i]);
  for (guint i = 0; i < table->n_widths; i++)
    columns[i] = round_up(p->n / table->widths[i]);
  p->least_busy = INFINITY;
  for (guint i = 0; i < table->n; i++) {
    double tiles = rows[table->height[i]] * columns[table->width[i]];

    p->tiles[i] = tiles;
    p->work[i] = tiles * table->slot_work[i];
    p->least_busy = MIN(p->least_busy, tiles * table->tile[i].sms);
    if (table->ordered && p->work[i] < least) {
      least = p->work[i];
      p->likely = i;
    }
  }
}

/* Time of tiles whose K loop has `k` elements, over that of their math: filling and draining the pipeline. */
static double ramp_growth(const double *constant, double k)
{
  return 1 + constant[MOE_GEMM_RAMP_K] / k;
}

void moe_cost_gemm_describe(const MoeMachine *machine, const MoeKernel *kernel, Problem *p)
{
  double useful_share = kernel->useful_share > 0 ? kernel->useful_share : 1;

  *p = (Problem){0};
  moe_cost_class(kernel->klass)->describe(kernel, p);
  p->flop = moe_cost_flop(kernel);
  p->useful_flop = moe_cost_math_flop(kernel, p->flop * useful_share);
  p->floor_s = machine->constant[MOE_GEMM_FLOOR];
  p->alignment_rate = alignment_rate(kernel);
  if (kernel->klass == MOE_KERNEL_GROUPED_GEMM)
    p->least_s = p->copies * machine->constant[MOE_GEMM_GROUP];
  if (p->flop <= 0)
    return;
  p->growth = ramp_growth(machine->constant, p->k);
  count_tiles(machine, p);
}

/* Loss of a tile's rate against the largest common one (256 x 128). */
static double tile_rate(const MoeTile *tile, double loss)
{
  double best = 1 + loss * (1.0 / 256 + 1.0 / 128);

  return best / (1 + loss * (1.0 / tile->m + 1.0 / tile->n));
}

/* Index of a size among the different ones so far, to which it is added. */
static guint place_in(int16_t *sizes, guint *n, int16_t size)
{
  guint i = 0;

  while (i < *n && sizes[i] != size)
    i++;
  sizes[i] = size;
  *n = MAX(*n, i + 1);
  return i;
}

void moe_cost_free_sms(MoeMachine *machine, double free_sms)
{
  machine->free_sms = free_sms;
  for (int shared = 1; shared <= MOE_TILE_SMS_MAX; shared++)
    machine->slots[shared] = MAX((double)(int64_t)(free_sms / shared), 1);
}

void moe_cost_tile_table(const double *constant, double peak_flop_per_s, double sms, MoeTileTable *table)
{
  *table = (MoeTileTable){0};
  table->tile = moe_cost_tiles(constant[MOE_GEMM_TILES], &table->n);
  table->ordered = constant[MOE_GEMM_DROOP] >= 0 && constant[MOE_GEMM_DROOP] < 1 && constant[MOE_GEMM_RAMP_K] >= 0 &&
                   constant[MOE_GEMM_SPLIT] >= 0 && constant[MOE_GEMM_OVERLAP] >= 0 &&
                   constant[MOE_GEMM_OVERLAP] <= 1 && constant[MOE_GEMM_BALANCE] <= 1;
  for (guint i = 0; i < table->n; i++) {
    const MoeTile *tile = &table->tile[i];

    table->height[i] = place_in(table->heights, &table->n_heights, tile->m);
    table->width[i] = place_in(table->widths, &table->n_widths, tile->n);
    table->area_flop[i] = 2 * ((double)tile->m * tile->n);
    table->slot_flop_per_s[i] = peak_flop_per_s / sms * tile->sms;
    table->flop_per_s[i] =
        table->slot_flop_per_s[i] * constant[MOE_GEMM_SUSTAINED] * tile_rate(tile, constant[MOE_GEMM_TILE_LOSS]);
    table->work[i] = table->area_flop[i] / table->flop_per_s[i];
    table->slot_work[i] = table->work[i] * tile->sms;
  }
}

/* ---- the fastest tile -------------------------------------------------------------------------------------------- */

/* One tile choice with its cumulative estimates, each with one mechanism more. */
typedef struct {
  guint tile;
  double pieces, waves;
  double work; /* of the math alone, in units that all choices of one piece share */
  double sustained_s, ramp_s, total_s;
} Choice;

/* A machine while the fastest choice for a problem is looked for. */
typedef struct {
  const MoeMachine *machine;
  const MoeTileTable *table;
  const Problem *p;
  double memory_s;
  Choice best;
  double limit; /* choices of one piece with more work than this are slower than the best one */
} Contest;

/* Waves that count: whole ones, the last one with its idle part won back by `balance`. */
static double counted_waves(double waves, double balance)
{
  return waves <= 1 ? 1 : waves + (1 - balance) * (round_up(waves) - waves);
}

/* K loops shorter than this are not split: the libraries' split-K heuristics keep at least a few main-loop stages. */
#define SPLIT_MIN_K 512
#define SPLIT_MAX   8

/* Pieces the K loop is cut into when tiles leave SMs idle: at least half of them. */
static double split_pieces(const Contest *contest, guint i)
{
  const Problem *p = contest->p;
  double busy_sms = p->tiles[i] * contest->table->tile[i].sms, waves = busy_sms / contest->machine->free_sms;

  if (waves > 0.5)
    return 1;
  double pieces = MIN(floor(1 / waves), floor(p->k / SPLIT_MIN_K));
  return CLAMP(pieces, 1, SPLIT_MAX);
}

/* By how much more work a choice must have, and by how much longer it must take for that, so that rounding cannot have
 * made it slower. */
#define CLEARLY_MORE   1e-9
#define CLEARLY_LONGER 1e-13

/* Time grows with work: all choices of one piece share the droop, the ramp and the memory beside. */
static double slower_above(const Contest *contest)
{
  const double *c = contest->machine->constant;
  const Choice *best = &contest->best;
  double growth = best->ramp_s >= contest->memory_s ? 1 : 1 - c[MOE_GEMM_OVERLAP];

  if (!contest->machine->tiles->ordered || best->pieces > 1)
    return INFINITY;
  return growth * best->ramp_s * CLEARLY_MORE > CLEARLY_LONGER * best->total_s ? best->work * (1 + CLEARLY_MORE)
                                                                               : INFINITY;
}

/* Of equally fast choices the first in the table counts, in whatever order they are tried. */
static gboolean beats(const Choice *choice, double seconds, const Choice *best)
{
  return seconds < best->total_s || (seconds == best->total_s && choice->tile < best->tile);
}

/* Each mechanism only adds time, so that a choice whose math alone takes longer than the best one needs no more of
 * them. */
static void try_choice(Contest *contest, guint i, double pieces)
{
  const double *c = contest->machine->constant;
  const MoeTileTable *table = contest->table;
  const Problem *p = contest->p;
  const gboolean whole = pieces == 1;
  double piece_k = whole ? p->k : p->k / pieces;
  double slots = contest->machine->slots[table->tile[i].sms];
  double waves = counted_waves(p->tiles[i] * pieces / slots, c[MOE_GEMM_BALANCE]);
  Choice e = {.tile = i, .pieces = pieces, .waves = waves, .work = table->work[i] * waves};

  if (whole && e.work > contest->limit)
    return;
  double math_s = table->area_flop[i] * piece_k * waves / (table->flop_per_s[i] * p->alignment_rate);
  double rate = contest->machine->math_rate;
  if (contest->best.total_s < INFINITY && !beats(&e, math_s / rate, &contest->best))
    return;
  e.sustained_s = moe_droop(math_s, c[MOE_GEMM_DROOP], c[MOE_GEMM_DROOP_S]) / rate;
  e.ramp_s = whole ? e.sustained_s * p->growth : e.sustained_s * ramp_growth(c, piece_k) + c[MOE_GEMM_SPLIT];
  e.total_s = e.ramp_s + moe_memory_visible(e.ramp_s, contest->memory_s, c[MOE_GEMM_OVERLAP]);
  if (!beats(&e, e.total_s, &contest->best))
    return;
  contest->best = e;
  contest->limit = MIN(contest->limit, slower_above(contest));
}

static void try_tile(Contest *contest, guint i, gboolean splits)
{
  double pieces = splits ? split_pieces(contest, i) : 1;

  try_choice(contest, i, 1);
  if (pieces > 1)
    try_choice(contest, i, pieces);
}

/* Tiles whose work on one SM is at most that much, as bits. */
static guint tiles_within(const Problem *p, guint n, double most)
{
  guint within = 0;

  for (guint i = 0; i < n; i++)
    within |= (guint)(p->work[i] <= most) << i;
  return within;
}

/* The likely tile goes first. Few others then need a closer look: of tiles that keep all SMs busy, and so are not
 * split, those that have no more work than the best choice even if their last wave cost no more than its tiles. */
static void choose(const MoeMachine *machine, const Problem *p, Contest *contest)
{
  double sms = MAX(machine->free_sms, MOE_TILE_SMS_MAX); /* there is always room for one tile */
  gboolean splits = !(p->least_busy > machine->free_sms);

  contest->limit = contest->best.total_s = INFINITY;
  contest->memory_s = p->bytes / (machine->hbm_bytes_per_s * machine->constant[MOE_GEMM_MEMORY_SHARE]);
  try_tile(contest, p->likely, splits);
  guint left = splits ? ~0u >> (32 - contest->table->n) : tiles_within(p, contest->table->n, contest->limit * sms);

  for (left &= ~(1u << p->likely); left; left &= left - 1) {
    guint i = (guint)__builtin_ctz(left);

    if (splits || p->work[i] <= contest->limit * sms)
      try_tile(contest, i, splits);
  }
}

/* ---- reasons ----------------------------------------------------------------------------------------------------- */

/* The rungs of the ladder are the first reasons, in their order. */
enum { RUNGS = MOE_REASON_FLOOR + 1 };
G_STATIC_ASSERT(MOE_REASON_MATH == 0 && MOE_REASON_PADDING == 2 && MOE_REASON_WAVE == 4 && MOE_REASON_RAMP == 6 &&
                MOE_REASON_FLOOR == 8);

/* The fastest choice, with all zero where there is nothing to multiply. */
static Choice fastest(const MoeMachine *machine, const Problem *p)
{
  Contest contest = {.machine = machine, .table = machine->tiles, .p = p};

  if (p->flop > 0)
    choose(machine, p, &contest);
  return contest.best;
}

/* Work behind a product's tiles runs while the next tiles are multiplied, and shows where it takes longer. An SM makes
 * one value of the experts' activation, with its MXFP8 casts along rows and columns, in 0.395 ns. Derived: six products
 * of 64 experts, 4,096 rows each, 2,560 and 1,280 wide, took 7.35 ms on a GB200 with cuDNN's fused kernels
 * (github.com/marin-community/marin/issues/7282: 1.35 times as fast as 9.92 ms in BF16, which this model has as 9.87);
 * the four that nothing is fused behind take 3.77 ms of it here, which leaves the other two 2.67 ps per value on
 * 148 SMs. */
#define FUSED_SM_S 0.395e-9

static double with_floor(const MoeMachine *machine, const Problem *p, const Choice *best)
{
  double fused_s = p->fused_values * FUSED_SM_S / machine->free_sms;

  return MAX(MAX(best->total_s, p->least_s), fused_s) + p->floor_s;
}

static void climb(const MoeMachine *machine, const Problem *p, double reached_s[RUNGS])
{
  const Choice best = fastest(machine, p);
  double tile_s = 0, wave_s = 0;

  if (p->flop > 0) {
    double piece_flop = machine->tiles->area_flop[best.tile] * (p->k / best.pieces);
    tile_s = piece_flop * (p->tiles[best.tile] * best.pieces) / machine->peak_flop_per_s;
    wave_s = piece_flop * best.waves / machine->tiles->slot_flop_per_s[best.tile];
  }
  reached_s[MOE_REASON_MATH] = p->useful_flop / machine->quoted_flop_per_s;
  reached_s[MOE_REASON_PRECISION] = p->useful_flop / machine->peak_flop_per_s;
  reached_s[MOE_REASON_PADDING] = p->flop / machine->peak_flop_per_s;
  reached_s[MOE_REASON_TILE] = tile_s;
  reached_s[MOE_REASON_WAVE] = wave_s;
  reached_s[MOE_REASON_SUSTAINED] = best.sustained_s;
  reached_s[MOE_REASON_RAMP] = best.ramp_s;
  reached_s[MOE_REASON_MEMORY] = best.total_s;
  reached_s[MOE_REASON_FLOOR] = with_floor(machine, p, &best);
}

void moe_cost_gemm(const MoeMachine *machine, const Problem *p, MoeCost *cost)
{
  double reached_s[RUNGS], reached = 0;

  climb(machine, p, reached_s);
  for (int reason = 0; reason < RUNGS; reason++)
    moe_ladder_step(cost, (MoeReason)reason, &reached, reached_s[reason]);
}

double moe_cost_gemm_seconds(const MoeMachine *machine, const Problem *p)
{
  const Choice best = fastest(machine, p);

  return with_floor(machine, p, &best);
}
