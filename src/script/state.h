/* Inside the reading of launch scripts: the state of one being read. */
#ifndef MOESIM_SCRIPT_STATE_H
#define MOESIM_SCRIPT_STATE_H

#include "script/script.h"
#include "shell.h"

typedef enum { FRAME_IF, FRAME_CASE } ScriptFrameKind;

/* An if or a case. */
typedef struct {
  ScriptFrameKind kind;
  gboolean active; /* statements are executed */
  gboolean taken;  /* a branch was */
  char *subject;   /* CASE */
} ScriptFrame;

/* What break, continue and return leave. */
typedef enum { FLOW_NEXT, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN } ScriptFlow;

/* A statement of a text. */
typedef struct {
  const char *start; /* in the text */
  char *text;        /* without comments and without blanks around; the caller frees it */
  char *document;    /* lines of the here-document behind it, NULL: none; the caller frees it */
  gboolean verbatim; /* the document's variables stay as written */
} ScriptStatement;

typedef struct {
  Shell shell;
  GArray *frames;        /* of ScriptFrame */
  GPtrArray *launch;     /* of char *; NULL while there is none */
  guint launches;        /* so far, each other than the one before */
  char *difference;      /* first word in which the last differs from the one before; NULL: there was one */
  GHashTable *functions; /* name -> statements */
  guint option;          /* of $1, $2, ... that getopts looks at next */
  GHashTable *documents; /* file -> text that the script writes into it */
  const MoeScriptFiles *files;
  const ScriptStatement *statement; /* the one that is being run */
  char *input;                      /* <<< of it; NULL: none */
  GString *output;                  /* what $(...) prints; NULL: nobody reads it */
  gboolean unfollowed;              /* something printed there is not known */
  int64_t processes;                /* that Slurm starts; 0: not said */
  ScriptFlow flow;
  guint depth;  /* evals, calls and files inside each other */
  guint calls;  /* of functions inside each other */
  guint steps;  /* of loops so far */
  gsize rounds; /* bytes that these have read */
} Script;

/* Follows the statements of a text (continued lines joined). The last launch stays in script->launch. */
void script_run(Script *script, const char *text);
/* The same of a file that the script names, if it can be read. */
void script_run_file(Script *script, const char *path);
/* Continued lines as one. Caller frees. */
char *script_join_lines(const char *text, gsize length);
void script_clear_frames(Script *script);
/* Leaves ifs and cases until `n` are open. */
void script_unwind(Script *script, guint n);
/* Whether a condition holds: tests joined by && and ||. */
gboolean script_condition(Script *script, const char *text);
/* What follows a control word in front of a statement; NULL: another word stands there. */
const char *script_after(const char *statement, const char *word);
/* Whether one of the words is one of the names (NULL-terminated), or assigns to it with "=". */
gboolean script_names_any(const GPtrArray *words, const char *const *names);
/* Whether a list of words starts a training. */
gboolean script_is_launch(const GPtrArray *words);
/* A word that holds a whole launch is taken apart. */
void script_open_quoted(GPtrArray *words);
/* Remembers the words when they start a training. */
void script_launch(Script *script, GPtrArray *words);
/* Follows the text behind `bash -c`; FALSE when there is no training in it. */
gboolean script_run_child(Script *script, const GPtrArray *words);

/* ---- statements and blocks (script_blocks.c) --------------------------------------------------------------------- */

/* The next statement; *text moves behind it and its document. FALSE at the end. */
gboolean script_next(const char **text, ScriptStatement *statement);
void script_statement_clear(ScriptStatement *statement);
/* Whether a statement begins a loop or a function. */
gboolean script_begins_block(const char *statement);
/* A loop or function whose first statement `statement` stands at `start`; *text moves behind the block. It is followed
 * or remembered when `active`. */
void script_take_block(Script *script, const char *statement, const char *start, gboolean active, const char **text);

/* ---- assignments and commands ------------------------------------------------------------------------------------ */

/* "NAME=" or "NAME+=" in front: the length of the name, else 0. */
gsize script_assigned(const char *raw);
/* Assigns what a raw word says; `length` of its name. */
void script_assign(Script *script, const char *raw, gsize length);
/* "i=0", "i += 1", "i++". */
void script_assign_arithmetic(Script *script, const char *text);
/* read NAME..., read -a NAME, of a here-string or a here-document. */
void script_read(Script *script, GPtrArray *words, const char *target);
/* mapfile NAME, readarray NAME: its lines, a word each. */
void script_read_lines(Script *script, GPtrArray *words, const char *target);
/* getopts OPTIONS NAME: the next of the script's own options, its value in OPTARG. FALSE behind the last. */
gboolean script_next_option(Script *script, const char *statement);
/* The lines of the here-document of the statement that is being run, with their variables; NULL: it has none. */
char *script_document(Script *script);
/* The text of a file that the script has written or names; NULL when there is none. Caller frees. */
char *script_contents(const Script *script, const char *path);
/* "#SBATCH --nodes=4": the variables that Slurm sets by it. Returns the processes that it starts in all; 0: not said.
 */
int64_t script_take_slurm(Script *script, const char *text);
/* "sed s/A/B/ TEMPLATE | sed ... > FILE": the file as it becomes. */
void script_fill_template(Script *script, const char *statement);
/* As Shell's `call` and `run`; what is assigned stays inside, as in bash. */
char *script_print_function(void *script, const GPtrArray *words);
char *script_print_text(void *script, const char *text);
/* Runs a command that is followed; `target`: the file that its output goes to, or NULL. FALSE when it is none. */
gboolean script_command(Script *script, GPtrArray *words, const char *target);

#endif
