/* Changes of a run that may make it fit, or faster, tried and ranked by step time. */
#include "study/remedy.h"

#include <string.h>

#define LEAST_GAIN 0.002 /* of the step: less is not worth a word */

/* ---- what can be changed ----------------------------------------------------------------------------------------- */

typedef enum { KIND_RECOMPUTE, KIND_OFFLOAD, KIND_SHARD, KIND_BATCH, KIND_DIVIDE, KIND_PRECISION } ChangeKind;

typedef struct {
  ChangeKind kind;
  char *sets[3]; /* "key=value", NULL-terminated */
} Change;

static void clear_change(gpointer data)
{
  Change *change = data;

  for (guint i = 0; i < G_N_ELEMENTS(change->sets); i++)
    g_free(change->sets[i]);
}

static void add(GArray *changes, ChangeKind kind, char *set, char *other)
{
  Change change = {.kind = kind, .sets = {set, other}};

  g_array_append_val(changes, change);
}

static void add_recompute(const MoeRun *run, GArray *changes)
{
  static const char *const dense[] = {"norm, ffn_activation", "norm, ffn_activation, ffn", NULL};
  static const char *const moe[] = {"norm, moe_activation", "norm, moe_activation, moe", NULL};
  gboolean experts = run->architecture.moe.experts > 0, mla = run->architecture.attention.kind == MOE_ATTENTION_MLA;

  if (run->recompute.mode == MOE_RECOMPUTE_FULL && run->recompute.layers < 0)
    return;
  for (const char *const *modules = experts ? moe : dense; *modules; modules++)
    add(changes, KIND_RECOMPUTE,
        g_strdup_printf("recompute={mode: selective, modules: [core_attention, %s%s]}", *modules,
                        mla ? ", attention_projections" : ""),
        NULL);
  add(changes, KIND_RECOMPUTE, g_strdup("recompute={mode: full}"), NULL);
}

static void add_offload(const MoeRun *run, GArray *changes)
{
  static const double shares[] = {0.25, 0.5, 1};

  for (guint i = 0; i < G_N_ELEMENTS(shares); i++)
    if (shares[i] > run->offload.activations)
      add(changes, KIND_OFFLOAD, g_strdup_printf("offload.activations=%g", shares[i]), NULL);
}

/* Optimizer state in host memory: it visits the GPU, or the host steps it. */
static void add_optimizer_offload(const MoeRun *run, GArray *changes)
{
  gboolean steps = run->training.optimizer != MOE_OPTIMIZER_MUON && run->cluster.host.memory_bytes_per_s > 0;

  if (run->offload.optimizer > 0)
    return;
  add(changes, KIND_OFFLOAD, g_strdup("offload.optimizer=1"), g_strdup("offload.update=device"));
  if (steps)
    add(changes, KIND_OFFLOAD, g_strdup("offload.optimizer=1"), g_strdup("offload.overlap=true"));
}

static void add_shards(const MoeRun *run, GArray *changes)
{
  for (int64_t zero = run->parallelism.zero + 1; zero <= 3; zero++)
    add(changes, KIND_SHARD, g_strdup_printf("parallelism.zero=%" G_GINT64_FORMAT, zero), NULL);
}

static void add_divisions(const MoeRun *run, GArray *changes)
{
  const MoeParallelism *p = &run->parallelism;

  if (run->training.micro_batch > 1)
    add(changes, KIND_BATCH, g_strdup_printf("training.micro_batch=%" G_GINT64_FORMAT, run->training.micro_batch / 2),
        NULL);
  add(changes, KIND_DIVIDE, g_strdup_printf("parallelism.tensor=%" G_GINT64_FORMAT, p->tensor * 2),
      g_strdup("parallelism.sequence_parallel=true"));
  add(changes, KIND_DIVIDE, g_strdup_printf("parallelism.context=%" G_GINT64_FORMAT, p->context * 2), NULL);
  if (p->pipeline > 1)
    add(changes, KIND_DIVIDE, g_strdup_printf("parallelism.pipeline=%" G_GINT64_FORMAT, p->pipeline * 2), NULL);
  if (run->architecture.moe.experts > 0)
    add(changes, KIND_DIVIDE, g_strdup_printf("parallelism.expert=%" G_GINT64_FORMAT, p->expert * 2), NULL);
}

static void add_precisions(const MoeRun *run, GArray *changes)
{
  const MoePrecisions *p = &run->training.precision;

  if (p->gradient_reduce == MOE_FP32)
    add(changes, KIND_PRECISION, g_strdup("training.precision.gradient_reduce=bf16"), NULL);
  if (p->optimizer_moments == MOE_FP32)
    add(changes, KIND_PRECISION, g_strdup("training.precision.optimizer_moments=bf16"), NULL);
}

static GArray *list_changes(const MoeRun *run)
{
  GArray *changes = g_array_new(FALSE, TRUE, sizeof(Change));

  g_array_set_clear_func(changes, clear_change);
  add_recompute(run, changes);
  add_offload(run, changes);
  add_optimizer_offload(run, changes);
  add_shards(run, changes);
  add_divisions(run, changes);
  add_precisions(run, changes);
  return changes;
}

/* ---- what may be faster ------------------------------------------------------------------------------------------ */

static void add_number(GArray *changes, ChangeKind kind, const char *key, int64_t value)
{
  add(changes, kind, g_strdup_printf("%s=%" G_GINT64_FORMAT, key, value), NULL);
}

/* Halves what is above 1. */
static void add_half(GArray *changes, const char *key, int64_t value)
{
  if (value > 1)
    add_number(changes, KIND_DIVIDE, key, value / 2);
}

/* Less of what costs time to save memory, where the run does it. */
static void add_relief(const MoeRun *run, GArray *changes)
{
  if (run->recompute.mode == MOE_RECOMPUTE_FULL)
    add(changes, KIND_RECOMPUTE, g_strdup("recompute={mode: selective, modules: [core_attention]}"), NULL);
  if (run->recompute.mode != MOE_RECOMPUTE_NONE)
    add(changes, KIND_RECOMPUTE, g_strdup("recompute={mode: none}"), NULL);
  if (run->offload.activations > 0)
    add(changes, KIND_OFFLOAD, g_strdup("offload.activations=0"), NULL);
  if (run->offload.optimizer > 0 && !run->offload.gradients)
    add(changes, KIND_OFFLOAD, g_strdup("offload.optimizer=0"), NULL);
  if (run->parallelism.zero > 1)
    add_number(changes, KIND_SHARD, "parallelism.zero", run->parallelism.zero - 1);
}

static GArray *list_speedups(const MoeRun *run)
{
  GArray *changes = g_array_new(FALSE, TRUE, sizeof(Change));
  const MoeParallelism *p = &run->parallelism;

  g_array_set_clear_func(changes, clear_change);
  add_relief(run, changes);
  add_number(changes, KIND_BATCH, "training.micro_batch", 2 * run->training.micro_batch);
  add_half(changes, "training.micro_batch", run->training.micro_batch);
  add_half(changes, "parallelism.tensor", p->tensor);
  add_half(changes, "parallelism.context", p->context);
  add_half(changes, "parallelism.pipeline", p->pipeline);
  add_half(changes, "parallelism.expert", p->expert);
  if (run->architecture.moe.experts > 0)
    add_number(changes, KIND_DIVIDE, "parallelism.expert", 2 * p->expert);
  if (p->pipeline > 1)
    add_number(changes, KIND_DIVIDE, "parallelism.virtual_stages", 2 * p->virtual_stages);
  if (run->training.precision.gradient_reduce == MOE_FP32)
    add(changes, KIND_PRECISION, g_strdup("training.precision.gradient_reduce=bf16"), NULL);
  return changes;
}

/* ---- trying ------------------------------------------------------------------------------------------------------ */

typedef struct {
  const MoeRun *run;
  const MoeSimOptions *options;
  GPtrArray *tries; /* of GStrv */
} Work;

static MoeOutcome try_one(guint index, gpointer user_data)
{
  Work *work = user_data;
  MoeOutcome outcome = {0};
  g_autoptr(MoeRun) run = moe_study_with(work->run, g_ptr_array_index(work->tries, index), &outcome.error);

  if (run)
    outcome.result = moe_study_predict(run, work->options, &outcome.error);
  return outcome;
}

static void add_try(GPtrArray *tries, const Change *a, const Change *b)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

  g_strv_builder_addv(builder, (const char **)a->sets);
  if (b)
    g_strv_builder_addv(builder, (const char **)b->sets);
  g_ptr_array_add(tries, g_strv_builder_end(builder));
}

static gint better_first(gconstpointer x, gconstpointer y)
{
  const MoeRemedy *a = x, *b = y;
  gboolean fit = a->result->memory.fits, other = b->result->memory.fits;
  double va = fit ? a->result->step_time_s : a->result->memory.peak_bytes;
  double vb = other ? b->result->step_time_s : b->result->memory.peak_bytes;

  if ((fit != 0) != (other != 0))
    return fit ? -1 : 1;
  return va != vb ? (va > vb) - (va < vb) : strcmp(a->what, b->what);
}

/* Whether a change was worth it. */
typedef gboolean (*Helps)(const MoeResult *own, const MoeResult *tried);

static gboolean is_smaller(const MoeResult *own, const MoeResult *tried)
{
  return tried->memory.peak_bytes < own->memory.peak_bytes;
}

static gboolean is_faster(const MoeResult *own, const MoeResult *tried)
{
  return tried->memory.fits && tried->step_time_s < (1 - LEAST_GAIN) * own->step_time_s;
}

/* Takes over the results; a change that made no run, or none that helps, is left out. */
static void collect(MoeRemedies *remedies, const GPtrArray *tries, MoeOutcome *outcomes, Helps helps)
{
  g_autoptr(GArray) found = g_array_new(FALSE, TRUE, sizeof(MoeRemedy));

  for (guint i = 0; i < tries->len; i++) {
    MoeResult *result = outcomes[i].result;

    if (!result || !helps(remedies->own, result))
      continue;
    MoeRemedy one = {.what = g_strjoinv(", ", g_ptr_array_index(tries, i)),
                     .result = g_steal_pointer(&outcomes[i].result)};

    remedies->n_fit += one.result->memory.fits != 0;
    g_array_append_val(found, one);
  }
  g_array_sort(found, better_first);
  remedies->n = found->len;
  remedies->remedies = (MoeRemedy *)(void *)g_array_free(g_steal_pointer(&found), FALSE);
}

static void clear_remedies(MoeRemedies *remedies)
{
  for (guint i = 0; i < remedies->n; i++) {
    g_free(remedies->remedies[i].what);
    moe_result_free(remedies->remedies[i].result);
  }
  g_clear_pointer(&remedies->remedies, g_free);
  remedies->n = remedies->n_fit = 0;
}

static GPtrArray *list_tries(const GArray *changes, gboolean pairs)
{
  GPtrArray *tries = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);

  for (guint i = 0; i < changes->len; i++) {
    const Change *a = &g_array_index(changes, Change, i);

    if (!pairs)
      add_try(tries, a, NULL);
    for (guint j = i + 1; pairs && j < changes->len; j++)
      if (g_array_index(changes, Change, j).kind != a->kind)
        add_try(tries, a, &g_array_index(changes, Change, j));
  }
  return tries;
}

MoeRemedies *moe_study_remedies(const MoeRun *run, const MoeSimOptions *options, guint jobs, MoeProgressFunc progress,
                                gpointer progress_data, GError **error)
{
  MoeResult *own = moe_study_predict(run, options, error);

  if (!own)
    return NULL;
  MoeRemedies *remedies = g_new0(MoeRemedies, 1);
  g_autoptr(GArray) changes = list_changes(run);

  remedies->own = own;
  for (guint round = 0; round < 2 && remedies->n_fit == 0; round++) {
    g_autoptr(GPtrArray) tries = list_tries(changes, round > 0);
    Work work = {run, options, tries};
    MoeOutcome *outcomes = moe_study_map(tries->len, jobs, try_one, &work, progress, progress_data);

    clear_remedies(remedies);
    collect(remedies, tries, outcomes, is_smaller);
    moe_outcomes_free(outcomes, tries->len);
    remedies->pairs = round > 0;
  }
  return remedies;
}

MoeRemedies *moe_study_speedups(const MoeRun *run, const MoeSimOptions *options, guint jobs, GError **error)
{
  MoeResult *own = moe_study_predict(run, options, error);

  if (!own)
    return NULL;
  MoeRemedies *remedies = g_new0(MoeRemedies, 1);
  g_autoptr(GArray) changes = list_speedups(run);
  g_autoptr(GPtrArray) tries = list_tries(changes, FALSE);
  Work work = {run, options, tries};
  MoeOutcome *outcomes = moe_study_map(tries->len, jobs, try_one, &work, NULL, NULL);

  remedies->own = own;
  collect(remedies, tries, outcomes, is_faster);
  moe_outcomes_free(outcomes, tries->len);
  return remedies;
}

void moe_remedies_free(MoeRemedies *remedies)
{
  if (!remedies)
    return;
  clear_remedies(remedies);
  moe_result_free(remedies->own);
  g_free(remedies);
}
