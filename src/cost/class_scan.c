/*
 * Linear attention, chunk by chunk: t = floor + max(work, chain).
 *
 * Work: matrix products of C tokens with one another and with the state [dk, dv] of each head, at a share of peak that
 * the kernels of each rule reach (`gated_delta`, `kda`, `mamba2`). Chain: the states of a sequence follow one another,
 * one chunk after the other, on one SM each (`gated_delta_step_s` and so on); few heads and sequences are bound by it.
 * The backward pass has two products for each and rebuilds what the forward pass made inside chunks. Equations and
 * sources: docs/model-kernels.md.
 */
#include "spec/spec.h"

#include "internal.h"

/* Shares and steps in the order of MoeLinearKind. */
typedef enum { GATED_DELTA, KDA, MAMBA2, GATED_DELTA_STEP, KDA_STEP, MAMBA2_STEP, FLOOR, N_CONSTANTS } Constant;

/* Generic values: medians over the accelerators measured (docs/model-kernels.md). */
static const MoeCostConstant constants[N_CONSTANTS] = {
    [GATED_DELTA] = {"gated_delta", 0.06, 0.001, 1, "share of peak", "sustained by the gated delta rule"},
    [KDA] = {"kda", 0.03, 0.001, 1, "share of peak", "sustained by the delta rule with a decay per key element"},
    [MAMBA2] = {"mamba2", 0.03, 0.001, 1, "share of peak", "sustained by Mamba-2's scan"},
    [GATED_DELTA_STEP] = {"gated_delta_step_s", 2.5e-6, 0, 1e-4, "s", "one chunk after another of a sequence"},
    [KDA_STEP] = {"kda_step_s", 4.3e-6, 0, 1e-4, "s", "one chunk after another of a sequence"},
    [MAMBA2_STEP] = {"mamba2_step_s", 5e-6, 0, 1e-4, "s", "one chunk after another of a sequence"},
    [FLOOR] = {"floor_s", 4e-5, 0, 1e-3, "s", "launches and drains of the kernels of a scan"},
};

static const MoeNamedFamily families[] = {
    {"fla", "flash-linear-attention"},
    {NULL, NULL},
};
static const MoeRelative relatives[] = {{NULL, NULL}};

static double tokens(const MoeKernel *kernel)
{
  return (double)kernel->batch * (double)kernel->query_heads * (double)kernel->len_q;
}

static gboolean is_backward(const MoeKernel *kernel)
{
  return moe_cost_fit_pass(kernel->pass) != 0;
}

/* Inside chunks, per token and head: values weighted by products of queries and keys; the delta rule besides has
 * products of keys, and their inverse times keys and values. Products of Mamba-2's queries and keys are shared by the
 * heads of a group. */
static double within_flop(const MoeKernel *kernel)
{
  double c = (double)kernel->chunk, dk = (double)kernel->dim_qk, dv = (double)kernel->dim_v;
  double groups = (double)kernel->kv_heads / (double)MAX(kernel->query_heads, 1);

  if (kernel->rule == MOE_LINEAR_MAMBA2)
    return 2 * c * dv + 2 * c * dk * groups;
  return 2 * c * (3 * dk + 2 * dv);
}

/* To and from the state; the delta rule reads it once more. */
static double state_flop(const MoeKernel *kernel)
{
  return (kernel->rule == MOE_LINEAR_MAMBA2 ? 2 : 3) * 2.0 * (double)kernel->dim_qk * (double)kernel->dim_v;
}

static double flop(const MoeKernel *kernel)
{
  double forward = within_flop(kernel) + state_flop(kernel);

  return tokens(kernel) * (is_backward(kernel) ? 3 * forward : forward);
}

static double chunks(const MoeKernel *kernel)
{
  return (double)moe_ceil_div(kernel->len_q, MAX(kernel->chunk, 1)) * (is_backward(kernel) ? 2 : 1);
}

static void price(const MoeMachine *machine, const MoeKernel *kernel, MoeCost *cost)
{
  const double *c = machine->constant;
  double peak = machine->peak_flop_per_s, reached = 0, work = flop(kernel);
  double useful = tokens(kernel) * state_flop(kernel) * (is_backward(kernel) ? 2 : 1);
  double math_flop = moe_cost_math_flop(kernel, useful);
  double share = c[GATED_DELTA + (Constant)kernel->rule] * machine->free_sms / machine->sms * machine->math_rate;
  double work_s = work / (peak * share),
         total_s = MAX(work_s, chunks(kernel) * c[GATED_DELTA_STEP + (Constant)kernel->rule]);

  moe_ladder_step(cost, MOE_REASON_MATH, &reached, math_flop / machine->quoted_flop_per_s);
  moe_ladder_step(cost, MOE_REASON_PRECISION, &reached, math_flop / peak);
  moe_ladder_step(cost, MOE_REASON_TILE, &reached, work / peak);
  moe_ladder_step(cost, MOE_REASON_SUSTAINED, &reached, work_s);
  moe_ladder_step(cost, MOE_REASON_WAVE, &reached, total_s);
  moe_ladder_step(cost, MOE_REASON_FLOOR, &reached, total_s + c[FLOOR]);
}

static gboolean complete(MoeKernel *kernel)
{
  kernel->batch = MAX(kernel->batch, 1);
  kernel->kv_heads = kernel->kv_heads > 0 ? kernel->kv_heads : kernel->query_heads;
  kernel->dim_v = kernel->dim_v > 0 ? kernel->dim_v : kernel->dim_qk;
  kernel->chunk = kernel->chunk > 0 ? kernel->chunk : 64;
  return kernel->rule >= MOE_LINEAR_GATED_DELTA && kernel->rule <= MOE_LINEAR_MAMBA2 && flop(kernel) > 0;
}

const MoeCostClass moe_cost_class_scan = {
    .title = "scan",
    .shape = (const char *const[]){"batch", "heads", "kv_heads", "len", "dim_qk", "dim_v", "chunk", "rule", NULL},
    .needs = "heads, len, dim_qk; rule 0 gated-delta, 1 kda, 2 mamba2",
    .families = families,
    .relatives = relatives,
    .constants = constants,
    .n_constants = N_CONSTANTS,
    .one_backward = TRUE,
    .flop = flop,
    .complete = complete,
    .price = price,
};
