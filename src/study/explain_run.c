/* The waterfall of one run: its program is built once and simulated without each needed set of causes. */
#include "explain_internal.h"

#include <string.h>

/* All orders are taken while their simulations together stay below this: minutes on one core at 20 M events/s. */
#define MOST_EVENTS 2e9
/* Orders otherwise: 32 pairs; the standard error is part of the answer. */
#define SAMPLED_ORDERS 64

static const MoeCause removable[] = {
    MOE_CAUSE_KERNEL_INEFFICIENCY, MOE_CAUSE_RECOMPUTE, MOE_CAUSE_PADDING, MOE_CAUSE_NVLINK_EXPOSED,
    MOE_CAUSE_NETWORK_EXPOSED,     MOE_CAUSE_PEER_WAIT, MOE_CAUSE_HOST,    MOE_CAUSE_COPY_EXPOSED,
    MOE_CAUSE_OPTIMIZER,           MOE_CAUSE_DATA,
};

typedef struct {
  const MoeRun *run;
  const MoeExplainOptions *options;
  MoeTopo *topo;
  MoeCostModel *cost;
  MoeProgram *program;
  guint n;                       /* causes present */
  MoeCause present[MOE_N_CAUSES];
  double *step_s;                /* [1 << n], of the subsets that were simulated */
  double left_s[MOE_N_CAUSES];   /* account of the run without any of them */
  GArray *subsets;               /* to simulate, of guint */
} Explain;

/* ---- what is in the run at all ---------------------------------------------------------------------------------------- */

static gboolean has_pass(const MoeProgram *program, MoePass pass)
{
  for (guint b = 0; b < program->n_blocks; b++)
    for (uint32_t i = 0; i < program->blocks[b].n_ops; i++)
      if (program->blocks[b].ops[i].pass == pass)
        return TRUE;
  return FALSE;
}

static gboolean has_padding(const MoeProgram *program, const MoeSimResult *base)
{
  for (guint c = 0; c < program->n_collectives; c++)
    if (program->collectives[c].padding > 1)
      return TRUE;
  return base->cause_s[MOE_CAUSE_PADDING] > 0 || base->reason_s[MOE_REASON_PADDING] > 0;
}

static gboolean has_unequal_peers(const Explain *e)
{
  const MoeSimOptions *sim = &e->options->sim;
  double jitter = sim->kernel_jitter >= 0 ? sim->kernel_jitter : e->run->stack.kernel_jitter;

  for (guint c = 0; c < e->program->n_collectives; c++)
    if (e->program->collectives[c].n_skew > 0)
      return TRUE;
  return e->program->n_load_classes > 1 || sim->n_slow > 0 || jitter > 0;
}

static gboolean has_delays(const MoeProgram *program)
{
  for (guint d = 0; d < program->n_delays; d++)
    if (program->delays_s[d] > 0)
      return TRUE;
  return FALSE;
}

/* A cause that is absent by the program changes nothing when it is removed, whatever else is removed: no simulation is spent on it. */
static gboolean is_present(const Explain *e, const MoeSimResult *base, MoeCause cause)
{
  switch (cause) {
  case MOE_CAUSE_RECOMPUTE:
    return has_pass(e->program, MOE_PASS_RECOMPUTE);
  case MOE_CAUSE_PADDING:
    return has_padding(e->program, base);
  case MOE_CAUSE_NVLINK_EXPOSED:
    return base->nvlink_bytes > 0;
  case MOE_CAUSE_NETWORK_EXPOSED:
    return base->network_bytes > 0;
  case MOE_CAUSE_PEER_WAIT:
    return has_unequal_peers(e);
  case MOE_CAUSE_COPY_EXPOSED:
    return e->program->n_copies > 0;
  case MOE_CAUSE_OPTIMIZER:
    return has_pass(e->program, MOE_PASS_OPTIMIZER);
  case MOE_CAUSE_DATA:
    return has_delays(e->program);
  default:
    return TRUE;
  }
}

/* ---- simulating subsets -------------------------------------------------------------------------------------------------- */

static guint without_bits(const Explain *e, guint subset)
{
  guint bits = 0;

  for (guint i = 0; i < e->n; i++)
    if (subset & 1u << i)
      bits |= 1u << e->present[i];
  return bits;
}

static MoeOutcome simulate_subset(guint index, gpointer user_data)
{
  Explain *e = user_data;
  guint subset = g_array_index(e->subsets, guint, index);
  MoeSimOptions sim = e->options->sim;
  MoeOutcome outcome = {0};

  sim.slice = NULL;
  sim.without = without_bits(e, subset);
  g_autoptr(MoeSimResult) result = moe_sim_run(e->program, e->run, e->topo, e->cost, &sim, &outcome.error);
  if (!result)
    return outcome;
  e->step_s[subset] = moe_time_to_seconds(result->step);
  if (subset == (1u << e->n) - 1)
    memcpy(e->left_s, result->cause_s, sizeof e->left_s);
  return outcome;
}

static gboolean simulate_all(Explain *e, GError **error)
{
  const MoeExplainOptions *o = e->options;
  guint n = e->subsets->len;
  MoeOutcome *outcomes = moe_study_map(n, o->jobs, simulate_subset, e, o->progress, o->progress_data);
  gboolean good = TRUE;

  for (guint i = 0; i < n && good; i++)
    if (outcomes[i].error) {
      g_propagate_error(error, g_steal_pointer(&outcomes[i].error));
      good = FALSE;
    }
  moe_outcomes_free(outcomes, n);
  return good;
}

/* All subsets, or those along the sampled orders; each cause alone besides. */
static void choose_subsets(Explain *e, guint orders)
{
  guint n = 1u << e->n;
  g_autofree gboolean *needed = g_new0(gboolean, n);

  moe_shares_mark(e->n, orders, e->options->sim.seed, needed);
  needed[0] = needed[n - 1] = TRUE;
  for (guint i = 0; i < e->n; i++)
    needed[1u << i] = TRUE;
  for (guint subset = 0; subset < n; subset++)
    if (orders == 0 || needed[subset])
      g_array_append_val(e->subsets, subset);
}

/* ---- the explanation ------------------------------------------------------------------------------------------------------ */

static void fill_causes(const Explain *e, const double *share, const double *error, MoeExplanation *x)
{
  double alone_sum = 0;

  x->n_causes = G_N_ELEMENTS(removable);
  for (guint c = 0, i = 0; c < x->n_causes; c++) {
    MoeLossShare *loss = &x->causes[c];

    loss->cause = removable[c];
    loss->present = i < e->n && e->present[i] == removable[c];
    if (!loss->present)
      continue;
    loss->accounted_s = x->result->cause_s[loss->cause];
    loss->alone_s = e->step_s[0] - e->step_s[1u << i];
    loss->share_s = share[i];
    loss->error_s = error[i];
    alone_sum += loss->alone_s;
    i++;
  }
  x->ideal_s = e->step_s[(1u << e->n) - 1];
  x->interaction_s = e->step_s[0] - x->ideal_s - alone_sum;
  memcpy(x->left_s, e->left_s, sizeof x->left_s);
}

static MoeExplanation *explain(Explain *e, const MoeSimResult *base, GError **error)
{
  double share[MOE_N_CAUSES], errors[MOE_N_CAUSES];
  guint orders = (e->options->orders + 1) / 2 * 2;

  for (guint c = 0; c < G_N_ELEMENTS(removable); c++)
    if (is_present(e, base, removable[c]))
      e->present[e->n++] = removable[c];
  if (orders == 0 && (double)base->events * (1u << e->n) > MOST_EVENTS)
    orders = SAMPLED_ORDERS;
  e->step_s = g_new0(double, 1u << e->n);
  choose_subsets(e, orders);
  if (!simulate_all(e, error))
    return NULL;
  MoeExplanation *x = g_new0(MoeExplanation, 1);
  x->result = moe_metrics_result(e->run, e->program, base, e->options->sim.seed);
  x->n_orders = orders;
  x->n_simulations = e->subsets->len + 1;
  moe_shares(e->n, orders, e->options->sim.seed, e->step_s, share, errors);
  fill_causes(e, share, errors, x);
  return x;
}

static gboolean prepare(Explain *e, GError **error)
{
  e->topo = moe_topo_new(&e->run->cluster, e->run->parallelism.gpus, 0, NULL, error);
  e->cost = e->topo ? moe_cost_model_new(&e->run->cluster.accelerator, &e->run->stack, error) : NULL;
  e->program = e->cost ? moe_program_build(e->run, e->options->sim.seed, error) : NULL;
  return e->program != NULL;
}

static void clear(Explain *e)
{
  moe_program_free(e->program);
  moe_cost_model_free(e->cost);
  moe_topo_free(e->topo);
  g_free(e->step_s);
  g_array_free(e->subsets, TRUE);
}

MoeExplanation *moe_explain_run(const MoeRun *run, const MoeExplainOptions *options, GError **error)
{
  Explain e = {.run = run, .options = options, .subsets = g_array_new(FALSE, FALSE, sizeof(guint))};
  MoeSimOptions sim = options->sim;
  g_autoptr(MoeSimResult) base = NULL;
  MoeExplanation *explanation = NULL;

  sim.slice = NULL;
  sim.without = 0;
  if (prepare(&e, error))
    base = moe_sim_run(e.program, run, e.topo, e.cost, &sim, error);
  if (base)
    explanation = explain(&e, base, error);
  clear(&e);
  return explanation;
}

void moe_explanation_free(MoeExplanation *explanation)
{
  if (!explanation)
    return;
  moe_result_free(explanation->result);
  g_free(explanation);
}
