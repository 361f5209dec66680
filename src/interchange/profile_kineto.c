/* PyTorch profiler traces: Kineto's JSON, in the form of Chrome's trace events. */
#include "interchange/profile.h"
#include "json.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <zlib.h>

#define MAX_TRACE_BYTES 2000000000u /* uncompressed: a tree of it is ten times as large */
#define MICROSECOND     1e-6        /* times of trace events */
#define MAX_DIMENSION   (INT64_C(1) << 40)

/* ---- reading members, which may be missing or of any kind -------------------------------------------------------- */

static double number_of(JsonObject *object, const char *key, double otherwise)
{
  JsonNode *node = object ? json_object_get_member(object, key) : NULL;
  GType type = node && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;
  double value = type == G_TYPE_INT64    ? (double)json_node_get_int(node)
                 : type == G_TYPE_DOUBLE ? json_node_get_double(node)
                                         : NAN;

  return isfinite(value) ? value : otherwise;
}

/* A whole number of at most 2^40 either way. */
static int64_t whole_of(JsonObject *object, const char *key, int64_t otherwise)
{
  double value = number_of(object, key, NAN);

  return fabs(value) <= (double)MAX_DIMENSION ? (int64_t)value : otherwise;
}

static const char *text_of(JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member(object, key) : NULL;

  return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
             ? json_node_get_string(node)
             : NULL;
}

static JsonObject *object_of(JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member(object, key) : NULL;

  return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

static JsonArray *list_of(JsonObject *object, const char *key)
{
  JsonNode *node = object ? json_object_get_member(object, key) : NULL;

  return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

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
static void fill_product(JsonObject *args, guint first, gboolean batched, MoeSeenKernel *kernel)
{
  JsonArray *dims = list_of(args, "Input Dims"), *types = list_of(args, "Input type");
  int64_t left[3], right[3];
  guint rank = batched ? 3 : 2, at = rank - 2;

  if (!dimensions(dims, first, rank, left) || !dimensions(dims, first + 1, rank, right) || left[at + 1] != right[at])
    return;
  kernel->m = left[at];
  kernel->k = left[at + 1];
  kernel->n = right[at + 1];
  kernel->batch = batched ? left[0] : 1;
  JsonNode *type = types && first < json_array_get_length(types) ? json_array_get_element(types, first) : NULL;
  if (type && JSON_NODE_HOLDS_VALUE(type) && json_node_get_value_type(type) == G_TYPE_STRING)
    kernel->type = json_node_get_string(type);
}

/* Its place in `products`; -1 of any other operation. */
static int product_of(const char *name)
{
  for (guint i = 0; name && i < G_N_ELEMENTS(products); i++)
    if (strcmp(name, products[i].name) == 0)
      return (int)i;
  return -1;
}

/* ---- who launched what ------------------------------------------------------------------------------------------- */

/* A thread of the host at a time, in microseconds of the trace: a launch, or the whole of an operation. */
typedef struct {
  int64_t thread;
  double start, end;
  int product;
  JsonObject *args;
} OnHost;

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

/* ---- collectives ------------------------------------------------------------------------------------------------- */

static double element_bytes(const char *type)
{
  static const struct {
    const char *name;
    double bytes;
  } types[] = {{"Float", 4}, {"BFloat16", 2}, {"Half", 2},          {"Double", 8},      {"Long", 8}, {"Int", 4},
               {"Byte", 1},  {"Char", 1},     {"Float8_e4m3fn", 1}, {"Float8_e5m2", 1}, {"Bool", 1}};

  for (guint i = 0; type && i < G_N_ELEMENTS(types); i++)
    if (strcmp(type, types[i].name) == 0)
      return types[i].bytes;
  return 0;
}

static void fill_collective(JsonObject *args, MoeSeenKernel *kernel)
{
  double in = number_of(args, "In msg nelems", 0), out = number_of(args, "Out msg nelems", 0);

  kernel->collective = text_of(args, "Collective name");
  kernel->bytes = fmax(fmax(in, out), 0) * element_bytes(text_of(args, "dtype"));
  kernel->group = MAX(whole_of(args, "Group size", 0), 0);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

typedef struct {
  MoeProfile *profile;
  const MoeSeenTable *table;
  GArray *operations;   /* of OnHost: the framework's products, by thread and start */
  GHashTable *launched; /* correlation -> OnHost of the launch, which it owns */
  GArray *steps, *launches;
} Reader;

static gboolean is_one_of(const char *word, const char *const *words)
{
  return word && g_strv_contains(words, word);
}

/* Of the GPU's interface on the host. */
static gboolean is_call(const char *category)
{
  static const char *const on_host[] = {"cuda_runtime", "cuda_driver", "hip_runtime", "Runtime", NULL};

  return is_one_of(category, on_host);
}

static void read_host(Reader *reader, const char *name, double duration_s)
{
  static const char *const launches[] = {
      "cudaLaunchKernel", "cudaLaunchKernelExC",      "cuLaunchKernel",        "cuLaunchKernelEx",
      "hipLaunchKernel",  "hipExtModuleLaunchKernel", "hipModuleLaunchKernel", NULL};
  static const char *const waits[] = {"cudaDeviceSynchronize",
                                      "cudaStreamSynchronize",
                                      "cudaEventSynchronize",
                                      "hipDeviceSynchronize",
                                      "hipStreamSynchronize",
                                      "hipEventSynchronize",
                                      NULL};

  if (is_one_of(name, launches))
    g_array_append_val(reader->launches, duration_s);
  if (!is_one_of(name, waits))
    return;
  reader->profile->n_syncs++;
  reader->profile->sync_s += duration_s;
}

static const char *keep(const Reader *reader, const char *text)
{
  return text ? g_string_chunk_insert_const(reader->profile->texts, text) : NULL;
}

static void fill_shape(const Reader *reader, JsonObject *args, MoeSeenKernel *kernel)
{
  gsize correlation = (gsize)MAX(whole_of(args, "correlation", 0), 0);
  const OnHost *launch = g_hash_table_lookup(reader->launched, GSIZE_TO_POINTER(correlation));
  int at = launch ? enclosing(reader->operations, launch) : -1;

  if (at < 0)
    return;
  const OnHost *operation = &g_array_index(reader->operations, OnHost, at);
  kernel->operation = at + 1;
  fill_product(operation->args, products[operation->product].first, products[operation->product].batched, kernel);
}

static void read_kernel(Reader *reader, JsonObject *event, const char *name, double start_s, double duration_s)
{
  JsonObject *args = object_of(event, "args");
  MoeSeenKernel kernel = {.name = keep(reader, name),
                          .klass = moe_seen_class(reader->table, name),
                          .start_s = start_s,
                          .duration_s = duration_s,
                          .stream = whole_of(args, "stream", whole_of(event, "tid", 0))};

  if (kernel.klass == MOE_SEEN_GEMM)
    fill_shape(reader, args, &kernel);
  if (kernel.klass == MOE_SEEN_COLLECTIVE)
    fill_collective(args, &kernel);
  kernel.type = keep(reader, kernel.type);
  kernel.collective = keep(reader, kernel.collective);
  g_array_append_val(reader->profile->kernels, kernel);
}

/* A complete event of a category; others are no work. */
static void read_event(Reader *reader, JsonObject *event)
{
  static const char *const on_gpu[] = {"kernel", "Kernel", "gpu_memcpy", "Memcpy", "gpu_memset", "Memset", NULL};
  const char *category = text_of(event, "cat"), *name = text_of(event, "name");
  double start_s = number_of(event, "ts", NAN) * MICROSECOND, duration_s = number_of(event, "dur", -1) * MICROSECOND;

  if (!name || g_strcmp0(text_of(event, "ph"), "X") != 0 || isnan(start_s) || duration_s < 0)
    return;
  if (is_one_of(category, on_gpu))
    read_kernel(reader, event, name, start_s, duration_s);
  else if (is_call(category))
    read_host(reader, name, duration_s);
  else if (g_strcmp0(category, "user_annotation") == 0 && g_str_has_prefix(name, "ProfilerStep#"))
    g_array_append_val(reader->steps, duration_s);
}

/* A launch, or a product of the framework. */
static void read_link(Reader *reader, JsonObject *event)
{
  JsonObject *args = object_of(event, "args");
  double start = number_of(event, "ts", NAN);
  OnHost one = {whole_of(event, "tid", 0), start, start + number_of(event, "dur", NAN),
                product_of(text_of(event, "name")), args};
  int64_t correlation = whole_of(args, "correlation", 0);

  if (isnan(one.end))
    return;
  if (g_strcmp0(text_of(event, "cat"), "cpu_op") == 0 && one.product >= 0)
    g_array_append_val(reader->operations, one);
  else if (is_call(text_of(event, "cat")) && correlation > 0)
    g_hash_table_insert(reader->launched, GSIZE_TO_POINTER((gsize)correlation), g_memdup2(&one, sizeof one));
}

static void read_links(Reader *reader, JsonArray *events)
{
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonNode *node = json_array_get_element(events, i);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_link(reader, json_node_get_object(node));
  }
  g_array_sort(reader->operations, by_thread);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static gint by_start(gconstpointer a, gconstpointer b)
{
  const MoeSeenKernel *x = a, *y = b;

  if (x->start_s != y->start_s)
    return x->start_s < y->start_s ? -1 : 1;
  return (x->stream > y->stream) - (x->stream < y->stream);
}

static void sum_up(Reader *reader)
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
  p->n_launches = reader->launches->len;
  p->launch_s = p->n_launches > 0 ? moe_quantile((double *)(gpointer)reader->launches->data, p->n_launches, 0.5) : 0;
}

static void read_head(MoeProfile *profile, JsonObject *root)
{
  JsonObject *distributed = object_of(root, "distributedInfo");
  JsonArray *devices = list_of(root, "deviceProperties");
  JsonNode *device = devices && json_array_get_length(devices) > 0 ? json_array_get_element(devices, 0) : NULL;

  profile->rank = whole_of(distributed, "rank", -1);
  profile->world = whole_of(distributed, "world_size", 0);
  if (device && JSON_NODE_HOLDS_OBJECT(device))
    profile->gpu = g_strdup(text_of(json_node_get_object(device), "name"));
}

static void read_events(Reader *reader, JsonArray *events)
{
  read_links(reader, events);
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonNode *node = json_array_get_element(events, i);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_event(reader, json_node_get_object(node));
  }
  sum_up(reader);
}

static MoeProfile *profile_new(void)
{
  MoeProfile *profile = g_new0(MoeProfile, 1);

  profile->kernels = g_array_new(FALSE, TRUE, sizeof(MoeSeenKernel));
  profile->texts = g_string_chunk_new(4096);
  return profile;
}

MoeProfile *moe_profile_parse(const char *text, gsize length, const char *name, const MoeSeenTable *table,
                              GError **error)
{
  g_autoptr(JsonNode) root = interchange_json_parse(text, length, MAX_TRACE_BYTES, name, error);
  JsonArray *events = root ? list_of(json_node_get_object(root), "traceEvents") : NULL;
  g_autoptr(MoeProfile) profile = profile_new();
  g_autoptr(GHashTable) launched = g_hash_table_new_full(NULL, NULL, NULL, g_free);
  g_autoptr(GArray) operations = g_array_new(FALSE, FALSE, sizeof(OnHost));
  g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(double));
  g_autoptr(GArray) launches = g_array_new(FALSE, FALSE, sizeof(double));
  Reader reader = {profile, table, operations, launched, steps, launches};

  if (!root)
    return NULL;
  if (!events) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "no traceEvents, expected a trace of PyTorch's profiler");
    return NULL;
  }
  read_head(profile, json_node_get_object(root));
  read_events(&reader, events);
  if (profile->kernels->len == 0) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "a trace without kernels, expected one with activities of "
             "the GPU");
    return NULL;
  }
  return g_steal_pointer(&profile);
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

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Plain or under gzip: zlib reads both. Stops beyond the limit, which the parser then refuses. */
static gboolean read_all(gzFile file, GByteArray *bytes)
{
  guchar part[65536];
  int n = 1;

  while (n > 0 && bytes->len <= MAX_TRACE_BYTES) {
    n = gzread(file, part, sizeof part);
    if (n > 0)
      g_byte_array_append(bytes, part, (guint)n);
  }
  return n >= 0;
}

MoeProfile *moe_profile_load(const char *path, const MoeSeenTable *table, GError **error)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  gzFile file = gzopen(path, "rb");

  if (!file) {
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "%s, expected a trace of PyTorch's profiler",
             g_strerror(errno));
    return NULL;
  }
  gboolean good = read_all(file, bytes);
  /* What ends in the middle of a gzip member is told by closing. */
  if (gzclose(file) != Z_OK || !good) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path}, "cannot be unpacked, expected JSON, also under gzip");
    return NULL;
  }
  return moe_profile_parse((const char *)bytes->data, bytes->len, path, table, error);
}
