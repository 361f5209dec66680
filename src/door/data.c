/* Where the shipped models, clusters and stacks are. */
#include "internal.h"

#include <dlfcn.h>
#include <stdlib.h>

/* A folder is ours when it holds the accelerators. */
static gboolean is_data_dir(const char *folder)
{
  g_autofree char *probe = g_build_filename(folder, "clusters", "accelerators", NULL);

  return g_file_test(probe, G_FILE_TEST_IS_DIR);
}

/* Walks up from a program or library: BUILD/src/cli/moesim and BUILD/libmoesim.so lie below the source tree,
 * PREFIX/bin/moesim and PREFIX/lib/libmoesim.so beside PREFIX/share/moesim. */
static char *find_above(const char *file)
{
  g_autofree char *folder = g_path_get_dirname(file);

  for (;;) {
    g_autofree char *shared = g_build_filename(folder, "share", "moesim", NULL);

    if (is_data_dir(folder))
      return g_steal_pointer(&folder);
    if (is_data_dir(shared))
      return g_steal_pointer(&shared);
    char *parent = g_path_get_dirname(folder);

    if (g_str_equal(parent, folder)) {
      g_free(parent);
      return NULL;
    }
    g_free(folder);
    folder = parent;
  }
}

/* The file that this code was loaded from, links followed; NULL when it has no path. */
static char *own_file(void)
{
  static const char here = 0;
  Dl_info info;

  if (!dladdr(&here, &info) || !info.dli_fname || !g_strrstr(info.dli_fname, G_DIR_SEPARATOR_S))
    return NULL;
  char *whole = realpath(info.dli_fname, NULL);
  char *copy = g_strdup(whole);

  free(whole);
  return copy;
}

char *moe_data_dir(void)
{
  const char *chosen = g_getenv("MOESIM_DATA");

  if (chosen && *chosen)
    return g_strdup(chosen);
  g_autofree char *library = own_file();
  char *found = library ? find_above(library) : NULL;
  g_autofree char *program = found ? NULL : g_file_read_link("/proc/self/exe", NULL);

  if (!found && program)
    found = find_above(program);
  if (found)
    return found;
  return is_data_dir(MOESIM_DATADIR) ? g_strdup(MOESIM_DATADIR) : NULL;
}
