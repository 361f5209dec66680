/* Which files stand on one: those around it that say so. */
#include "doc/extenders.h"

#include <string.h>

/* A file that is looked through for what it extends; larger ones hold data. */
#define MAX_FILE_BYTES (4 * 1024 * 1024)

/* The text behind "extends:" that begins at `at`, without quotes and comment; ends at whitespace, a comma or a brace.
 */
static char *extended_name(const char *at)
{
  at += strspn(at, " \"'");
  return g_strndup(at, strcspn(at, " \t\r\n,}\"'#"));
}

static gboolean names_base(const char *directory, const char *name, const char *base)
{
  g_autofree char *file = g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml")
                              ? g_strdup(name)
                              : g_strconcat(name, ".yaml", NULL);
  g_autofree char *path = g_canonicalize_filename(file, directory);

  return strcmp(path, base) == 0;
}

/* Whether the file says `extends:` of the base anywhere. */
static gboolean extends_base(const char *directory, const char *path, const char *base)
{
  static const char word[] = "extends:";
  g_autofree char *text = NULL;
  gsize length = 0;

  if (strcmp(path, base) == 0 || !g_file_get_contents(path, &text, &length, NULL) || length > MAX_FILE_BYTES)
    return FALSE;
  for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
    g_autofree char *name = extended_name(at + strlen(word));

    if (*name && names_base(directory, name, base))
      return TRUE;
  }
  return FALSE;
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Appends the files of a folder that stand on the base, by name. */
static void find_in(const char *directory, const char *base, GPtrArray *found)
{
  g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
  const char *name;

  while (dir && (name = g_dir_read_name(dir)))
    if (g_str_has_suffix(name, ".yaml"))
      g_ptr_array_add(names, g_build_filename(directory, name, NULL));
  g_ptr_array_sort(names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (extends_base(directory, g_ptr_array_index(names, i), base))
      g_ptr_array_add(found, g_strdup(g_ptr_array_index(names, i)));
}

/* The folders of a folder, in order. */
static GPtrArray *folders_of(const char *directory)
{
  GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
  const char *name;

  while (dir && (name = g_dir_read_name(dir))) {
    g_autofree char *path = g_build_filename(directory, name, NULL);

    if (name[0] != '.' && g_file_test(path, G_FILE_TEST_IS_DIR))
      g_ptr_array_add(folders, g_steal_pointer(&path));
  }
  g_ptr_array_sort(folders, compare_names);
  return folders;
}

GPtrArray *moe_doc_extenders(const char *file)
{
  GPtrArray *found = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *base = g_canonicalize_filename(file, NULL);
  g_autofree char *directory = g_path_get_dirname(base);
  g_autofree char *above = g_path_get_dirname(directory);
  g_autofree char *beyond = g_path_get_dirname(above);
  g_autoptr(GPtrArray) beside = folders_of(beyond);

  find_in(directory, base, found);
  find_in(above, base, found);
  for (guint i = 0; i < beside->len; i++)
    if (strcmp(g_ptr_array_index(beside, i), above) != 0)
      find_in(g_ptr_array_index(beside, i), base, found);
  return found;
}
