/* import_files: files of an import, from the disk. Part of interchange (floor 8). */
#ifndef MOESIM_INTERCHANGE_IMPORT_FILES_H
#define MOESIM_INTERCHANGE_IMPORT_FILES_H

#include <moesim/import.h>

G_BEGIN_DECLS

/* The whole of a file, a pipe or standard input ("-"), which the caller frees. FALSE and *error (MOE_ERROR_IO) where it
 * cannot be read, MOE_ERROR_INPUT where it has more than MOE_IMPORT_MAX_BYTES. */
gboolean moe_import_read(const char *path, char **text, gsize *length, GError **error);

/* Reads files that the input at `path` names, which has to outlive the answer: from where we are, beside the input, or
 * below one of so many folders above it. */
#define MOE_IMPORT_MAX_ABOVE 8
MoeImportFiles moe_import_files_near(const char *path);

G_END_DECLS

#endif
