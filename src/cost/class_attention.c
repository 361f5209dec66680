/*
 * Fused attention, forward and backward.
 *
 * One thread block works on a tile of `tile_q` query rows (forward) or `tile_kv` key rows (backward) of one head and
 * walks over the other side, whole tiles at a time: a diagonal tile costs a full one. Time of a score = its matrix
 * FLOPs and `score_flop` for the softmax, in part hidden, at the SM's sustained rate; each block pays `ramp_keys` more.
 * Blocks fill SMs in waves; the idle part of the last wave is partly won back (`balance`). Backward has five products
 * against forward's two: the fifth rebuilds the scores and is reported as MOE_REASON_RECOMPUTE. Equations and sources:
 * docs/model-kernels.md.
 */
#include "spec/spec.h"

#include <math.h>

#include "internal.h"

static const MoeCostConstant constants[MOE_N_ATTENTION_CONSTANTS] = {
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

static const MoeNamedFamily families[] = {
    {"fa2", "FlashAttention-2"},
    {"fa2-deterministic", "FlashAttention-2, gradients summed in a fixed order"},
    {"fa3", "FlashAttention-3 (Hopper)", TRUE},
    {"fa3-deterministic", "FlashAttention-3, gradients summed in a fixed order", TRUE},
    {"fa4", "FlashAttention-4 (Blackwell)"},
    {"fa4-deterministic", "FlashAttention-4, gradients summed in a fixed order"},
    {"fa4-in-step", "FlashAttention-4 as measured once inside a training step"},
    {"cudnn", "cuDNN's fused attention", TRUE},
    {"cudnn-deterministic", "cuDNN's fused attention, gradients summed in a fixed order", TRUE},
    {"te", "TransformerEngine's choice, most often cuDNN", TRUE},
    {"flashmla", "FlashMLA, DeepSeek's kernels for latent attention", TRUE},
    {"block-sparse", "kernels that skip blocks without an unmasked score"},
    {"unfused", "matrix products and a softmax, scores in memory"},
    {NULL, NULL},
};

static const MoeRelative relatives[] = {{"fa4-deterministic", "cudnn-deterministic", FALSE},
                                        {"fa4", "cudnn", FALSE},
                                        {"cudnn", "fa3", FALSE},
                                        {"cudnn-deterministic", "cudnn", FALSE},
                                        {"fa3-deterministic", "fa3", FALSE},
                                        {"fa3", "cudnn", FALSE},
                                        {"fa2-deterministic", "fa2", FALSE},
                                        {"fa2", "fa3", FALSE},
                                        {"te", "cudnn", FALSE},
                                        {"fa4-in-step", "fa4", FALSE},
                                        {"flashmla", "cudnn", FALSE},
                                        {"block-sparse", "fa2", FALSE},
                                        {"unfused", "fa2", FALSE},
                                        {NULL, NULL, FALSE}};

/* ---- counting scores --------------------------------------------------------------------------------------------- */

static double triangle(double n)
{
  return n > 0 ? n * (n + 1) / 2 : 0;
}

/* Scores of one head that a kernel visits: queries are the last len_q of len_kv positions; a window counts the query's
 * own position, and some kernels mask it without skipping anything. */
static double visited_scores(const MoeKernel *kernel, gboolean skips_window)
{
  double q = (double)kernel->len_q, kv = (double)kernel->len_kv;
  gboolean windowed = kernel->window > 0 && skips_window;

  if (!kernel->causal)
    return windowed ? q * MIN(kv, (double)kernel->window) : q * kv;
  double scores = triangle(kv) - triangle(kv - q);
  if (windowed) {
    double w = (double)kernel->window;
    scores -= triangle(kv - w) - triangle(MIN(kv - q, kv) - w);
  }
  return MAX(scores, 0);
}

/* Unmasked scores of one head. */
static double head_scores(const MoeKernel *kernel)
{
  return visited_scores(kernel, TRUE);
}

static gboolean is_backward(const MoeKernel *kernel)
{
  return moe_cost_fit_pass(kernel->pass) != 0;
}

/* FLOPs of one score: Q K^T and P V forward; backward K^T and Q gradients of the scores, P and V gradients (model
 * FLOPs). */
static double score_model_flop(const MoeKernel *kernel)
{
  double pair = 2.0 * (double)(kernel->dim_qk + kernel->dim_v);

  return is_backward(kernel) ? 2 * pair : pair;
}

/* Plus, in backward, Q K^T once more. */
static double score_flop(const MoeKernel *kernel)
{
  return score_model_flop(kernel) + (is_backward(kernel) ? 2.0 * (double)kernel->dim_qk : 0);
}

static double heads(const MoeKernel *kernel)
{
  return (double)kernel->batch * (double)kernel->query_heads;
}

static double flop(const MoeKernel *kernel)
{
  return heads(kernel) * head_scores(kernel) * score_flop(kernel);
}

/* ---- tiles ------------------------------------------------------------------------------------------------------- */

typedef struct {
  double blocks;  /* thread blocks over all heads */
  double length;  /* mean walk of a block over the other side, in rows, whole tiles */
  double longest; /* the longest walk */
  double rows;    /* rows of a block's own tile */
} Walk;

/* Rows of the other side that a tile of `rows` must visit. A causal or windowed band of height h covers, averaged over
 * the position inside the band, its mean width plus one tile of the own side (the slanted edge) rounded to other tiles.
 */
static void tile_walk(const MoeMachine *machine, const MoeKernel *kernel, Walk *walk)
{
  gboolean backward = is_backward(kernel);
  double tile_q = machine->constant[MOE_ATTENTION_TILE_Q], tile_kv = machine->constant[MOE_ATTENTION_TILE_KV];
  double own = backward ? tile_kv : tile_q, other = backward ? tile_q : tile_kv;
  double own_rows = (double)(backward ? kernel->len_kv : kernel->len_q);
  double other_rows = (double)(backward ? kernel->len_q : kernel->len_kv);
  double mean = visited_scores(kernel, machine->constant[MOE_ATTENTION_SKIPS_WINDOW] > 0) / own_rows;
  gboolean windowed = kernel->window > 0 && kernel->window < kernel->len_kv;
  double edges = (kernel->causal ? 1 : 0) + (windowed ? 1 : 0);
  double slant = edges * (MIN(own, own_rows) - 1) / 2 + (edges > 0 ? edges * (other - 1) / 2 : 0);
  double limit = ceil(other_rows / other) * other;

  walk->rows = own;
  walk->blocks = heads(kernel) * ceil(own_rows / own);
  walk->length = edges > 0 ? MIN(mean + slant, limit) : limit;
  if (windowed && machine->constant[MOE_ATTENTION_SKIPS_WINDOW] > 0)
    walk->longest = MIN((double)kernel->window + 2 * slant, limit);
  else
    walk->longest = limit;
}

/* Time of all blocks relative to a perfect spread: whole waves when the walks are alike; with unequal walks (causal)
 * the scheduler starts long ones first, and the longest one bounds the time. */
static double spread(const Walk *walk, double sms, double balance)
{
  double waves = walk->blocks / sms;
  double alike = waves <= 1 ? 1 : waves + (1 - balance) * (ceil(waves) - waves);

  if (walk->longest <= walk->length)
    return alike / waves;
  double packed = waves + (1 - balance) * 0.5 * MIN(1, waves);
  return MAX(packed, walk->longest / walk->length) / waves;
}

/* FLOPs that take as long as one score: products and softmax run on different units and hide one another in part, hence
 * the Euclidean sum; head dimensions beyond 128 leave registers for smaller tiles only. */
static double score_work(const double *c, const MoeKernel *kernel)
{
  double wide = (double)MAX(kernel->dim_qk, kernel->dim_v) / 128 - 1;

  return hypot(score_flop(kernel) * (1 + (c[MOE_ATTENTION_WIDE_WORK] - 1) * MAX(wide, 0)), c[MOE_ATTENTION_SCORE_FLOP]);
}

/* ---- reasons ----------------------------------------------------------------------------------------------------- */

static double operand_bytes(const MoeKernel *kernel)
{
  double element = moe_precision_bytes(kernel->precision), out = moe_precision_bytes(kernel->output);
  double q = heads(kernel) * (double)kernel->len_q;
  double kv = (double)kernel->batch * (double)kernel->kv_heads * (double)kernel->len_kv;
  double read = (q * (double)kernel->dim_qk + kv * (double)(kernel->dim_qk + kernel->dim_v)) * element;
  double written = q * (double)kernel->dim_v * out;

  return is_backward(kernel) ? 2 * (read + written) : read + written;
}

static void price(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost)
{
  const double *c = machine->constant;
  double peak = machine->peak_flop_per_s, density = c[MOE_ATTENTION_DENSITY];
  double scores = heads(kernel) * head_scores(kernel) * density;
  double math_flop = moe_cost_math_flop(kernel, scores * score_model_flop(kernel)), reached = 0;
  Walk walk;

  tile_walk(machine, kernel, &walk);
  double computed = walk.blocks * walk.rows * walk.length * density;
  double idle = spread(&walk, machine->free_sms, c[MOE_ATTENTION_BALANCE]);
  double tile_s = computed * score_flop(kernel) / peak;
  double rate = peak * c[MOE_ATTENTION_SUSTAINED] / idle;
  double sustained_s =
      moe_droop(computed * score_work(c, kernel) / rate, c[MOE_ATTENTION_DROOP], c[MOE_ATTENTION_DROOP_S]) /
      machine->math_rate;
  double ramp_s = sustained_s * (1 + c[MOE_ATTENTION_RAMP_KEYS] / walk.length);
  double memory_s = operand_bytes(kernel) / (machine->hbm_bytes_per_s * c[MOE_ATTENTION_MEMORY_SHARE]);
  double total_s = MAX(ramp_s, memory_s);

  moe_ladder_step(cost, MOE_REASON_MATH, &reached, math_flop / machine->quoted_flop_per_s);
  moe_ladder_step(cost, MOE_REASON_PRECISION, &reached, math_flop / peak);
  moe_ladder_step(cost, MOE_REASON_RECOMPUTE, &reached, scores * score_flop(kernel) / peak);
  moe_ladder_step(cost, MOE_REASON_TILE, &reached, tile_s);
  moe_ladder_step(cost, MOE_REASON_WAVE, &reached, tile_s * idle);
  moe_ladder_step(cost, MOE_REASON_SUSTAINED, &reached, sustained_s);
  moe_ladder_step(cost, MOE_REASON_RAMP, &reached, ramp_s);
  moe_ladder_step(cost, MOE_REASON_MEMORY, &reached, total_s);
  moe_ladder_step(cost, MOE_REASON_FLOOR, &reached, total_s + c[MOE_ATTENTION_FLOOR]);
}

static gboolean complete(MoeKernel *kernel)
{
  kernel->batch = MAX(kernel->batch, 1);
  kernel->len_kv = kernel->len_kv > 0 ? kernel->len_kv : kernel->len_q;
  kernel->kv_heads = kernel->kv_heads > 0 ? kernel->kv_heads : kernel->query_heads;
  kernel->dim_v = kernel->dim_v > 0 ? kernel->dim_v : kernel->dim_qk;
  return flop(kernel) > 0;
}

const MoeCostClass moe_cost_class_attention = {
    .title = "attention",
    .shape = (const char *const[]){"batch", "heads", "kv_heads", "len", "len_kv", "window", "dim_qk", "dim_v", NULL},
    .needs = "heads, len, dim_qk",
    .families = families,
    .relatives = relatives,
    .constants = constants,
    .n_constants = MOE_N_ATTENTION_CONSTANTS,
    .one_backward = TRUE,
    .flop = flop,
    .complete = complete,
    .price = price,
};
