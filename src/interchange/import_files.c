/* Files of an import, from the disk. */
#include "interchange/import_files.h"
#include "base/base.h"

#include <stdio.h>
#include <string.h>

#define CHUNK 65536 /* bytes read at once */

static gboolean fail_reading(const char *path, GError **error)
{
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected a file that can");
}

gboolean moe_import_read(const char *path, char **text, gsize *length, GError **error)
{
  g_autoptr(GString) read = g_string_new(NULL);
  char chunk[CHUNK];
  gsize n = 0;

  if (g_file_test(path, G_FILE_TEST_IS_DIR))
    return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "is a folder, expected a file");
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");

  if (!file)
    return fail_reading(path, error);
  while (read->len <= MOE_IMPORT_MAX_BYTES && (n = fread(chunk, 1, sizeof chunk, file)) > 0)
    g_string_append_len(read, chunk, (gssize)n);
  gboolean failed = ferror(file) != 0;

  if (file != stdin)
    fclose(file);
  if (failed)
    return fail_reading(path, error);
  if (read->len > MOE_IMPORT_MAX_BYTES)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = path}, "more than %d bytes, expected at most that",
                    MOE_IMPORT_MAX_BYTES);
  *length = read->len;
  *text = g_string_free(g_steal_pointer(&read), FALSE);
  return TRUE;
}

static char *read_named(void *data, const char *path, gsize *length)
{
  g_autofree char *here = g_path_get_dirname(data);
  char *text = NULL;

  for (guint above = 0; above <= MOE_IMPORT_MAX_ABOVE; above++) {
    g_autofree char *place = above == 0 ? g_strdup(path) : g_build_filename(here, path, NULL);

    if (g_file_test(place, G_FILE_TEST_IS_REGULAR) && moe_import_read(place, &text, length, NULL))
      return text;
    if (above > 0) {
      g_autofree char *folder = g_steal_pointer(&here);

      here = g_build_filename(folder, "..", NULL);
    }
  }
  return NULL;
}

MoeImportFiles moe_import_files_near(const char *path)
{
  return (MoeImportFiles){read_named, (void *)path};
}
