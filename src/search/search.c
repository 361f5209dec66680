/* Enumerate, bound, simulate in the order of bounds until no bound is below what is kept. */
#include "internal.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0
/* Of the time that is left, what enumerating and then bounding may take: layouts that nobody simulates are no answer.
 */
#define ENUMERATING_SHARE 0.2
#define BOUNDING_SHARE    0.4

/* ---- simulation ------------------------------------------------------------------------------------------------- */

/* The best so far, shared by the threads. */
typedef struct {
  const MoeRun *run;
  const MoeSearchOptions *options;
  MoeSearchResult *result;
  MoeCandidate *candidates; /* in order of bounds */
  double price_gpu_s;       /* dollars */
  double limit;             /* values above are of no interest */
  double own_value;         /* of the run's own layout; INFINITY when it does not count */
  MoeStop stop;
  GMutex lock; /* guards result and candidates' results */
} Searching;

/* What a step time is worth; smaller is better. Monotonic in the time, so that a bound of one is a bound of the other.
 */
static double value_of(const Searching *s, const MoeLayoutChoice *choice, double step_s)
{
  double gpus = choice->value[MOE_DIMENSION_GPUS];

  switch (s->options->objective) {
  case MOE_OBJECTIVE_MFU:
    return step_s * gpus;
  case MOE_OBJECTIVE_COST:
    return step_s * gpus * s->price_gpu_s;
  default:
    return step_s;
  }
}

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

/* What became of a layout. */
typedef enum { FATE_TOO_LARGE, FATE_TOO_SLOW, FATE_SIMULATED } Fate;

/* Simulates one layout unless it does not fit or its program is slower than `least_s` at best; NULL then, or when it
 * cannot be. */
static MoeResult *predict(const Searching *s, const MoeRun *run, gboolean whatever, double least_s, Fate *fate)
{
  MoeSimOptions sim = s->options->sim;
  g_autoptr(MoeProgram) program = moe_program_build(run, sim.seed, NULL);

  *fate = FATE_TOO_LARGE;
  if (!program || (!whatever && !fits_memory(s, run, program)))
    return NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  *fate = FATE_TOO_SLOW;
  if (!topo || !cost || (!whatever && moe_search_bound_program(run, program, topo, cost) > least_s))
    return NULL;
  *fate = FATE_SIMULATED;
  sim.kernel_jitter = 0;
  sim.slice = NULL;
  g_autoptr(MoeSimResult) step = moe_sim_run(program, run, topo, cost, &sim, NULL);
  return step ? moe_metrics_result(run, program, step, sim.seed) : NULL;
}

/* Values above this cannot enter the ranking any more. */
static double threshold(const Searching *s)
{
  const MoeSearchResult *r = s->result;

  return r->n_ranked < s->options->top ? s->limit : MIN(s->limit, r->ranked[r->n_ranked - 1].value);
}

/* Equal values stand in the order of enumeration, kept in bound_s's place of origin: by choice. */
static gboolean is_before(const MoeCandidate *a, const MoeCandidate *b)
{
  if (a->value != b->value)
    return a->value < b->value;
  return memcmp(&a->choice, &b->choice, sizeof a->choice) < 0;
}

/* Puts a candidate where it belongs; what falls off the end is freed. */
static void rank(Searching *s, MoeCandidate *candidate)
{
  MoeSearchResult *r = s->result;
  guint at = r->n_ranked;

  s->result->own_behind += candidate->value < s->own_value;
  while (at > 0 && is_before(candidate, &r->ranked[at - 1]))
    at--;
  if (candidate->value > s->limit || at >= s->options->top) {
    moe_result_free(candidate->result);
    return;
  }
  if (r->n_ranked == s->options->top)
    moe_result_free(r->ranked[--r->n_ranked].result);
  memmove(&r->ranked[at + 1], &r->ranked[at], (r->n_ranked - at) * sizeof *r->ranked);
  r->ranked[at] = *candidate;
  r->n_ranked++;
}

static gboolean is_own(const Searching *s, const MoeCandidate *candidate)
{
  return memcmp(&candidate->choice, &s->result->own.choice, sizeof candidate->choice) == 0;
}

/* The longest step with which a layout can still be ranked. */
static double longest_step(Searching *s, const MoeLayoutChoice *choice)
{
  g_mutex_lock(&s->lock);
  double most = threshold(s);
  g_mutex_unlock(&s->lock);

  return most / value_of(s, choice, 1);
}

/* A layout that nobody looked at: it may be better than any that is ranked. */
static void miss(Searching *s, const MoeCandidate *candidate)
{
  double bound_s = MAX(candidate->bound_s, 0);

  g_mutex_lock(&s->lock);
  if (s->result->n_not_reached == 0 || bound_s < s->result->not_reached_s)
    s->result->not_reached_s = bound_s;
  s->result->n_not_reached++;
  g_mutex_unlock(&s->lock);
}

/* Whether a candidate may be looked at: its bound is below the ranked, and there is time left. The run's own layout
 * has the time that it takes: a search says something whatever its budget. */
static gboolean is_worth_trying(Searching *s, const MoeCandidate *candidate)
{
  if (candidate->bound_s > longest_step(s, &candidate->choice))
    return FALSE;
  if (!moe_stop_is_due(&s->stop) || is_own(s, candidate))
    return TRUE;
  miss(s, candidate);
  return FALSE;
}

static MoeOutcome try_one(guint index, gpointer user_data)
{
  Searching *s = user_data;
  MoeCandidate candidate = s->candidates[index];
  MoeRun applied;
  Fate fate;

  if (!is_worth_trying(s, &candidate) || !moe_search_apply(s->run, &candidate.choice, &applied))
    return (MoeOutcome){0};
  candidate.result = predict(s, &applied, FALSE, longest_step(s, &candidate.choice), &fate);
  g_mutex_lock(&s->lock);
  s->result->n_lowered++;
  s->result->n_did_not_fit += fate == FATE_TOO_LARGE;
  s->result->n_simulated += fate == FATE_SIMULATED;
  if (candidate.result) {
    candidate.value = value_of(s, &candidate.choice, candidate.result->step_time_s);
    rank(s, &candidate);
  }
  g_mutex_unlock(&s->lock);
  return (MoeOutcome){0};
}

/* ---- the run's own layout --------------------------------------------------------------------------------------- */

/* As the run file has it, uneven stages and all. */
static void simulate_own(Searching *s)
{
  MoeCandidate *own = &s->result->own;
  MoeRun quiet = *s->run;
  Fate fate;

  moe_search_own_choice(s->run, &own->choice);
  quiet.cluster.accelerator.speed_spread = 0;
  own->result = predict(s, &quiet, TRUE, INFINITY, &fate);
  if (own->result)
    own->value = s->own_value = value_of(s, &own->choice, own->result->step_time_s);
}

/* ---- whole searches --------------------------------------------------------------------------------------------- */

/* The run's own layout first. */
static gint compare_bounds(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MoeCandidate *x = a, *y = b;
  int own = is_own(user_data, y) - is_own(user_data, x);
  double bx = value_of(user_data, &x->choice, x->bound_s), by = value_of(user_data, &y->choice, y->bound_s);

  if (own != 0)
    return own;
  return bx < by ? -1 : bx > by ? 1 : memcmp(&x->choice, &y->choice, sizeof x->choice);
}

static MoeCandidate *make_candidates(const GArray *choices)
{
  MoeCandidate *candidates = g_new0(MoeCandidate, choices->len + 1);

  for (guint i = 0; i < choices->len; i++)
    candidates[i].choice = g_array_index(choices, MoeLayoutChoice, i);
  return candidates;
}

/* Those that may fit and be ranked, in front; returns how many. */
static guint drop_hopeless(Searching *s, MoeCandidate *candidates, guint n)
{
  double capacity = moe_search_capacity(s->options, s->run);
  guint kept = 0;

  for (guint i = 0; i < n; i++) {
    const MoeCandidate *candidate = &candidates[i];

    if (candidate->bound_bytes > capacity)
      s->result->n_too_large++;
    else if (candidate->bound_s < 0 && !is_own(s, candidate))
      miss(s, candidate);
    else if (candidate->bound_s <= longest_step(s, &candidate->choice))
      candidates[kept++] = *candidate;
  }
  return kept;
}

static void search_choices(Searching *s, const GArray *choices)
{
  MoeStop bounding = moe_stop_share(&s->stop, BOUNDING_SHARE);

  s->candidates = make_candidates(choices);
  s->result->n_legal += choices->len;
  moe_search_bound(s->run, s->options, &bounding, choices->len, s->candidates);
  guint n = drop_hopeless(s, s->candidates, choices->len);

  g_qsort_with_data(s->candidates, (gint)n, sizeof *s->candidates, compare_bounds, s);
  moe_outcomes_free(moe_study_map(n, s->options->jobs, try_one, s, s->options->progress, s->options->progress_data), n);
  g_clear_pointer(&s->candidates, g_free);
}

static gboolean search_region(Searching *s, MoeSearchRegion region, GError **error)
{
  MoeStop enumerating = moe_stop_share(&s->stop, ENUMERATING_SHARE);
  gboolean cut = FALSE;
  g_autoptr(GArray) choices = moe_search_enumerate_part(s->run, s->options, region, &enumerating, &cut, error);

  s->result->cut_short |= cut;
  if (choices)
    search_choices(s, choices);
  return choices != NULL;
}

/* Choices of one number of GPUs. */
static GArray *choices_of(const GArray *choices, int32_t gpus)
{
  GArray *some = g_array_new(FALSE, FALSE, sizeof(MoeLayoutChoice));

  for (guint i = 0; i < choices->len; i++)
    if (g_array_index(choices, MoeLayoutChoice, i).value[MOE_DIMENSION_GPUS] == gpus)
      g_array_append_val(some, g_array_index(choices, MoeLayoutChoice, i));
  return some;
}

static gint compare_sizes(gconstpointer a, gconstpointer b)
{
  return *(const int32_t *)a - *(const int32_t *)b;
}

static GArray *sizes_of(const GArray *choices)
{
  GArray *sizes = g_array_new(FALSE, FALSE, sizeof(int32_t));
  g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

  for (guint i = 0; i < choices->len; i++) {
    int32_t gpus = g_array_index(choices, MoeLayoutChoice, i).value[MOE_DIMENSION_GPUS];

    if (g_hash_table_add(seen, GINT_TO_POINTER(gpus)))
      g_array_append_val(sizes, gpus);
  }
  g_array_sort(sizes, compare_sizes);
  return sizes;
}

/* From the smallest cluster up, until one meets the deadline. */
static gboolean search_sizes(Searching *s, GError **error)
{
  MoeStop enumerating = moe_stop_share(&s->stop, ENUMERATING_SHARE);
  g_autoptr(GArray) choices =
      moe_search_enumerate_part(s->run, s->options, MOE_REGION_ALL, &enumerating, &s->result->cut_short, error);
  if (!choices)
    return FALSE;
  g_autoptr(GArray) sizes = sizes_of(choices);

  for (guint i = 0; i < sizes->len && s->result->n_ranked == 0; i++) {
    g_autoptr(GArray) some = choices_of(choices, g_array_index(sizes, int32_t, i));

    search_choices(s, some);
    if (s->options->verify)
      moe_search_verify(s->run, s->options, s->result);
  }
  return TRUE;
}

static gboolean explain_nothing(const Searching *s, GError **error)
{
  const MoeSearchResult *r = s->result;

  if (r->n_not_reached > 0 || r->cut_short)
    return moe_fail(
        error, MOE_ERROR_LAYOUT, (MoeMark){0},
        "none of the layouts that --budget left time for fits the memory, %u not looked at, expected more time",
        r->n_not_reached);
  if (s->options->objective == MOE_OBJECTIVE_GPUS && r->n_legal > 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "no layout of %u meets the deadline%s, expected more GPUs (--limit gpus=...) or a later deadline",
                    r->n_legal, r->verified ? " with noise and failures" : "");
  if (r->n_legal == 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "no legal layout, expected wider --limit or --space");
  return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0}, "none of %u legal layouts fits the memory, expected more GPUs",
                  r->n_legal);
}

static gboolean check_options(const Searching *s, GError **error)
{
  const MoeSearchOptions *o = s->options;

  if (o->objective == MOE_OBJECTIVE_COST && s->price_gpu_s <= 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                    "--objective cost: the price of %s is unknown, expected --set cluster.price.gpu_hour=DOLLARS",
                    s->run->cluster.name);
  if (o->objective == MOE_OBJECTIVE_GPUS && (o->tokens <= 0 || o->deadline_s <= 0))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--objective gpus: expected --tokens and --deadline");
  return TRUE;
}

/* The longest step that meets the deadline. */
static double step_limit(const MoeRun *run, const MoeSearchOptions *options)
{
  double steps = options->tokens / ((double)run->training.global_batch * (double)run->training.sequence_length);

  return options->objective == MOE_OBJECTIVE_GPUS ? options->deadline_s / steps : INFINITY;
}

/* What is known to work when there was no time to find anything else. */
static void rank_own(Searching *s)
{
  MoeCandidate own = s->result->own;
  MoeRun quiet = *s->run;
  Fate fate;

  quiet.cluster.accelerator.speed_spread = 0;
  own.result = own.result ? predict(s, &quiet, FALSE, INFINITY, &fate) : NULL;
  if (own.result)
    rank(s, &own);
}

/* The winners of sizes have been verified size by size. */
static void verify(Searching *s)
{
  if (s->options->objective != MOE_OBJECTIVE_GPUS)
    moe_search_verify(s->run, s->options, s->result);
  moe_search_verify_own(s->run, s->options, s->result);
  s->result->noise_left_out = FALSE;
}

static gboolean search(Searching *s, GError **error)
{
  gboolean good = check_options(s, error);

  if (!good)
    return FALSE;
  simulate_own(s);
  if (s->options->objective == MOE_OBJECTIVE_GPUS)
    good = search_sizes(s, error);
  else
    good = search_region(s, MOE_REGION_NEAR, error) && search_region(s, MOE_REGION_REST, error);
  if (good && s->result->n_ranked == 0 && (s->result->n_not_reached > 0 || s->result->cut_short))
    rank_own(s);
  if (good && s->options->verify)
    verify(s);
  return good && (s->result->n_ranked > 0 || explain_nothing(s, error));
}

MoeSearchResult *moe_search(const MoeRun *run, const MoeSearchOptions *options, GError **error)
{
  g_autoptr(MoeSearchResult) result = g_new0(MoeSearchResult, 1);
  Searching s = {.run = run,
                 .options = options,
                 .result = result,
                 .price_gpu_s = run->cluster.price_gpu_hour / SECONDS_PER_HOUR,
                 .limit = step_limit(run, options),
                 .stop = moe_stop_after(options->budget_s, options->stopped, options->stopped_data),
                 .own_value = -INFINITY};

  g_assert(options->top > 0);
  result->noise_left_out = run->cluster.accelerator.speed_spread > 0 || run->stack.kernel_jitter > 0;
  result->recompute_modules = moe_search_recompute_modules(run);
  result->objective = options->objective;
  result->tokens = options->tokens;
  result->deadline_s = options->deadline_s;
  result->price_gpu_hour = run->cluster.price_gpu_hour;
  result->ranked = g_new0(MoeCandidate, options->top + 2);
  g_mutex_init(&s.lock);
  gboolean good = search(&s, error);
  g_mutex_clear(&s.lock);
  return good ? g_steal_pointer(&result) : NULL;
}

void moe_search_result_free(MoeSearchResult *result)
{
  if (!result)
    return;
  for (guint i = 0; i < result->n_ranked; i++)
    moe_result_free(result->ranked[i].result);
  moe_result_free(result->own.result);
  g_free(result->ranked);
  g_free(result);
}
