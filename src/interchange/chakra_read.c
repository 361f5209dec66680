/* Bytes of a trace to nodes. Every count and index is checked: a trace may come from anywhere. */
#include "chakra.pb-c.h"
#include "interchange/chakra_trace.h"

#include <math.h>
#include <string.h>

#define MAX_MESSAGE_BYTES (64 * 1000 * 1000) /* of one node: a real one has some hundred */
#define MAX_BYTES         1e18               /* of one transfer */
#define MAX_FLOP          1e24               /* of one kernel */
#define MAX_DURATION_PS   (INT64_C(1) << 60) /* twelve days */
#define PS_PER_US         INT64_C(1000000)

typedef ChakraProtoMsg__AttributeProto Attribute;

/* One file on its way in. */
typedef struct {
  MoeChakra *chakra;
  const char *file;
  uint32_t rank;
  guint first;       /* of its nodes */
  GHashTable *by_id; /* id -> node index + 1 */
  GArray *deps;      /* of ChakraDependency */
} Reading;

static gboolean fail_node(const Reading *reading, uint64_t id, GError **error, const char *what)
{
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = reading->file}, "node %" G_GUINT64_FORMAT ": %s", id, what);
}

/* ---- attributes ------------------------------------------------------------------------------ */

static const Attribute *find(const ChakraProtoMsg__Node *message, const char *name)
{
  for (size_t i = 0; i < message->n_attr; i++)
    if (strcmp(message->attr[i]->name, name) == 0)
      return message->attr[i];
  return NULL;
}

/* Any of the scalar kinds; NaN when there is none. */
static double number_of(const Attribute *attribute)
{
  switch (attribute ? attribute->value_case : CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE__NOT_SET) {
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_DOUBLE_VAL:
    return attribute->double_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_FLOAT_VAL:
    return (double)attribute->float_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_INT32_VAL:
    return attribute->int32_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_INT64_VAL:
    return (double)attribute->int64_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_UINT32_VAL:
    return attribute->uint32_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_UINT64_VAL:
    return (double)attribute->uint64_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_SINT32_VAL:
    return attribute->sint32_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_SINT64_VAL:
    return (double)attribute->sint64_val;
  case CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_BOOL_VAL:
    return attribute->bool_val;
  default:
    return NAN;
  }
}

/* A number in [0, most]; absent gives `otherwise`; anything else NaN. */
static double bounded(const ChakraProtoMsg__Node *message, const char *name, double most, double otherwise)
{
  const Attribute *attribute = find(message, name);
  double value = attribute ? number_of(attribute) : otherwise;

  return value >= 0 && value <= most ? value : NAN;
}

static const char *text_of(const ChakraProtoMsg__Node *message, const char *name)
{
  const Attribute *attribute = find(message, name);

  return attribute && attribute->value_case == CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_STRING_VAL
             ? attribute->string_val
             : NULL;
}

/* Bytes of a transfer: exact when moesim wrote it, else "comm_size" or "tensor_size". */
static double bytes_of(const ChakraProtoMsg__Node *message, const char *usual)
{
  return find(message, "moesim.bytes") ? bounded(message, "moesim.bytes", MAX_BYTES, NAN)
                                       : bounded(message, usual, MAX_BYTES, 0);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static gboolean read_durations(const Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node,
                               GError **error)
{
  const Attribute *attribute = find(message, "moesim.duration_ps");
  gboolean exact = attribute && attribute->value_case == CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_INT64_LIST;

  if (exact && attribute->int64_list->n_values != MOE_N_STATES)
    return fail_node(reading, message->id, error, "moesim.duration_ps, expected four durations");
  if (message->duration_micros > (uint64_t)(MAX_DURATION_PS / PS_PER_US))
    return fail_node(reading, message->id, error, "a duration of more than 12 days");
  for (unsigned state = 0; state < MOE_N_STATES; state++) {
    node->duration[state] =
        exact ? attribute->int64_list->values[state] : (MoeTime)message->duration_micros * PS_PER_US;
    if (node->duration[state] < 0 || node->duration[state] > MAX_DURATION_PS)
      return fail_node(reading, message->id, error, "a duration that is negative or more than 12 days");
  }
  node->timed = exact || message->duration_micros > 0;
  return TRUE;
}

static gboolean read_compute(const Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node,
                             GError **error)
{
  double flop = bounded(message, "num_ops", MAX_FLOP, 0), bytes = bounded(message, "tensor_size", MAX_BYTES, 0);

  node->kind = number_of(find(message, "is_cpu_op")) == 1 ? CHAKRA_HOST : CHAKRA_KERNEL;
  node->flop = flop;
  node->bytes = bytes;
  if (isnan(flop) || isnan(bytes))
    return fail_node(reading, message->id, error, "num_ops or tensor_size out of range");
  return read_durations(reading, message, node, error);
}

static gboolean read_copy(const Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node, GError **error)
{
  node->kind = CHAKRA_COPY;
  node->to_host = message->type == CHAKRA_PROTO_MSG__NODE_TYPE__MEM_STORE_NODE;
  node->bytes = bytes_of(message, "tensor_size");
  return !isnan(node->bytes) || fail_node(reading, message->id, error, "tensor_size out of range");
}

/* What moesim says, else the nearest kind to "comm_type". */
static int collective_kind(const ChakraProtoMsg__Node *message)
{
  const char *word = text_of(message, "moesim.collective");
  double type = bounded(message, "comm_type", 100, 100);

  for (int kind = 0; word && moe_collective_words[kind]; kind++)
    if (strcmp(word, moe_collective_words[kind]) == 0)
      return kind;
  switch (isnan(type) ? -1 : (int)type) {
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_REDUCE:
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__BARRIER:
    return MOE_ALL_REDUCE;
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_GATHER:
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__GATHER:
    return MOE_ALL_GATHER;
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__REDUCE_SCATTER:
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__REDUCE_SCATTER_BLOCK:
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__REDUCE:
    return MOE_REDUCE_SCATTER;
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_TO_ALL:
    return MOE_ALL_TO_ALL;
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__BROADCAST:
  case CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__SCATTER:
    return MOE_BROADCAST;
  default:
    return -1;
  }
}

#define MAX_EXPERTS 65536 /* as in a run */
#define MAX_FACTOR  1e6

/* The distribution of rows over members; NULL when balanced or unsound. */
static double *copy_receive(const ChakraProtoMsg__Node *message, guint members)
{
  const Attribute *attribute = find(message, "moesim.receive");

  if (!attribute || attribute->value_case != CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_DOUBLE_LIST ||
      attribute->double_list->n_values != members)
    return NULL;
  double *receive = g_new(double, members);

  for (guint i = 0; i < members; i++) {
    double value = attribute->double_list->values[i];

    receive[i] = value >= 0 && value <= MAX_FACTOR ? value : 1;
  }
  return receive;
}

static gboolean fill_collective(const Reading *reading, const ChakraProtoMsg__Node *message, guint members,
                                MoeCollective *collective, GError **error)
{
  int kind = collective_kind(message);
  double top_k = bounded(message, "moesim.top_k", MAX_EXPERTS, 1);
  double experts = bounded(message, "moesim.experts", MAX_EXPERTS, 1);
  double groups = bounded(message, "moesim.expert_groups", MAX_EXPERTS, 1);
  double top_groups = bounded(message, "moesim.top_groups", MAX_EXPERTS, 1);
  double share = bounded(message, "moesim.share", 1, 1), padding = bounded(message, "moesim.padding", MAX_FACTOR, 1);
  double bytes = bytes_of(message, "comm_size");
  gboolean expert = kind == MOE_DISPATCH || kind == MOE_COMBINE;

  if (kind < 0)
    return fail_node(reading, message->id, error, "a collective without a known comm_type");
  if (isnan(bytes + top_k + experts + groups + top_groups + share + padding))
    return fail_node(reading, message->id, error, "a size of the collective is out of range");
  if (expert && (experts < 1 || top_k < 1 || top_k > experts || groups < 1 || groups > experts || top_groups > groups))
    return fail_node(reading, message->id, error, "experts of the collective do not fit together");
  *collective = (MoeCollective){.kind = (MoeCollectiveKind)kind,
                                .name = "",
                                .bytes = bytes,
                                .top_k = (int64_t)top_k,
                                .experts = (int64_t)experts,
                                .expert_groups = (int64_t)groups,
                                .top_groups = (int64_t)top_groups,
                                .share = share,
                                .padding = padding};
  collective->receive = expert ? copy_receive(message, members) : NULL;
  collective->n_skew = collective->receive ? members : 0;
  return TRUE;
}

/* The group a collective runs in: by name, or all ranks. Members join unnamed and unknown groups as their traces are
 * read. */
static ChakraGroup *find_group(Reading *reading, const ChakraProtoMsg__Node *message, guint *index)
{
  MoeChakra *chakra = reading->chakra;
  const char *name = text_of(message, "pg_name");

  if (!name)
    name = "";
  *index = GPOINTER_TO_UINT(g_hash_table_lookup(chakra->group_by_name, name));
  ChakraGroup *group = *index ? g_ptr_array_index(chakra->groups, *index - 1) : chakra_group_new(chakra, name);

  if (!*index)
    *index = chakra->groups->len;
  (*index)--;
  return group;
}

static gboolean same_collective(const MoeCollective *a, const MoeCollective *b)
{
  return a->kind == b->kind && a->bytes == b->bytes && a->top_k == b->top_k && a->experts == b->experts;
}

static gboolean join_instance(Reading *reading, const ChakraProtoMsg__Node *message, ChakraGroup *group,
                              guint group_index, uint32_t at, ChakraNode *node, GError **error)
{
  MoeChakra *chakra = reading->chakra;
  MoeCollective collective = {0};
  uint32_t sequence = g_array_index(group->count, uint32_t, at)++;

  if (!fill_collective(reading, message, group->ranks->len, &collective, error))
    return FALSE;
  if (sequence < group->instances->len) {
    node->work = g_array_index(group->instances, uint32_t, sequence);
    ChakraInstance *instance = &g_array_index(chakra->instances, ChakraInstance, node->work);
    gboolean same = same_collective(&instance->collective, &collective);

    g_free((gpointer)collective.receive);
    instance->joined++;
    return same || fail_node(reading, message->id, error, "members of a process group disagree about a collective");
  }
  ChakraInstance instance = {.group = group_index,
                             .collective = collective,
                             .joined = 1,
                             .nodes = g_array_new(FALSE, FALSE, sizeof(uint32_t))};
  node->work = chakra->instances->len;
  g_array_append_val(chakra->instances, instance);
  g_array_append_val(group->instances, node->work);
  return TRUE;
}

static gboolean read_collective(Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node, GError **error)
{
  guint index = 0;
  ChakraGroup *group = find_group(reading, message, &index);
  gpointer rank = GINT_TO_POINTER((gint)reading->rank + 1);
  gpointer at = g_hash_table_lookup(group->index, rank);

  node->kind = CHAKRA_COLLECTIVE;
  if (!at && text_of(message, "pg_name"))
    return fail_node(reading, message->id, error,
                     "this rank is not in the process group, expected it in comm_group.json");
  if (!at && !chakra_group_add(group, reading->rank, reading->file, error))
    return FALSE;
  at = g_hash_table_lookup(group->index, rank);
  return join_instance(reading, message, group, index, GPOINTER_TO_UINT(at) - 1, node, error);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The first message of this sender, receiver and tag that has no such side yet, or a new one. */
static uint32_t match_message(MoeChakra *chakra, uint32_t from, uint32_t to, int64_t tag, gboolean sends)
{
  g_autofree char *key = g_strdup_printf("%u %u %" G_GINT64_FORMAT, from, to, tag);
  GArray *open = g_hash_table_lookup(chakra->open, key);

  for (guint i = 0; open && i < open->len; i++) {
    uint32_t index = g_array_index(open, uint32_t, i);
    const ChakraMessage *message = &g_array_index(chakra->messages, ChakraMessage, index);

    if ((sends ? message->send : message->receive) == NO_NODE) {
      g_array_remove_index(open, i); /* both sides are known now */
      return index;
    }
  }
  ChakraMessage message = {.from = from, .to = to, .send = NO_NODE, .receive = NO_NODE};
  uint32_t index = chakra->messages->len;

  g_array_append_val(chakra->messages, message);
  if (!open) {
    open = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_hash_table_insert(chakra->open, g_steal_pointer(&key), open);
  }
  g_array_append_val(open, index);
  return index;
}

static gboolean read_message(Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node, GError **error)
{
  gboolean sends = message->type == CHAKRA_PROTO_MSG__NODE_TYPE__COMM_SEND_NODE;
  double peer = bounded(message, sends ? "comm_dst" : "comm_src", MOE_CHAKRA_MAX_RANKS - 1, NAN);
  double tag = bounded(message, "comm_tag", G_MAXUINT32, 0), bytes = bytes_of(message, "comm_size");

  node->kind = sends ? CHAKRA_SEND : CHAKRA_RECEIVE;
  if (isnan(peer) || isnan(tag) || isnan(bytes) || peer == reading->rank)
    return fail_node(reading, message->id, error, "peer, tag or size of the message out of range");
  node->work = match_message(reading->chakra, sends ? reading->rank : (uint32_t)peer,
                             sends ? (uint32_t)peer : reading->rank, (int64_t)tag, sends);
  ChakraMessage *matched = &g_array_index(reading->chakra->messages, ChakraMessage, node->work);
  uint32_t index = reading->chakra->nodes->len;

  if (sends) {
    matched->send = index;
    matched->bytes = bytes;
  } else {
    matched->receive = index;
  }
  return TRUE;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* PyTorch records a collective twice: the call on the host ("c10d::allreduce_", is_cpu_op, without a size of its own)
 * and the NCCL kernel that carries it. The call is host time. */
static gboolean is_host_call(const ChakraProtoMsg__Node *message)
{
  gboolean communicates = message->type == CHAKRA_PROTO_MSG__NODE_TYPE__COMM_COLL_NODE ||
                          message->type == CHAKRA_PROTO_MSG__NODE_TYPE__COMM_SEND_NODE ||
                          message->type == CHAKRA_PROTO_MSG__NODE_TYPE__COMM_RECV_NODE;

  return communicates && number_of(find(message, "is_cpu_op")) == 1 && !find(message, "comm_type") &&
         !find(message, "comm_size") && !find(message, "moesim.collective");
}

/* An NCCL kernel that a profiler timed, of which the trace has neither kind nor size: its recorded time is all there
 * is. */
static gboolean is_unsized(const ChakraProtoMsg__Node *message)
{
  return message->type == CHAKRA_PROTO_MSG__NODE_TYPE__COMM_COLL_NODE && message->duration_micros > 0 &&
         !find(message, "comm_type") && !find(message, "comm_size") && !find(message, "moesim.collective");
}

static gboolean read_kind(Reading *reading, const ChakraProtoMsg__Node *message, ChakraNode *node, GError **error)
{
  if (is_host_call(message))
    return read_compute(reading, message, node, error);
  if (is_unsized(message)) {
    reading->chakra->unsized++;
    return read_compute(reading, message, node, error);
  }
  switch (message->type) {
  case CHAKRA_PROTO_MSG__NODE_TYPE__METADATA_NODE:
    node->kind = CHAKRA_JOIN;
    return TRUE;
  case CHAKRA_PROTO_MSG__NODE_TYPE__COMP_NODE:
    return read_compute(reading, message, node, error);
  case CHAKRA_PROTO_MSG__NODE_TYPE__MEM_LOAD_NODE:
  case CHAKRA_PROTO_MSG__NODE_TYPE__MEM_STORE_NODE:
    return read_copy(reading, message, node, error);
  case CHAKRA_PROTO_MSG__NODE_TYPE__COMM_SEND_NODE:
  case CHAKRA_PROTO_MSG__NODE_TYPE__COMM_RECV_NODE:
    return read_message(reading, message, node, error);
  case CHAKRA_PROTO_MSG__NODE_TYPE__COMM_COLL_NODE:
    return read_collective(reading, message, node, error);
  default:
    return fail_node(reading, message->id, error, "a node of unknown type");
  }
}

static void note_deps(Reading *reading, uint32_t node, size_t n, const uint64_t *deps)
{
  for (size_t d = 0; d < n; d++) {
    ChakraDependency dependency = {.on = deps[d], .node = node};

    g_array_append_val(reading->deps, dependency);
  }
}

static gboolean add_node(Reading *reading, const ChakraProtoMsg__Node *message, GError **error)
{
  MoeChakra *chakra = reading->chakra;
  ChakraNode node = {.id = message->id, .rank = reading->rank};
  uint32_t index = chakra->nodes->len;

  if (index >= MOE_CHAKRA_MAX_NODES)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = reading->file},
                    "more than %d nodes, expected a smaller trace", MOE_CHAKRA_MAX_NODES);
  if (!read_kind(reading, message, &node, error))
    return FALSE;
  g_array_append_val(chakra->nodes, node);
  if (node.kind == CHAKRA_COLLECTIVE)
    g_array_append_val(g_array_index(chakra->instances, ChakraInstance, node.work).nodes, index);
  uint64_t *key = g_new(uint64_t, 1);

  *key = message->id;
  if (!g_hash_table_insert(reading->by_id, key, GUINT_TO_POINTER(index + 1)))
    return fail_node(reading, message->id, error, "a second node of this id");
  /* Control dependencies are the profiler's nesting, which may go round in circles with data's: Chakra's feeder
   * (wrapper_node.cpp) leaves them aside too. */
  note_deps(reading, index, message->n_data_deps, message->data_deps);
  return TRUE;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* A varint from *at on; FALSE when it does not end within the data or 64 bits. */
static gboolean read_varint(const uint8_t *data, gsize length, gsize *at, uint64_t *value)
{
  *value = 0;
  for (unsigned shift = 0; shift < 64 && *at < length; shift += 7) {
    uint8_t byte = data[(*at)++];

    *value |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80))
      return TRUE;
  }
  return FALSE;
}

static gboolean read_one(Reading *reading, const uint8_t *data, gsize length, GError **error)
{
  ChakraProtoMsg__Node *message = chakra_proto_msg__node__unpack(NULL, length, data);

  if (!message)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = reading->file}, "a message that is no Chakra node");
  gboolean sound = add_node(reading, message, error);

  chakra_proto_msg__node__free_unpacked(message, NULL);
  return sound;
}

static gboolean read_all(Reading *reading, const uint8_t *data, gsize length, GError **error)
{
  gsize at = 0;
  uint64_t size = 0;

  for (guint n = 0; at < length; n++) {
    if (!read_varint(data, length, &at, &size) || size > MAX_MESSAGE_BYTES || size > length - at)
      return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = reading->file},
                      "byte %" G_GSIZE_FORMAT ": a message that does not end, expected a Chakra trace", at);
    if (n > 0 && !read_one(reading, data + at, (gsize)size, error)) /* the first is the metadata */
      return FALSE;
    at += (gsize)size;
  }
  return TRUE;
}

gboolean moe_chakra_add(MoeChakra *chakra, const void *data, gsize length, const char *name, GError **error)
{
  Reading reading = {.chakra = chakra, .file = name, .rank = chakra->n_ranks, .first = chakra->nodes->len};

  if (chakra->n_ranks >= MOE_CHAKRA_MAX_RANKS)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "more than %d ranks", MOE_CHAKRA_MAX_RANKS);
  reading.by_id = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  reading.deps = g_array_new(FALSE, FALSE, sizeof(ChakraDependency));
  gboolean sound = read_all(&reading, data, length, error) &&
                   chakra_link(chakra, reading.first, reading.by_id, reading.deps, name, error);

  g_hash_table_unref(reading.by_id);
  g_array_free(reading.deps, TRUE);
  chakra->n_ranks++;
  return sound;
}
