/* Where the shipped clusters, stacks and plot templates are. */
#include "cli.h"

/* A folder is ours when it holds the accelerators. */
static gboolean is_data_dir(const char *folder)
{
  g_autofree char *probe = g_build_filename(folder, "clusters", "accelerators", NULL);

  return g_file_test(probe, G_FILE_TEST_IS_DIR);
}

/* Walks up from the program: BUILD/src/cli/moesim lies below the source tree, PREFIX/bin/moesim beside
 * PREFIX/share/moesim. */
static char *find_above(const char *program)
{
  g_autofree char *folder = g_path_get_dirname(program);

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

char *moe_cli_data_dir(void)
{
  const char *chosen = g_getenv("MOESIM_DATA");

  if (chosen && *chosen)
    return g_strdup(chosen);
  g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
  char *found = program ? find_above(program) : NULL;

  if (found)
    return found;
  return is_data_dir(MOESIM_DATADIR) ? g_strdup(MOESIM_DATADIR) : NULL;
}
