/* Readers of what was measured (`published:`) and of what is not known (`assumptions:`). */
#include "internal.h"

#include <string.h>

#define FLOP_PER_TFLOP 1e12
/* Seconds of one step, tokens per second and GPU, TFLOP/s per GPU: ceilings that catch slipped digits. */
#define MAX_STEP_S       1e6
#define MAX_TOKENS_PER_S 1e9
#define MAX_TFLOP_PER_S  1e9

#define METRIC(member, high)                                                                                           \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoePublished, member), .dimension = MOE_DIM_NONE, .maximum = (high)

#define MAX_MEMORY_BYTES 1e15

static const char *const convention_words[] = {"causal", "full", NULL};
static const char *const memory_of_words[] = {"most", "first", "last", NULL};
const char *const moe_memory_kind_words[] = {"allocated", "reserved", "device", NULL};

static const MoeField published_fields[] = {
    {"mfu", METRIC(mfu, 1)},
    {"convention", MOE_FIELD_CHOICE(MoePublished, full_convention, convention_words)},
    {"peak", MOE_FIELD_AMOUNT(MoePublished, peak_flop_per_s, MOE_DIM_FLOP_PER_S)},
    {"peak_flops", METRIC(peak_flop_per_s, G_MAXDOUBLE)},
    {"step_time_s", METRIC(step_time_s, MAX_STEP_S)},
    {"tokens_per_s_per_gpu", METRIC(tokens_per_s_per_gpu, MAX_TOKENS_PER_S)},
    {"model_tflops_per_gpu", METRIC(model_flop_per_s_per_gpu, MAX_TFLOP_PER_S)},
    {"hardware_tflops_per_gpu", METRIC(hardware_flop_per_s_per_gpu, MAX_TFLOP_PER_S)},
    {"iteration_parts_s", MOE_FIELD_ELSEWHERE},
    {"peak_memory", MOE_FIELD_QUANTITY, offsetof(MoePublished, memory.peak_bytes), FALSE, MOE_DIM_BYTES, 1,
     MAX_MEMORY_BYTES, NULL},
    {"memory_kind", MOE_FIELD_CHOICE(MoePublished, memory.kind, moe_memory_kind_words)},
    {"memory_of", MOE_FIELD_CHOICE(MoePublished, memory.of, memory_of_words)},
    {"out_of_memory", MOE_FIELD_FLAG(MoePublished, memory.out_of_memory)},
    {"source", MOE_FIELD_STRING(MoePublished, source)},
    {NULL},
};

#define MAX_PARTS 8 /* of an iteration: room for moe_iteration_part_words and the end */

/* Parts are plain numbers of seconds, named; who compares them reads them. */
static gboolean check_parts(const MoeNode *parts, GError **error)
{
  MoeField fields[MAX_PARTS] = {{NULL}};
  double seconds = 0;

  if (!parts)
    return TRUE;
  for (guint i = 0; i < MAX_PARTS - 1 && moe_iteration_part_words[i]; i++)
    fields[i] = (MoeField){moe_iteration_part_words[i], MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S};
  return moe_node_read_fields(parts, fields, "iteration_parts_s", &seconds, error);
}

gboolean moe_published_read(const MoeNode *node, MoePublished *published, GError **error)
{
  *published = (MoePublished){0};
  if (!node)
    return TRUE;
  if (!moe_node_read_fields(node, published_fields, "published", published, error))
    return FALSE;
  published->iteration_parts = moe_node_get(node, "iteration_parts_s");
  published->model_flop_per_s_per_gpu *= FLOP_PER_TFLOP;
  published->hardware_flop_per_s_per_gpu *= FLOP_PER_TFLOP;
  published->present = published->mfu > 0 || published->step_time_s > 0 || published->tokens_per_s_per_gpu > 0 ||
                       published->model_flop_per_s_per_gpu > 0 || published->hardware_flop_per_s_per_gpu > 0;
  return check_parts(published->iteration_parts, error);
}

/* ---- assumptions ------------------------------------------------------------------------------------------------- */

static const MoeField assumption_fields[] = {
    {"range", MOE_FIELD_ELSEWHERE},
    {"values", MOE_FIELD_ELSEWHERE},
    {"why", MOE_FIELD_STRING(MoeAssumption, why), .required = TRUE},
    {"source", MOE_FIELD_ELSEWHERE},
    {NULL},
};

static gboolean read_range(const MoeNode *range, MoeAssumption *assumption, GError **error)
{
  MoeDimension other = MOE_DIM_NONE;

  if (!moe_node_expect(range, MOE_NODE_LIST, "range", error))
    return FALSE;
  if (moe_node_size(range) != 2)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(range), "range of %u numbers, expected [low, high]",
                    moe_node_size(range));
  if (!moe_any_quantity_read(moe_node_at(range, 0), &assumption->low, &assumption->dimension, error) ||
      !moe_any_quantity_read(moe_node_at(range, 1), &assumption->high, &other, error))
    return FALSE;
  if (other != assumption->dimension)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(range), "range of two kinds of quantity, expected one unit");
  return assumption->low < assumption->high ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(range), "range from %g to %g, expected the lower bound first",
                  assumption->low, assumption->high);
}

/* The array of texts goes with the assumption, the texts with the document. */
static gboolean read_values(const MoeNode *values, MoeAssumption *assumption, GError **error)
{
  if (!moe_node_expect(values, MOE_NODE_LIST, "values", error))
    return FALSE;
  guint n = moe_node_size(values);
  if (n == 0)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(values), "no values, expected a list of at least one");
  g_autofree const char **texts = g_new0(const char *, n + 1);
  for (guint i = 0; i < n; i++)
    if (!moe_node_read_text(moe_node_at(values, i), &texts[i], error))
      return FALSE;
  assumption->n_values = n;
  assumption->values = g_steal_pointer(&texts);
  return TRUE;
}

static gboolean read_assumption(const MoeNode *node, MoeAssumption *assumption, GError **error)
{
  const MoeNode *range = moe_node_get(node, "range"), *values = moe_node_get(node, "values");

  if (!moe_node_read_fields(node, assumption_fields, "an assumption", assumption, error))
    return FALSE;
  if ((range == NULL) == (values == NULL))
    return moe_fail(error, MOE_ERROR_INPUT, assumption->mark, "%s, expected either range: [low, high] or values: [...]",
                    range ? "both range and values" : "neither range nor values");
  return range ? read_range(range, assumption, error) : read_values(values, assumption, error);
}

/* "host.sync" of a stack is "stack.host.sync" of the run; keys that say so themselves stay. */
static const char *prefixed(GStringChunk *strings, const char *prefix, const char *key)
{
  if (g_str_has_prefix(key, prefix))
    return g_string_chunk_insert(strings, key);
  g_autofree char *full = g_strconcat(prefix, key, NULL);
  return g_string_chunk_insert(strings, full);
}

gboolean moe_assumptions_read(const MoeNode *node, const char *prefix, GStringChunk *strings, GArray *all,
                              GError **error)
{
  if (!node)
    return TRUE;
  if (!moe_node_expect(node, MOE_NODE_MAP, "assumptions", error))
    return FALSE;
  for (guint i = 0; i < moe_node_size(node); i++) {
    MoeAssumption assumption = {.key = prefixed(strings, prefix, moe_node_key(node, i)),
                                .mark = moe_node_key_mark(node, i)};
    if (!read_assumption(moe_node_at(node, i), &assumption, error))
      return FALSE;
    g_array_append_val(all, assumption);
  }
  return TRUE;
}

/* A key covers itself and everything below it. */
static gboolean covers(const char *key, const char *path)
{
  size_t length = strlen(key);

  return strncmp(path, key, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

const MoeAssumption *moe_run_assumption(const MoeRun *run, const char *dotted_path)
{
  for (guint i = 0; i < run->n_assumptions; i++)
    if (covers(run->assumptions[i].key, dotted_path))
      return &run->assumptions[i];
  return NULL;
}
