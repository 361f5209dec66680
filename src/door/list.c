/* What ships, and the words that keys take. */
#include "internal.h"

#include <moesim/report_json.h>

#include <string.h>

#define MAX_DEPTH 8 /* of folders in models/ */

static gint compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files FOLDER/PREFIX...NAME.yaml as "PREFIX...NAME", folders in it included. */
static void collect(const char *folder, const char *prefix, guint depth, GPtrArray *names)
{
  g_autofree char *path = g_build_filename(folder, prefix, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);

  for (const char *entry = dir ? g_dir_read_name(dir) : NULL; entry; entry = g_dir_read_name(dir)) {
    g_autofree char *whole = g_build_filename(path, entry, NULL);
    g_autofree char *inside = *prefix ? g_strconcat(prefix, "/", entry, NULL) : g_strdup(entry);

    if (depth < MAX_DEPTH && g_file_test(whole, G_FILE_TEST_IS_DIR))
      collect(folder, inside, depth + 1, names);
    else if (g_str_has_suffix(entry, ".yaml"))
      g_ptr_array_add(names, g_strndup(inside, strlen(inside) - strlen(".yaml")));
  }
}

static GPtrArray *names_in(const MoeRequest *request, const char *folder)
{
  g_autofree char *path = g_build_filename(request->data_dir ? request->data_dir : ".", folder, NULL);
  GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

  collect(path, "", 0, names);
  g_ptr_array_sort(names, compare_names);
  return names;
}

static void add_text_of(JsonBuilder *builder, const MoeDoc *doc, const char *key, const char *path)
{
  const MoeNode *node = moe_doc_find(doc, path);

  moe_json_text(builder, key, node ? moe_node_text(node) : NULL);
}

/* What a run file says of itself; a file that is only there to be extended says less and is no run. */
static void add_model(JsonBuilder *builder, const MoeRequest *request, const char *name)
{
  g_autofree char *path = g_strdup_printf("%s/models/%s.yaml", request->data_dir, name);
  const MoeRunOptions options = {.data_dir = request->data_dir};
  g_autoptr(MoeRun) run = moe_run_load(path, &options, NULL);
  g_auto(GStrv) variants = run ? moe_run_variants(path, NULL) : NULL;

  if (!run)
    return;
  json_builder_begin_object(builder);
  moe_json_text(builder, "name", name);
  moe_json_text(builder, "title", run->title);
  add_text_of(builder, run->doc, "cluster", "cluster.name");
  add_text_of(builder, run->doc, "stack", "stack.name");
  moe_json_integer(builder, "gpus", run->parallelism.gpus);
  moe_json_open_array(builder, "variants");
  for (char **v = variants; v && *v; v++)
    json_builder_add_string_value(builder, *v);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static void add_models(JsonBuilder *builder, const MoeRequest *request)
{
  g_autoptr(GPtrArray) names = names_in(request, "models");

  moe_json_open_array(builder, "models");
  for (guint i = 0; i < names->len; i++)
    add_model(builder, request, g_ptr_array_index(names, i));
  json_builder_end_array(builder);
}

/* Names of the files right in a folder. */
static void add_names(JsonBuilder *builder, const MoeRequest *request, const char *folder)
{
  g_autoptr(GPtrArray) names = names_in(request, folder);

  moe_json_open_array(builder, folder);
  for (guint i = 0; i < names->len; i++)
    if (!strchr(g_ptr_array_index(names, i), '/'))
      json_builder_add_string_value(builder, g_ptr_array_index(names, i));
  json_builder_end_array(builder);
}

static void add_words(JsonBuilder *builder, const char *key, const char *const *words)
{
  moe_json_open_array(builder, key);
  for (guint i = 0; words[i]; i++)
    json_builder_add_string_value(builder, words[i]);
  json_builder_end_array(builder);
}

static const char *const kinds[] = {"models", "clusters", "stacks", "words", NULL};

static gboolean wants(const char *of, const char *kind)
{
  return !of || strcmp(of, kind) == 0;
}

char *moe_door_list(const MoeRequest *request, GError **error)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  const MoeNode *node = moe_request_get(request, "of");
  int word = -1;

  if (node && !moe_node_read_word(node, kinds, &word, error))
    return NULL;
  const char *of = word >= 0 ? kinds[word] : NULL;
  json_builder_begin_object(builder);
  if (wants(of, "models"))
    add_models(builder, request);
  if (wants(of, "clusters"))
    add_names(builder, request, "clusters");
  if (wants(of, "stacks"))
    add_names(builder, request, "stacks");
  if (wants(of, "words")) {
    add_words(builder, "schedules", moe_schedule_words);
    add_words(builder, "fidelities", moe_fidelity_words);
    add_words(builder, "precisions", moe_precision_words);
    add_words(builder, "objectives", moe_objective_words);
    add_words(builder, "spaces", moe_space_words);
  }
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
