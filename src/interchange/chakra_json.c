/* Chakra's JSON form: {"workload_graph": [{"Id": 0, "Name": ..., "NodeType": 4, "data_deps": [...], "runtime": 5, ...},
 * ...]} (src/feeder of mlcommons/chakra). It becomes the bytes of a trace, and is then read as one. */
#include "chakra.pb-c.h"
#include "interchange/chakra_trace.h"
#include "notation/json.h"

#include <math.h>
#include <string.h>

#define MAX_BYTES      (2000 * 1000 * 1000) /* of one file */
#define MAX_ATTRIBUTES 32                   /* of one node: real ones have ten */

typedef struct {
  ChakraProtoMsg__Node message;
  ChakraProtoMsg__AttributeProto attributes[MAX_ATTRIBUTES];
  ChakraProtoMsg__AttributeProto *listed[MAX_ATTRIBUTES];
} Node;

static gboolean fail_at(const char *name, guint i, GError **error, const char *what)
{
  return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "workload_graph[%u]: %s", i, what);
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* Numbers, flags and texts keep their names; lists and objects have no meaning for a replay. */
static gboolean fill_value(JsonNode *value, ChakraProtoMsg__AttributeProto *attribute)
{
  if (!JSON_NODE_HOLDS_VALUE(value))
    return FALSE;
  switch (json_node_get_value_type(value)) {
  case G_TYPE_BOOLEAN:
    attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_BOOL_VAL;
    attribute->bool_val = json_node_get_boolean(value);
    return TRUE;
  case G_TYPE_STRING:
    attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_STRING_VAL;
    attribute->string_val = (char *)json_node_get_string(value);
    return TRUE;
  default:
    attribute->value_case = CHAKRA_PROTO_MSG__ATTRIBUTE_PROTO__VALUE_DOUBLE_VAL;
    attribute->double_val = json_node_get_double(value);
    return TRUE;
  }
}

static void add_attribute(Node *node, const char *key, JsonNode *value)
{
  size_t n = node->message.n_attr;

  if (n >= MAX_ATTRIBUTES)
    return;
  chakra_proto_msg__attribute_proto__init(&node->attributes[n]);
  if (!fill_value(value, &node->attributes[n]))
    return;
  node->attributes[n].name = (char *)key;
  node->listed[n] = &node->attributes[n];
  node->message.n_attr = n + 1;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* A whole number from 0 up; FALSE when it is absent or none. */
static gboolean read_id(JsonNode *value, uint64_t *id)
{
  double number = value && JSON_NODE_HOLDS_VALUE(value) ? json_node_get_double(value) : NAN;

  if (!(number >= 0 && number <= 1e15) || number != floor(number))
    return FALSE;
  *id = (uint64_t)number;
  return TRUE;
}

/* Ids of a list; absent: none. The caller frees *ids. */
static gboolean read_ids(JsonObject *object, const char *key, uint64_t **ids, size_t *n)
{
  JsonNode *value = json_object_get_member(object, key);
  JsonArray *list = value && JSON_NODE_HOLDS_ARRAY(value) ? json_node_get_array(value) : NULL;

  *n = list ? json_array_get_length(list) : 0;
  *ids = g_new0(uint64_t, *n + 1);
  for (size_t i = 0; i < *n; i++)
    if (!read_id(json_array_get_element(list, (guint)i), &(*ids)[i]))
      return FALSE;
  return !value || list != NULL;
}

static gboolean fill_numbers(JsonObject *object, Node *node, const char *name, guint i, GError **error)
{
  uint64_t type = 0;
  JsonNode *runtime = json_object_get_member(object, "runtime");

  if (!read_id(json_object_get_member(object, "Id"), &node->message.id))
    return fail_at(name, i, error, "no \"Id\", expected a whole number");
  if (!read_id(json_object_get_member(object, "NodeType"), &type) || type > CHAKRA_PROTO_MSG__NODE_TYPE__COMM_COLL_NODE)
    return fail_at(name, i, error, "no known \"NodeType\", expected a number from 1 to 7");
  node->message.type = (ChakraProtoMsg__NodeType)type;
  return !runtime || read_id(runtime, &node->message.duration_micros) ||
         fail_at(name, i, error, "\"runtime\" is no whole number of microseconds");
}

static void append_message(GByteArray *bytes, const uint8_t *data, size_t length)
{
  size_t rest = length;

  do {
    guint8 byte = (guint8)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));

    g_byte_array_append(bytes, &byte, 1);
    rest >>= 7;
  } while (rest > 0);
  g_byte_array_append(bytes, data, (guint)length);
}

static gboolean append_node(JsonObject *object, GByteArray *bytes, const char *name, guint i, GError **error)
{
  static const char *const own[] = {"Id", "Name", "NodeType", "runtime", "data_deps", "ctrl_deps", NULL};
  Node node = {0};
  g_autofree uint64_t *data_deps = NULL;
  g_autoptr(GList) keys = json_object_get_members(object);

  chakra_proto_msg__node__init(&node.message);
  node.message.attr = node.listed;
  if (!fill_numbers(object, &node, name, i, error))
    return FALSE;
  if (!read_ids(object, "data_deps", &data_deps, &node.message.n_data_deps))
    return fail_at(name, i, error, "dependencies that are no list of ids");
  node.message.data_deps = data_deps;
  for (GList *key = keys; key; key = key->next)
    if (!g_strv_contains(own, key->data))
      add_attribute(&node, key->data, json_object_get_member(object, key->data));
  size_t length = chakra_proto_msg__node__get_packed_size(&node.message);
  g_autofree uint8_t *packed = g_malloc(length + 1);

  append_message(bytes, packed, chakra_proto_msg__node__pack(&node.message, packed));
  return TRUE;
}

gboolean moe_chakra_add_json(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error)
{
  g_autoptr(JsonNode) root = moe_json_parse(text, length, MAX_BYTES, name, error);
  g_autoptr(GByteArray) bytes = g_byte_array_new();

  if (!root)
    return FALSE;
  JsonNode *graph = json_object_get_member(json_node_get_object(root), "workload_graph");
  JsonArray *nodes = graph && JSON_NODE_HOLDS_ARRAY(graph) ? json_node_get_array(graph) : NULL;

  if (!nodes && json_object_has_member(json_node_get_object(root), "traceEvents"))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
                    "a Kineto trace, expected a Chakra trace, as chakra_trace_link and chakra_converter make of it");
  if (!nodes)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
                    "no list \"workload_graph\", expected a Chakra trace");
  append_message(bytes, NULL, 0); /* the metadata */
  for (guint i = 0; i < json_array_get_length(nodes); i++) {
    JsonNode *node = json_array_get_element(nodes, i);

    if (!JSON_NODE_HOLDS_OBJECT(node))
      return fail_at(name, i, error, "no object, expected a node");
    if (!append_node(json_node_get_object(node), bytes, name, i, error))
      return FALSE;
  }
  return moe_chakra_add(chakra, bytes->data, bytes->len, name, error);
}
