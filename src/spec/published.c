/* Readers of what was measured (`published:`) and of what is not known (`assumptions:`). */
#include "internal.h"

#include <string.h>

#define FLOP_PER_TFLOP 1e12
/* Seconds of one step, tokens per second and GPU, TFLOP/s per GPU: ceilings that catch slipped digits. */
#define MAX_STEP_S       1e6
#define MAX_TOKENS_PER_S 1e9
#define MAX_TFLOP_PER_S  1e9
/* FLOP/s as a plain number. */
#define LEAST_PEAK 1e9
#define MOST_PEAK  1e18

#define METRIC(member, high)                                                                                           \
  .kind = MOE_FIELD_QUANTITY, .offset = offsetof(MoePublished, member), .dimension = MOE_DIM_NONE, .maximum = (high)

#define MAX_MEMORY_BYTES 1e15

static const char *const convention_words[] = {"causal", "full", NULL};
static const char *const memory_of_words[] = {"most", "first", "last", NULL};
const char *const moe_memory_kind_words[] = {"allocated", "reserved", "device", NULL};

/* Parts are plain numbers of seconds, in the order of moe_iteration_part_words; who compares them reads them. */
static const MoeField parts_fields[] = {
    {"1F", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "forward passes of one micro-batch alone"},
    {"bubble", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "waiting"},
    {"1B", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "backward passes for inputs alone"},
    {"1W", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "backward passes for weights alone"},
    {"1F1B", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "forward beside backward passes"},
    {"optimizer", .kind = MOE_FIELD_QUANTITY, .maximum = MAX_STEP_S, .meaning = "the optimizer"},
    {NULL},
};

static const MoeSection parts_section = {"iteration_parts_s", parts_fields, NULL};

static gboolean check_parts(const MoeNode *parts, GError **error)
{
  double seconds = 0;

  return !parts || moe_node_read_fields(parts, parts_fields, "iteration_parts_s", &seconds, error);
}

static char *print_parts(gconstpointer target)
{
  const MoeNode *parts = ((const MoePublished *)target)->iteration_parts;
  GString *out = g_string_new("{");

  for (guint i = 0; parts && i < moe_node_size(parts); i++)
    g_string_append_printf(out, "%s%s: %s", i > 0 ? ", " : "", moe_node_key(parts, i),
                           moe_node_text(moe_node_at(parts, i)));
  g_string_append_c(out, '}');
  return g_string_free(out, !parts);
}

static const MoePublished defaults = {0};

static const MoeField published_fields[] = {
    {"mfu", METRIC(mfu, 1), .meaning = "model FLOP utilization, a fraction"},
    {"convention", MOE_FIELD_CHOICE(MoePublished, full_convention, convention_words),
     .meaning = "which FLOPs of attention count: below the diagonal, or all"},
    {"peak", MOE_FIELD_AMOUNT(MoePublished, peak_flop_per_s, MOE_DIM_FLOP_PER_S), .mechanism = "accelerator",
     .otherwise = "as the accelerator quotes", .meaning = "peak that the MFU is of"},
    {"peak_flops", MOE_FIELD_BETWEEN(MoePublished, peak_flop_per_s, MOE_DIM_NONE, LEAST_PEAK, MOST_PEAK),
     .mechanism = "accelerator", .otherwise = "as peak", .meaning = "the same as a number in FLOP/s"},
    {"step_time_s", METRIC(step_time_s, MAX_STEP_S), .meaning = "seconds of one step"},
    {"tokens_per_s_per_gpu", METRIC(tokens_per_s_per_gpu, MAX_TOKENS_PER_S), .meaning = "tokens per second and GPU"},
    {"model_tflops_per_gpu", METRIC(model_flop_per_s_per_gpu, MAX_TFLOP_PER_S), .scale = FLOP_PER_TFLOP,
     .meaning = "model TFLOP/s per GPU"},
    {"hardware_tflops_per_gpu", METRIC(hardware_flop_per_s_per_gpu, MAX_TFLOP_PER_S), .scale = FLOP_PER_TFLOP,
     .meaning = "TFLOP/s per GPU with recomputation"},
    {"iteration_parts_s", MOE_FIELD_PART(parts_section), .print = print_parts,
     .meaning = "seconds of the parts of one step"},
    {"peak_memory", MOE_FIELD_BETWEEN(MoePublished, memory.peak_bytes, MOE_DIM_BYTES, 1, MAX_MEMORY_BYTES),
     .otherwise = "not given", .meaning = "largest memory in use on a GPU"},
    {"memory_kind", MOE_FIELD_CHOICE(MoePublished, memory.kind, moe_memory_kind_words),
     .meaning = "what was counted: tensors, what the allocator holds, or all in use"},
    {"memory_of", MOE_FIELD_CHOICE(MoePublished, memory.of, memory_of_words),
     .meaning = "whose peak: the most loaded GPU, or one of the first or last stage"},
    {"out_of_memory", MOE_FIELD_FLAG(MoePublished, memory.out_of_memory),
     .meaning = "the run was stopped by lack of memory"},
    {"source", MOE_FIELD_STRING(MoePublished, source), .meaning = "where it is published"},
    {NULL},
};

const MoeSection moe_published_section = {"published", published_fields, &defaults};

gboolean moe_published_read(const MoeNode *node, MoePublished *published, GError **error)
{
  *published = defaults;
  if (!node)
    return TRUE;
  if (!moe_node_read_fields(node, published_fields, "published", published, error))
    return FALSE;
  published->iteration_parts = moe_node_get(node, "iteration_parts_s");
  published->present = published->mfu > 0 || published->step_time_s > 0 || published->tokens_per_s_per_gpu > 0 ||
                       published->model_flop_per_s_per_gpu > 0 || published->hardware_flop_per_s_per_gpu > 0;
  return check_parts(published->iteration_parts, error);
}

/* ---- assumptions ------------------------------------------------------------------------------------------------- */

static char *print_range(gconstpointer target)
{
  const MoeAssumption *assumption = target;
  g_autofree char *low = moe_quantity_print(assumption->low, assumption->dimension);
  g_autofree char *high = moe_quantity_print(assumption->high, assumption->dimension);

  return assumption->n_values > 0 ? NULL : g_strdup_printf("[%s, %s]", low, high);
}

static char *print_values(gconstpointer target)
{
  const MoeAssumption *assumption = target;
  GString *out = g_string_new("[");

  for (guint i = 0; i < assumption->n_values; i++) {
    g_autofree char *value = moe_text_quote(assumption->values[i]);

    g_string_append_printf(out, "%s%s", i > 0 ? ", " : "", value);
  }
  g_string_append_c(out, ']');
  return g_string_free(out, assumption->n_values == 0);
}

static const char *const scale_words[] = {"linear", "log", NULL};

static const MoeField assumption_fields[] = {
    {"range", .kind = MOE_FIELD_ANY, .own = TRUE, .print = print_range, .form = MOE_FORM_LIST,
     .meaning = "[low, high], drawn from evenly"},
    {"values", .kind = MOE_FIELD_TEXT, .own = TRUE, .print = print_values, .form = MOE_FORM_LIST,
     .meaning = "values that are as likely, in place of a range"},
    {"scale", MOE_FIELD_CHOICE(MoeAssumption, by_ratio, scale_words),
     .meaning = "whether the range is divided by differences or by ratios"},
    {"why", MOE_FIELD_STRING(MoeAssumption, why), .required = TRUE,
     .meaning = "why it is not known, and what bounds it"},
    {"source", MOE_FIELD_ORIGIN},
    {NULL},
};

const MoeSection moe_assumption_section = {"an assumption", assumption_fields, NULL};

char *moe_assumptions_print(const MoeAssumption *assumptions, guint n)
{
  GString *out = g_string_new("{");

  for (guint i = 0; i < n; i++) {
    g_autofree char *key = moe_text_quote(assumptions[i].key);
    g_autofree char *what = moe_section_print_flow(&moe_assumption_section, &assumptions[i]);

    g_string_append_printf(out, "%s%s: %s", i > 0 ? ", " : "", key, what);
  }
  g_string_append_c(out, '}');
  return g_string_free(out, n == 0);
}

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
  if (assumption->low >= assumption->high)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(range), "range from %g to %g, expected the lower bound first",
                    assumption->low, assumption->high);
  return !assumption->by_ratio || assumption->low > 0 ||
         moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(range),
                  "range from %g with scale log, expected a lower bound "
                  "above 0",
                  assumption->low);
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
  if (values && assumption->by_ratio)
    return moe_fail(error, MOE_ERROR_INPUT, moe_node_mark(moe_node_get(node, "scale")),
                    "scale of a list of values, expected it beside range: [low, high]");
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
