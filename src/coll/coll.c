/* The table of algorithms and the choice among them. */
#include "internal.h"

#include <math.h>
#include <string.h>

static const MoeCollAlgorithm *const algorithms[] = {
    &moe_coll_rail_ring,          &moe_coll_rail_scatter, &moe_coll_ring,  &moe_coll_tree,         &moe_coll_nvls,
    &moe_coll_nvls_registered,    &moe_coll_nvls_tree,    &moe_coll_sharp, &moe_coll_hierarchical, &moe_coll_pat,
    &moe_coll_recursive_doubling, &moe_coll_direct,       &moe_coll_naive, &moe_coll_rail_aligned, &moe_coll_expert,
    &moe_coll_broadcast,          &moe_coll_torus,
};

static gboolean serves(const MoeCollAlgorithm *algorithm, MoeCollectiveKind kind)
{
  return (algorithm->kinds & MOE_COLL_BIT(kind)) != 0;
}

/* Whether library or framework may take an algorithm unasked. Reductions in switches do not add in a fixed order: never
 * in deterministic runs. Expert libraries that cannot serve a group leave it to NCCL. */
static gboolean is_candidate(const MoeCollAlgorithm *algorithm, const MoeStackCollectives *stack)
{
  switch (algorithm->choice) {
  case MOE_COLL_AUTOMATIC:
    return !stack->rings_only || algorithm->nccl == MOE_NCCL_NONE || algorithm->nccl == MOE_NCCL_RING;
  case MOE_COLL_MULTICAST:
    return stack->nvls && !stack->deterministic && !stack->rings_only;
  case MOE_COLL_SWITCHES:
    return stack->sharp && !stack->deterministic && !stack->rings_only;
  case MOE_COLL_HIERARCHICAL:
    return stack->hierarchical;
  case MOE_COLL_DIMENSIONS:
    return TRUE;
  case MOE_COLL_WINDOWS:
  case MOE_COLL_WINDOWS_MULTICAST:
    return stack->symmetric && !stack->hierarchical && stack->nccl >= MOE_NCCL_RAILS &&
           (stack->nvls || algorithm->choice == MOE_COLL_WINDOWS);
  default:
    return FALSE;
  }
}

/* Per-member factors ride on what members receive (dispatch) or send (combine). */
static void attach_skew(const MoeCollective *collective, MoeCollPlan *plan)
{
  if (collective->n_skew == 0)
    return;
  plan->n_skew = collective->n_skew;
  if (collective->kind == MOE_COMBINE)
    plan->out_factor = collective->receive;
  else
    plan->in_factor = collective->receive;
}

/* A plugin's measured tables find the fastest. */
static gboolean is_tuned(const MoeCollRequest *request)
{
  const MoeCluster *cluster = request->cluster;
  const MoeCollectiveFit *fit = request->domains == 1 ? &cluster->domain.collectives : &cluster->network.collectives;

  return fit->tuner == MOE_TUNER_NCCL;
}

/* What NCCL's tuner thinks an algorithm takes with its best protocol, which goes to *protocol. */
static double tuned_s(const MoeCollAlgorithm *algorithm, const MoeCollRequest *request, const MoeCollWork *work,
                      MoeProtocol *protocol)
{
  double best_s = INFINITY;

  *protocol = MOE_N_PROTOCOLS;
  if (!is_tuned(request))
    return INFINITY;
  for (int p = 0; algorithm->nccl != MOE_NCCL_NONE && p < MOE_N_PROTOCOLS; p++) {
    double time_s = moe_coll_nccl_s(request, algorithm->nccl, (MoeProtocol)p);

    if (time_s < best_s && moe_coll_has_protocol(work, (MoeProtocol)p)) {
      best_s = time_s;
      *protocol = (MoeProtocol)p;
    }
  }
  return best_s;
}

static gboolean plan_one(const MoeCollAlgorithm *algorithm, const MoeCollRequest *request, MoeCollPlan *plan)
{
  MoeCollWork work;
  MoeProtocol protocol;

  if (!algorithm->work(request, &work))
    return FALSE;
  tuned_s(algorithm, request, &work, &protocol);
  moe_coll_finish(request, &work, protocol,
                  algorithm == &moe_coll_expert ? moe_coll_expert_name(request) : algorithm->name, plan);
  attach_skew(request->collective, plan);
  return TRUE;
}

/* What rings along the dimensions of a torus serve, nothing else does there: the algorithms of NCCL are made for
 * switches.
 */
static gboolean suits(const MoeCollAlgorithm *algorithm, const MoeCollRequest *request)
{
  return !request->inside.torus || !serves(&moe_coll_torus, request->collective->kind) ||
         algorithm->choice == MOE_COLL_DIMENSIONS;
}

static gboolean offers(const MoeCollAlgorithm *algorithm, const MoeCollRequest *request)
{
  return suits(algorithm, request) && serves(algorithm, request->collective->kind) &&
         is_candidate(algorithm, request->stack);
}

static gboolean takes_windows(const MoeCollAlgorithm *algorithm)
{
  return algorithm->choice == MOE_COLL_WINDOWS || algorithm->choice == MOE_COLL_WINDOWS_MULTICAST;
}

/* Buffers registered on both sides: NCCL asks no tuner and takes its symmetric kernel where it has one
 * (nccl/src/scheduler/symmetric_sched.cc at v2.29.7-1: no fallback). */
static gboolean plan_windows(const MoeCollRequest *request, MoeCollPlan *plan)
{
  for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++)
    if (takes_windows(algorithms[i]) && offers(algorithms[i], request) && is_tuned(request) &&
        plan_one(algorithms[i], request, plan))
      return TRUE;
  return FALSE;
}

/* The algorithm that NCCL's tuner takes; NULL when the collective is none of its. */
static const MoeCollAlgorithm *tuned_choice(const MoeCollRequest *request)
{
  const MoeCollAlgorithm *best = NULL;
  double best_s = INFINITY;

  for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++) {
    MoeProtocol protocol;
    MoeCollWork work;

    if (algorithms[i]->nccl == MOE_NCCL_NONE || !offers(algorithms[i], request) || !algorithms[i]->work(request, &work))
      continue;
    double time_s = tuned_s(algorithms[i], request, &work, &protocol);
    if (time_s < best_s) {
      best_s = time_s;
      best = algorithms[i];
    }
  }
  return best;
}

/* Of what NCCL's tuner takes and what is none of its to choose: the fastest; ties go to the first of the table. */
static gboolean plan_fastest(const MoeCollRequest *request, MoeCollPlan *plan)
{
  const MoeCollAlgorithm *tuned = tuned_choice(request);
  double best_s = INFINITY;

  for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++) {
    MoeCollPlan candidate;

    if (takes_windows(algorithms[i]) || !offers(algorithms[i], request) ||
        (tuned && algorithms[i]->nccl != MOE_NCCL_NONE && algorithms[i] != tuned) ||
        !plan_one(algorithms[i], request, &candidate))
      continue;
    double time_s = moe_coll_alone_s(request->topo, &candidate);
    if (time_s < best_s) {
      best_s = time_s;
      *plan = candidate;
    }
  }
  return isfinite(best_s);
}

/* Groups of one cost nothing. */
static gboolean is_alone(const MoeCollGroup *group, MoeCollPlan *plan)
{
  *plan = (MoeCollPlan){.algorithm = "none", .cap_bytes_per_s = INFINITY};
  return group->n <= 1;
}

void moe_coll_plan(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollective *collective,
                   const MoeCollGroup *group, MoeCollPlan *plan)
{
  MoeCollRequest request;

  if (is_alone(group, plan))
    return;
  moe_coll_request_init(&request, topo, stack, collective, group);
  if (plan_windows(&request, plan) || plan_fastest(&request, plan))
    return;
  gboolean fallback = moe_coll_plan_with("nccl", topo, stack, collective, group, plan);
  g_assert(fallback);
}

static gboolean is_expert(MoeCollectiveKind kind)
{
  return kind == MOE_DISPATCH || kind == MOE_COMBINE;
}

/* With another library than the stack's. */
static gboolean plan_library(const char *name, MoeCollRequest *request, MoeCollPlan *plan)
{
  MoeStackCollectives stack = *request->stack;

  stack.library = moe_expert_library(name);
  if (!stack.library)
    return FALSE;
  request->stack = &stack;
  return plan_one(&moe_coll_expert, request, plan);
}

gboolean moe_coll_plan_with(const char *name, const MoeTopo *topo, const MoeStackCollectives *stack,
                            const MoeCollective *collective, const MoeCollGroup *group, MoeCollPlan *plan)
{
  MoeCollRequest request;

  if (is_alone(group, plan))
    return TRUE;
  moe_coll_request_init(&request, topo, stack, collective, group);
  if (is_expert(collective->kind))
    return plan_library(name, &request, plan);
  for (guint i = 0; i < G_N_ELEMENTS(algorithms); i++)
    if (serves(algorithms[i], collective->kind) && strcmp(algorithms[i]->name, name) == 0)
      return plan_one(algorithms[i], &request, plan);
  return FALSE;
}

double moe_coll_alone_s(const MoeTopo *topo, const MoeCollPlan *plan)
{
  double longest_s = 0, cap_bytes = 0;

  for (int port = 0; port < MOE_N_PORTS; port++) {
    double time_s = plan->port_bytes[port] / moe_topo_port_bytes_per_s(topo, (MoePort)port);

    if (time_s > longest_s) {
      longest_s = time_s;
      cap_bytes = plan->port_bytes[port];
    }
  }
  return moe_time_to_seconds(plan->latency) + MAX(longest_s, cap_bytes / plan->cap_bytes_per_s);
}

double moe_coll_bus_factor(MoeCollectiveKind kind, guint n)
{
  double others = n > 0 ? ((double)n - 1) / (double)n : 0;

  switch (kind) {
  case MOE_ALL_REDUCE:
    return 2 * others;
  case MOE_BROADCAST:
    return 1;
  default:
    return others;
  }
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *const *moe_coll_algorithms(MoeCollectiveKind kind)
{
  static const char *const all_reduce[] = {"ring", "tree", "nvls", "nvls-tree", "sharp", "hierarchical", "torus", NULL};
  static const char *const gather[] = {"ring",  "nvls", "hierarchical", "pat", "recursive-doubling", "rail-ring",
                                       "torus", NULL};
  static const char *const scatter[] = {"ring",  "nvls", "hierarchical", "pat", "recursive-doubling", "rail-direct",
                                        "torus", NULL};
  static const char *const all_to_all[] = {"direct", "naive", "rail-aligned", NULL};
  static const char *const broadcast[] = {"ring", NULL};
  static const char *const *const names[MOE_N_COLLECTIVES] = {all_reduce, gather, scatter,  all_to_all,
                                                              NULL,       NULL,   broadcast};

  g_assert(kind < MOE_N_COLLECTIVES);
  return is_expert(kind) ? moe_expert_library_words : names[kind];
}
