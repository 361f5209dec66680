/* What the host pays to issue each operation: launches, the framework calls around them, captured graphs. */
#include "price.h"

static int cpu_of(const MoeRun *run)
{
  const MoeStack *stack = &run->stack;

  for (guint i = 0; i < stack->host.n_cpus; i++)
    if (g_strcmp0(stack->host.cpu[i], run->cluster.host.cpu) == 0)
      return (int)i;
  return -1;
}

gboolean sim_issue_init(const Sim *sim, Issue *issue, GError **error)
{
  const MoeRun *run = sim->run;
  int cpu = cpu_of(run);

  if (cpu < 0)
    return moe_fail(
        error, MOE_ERROR_INPUT, (MoeMark){0},
        "stack %s has no launch cost for the CPU \"%s\" of cluster %s, expected host.launch.%s in the stack",
        run->stack.name, run->cluster.host.cpu, run->cluster.name, run->cluster.host.cpu);
  *issue = (Issue){.sim = sim, .launch_s = run->stack.host.launch_s[cpu] * MAX(run->stack.host.ops_per_kernel, 1.0)};
  issue->transfer_s = run->stack.host.launch_s[cpu];
  for (guint call = 0; call < MOE_N_HOST_CALLS; call++)
    issue->call_s[call] = run->stack.host.call_s[call][cpu];
  return TRUE;
}

static gboolean is_forward(MoePass pass)
{
  return pass == MOE_PASS_FORWARD || pass == MOE_PASS_RECOMPUTE;
}

/* Copies and additions to gradients are launched by the modules that need them, not by calls of their own. */
static gboolean is_inside(const MoeKernel *kernel)
{
  return kernel->klass == MOE_KERNEL_BANDWIDTH &&
         (kernel->bandwidth == MOE_BANDWIDTH_ACCUMULATE || kernel->bandwidth == MOE_BANDWIDTH_MEMCPY);
}

/* Casts too, but their tensors of data and scales are made there. */
static gboolean is_cast(const MoeKernel *kernel)
{
  return kernel->klass == MOE_KERNEL_BANDWIDTH && kernel->bandwidth == MOE_BANDWIDTH_QUANTIZE;
}

/* Operations of the framework that no module stands around. */
static gboolean is_plain(const MoeKernel *kernel)
{
  return kernel->klass == MOE_KERNEL_BANDWIDTH && kernel->bandwidth == MOE_BANDWIDTH_INDEX;
}

/* The call that launches a kernel. The weight gradient of a linear module is launched by the call of its data gradient,
 * and the optimizer's kernels by a few calls for all tensors: they cost no more than their launches. */
static MoeHostCall call_of_kernel(const MoeKernel *kernel)
{
  static const MoeHostCall calls[MOE_N_KERNEL_CLASSES] = {[MOE_KERNEL_GEMM] = MOE_HOST_LINEAR,
                                                          [MOE_KERNEL_GROUPED_GEMM] = MOE_HOST_GROUPED,
                                                          [MOE_KERNEL_ATTENTION] = MOE_HOST_ATTENTION,
                                                          [MOE_KERNEL_SCAN] = MOE_HOST_ATTENTION,
                                                          [MOE_KERNEL_BANDWIDTH] = MOE_HOST_ELEMENTWISE};

  if (kernel->pass == MOE_PASS_WGRAD || kernel->pass == MOE_PASS_OPTIMIZER || is_inside(kernel))
    return MOE_HOST_NO_CALL;
  if (is_cast(kernel))
    return MOE_HOST_QUANTIZE;
  if (is_plain(kernel))
    return MOE_HOST_OPERATION;
  return is_forward(kernel->pass) ? calls[kernel->klass] : calls[kernel->klass] + 1;
}

static MoeHostCall call_of(const MoeProgram *program, const MoeOp *op)
{
  switch (op->kind) {
  case MOE_OP_KERNEL:
    return call_of_kernel(&program->kernels[op->work]);
  case MOE_OP_COLLECTIVE:
    return MOE_HOST_COLLECTIVE;
  case MOE_OP_SEND:
  case MOE_OP_RECV:
    return MOE_HOST_MESSAGE;
  default:
    return MOE_HOST_NO_CALL;
  }
}

/* A chain that is not fused is one operation of the framework per kernel; products by expert and their casts are
 * launched in a loop of the library. */
static double chain_seconds(const Issue *issue, MoeHostCall call, int64_t launches)
{
  gboolean chain = call == MOE_HOST_ELEMENTWISE || call == MOE_HOST_ELEMENTWISE_BACKWARD || call == MOE_HOST_OPERATION;

  return chain ? issue->call_s[MOE_HOST_OPERATION] * (double)MAX(launches - 1, 0) : 0;
}

static double eager_seconds(const Issue *issue, const MoeOp *op)
{
  const MoeProgram *program = issue->sim->program;
  MoeHostCall call = call_of(program, op);

  if (op->kind != MOE_OP_KERNEL)
    return issue->transfer_s + (call == MOE_HOST_NO_CALL ? 0 : issue->call_s[call]);
  int64_t launches = program->kernels[op->work].launches;
  double seconds = issue->launch_s * (double)launches + chain_seconds(issue, call, launches);

  return call == MOE_HOST_NO_CALL ? seconds : seconds + issue->call_s[call];
}

/* Consecutive operations of captured scopes in one layer are one graph, which costs its launch with the first of them;
 * where both passes are captured, the iteration is one; an optimizer is one of its own. */
static double captured_seconds(const MoeStack *stack, const MoeOp *op, const MoeOp *before)
{
  guint scopes = stack->host.graph_scopes;
  gboolean inside =
      before && (scopes & 1u << before->scope) && before->layer == op->layer && before->kind != MOE_OP_HOST_SYNC;
  gboolean passes = moe_stack_graphs_iteration(stack) && op->scope != MOE_SCOPE_OPTIMIZER;

  return inside || passes ? stack->host.graph_kernel_s : stack->host.graph_launch_s;
}

MoeTime sim_issue_cost(const Issue *issue, const MoeOp *op, const MoeOp *before)
{
  const Sim *sim = issue->sim;
  const MoeStack *stack = &sim->run->stack;

  if ((sim->without & MOE_WITHOUT_HOST) || op->kind == MOE_OP_HOST_SYNC || op->kind == MOE_OP_DELAY)
    return 0;
  if ((sim->without & MOE_WITHOUT_RECOMPUTE) && op->pass == MOE_PASS_RECOMPUTE)
    return 0;
  if (stack->host.graph_scopes & (1u << op->scope))
    return moe_time_from_seconds(captured_seconds(stack, op, before));
  return moe_time_from_seconds(eager_seconds(issue, op));
}

void sim_issue_plan(const Issue *issue, const MoeBlock *block, BlockPlan *plan)
{
  g_autoptr(GArray) syncs = g_array_new(FALSE, FALSE, sizeof(uint32_t));

  plan->issue = g_new(MoeTime, block->n_ops + 1);
  for (uint32_t i = 0; i < block->n_ops; i++) {
    plan->host += sim_issue_cost(issue, &block->ops[i], i > 0 ? &block->ops[i - 1] : NULL);
    plan->issue[i] = plan->host;
    if (block->ops[i].kind == MOE_OP_HOST_SYNC)
      g_array_append_val(syncs, i);
  }
  plan->n_syncs = syncs->len;
  plan->syncs = (uint32_t *)g_array_free(g_steal_pointer(&syncs), FALSE);
}
