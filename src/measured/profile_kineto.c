/* PyTorch profiler traces: Kineto's JSON, in the form of Chrome's trace events. */
#include "measured/profile.h"
#include "profile_read.h"

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

/* Ranks as PyTorch lists them, "[0, 8, 16, 24]", up to where a long list leaves some out ("..."). */
static void fill_ranks(const char *list, MoeSeenKernel *kernel)
{
  g_auto(GStrv) parts = g_strsplit_set(list ? list : "", "[], ", -1);
  int64_t before = 0, stride = 0, rank;
  guint n = 0;

  for (guint i = 0; parts[i] && strcmp(parts[i], "...") != 0; i++) {
    if (!g_ascii_string_to_signed(parts[i], 10, 0, G_MAXINT64, &rank, NULL))
      continue;
    if (n == 0)
      kernel->first = rank;
    if (n == 1)
      stride = rank - before;
    if (n > 1 && rank - before != stride)
      return;
    before = rank;
    n++;
  }
  kernel->stride = MAX(stride, 0);
}

static void fill_collective(JsonObject *args, MoeSeenKernel *kernel)
{
  double in = number_of(args, "In msg nelems", 0), out = number_of(args, "Out msg nelems", 0);

  kernel->collective = text_of(args, "Collective name");
  kernel->bytes = fmax(fmax(in, out), 0) * element_bytes(text_of(args, "dtype"));
  kernel->group = MAX(whole_of(args, "Group size", 0), 0);
  fill_ranks(text_of(args, "Process Group Ranks"), kernel);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

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

static void read_kernel(ProfileReader *reader, JsonObject *event, const char *name, double start_s, double duration_s)
{
  JsonObject *args = object_of(event, "args");
  MoeSeenKernel kernel = profile_kernel(reader, name, whole_of(args, "correlation", 0));

  kernel.start_s = start_s;
  kernel.duration_s = duration_s;
  kernel.stream = whole_of(args, "stream", whole_of(event, "tid", 0));
  if (kernel.klass == MOE_SEEN_COLLECTIVE)
    fill_collective(args, &kernel);
  kernel.collective = profile_keep(reader, kernel.collective);
  g_array_append_val(reader->profile->kernels, kernel);
}

/* A complete event of a category; others are no work. */
static void read_event(ProfileReader *reader, JsonObject *event)
{
  static const char *const on_gpu[] = {"kernel", "Kernel", "gpu_memcpy", "Memcpy", "gpu_memset", "Memset", NULL};
  const char *category = text_of(event, "cat"), *name = text_of(event, "name");
  double start_s = number_of(event, "ts", NAN) * MICROSECOND, duration_s = number_of(event, "dur", -1) * MICROSECOND;

  if (!name || g_strcmp0(text_of(event, "ph"), "X") != 0 || isnan(start_s) || duration_s < 0)
    return;
  if (is_one_of(category, on_gpu))
    read_kernel(reader, event, name, start_s, duration_s);
  else if (is_call(category))
    profile_add_call(reader, name, start_s, duration_s);
  else if (g_strcmp0(category, "user_annotation") == 0 && g_str_has_prefix(name, "ProfilerStep#"))
    g_array_append_val(reader->steps, duration_s);
}

/* A launch, or a product of the framework. */
static void read_link(ProfileReader *reader, JsonObject *event)
{
  JsonObject *args = object_of(event, "args");
  double start = number_of(event, "ts", NAN);
  OnHost one = {whole_of(event, "tid", 0), start, start + number_of(event, "dur", NAN)};
  int64_t correlation = whole_of(args, "correlation", 0);

  if (isnan(one.end))
    return;
  if (g_strcmp0(text_of(event, "cat"), "cpu_op") == 0) {
    if (profile_product(reader, text_of(event, "name"), list_of(args, "Input Dims"), list_of(args, "Input type"), &one))
      profile_add_operation(reader, &one);
  } else if (is_call(text_of(event, "cat")) && correlation > 0) {
    profile_add_launch(reader, correlation, &one);
  }
}

static void read_links(ProfileReader *reader, JsonArray *events)
{
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonNode *node = json_array_get_element(events, i);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_link(reader, json_node_get_object(node));
  }
  profile_order(reader);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

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

static void read_events(ProfileReader *reader, JsonArray *events)
{
  read_links(reader, events);
  for (guint i = 0; i < json_array_get_length(events); i++) {
    JsonNode *node = json_array_get_element(events, i);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_event(reader, json_node_get_object(node));
  }
}

MoeProfile *moe_profile_parse(const char *text, gsize length, const char *name, const MoeSeenTable *table,
                              GError **error)
{
  g_autoptr(JsonNode) root = moe_json_parse(text, length, MAX_TRACE_BYTES, name, error);
  JsonArray *events = root ? list_of(json_node_get_object(root), "traceEvents") : NULL;
  g_auto(ProfileReader) reader;

  profile_reader_init(&reader, table);
  if (!root)
    return NULL;
  if (!events) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "no traceEvents, expected a trace of PyTorch's profiler");
    return NULL;
  }
  read_head(reader.profile, json_node_get_object(root));
  read_events(&reader, events);
  return profile_finish(&reader, name, error);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Plain or under gzip: zlib reads both. Stops beyond the limit, which the parser then refuses, and where a database
 * begins. */
static gboolean read_all(gzFile file, GByteArray *bytes)
{
  guchar part[65536];
  int n = 1;

  while (n > 0 && bytes->len <= MAX_TRACE_BYTES && !profile_is_nsight(bytes->data, bytes->len)) {
    n = gzread(file, part, sizeof part);
    if (n > 0)
      g_byte_array_append(bytes, part, (guint)n);
  }
  return n >= 0;
}

/* A database is read where it lies. */
static MoeProfile *load_database(const char *path, gboolean packed, const MoeSeenTable *table, GError **error)
{
  if (!packed)
    return profile_load_nsight(path, table, error);
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path},
           "a database under gzip, expected an export of Nsight Systems as it was written: gunzip it");
  return NULL;
}

/* Read once, from its begin: it may be a pipe. */
MoeProfile *moe_profile_load(const char *path, const MoeSeenTable *table, GError **error)
{
  g_autoptr(GByteArray) bytes = g_byte_array_new();
  gzFile file = gzopen(path, "rb");

  if (!file) {
    moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "%s, expected a trace of PyTorch's profiler",
             g_strerror(errno));
    return NULL;
  }
  gboolean good = read_all(file, bytes), packed = !gzdirect(file);
  /* What ends in the middle of a gzip member is told by closing. */
  good = gzclose(file) == Z_OK && good;
  if (profile_is_nsight(bytes->data, bytes->len))
    return load_database(path, packed, table, error);
  if (!good) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path}, "cannot be unpacked, expected JSON, also under gzip");
    return NULL;
  }
  return moe_profile_parse(bytes->len > 0 ? (const char *)bytes->data : "", bytes->len, path, table, error);
}
