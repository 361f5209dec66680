/*
 * Arguments of Megatron in YAML: MODEL_ARGS of Megatron-LM's tests and Megatron-MoE-ModelZoo ("--num-layers: 61"),
 * experiments of Primus, whose model and trainer stand in files of their own, and the configurations of Megatron-Bridge
 * and NeMo ("model: {num_layers: 61}"). Keys are gathered first, the later value before the earlier; each then becomes
 * an argument.
 */
#include "megatron_yaml.h"

#include <string.h>

#include "megatron.h"
#include "notation/yaml_tree.h"
#include "place.h"
#include "primus.h"
#include "yaml_text.h"

typedef struct {
  JsonObject *keys; /* key, without dashes and with _ -> value, in the order in which they came first */
  YamlText text;
  gboolean defaults;     /* the file at hand lists the defaults of all arguments */
  GHashTable *untouched; /* keys whose value is such a default */
  const char *cluster;   /* of an experiment of Primus; NULL: none */
} Reader;

/* ---- gathering ------------------------------------------------------------------------------- */

static gboolean is_nothing(const char *value)
{
  static const char *const words[] = {"", "null", "Null", "NULL", "None", "~", "???", NULL};

  return g_strv_contains(words, value);
}

static void merge_map(Reader *reader, const char *section, JsonObject *map);

static void merge_key(Reader *reader, const char *section, const char *key, JsonNode *value)
{
  const char *known = megatron_yaml_key_in(section, key);
  g_autofree char *plain = g_strdelimit(g_strdup(known + strspn(known, "-")), "-", '_');

  if (megatron_yaml_is_foreign(plain))
    return;
  if (reader->defaults)
    g_hash_table_add(reader->untouched, g_strdup(plain));
  else
    g_hash_table_remove(reader->untouched, plain);
  if (JSON_NODE_HOLDS_OBJECT(value))
    merge_map(reader, key, json_node_get_object(value));
  else if (known == key || !JSON_NODE_HOLDS_VALUE(value) || !is_nothing(json_node_get_string(value)))
    json_object_set_member(reader->keys, plain, json_node_copy(value));
}

static void merge_map(Reader *reader, const char *section, JsonObject *map)
{
  g_autoptr(GList) members = json_object_get_members(map);
  JsonObject *around = reader->text.here;

  reader->text.here = map;
  for (GList *member = members; member; member = member->next) {
    JsonNode *value = json_object_get_member(map, member->data);
    g_autofree char *text = JSON_NODE_HOLDS_VALUE(value) ? yaml_text(&reader->text, json_node_get_string(value)) : NULL;
    g_autoptr(JsonNode) resolved = text ? json_node_init_string(json_node_alloc(), text) : json_node_copy(value);

    merge_key(reader, section, member->data, resolved);
  }
  reader->text.here = around;
}

static void take_layer(void *data, const char *path, JsonObject *map)
{
  Reader *reader = data;

  reader->defaults = path && megatron_yaml_is_defaults(path);
  merge_map(reader, NULL, map);
  reader->defaults = FALSE;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static gboolean is_true(const char *value)
{
  return g_ascii_strcasecmp(value, "true") == 0 || g_ascii_strcasecmp(value, "yes") == 0;
}

static gboolean is_false(const char *value)
{
  return g_ascii_strcasecmp(value, "false") == 0 || g_ascii_strcasecmp(value, "no") == 0;
}

static char *argument_name(const char *key)
{
  const char *known = megatron_yaml_name(key);

  return known ? g_strconcat("--", known, NULL) : g_strdelimit(g_strconcat("--", key, NULL), "_", '-');
}

static gboolean is_pattern(const char *name)
{
  return strcmp(name, "--moe-layer-freq") == 0 || strcmp(name, "--window-attn-skip-freq") == 0;
}

/* "[a b c]" is a list, except where Megatron evaluates it; quotes may be meant for a shell. */
static void add_values(GPtrArray *words, const char *name, const char *text)
{
  gsize length = strlen(text);

  if (length > 1 && text[0] == '\'' && text[length - 1] == '\'') {
    g_autofree char *plain = g_strndup(text + 1, length - 2);

    add_values(words, name, plain);
    return;
  }
  if (length < 2 || text[0] != '[' || text[length - 1] != ']' || is_pattern(name)) {
    g_ptr_array_add(words, g_strdup(text));
    return;
  }
  g_autofree char *inside = g_strndup(text + 1, length - 2);
  g_auto(GStrv) values = g_strsplit_set(inside, ", ", -1);

  for (char **value = values; *value; value++)
    if (**value)
      g_ptr_array_add(words, g_strdup(*value));
}

static void add_flag(GPtrArray *words, const char *key, gboolean on)
{
  g_autofree char *name = argument_name(key);
  const char *word = NULL;
  gboolean known = megatron_yaml_switch(key, on, &word);

  if (known && word)
    g_ptr_array_add(words, g_strdup(word));
  else if (!known && on)
    g_ptr_array_add(words, g_strdup(name));
}

/* Arguments between blanks; NULL: none. */
static void add_words(GPtrArray *words, const char *text)
{
  g_auto(GStrv) each = text ? g_strsplit(text, " ", -1) : NULL;

  for (char **word = each; word && *word; word++)
    g_ptr_array_add(words, g_strdup(*word));
}

static void add_leaf(GPtrArray *words, const char *key, const char *text)
{
  g_autofree char *name = argument_name(key);
  const MegatronOption *option = megatron_option(name);
  gboolean flag = option && option->kind == MEGATRON_FLAG, digit = strcmp(text, "1") == 0 || strcmp(text, "0") == 0;
  const char *word = NULL;

  if (is_nothing(text))
    return;
  if (megatron_yaml_word(key, text, &word)) {
    add_words(words, word);
  } else if (is_true(text) || is_false(text) || (flag && digit)) {
    add_flag(words, key, is_true(text) || strcmp(text, "1") == 0);
  } else {
    g_ptr_array_add(words, g_strdup(name));
    add_values(words, name, text);
  }
}

/* Lists of values: several of one argument, or a pattern of 0 and 1. */
static void add_list(GPtrArray *words, const char *key, JsonArray *list)
{
  g_autofree char *name = argument_name(key);
  gboolean pattern = is_pattern(name);
  g_autoptr(GString) text = g_string_new("[");
  guint n = json_array_get_length(list);

  if (n == 0)
    return;
  g_ptr_array_add(words, g_strdup(name));
  for (guint i = 0; i < n; i++) {
    JsonNode *element = json_array_get_element(list, i);
    const char *value = JSON_NODE_HOLDS_VALUE(element) ? json_node_get_string(element) : "";

    g_string_append_printf(text, "%s%s", i > 0 ? "," : "", value);
    if (!pattern && *value)
      g_ptr_array_add(words, g_strdup(value));
  }
  g_string_append_c(text, ']');
  if (pattern)
    g_ptr_array_add(words, g_strdup(text->str));
}

/* A default of Primus that no argument here stands for: it is counted, not repeated. */
static gboolean is_untouched(const Reader *reader, const char *key, JsonNode *value)
{
  g_autofree char *name = argument_name(key);
  const char *text = JSON_NODE_HOLDS_VALUE(value) ? json_node_get_string(value) : "", *word = NULL;

  return g_hash_table_contains(reader->untouched, key) && !megatron_option(name) &&
         !megatron_yaml_switch(key, TRUE, &word) && !megatron_yaml_word(key, text, &word);
}

static char **take_words(const Reader *reader)
{
  JsonObject *keys = reader->keys;
  guint untouched = 0;
  GPtrArray *words = g_ptr_array_new();
  g_autoptr(GList) members = json_object_get_members(keys);

  for (GList *member = members; member; member = member->next) {
    JsonNode *value = json_object_get_member(keys, member->data);

    if (is_untouched(reader, member->data, value))
      untouched++;
    else if (JSON_NODE_HOLDS_ARRAY(value))
      add_list(words, member->data, json_node_get_array(value));
    else if (JSON_NODE_HOLDS_VALUE(value))
      add_leaf(words, member->data, json_node_get_string(value));
  }
  if (json_object_has_member(keys, "num_query_groups") && !json_object_has_member(keys, "group_query_attention"))
    g_ptr_array_add(words, g_strdup("--group-query-attention")); /* configurations of a model have no switch for it */
  if (untouched > 0) {
    g_ptr_array_add(words, g_strdup("--primus-defaults"));
    g_ptr_array_add(words, g_strdup_printf("%u", untouched));
  }
  if (reader->cluster) {
    g_ptr_array_add(words, g_strdup("--primus-cluster"));
    g_ptr_array_add(words, g_strdup(reader->cluster));
  }
  g_ptr_array_add(words, NULL);
  return (char **)g_ptr_array_free(words, FALSE);
}

static gboolean has_model(JsonObject *keys)
{
  return json_object_has_member(keys, "num_layers") || json_object_has_member(keys, "hybrid_layer_pattern") ||
         json_object_has_member(keys, "hybrid_override_pattern");
}

/* ---- a file ---------------------------------------------------------------------------------- */

/* The part of a file that holds arguments. */
static void merge_root(Reader *reader, Primus *primus, JsonObject *root)
{
  JsonNode *arguments = json_object_get_member(root, "MODEL_ARGS"), *modules = json_object_get_member(root, "modules");

  if (arguments && JSON_NODE_HOLDS_OBJECT(arguments)) {
    merge_map(reader, NULL, json_node_get_object(arguments));
  } else if (modules && JSON_NODE_HOLDS_OBJECT(modules)) {
    primus_modules(primus, json_node_get_object(modules));
  } else {
    primus_bases(primus, "", root);
    merge_map(reader, NULL, root);
  }
}

/* The words of a map; NULL and *error. */
static char **read_root(JsonObject *root, const char *name, const char *const *given, const MoeImportFiles *files,
                        GError **error)
{
  g_autoptr(JsonObject) keys = json_object_new();
  g_autoptr(GHashTable) untouched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  Reader reader = {.keys = keys, .untouched = untouched, .text = {.given = given, .root = root}};
  Primus primus = {.framework = "megatron",
                   .files = files,
                   .name = name,
                   .text = &reader.text,
                   .layer = take_layer,
                   .data = &reader,
                   .left = PRIMUS_MAX_FILES};

  merge_root(&reader, &primus, root);
  if (!primus.error && json_object_has_member(root, "model") && !has_model(keys))
    moe_fail(&primus.error, MOE_ERROR_INPUT, (MoeMark){.file = name},
             "no num_layers: this file changes a recipe that stands elsewhere, expected the whole configuration, as "
             "Megatron-Bridge writes it beside a checkpoint (run_config.yaml)");
  if (!primus.error && json_object_has_member(root, "modules"))
    reader.cluster = primus_cluster(name);
  if (!primus.error)
    return take_words(&reader);
  g_propagate_error(error, primus.error);
  return NULL;
}

char **moe_import_yaml_words(const char *text, gsize length, const char *name, const char *const *given,
                             const MoeImportFiles *files, GError **error)
{
  g_autoptr(JsonNode) root = moe_yaml_parse(text, length, MOE_IMPORT_MAX_BYTES, name, error);

  if (!root)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = name, .line = 1, .column = 1},
             "no map, expected one such as model: {num_layers: 32}");
    return NULL;
  }
  char **words = read_root(json_node_get_object(root), name, given, files, error);

  if (!words)
    import_place(&(const MoeImportText){text, length, name}, error);
  return words;
}
