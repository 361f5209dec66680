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

/* The name that a file extends, where it is a name and that of no file beside it; NULL otherwise. Belongs to `file`. */
static const MoeNode *extends_by_name(const MoeDoc *file, const char *path)
{
  const MoeNode *extends = file ? moe_node_get(moe_doc_root(file), "extends") : NULL;
  const char *name = extends ? moe_node_text(extends) : NULL;

  if (!name || moe_lookup_is_path(name))
    return NULL;
  g_autofree char *directory = g_path_get_dirname(path), *beside = g_strconcat(name, ".yaml", NULL);
  g_autofree char *neighbour = g_build_filename(directory, beside, NULL);
  return g_file_test(neighbour, G_FILE_TEST_EXISTS) ? NULL : extends;
}

/* A file that extends what lies in another folder by its name, as one's own cluster does with one that ships: `failed`
 * is what became of reading it as a file that extends others beside it. Each step leads from the folder of a file to
 * the folders above the run or the data folder, so `left` bounds a circle. */
static MoeDoc *load_over_name(const MoeLookup *lookup, const char *path, const char *within, guint left, GError *failed,
                              GError **error)
{
  g_autoptr(GError) reason = failed, inner = NULL;
  g_autoptr(MoeDoc) file = moe_doc_load_alone(path, (MoeMark){0}, within, NULL);
  const MoeNode *extends = extends_by_name(file, path);
  MoeLookup below = *lookup;

  below.named_in = path;
  g_autofree char *base = extends ? moe_lookup_file(&below, moe_node_text(extends)) : NULL;
  if (extends && !base) {
    moe_lookup_fail(&below, moe_node_text(extends), moe_node_mark(extends), error);
    return NULL;
  }
  if (!base || left == 0) {
    g_propagate_error(error, g_steal_pointer(&reason));
    return NULL;
  }
  g_autoptr(MoeDoc) doc = moe_doc_load_within(base, moe_node_mark(extends), within, &inner);
  if (!doc)
    doc = load_over_name(&below, base, within, left - 1, g_steal_pointer(&inner), error);
  if (!doc || !moe_doc_merge(doc, "", moe_doc_root(file), error))
    return NULL;
  moe_doc_remove(doc, moe_doc_root(doc), "extends");
  return g_steal_pointer(&doc);
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
  g_autoptr(GError) failed = NULL;
  MoeDoc *doc = moe_doc_load_within(path, mark, within, &failed);
  *short_name = moe_lookup_name(path);
  return doc ? doc : load_over_name(lookup, path, within, MOE_DOC_MAX_EXTENDS, g_steal_pointer(&failed), error);
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
