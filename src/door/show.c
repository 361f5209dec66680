/* The run that a request means, key by key, and as a file of its own. */
#include "doc/doc.h"
#include "internal.h"
#include "spec/spec.h"

#include "record/json.h"

#include <string.h>

static void add_leaf(JsonBuilder *builder, const char *key, const MoeNode *node)
{
  MoeMark mark = moe_node_mark(node);
  g_autofree char *flow = moe_node_print_flow(node);

  json_builder_begin_object(builder);
  moe_json_text(builder, "key", key);
  moe_json_text(builder, "value", moe_node_text(node) ? moe_node_text(node) : flow);
  moe_json_text(builder, "file", mark.file);
  moe_json_integer(builder, "line", mark.line);
  json_builder_end_object(builder);
}

/* One entry per value and per list of values, in the order of the files; what the run assumes is told by "sensitivity".
 */
static void add_values(JsonBuilder *builder, const char *key, const MoeNode *node)
{
  gboolean map = moe_node_kind(node) == MOE_NODE_MAP;

  if (moe_node_kind(node) == MOE_NODE_SCALAR || moe_node_is_flat_list(node)) {
    add_leaf(builder, key, node);
    return;
  }
  for (guint i = 0; i < moe_node_size(node); i++) {
    g_autofree char *child =
        map ? g_strdup_printf("%s%s%s", key, *key ? "." : "", moe_node_key(node, i)) : g_strdup_printf("%s.%u", key, i);

    if (strcmp(child, "assumptions") != 0)
      add_values(builder, child, moe_node_at(node, i));
  }
}

char *moe_door_show(const MoeRequest *request, GError **error)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();
  g_autoptr(MoeRun) run = moe_asked_load(request, "run", error);

  if (!run)
    return NULL;
  g_autofree char *yaml = moe_node_print(moe_doc_root(run->doc), FALSE);
  json_builder_begin_object(builder);
  moe_json_text(builder, "run", run->name);
  moe_json_text(builder, "variant", run->variant);
  moe_json_text(builder, "yaml", yaml);
  moe_json_open_array(builder, "values");
  add_values(builder, "", moe_doc_root(run->doc));
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return moe_json_finish(builder);
}
