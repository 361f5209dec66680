/* Enumerate, bound, simulate in the order of bounds until no bound is below what is kept. */
#include "search_internal.h"

#include <math.h>
#include <string.h>

#define SECONDS_PER_HOUR 3600.0

/* ---- bounds of all candidates
 * ---------------------------------------------------------------------------------------------- */

/* Probes by key, and the machine, shared by the threads. */
typedef struct {
  const MoeRun *run;
  const MoeCostModel *cost;
  GPtrArray *keys;   /* MoeLayoutChoice */
  GHashTable *index; /* key -> 1 + position in `keys` */
  MoeProbe **probe;  /* [keys] */
  GHashTable *topos; /* GPUs -> MoeTopo */
  MoeCandidate *candidates;
} Bounding;

static guint key_hash(gconstpointer key)
{
  const MoeLayoutChoice *choice = key;
  uint64_t hash = 0;

  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    hash = moe_random_mix(hash ^ (uint64_t)choice->value[d]);
  return (guint)hash;
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, sizeof(MoeLayoutChoice)) == 0;
}

static void note_key(Bounding *b, const MoeLayoutChoice *choice)
{
  MoeLayoutChoice key;
  MoeRun applied;

  if (!moe_search_apply(b->run, choice, &applied))
    return;
  moe_probe_key(&applied, choice, &key);
  if (!g_hash_table_contains(b->index, &key)) {
    g_ptr_array_add(b->keys, g_memdup2(&key, sizeof key));
    g_hash_table_insert(b->index, b->keys->pdata[b->keys->len - 1], GUINT_TO_POINTER(b->keys->len));
  }
  gint64 gpus = applied.parallelism.gpus;
  if (!g_hash_table_contains(b->topos, &gpus))
    g_hash_table_insert(b->topos, g_memdup2(&gpus, sizeof gpus), moe_topo_new(&b->run->cluster, gpus, 0, NULL, NULL));
}

static MoeOutcome probe_one(guint index, gpointer user_data)
{
  Bounding *b = user_data;

  b->probe[index] = moe_probe_new(b->run, b->cost, b->keys->pdata[index]);
  return (MoeOutcome){0};
}

/* Passes of different micro-batches share a block: what one waits for, the other hides. */
static gboolean merges(const MoeRun *run)
{
  return run->architecture.moe.experts > 0 && run->parallelism.overlap.expert &&
         run->stack.overlap.expert_across_batches;
}

static gboolean keeps_passes_apart(const MoeRun *run)
{
  MoeScheduleKind schedule = run->parallelism.schedule;

  return !merges(run) && (schedule <= MOE_SCHEDULE_INTERLEAVED);
}

static MoeOutcome bound_one(guint index, gpointer user_data)
{
  Bounding *b = user_data;
  MoeCandidate *candidate = &b->candidates[index];
  MoeLayoutChoice key;
  MoeRun applied;

  if (!moe_search_apply(b->run, &candidate->choice, &applied))
    return (MoeOutcome){0};
  moe_probe_key(&applied, &candidate->choice, &key);
  gint64 gpus = applied.parallelism.gpus;
  MoeBoundInput input = {.run = &applied,
                         .probe = b->probe[GPOINTER_TO_UINT(g_hash_table_lookup(b->index, &key)) - 1],
                         .topo = g_hash_table_lookup(b->topos, &gpus),
                         .exposed = keeps_passes_apart(&applied)};
  if (input.probe && input.topo) {
    candidate->bound_s = moe_bound_step(&input);
    candidate->bound_bytes = moe_bound_memory(&input);
  }
  return (MoeOutcome){0};
}

static void run_phase(guint n, guint jobs, MoeStudyFunc func, Bounding *b)
{
  moe_outcomes_free(moe_study_map(n, jobs, func, b, NULL, NULL), n);
}

static void bound_with(Bounding *b, guint n, guint jobs)
{
  b->keys = g_ptr_array_new_with_free_func(g_free);
  b->index = g_hash_table_new(key_hash, key_equal);
  b->topos = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)moe_topo_free);
  for (guint i = 0; i < n; i++)
    note_key(b, &b->candidates[i].choice);
  b->probe = g_new0(MoeProbe *, b->keys->len + 1);
  run_phase(b->keys->len, jobs, probe_one, b);
  run_phase(n, jobs, bound_one, b);
  for (guint k = 0; k < b->keys->len; k++)
    moe_probe_free(b->probe[k]);
  g_free(b->probe);
  g_hash_table_unref(b->index);
  g_hash_table_unref(b->topos);
  g_ptr_array_unref(b->keys);
}

void moe_search_bound(const MoeRun *run, const MoeSearchOptions *options, guint n, MoeCandidate *candidates)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  Bounding b = {.run = run, .cost = cost, .candidates = candidates};

  if (cost)
    bound_with(&b, n, options->jobs);
}

/* ---- simulation
 * ------------------------------------------------------------------------------------------------------------ */

/* The best so far, shared by the threads. */
typedef struct {
  const MoeRun *run;
  const MoeSearchOptions *options;
  MoeSearchResult *result;
  MoeCandidate *candidates; /* in order of bounds */
  double price_gpu_s;       /* dollars */
  double limit;             /* values above are of no interest */
  double own_value;         /* of the run's own layout; INFINITY when it does not count */
  GMutex lock;              /* guards result and candidates' results */
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

/* Simulates one layout; NULL when it cannot be or does not fit. */
static MoeResult *predict(const Searching *s, const MoeRun *run, gboolean must_fit, gboolean *fits)
{
  MoeSimOptions sim = s->options->sim;
  g_autoptr(MoeProgram) program = moe_program_build(run, sim.seed, NULL);

  *fits = program != NULL;
  for (guint r = 0; program && must_fit && *fits && r < program->n_roles; r++) {
    MoeFootprint footprint;

    moe_program_footprint(program, run, r, &footprint);
    *fits = footprint.peak_bytes <= run->cluster.accelerator.memory_bytes;
  }
  if (!*fits)
    return NULL;
  g_autoptr(MoeTopo) topo = moe_topo_new(&run->cluster, run->parallelism.gpus, 0, NULL, NULL);
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  sim.kernel_jitter = 0;
  sim.slice = NULL;
  g_autoptr(MoeSimResult) step = topo && cost ? moe_sim_run(program, run, topo, cost, &sim, NULL) : NULL;
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

static gboolean is_worth_trying(Searching *s, const MoeCandidate *candidate)
{
  g_mutex_lock(&s->lock);
  gboolean worth = value_of(s, &candidate->choice, candidate->bound_s) <= threshold(s);
  g_mutex_unlock(&s->lock);

  return worth;
}

static MoeOutcome try_one(guint index, gpointer user_data)
{
  Searching *s = user_data;
  MoeCandidate candidate = s->candidates[index];
  gboolean fits = FALSE;
  MoeRun applied;

  if (!is_worth_trying(s, &candidate) || !moe_search_apply(s->run, &candidate.choice, &applied))
    return (MoeOutcome){0};
  candidate.result = predict(s, &applied, TRUE, &fits);
  g_mutex_lock(&s->lock);
  s->result->n_simulated++;
  s->result->n_did_not_fit += !fits;
  if (candidate.result) {
    candidate.value = value_of(s, &candidate.choice, candidate.result->step_time_s);
    rank(s, &candidate);
  }
  g_mutex_unlock(&s->lock);
  return (MoeOutcome){0};
}

/* ---- the run's own layout
 * --------------------------------------------------------------------------------------------------- */

static void own_choice(const MoeRun *run, MoeLayoutChoice *choice)
{
  const MoeParallelism *p = &run->parallelism;

  *choice = (MoeLayoutChoice){{[MOE_DIMENSION_GPUS] = (int32_t)p->gpus,
                               [MOE_DIMENSION_TENSOR] = (int32_t)p->tensor,
                               [MOE_DIMENSION_CONTEXT] = (int32_t)p->context,
                               [MOE_DIMENSION_PIPELINE] = (int32_t)p->pipeline,
                               [MOE_DIMENSION_SCHEDULE] = (int32_t)p->schedule,
                               [MOE_DIMENSION_VIRTUAL] = (int32_t)p->virtual_stages,
                               [MOE_DIMENSION_EXPERT] = (int32_t)p->expert,
                               [MOE_DIMENSION_EXPERT_TENSOR] = (int32_t)p->expert_tensor,
                               [MOE_DIMENSION_MICRO_BATCH] = (int32_t)run->training.micro_batch,
                               [MOE_DIMENSION_ZERO] = (int32_t)p->zero,
                               [MOE_DIMENSION_RECOMPUTE] = (int32_t)run->recompute.mode,
                               [MOE_DIMENSION_OFFLOAD] = (int32_t)(100 * run->offload.activations + 0.5),
                               [MOE_DIMENSION_SEQUENCE] = p->sequence_parallel != 0,
                               [MOE_DIMENSION_OVERLAP_TENSOR] = p->overlap.tensor != 0,
                               [MOE_DIMENSION_OVERLAP_REDUCE] = p->overlap.gradient_reduce != 0,
                               [MOE_DIMENSION_OVERLAP_GATHER] = p->overlap.parameter_gather != 0,
                               [MOE_DIMENSION_OVERLAP_PIPELINE] = p->overlap.pipeline != 0}};
}

/* As the run file has it, uneven stages and all. */
static void simulate_own(Searching *s)
{
  MoeCandidate *own = &s->result->own;
  MoeRun quiet = *s->run;
  gboolean fits;

  own_choice(s->run, &own->choice);
  quiet.cluster.accelerator.speed_spread = 0;
  own->result = predict(s, &quiet, FALSE, &fits);
  if (own->result)
    own->value = s->own_value = value_of(s, &own->choice, own->result->step_time_s);
}

/* ---- whole searches
 * ---------------------------------------------------------------------------------------------------------- */

static gint compare_bounds(gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MoeCandidate *x = a, *y = b;
  double bx = value_of(user_data, &x->choice, x->bound_s), by = value_of(user_data, &y->choice, y->bound_s);

  return bx < by ? -1 : bx > by ? 1 : memcmp(&x->choice, &y->choice, sizeof x->choice);
}

static MoeCandidate *make_candidates(const GArray *choices)
{
  MoeCandidate *candidates = g_new0(MoeCandidate, choices->len + 1);

  for (guint i = 0; i < choices->len; i++)
    candidates[i].choice = g_array_index(choices, MoeLayoutChoice, i);
  return candidates;
}

/* Those that may fit, in front; returns how many. */
static guint drop_too_large(MoeCandidate *candidates, guint n, double capacity)
{
  guint kept = 0;

  for (guint i = 0; i < n; i++)
    if (candidates[i].bound_bytes <= capacity)
      candidates[kept++] = candidates[i];
  return kept;
}

static void search_choices(Searching *s, const GArray *choices)
{
  s->candidates = make_candidates(choices);
  moe_search_bound(s->run, s->options, choices->len, s->candidates);
  guint n = drop_too_large(s->candidates, choices->len, s->run->cluster.accelerator.memory_bytes);

  s->result->n_legal += choices->len;
  s->result->n_too_large += choices->len - n;
  g_qsort_with_data(s->candidates, (gint)n, sizeof *s->candidates, compare_bounds, s);
  moe_outcomes_free(moe_study_map(n, s->options->jobs, try_one, s, s->options->progress, s->options->progress_data), n);
  g_clear_pointer(&s->candidates, g_free);
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
static void search_sizes(Searching *s, const GArray *choices)
{
  g_autoptr(GArray) sizes = sizes_of(choices);

  for (guint i = 0; i < sizes->len && s->result->n_ranked == 0; i++) {
    g_autoptr(GArray) some = choices_of(choices, g_array_index(sizes, int32_t, i));

    search_choices(s, some);
  }
}

static gboolean explain_nothing(const Searching *s, GError **error)
{
  const MoeSearchResult *r = s->result;

  if (s->options->objective == MOE_OBJECTIVE_GPUS && r->n_legal > 0)
    return moe_fail(error, MOE_ERROR_LAYOUT, (MoeMark){0},
                    "no layout of %u meets the deadline, expected more GPUs (--limit gpus=...) or a later deadline",
                    r->n_legal);
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

static gboolean search(Searching *s, GError **error)
{
  g_autoptr(GArray) choices = check_options(s, error) ? moe_search_enumerate(s->run, s->options, error) : NULL;

  if (!choices)
    return FALSE;
  simulate_own(s);
  if (s->options->objective == MOE_OBJECTIVE_GPUS)
    search_sizes(s, choices);
  else
    search_choices(s, choices);
  return s->result->n_ranked > 0 || explain_nothing(s, error);
}

MoeSearchResult *moe_search(const MoeRun *run, const MoeSearchOptions *options, GError **error)
{
  g_autoptr(MoeSearchResult) result = g_new0(MoeSearchResult, 1);
  Searching s = {.run = run,
                 .options = options,
                 .result = result,
                 .price_gpu_s = run->cluster.price_gpu_hour / SECONDS_PER_HOUR,
                 .limit = step_limit(run, options),
                 .own_value = -INFINITY};

  g_assert(options->top > 0);
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
