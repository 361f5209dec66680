/* A folder of Chakra traces: a file per rank, and the groups beside them. */
#include "interchange/chakra.h"

#include <string.h>

static gboolean map_file(const char *path, GMappedFile **file, GError **error)
{
  *file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_mapped_file_new(path, FALSE, NULL) : NULL;
  return *file || moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected a file that can");
}

static gboolean read_rank(MoeChakra *chakra, const char *path, GError **error)
{
  g_autoptr(GMappedFile) file = NULL;

  if (!map_file(path, &file, error))
    return FALSE;
  const char *data = g_mapped_file_get_contents(file);
  gsize length = g_mapped_file_get_length(file);

  return g_str_has_suffix(path, ".json") ? moe_chakra_add_json(chakra, data ? data : "", length, path, error)
                                         : moe_chakra_add(chakra, data ? data : "", length, path, error);
}

static gboolean read_groups(MoeChakra *chakra, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "comm_group.json", NULL);
  g_autoptr(GMappedFile) file = NULL;

  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!map_file(path, &file, error))
    return FALSE;
  const char *text = g_mapped_file_get_contents(file);

  return moe_chakra_groups(chakra, text ? text : "", g_mapped_file_get_length(file), path, error);
}

static const char *const endings[] = {".et", ".json"}; /* protobuf goes before JSON */

/* What stands before ".0.et" in the folder, of several the first by name; NULL when there is no such file. */
static char *find_prefix(const char *folder, const char *ending)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autofree char *first = g_strconcat(".0", ending, NULL);
  char *prefix = NULL;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *found = g_str_has_suffix(name, first) ? g_strndup(name, strlen(name) - strlen(first)) : NULL;

    if (found && (!prefix || strcmp(found, prefix) < 0)) {
      g_free(prefix);
      prefix = g_steal_pointer(&found);
    }
  }
  return prefix;
}

static gboolean read_ranks(MoeChakra *chakra, const char *folder, const char *prefix, const char *ending,
                           GError **error)
{
  for (;;) {
    g_autofree char *name = g_strdup_printf("%s.%u%s", prefix, moe_chakra_ranks(chakra), ending);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
      return TRUE;
    if (!read_rank(chakra, path, error))
      return FALSE;
  }
}

static gboolean read_traces(MoeChakra *chakra, const char *folder, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
    g_autofree char *prefix = find_prefix(folder, endings[i]);

    if (prefix)
      return read_groups(chakra, folder, error) && read_ranks(chakra, folder, prefix, endings[i], error);
  }
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = folder},
                  "no trace, expected files NAME.0.et, NAME.1.et, ... or NAME.0.json, ... (other forms, such as "
                  "Kineto's, are not read)");
}

MoeChakra *moe_chakra_load(const char *folder, GError **error)
{
  g_autoptr(MoeChakra) chakra = moe_chakra_new();

  return read_traces(chakra, folder, error) ? g_steal_pointer(&chakra) : NULL;
}
