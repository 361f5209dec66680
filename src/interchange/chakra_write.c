/* Chakra traces of the nodes of a rank. Attribute names are those of MLCommons' converters; what only moesim knows
 * starts with "moesim.". */
#include "chakra.pb-c.h"
#include "cost/cost.h"
#include "program/program.h"
#include "trace.h"

#include <math.h>

#define MAX_ATTRIBUTES 16
#define VERSION        "0.0.4" /* of the schema */

typedef ChakraProtoMsg__AttributeProto Attribute;

/* One node in the making; attributes live here until it is packed. */
typedef struct {
  ChakraProtoMsg__Node node;
  Attribute attribute[MAX_ATTRIBUTES], *pointers[MAX_ATTRIBUTES];
  ChakraProtoMsg__Int64List durations;
  ChakraProtoMsg__DoubleList receive;
  char group[40];
} Making;

typedef struct {
  const MoeExport *export;
  int64_t rank;
  MoeWriteFunc write;
  gpointer user_data;
  GByteArray *buffer;
} Writer;

static Attribute *add(Making *making, const char *name)
{
  size_t n = making->node.n_attr++;

  g_assert(n < MAX_ATTRIBUTES);
  chakra_proto_msg__attribute_proto__init(&making->attribute[n]);
  making->pointers[n] = &making->attribute[n];
  making->attribute[n].name = (char *)name;
  return &making->attribute[n];
}

static void add_int(Making *making, const char *name, int64_t value)
{
  Attribute *attribute = add(making, name);

  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_INT64_VAL;
  attribute->int64_val = value;
}

static void add_double(Making *making, const char *name, double value)
{
  Attribute *attribute = add(making, name);

  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_DOUBLE_VAL;
  attribute->double_val = value;
}

static void add_bool(Making *making, const char *name, gboolean value)
{
  Attribute *attribute = add(making, name);

  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_BOOL_VAL;
  attribute->bool_val = value;
}

static void add_text(Making *making, const char *name, const char *value)
{
  Attribute *attribute = add(making, name);

  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_STRING_VAL;
  attribute->string_val = (char *)value;
}

static void add_durations(Making *making, const TraceNode *node)
{
  Attribute *attribute = add(making, "moesim.duration_ps");

  chakra_proto_msg__int64_list__init(&making->durations);
  making->durations.n_values = MOE_N_STATES;
  making->durations.values = (int64_t *)node->duration;
  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_INT64_LIST;
  attribute->int64_list = &making->durations;
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static void make_time(Making *making, const TraceNode *node)
{
  making->node.type = CHAKRA_PROTO_MSG__NODE_TYPE__COMP_NODE;
  making->node.duration_micros = (uint64_t)llround((double)node->duration[0] * 1e-6); /* of picoseconds */
  add_durations(making, node);
  if (!node->kernel)
    return;
  add_int(making, "num_ops", (int64_t)moe_cost_flop(node->kernel));
  add_int(making, "tensor_size", (int64_t)(node->kernel->read_bytes + node->kernel->write_bytes));
}

static int comm_type(MoeCollectiveKind kind)
{
  switch (kind) {
  case MOE_ALL_REDUCE:
    return CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_REDUCE;
  case MOE_ALL_GATHER:
    return CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_GATHER;
  case MOE_REDUCE_SCATTER:
    return CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__REDUCE_SCATTER;
  default:
    return CHAKRA_PROTO_MSG__COLLECTIVE_COMM_TYPE__ALL_TO_ALL;
  }
}

static void make_expert(Making *making, const MoeCollective *collective)
{
  add_int(making, "moesim.top_k", collective->top_k);
  add_int(making, "moesim.experts", collective->experts);
  add_int(making, "moesim.expert_groups", collective->expert_groups);
  add_int(making, "moesim.top_groups", collective->top_groups);
  add_double(making, "moesim.share", collective->share);
  add_double(making, "moesim.padding", collective->padding);
  if (collective->n_skew == 0)
    return;
  Attribute *attribute = add(making, "moesim.receive");

  chakra_proto_msg__double_list__init(&making->receive);
  making->receive.n_values = collective->n_skew;
  making->receive.values = (double *)collective->receive;
  attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_DOUBLE_LIST;
  attribute->double_list = &making->receive;
}

/* A communicator is a group on a stream: operations of one communicator follow one another. */
static void group_name(char *name, gsize size, MoeGroupKind kind, int64_t group, unsigned stream)
{
  g_snprintf(name, size, "%s.%" G_GINT64_FORMAT ".%s", moe_group_words[kind], group, moe_stream_words[stream]);
}

static void make_collective(Making *making, const TraceNode *node)
{
  const MoeCollective *collective = node->collective;

  making->node.type = CHAKRA_PROTO_MSG__NODE_TYPE__COMM_COLL_NODE;
  group_name(making->group, sizeof making->group, collective->group, node->group, node->lane);
  add_int(making, "comm_type", comm_type(collective->kind));
  add_int(making, "comm_size", (int64_t)collective->bytes);
  add_text(making, "pg_name", making->group);
  add_text(making, "moesim.collective", moe_collective_words[collective->kind]);
  add_double(making, "moesim.bytes", collective->bytes);
  if (collective->kind == MOE_DISPATCH || collective->kind == MOE_COMBINE)
    make_expert(making, collective);
}

static void make_message(Making *making, const TraceNode *node, int64_t rank)
{
  gboolean sends = node->kind == TRACE_SEND;

  making->node.type = sends ? CHAKRA_PROTO_MSG__NODE_TYPE__COMM_SEND_NODE : CHAKRA_PROTO_MSG__NODE_TYPE__COMM_RECV_NODE;
  add_int(making, "comm_src", sends ? rank : node->peer);
  add_int(making, "comm_dst", sends ? node->peer : rank);
  add_int(making, "comm_tag", node->message);
  add_int(making, "comm_size", (int64_t)node->bytes);
  add_double(making, "moesim.bytes", node->bytes);
}

static void make_copy(Making *making, const TraceNode *node)
{
  making->node.type =
      node->copy->to_host ? CHAKRA_PROTO_MSG__NODE_TYPE__MEM_STORE_NODE : CHAKRA_PROTO_MSG__NODE_TYPE__MEM_LOAD_NODE;
  add_int(making, "tensor_size", (int64_t)node->bytes);
  add_double(making, "moesim.bytes", node->bytes);
}

static void make_node(Making *making, const TraceNode *node, int64_t rank)
{
  chakra_proto_msg__node__init(&making->node);
  making->node.id = node->id;
  making->node.name = (char *)node->name;
  making->node.n_data_deps = node->n_deps;
  making->node.data_deps = (uint64_t *)node->deps;
  making->node.attr = making->pointers;
  add_bool(making, "is_cpu_op", node->kind == TRACE_HOST);
  if (node->kind == TRACE_COLLECTIVE)
    make_collective(making, node);
  else if (node->kind == TRACE_SEND || node->kind == TRACE_RECEIVE)
    make_message(making, node, rank);
  else if (node->kind == TRACE_COPY)
    make_copy(making, node);
  else if (node->kind == TRACE_JOIN)
    making->node.type = CHAKRA_PROTO_MSG__NODE_TYPE__METADATA_NODE;
  else
    make_time(making, node);
}

/* ---- output ---------------------------------------------------------------------------------- */

#define VARINT_BYTES 10 /* at most, of 64 bits */

static void write_message(Writer *writer, const ProtobufCMessage *message)
{
  uint8_t length[VARINT_BYTES];
  gsize size = protobuf_c_message_get_packed_size(message), rest = size;
  guint n = 0;

  do {
    length[n++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  g_byte_array_set_size(writer->buffer, (guint)size);
  protobuf_c_message_pack(message, writer->buffer->data);
  writer->write(length, n, writer->user_data);
  writer->write(writer->buffer->data, size, writer->user_data);
}

static void write_node(const TraceNode *node, gpointer user_data)
{
  Writer *writer = user_data;
  Making making;

  make_node(&making, node, writer->rank);
  write_message(writer, &making.node.base);
}

void moe_export_chakra(const MoeExport *export, int64_t rank, MoeWriteFunc write, gpointer user_data)
{
  g_autoptr(GByteArray) buffer = g_byte_array_new();
  Writer writer = {.export = export, .rank = rank, .write = write, .user_data = user_data, .buffer = buffer};
  ChakraProtoMsg__GlobalMetadata metadata = CHAKRA_PROTO_MSG__GLOBAL_METADATA__INIT;

  metadata.version = (char *)VERSION;
  write_message(&writer, &metadata.base);
  trace_walk(export, rank, write_node, &writer);
}

/* Streams on which groups of a kind have collectives, as bits. */
static void find_streams(const MoeProgram *program, guint streams[MOE_N_GROUPS])
{
  for (guint b = 0; b < program->n_blocks; b++)
    for (uint32_t i = 0; i < program->blocks[b].n_ops; i++) {
      const MoeOp *op = &program->blocks[b].ops[i];

      if (op->kind == MOE_OP_COLLECTIVE)
        streams[program->collectives[op->work].group] |= 1u << op->stream;
    }
}

static void put_group(GString *text, const MoeLayout *layout, MoeGroupKind kind, int64_t group, unsigned stream)
{
  char name[40];

  group_name(name, sizeof name, kind, group, stream);
  g_string_append_printf(text, "%s\n  \"%s\": [", text->len > 1 ? "," : "", name);
  for (int64_t i = 0; i < moe_layout_group_size(layout, kind); i++)
    g_string_append_printf(text, "%s%" G_GINT64_FORMAT, i > 0 ? ", " : "", moe_layout_member(layout, kind, group, i));
  g_string_append_c(text, ']');
}

char *moe_export_chakra_groups(const MoeExport *export)
{
  const MoeLayout *layout = export->program->layout;
  g_autoptr(GString) text = g_string_new("{");
  guint streams[MOE_N_GROUPS] = {0};

  find_streams(export->program, streams);
  for (unsigned kind = 0; kind < MOE_N_GROUPS; kind++)
    for (unsigned stream = 0; stream < MOE_N_STREAMS; stream++)
      for (int64_t g = 0; (streams[kind] >> stream & 1) && g < moe_layout_n_groups(layout, (MoeGroupKind)kind); g++)
        if (moe_layout_group_size(layout, (MoeGroupKind)kind) > 1)
          put_group(text, layout, (MoeGroupKind)kind, g, stream);
  g_string_append(text, "\n}\n");
  return g_string_free(g_steal_pointer(&text), FALSE);
}
