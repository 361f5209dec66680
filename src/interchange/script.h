/* Inside the import of launch scripts: the state of one being read. */
#ifndef MOESIM_INTERCHANGE_SCRIPT_H
#define MOESIM_INTERCHANGE_SCRIPT_H

#include "shell.h"

typedef enum { FRAME_IF, FRAME_CASE, FRAME_SKIP } ScriptFrameKind;

/* An if, a case, or a loop or function that is skipped. */
typedef struct {
  ScriptFrameKind kind;
  gboolean active; /* statements are executed */
  gboolean taken;  /* a branch was */
  char *subject;   /* CASE */
} ScriptFrame;

typedef struct {
  Shell shell;
  GArray *frames;    /* of ScriptFrame */
  GPtrArray *launch; /* of char *; NULL while there is none */
  guint evals;
} Script;

/* Follows the statements of a text (continued lines joined). The last launch stays in script->launch. */
void script_run(Script *script, const char *text);
void script_clear_frames(Script *script);
/* "NAME=" or "NAME+=" in front: the length of the name, else 0. */
gsize script_assigned(const char *raw);
/* Whether a list of words starts a training. */
gboolean script_is_launch(const GPtrArray *words);
/* A word that holds a whole launch is taken apart. */
void script_open_quoted(GPtrArray *words);

#endif
