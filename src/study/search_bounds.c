/* Bounds of all candidates: probes first, each once, then what every layout makes of its own. */
#include "search_internal.h"

#include <string.h>

double moe_search_capacity(const MoeSearchOptions *options, const MoeRun *run)
{
  return run->cluster.accelerator.memory_bytes * (1 + options->memory_slack) - run->memory.headroom_bytes;
}

/* ---- bounds of all candidates ----------------------------------------------------------------------------------- */

/* Probes by key, and the machine, shared by the threads. */
typedef struct {
  const MoeRun *run;
  const MoeCostModel *cost;
  GPtrArray *keys;   /* MoeLayoutChoice */
  GHashTable *index; /* key -> 1 + position in `keys` */
  MoeProbe **probe;  /* [keys] */
  GHashTable *topos; /* GPUs -> MoeTopo */
  MoeCandidate *candidates;
  double capacity; /* bytes of a GPU */
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

/* What the weights of a layout alone exclude needs no probe. */
static void note_key(Bounding *b, MoeCandidate *candidate)
{
  const MoeLayoutChoice *choice = &candidate->choice;
  MoeLayoutChoice key;
  MoeRun applied;

  if (!moe_search_apply(b->run, choice, &applied))
    return;
  candidate->bound_bytes = moe_bound_static(&(MoeBoundInput){.run = &applied});
  if (candidate->bound_bytes > b->capacity)
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

  if (candidate->bound_bytes > b->capacity || !moe_search_apply(b->run, &candidate->choice, &applied))
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
    note_key(b, &b->candidates[i]);
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
  Bounding b = {.run = run, .cost = cost, .candidates = candidates, .capacity = moe_search_capacity(options, run)};

  if (cost)
    bound_with(&b, n, options->jobs);
}
