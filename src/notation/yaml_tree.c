/* YAML by libyaml, as a tree of JSON. */
#include "notation/yaml_tree.h"
#include "notation/json.h"

#include <string.h>
#include <yaml.h>

#define MAX_NODES 200000 /* of a tree, aliases written out: real files have a few hundred */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_parser_t, yaml_parser_delete)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(yaml_document_t, yaml_document_delete)

typedef struct {
  yaml_document_t *document;
  guint left, depth; /* nodes that may still be made, levels above */
} Walk;

static JsonNode *node_of(Walk *walk, int index);

static const char *text_of(const yaml_node_t *node)
{
  return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

static JsonNode *list_of(Walk *walk, const yaml_node_t *node)
{
  JsonArray *array = json_array_new();
  JsonNode *made = json_node_new(JSON_NODE_ARRAY);

  for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++)
    json_array_add_element(array, node_of(walk, *item));
  json_node_take_array(made, array);
  return made;
}

/* "<<: *base": the members of the base that the map has not. */
static void merge(JsonObject *object, JsonNode *base)
{
  JsonObject *other = JSON_NODE_HOLDS_OBJECT(base) ? json_node_get_object(base) : NULL;
  g_autoptr(GList) members = other ? json_object_get_members(other) : NULL;

  for (GList *member = members; member; member = member->next)
    if (!json_object_has_member(object, member->data))
      json_object_set_member(object, member->data, json_node_copy(json_object_get_member(other, member->data)));
}

static JsonNode *map_of(Walk *walk, const yaml_node_t *node)
{
  JsonObject *object = json_object_new();
  JsonNode *made = json_node_new(JSON_NODE_OBJECT);
  const yaml_node_pair_t *end = node->data.mapping.pairs.top;

  for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < end; pair++) {
    const char *key = text_of(yaml_document_get_node(walk->document, pair->key));
    JsonNode *value = node_of(walk, pair->value);

    if (strcmp(key, "<<") == 0) {
      merge(object, value);
      json_node_unref(value);
    } else {
      json_object_set_member(object, key, value);
    }
  }
  json_node_take_object(made, object);
  return made;
}

/* What is too deep or too much is left out; walk->left is 0 then. */
static JsonNode *node_of(Walk *walk, int index)
{
  const yaml_node_t *node = yaml_document_get_node(walk->document, index);
  JsonNode *made = NULL;

  if (!node || walk->left == 0 || walk->depth > MOE_NOTATION_MAX_DEPTH) {
    walk->left = 0;
    return json_node_new(JSON_NODE_NULL);
  }
  walk->left--;
  walk->depth++;
  if (node->type == YAML_MAPPING_NODE)
    made = map_of(walk, node);
  else if (node->type == YAML_SEQUENCE_NODE)
    made = list_of(walk, node);
  else
    made = json_node_init_string(json_node_alloc(), text_of(node));
  walk->depth--;
  return made;
}

static JsonNode *fail_yaml(const yaml_parser_t *parser, const char *name, GError **error)
{
  moe_fail(error, MOE_ERROR_INPUT,
           (MoeMark){.file = name,
                     .line = (int)parser->problem_mark.line + 1,
                     .column = (int)parser->problem_mark.column + 1},
           "%s, expected valid YAML", parser->problem ? parser->problem : "no document");
  return NULL;
}

/* A "%" in front makes libyaml compare each directive with all others, which hostile text makes slow. */
static gboolean is_text(const char *text, gsize length, gsize most)
{
  return length <= most && g_utf8_validate(text, (gssize)length, NULL) && !(length > 0 && *text == '%') &&
         !g_strstr_len(text, (gssize)length, "\n%");
}

JsonNode *moe_yaml_parse(const char *text, gsize length, gsize most, const char *name, GError **error)
{
  g_auto(yaml_parser_t) parser = {0};
  g_auto(yaml_document_t) document = {0};

  if (!is_text(text, length, most)) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "no YAML in UTF-8 of at most %" G_GSIZE_FORMAT " bytes, without directives", most);
    return NULL;
  }
  if (!yaml_parser_initialize(&parser))
    return fail_yaml(&parser, name, error);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
  if (!yaml_parser_load(&parser, &document))
    return fail_yaml(&parser, name, error);
  Walk walk = {.document = &document, .left = MAX_NODES};
  g_autoptr(JsonNode) root = yaml_document_get_root_node(&document) ? node_of(&walk, 1) : NULL;

  if (root && walk.left > 0)
    return g_steal_pointer(&root);
  moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name}, "%s",
           root ? "nested too deeply, or more than 200,000 values, expected a configuration"
                : "nothing here, expected a map (key: value)");
  return NULL;
}
