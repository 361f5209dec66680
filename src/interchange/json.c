/* Reading of configurations in JSON: types and ranges. */
#include "json.h"

#include <math.h>
#include <moesim/import.h>
#include <string.h>

G_STATIC_ASSERT(MOE_IMPORT_MAX_DEPTH == MOE_NOTATION_MAX_DEPTH);

#define MAX_COUNT                                                                                                      \
  (INT64_C(1) << 40) /* of anything: far above every width, and products of a few still are far from overflow */

void json_map_fail(JsonMap *map, const char *key, const char *format, ...)
{
  if (map->error) /* before the text is searched: a list may fail at each of its elements */
    return;
  g_autofree char *quoted = g_strdup_printf("\"%s\"", key);
  const char *at = strstr(map->text, quoted);
  MoeMark mark = at ? moe_json_mark(map->file, map->text, at) : (MoeMark){.file = map->file};
  va_list arguments;

  va_start(arguments, format);
  g_autofree char *message = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  for (char *c = message; *c; c++) /* text of the input stays on one line */
    if (g_ascii_iscntrl(*c))
      *c = ' ';
  moe_fail(&map->error, MOE_ERROR_INPUT, mark, "%s", message);
}

/* Keys of configurations and their other spellings: DBRX, GPT-2, OPT, BLOOM, Falcon, ERNIE, Hunyuan, Step, Kimi, Gemma,
 * Mistral. */
static const char *const spellings[][8] = {
    {"hidden_size", "d_model", "n_embd", "n_embed", "dim", "model_dim", NULL},
    {"num_hidden_layers", "n_layers", "n_layer", "num_layers", "num_transformer_layers", NULL},
    {"num_attention_heads", "n_heads", "n_head", NULL},
    {"num_key_value_heads", "kv_n_heads", "num_kv_heads", NULL},
    {"head_dim", "attention_head_dim", NULL},
    {"intermediate_size", "ffn_hidden_size", "ffn_dim", "n_inner", NULL},
    {"num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", NULL},
    {"num_experts_per_tok", "experts_per_token", "moe_k", "moe_topk", "moe_top_k", "num_experts_per_token",
     "top_k_experts", NULL},
    {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert", NULL},
    {"first_k_dense_replace", "moe_layer_start_index", NULL},
    {"use_qk_norm", "qk_norm", NULL},
    {"max_position_embeddings", "n_positions", "max_sequence_length", NULL},
};

static gboolean is_set(const JsonObject *object, const char *key)
{
  return json_object_has_member((JsonObject *)object, key) && !json_object_get_null_member((JsonObject *)object, key);
}

const char *json_map_spelling(const JsonMap *map, const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++)
    if (strcmp(spellings[i][0], key) == 0)
      for (gsize j = 0; spellings[i][j]; j++)
        if (is_set(map->object, spellings[i][j]))
          return spellings[i][j];
  return key;
}

const char *json_map_again(const JsonMap *map, const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS(spellings); i++) {
    const char *used = json_map_spelling(map, spellings[i][0]);

    for (gsize j = 0; spellings[i][j] && strcmp(used, key) != 0 && is_set(map->object, used); j++)
      if (strcmp(spellings[i][j], key) == 0 &&
          json_node_equal(json_object_get_member(map->object, used), json_object_get_member(map->object, key)))
        return used;
  }
  return NULL;
}

gboolean json_map_has(const JsonMap *map, const char *key)
{
  return is_set(map->object, json_map_spelling(map, key));
}

/* The value of a key that is there and not null; it counts as used. */
static JsonNode *find(JsonMap *map, const char *key)
{
  const char *spelling = json_map_spelling(map, key);

  if (!is_set(map->object, spelling))
    return NULL;
  if (map->used)
    g_hash_table_add(map->used, g_strdup(spelling));
  return json_object_get_member(map->object, spelling);
}

static gboolean is_number(JsonNode *node)
{
  GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE;
}

/* Of a list with the same number for every layer that number; any other node itself. NULL when they differ. */
static JsonNode *sole_value(JsonNode *node)
{
  JsonArray *list = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
  guint n = list ? json_array_get_length(list) : 0;

  if (n == 0)
    return node;
  for (guint i = 0; i < n; i++) {
    JsonNode *element = json_array_get_element(list, i);

    if (!is_number(element) || json_node_get_double(element) != json_node_get_double(json_array_get_element(list, 0)))
      return NULL;
  }
  return json_array_get_element(list, 0);
}

int64_t json_map_count(JsonMap *map, const char *key, int64_t otherwise)
{
  JsonNode *node = find(map, key);

  if (!node)
    return otherwise;
  key = json_map_spelling(map, key);
  if (JSON_NODE_HOLDS_ARRAY(node) && !sole_value(node)) {
    json_map_fail(map, key, "\"%s\" differs from layer to layer, expected the same for all", key);
    return otherwise;
  }
  node = sole_value(node);
  if (!is_number(node)) {
    json_map_fail(map, key, "\"%s\" is no number, expected a count", key);
    return otherwise;
  }
  double value = json_node_get_double(node);

  if (!(value >= 0 && value <= (double)MAX_COUNT) || value != floor(value)) {
    g_autofree char *given = value == MOE_JSON_INFINITY ? g_strdup("Infinity") : g_strdup_printf("%g", value);

    json_map_fail(map, key, "\"%s\" is %s, expected a whole number from 0 to %" G_GINT64_FORMAT, key, given, MAX_COUNT);
    return otherwise;
  }
  return (int64_t)value;
}

int64_t json_map_need(JsonMap *map, const char *key)
{
  int64_t value = json_map_count(map, key, 0);

  if (!json_map_has(map, key))
    json_map_fail(map, key, "no \"%s\", expected a count", key);
  else if (value == 0)
    json_map_fail(map, key, "\"%s\" is 0, expected at least 1", key);
  return MAX(value, 1);
}

gboolean json_map_flag(JsonMap *map, const char *key, gboolean otherwise)
{
  JsonNode *node = find(map, key);

  if (!node)
    return otherwise;
  if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_BOOLEAN)
    return json_node_get_boolean(node);
  json_map_fail(map, key, "\"%s\" is neither true nor false", key);
  return otherwise;
}

const char *json_map_text(JsonMap *map, const char *key)
{
  JsonNode *node = find(map, key);

  if (!node)
    return NULL;
  if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
    return json_node_get_string(node);
  json_map_fail(map, key, "\"%s\" is no text", key);
  return NULL;
}

int64_t json_map_element(JsonMap *map, const char *key, JsonArray *list, guint i)
{
  JsonNode *node = json_array_get_element(list, i);

  if (is_number(node) && fabs(json_node_get_double(node)) <= (double)MAX_COUNT)
    return json_node_get_int(node);
  json_map_fail(map, key, "\"%s\" has an element %u that is no count, expected a whole number", key, i);
  return 0;
}

JsonArray *json_map_list(JsonMap *map, const char *key)
{
  JsonNode *node = find(map, key);

  if (!node)
    return NULL;
  if (JSON_NODE_HOLDS_ARRAY(node))
    return json_node_get_array(node);
  json_map_fail(map, key, "\"%s\" is no list", key);
  return NULL;
}
