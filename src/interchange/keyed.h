/* Inside the imports: configurations in sections, read through one table of keys. */
#ifndef MOESIM_INTERCHANGE_KEYED_H
#define MOESIM_INTERCHANGE_KEYED_H

#include <json-glib/json-glib.h>
#include <stddef.h>

#include "import.h"

typedef enum {
  KEYED_COUNT, /* int64_t, at least 0 */
  KEYED_REST,  /* int64_t; -1 may stand for "whatever is left" */
  KEYED_TEXT,  /* const char *, of the parsed text */
  KEYED_FLAG,  /* gboolean */
  KEYED_WORD,  /* const char *, the words of a list, or of a text between commas, joined by blanks; all of `known` */
  KEYED_KEPT,  /* the same; others than those of `known` are what a run cannot say */
} KeyedKind;

/* One key that is applied. */
typedef struct {
  const char *path; /* "section.key" */
  KeyedKind kind;
  size_t offset;     /* of the member that it fills */
  const char *key;   /* of the run */
  const char *known; /* KEYED_WORD, KEYED_KEPT: words between blanks, as import_is_listed */
} KeyedKey;

/* Keys without effect on time and memory (as import_is_listed), and why. */
typedef struct {
  const char *reason, *paths;
} KeyedIgnored;

typedef struct {
  const KeyedKey *keys;
  gsize n_keys;
  const KeyedIgnored *ignored;
  gsize n_ignored;
  const char *unsaid; /* text that leaves a key as it is ("auto"); NULL: none does */
  gboolean plain;     /* numbers and switches are text, as YAML has them */
  const char *file;   /* for marks */
  const char *text;   /* JSON, to find the line of a key; NULL: marks have no line */
} KeyedTable;

/* Fills `target`; each key of the input then stands under the draft's import as applied or ignored, or is open. FALSE
 * and *error when a value is of the wrong kind. */
gboolean keyed_read(const KeyedTable *table, JsonObject *root, void *target, Draft *draft, GError **error);
/* Fails with a message about a key. Returns FALSE. */
gboolean keyed_fail(const KeyedTable *table, const char *path, const char *expected, GError **error);

#endif
