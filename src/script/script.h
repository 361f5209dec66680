/*
 * script: launch scripts in bash, read and never run. Part of script (floor 1).
 *
 * Variables, arrays, defaults, arithmetic, conditions, loops, functions, here-documents and the commands that only make
 * words (echo, printf, seq, dirname, ...) are followed; other commands are not. What comes out are the words of the
 * launch; what they mean is the importers' to say.
 */
#ifndef MOESIM_SCRIPT_SCRIPT_H
#define MOESIM_SCRIPT_SCRIPT_H

#include "base/base.h"

G_BEGIN_DECLS

/* A script. Borrowed. */
typedef struct {
  const char *text;
  gsize length, most; /* bytes, and how many a script may have */
  const char *name;   /* of the file: $0, and in messages */
} MoeScriptText;

/* Files that a script sources or fills in. */
typedef struct {
  /* The text of a file in UTF-8, NULL when there is none; the caller frees it. `path` as the script has it. */
  char *(*read)(void *data, const char *path, gsize *length);
  void *data;
} MoeScriptFiles;

/* The words of the launch, NULL-terminated. `given` (NULL-terminated, may be NULL) stands behind the script: NAME=VALUE
 * is assigned, others are $1, $2, ... A variable that nobody assigned stays in the words as $NAME. `files` may be NULL:
 * none is read. What a reader should know of the choice is appended to `notes` (of char *, which frees; may be NULL).
 * NULL and *error without a launch, or when it is no text. Free with g_strfreev. */
char **moe_script_words(const MoeScriptText *script, const char *const *given, const MoeScriptFiles *files,
                        GPtrArray *notes, GError **error);
/* Whether a line of the text assigns a variable. */
gboolean moe_script_assigns(const char *text, gsize length);

G_END_DECLS

#endif
