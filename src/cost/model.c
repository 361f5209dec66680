/* Cost models: life cycle, peaks, and pricing one kernel in a machine state. */
#include "cost/cost.h"
#include "spec/spec.h"

#include "internal.h"

const char *const moe_reason_words[] = {"math",      "precision", "padding", "tile",  "wave",
                                        "sustained", "ramp",      "memory",  "floor", "contention",
                                        "recompute", "uncounted", NULL};
G_STATIC_ASSERT(G_N_ELEMENTS(moe_reason_words) == MOE_N_REASONS + 1);

const char *const moe_origin_words[] = {"stack", "accelerator", "generic", NULL};

/* Products per emulated FP32 multiply-add: high x high, high x low, low x high (three-term BF16 split). */
#define BF16X3_PRODUCTS 3
#define BF16X9_PRODUCTS 9

double moe_cost_peak(const MoeAccelerator *accelerator, MoePrecision precision)
{
  const double *peak = accelerator->peak_flop_per_s;

  if (peak[precision] > 0)
    return peak[precision];
  switch (precision) {
  case MOE_FP16:
    return peak[MOE_BF16];
  case MOE_BF16X3:
    return peak[MOE_BF16] / BF16X3_PRODUCTS;
  case MOE_BF16X9:
    return peak[MOE_BF16] / BF16X9_PRODUCTS;
  case MOE_FP8_BLOCK:
    return peak[MOE_FP8];
  default:
    return 0;
  }
}

static void prepare_tiles(MoeCostModel *model)
{
  for (int role = 0; role <= MOE_ROLE_GROUPED_GEMM; role++)
    for (int precision = 0; precision < MOE_N_PRECISIONS; precision++)
      for (int pass = 0; pass < MOE_FIT_PASSES; pass++)
        moe_cost_tile_table(model->fit[role][precision][pass].value, model->peak_flop_per_s[precision],
                            (double)model->accelerator->sms, &model->tiles[role][precision][pass]);
}

MoeCostModel *moe_cost_model_new(const MoeAccelerator *accelerator, const MoeStack *stack, GError **error)
{
  g_autoptr(MoeCostModel) model = g_new0(MoeCostModel, 1);

  model->accelerator = accelerator;
  model->stack = stack;
  for (int precision = 0; precision < MOE_N_PRECISIONS; precision++)
    model->peak_flop_per_s[precision] = moe_cost_peak(accelerator, precision);
  if (!moe_cost_check_constants(&accelerator->kernels, error) || !moe_cost_check_constants(&stack->kernels, error) ||
      !moe_cost_resolve(model, error))
    return NULL;
  prepare_tiles(model);
  return g_steal_pointer(&model);
}

void moe_cost_model_free(MoeCostModel *model)
{
  g_free(model);
}

int moe_cost_fit_pass(MoePass pass)
{
  switch (pass) {
  case MOE_PASS_DGRAD:
    return 1;
  case MOE_PASS_WGRAD:
    return 2;
  default: /* recomputation costs what forward costs; the optimizer has one direction */
    return 0;
  }
}

const MoeFit *moe_cost_fit_of(const MoeCostModel *model, const MoeKernel *kernel)
{
  int pass = moe_cost_fit_pass(kernel->pass);

  if (moe_cost_class(kernel->klass)->one_backward)
    pass = MIN(pass, 1);
  return &model->fit[moe_cost_role(kernel)][kernel->precision][pass];
}

double moe_cost_constant(const MoeCostModel *model, const MoeKernel *kernel, guint index)
{
  return moe_cost_fit_of(model, kernel)->value[index];
}

/* NULL for kernels that have no tiles of this kind. */
static const MoeTileTable *kernel_tiles(const MoeCostModel *model, const MoeKernel *kernel)
{
  MoeFamilyRole role = moe_cost_role(kernel);

  return role <= MOE_ROLE_GROUPED_GEMM ? &model->tiles[role][kernel->precision][moe_cost_fit_pass(kernel->pass)] : NULL;
}

/* ---- pricing ----------------------------------------------------------------------------------------------------- */

/* `gemm` is the kernel in the terms of its model where that is one of GEMM's. */
static void price(const MoeMachine *machine, const MoeKernel *kernel, const MoeGemm *gemm, MoeCost *cost)
{
  *cost = (MoeCost){0};
  if (gemm)
    moe_cost_gemm(machine, gemm, cost);
  else
    moe_cost_class(kernel->klass)->price(machine, kernel, cost);
}

static double price_seconds(const MoeMachine *machine, const MoeKernel *kernel, const MoeGemm *gemm)
{
  const MoeCostClass *klass = moe_cost_class(kernel->klass);
  MoeCost cost;

  if (gemm)
    return moe_cost_gemm_seconds(machine, gemm);
  if (klass->seconds)
    return klass->seconds(machine, kernel);
  price(machine, kernel, NULL, &cost);
  return cost.seconds;
}

static gboolean no_path(const MoeCostModel *model, const MoeKernel *kernel, GError **error)
{
  MoeMark nowhere = {0};

  return moe_fail(error, MOE_ERROR_INPUT, nowhere,
                  "kernel %s: accelerator %s has no %s path, expected a precision with a peak",
                  kernel->name ? kernel->name : "", model->accelerator->name ? model->accelerator->name : "(inline)",
                  moe_precision_words[kernel->precision]);
}

static gboolean is_crowded(const MoeCostModel *model, const MoeMachineState *state)
{
  return state->sms < model->accelerator->sms || state->memory_share < 1;
}

/* What is left of the GPU in a state. */
static MoeMachine machine_in(const MoeCostModel *model, const MoeMachine *idle, const MoeMachineState *state)
{
  MoeMachine machine = *idle;

  moe_cost_free_sms(&machine, (double)CLAMP(state->sms, 1, model->accelerator->sms));
  machine.hbm_bytes_per_s *= state->memory_share;
  return machine;
}

/* The index of the first equal state. */
static guint first_equal(const MoeMachineState *states, guint i)
{
  guint j = 0;

  while (j < i && (states[j].sms != states[i].sms || states[j].memory_share != states[i].memory_share))
    j++;
  return j;
}

/* Time of the math of a kernel over that of the products that the constants of its family were fitted on: Hopper's
 * tensor cores keep 14 bits of what they add up, so the backward products of per-tensor FP8 promote their partial sums
 * to FP32 registers (TransformerEngine: _2X_ACC_DGRAD, _2X_ACC_WGRAD), where the forward product does not. */
static double accumulation(const MoeAccelerator *accelerator, const MoeKernel *kernel)
{
  gboolean product = kernel->klass == MOE_KERNEL_GEMM || kernel->klass == MOE_KERNEL_GROUPED_GEMM;

  return product && kernel->precision == MOE_FP8 && moe_cost_fit_pass(kernel->pass) > 0
             ? MAX(accelerator->fp8_split_accumulator, 1)
             : 1;
}

static MoeMachine idle_machine(const MoeCostModel *model, const MoeKernel *kernel, double math_rate)
{
  const MoeAccelerator *accelerator = model->accelerator;

  MoeMachine machine = {
      .constant = moe_cost_fit_of(model, kernel)->value,
      .tiles = kernel_tiles(model, kernel),
      .peak_flop_per_s = model->peak_flop_per_s[kernel->precision],
      .quoted_flop_per_s = accelerator->quoted_peak_flop_per_s,
      .sms = (double)accelerator->sms,
      .hbm_bytes_per_s = accelerator->memory_bytes_per_s,
      .math_rate = math_rate / accumulation(accelerator, kernel),
  };
  moe_cost_free_sms(&machine, machine.sms);
  return machine;
}

gboolean moe_cost_kind(const MoeCostModel *model, const MoeKernel *kernel, double math_rate, guint n,
                       const MoeMachineState *states, MoeKind *kind, GError **error)
{
  g_assert(n <= MOE_COST_MAX_STATES);
  *kind = (MoeKind){.idle = idle_machine(model, kernel, math_rate), .n = n};
  if (!moe_cost_class(kernel->klass)->no_math && kind->idle.peak_flop_per_s <= 0)
    return no_path(model, kernel, error);
  for (guint i = 0; i < n; i++) {
    kind->like[i] = first_equal(states, i);
    kind->crowded[i] = is_crowded(model, &states[i]);
    kind->beside[i] = machine_in(model, &kind->idle, &states[i]);
  }
  return kind->ready = TRUE;
}

/* Crowded, the kernel is priced again on what is left of the GPU; the longer time is contention. */
void moe_cost_states(const MoeKind *kind, const MoeKernel *kernel, MoeCost *idle, double *contention_s)
{
  MoeGemm described;
  const MoeGemm *gemm = kind->idle.tiles ? &described : NULL;

  if (gemm)
    moe_cost_gemm_describe(&kind->idle, kernel, &described);
  price(&kind->idle, kernel, gemm, idle);
  for (guint i = 0; i < kind->n; i++) {
    if (kind->like[i] < i) {
      contention_s[i] = contention_s[kind->like[i]];
    } else {
      double more_s = kind->crowded[i] ? price_seconds(&kind->beside[i], kernel, gemm) - idle->seconds : 0;

      contention_s[i] = MAX(more_s, 0);
    }
  }
}

gboolean moe_cost_kernel(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state,
                         MoeCost *cost, GError **error)
{
  double contention_s = 0;
  MoeKind kind;

  if (!moe_cost_kind(model, kernel, 1, state ? 1 : 0, state, &kind, error))
    return FALSE;
  moe_cost_states(&kind, kernel, cost, &contention_s);
  cost->part_s[MOE_REASON_CONTENTION] = contention_s;
  cost->seconds += contention_s;
  return TRUE;
}
