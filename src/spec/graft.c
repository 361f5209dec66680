/* Clusters, accelerators and stacks are named in a run; here their documents are found and put in the place of their
 * names. */
#include "internal.h"

#include <string.h>

#define SUFFIX       ".yaml"
#define SHORT_SUFFIX ".yml"

/* Where names are looked up. Borrowed. */
typedef struct {
  const char *folder;   /* "clusters" */
  const char *run_file; /* of the root of the document */
  const char *named_in; /* where the name is written */
  const char *data_dir;
} Lookup;

/* ---- finding ----------------------------------------------------------------------------------------------------- */

static char *try_directory(const char *directory, const char *folder, const char *name)
{
  g_autofree char *file = g_strconcat(name, SUFFIX, NULL);
  g_autofree char *path = g_build_filename(directory, folder, file, NULL);

  return g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&path) : NULL;
}

/* The directory of `file` and each above it. NULL when `file` is no file (a command line, a text in memory). */
static char *try_ancestors(const char *file, const char *folder, const char *name)
{
  if (!file || !g_file_test(file, G_FILE_TEST_EXISTS))
    return NULL;
  g_autofree char *whole = g_canonicalize_filename(file, NULL);
  g_autofree char *directory = g_path_get_dirname(whole);
  for (;;) {
    g_autofree char *found = try_directory(directory, folder, name);
    char *above = g_path_get_dirname(directory);
    gboolean top = strcmp(above, directory) == 0;
    g_free(directory);
    directory = above;
    if (found || top)
      return g_steal_pointer(&found);
  }
}

static gboolean is_path(const char *name)
{
  return strchr(name, G_DIR_SEPARATOR) || g_str_has_suffix(name, SUFFIX) || g_str_has_suffix(name, SHORT_SUFFIX);
}

/* A path is relative to the file it is written in, and may leave out its suffix. */
static char *resolve_path(const Lookup *lookup, const char *path)
{
  gboolean complete = g_str_has_suffix(path, SUFFIX) || g_str_has_suffix(path, SHORT_SUFFIX);
  g_autofree char *file = g_strconcat(path, complete ? "" : SUFFIX, NULL);

  if (g_path_is_absolute(file) || !lookup->named_in || !g_file_test(lookup->named_in, G_FILE_TEST_EXISTS))
    return g_steal_pointer(&file);
  g_autofree char *directory = g_path_get_dirname(lookup->named_in);
  return g_build_filename(directory, file, NULL);
}

static char *find_file(const Lookup *lookup, const char *name)
{
  if (is_path(name))
    return resolve_path(lookup, name);
  g_autofree char *found = try_ancestors(lookup->run_file, lookup->folder, name);
  if (!found)
    found = try_ancestors(lookup->named_in, lookup->folder, name);
  if (!found && lookup->data_dir)
    found = try_directory(lookup->data_dir, lookup->folder, name);
  return g_steal_pointer(&found);
}

/* ---- not found --------------------------------------------------------------------------------------------------- */

static void add_names(const char *directory, const char *folder, GPtrArray *names)
{
  g_autofree char *path = g_build_filename(directory, folder, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *entry;

  while (dir && (entry = g_dir_read_name(dir)))
    if (g_str_has_suffix(entry, SUFFIX))
      g_ptr_array_add(names, g_strndup(entry, strlen(entry) - strlen(SUFFIX)));
}

static void add_ancestors_names(const char *file, const char *folder, GPtrArray *names)
{
  if (!file || !g_file_test(file, G_FILE_TEST_EXISTS))
    return;
  g_autofree char *directory = g_canonicalize_filename(file, NULL);
  do {
    char *above = g_path_get_dirname(directory);
    g_free(directory);
    directory = above;
    add_names(directory, folder, names);
  } while (strcmp(directory, G_DIR_SEPARATOR_S) != 0);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean fail_lookup(const Lookup *lookup, const char *name, MoeMark mark, GError **error)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

  add_ancestors_names(lookup->run_file, lookup->folder, names);
  if (lookup->data_dir)
    add_names(lookup->data_dir, lookup->folder, names);
  g_ptr_array_sort(names, compare_names);
  g_ptr_array_add(names, NULL);
  const char *nearest = moe_nearest_word(name, (const char *const *)names->pdata);
  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no file %s/%s" SUFFIX ", did you mean \"%s\"?", lookup->folder, name,
                    nearest);
  return moe_fail(error, MOE_ERROR_INPUT, mark,
                  "no file %s/%s" SUFFIX
                  ", expected one beside the run, in a directory above it, or in the data directory",
                  lookup->folder, name);
}

/* ---- grafting ---------------------------------------------------------------------------------------------------- */

/* "clusters/gb200-nvl72.yaml" is called gb200-nvl72. */
static char *name_of_file(const char *path)
{
  char *name = g_path_get_basename(path);

  if (g_str_has_suffix(name, SUFFIX) || g_str_has_suffix(name, SHORT_SUFFIX))
    *strrchr(name, '.') = '\0';
  return name;
}

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

/* The document called `name`, with its name among its keys. */
static MoeDoc *load_named(const MoeDoc *into, const Lookup *lookup, const char *name, MoeMark mark, GError **error)
{
  g_autofree char *path = find_file(lookup, name);

  if (!path) {
    fail_lookup(lookup, name, mark, error);
    return NULL;
  }
  g_autoptr(MoeDoc) doc = moe_doc_load_within(path, moe_doc_confined(into), error);
  if (!doc)
    return NULL;
  g_autofree char *short_name = name_of_file(path);
  if (!moe_node_get(moe_doc_root(doc), "name") && !moe_doc_put(doc, "name", path, short_name, error))
    return NULL;
  return g_steal_pointer(&doc);
}

/* The base that an inline map extends, with the map on top. */
static MoeDoc *load_extended(MoeDoc *doc, const Lookup *lookup, MoeNode *map, const MoeNode *extends, GError **error)
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
  Lookup lookup = {folder, moe_node_mark(moe_doc_root(doc)).file, mark.file, data_dir};
  const char *name = NULL;
  if (!extends && !moe_node_read_text(node, &name, error))
    return FALSE;
  g_autoptr(MoeDoc) grafted =
      extends ? load_extended(doc, &lookup, node, extends, error) : load_named(doc, &lookup, name, mark, error);
  return grafted && moe_doc_replace(doc, path, moe_doc_root(grafted), error);
}
