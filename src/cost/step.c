/*
 * What makes kernels slower in a training step than on the bench: the math rate that holds for weeks, communication
 * beside them, peers that are slower.
 */
#include "spec/spec.h"

#include <math.h>
#include <string.h>

#include "internal.h"

/* Math of a kernel whose FLOPs the run does not count is work, not model FLOPs. */
static void set_uncounted_apart(const MoeKernel *kernel, MoeCost *cost)
{
  if (kernel->model_flop > 0 || kernel->pass == MOE_PASS_RECOMPUTE)
    return;
  cost->part_s[MOE_REASON_UNCOUNTED] += cost->part_s[MOE_REASON_MATH];
  cost->part_s[MOE_REASON_MATH] = 0;
}

/* Where nobody measured what kernels draw: share of the board's power that does not follow the clock of the SMs:
 * leakage, memory, links. Assumed, a round value set by hand and checked on two pairs of boards of equal silicon:
 * products longer than 1.5 ms of equal shape, the ratio of short ones (below 0.1 ms, before power limits) taken out.
 * GB200 over B200 (1,200 and 1,000 W) 1.06 BF16, 1.08 FP8, 1.09 NVFP4, law 1.07; GB300 over B300 (1,400 and 1,000 W)
 * 1.16, 1.10, 1.06, law 1.14 (aic, docs/model.md). */
#define STATIC_POWER_SHARE 0.15

/* Below this share of the clock that the board's power sustains the voltage is at its least. Least squares over the two
 * pairs above and two capped boards: GB300 at 500 of 1,400 W multiplies at 0.28 to 0.39 of its rate (pull request 2023
 * of facebookexperimental/triton; law 0.31), H100 at 500 of 700 W at 0.74 to 0.78 (FBGEMM pull request 2546, BF16, over
 * equal shapes of aic). */
#define LEAST_VOLTAGE_CLOCK 0.88

/* Power that follows the clock f goes as f V^2; voltage goes as the clock (f^3) down to the least one (f). */
static double capped_clock(const MoeAccelerator *accelerator)
{
  double static_w = STATIC_POWER_SHARE * accelerator->power_w;

  if (accelerator->power_cap_w <= 0)
    return 1;
  double left = (accelerator->power_cap_w - static_w) / (accelerator->power_w - static_w);
  return MIN(cbrt(left), left / (LEAST_VOLTAGE_CLOCK * LEAST_VOLTAGE_CLOCK));
}

/* Power above the standing one goes as the clock to this power: energy per FLOP as its 0.875th. Of BF16 products on an
 * H200: 1.07 to 1.10 pJ per FLOP at 1,905 to 1,980 MHz (idle for a third or a half of the time, so that power does not
 * limit them), 0.85 at 1,479 MHz (without a pause): validation/measured/h200/power.yaml. */
#define POWER_OF_CLOCK 1.875

/* Kernels of attention that keep the tensor cores as busy as those that were measured; others stay within the board's
 * power: FlashAttention-2 drew 682 and 690 of 700 W on an H200 (validation/measured/h200/power.yaml). */
static gboolean draws_as_measured(const MoeCostModel *model, const MoeKernel *kernel)
{
  const MoeNamedFamily *families = moe_cost_families(kernel->klass);
  const char *name = model->stack->family.attention ? model->stack->family.attention : families->name;

  for (const MoeNamedFamily *family = families; family->name; family++)
    if (strcmp(family->name, name) == 0)
      return family->busy;
  return FALSE;
}

static double attention_w(const MoeCostModel *model, const MoeKernel *kernel)
{
  const MoeDraw *draw = &model->accelerator->draw;
  double measured_w = moe_cost_fit_pass(kernel->pass) > 0 ? draw->backward_w : draw->attention_w;

  return draws_as_measured(model, kernel) ? measured_w : MIN(measured_w, model->accelerator->power_w);
}

static double drawn_w(const MoeCostModel *model, const MoeKernel *kernel)
{
  switch (kernel->klass) {
  case MOE_KERNEL_GEMM:
  case MOE_KERNEL_GROUPED_GEMM:
    return model->accelerator->draw.products_w;
  case MOE_KERNEL_ATTENTION:
    return attention_w(model, kernel);
  default:
    return 0;
  }
}

/* Share of the benchmarks' clock that the power allows a kernel in a long run. */
static double sustained_clock(const MoeCostModel *model, const MoeKernel *kernel)
{
  const MoeAccelerator *accelerator = model->accelerator;
  const MoeDraw *draw = &accelerator->draw;
  double allowed_w = accelerator->power_cap_w > 0 ? accelerator->power_cap_w : accelerator->power_w;

  if (draw->products_w <= 0)
    return capped_clock(accelerator);
  double wanted_w = drawn_w(model, kernel);

  if (wanted_w <= allowed_w)
    return 1;
  return pow((allowed_w - draw->standing_w) / (wanted_w - draw->standing_w), 1 / POWER_OF_CLOCK);
}

/* Kernel constants come from benchmarks of milliseconds; a training step runs for weeks at its power limit. What power
 * does not explain is the accelerator's training rate; memory and launch depend on neither. */
double moe_cost_math_rate(const MoeCostModel *model, const MoeKernel *kernel)
{
  const MoeAccelerator *accelerator = model->accelerator;
  gboolean own_rate = kernel->klass == MOE_KERNEL_ATTENTION && accelerator->attention_rate > 0;
  double rate = own_rate ? accelerator->attention_rate : accelerator->training_rate;

  return rate * sustained_clock(model, kernel);
}

static void price_in_step(const MoeKind *kind, const MoeKernel *kernel, MoeCost *cost, double *seconds)
{
  moe_cost_states(kind, kernel, cost, seconds);
  for (guint i = 0; i < kind->n; i++)
    seconds[i] += cost->seconds;
  set_uncounted_apart(kernel, cost);
}

static gboolean price_at(const MoeCostModel *model, const MoeKernel *kernel, double rate, guint n,
                         const MoeMachineState *states, MoeCost *cost, double *seconds, GError **error)
{
  MoeKind kind;

  if (!moe_cost_kind(model, kernel, rate, n, states, &kind, error))
    return FALSE;
  price_in_step(&kind, kernel, cost, seconds);
  return TRUE;
}

gboolean moe_cost_in_step(const MoeCostModel *model, const MoeKernel *kernel, guint n, const MoeMachineState *states,
                          MoeCost *cost, double *seconds, GError **error)
{
  return price_at(model, kernel, moe_cost_math_rate(model, kernel), n, states, cost, seconds, error);
}

gboolean moe_cost_long_run(const MoeCostModel *model, const MoeKernel *kernel, const MoeMachineState *state,
                           MoeCost *cost, double *seconds, GError **error)
{
  return price_at(model, kernel, sustained_clock(model, kernel), 1, state, cost, seconds, error);
}

/* ---- many kernels ------------------------------------------------------------------------------------------------ */

struct MoeCostStep {
  const MoeCostModel *model;
  guint n;
  MoeMachineState states[MOE_COST_MAX_STATES];
  MoeKind kind[MOE_N_ROLES][MOE_N_PRECISIONS][MOE_FIT_PASSES]; /* those that were met are ready */
};

MoeCostStep *moe_cost_step_new(const MoeCostModel *model, guint n, const MoeMachineState *states)
{
  MoeCostStep *step = g_new0(MoeCostStep, 1);

  g_assert(n <= MOE_COST_MAX_STATES);
  step->model = model;
  step->n = n;
  for (guint i = 0; i < n; i++)
    step->states[i] = states[i];
  return step;
}

void moe_cost_step_free(MoeCostStep *step)
{
  g_free(step);
}

static const MoeKind *kind_of(MoeCostStep *step, const MoeKernel *kernel, GError **error)
{
  MoeKind *kind = &step->kind[moe_cost_role(kernel)][kernel->precision][moe_cost_fit_pass(kernel->pass)];

  if (!kind->ready &&
      !moe_cost_kind(step->model, kernel, moe_cost_math_rate(step->model, kernel), step->n, step->states, kind, error))
    return NULL;
  return kind;
}

gboolean moe_cost_step_price(MoeCostStep *step, const MoeKernel *kernel, MoeCost *cost, double *seconds, GError **error)
{
  const MoeKind *kind = kind_of(step, kernel, error);

  if (kind)
    price_in_step(kind, kernel, cost, seconds);
  return kind != NULL;
}

/* However much communication runs, some of the machine is left: this share of the memory bandwidth. */
#define LEAST_MEMORY_SHARE 0.1

MoeMachineState moe_cost_beside(const MoeAccelerator *accelerator, int64_t sms, double bytes_per_s)
{
  double share = 1 - bytes_per_s / accelerator->memory_bytes_per_s;

  return (MoeMachineState){.sms = MAX(accelerator->sms - sms, 1),
                           .memory_share = CLAMP(share, LEAST_MEMORY_SHARE, 1.0)};
}

double moe_cost_lock_step_pace(const MoeAccelerator *accelerator, double n_gpus)
{
  return 1 + accelerator->speed_spread * moe_normal_expected_maximum(n_gpus);
}

double moe_cost_paced(const MoeKernel *kernel, double pace)
{
  return moe_cost_class(kernel->klass)->no_math ? 1 : pace;
}

double moe_cost_executed_flop(const MoeKernel *kernel)
{
  double useful_share = kernel->klass == MOE_KERNEL_GROUPED_GEMM ? kernel->useful_share : 1;

  if (kernel->model_flop > 0)
    return kernel->model_flop;
  return kernel->pass == MOE_PASS_RECOMPUTE ? moe_cost_flop(kernel) * useful_share : 0;
}
