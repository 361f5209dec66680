/* A trace in memory: its life, and its process groups. */
#include "interchange/chakra_trace.h"
#include "notation/json.h"

#define MAX_GROUP_BYTES                                                                                                \
  (64 * 1000 * 1000) /* of comm_group.json: a hundred thousand ranks in a few dozen groups each                        \
                      */

/* ---- trace ----------------------------------------------------------------------------------- */

static void free_group(gpointer data)
{
  ChakraGroup *group = data;

  g_free(group->name);
  g_array_free(group->ranks, TRUE);
  g_array_free(group->count, TRUE);
  g_array_free(group->instances, TRUE);
  g_hash_table_unref(group->index);
  g_free(group);
}

static void clear_instance(gpointer data)
{
  ChakraInstance *instance = data;

  g_free((gpointer)instance->collective.receive);
  g_array_free(instance->nodes, TRUE);
}

static void free_array(gpointer data)
{
  g_array_free(data, TRUE);
}

MoeChakra *moe_chakra_new(void)
{
  MoeChakra *chakra = g_new0(MoeChakra, 1);

  chakra->nodes = g_array_new(FALSE, TRUE, sizeof(ChakraNode));
  chakra->next = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  chakra->groups = g_ptr_array_new_with_free_func(free_group);
  chakra->group_by_name = g_hash_table_new(g_str_hash, g_str_equal);
  chakra->instances = g_array_new(FALSE, TRUE, sizeof(ChakraInstance));
  g_array_set_clear_func(chakra->instances, clear_instance);
  chakra->messages = g_array_new(FALSE, TRUE, sizeof(ChakraMessage));
  chakra->open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_array);
  return chakra;
}

void moe_chakra_free(MoeChakra *chakra)
{
  if (!chakra)
    return;
  g_array_free(chakra->nodes, TRUE);
  g_array_free(chakra->next, TRUE);
  g_ptr_array_unref(chakra->groups);
  g_hash_table_unref(chakra->group_by_name);
  g_array_free(chakra->instances, TRUE);
  g_array_free(chakra->messages, TRUE);
  g_hash_table_unref(chakra->open);
  g_free(chakra);
}

guint moe_chakra_ranks(const MoeChakra *chakra)
{
  return chakra->n_ranks;
}

/* ---- groups ---------------------------------------------------------------------------------- */

ChakraGroup *chakra_group_new(MoeChakra *chakra, const char *name)
{
  ChakraGroup *group = g_new0(ChakraGroup, 1);

  group->name = g_strdup(name);
  group->ranks = g_array_new(FALSE, FALSE, sizeof(int64_t));
  group->count = g_array_new(FALSE, TRUE, sizeof(uint32_t));
  group->instances = g_array_new(FALSE, FALSE, sizeof(uint32_t));
  group->index = g_hash_table_new(NULL, NULL);
  g_ptr_array_add(chakra->groups, group);
  g_hash_table_insert(chakra->group_by_name, group->name, GUINT_TO_POINTER(chakra->groups->len));
  return group;
}

gboolean chakra_group_add(ChakraGroup *group, int64_t rank, const char *file, GError **error)
{
  if (rank < 0 || rank >= MOE_CHAKRA_MAX_RANKS || g_hash_table_contains(group->index, GINT_TO_POINTER((gint)rank + 1)))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = file},
                    "group \"%.40s\": rank %" G_GINT64_FORMAT ", expected ranks from 0 to %d, each once", group->name,
                    rank, MOE_CHAKRA_MAX_RANKS - 1);
  g_array_append_val(group->ranks, rank);
  g_array_set_size(group->count, group->ranks->len);
  g_hash_table_insert(group->index, GINT_TO_POINTER((gint)rank + 1), GUINT_TO_POINTER(group->ranks->len));
  return TRUE;
}

static gboolean read_group(MoeChakra *chakra, const char *name, JsonNode *node, const char *file, GError **error)
{
  JsonArray *ranks = JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

  if (!ranks || g_hash_table_contains(chakra->group_by_name, name))
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = file}, "group \"%.40s\", expected a list of ranks, once",
                    name);
  ChakraGroup *group = chakra_group_new(chakra, name);

  for (guint i = 0; i < json_array_get_length(ranks); i++) {
    JsonNode *rank = json_array_get_element(ranks, i);
    gboolean whole = JSON_NODE_HOLDS_VALUE(rank) && json_node_get_value_type(rank) == G_TYPE_INT64;

    if (!chakra_group_add(group, whole ? json_node_get_int(rank) : -1, file, error))
      return FALSE;
  }
  return TRUE;
}

gboolean moe_chakra_groups(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error)
{
  g_autoptr(JsonNode) root = moe_json_parse(text, length, MAX_GROUP_BYTES, name, error);
  JsonObjectIter iter;
  const char *key = NULL;
  JsonNode *value = NULL;

  if (!root)
    return FALSE;
  json_object_iter_init(&iter, json_node_get_object(root));
  while (json_object_iter_next(&iter, &key, &value))
    if (!read_group(chakra, key, value, name, error))
      return FALSE;
  return TRUE;
}
