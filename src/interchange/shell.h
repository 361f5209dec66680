/*
 * Inside the import of launch scripts: bash as far as launch scripts go, read and never run. Variables, arrays,
 * defaults, arithmetic, if and case are followed; loops, functions, commands and files are not.
 */
#ifndef MOESIM_INTERCHANGE_SHELL_H
#define MOESIM_INTERCHANGE_SHELL_H

#include <moesim/import.h>

typedef struct {
  GHashTable *variables; /* name -> GPtrArray of char *: one word, or those of an array */
  GPtrArray *positions;  /* of char *: $1, $2, ... */
  gsize budget;          /* bytes that expansions may still make */
  guint depth;           /* of expansions inside expansions */
  gboolean keep_unknown; /* a variable that is not assigned stays as $NAME; else it is empty, as in bash */
} Shell;

/* The words that a raw word (quotes and all) becomes are appended to `words` (of char *). An unquoted empty expansion
 * gives none. */
void shell_expand(Shell *shell, const char *raw, GPtrArray *words);
/* The same as one text. Caller frees. */
char *shell_expand_text(Shell *shell, const char *raw);
/* Integer arithmetic of $((...)); FALSE when it cannot be evaluated. */
gboolean shell_arithmetic(Shell *shell, const char *expression, int64_t *value);
/* The end of a quoted or bracketed piece that starts at `at` ('...', "...", `...`, $(...), ${...}, (...)): behind it.
 * One character on anything else. */
const char *shell_skip(const char *at);
/* Raw words of a statement, of char *. */
GPtrArray *shell_split(const char *statement);
/* Replaces a variable. `value` is taken over. */
void shell_assign(Shell *shell, const char *name, GPtrArray *value);

#endif
