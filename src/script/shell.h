/* Inside the reading of launch scripts: words and variables as bash has them. */
#ifndef MOESIM_SCRIPT_SHELL_H
#define MOESIM_SCRIPT_SHELL_H

#include "base/base.h"

typedef struct {
  GHashTable *variables; /* name -> GPtrArray of char *: one word, or those of an array */
  GHashTable *asked;     /* of char *: names whose value was looked for */
  GPtrArray *positions;  /* of char *: $1, $2, ... */
  gsize budget;          /* bytes that expansions may still make */
  guint depth;           /* of expansions inside expansions */
  /* The text of a file that the script has written or names, NULL when there is none; the caller frees it. */
  char *(*read)(const void *script, const char *path);
  /* What a function of the script prints, NULL when it has none of the name that words[0] is; the caller frees it. */
  char *(*call)(void *script, const GPtrArray *words);
  /* What statements print, NULL when one of them is not followed; the caller frees it. */
  char *(*run)(void *script, const char *text);
  void *script;
  gboolean keep_unknown; /* a variable that is not assigned stays as $NAME; else it is empty, as in bash */
  GPtrArray *open;       /* of char *: $NAME that a condition compares though nothing assigns it, each once */
} Shell;

/* The words that a raw word (quotes and all) becomes are appended to `words` (of char *). An unquoted empty expansion
 * gives none. */
void shell_expand(Shell *shell, const char *raw, GPtrArray *words);
/* The same as one text. Caller frees. */
char *shell_expand_text(Shell *shell, const char *raw);
/* Notes in shell->open the raw word of a condition that is a variable which nothing assigns. */
void shell_note_open(Shell *shell, const char *raw);
/* Integer arithmetic of $((...)); FALSE when it cannot be evaluated. */
gboolean shell_arithmetic(Shell *shell, const char *expression, int64_t *value);
/* The end of a quoted or bracketed piece that starts at `at` ('...', "...", `...`, $(...), ${...}, (...)): behind it.
 * One character on anything else. */
const char *shell_skip(const char *at);
/* Raw words of a statement, of char *. */
GPtrArray *shell_split(const char *statement);
/* Blanks instead of comments. */
void shell_strip_comments(char *text);
/* What printf makes of words[from], the format, and those behind it. Caller frees. */
char *shell_format(const GPtrArray *words, guint from);
/* What a command in $(...) prints; NULL: it is not followed. Caller frees. */
char *shell_command(Shell *shell, const char *command);
/* The words of a variable, NULL when it is not assigned; that it was asked for is remembered. Borrowed. */
GPtrArray *shell_find(const Shell *shell, const char *name);
/* The value of a variable as one text: $1, $@, $#, a scalar, an array joined by the first character of IFS. NULL when
 * it is not assigned. Caller frees. */
char *shell_value(const Shell *shell, const char *name);
/* A value after an operation behind the name in ${...}: %, %%, #, ##, /, //, ,, or ^^ with what follows. NULL: none of
 * them. Caller frees. */
char *shell_edit(Shell *shell, const char *value, const char *operation);
/* Replaces a variable. `value` is taken over. */
void shell_assign(Shell *shell, const char *name, GPtrArray *value);

#endif
