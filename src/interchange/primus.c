/* Experiments of Primus: which files count, and in which order. */
#include "primus.h"

#include "notation/yaml_tree.h"

#include <string.h>

const char *primus_cluster(const char *path)
{
  static const char *const clusters[] = {"mi355x", "mi325x", "mi300x"};
  g_autofree char *lower = g_ascii_strdown(path, -1);

  for (gsize i = 0; i < G_N_ELEMENTS(clusters); i++)
    if (strstr(lower, clusters[i]))
      return clusters[i];
  return clusters[G_N_ELEMENTS(clusters) - 1];
}

/* A file that another names; what cannot be found is an error, since it has the model. */
static void read_file(Primus *primus, const char *folder, const char *file)
{
  g_autofree char *path = *folder ? g_build_filename(folder, file, NULL) : g_strdup(file);
  gsize length = 0;

  if (primus->error)
    return;
  if (primus->left-- == 0) {
    moe_fail(&primus->error, MOE_ERROR_INPUT, (MoeMark){.file = primus->name},
             "more than %d files up to %s, expected files that do not name each other in a circle", PRIMUS_MAX_FILES,
             path);
    return;
  }
  g_autofree char *text = primus->files ? primus->files->read(primus->files->data, path, &length) : NULL;

  if (!text) {
    moe_fail(&primus->error, MOE_ERROR_INPUT, (MoeMark){.file = primus->name},
             "%s cannot be read, expected it beside this file or in a folder above", path);
    return;
  }
  g_autoptr(JsonNode) root = moe_yaml_parse(text, length, MOE_IMPORT_MAX_BYTES, path, &primus->error);
  g_autofree char *beside = g_path_get_dirname(path);

  if (!root)
    return;
  if (!JSON_NODE_HOLDS_OBJECT(root)) {
    moe_fail(&primus->error, MOE_ERROR_INPUT, (MoeMark){.file = path, .line = 1, .column = 1},
             "no map, expected keys such as num_layers: 32");
    return;
  }
  primus_bases(primus, strcmp(beside, ".") == 0 ? "" : beside, json_node_get_object(root));
  primus->layer(primus->data, path, json_node_get_object(root));
}

void primus_bases(Primus *primus, const char *folder, JsonObject *root)
{
  static const char *const words[] = {"extends", "bases", "includes"};

  for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
    JsonNode *bases = json_object_get_member(root, words[i]);
    JsonArray *list = bases && JSON_NODE_HOLDS_ARRAY(bases) ? json_node_get_array(bases) : NULL;

    for (guint j = 0; list && j < json_array_get_length(list); j++)
      if (JSON_NODE_HOLDS_VALUE(json_array_get_element(list, j)))
        read_file(primus, folder, json_array_get_string_element(list, j));
    if (bases && JSON_NODE_HOLDS_VALUE(bases))
      read_file(primus, folder, json_node_get_string(bases));
  }
}

static char *member_text(const Primus *primus, JsonObject *map, const char *key)
{
  JsonNode *node = json_object_get_member(map, key);

  return node && JSON_NODE_HOLDS_VALUE(node) ? yaml_text(primus->text, json_node_get_string(node)) : NULL;
}

/* Frameworks whose experiments one of the importers reads. */
static const char *importer_of(const char *framework)
{
  return g_str_has_prefix(framework, "torchtitan") ? ", which import torchtitan reads"
         : g_str_has_prefix(framework, "megatron") ? ", which import megatron reads"
                                                   : "";
}

static void read_module(Primus *primus, const char *module, JsonObject *map)
{
  g_autofree char *framework = member_text(primus, map, "framework");
  g_autofree char *config = member_text(primus, map, "config"), *model = member_text(primus, map, "model");
  const char *folder = framework ? framework : primus->framework;
  g_autofree char *configs = g_build_filename("primus/configs/modules", folder, NULL);
  g_autofree char *models = g_build_filename("primus/configs/models", folder, NULL);
  JsonNode *overrides = json_object_get_member(map, "overrides");

  if (!g_str_has_prefix(folder, primus->framework)) {
    moe_fail_about(&primus->error, module, "framework %.40s%s, expected %s", folder, importer_of(folder),
                   primus->framework);
    return;
  }
  if (config && model)
    read_file(primus, configs, config);
  if (model)
    read_file(primus, models, model);
  if (!primus->error && overrides && JSON_NODE_HOLDS_OBJECT(overrides))
    primus->layer(primus->data, NULL, json_node_get_object(overrides));
}

void primus_modules(Primus *primus, JsonObject *modules)
{
  g_autoptr(GList) members = json_object_get_members(modules);

  for (GList *member = members; member && !primus->error; member = member->next) {
    JsonNode *node = json_object_get_member(modules, member->data);

    if (JSON_NODE_HOLDS_OBJECT(node))
      read_module(primus, member->data, json_node_get_object(node));
  }
}
