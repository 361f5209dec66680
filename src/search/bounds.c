/* Bounds of all candidates: probes first, each once, then what every layout makes of its own. */
#include "base/base.h"
#include "cost/cost.h"
#include "internal.h"
#include "schedule/schedule.h"
#include "search/layouts.h"
#include "spec/spec.h"
#include "study/study.h"
#include "topo/topo.h"

#include <string.h>

/* Of the time that is left, what finding out which probes are needed, and then probing, may take: the rest is for
 * bounds made of them. */
#define NOTING_SHARE  0.3
#define PROBING_SHARE 0.8
/* The largest prime below 2^32. */
#define SCATTERING_PRIME 4294967291u

gboolean moe_search_is_mine(const MoeSearchOptions *options, guint index)
{
  return options->parts <= 1 || index % options->parts == options->part;
}

double moe_search_capacity(const MoeSearchOptions *options, const MoeRun *run)
{
  return run->cluster.accelerator.memory_bytes * (1 + options->memory_slack) - run->memory.headroom_bytes;
}

/* ---- bounds of all candidates ----------------------------------------------------------------------------------- */

/* Probes by key, and the machine, shared by the threads. */
typedef struct {
  const MoeRun *run;
  const MoeSearchOptions *options;
  const MoeCostModel *cost;
  GPtrArray *keys;   /* MoeLayoutChoice */
  GHashTable *index; /* key -> 1 + position in `keys` */
  MoeProbe **probe;  /* [keys] */
  gboolean *probed;  /* [keys] tried: there was time */
  GHashTable *topos; /* GPUs -> MoeTopo */
  MoeCandidate *candidates;
  double capacity; /* bytes of a GPU */
  MoeLayerWeights layer;
  const MoeStop *stop;
  MoeStop noting, probing;
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

/* Every i below n once, neighbours far apart: what there is time for is spread over the whole space. */
static guint scattered(guint i, guint n)
{
  return (guint)((guint64)i * SCATTERING_PRIME % n);
}

/* What the weights of a layout alone exclude needs no probe. */
static void note_key(Bounding *b, MoeCandidate *candidate)
{
  const MoeLayoutChoice *choice = &candidate->choice;
  MoeLayoutChoice key;
  MoeRun applied;

  candidate->bound_s = -1; /* until it has a bound, or needs none */
  if (moe_stop_is_due(&b->noting))
    return;
  candidate->bound_s = 0;
  if (!moe_search_apply(b->run, choice, &applied))
    return;
  candidate->bound_bytes = moe_bound_static(&(MoeBoundInput){.run = &applied, .layer = &b->layer});
  if (candidate->bound_bytes > b->capacity)
    return;
  candidate->bound_s = -1;
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

  if (moe_stop_is_due(&b->probing) || !moe_search_is_mine(b->options, index))
    return (MoeOutcome){0};
  b->probed[index] = TRUE;
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
  return !merges(run) && !moe_schedule_find(run->parallelism.schedule)->splits_backward;
}

/* Without a probe, when one was tried, nothing is excluded. */
static void bound_candidate(const Bounding *b, const MoeRun *applied, guint probe, MoeCandidate *candidate)
{
  gint64 gpus = applied->parallelism.gpus;
  MoeBoundInput input = {.run = applied,
                         .layer = &b->layer,
                         .probe = b->probe[probe],
                         .topo = g_hash_table_lookup(b->topos, &gpus),
                         .exposed = keeps_passes_apart(applied)};

  candidate->bound_s = 0;
  if (input.probe && input.topo) {
    candidate->bound_s = moe_bound_step(&input);
    candidate->bound_bytes = moe_bound_memory(&input);
  }
}

static MoeOutcome bound_one(guint index, gpointer user_data)
{
  Bounding *b = user_data;
  MoeCandidate *candidate = &b->candidates[index];
  MoeLayoutChoice key;
  MoeRun applied;

  if (candidate->bound_s >= 0 || moe_stop_is_due(b->stop) || !moe_search_apply(b->run, &candidate->choice, &applied))
    return (MoeOutcome){0};
  moe_probe_key(&applied, &candidate->choice, &key);
  guint probe = GPOINTER_TO_UINT(g_hash_table_lookup(b->index, &key));
  if (probe > 0 && b->probed[probe - 1])
    bound_candidate(b, &applied, probe - 1, candidate);
  return (MoeOutcome){0};
}

/* The bounds that other processes made: they are larger than none. */
static void share_bounds(const Bounding *b, guint n)
{
  g_autofree double *values = b->options->parts > 1 ? g_new(double, 2 * (gsize)n + 1) : NULL;

  for (guint i = 0; values && i < n; i++) {
    values[2 * i] = b->candidates[i].bound_s;
    values[2 * i + 1] = b->candidates[i].bound_bytes;
  }
  if (values)
    b->options->largest(values, 2 * n, b->options->largest_data);
  for (guint i = 0; values && i < n; i++) {
    b->candidates[i].bound_s = values[2 * i];
    b->candidates[i].bound_bytes = values[2 * i + 1];
  }
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
  b->noting = moe_stop_share(b->stop, NOTING_SHARE);
  for (guint i = 0; i < n; i++)
    note_key(b, &b->candidates[scattered(i, n)]);
  b->probe = g_new0(MoeProbe *, b->keys->len + 1);
  b->probed = g_new0(gboolean, b->keys->len + 1);
  b->probing = moe_stop_share(b->stop, PROBING_SHARE);
  run_phase(b->keys->len, jobs, probe_one, b);
  run_phase(n, jobs, bound_one, b);
  share_bounds(b, n);
  for (guint k = 0; k < b->keys->len; k++)
    moe_probe_free(b->probe[k]);
  g_free(b->probe);
  g_free(b->probed);
  g_hash_table_unref(b->index);
  g_hash_table_unref(b->topos);
  g_ptr_array_unref(b->keys);
}

void moe_search_bound(const MoeRun *run, const MoeSearchOptions *options, const MoeStop *stop, guint n,
                      MoeCandidate *candidates)
{
  g_autoptr(MoeCostModel) cost = moe_cost_model_new(&run->cluster.accelerator, &run->stack, NULL);
  Bounding b = {.run = run,
                .options = options,
                .cost = cost,
                .candidates = candidates,
                .capacity = moe_search_capacity(options, run),
                .stop = stop};

  moe_layer_weights(&run->architecture, &b.layer);
  if (cost)
    bound_with(&b, n, options->jobs);
}
