/* Account of undisturbed busy time: what the kernels of a role take in a step, by cause, reason, scope and pass. */
#include "price.h"

void sim_busy_price(Price *price, const MoeKernel *kernel, const MoeCost *cost, double kept_s, double pace)
{
  price->kept_s = kept_s;
  price->pace = pace;
  price->flop = moe_cost_executed_flop(kernel);
  price->pass = (uint8_t)kernel->pass;
  price->scope = (uint8_t)kernel->scope;
  price->cost = *cost;
  price->times = 0;
}

static void work_out_reasons(Price *price)
{
  const double *part_s = price->cost.part_s;

  price->end_reason = MOE_N_REASONS;
  while (price->end_reason > 0 && part_s[price->end_reason - 1] == 0)
    price->end_reason--;
  while (price->first_reason < price->end_reason && part_s[price->first_reason] == 0)
    price->first_reason++;
  for (unsigned r = price->first_reason; r < price->end_reason; r++)
    price->reason_s[r] = part_s[r] * price->times;
}

static void work_out(Price *price, double times)
{
  double kept = price->kept_s * times, math = MIN(price->cost.part_s[MOE_REASON_MATH] * times, kept);

  price->times = times;
  price->busy_s = kept;
  price->wait_s = kept * (price->pace - 1);
  price->executed_flop = price->flop * times;
  price->cause = MOE_CAUSE_MATH;
  price->first_reason = price->end_reason = 0;
  price->math_s = price->padding_s = price->inefficiency_s = 0;
  if (price->pass == MOE_PASS_RECOMPUTE || price->pass == MOE_PASS_OPTIMIZER)
    price->cause = price->pass == MOE_PASS_RECOMPUTE ? MOE_CAUSE_RECOMPUTE : MOE_CAUSE_OPTIMIZER;
  if (price->cause != MOE_CAUSE_MATH || price->kept_s <= 0)
    return;
  if (price->cost.seconds > 0 && price->kept_s >= price->cost.seconds)
    math = price->cost.part_s[MOE_REASON_MATH] * times; /* may exceed the duration: FP8 against a BF16 peak */
  price->math_s = math;
  price->padding_s = CLAMP(kept - math, 0, price->cost.part_s[MOE_REASON_PADDING] * times);
  price->inefficiency_s = kept - math - price->padding_s;
  work_out_reasons(price);
}

/* Adds what a kernel takes in the runs that `price` was worked out for. */
static inline void add_causes(const Price *price, double *cause_s)
{
  cause_s[MOE_CAUSE_PEER_WAIT] += price->wait_s;
  if (price->cause != MOE_CAUSE_MATH) {
    cause_s[price->cause] += price->busy_s;
    return;
  }
  cause_s[MOE_CAUSE_MATH] += price->math_s;
  cause_s[MOE_CAUSE_PADDING] += price->padding_s;
  cause_s[MOE_CAUSE_KERNEL_INEFFICIENCY] += price->inefficiency_s;
}

MoeCause sim_busy_causes(Price *price, double cause_s[MOE_N_CAUSES])
{
  work_out(price, 1);
  add_causes(price, cause_s);
  return (MoeCause)price->cause;
}

/* Sums of one role in one load class. */
typedef struct {
  double cause_s[MOE_N_CAUSES], reason_s[MOE_N_REASONS], scope_s[MOE_N_SCOPES], pass_s[MOE_N_PASSES], flop;
} Sums;

/* Most kernels run in many places and many load classes alike: what they add is worked out once. */
static inline void count_kernel(Sums *sums, Price *price, double times)
{
  if (price->times != times)
    work_out(price, times);
  add_causes(price, sums->cause_s);
  sums->scope_s[price->scope] += price->busy_s;
  sums->pass_s[price->pass] += price->busy_s;
  sums->flop += price->executed_flop;
  for (unsigned r = price->first_reason; r < price->end_reason; r++)
    sums->reason_s[r] += price->reason_s[r];
}

static void count_block(const Sim *sim, const MoeBlock *block, Price *prices, double times, Sums *sums)
{
  for (guint i = 0; i < block->n_stream[MOE_STREAM_COMPUTE]; i++) {
    const MoeOp *op = &block->ops[block->stream_ops[MOE_STREAM_COMPUTE][i]];

    if (op->kind == MOE_OP_KERNEL)
      count_kernel(sums, &prices[op->work], times);
    else if (op->kind == MOE_OP_DELAY)
      sums->cause_s[sim_delay_cause(op)] += sim_delay_s(sim, op->work) * times;
  }
}

static void add_all(double *to, const double *from, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    to[i] += from[i];
}

static void add_sums(RolePlan *plan, gsize load, const Sums *sums)
{
  add_all(&plan->cause_s[load * MOE_N_CAUSES], sums->cause_s, MOE_N_CAUSES);
  add_all(&plan->reason_s[load * MOE_N_REASONS], sums->reason_s, MOE_N_REASONS);
  add_all(&plan->scope_s[load * MOE_N_SCOPES], sums->scope_s, MOE_N_SCOPES);
  add_all(&plan->pass_s[load * MOE_N_PASSES], sums->pass_s, MOE_N_PASSES);
  plan->flop[load] += sums->flop;
}

/* How often the role calls each block in micro-batches in which a rack has this draw. */
static guint *times_of(const Sim *sim, const MoeRole *role, guint rack, guint draw)
{
  guint *times = g_new0(guint, sim->program->n_blocks);

  for (guint c = 0; c < role->n_calls; c++)
    if (moe_program_load_draw(sim->program, rack, role->calls[c].micro_batch) == draw)
      times[role->calls[c].block]++;
  return times;
}

void sim_busy_count(Sim *sim, guint role, guint load, Price *prices)
{
  guint n_draws = sim->program->n_load_draws, n_index = sim->n_loads / n_draws;

  for (guint rack = 0; rack < n_draws; rack++) {
    g_autofree guint *times = times_of(sim, &sim->program->roles[role], rack, load / n_index);
    Sums sums = {0};

    for (guint b = 0; b < sim->program->n_blocks; b++)
      if (times[b] > 0)
        count_block(sim, &sim->program->blocks[b], prices, times[b], &sums);
    add_sums(&sim->role[role], rack * n_index + load % n_index, &sums);
  }
}
