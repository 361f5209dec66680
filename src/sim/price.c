/* What every operation costs on this machine: kernel durations per machine state, segments. */
#include <math.h>

#include "price.h"

G_STATIC_ASSERT((int)N_MODES <= MOE_COST_MAX_STATES);

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* What communication that runs takes from the compute stream, by class of Unit.communicating: mean over the time that
 * collectives of the class run alone in a step, so that a faster link, over which the same bytes pass in less time,
 * takes no more in all. */
typedef struct {
  double run_s[2], sm_s[2], bytes[2];
} Taken;

static void taken_by_plan(const Sim *sim, const MoeCollPlan *plan, unsigned which, double times, Taken *taken)
{
  double alone_s = moe_coll_alone_s(sim->topo, plan);

  if (plan->sms == 0 || alone_s <= 0)
    return;
  taken->run_s[which] += times * alone_s;
  taken->sm_s[which] += times * alone_s * (double)plan->sms;
  taken->bytes[which] += times * plan->memory_bytes;
}

/* Of all collectives of each class, on the groups of the first unit's kind. */
static void find_taken(Sim *sim, Taken *taken)
{
  g_autofree double *times = moe_program_times(sim->program, MOE_OP_COLLECTIVE, sim->program->n_collectives);

  for (guint c = 0; c < sim->program->n_collectives; c++) {
    const MoeCollective *collective = &sim->collectives[c];
    unsigned which = collective->kind == MOE_DISPATCH || collective->kind == MOE_COMBINE ? 0 : 1;

    if (times[c] > 0 && sim->groups[collective->group].n_groups > 0)
      taken_by_plan(sim, sim_plan(sim, collective->group, 0, c), which, times[c], taken);
  }
}

static MoeMachineState machine_state(const Sim *sim, const Taken *taken, unsigned mode)
{
  double sms = 0, bytes_per_s = 0;

  for (unsigned i = 0; i < 2; i++)
    if ((mode & (1u << i)) && taken->run_s[i] > 0) {
      sms += taken->sm_s[i] / taken->run_s[i];
      bytes_per_s += taken->bytes[i] / taken->run_s[i];
    }
  return moe_cost_beside(&sim->run->cluster.accelerator, llround(sms), bytes_per_s);
}

/* What is left of a kernel's `seconds` when the counterfactual leaves causes out. */
static double kept_seconds(const Sim *sim, const MoeKernel *kernel, const MoeCost *cost, double seconds)
{
  if ((sim->without & MOE_WITHOUT_RECOMPUTE) && kernel->pass == MOE_PASS_RECOMPUTE)
    return 0;
  if ((sim->without & MOE_WITHOUT_OPTIMIZER) && kernel->pass == MOE_PASS_OPTIMIZER)
    return 0;
  if (sim->without & MOE_WITHOUT_PADDING)
    seconds -= cost->part_s[MOE_REASON_PADDING];
  if ((sim->without & MOE_WITHOUT_KERNEL_INEFFICIENCY) && kernel->pass < MOE_PASS_RECOMPUTE) {
    seconds = cost->part_s[MOE_REASON_MATH] + cost->part_s[MOE_REASON_UNCOUNTED];
    if (!(sim->without & MOE_WITHOUT_PADDING))
      seconds += cost->part_s[MOE_REASON_PADDING];
  }
  return MAX(seconds, 0);
}

/* Where the durations of one machine state and load class begin. */
static MoeTime *durations_of(const Sim *sim, guint load, unsigned mode)
{
  return &sim->duration[((gsize)load * N_MODES + mode) * sim->n_works];
}

static gboolean varies(const MoeProgram *program, guint k)
{
  return program->kernel_varies && program->kernel_varies[k];
}

/* Kernel k of a load class, written to `as_run` when the class has its own. */
static const MoeKernel *kernel_of(const MoeProgram *program, guint load, guint k, MoeKernel *as_run)
{
  if (load == 0 || !varies(program, k))
    return &program->kernels[k];
  moe_program_kernel(program, load, k, as_run);
  return as_run;
}

/* What one operation of a load class costs another costs, too. */
static void take_durations(Sim *sim, guint from_load, guint from, guint load, guint work)
{
  for (unsigned mode = 0; mode < N_MODES; mode++)
    durations_of(sim, load, mode)[work] = durations_of(sim, from_load, mode)[from];
}

/* The kernel whose price kernel k has: recomputing takes what the forward pass takes, unless a counterfactual leaves
 * out one of both. */
static guint like_of(const Sim *sim, guint k)
{
  return sim->program->kernel_like && !sim->without ? sim->program->kernel_like[k] : k;
}

/* A kernel with the durations of another one; of recomputing the account wants no reasons. */
static void price_like(Sim *sim, guint load, guint k, guint like, Price *prices)
{
  MoeKernel as_run;

  take_durations(sim, load, like, load, k);
  if (prices)
    sim_busy_price(&prices[k], kernel_of(sim->program, load, k, &as_run), &prices[like].cost, prices[like].kept_s,
                   prices[like].pace);
}

static gboolean price_kernel(Sim *sim, guint load, guint k, MoeCostStep *step, Price *prices, GError **error)
{
  MoeKernel as_run;
  const MoeKernel *kernel = kernel_of(sim->program, load, k, &as_run);
  double pace = moe_cost_paced(kernel, sim->pace), seconds[N_MODES];
  MoeCost cost;

  if (!moe_cost_step_price(step, kernel, &cost, seconds, error))
    return FALSE;
  for (unsigned mode = 0; mode < N_MODES; mode++)
    durations_of(sim, load, mode)[k] = moe_time_from_seconds(kept_seconds(sim, kernel, &cost, seconds[mode]) * pace);
  if (prices)
    sim_busy_price(&prices[k], kernel, &cost, kept_seconds(sim, kernel, &cost, cost.seconds), pace);
  return TRUE;
}

void sim_price_alone(const Sim *sim, guint load, guint k, Price *price)
{
  MoeKernel as_run;
  const MoeKernel *kernel = kernel_of(sim->program, load, k, &as_run);
  MoeCost cost;
  gboolean priced = moe_cost_in_step(sim->cost, kernel, 0, NULL, &cost, NULL, NULL);

  g_assert(priced); /* as it was before the step began */
  sim_busy_price(price, kernel, &cost, kept_seconds(sim, kernel, &cost, cost.seconds),
                 moe_cost_paced(kernel, sim->pace));
}

/* `prices` is NULL where no account is kept. */
static gboolean price_load(Sim *sim, guint load, MoeCostStep *step, Price *prices, GError **error)
{
  for (guint k = 0; k < sim->program->n_kernels; k++) {
    guint like = like_of(sim, k);

    if (load > 0 && !varies(sim->program, k))
      take_durations(sim, 0, k, load, k);
    else if (like != k)
      price_like(sim, load, k, like, prices);
    else if (!price_kernel(sim, load, k, step, prices, error))
      return FALSE;
  }
  for (guint delay = sim->program->n_kernels; load > 0 && delay < sim->n_works; delay++)
    take_durations(sim, 0, delay, load, delay);
  return TRUE;
}

double sim_delay_s(const Sim *sim, guint delay)
{
  const MoeDelay *d = &sim->program->delays[delay];
  guint without = d->pass == MOE_PASS_OPTIMIZER ? MOE_WITHOUT_OPTIMIZER : MOE_WITHOUT_DATA;

  return sim->without & without ? 0 : d->seconds;
}

MoeCause sim_delay_cause(const MoeOp *op)
{
  return op->pass == MOE_PASS_OPTIMIZER ? MOE_CAUSE_OPTIMIZER : MOE_CAUSE_DATA;
}

static void price_delays(Sim *sim)
{
  for (unsigned mode = 0; mode < N_MODES; mode++)
    for (guint d = 0; d < sim->program->n_delays; d++)
      durations_of(sim, 0, mode)[sim->program->n_kernels + d] = moe_time_from_seconds(sim_delay_s(sim, d));
}

/* The mean over load classes replaces every class: what an even distribution of the same kernels would take. */
static void even_out_loads(Sim *sim)
{
  for (gsize i = 0; i < (gsize)N_MODES * sim->n_works; i++) {
    double sum = 0;

    for (guint load = 0; load < sim->n_loads; load++)
      sum += (double)sim->duration[load * N_MODES * (gsize)sim->n_works + i];
    for (guint load = 0; load < sim->n_loads; load++)
      sim->duration[load * N_MODES * (gsize)sim->n_works + i] = (MoeTime)(sum / sim->n_loads);
  }
}

/* ---- all load classes -------------------------------------------------------------------------------------------- */

static gboolean price_loads(Sim *sim, const MoeMachineState *states, GError **error)
{
  g_autofree Price *prices = sim->options->step_alone ? NULL : g_new(Price, sim->program->n_kernels + 1);
  g_autoptr(MoeCostStep) step = moe_cost_step_new(sim->cost, N_MODES, states);

  price_delays(sim);
  for (guint load = 0; load < sim->n_loads; load++) {
    if (!price_load(sim, load, step, prices, error))
      return FALSE;
    for (guint r = 0; prices && r < sim->program->n_roles; r++)
      sim_busy_count(sim, r, load, prices);
  }
  return TRUE;
}

static gboolean price_kernels(Sim *sim, GError **error)
{
  Taken taken = {{0, 0}, {0, 0}, {0, 0}};
  MoeMachineState states[N_MODES];

  find_taken(sim, &taken);
  for (unsigned mode = 0; mode < N_MODES; mode++)
    states[mode] = machine_state(sim, &taken, mode);
  if (!price_loads(sim, states, error))
    return FALSE;
  if (sim->without & MOE_WITHOUT_PEER_WAIT)
    even_out_loads(sim);
  sim->modes_matter = taken.run_s[0] > 0 || taken.run_s[1] > 0;
  return TRUE;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

/* Marks compute positions after which a segment must end: somebody waits for that count. */
static void mark_awaited(const MoeBlock *block, gboolean *ends)
{
  for (uint32_t w = 0; w < block->n_waits; w++)
    if (block->waits[w].stream == MOE_STREAM_COMPUTE && block->waits[w].count > 0)
      ends[block->waits[w].count - 1] = TRUE;
}

/* Whether a host synchronization stands between the operation before and this one; `next` is the first one that no
 * operation has passed. */
static gboolean passes_sync(const BlockPlan *plan, uint32_t op, guint *next)
{
  guint first = *next;

  while (*next < plan->n_syncs && plan->syncs[*next] < op)
    (*next)++;
  return *next > first;
}

static void plan_segments(const Sim *sim, const MoeBlock *block, BlockPlan *plan)
{
  guint n = block->n_stream[MOE_STREAM_COMPUTE], next_sync = 0;
  g_autofree gboolean *ends = g_new0(gboolean, n + 1);
  g_autoptr(GArray) segments = g_array_new(FALSE, FALSE, sizeof(Segment));

  plan->n_compute = n;
  plan->compute = g_new(ComputeOp, n + 1);
  mark_awaited(block, ends);
  for (guint i = 0; i < n; i++) {
    uint32_t op = block->stream_ops[MOE_STREAM_COMPUTE][i];
    const MoeOp *o = &block->ops[op];
    gboolean synced = passes_sync(plan, op, &next_sync);
    gboolean begins = i == 0 || ends[i - 1] || o->n_waits > 0 || sim->options->no_fusing || synced;

    plan->compute[i] = (ComputeOp){.issue = plan->issue[op],
                                   .work = o->kind == MOE_OP_DELAY ? sim->program->n_kernels + o->work : o->work,
                                   .op = op};
    if (begins)
      g_array_append_val(segments, ((Segment){.first = i, .n = 0}));
    g_array_index(segments, Segment, segments->len - 1).n++;
  }
  plan->n_segments = segments->len;
  plan->segments = (Segment *)g_array_free(g_steal_pointer(&segments), FALSE);
}

static gboolean segment_varies(const Sim *sim, const BlockPlan *plan, const Segment *segment)
{
  for (guint i = 0; i < segment->n; i++) {
    uint32_t work = plan->compute[segment->first + i].work;

    if (work < sim->program->n_kernels && varies(sim->program, work))
      return TRUE;
  }
  return FALSE;
}

/* Room for the lines of all segments. Of the states of a step few are ever entered: compute.c works their lines out. */
static void plan_lines(const Sim *sim, BlockPlan *plan)
{
  uint32_t n = 0;

  for (guint s = 0; s < plan->n_segments; s++) {
    Segment *segment = &plan->segments[s];

    segment->lines = n;
    segment->varies = segment_varies(sim, plan, segment);
    n += segment->varies ? N_MODES * sim->n_loads : N_MODES;
  }
  plan->lines = g_new0(Line, n + 1);
}

static void plan_role_issue(const Sim *sim, guint role)
{
  const MoeRole *r = &sim->program->roles[role];
  MoeTime host = 0;

  sim->role[role].call_issue = g_new(MoeTime, r->n_calls + 1);
  for (guint c = 0; c < r->n_calls; c++) {
    sim->role[role].call_issue[c] = host;
    host += sim->block[r->calls[c].block].host;
  }
}

/* ---- entry ------------------------------------------------------------------------------------------------------- */

static void allocate(Sim *sim)
{
  const MoeProgram *program = sim->program;

  sim->n_loads = program->n_load_classes;
  sim->n_works = program->n_kernels + program->n_delays;
  sim->duration = g_new(MoeTime, (gsize)sim->n_loads * N_MODES * sim->n_works + 1); /* all are priced */
  sim->block = g_new0(BlockPlan, program->n_blocks);
  sim->role = g_new0(RolePlan, program->n_roles);
  for (guint r = 0; r < program->n_roles; r++) {
    sim->role[r].cause_s = g_new0(double, sim->n_loads *MOE_N_CAUSES);
    sim->role[r].reason_s = g_new0(double, sim->n_loads *MOE_N_REASONS);
    sim->role[r].scope_s = g_new0(double, sim->n_loads *MOE_N_SCOPES);
    sim->role[r].pass_s = g_new0(double, sim->n_loads *MOE_N_PASSES);
    sim->role[r].flop = g_new0(double, sim->n_loads);
  }
}

/* An operation alone, issued and executed, at the loads of the first class. */
static double alone_seconds(const Sim *sim, const MoeOp *op, const Issue *issue)
{
  double seconds = moe_time_to_seconds(sim_issue_cost(issue, op, NULL));

  if (op->kind == MOE_OP_KERNEL)
    seconds += moe_time_to_seconds(durations_of(sim, 0, 0)[op->work]);
  else if (op->kind == MOE_OP_DELAY)
    seconds += moe_time_to_seconds(durations_of(sim, 0, 0)[sim->program->n_kernels + op->work]);
  else if (op->kind == MOE_OP_HOST_SYNC)
    seconds += moe_time_to_seconds(sim->sync);
  return seconds;
}

/* Everything that a rank does one after another fits into simulated time: nothing below needs to look again. */
static gboolean check_length(const Sim *sim, const Issue *issue, GError **error)
{
  const MoeProgram *program = sim->program;
  g_autofree double *block_s = g_new0(double, program->n_blocks + 1);

  for (guint b = 0; b < program->n_blocks; b++)
    for (uint32_t i = 0; i < program->blocks[b].n_ops; i++)
      block_s[b] += alone_seconds(sim, &program->blocks[b].ops[i], issue);
  for (guint r = 0; r < program->n_roles; r++) {
    double seconds = 0;

    for (uint32_t c = 0; c < program->roles[r].n_calls; c++)
      seconds += block_s[program->roles[r].calls[c].block];
    if (seconds > SIM_LONGEST_S)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                      "kernels and launches of one rank take %.3g s, expected rates and amounts of work that take less "
                      "than %g s",
                      seconds, SIM_LONGEST_S);
  }
  return TRUE;
}

gboolean sim_price(Sim *sim, GError **error)
{
  const MoeRun *run = sim->run;
  Issue issue;

  allocate(sim);
  if (!sim_issue_init(sim, &issue, error))
    return FALSE;
  sim->pace = sim->without & MOE_WITHOUT_PEER_WAIT
                  ? 1
                  : moe_cost_lock_step_pace(&run->cluster.accelerator, (double)moe_layout_ranks(sim->program->layout));
  sim->sync = (sim->without & MOE_WITHOUT_HOST) ? 0 : moe_time_from_seconds(run->stack.host.sync_s);
  if (!price_kernels(sim, error) || !check_length(sim, &issue, error))
    return FALSE;
  for (guint b = 0; b < sim->program->n_blocks; b++) {
    sim_issue_plan(&issue, &sim->program->blocks[b], &sim->block[b]);
    plan_segments(sim, &sim->program->blocks[b], &sim->block[b]);
    plan_lines(sim, &sim->block[b]);
  }
  for (guint r = 0; r < sim->program->n_roles; r++)
    plan_role_issue(sim, r);
  return TRUE;
}

static void clear_block(BlockPlan *plan)
{
  g_free(plan->segments);
  g_free(plan->compute);
  g_free(plan->issue);
  g_free(plan->syncs);
  g_free(plan->lines);
}

static void clear_role(RolePlan *plan)
{
  g_free(plan->call_issue);
  g_free(plan->cause_s);
  g_free(plan->reason_s);
  g_free(plan->scope_s);
  g_free(plan->pass_s);
  g_free(plan->flop);
}

void sim_price_clear(Sim *sim)
{
  for (guint b = 0; sim->block && b < sim->program->n_blocks; b++)
    clear_block(&sim->block[b]);
  for (guint r = 0; sim->role && r < sim->program->n_roles; r++)
    clear_role(&sim->role[r]);
  g_free(sim->duration);
  g_free(sim->block);
  g_free(sim->role);
}
