/* Files of clusters, accelerators, fabrics and stacks by the names that runs give them, and what is near a wrong one.
 */
#include "internal.h"

#include <string.h>

#define SUFFIX       ".yaml"
#define SHORT_SUFFIX ".yml"

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

gboolean moe_lookup_is_path(const char *name)
{
  return strchr(name, G_DIR_SEPARATOR) || g_str_has_suffix(name, SUFFIX) || g_str_has_suffix(name, SHORT_SUFFIX);
}

/* A path is relative to the file it is written in, and may leave out its suffix. */
static char *resolve_path(const MoeLookup *lookup, const char *path)
{
  gboolean complete = g_str_has_suffix(path, SUFFIX) || g_str_has_suffix(path, SHORT_SUFFIX);
  g_autofree char *file = g_strconcat(path, complete ? "" : SUFFIX, NULL);

  if (g_path_is_absolute(file) || !lookup->named_in || !g_file_test(lookup->named_in, G_FILE_TEST_EXISTS))
    return g_steal_pointer(&file);
  g_autofree char *directory = g_path_get_dirname(lookup->named_in);
  return g_build_filename(directory, file, NULL);
}

char *moe_lookup_file(const MoeLookup *lookup, const char *name)
{
  if (moe_lookup_is_path(name))
    return resolve_path(lookup, name);
  g_autofree char *found = try_ancestors(lookup->run_file, lookup->folder, name);
  if (!found)
    found = try_ancestors(lookup->named_in, lookup->folder, name);
  if (!found && lookup->data_dir)
    found = try_directory(lookup->data_dir, lookup->folder, name);
  return g_steal_pointer(&found);
}

char *moe_lookup_name(const char *path)
{
  char *name = g_path_get_basename(path);

  if (g_str_has_suffix(name, SUFFIX) || g_str_has_suffix(name, SHORT_SUFFIX))
    *strrchr(name, '.') = '\0';
  return name;
}

/* ---- not found --------------------------------------------------------------------------------------------------- */

/* "yolo:v4" for each variant of a stack's file. */
static void add_variants(const char *file, const char *name, GPtrArray *names)
{
  g_auto(GStrv) variants = moe_stack_variants(file, NULL);

  for (char **variant = variants; variant && *variant; variant++)
    g_ptr_array_add(names, g_strconcat(name, ":", *variant, NULL));
}

static void add_names(const char *directory, const char *folder, GPtrArray *names)
{
  g_autofree char *path = g_build_filename(directory, folder, NULL);
  g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
  const char *entry;

  while (dir && (entry = g_dir_read_name(dir))) {
    g_autofree char *file = g_build_filename(path, entry, NULL);

    if (!g_str_has_suffix(entry, SUFFIX))
      continue;
    char *name = g_strndup(entry, strlen(entry) - strlen(SUFFIX));
    g_ptr_array_add(names, name);
    if (strcmp(folder, MOE_STACK_FOLDER) == 0)
      add_variants(file, name, names);
  }
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

/* "h100" begins "h100-hgx"; NULL when it begins none. */
static const char *longer_name(const char *name, const GPtrArray *sorted)
{
  for (guint i = 0; *name && sorted->pdata[i]; i++)
    if (g_str_has_prefix(sorted->pdata[i], name))
      return sorted->pdata[i];
  return NULL;
}

gboolean moe_lookup_fail(const MoeLookup *lookup, const char *name, MoeMark mark, GError **error)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

  add_ancestors_names(lookup->run_file, lookup->folder, names);
  if (lookup->data_dir)
    add_names(lookup->data_dir, lookup->folder, names);
  g_ptr_array_sort(names, compare_names);
  g_ptr_array_add(names, NULL);
  const char *nearest = moe_nearest_word(name, (const char *const *)names->pdata);
  if (!nearest)
    nearest = longer_name(name, names);
  if (nearest)
    return moe_fail(error, MOE_ERROR_INPUT, mark, "no file %s/%s" SUFFIX ", did you mean \"%s\"?", lookup->folder, name,
                    nearest);
  return moe_fail(error, MOE_ERROR_INPUT, mark,
                  "no file %s/%s" SUFFIX
                  ", expected one beside the run, in a directory above it, or in the data directory",
                  lookup->folder, name);
}
