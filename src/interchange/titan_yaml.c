/* Experiments of Primus with torchtitan: the sections of torchtitan's TOML, in YAML of several files. */
#include "titan_yaml.h"

#include "notation/yaml_tree.h"
#include "primus.h"

#include <string.h>

typedef struct {
  JsonObject *root; /* sections, the later value before the earlier */
  YamlText text;
} Reader;

static gboolean is_nothing(const char *value)
{
  static const char *const words[] = {"", "null", "Null", "NULL", "None", "~", NULL};

  return g_strv_contains(words, value);
}

static JsonObject *section_of(JsonObject *to, const char *key)
{
  JsonNode *node = json_object_get_member(to, key);

  if (!node || !JSON_NODE_HOLDS_OBJECT(node))
    json_object_set_object_member(to, key, json_object_new());
  return json_object_get_object_member(to, key);
}

/* Values over those of `to`; what is null is torchtitan's own default again. */
static void merge(Reader *reader, JsonObject *to, JsonObject *from)
{
  g_autoptr(GList) members = json_object_get_members(from);

  for (GList *member = members; member; member = member->next) {
    const char *key = member->data;
    JsonNode *value = json_object_get_member(from, key);

    if (JSON_NODE_HOLDS_OBJECT(value)) {
      merge(reader, section_of(to, key), json_node_get_object(value));
    } else if (JSON_NODE_HOLDS_VALUE(value)) {
      reader->text.here = from;
      g_autofree char *text = yaml_text(&reader->text, json_node_get_string(value));

      if (is_nothing(text) && json_object_has_member(to, key))
        json_object_remove_member(to, key);
      else if (!is_nothing(text))
        json_object_set_string_member(to, key, text);
    } else if (JSON_NODE_HOLDS_ARRAY(value)) {
      json_object_set_member(to, key, json_node_copy(value));
    }
  }
}

static void take_layer(void *data, const char *path, JsonObject *map)
{
  Reader *reader = data;

  merge(reader, reader->root, map);
  if (path)
    for (const char *const *word = (const char *const[]){"extends", "bases", "includes", NULL}; *word; word++)
      if (json_object_has_member(reader->root, *word))
        json_object_remove_member(reader->root, *word);
}

gboolean titan_is_yaml(const MoeImportText *file)
{
  return g_str_has_suffix(file->name, ".yaml") || g_str_has_suffix(file->name, ".yml") ||
         g_strstr_len(file->text, (gssize)file->length, "framework: torchtitan");
}

JsonNode *titan_yaml(const MoeImportText *file, const MoeImportFiles *files, GError **error)
{
  g_autoptr(JsonNode) experiment = moe_yaml_parse(file->text, file->length, MOE_IMPORT_MAX_BYTES, file->name, error);
  JsonObject *root = experiment && JSON_NODE_HOLDS_OBJECT(experiment) ? json_node_get_object(experiment) : NULL;
  JsonNode *modules = root ? json_object_get_member(root, "modules") : NULL;

  if (experiment && (!modules || !JSON_NODE_HOLDS_OBJECT(modules)))
    moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = file->name, .line = 1, .column = 1},
             "no map \"modules\", expected TOML of torchtitan or an experiment of Primus");
  if (!modules || !JSON_NODE_HOLDS_OBJECT(modules))
    return NULL;
  JsonNode *made = json_node_init_object(json_node_alloc(), json_object_new());
  Reader reader = {.root = json_node_get_object(made), .text = {.root = root}};
  Primus primus = {.framework = "torchtitan",
                   .files = files,
                   .name = file->name,
                   .text = &reader.text,
                   .layer = take_layer,
                   .data = &reader,
                   .left = PRIMUS_MAX_FILES};

  json_object_unref(reader.root); /* the node has taken its own */
  primus_modules(&primus, json_node_get_object(modules));
  if (!primus.error)
    return made;
  json_node_unref(made);
  g_propagate_error(error, primus.error);
  return NULL;
}
