/* The waterfall of one run: its program is built once and simulated without each needed set of causes. */
#include "base/base.h"
#include "internal.h"
#include "metrics/metrics.h"
#include "program/program.h"
#include "spec/spec.h"
#include "study/study.h"

#include <math.h>
#include <string.h>

/* All orders are taken while their simulations together stay below this: a minute of one core or so. */
#define MOST_WORK_S 60.0
/* What a simulation takes, measured on one core (Zen 3): an event of the calendar, a kernel priced. Counts decide, not
 * a clock: the same run is explained the same way on every machine. */
#define EVENT_WORK_S   1e-7
#define PRICE_WORK_S   4e-7
#define MACHINE_STATES 4 /* in which each kernel of each load class is priced */
/* Orders otherwise: 16 pairs; the standard error is part of the answer. */
#define SAMPLED_ORDERS 32
/* Causes that are worth less than this share of the step both when they are removed first and when they are removed
 * last are removed together, as one: no order of such causes is visible in the answer, and each halves the number of
 * simulations. */
#define SMALL_SHARE 0.0025

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
  guint n; /* causes present */
  MoeCause present[MOE_N_CAUSES];
  double *step_s;             /* [1 << n], of the subsets that were simulated */
  gboolean *done;             /* [1 << n] */
  guint n_players;            /* causes or, last, the small ones together */
  guint player[MOE_N_CAUSES]; /* their causes as bits */
  guint small;                /* the small ones, when there are several */
  guint n_simulations;
  double left_s[MOE_N_CAUSES]; /* account of the run without any of them */
  GArray *subsets;             /* to simulate, of guint */
} Explain;

/* ---- what is in the run at all ---------------------------------------------------------------------------------- */

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
  return e->program->n_load_classes > 1 || sim->n_slow > 0 || jitter > 0 ||
         e->run->cluster.accelerator.speed_spread > 0;
}

static gboolean has_delays(const MoeProgram *program)
{
  for (guint d = 0; d < program->n_delays; d++)
    if (program->delays[d].seconds > 0 && program->delays[d].pass != MOE_PASS_OPTIMIZER)
      return TRUE;
  return FALSE;
}

/* A cause that is absent by the program changes nothing when it is removed, whatever else is removed: no simulation is
 * spent on it. */
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

/* ---- simulating subsets ----------------------------------------------------------------------------------------- */

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
  const gboolean all = subset == (1u << e->n) - 1;
  MoeSimOptions sim = e->options->sim;
  MoeOutcome outcome = {0};

  sim.slice = NULL;
  sim.without = without_bits(e, subset);
  sim.step_alone = !all;
  g_autoptr(MoeSimResult) result = moe_sim_run(e->program, e->run, e->topo, e->cost, &sim, &outcome.error);
  if (!result)
    return outcome;
  e->step_s[subset] = moe_time_to_seconds(result->step);
  if (all)
    memcpy(e->left_s, result->cause_s, sizeof e->left_s);
  return outcome;
}

static void want(Explain *e, guint subset)
{
  if (e->done[subset])
    return;
  e->done[subset] = TRUE;
  g_array_append_val(e->subsets, subset);
}

/* Simulates the wanted subsets and empties the list. */
static gboolean simulate_all(Explain *e, GError **error)
{
  const MoeExplainOptions *o = e->options;
  guint n = e->subsets->len;
  MoeOutcome *outcomes = moe_study_map(n, o->jobs, simulate_subset, e, o->progress, o->progress_data);
  gboolean good = moe_outcomes_check(outcomes, n, error);

  moe_outcomes_free(outcomes, n);
  e->n_simulations += n;
  g_array_set_size(e->subsets, 0);
  return good;
}

/* ---- players ---------------------------------------------------------------------------------------------------- */

static guint all_causes(const Explain *e)
{
  return (1u << e->n) - 1;
}

static double first_gain(const Explain *e, guint i)
{
  return e->step_s[0] - e->step_s[1u << i];
}

static double last_gain(const Explain *e, guint i)
{
  return e->step_s[all_causes(e) & ~(1u << i)] - e->step_s[all_causes(e)];
}

/* Each cause removed first and removed last. */
static gboolean simulate_ends(Explain *e, GError **error)
{
  want(e, 0);
  want(e, all_causes(e));
  for (guint i = 0; i < e->n; i++) {
    want(e, 1u << i);
    want(e, all_causes(e) & ~(1u << i));
  }
  return simulate_all(e, error);
}

static void choose_players(Explain *e)
{
  for (guint i = 0; i < e->n; i++)
    if (MAX(fabs(first_gain(e, i)), fabs(last_gain(e, i))) < SMALL_SHARE * e->step_s[0])
      e->small |= 1u << i;
  if (__builtin_popcount(e->small) < 2)
    e->small = 0;
  for (guint i = 0; i < e->n; i++)
    if (!(e->small & 1u << i))
      e->player[e->n_players++] = 1u << i;
  if (e->small)
    e->player[e->n_players++] = e->small;
}

static guint causes_of(const Explain *e, guint players)
{
  guint causes = 0;

  for (guint p = 0; p < e->n_players; p++)
    if (players & 1u << p)
      causes |= e->player[p];
  return causes;
}

static gboolean simulate_players(Explain *e, guint orders, GError **error)
{
  guint n = 1u << e->n_players;
  g_autofree gboolean *needed = g_new0(gboolean, n);

  moe_shares_mark(e->n_players, orders, e->options->sim.seed, needed);
  for (guint players = 0; players < n; players++)
    if (orders == 0 || needed[players])
      want(e, causes_of(e, players));
  return simulate_all(e, error);
}

static guint choose_orders(const Explain *e, const MoeSimResult *base)
{
  double prices = (double)e->program->n_load_classes * MACHINE_STATES * e->program->n_kernels;
  double work_s = (double)base->events * EVENT_WORK_S + prices * PRICE_WORK_S;

  if (e->options->orders > 0)
    return (e->options->orders + 1) / 2 * 2;
  return work_s * (1u << e->n_players) > MOST_WORK_S ? SAMPLED_ORDERS : 0;
}

/* ---- the explanation -------------------------------------------------------------------------------------------- */

/* The small causes divide their joint share by what each is worth between first and last. */
static void divide_small(const Explain *e, double joint_s, double joint_error_s, double *share, double *error)
{
  double sum = 0;

  for (guint i = 0; i < e->n; i++)
    if (e->small & 1u << i)
      sum += (first_gain(e, i) + last_gain(e, i)) / 2;
  for (guint i = 0; i < e->n; i++) {
    if (!(e->small & 1u << i))
      continue;
    double middle = (first_gain(e, i) + last_gain(e, i)) / 2;

    share[i] = middle + (joint_s - sum) / __builtin_popcount(e->small);
    error[i] = fabs(first_gain(e, i) - last_gain(e, i)) / 2 + joint_error_s;
  }
}

/* Shares of the causes from those of the players. */
static void find_shares(const Explain *e, guint orders, double *share, double *error)
{
  g_autofree double *value = g_new(double, 1u << e->n_players);
  double player_share[MOE_N_CAUSES], player_error[MOE_N_CAUSES];

  for (guint players = 0; players < 1u << e->n_players; players++)
    value[players] = e->step_s[causes_of(e, players)];
  moe_shares(e->n_players, orders, e->options->sim.seed, value, player_share, player_error);
  for (guint p = 0; p < e->n_players; p++) {
    guint i = (guint)__builtin_ctz(e->player[p]);

    if (e->player[p] == e->small) {
      divide_small(e, player_share[p], player_error[p], share, error);
      continue;
    }
    share[i] = player_share[p];
    error[i] = player_error[p];
  }
}

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
    loss->joint = (e->small & 1u << i) != 0;
    loss->accounted_s = x->result->cause_s[loss->cause];
    loss->alone_s = first_gain(e, i);
    loss->last_s = last_gain(e, i);
    loss->share_s = share[i];
    loss->error_s = error[i];
    alone_sum += loss->alone_s;
    i++;
  }
  x->ideal_s = e->step_s[all_causes(e)];
  x->interaction_s = e->step_s[0] - x->ideal_s - alone_sum;
  memcpy(x->left_s, e->left_s, sizeof x->left_s);
}

static MoeExplanation *explain(Explain *e, const MoeSimResult *base, GError **error)
{
  double share[MOE_N_CAUSES], errors[MOE_N_CAUSES];

  for (guint c = 0; c < G_N_ELEMENTS(removable); c++)
    if (is_present(e, base, removable[c]))
      e->present[e->n++] = removable[c];
  e->step_s = g_new0(double, 1u << e->n);
  e->done = g_new0(gboolean, 1u << e->n);
  if (!simulate_ends(e, error))
    return NULL;
  choose_players(e);
  guint orders = choose_orders(e, base);
  if (!simulate_players(e, orders, error))
    return NULL;
  MoeExplanation *x = g_new0(MoeExplanation, 1);
  x->result = moe_metrics_result(e->run, e->program, base, e->options->sim.seed);
  x->n_orders = orders;
  x->n_simulations = e->n_simulations + 1;
  find_shares(e, orders, share, errors);
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
  g_free(e->done);
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
