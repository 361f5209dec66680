/* Looks at layouts best first: the best bound first, lowered for a better one, then simulated. */
#include "cost/cost.h"
#include "metrics/metrics.h"
#include "program/program.h"
#include "search/layouts.h"
#include "searching.h"
#include "sim/sim.h"
#include "spec/spec.h"
#include "study/study.h"
#include "topo/topo.h"

#include <string.h>

static gboolean fits_memory(const Searching *s, const MoeRun *run, const MoeProgram *program)
{
  for (guint r = 0; r < program->n_roles; r++) {
    MoeFootprint footprint;

    moe_program_footprint(program, run, r, &footprint);
    if (footprint.peak_bytes > moe_search_capacity(s->options, run))
      return FALSE;
  }
  return TRUE;
}

/* Builds the program of a layout; NULL when there is none or, unless `whatever`, it does not fit. */
static MoeProgram *lower(const Searching *s, const MoeRun *run, gboolean whatever, Fate *fate)
{
  g_autoptr(MoeProgram) program = moe_program_build(run, s->options->sim.seed, NULL);

  *fate = program ? FATE_TOO_LARGE : FATE_IMPOSSIBLE;
  if (!program || (!whatever && !fits_memory(s, run, program)))
    return NULL;
  *fate = FATE_BOUNDED;
  return g_steal_pointer(&program);
}

MoeResult *moe_searching_predict(const Searching *s, const MoeRun *run, gboolean whatever)
{
  MoeSimOptions sim = s->options->sim;
  Fate fate;
  g_autoptr(MoeProgram) program = lower(s, run, whatever, &fate);
  if (!program)
    return NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  if (!topo || !cost)
    return NULL;
  sim.kernel_jitter = 0;
  sim.slice = NULL;
  g_autoptr(MoeSimResult) step = moe_sim_run(program, run, topo, cost, &sim, NULL);
  return step ? moe_metrics_result(run, program, step, sim.seed) : NULL;
}

/* The better bound of a layout, which its program gives for a few milliseconds. */
static void look_closer(const Searching *s, const MoeRun *run, Prospect *prospect)
{
  g_autoptr(MoeProgram) program = lower(s, run, FALSE, &prospect->fate);
  if (!program)
    return;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);

  prospect->lowered = TRUE;
  if (!topo || !cost)
    return;
  double bound_s = moe_search_bound_program(run, program, topo, cost);

  prospect->candidate.bound_s = MAX(prospect->candidate.bound_s, bound_s);
}

/* ---- best first ------------------------------------------------------------------------------------------------- */

/* Those that come last are taken first: the run's own layout, then by bounds. */
static gint compare_waiting(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MoeCandidate *x = &((const Prospect *)a)->candidate, *y = &((const Prospect *)b)->candidate;
  int own = moe_searching_is_own(user_data, x) - moe_searching_is_own(user_data, y);
  double bx = moe_searching_value(user_data, &x->choice, x->bound_s),
         by = moe_searching_value(user_data, &y->choice, y->bound_s);

  if (own != 0)
    return own;
  return bx > by ? -1 : bx < by ? 1 : memcmp(&y->choice, &x->choice, sizeof x->choice);
}

static void insert_lowered(Searching *s, const Prospect *prospect)
{
  guint at = s->lowered->len;

  while (at > 0 && compare_waiting(&g_array_index(s->lowered, Prospect, at - 1), prospect, s) > 0)
    at--;
  g_array_insert_vals(s->lowered, at, prospect, 1);
}

/* The list whose next layout promises most; NULL when both are empty. */
static GArray *better_list(Searching *s)
{
  if (s->fresh->len == 0 || s->lowered->len == 0)
    return s->fresh->len > 0 ? s->fresh : s->lowered->len > 0 ? s->lowered : NULL;
  const Prospect *fresh = &g_array_index(s->fresh, Prospect, s->fresh->len - 1);
  const Prospect *lowered = &g_array_index(s->lowered, Prospect, s->lowered->len - 1);

  return compare_waiting(lowered, fresh, s) > 0 ? s->lowered : s->fresh;
}

/* The next layouts whose bound lets them be ranked; 0 when there are none. */
static guint take_round(Searching *s)
{
  guint n = 0;

  for (GArray *list = better_list(s); list && n < ROUND; list = better_list(s)) {
    const Prospect *next = &g_array_index(list, Prospect, list->len - 1);

    if (next->candidate.bound_s > moe_searching_longest(s, &next->candidate.choice))
      break;
    s->round[n] = *next;
    s->round[n].fate = FATE_NOT_REACHED;
    s->round[n++].step_s = -1;
    g_array_set_size(list, list->len - 1);
  }
  return n;
}

/* The run's own layout has the time that it takes: a search says something whatever its budget. */
static MoeOutcome look_at(guint index, gpointer user_data)
{
  Searching *s = user_data;
  Prospect *prospect = &s->round[index];
  MoeRun applied;

  if (!moe_search_is_mine(s->options, index) ||
      (moe_stop_is_due(&s->stop) && !moe_searching_is_own(s, &prospect->candidate)))
    return (MoeOutcome){0};
  prospect->fate = FATE_IMPOSSIBLE;
  if (!moe_search_apply(s->run, &prospect->candidate.choice, &applied))
    return (MoeOutcome){0};
  if (!prospect->lowered) {
    look_closer(s, &applied, prospect);
    return (MoeOutcome){0};
  }
  prospect->candidate.result = moe_searching_predict(s, &applied, FALSE);
  prospect->fate = FATE_SIMULATED;
  if (prospect->candidate.result)
    prospect->step_s = prospect->candidate.result->step_time_s;
  return (MoeOutcome){0};
}

/* What the other processes found out of the round. */
static void share_round(Searching *s, guint n)
{
  enum { FATE, BOUND, STEP, N_VALUES };
  double values[ROUND * N_VALUES];

  if (s->options->parts <= 1)
    return;
  for (guint i = 0; i < n; i++) {
    values[i * N_VALUES + FATE] = s->round[i].fate;
    values[i * N_VALUES + BOUND] = s->round[i].candidate.bound_s;
    values[i * N_VALUES + STEP] = s->round[i].step_s;
  }
  s->options->largest(values, n * N_VALUES, s->options->largest_data);
  for (guint i = 0; i < n; i++) {
    s->round[i].fate = (Fate)values[i * N_VALUES + FATE];
    s->round[i].candidate.bound_s = values[i * N_VALUES + BOUND];
    s->round[i].step_s = values[i * N_VALUES + STEP];
    s->round[i].lowered |= s->round[i].fate == FATE_BOUNDED;
  }
}

static void settle(Searching *s, Prospect *prospect)
{
  MoeCandidate *candidate = &prospect->candidate;

  if (prospect->fate == FATE_NOT_REACHED) {
    moe_searching_miss(s, candidate);
    return;
  }
  if (prospect->fate == FATE_SIMULATED)
    s->result->n_simulated++;
  else
    s->result->n_lowered++;
  s->result->n_did_not_fit += prospect->fate == FATE_TOO_LARGE;
  if (prospect->fate == FATE_BOUNDED)
    insert_lowered(s, prospect);
  if (prospect->step_s >= 0) {
    candidate->value = moe_searching_value(s, &candidate->choice, prospect->step_s);
    moe_searching_rank(s, candidate);
  }
}

static void count_missed(Searching *s, GArray *list)
{
  for (guint i = 0; i < list->len; i++) {
    const MoeCandidate *candidate = &g_array_index(list, Prospect, i).candidate;

    if (candidate->bound_s <= moe_searching_longest(s, &candidate->choice))
      moe_searching_miss(s, candidate);
  }
  g_array_set_size(list, 0);
}

static void report_progress(const Searching *s)
{
  guint done = s->n_seen - s->fresh->len;

  if (s->options->progress)
    s->options->progress(done, s->n_seen, s->options->progress_data);
}

void moe_searching_wait(Searching *s, const MoeCandidate *candidates, guint n)
{
  double capacity = moe_search_capacity(s->options, s->run);

  for (guint i = 0; i < n; i++) {
    const Prospect prospect = {.candidate = candidates[i]};

    if (candidates[i].bound_bytes > capacity)
      s->result->n_too_large++;
    else if (candidates[i].bound_s < 0 && !moe_searching_is_own(s, &candidates[i]))
      moe_searching_miss(s, &candidates[i]);
    else if (candidates[i].bound_s <= moe_searching_longest(s, &candidates[i].choice))
      g_array_append_val(s->fresh, prospect);
  }
  g_array_sort_with_data(s->fresh, compare_waiting, s);
  s->n_seen = s->fresh->len;
}

void moe_searching_look(Searching *s, gboolean some)
{
  for (guint n = take_round(s); n > 0; n = take_round(s)) {
    moe_outcomes_free(moe_study_map(n, s->options->jobs, look_at, s, NULL, NULL), n);
    share_round(s, n);
    for (guint i = 0; i < n; i++)
      settle(s, &s->round[i]);
    report_progress(s);
    if (moe_stop_is_due(&s->stop) || (some && s->result->n_ranked > 0))
      break;
  }
  if (moe_stop_is_due(&s->stop)) {
    count_missed(s, s->fresh);
    count_missed(s, s->lowered);
  } else if (!some) {
    g_array_set_size(s->fresh, 0);
    g_array_set_size(s->lowered, 0);
  }
}

static MoeOutcome complete_one(guint index, gpointer user_data)
{
  Searching *s = user_data;
  MoeCandidate *candidate = &s->result->ranked[index];
  MoeRun applied;

  if (!candidate->result && moe_search_apply(s->run, &candidate->choice, &applied))
    candidate->result = moe_searching_predict(s, &applied, FALSE);
  return (MoeOutcome){0};
}

void moe_searching_complete(Searching *s)
{
  guint n = s->result->n_ranked;

  if (s->options->parts > 1)
    moe_outcomes_free(moe_study_map(n, s->options->jobs, complete_one, s, NULL, NULL), n);
}
