/* Clusters, accelerators and stacks are named in a run; here their documents are found and put in the place of their
 * names. */
#include "internal.h"

#include <string.h>

/* ---- grafting ---------------------------------------------------------------------------------------------------- */

/* Bytes above ASCII stay as they are in YAML double quotes, which know no octal escapes. */
static char *yaml_quote(const char *text)
{
  char high[129];

  for (int i = 0; i < 128; i++)
    high[i] = (char)(128 + i);
  high[128] = '\0';
  g_autofree char *escaped = g_strescape(text, high);
  return g_strdup_printf("\"%s\"", escaped);
}

gboolean moe_doc_put(MoeDoc *doc, const char *path, const char *origin, const char *value, GError **error)
{
  g_autofree char *quoted = yaml_quote(value);
  g_autofree char *text = g_strconcat("value: ", quoted, "\n", NULL);
  g_autoptr(MoeDoc) holder = moe_doc_parse(text, -1, origin, NULL, error);

  return holder && moe_doc_replace(doc, path, moe_node_get(moe_doc_root(holder), "value"), error);
}

/* The document called `name`. */
static MoeDoc *load_plain(const MoeLookup *lookup, const char *name, MoeMark mark, const char *within,
                          char **short_name, GError **error)
{
  g_autofree char *path = moe_lookup_file(lookup, name);

  if (!path) {
    moe_lookup_fail(lookup, name, mark, error);
    return NULL;
  }
  *short_name = moe_lookup_name(path);
  return moe_doc_load_within(path, within, error);
}

/* The same with its name among its keys. */
static MoeDoc *load_named(const MoeDoc *into, const MoeLookup *lookup, const char *name, MoeMark mark, GError **error)
{
  gboolean software = strcmp(lookup->folder, MOE_STACK_FOLDER) == 0;
  const char *within = moe_doc_confined(into);
  g_autofree char *short_name = NULL;
  g_autoptr(MoeDoc) doc = software ? moe_software_load(lookup, name, mark, within, &short_name, error)
                                   : load_plain(lookup, name, mark, within, &short_name, error);

  if (!doc)
    return NULL;
  MoeMark root = moe_node_mark(moe_doc_root(doc));
  if (!moe_node_get(moe_doc_root(doc), "name") && !moe_doc_put(doc, "name", root.file, short_name, error))
    return NULL;
  return g_steal_pointer(&doc);
}

/* The base that an inline map extends, with the map on top. */
static MoeDoc *load_extended(MoeDoc *doc, const MoeLookup *lookup, MoeNode *map, const MoeNode *extends, GError **error)
{
  const char *name = NULL;

  if (!moe_node_read_text(extends, &name, error))
    return NULL;
  g_autoptr(MoeDoc) base = load_named(doc, lookup, name, moe_node_mark(extends), error);
  if (!base)
    return NULL;
  moe_doc_remove(doc, map, "extends");
  return moe_doc_merge(base, "", map, error) ? g_steal_pointer(&base) : NULL;
}

gboolean moe_graft(MoeDoc *doc, const char *path, const char *folder, const char *data_dir, GError **error)
{
  MoeNode *node = moe_doc_find(doc, path);
  const MoeNode *extends = node ? moe_node_get(node, "extends") : NULL;

  if (!node || (moe_node_kind(node) == MOE_NODE_MAP && !extends))
    return TRUE;
  MoeMark mark = moe_node_mark(extends ? extends : node);
  MoeLookup lookup = {folder, moe_node_mark(moe_doc_root(doc)).file, mark.file, data_dir};
  const char *name = NULL;
  if (!extends && !moe_node_read_text(node, &name, error))
    return FALSE;
  g_autoptr(MoeDoc) grafted =
      extends ? load_extended(doc, &lookup, node, extends, error) : load_named(doc, &lookup, name, mark, error);
  return grafted && moe_doc_replace(doc, path, moe_doc_root(grafted), error);
}
