/* What all kinds of traces have in common: products of the framework, who launched what, sums. */
#include "profile_read.h"

#include <math.h>
#include <string.h>

#define MAX_DIMENSION (INT64_C(1) << 40)
#define MAX_SPAN_S    1e7 /* 116 days: no profile is as long */

/* ---- matrix products --------------------------------------------------------------------------------------------- */

/* Sizes of one operand: its `n` dimensions, or FALSE. */
static gboolean dimensions(JsonArray *dims, guint operand, guint n, int64_t *size)
{
  if (!dims || operand >= json_array_get_length(dims))
    return FALSE;
  JsonNode *node = json_array_get_element(dims, operand);
  JsonArray *list = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
  if (!list || json_array_get_length(list) != n)
    return FALSE;
  for (guint i = 0; i < n; i++) {
    JsonNode *value = json_array_get_element(list, i);

    size[i] =
        JSON_NODE_HOLDS_VALUE(value) && json_node_get_value_type(value) == G_TYPE_INT64 ? json_node_get_int(value) : 0;
    if (size[i] < 1 || size[i] > MAX_DIMENSION)
      return FALSE;
  }
  return TRUE;
}

/* Operations of PyTorch that are one product; `first` is the place of its left operand. */
static const struct {
  const char *name;
  guint first;
  gboolean batched;
} products[] = {
    {"aten::mm", 0, FALSE}, {"aten::addmm", 1, FALSE},  {"aten::_scaled_mm", 0, FALSE},
    {"aten::bmm", 0, TRUE}, {"aten::baddbmm", 1, TRUE},
};

/* A left operand [batch,] m x k and a right one [batch,] k x n. */
static void fill_shape(JsonArray *sizes, guint first, gboolean batched, OnHost *operation)
{
  int64_t left[3], right[3];
  guint rank = batched ? 3 : 2, at = rank - 2;

  if (!dimensions(sizes, first, rank, left) || !dimensions(sizes, first + 1, rank, right) || left[at + 1] != right[at])
    return;
  operation->m = left[at];
  operation->k = left[at + 1];
  operation->n = right[at + 1];
  operation->batch = batched ? left[0] : 1;
}

/* Its place in `products`; -1 of any other operation. */
static int product_of(const char *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS(products); i++)
    if (strcmp(name, products[i].name) == 0)
      return (int)i;
  return -1;
}

gboolean profile_product(const ProfileReader *reader, const char *name, JsonArray *sizes, JsonArray *types,
                         OnHost *operation)
{
  int product = product_of(name);
  guint first = product >= 0 ? products[product].first : 0;
  JsonNode *type = types && first < json_array_get_length(types) ? json_array_get_element(types, first) : NULL;

  if (product < 0)
    return FALSE;
  fill_shape(sizes, first, products[product].batched, operation);
  if (type && JSON_NODE_HOLDS_VALUE(type) && json_node_get_value_type(type) == G_TYPE_STRING)
    operation->type = profile_keep(reader, json_node_get_string(type));
  return TRUE;
}

/* ---- who launched what ------------------------------------------------------------------------------------------- */

static gint by_thread(gconstpointer a, gconstpointer b)
{
  const OnHost *x = a, *y = b;

  if (x->thread != y->thread)
    return x->thread < y->thread ? -1 : 1;
  return (x->start > y->start) - (x->start < y->start);
}

/* The operation in whose time a launch lies: the last one of its thread that began before. Products do not lie in each
 * other. Its place, -1 without. */
static int enclosing(const GArray *operations, const OnHost *launch)
{
  guint low = 0, high = operations->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (by_thread(&g_array_index(operations, OnHost, middle), launch) <= 0)
      low = middle + 1;
    else
      high = middle;
  }
  const OnHost *found = low > 0 ? &g_array_index(operations, OnHost, low - 1) : NULL;
  return found && found->thread == launch->thread && launch->start <= found->end ? (int)low - 1 : -1;
}

void profile_add_operation(ProfileReader *reader, const OnHost *operation)
{
  g_array_append_vals(reader->operations, operation, 1);
}

void profile_add_launch(ProfileReader *reader, int64_t correlation, const OnHost *launch)
{
  g_hash_table_insert(reader->launched, GSIZE_TO_POINTER((gsize)correlation), g_memdup2(launch, sizeof *launch));
}

void profile_order(ProfileReader *reader)
{
  g_array_sort(reader->operations, by_thread);
}

MoeSeenKernel profile_kernel(const ProfileReader *reader, const char *name, int64_t correlation)
{
  MoeSeenKernel kernel = {.name = profile_keep(reader, name), .klass = moe_seen_class(reader->table, name)};
  const OnHost *launch = g_hash_table_lookup(reader->launched, GSIZE_TO_POINTER((gsize)MAX(correlation, 0)));
  int at = launch && kernel.klass == MOE_SEEN_GEMM ? enclosing(reader->operations, launch) : -1;

  if (at < 0)
    return kernel;
  const OnHost *operation = &g_array_index(reader->operations, OnHost, at);
  kernel.operation = at + 1;
  kernel.m = operation->m;
  kernel.n = operation->n;
  kernel.k = operation->k;
  kernel.batch = operation->batch;
  kernel.type = operation->type;
  return kernel;
}

/* ---- the host ---------------------------------------------------------------------------------------------------- */

static gboolean is_one_of(const char *word, const char *const *words)
{
  return word && g_strv_contains(words, word);
}

/* As Nsight writes it, without the version of the interface: "cudaLaunchKernel_v7000". */
static char *plain_name(const char *name)
{
  const char *version = strstr(name, "_v");
  gboolean versioned = version && version[2] && strspn(version + 2, "0123456789") == strlen(version + 2);

  return versioned ? g_strndup(name, (gsize)(version - name)) : g_strdup(name);
}

void profile_add_call(ProfileReader *reader, const char *name, double start_s, double duration_s)
{
  static const char *const launches[] = {
      "cudaLaunchKernel", "cudaLaunchKernelExC",      "cuLaunchKernel",        "cuLaunchKernelEx",
      "hipLaunchKernel",  "hipExtModuleLaunchKernel", "hipModuleLaunchKernel", NULL};
  static const char *const graphs[] = {"cudaGraphLaunch", "cuGraphLaunch", "hipGraphLaunch", NULL};
  static const char *const waits[] = {"cudaDeviceSynchronize",
                                      "cudaStreamSynchronize",
                                      "cudaEventSynchronize",
                                      "hipDeviceSynchronize",
                                      "hipStreamSynchronize",
                                      "hipEventSynchronize",
                                      NULL};

  OnHost wait = {.start = start_s, .end = start_s + duration_s};
  g_autofree char *plain = plain_name(name);

  if (is_one_of(plain, launches))
    g_array_append_val(reader->costs[MOE_SEEN_LAUNCH], duration_s);
  if (is_one_of(plain, graphs))
    g_array_append_val(reader->costs[MOE_SEEN_GRAPH_LAUNCH], duration_s);
  if (!is_one_of(plain, waits))
    return;
  reader->profile->n_syncs++;
  reader->profile->sync_s += duration_s;
  g_array_append_val(reader->waits, wait);
}

const char *profile_keep(const ProfileReader *reader, const char *text)
{
  g_autofree char *valid = text && !g_utf8_validate(text, -1, NULL) ? g_utf8_make_valid(text, -1) : NULL;

  return text ? g_string_chunk_insert_const(reader->profile->texts, valid ? valid : text) : NULL;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static gint by_start(gconstpointer a, gconstpointer b)
{
  const MoeSeenKernel *x = a, *y = b;

  if (x->start_s != y->start_s)
    return x->start_s < y->start_s ? -1 : 1;
  return (x->stream > y->stream) - (x->stream < y->stream);
}

/* When the GPU was done with all kernels that began before each one of them ended: [n]. */
static double *ends_of(const GArray *kernels)
{
  double *end_s = g_new(double, kernels->len + 1);

  for (guint i = 0; i < kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(kernels, MoeSeenKernel, i);

    end_s[i] = fmax(kernel->start_s + kernel->duration_s, i > 0 ? end_s[i - 1] : kernel->start_s);
  }
  return end_s;
}

/* Kernels that began before an instant. */
static guint begun_before(const GArray *kernels, double time_s)
{
  guint low = 0, high = kernels->len;

  while (low < high) {
    guint middle = (low + high) / 2;

    if (g_array_index(kernels, MoeSeenKernel, middle).start_s < time_s)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* A wait that returns while some kernel runs does not say for which one it was. */
static void find_wakes(ProfileReader *reader)
{
  const GArray *kernels = reader->profile->kernels;
  g_autofree double *end_s = ends_of(kernels);

  for (guint i = 0; i < reader->waits->len; i++) {
    const OnHost *wait = &g_array_index(reader->waits, OnHost, i);
    guint begun = begun_before(kernels, wait->end);
    double wake_s = begun > 0 ? wait->end - end_s[begun - 1] : -1;

    if (wake_s >= 0 && wake_s < wait->end - wait->start)
      g_array_append_val(reader->costs[MOE_SEEN_WAKE], wake_s);
  }
}

/* Every other one is kept for judging. */
static MoeSeenCost cost_of(const GArray *records)
{
  MoeSeenCost cost = {.n = (records->len + 1) / 2, .kept = records->len / 2};
  g_autofree double *learned = g_new(double, cost.n + 1), *kept = g_new(double, cost.kept + 1);

  for (guint i = 0; i < records->len; i++)
    *(i % 2 == 0 ? &learned[i / 2] : &kept[i / 2]) = g_array_index(records, double, i);
  if (cost.n > 0)
    cost.median_s = moe_quantile(learned, cost.n, 0.5);
  for (guint i = 0; i < cost.kept; i++)
    kept[i] = cost.median_s > 0 ? fabs(kept[i] / cost.median_s - 1) : 0;
  if (cost.kept > 0) {
    cost.residual_median = moe_quantile(kept, cost.kept, 0.5);
    cost.residual_p90 = moe_quantile(kept, cost.kept, 0.9);
  }
  return cost;
}

static void sum_host(ProfileReader *reader)
{
  MoeProfile *p = reader->profile;
  GArray *launches = reader->costs[MOE_SEEN_LAUNCH];

  find_wakes(reader);
  for (guint kind = 0; kind < MOE_N_SEEN_COSTS; kind++)
    p->cost[kind] = cost_of(reader->costs[kind]);
  p->n_launches = launches->len;
  p->launch_s = p->n_launches > 0 ? moe_quantile((double *)(gpointer)launches->data, p->n_launches, 0.5) : 0;
}

static void sum_up(ProfileReader *reader)
{
  MoeProfile *p = reader->profile;
  double end_s = 0;

  g_array_sort(p->kernels, by_start);
  for (guint i = 0; i < p->kernels->len; i++) {
    const MoeSeenKernel *kernel = &g_array_index(p->kernels, MoeSeenKernel, i);
    double until_s = kernel->start_s + kernel->duration_s;

    if (i == 0)
      end_s = kernel->start_s;
    p->busy_s += fmax(0, until_s - fmax(end_s, kernel->start_s));
    end_s = fmax(end_s, until_s);
  }
  p->span_s = p->kernels->len > 0 ? end_s - g_array_index(p->kernels, MoeSeenKernel, 0).start_s : 0;
  p->n_steps = reader->steps->len;
  p->step_s = p->n_steps > 0 ? moe_quantile((double *)(gpointer)reader->steps->data, p->n_steps, 0.5) : 0;
  sum_host(reader);
}

static MoeProfile *profile_new(void)
{
  MoeProfile *profile = g_new0(MoeProfile, 1);

  profile->kernels = g_array_new(FALSE, TRUE, sizeof(MoeSeenKernel));
  profile->texts = g_string_chunk_new(4096);
  return profile;
}

void profile_reader_init(ProfileReader *reader, const MoeSeenTable *table)
{
  *reader = (ProfileReader){.profile = profile_new(),
                            .table = table,
                            .operations = g_array_new(FALSE, FALSE, sizeof(OnHost)),
                            .launched = g_hash_table_new_full(NULL, NULL, NULL, g_free),
                            .steps = g_array_new(FALSE, FALSE, sizeof(double)),
                            .waits = g_array_new(FALSE, FALSE, sizeof(OnHost))};
  for (guint kind = 0; kind < MOE_N_SEEN_COSTS; kind++)
    reader->costs[kind] = g_array_new(FALSE, FALSE, sizeof(double));
}

void profile_reader_clear(ProfileReader *reader)
{
  moe_profile_free(reader->profile);
  g_array_unref(reader->operations);
  g_hash_table_unref(reader->launched);
  g_array_unref(reader->steps);
  g_array_unref(reader->waits);
  for (guint kind = 0; kind < MOE_N_SEEN_COSTS; kind++)
    g_array_unref(reader->costs[kind]);
}

/* Times to hold a prediction against. */
static gboolean check_times(const MoeProfile *profile, const char *name, GError **error)
{
  double span_s = profile->span_s, step_s = profile->n_steps > 0 ? profile->step_s : span_s;

  if (profile->kernels->len == 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
                    "a trace without kernels, expected one with activities of the GPU");
  if (!(span_s > 0 && span_s <= MAX_SPAN_S && step_s > 0 && step_s <= MAX_SPAN_S))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
                    "kernels over %g s and a step of %g s, expected more than 0 and at most %g", span_s, step_s,
                    MAX_SPAN_S);
  return TRUE;
}

MoeProfile *profile_finish(ProfileReader *reader, const char *name, GError **error)
{
  sum_up(reader);
  return check_times(reader->profile, name, error) ? g_steal_pointer(&reader->profile) : NULL;
}

void moe_profile_free(MoeProfile *profile)
{
  if (!profile)
    return;
  g_array_unref(profile->kernels);
  g_string_chunk_free(profile->texts);
  g_free(profile->gpu);
  g_free(profile);
}
