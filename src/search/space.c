/* Legal layouts: values of each dimension, and their combinations that can exist. */
#include "base/base.h"
#include "internal.h"
#include "schedule/schedule.h"
#include "search/layouts.h"
#include "spec/schema.h"
#include "spec/spec.h"
#include <math.h>
#include <moesim/sweep.h>

#include <string.h>

/* Context parallelism is not tried below this many tokens per rank: exchanging keys and values would dominate. */
#define LEAST_CONTEXT_TOKENS 4096
/* Sequences per micro-batch that the usual space tries; experts make it wide enough without the last doubling. */
#define MOST_USUAL_MICRO_BATCH     8
#define MOST_USUAL_MOE_MICRO_BATCH 4
/* Where the search for the smallest cluster ends. */
#define MOST_GPUS 65536
/* Dimensions in which a layout differs from the run's own and still counts as near it. */
#define MOST_NEAR_DIFFERENCES 1

const char *const moe_dimension_names[] = {
    [MOE_DIMENSION_GPUS] = "gpus",
    [MOE_DIMENSION_TENSOR] = "tensor",
    [MOE_DIMENSION_CONTEXT] = "context",
    [MOE_DIMENSION_PIPELINE] = "pipeline",
    [MOE_DIMENSION_SCHEDULE] = "schedule",
    [MOE_DIMENSION_VIRTUAL] = "virtual_stages",
    [MOE_DIMENSION_EXPERT] = "expert",
    [MOE_DIMENSION_EXPERT_TENSOR] = "expert_tensor",
    [MOE_DIMENSION_MICRO_BATCH] = "micro_batch",
    [MOE_DIMENSION_ZERO] = "zero",
    [MOE_DIMENSION_RECOMPUTE] = "recompute",
    [MOE_DIMENSION_OFFLOAD] = "offload",
    [MOE_DIMENSION_SEQUENCE] = "sequence_parallel",
    [MOE_DIMENSION_OVERLAP_TENSOR] = "overlap_tensor",
    [MOE_DIMENSION_OVERLAP_REDUCE] = "overlap_reduce",
    [MOE_DIMENSION_OVERLAP_GATHER] = "overlap_gather",
    [MOE_DIMENSION_OVERLAP_PIPELINE] = "overlap_pipeline",
    NULL,
};

const char *const moe_space_words[] = {"usual", "all", "calculon", NULL};
const char *const moe_objective_words[] = {"mfu", "time", "cost", "gpus", NULL};
static const char *const flag_words[] = {"false", "true", NULL};

/* Its row among the keys of a run; *path, which the caller frees, is its key. */
static const MoeField *field_of(MoeDimensionKind dimension, char **path)
{
  const MoeField *field = moe_schema_axis(moe_dimension_names[dimension], path);

  g_assert(field); /* every dimension is a key */
  return field;
}

char *moe_dimension_key(MoeDimensionKind dimension)
{
  char *path = NULL;

  field_of(dimension, &path);
  return path;
}

/* Words of a dimension that has some. */
static const char *const *words_of(const MoeField *field)
{
  return field->kind == MOE_FIELD_BOOL ? flag_words : field->words;
}

char *moe_choice_text(const MoeLayoutChoice *choice, MoeDimensionKind dimension)
{
  g_autofree char *path = NULL;
  const MoeField *field = field_of(dimension, &path);
  int32_t value = choice->value[dimension];
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (words_of(field))
    return g_strdup(words_of(field)[value]);
  if (field->kind == MOE_FIELD_QUANTITY)
    return g_strdup(g_ascii_formatd(digits, sizeof digits, "%.2g", (double)value / MOE_SEARCH_PERCENT));
  return g_strdup_printf("%d", value);
}

/* ---- values of a dimension -------------------------------------------------------------------------------------- */

typedef struct {
  const MoeRun *run;
  MoeSpace space;
  MoeObjective objective;
  GArray *values[MOE_N_DIMENSIONS]; /* of int32_t */
  MoeLayoutChoice choice;           /* so far */
  GArray *found;                    /* of MoeLayoutChoice */
  MoeSearchRegion region;
  MoeLayoutChoice own;
  const MoeStop *stop;
  gboolean cut;
} Enumeration;

static void add(Enumeration *e, MoeDimensionKind dimension, int64_t value)
{
  int32_t narrow = (int32_t)value;

  for (guint i = 0; i < e->values[dimension]->len; i++)
    if (g_array_index(e->values[dimension], int32_t, i) == narrow)
      return;
  g_array_append_val(e->values[dimension], narrow);
}

static void add_divisors(Enumeration *e, MoeDimensionKind dimension, int64_t of, int64_t most)
{
  for (int64_t d = 1; d <= MIN(of, most); d++)
    if (of % d == 0)
      add(e, dimension, d);
}

static void add_all(Enumeration *e, MoeDimensionKind dimension, int32_t n, int32_t first)
{
  for (int32_t i = first; i < n; i++)
    add(e, dimension, i);
}

/* The run's own size; for the smallest cluster, doublings of a domain and what lies halfway. */
static void add_sizes(Enumeration *e)
{
  int64_t domain = e->run->cluster.domain.gpus;

  if (e->objective != MOE_OBJECTIVE_GPUS)
    add(e, MOE_DIMENSION_GPUS, e->run->parallelism.gpus);
  for (int64_t n = domain; e->objective == MOE_OBJECTIVE_GPUS && n <= MOST_GPUS; n *= 2) {
    add(e, MOE_DIMENSION_GPUS, n);
    add(e, MOE_DIMENSION_GPUS, n + n / 2);
  }
}

/* Expert parallelism multiplies the layouts of a model; its usual space is coarser elsewhere: chunks and micro-batches
 * double, and experts are sliced only as in the run. */
static gboolean is_usual_moe(const Enumeration *e)
{
  return e->space == MOE_SPACE_USUAL && e->run->architecture.moe.experts > 0;
}

static void add_virtual(Enumeration *e)
{
  gboolean doubling = is_usual_moe(e);

  for (int64_t v = 1; v <= moe_search_places(e->run); v = doubling ? 2 * v : v + 1)
    add(e, MOE_DIMENSION_VIRTUAL, v);
  add(e, MOE_DIMENSION_VIRTUAL, e->run->parallelism.virtual_stages);
}

static void add_degrees(Enumeration *e)
{
  const MoeRun *run = e->run;
  gboolean calculon = e->space == MOE_SPACE_CALCULON;
  int64_t gpus = run->parallelism.gpus, sequence = run->training.sequence_length;

  add_sizes(e);
  /* Wider than an NVLink domain only where the space says everything. */
  add_divisors(e, MOE_DIMENSION_TENSOR, run->architecture.attention.query_heads,
               e->space == MOE_SPACE_USUAL ? run->cluster.domain.gpus : gpus);
  for (int64_t c = 1; c == 1 || (!calculon && sequence / c >= LEAST_CONTEXT_TOKENS); c *= 2)
    add(e, MOE_DIMENSION_CONTEXT, c);
  for (int64_t p = 1; p <= moe_search_places(run); p++)
    add(e, MOE_DIMENSION_PIPELINE, p);
  add_virtual(e);
  add_divisors(e, MOE_DIMENSION_EXPERT, MAX(run->architecture.moe.experts, 1), gpus);
  add(e, MOE_DIMENSION_EXPERT_TENSOR, 1);
  add(e, MOE_DIMENSION_EXPERT_TENSOR, run->parallelism.expert_tensor);
  if (!is_usual_moe(e) && run->architecture.moe.experts > 0)
    add_divisors(e, MOE_DIMENSION_EXPERT_TENSOR, run->architecture.moe.width, run->cluster.domain.gpus);
}

static void add_schedules(Enumeration *e)
{
  add(e, MOE_DIMENSION_SCHEDULE, MOE_SCHEDULE_NONE);
  add(e, MOE_DIMENSION_SCHEDULE, MOE_SCHEDULE_1F1B);
  add(e, MOE_DIMENSION_SCHEDULE, MOE_SCHEDULE_INTERLEAVED);
  if (e->space == MOE_SPACE_USUAL)
    add(e, MOE_DIMENSION_SCHEDULE, e->run->parallelism.schedule);
  if (e->space == MOE_SPACE_ALL)
    add_all(e, MOE_DIMENSION_SCHEDULE, MOE_N_SCHEDULES, 0);
}

static void add_memory(Enumeration *e)
{
  int64_t batch = e->run->training.global_batch;
  gboolean calculon = e->space == MOE_SPACE_CALCULON;
  int64_t most = is_usual_moe(e) ? MOST_USUAL_MOE_MICRO_BATCH : MOST_USUAL_MICRO_BATCH;

  if (calculon)
    add_divisors(e, MOE_DIMENSION_MICRO_BATCH, batch, batch);
  for (int64_t m = 1; !calculon && m <= most; m *= 2)
    add(e, MOE_DIMENSION_MICRO_BATCH, m);
  add(e, MOE_DIMENSION_MICRO_BATCH, e->run->training.micro_batch);
  add_all(e, MOE_DIMENSION_ZERO, calculon ? 2 : 4, 0);
  add_all(e, MOE_DIMENSION_RECOMPUTE, 3, 0);
  add(e, MOE_DIMENSION_OFFLOAD, 0);
  add(e, MOE_DIMENSION_OFFLOAD, (int64_t)(e->run->offload.activations * MOE_SEARCH_PERCENT + 0.5));
  if (e->space != MOE_SPACE_USUAL)
    add(e, MOE_DIMENSION_OFFLOAD, MOE_SEARCH_PERCENT);
}

static void add_flags(Enumeration *e)
{
  const MoeParallelism *p = &e->run->parallelism;
  const struct {
    MoeDimensionKind dimension;
    gboolean own;
  } flags[] = {{MOE_DIMENSION_OVERLAP_TENSOR, p->overlap.tensor},
               {MOE_DIMENSION_OVERLAP_REDUCE, p->overlap.gradient_reduce},
               {MOE_DIMENSION_OVERLAP_GATHER, p->overlap.parameter_gather},
               {MOE_DIMENSION_OVERLAP_PIPELINE, p->overlap.pipeline}};

  add_all(e, MOE_DIMENSION_SEQUENCE, 2, 0);
  add(e, MOE_DIMENSION_OVERLAP_TENSOR, 0); /* without sequence parallelism there is nothing to overlap */
  for (gsize i = 0; i < G_N_ELEMENTS(flags); i++)
    if (e->space == MOE_SPACE_CALCULON)
      add_all(e, flags[i].dimension, 2, 0);
    else
      add(e, flags[i].dimension, flags[i].own ? 1 : 0);
}

/* ---- limits ----------------------------------------------------------------------------------------------------- */

static int find_dimension(const char *key)
{
  for (int d = 0; moe_dimension_names[d]; d++) {
    g_autofree char *path = moe_dimension_key((MoeDimensionKind)d);

    if (strcmp(key, path) == 0 || strcmp(key, moe_dimension_names[d]) == 0)
      return d;
  }
  return -1;
}

static gboolean read_word(const char *const *words, const char *text, int64_t *value)
{
  for (*value = 0; words[*value]; (*value)++)
    if (strcmp(words[*value], text) == 0)
      return TRUE;
  return FALSE;
}

/* As a run may have it: a word, a share in percent, or a whole number. */
static gboolean read_value(MoeDimensionKind dimension, const char *text, int64_t *value)
{
  g_autofree char *path = NULL;
  const MoeField *field = field_of(dimension, &path);
  double number = NAN;

  if (words_of(field))
    return read_word(words_of(field), text, value);
  if (!moe_quantity_parse(text, MOE_DIM_NONE, &number, NULL) || number < field->minimum ||
      number > MIN(field->maximum, G_MAXINT32))
    return FALSE;
  *value = (int64_t)(field->kind == MOE_FIELD_QUANTITY ? number * MOE_SEARCH_PERCENT + 0.5 : number);
  return field->kind == MOE_FIELD_QUANTITY || number == (double)*value;
}

static gboolean fail_limit(GError **error, const char *text, const char *expected)
{
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "--limit '%s': expected %s", text, expected);
}

static gboolean apply_axis(Enumeration *e, const char *text, const MoeSweepAxis *axis, GError **error)
{
  int dimension = find_dimension(axis->key);
  int64_t value;

  if (dimension < 0) {
    g_autofree char *names = g_strjoinv(", ", (char **)moe_dimension_names);

    return fail_limit(error, text, names);
  }
  g_array_set_size(e->values[dimension], 0);
  for (guint i = 0; i < axis->n; i++) {
    if (!read_value((MoeDimensionKind)dimension, axis->value[i], &value))
      return fail_limit(error, text, "values that this key can have");
    add(e, (MoeDimensionKind)dimension, value);
  }
  return TRUE;
}

static gboolean apply_limits(Enumeration *e, const char *const *limits, GError **error)
{
  for (; limits && *limits; limits++) {
    MoeSweepAxis axis = {0};
    gboolean good = moe_sweep_axis_read(*limits, &axis, error) && apply_axis(e, *limits, &axis, error);

    moe_sweep_axis_clear(&axis);
    if (!good)
      return FALSE;
  }
  return TRUE;
}

/* ---- combinations ----------------------------------------------------------------------------------------------- */

/* Stages that divide the layers evenly get even chunks; a model that no number divides may be uneven. */
static gboolean fits_layers(const MoeRun *run, int64_t pipeline, int64_t chunks)
{
  int64_t places = moe_search_places(run);

  return pipeline * chunks <= places && (places % pipeline != 0 || places % (pipeline * chunks) == 0);
}

static gboolean fits_schedule(const Enumeration *e, const int32_t *v)
{
  int32_t schedule = v[MOE_DIMENSION_SCHEDULE];

  return (schedule == MOE_SCHEDULE_NONE) == (v[MOE_DIMENSION_PIPELINE] == 1) &&
         (e->space != MOE_SPACE_USUAL || schedule == MOE_SCHEDULE_NONE || v[MOE_DIMENSION_PIPELINE] > 1);
}

static gboolean fits_virtual(const Enumeration *e, const int32_t *v)
{
  gboolean interleaved = v[MOE_DIMENSION_SCHEDULE] == MOE_SCHEDULE_INTERLEAVED;

  return (v[MOE_DIMENSION_VIRTUAL] > 1) == interleaved &&
         fits_layers(e->run, v[MOE_DIMENSION_PIPELINE], v[MOE_DIMENSION_VIRTUAL]);
}

/* The expert side of tensor ranks is their width or nothing in the usual space. */
static gboolean fits_experts(const Enumeration *e, const int32_t *v)
{
  int64_t moe = (int64_t)v[MOE_DIMENSION_EXPERT_TENSOR] * v[MOE_DIMENSION_EXPERT] * v[MOE_DIMENSION_PIPELINE];
  int32_t tensor = v[MOE_DIMENSION_EXPERT_TENSOR];

  return v[MOE_DIMENSION_GPUS] % moe == 0 &&
         (e->space == MOE_SPACE_ALL || tensor == 1 || tensor == v[MOE_DIMENSION_TENSOR]);
}

static gboolean fits_batch(const Enumeration *e, const int32_t *v)
{
  int64_t data =
      v[MOE_DIMENSION_GPUS] / ((int64_t)v[MOE_DIMENSION_TENSOR] * v[MOE_DIMENSION_CONTEXT] * v[MOE_DIMENSION_PIPELINE]);

  return e->run->training.global_batch % (data * v[MOE_DIMENSION_MICRO_BATCH]) == 0;
}

static gboolean fits_sequence(const Enumeration *e, const int32_t *v)
{
  gboolean split = v[MOE_DIMENSION_TENSOR] > 1;

  return v[MOE_DIMENSION_SEQUENCE] ? split : !split || e->space != MOE_SPACE_USUAL;
}

/* Nothing is sharded where no rank has a partner; and reducing or gathering in every micro-batch of a pipeline is not
 * done in practice. */
static gboolean fits_zero(const Enumeration *e, const int32_t *v)
{
  int64_t stage = v[MOE_DIMENSION_GPUS] / v[MOE_DIMENSION_PIPELINE];
  int64_t moe = (int64_t)v[MOE_DIMENSION_EXPERT] * v[MOE_DIMENSION_EXPERT_TENSOR];
  gboolean alone = stage == (int64_t)v[MOE_DIMENSION_TENSOR] * v[MOE_DIMENSION_CONTEXT] &&
                   (e->run->architecture.moe.experts == 0 || stage == moe);

  if (alone && v[MOE_DIMENSION_ZERO] > 0)
    return FALSE;
  return e->space == MOE_SPACE_ALL || v[MOE_DIMENSION_ZERO] < 2 || v[MOE_DIMENSION_PIPELINE] == 1;
}

/* An overlap is a choice only where there is something to overlap. */
static gboolean fits_overlap(const Enumeration *e, MoeDimensionKind dimension)
{
  const int32_t *v = e->choice.value;

  if (e->space != MOE_SPACE_CALCULON || !v[dimension])
    return TRUE;
  if (dimension == MOE_DIMENSION_OVERLAP_GATHER)
    return v[MOE_DIMENSION_ZERO] > 0;
  return dimension != MOE_DIMENSION_OVERLAP_PIPELINE || v[MOE_DIMENSION_PIPELINE] > 1;
}

/* Whether the dimensions up to this one can belong together. What only the spec can tell is asked at the end. */
static gboolean plausible(const Enumeration *e, MoeDimensionKind dimension)
{
  const int32_t *v = e->choice.value;

  switch (dimension) {
  case MOE_DIMENSION_TENSOR:
    return v[MOE_DIMENSION_GPUS] % v[MOE_DIMENSION_TENSOR] == 0;
  case MOE_DIMENSION_CONTEXT:
    return v[MOE_DIMENSION_GPUS] % (v[MOE_DIMENSION_TENSOR] * v[MOE_DIMENSION_CONTEXT]) == 0;
  case MOE_DIMENSION_PIPELINE:
    return v[MOE_DIMENSION_GPUS] %
               ((int64_t)v[MOE_DIMENSION_TENSOR] * v[MOE_DIMENSION_CONTEXT] * v[MOE_DIMENSION_PIPELINE]) ==
           0;
  case MOE_DIMENSION_SCHEDULE:
    return fits_schedule(e, v);
  case MOE_DIMENSION_VIRTUAL:
    return fits_virtual(e, v);
  case MOE_DIMENSION_EXPERT_TENSOR:
    return fits_experts(e, v);
  case MOE_DIMENSION_MICRO_BATCH:
    return fits_batch(e, v);
  case MOE_DIMENSION_ZERO:
    return fits_zero(e, v);
  case MOE_DIMENSION_OFFLOAD: /* of checkpoints */
    return v[MOE_DIMENSION_OFFLOAD] == 0 || v[MOE_DIMENSION_RECOMPUTE] == MOE_RECOMPUTE_FULL;
  case MOE_DIMENSION_SEQUENCE:
    return fits_sequence(e, v);
  case MOE_DIMENSION_OVERLAP_TENSOR:
    return !v[MOE_DIMENSION_OVERLAP_TENSOR] || v[MOE_DIMENSION_SEQUENCE];
  case MOE_DIMENSION_OVERLAP_GATHER:
  case MOE_DIMENSION_OVERLAP_PIPELINE:
    return fits_overlap(e, dimension);
  default:
    return TRUE;
  }
}

static void keep_choice(Enumeration *e, guint differences)
{
  MoeRun copy;

  if (e->region == MOE_REGION_REST && differences <= MOST_NEAR_DIFFERENCES)
    return;
  e->cut = e->cut || moe_stop_is_due(e->stop);
  if (!e->cut && moe_search_apply(e->run, &e->choice, &copy))
    g_array_append_val(e->found, e->choice);
}

/* `differences`: of the dimensions so far from those of the run's own layout. */
static void descend(Enumeration *e, guint dimension, guint differences)
{
  if (dimension == MOE_N_DIMENSIONS) {
    keep_choice(e, differences);
    return;
  }
  for (guint i = 0; i < e->values[dimension]->len && !e->cut; i++) {
    int32_t value = g_array_index(e->values[dimension], int32_t, i);
    guint more = differences + (value != e->own.value[dimension]);

    e->choice.value[dimension] = value;
    if ((e->region != MOE_REGION_NEAR || more <= MOST_NEAR_DIFFERENCES) && plausible(e, (MoeDimensionKind)dimension))
      descend(e, dimension + 1, more);
  }
}

GArray *moe_search_enumerate_part(const MoeRun *run, const MoeSearchOptions *options, MoeSearchRegion region,
                                  const MoeStop *stop, gboolean *cut, GError **error)
{
  Enumeration e = {
      .run = run, .space = options->space, .objective = options->objective, .region = region, .stop = stop};

  moe_search_own_choice(run, &e.own);
  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    e.values[d] = g_array_new(FALSE, FALSE, sizeof(int32_t));
  add_degrees(&e);
  add_schedules(&e);
  add_memory(&e);
  add_flags(&e);
  if (apply_limits(&e, options->limits, error)) {
    e.found = g_array_new(FALSE, FALSE, sizeof(MoeLayoutChoice));
    descend(&e, 0, 0);
  }
  for (guint d = 0; d < MOE_N_DIMENSIONS; d++)
    g_array_unref(e.values[d]);
  *cut = e.cut;
  return e.found;
}

GArray *moe_search_enumerate(const MoeRun *run, const MoeSearchOptions *options, GError **error)
{
  gboolean cut;

  return moe_search_enumerate_part(run, options, MOE_REGION_ALL, NULL, &cut, error);
}
