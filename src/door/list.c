/* What ships, and the words that keys take. */
#include "doc/doc.h"
#include "internal.h"
#include "schedule/schedule.h"
#include "spec/precision.h"
#include "spec/spec.h"

#include "record/json.h"
#include "study/listing.h"

#include <string.h>

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
  g_autoptr(GPtrArray) listed = moe_list_files(request->data_dir, "models", TRUE, FALSE);

  moe_json_open_array(builder, "models");
  for (guint i = 0; i < listed->len; i++)
    add_model(builder, request, ((const MoeListed *)g_ptr_array_index(listed, i))->name);
  json_builder_end_array(builder);
}

/* Names of the files right in a folder. */
static void add_names(JsonBuilder *builder, const MoeRequest *request, const char *folder)
{
  g_autoptr(GPtrArray) listed = moe_list_files(request->data_dir, folder, FALSE, FALSE);

  moe_json_open_array(builder, folder);
  for (guint i = 0; i < listed->len; i++)
    json_builder_add_string_value(builder, ((const MoeListed *)g_ptr_array_index(listed, i))->name);
  json_builder_end_array(builder);
}

/* What a run can name: variants, and software that has none. */
static void add_stacks(JsonBuilder *builder, const MoeRequest *request)
{
  g_autoptr(GPtrArray) listed = moe_list_stacks(request->data_dir);

  moe_json_open_array(builder, "stacks");
  for (guint i = 0; i < listed->len; i++) {
    const char *name = ((const MoeListed *)g_ptr_array_index(listed, i))->name;
    const char *next = i + 1 < listed->len ? ((const MoeListed *)g_ptr_array_index(listed, i + 1))->name : "";

    if (strchr(name, ':') || !strchr(next, ':'))
      json_builder_add_string_value(builder, name);
  }
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
    add_stacks(builder, request);
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
