/*
 * import: model configurations of others to run files. Part of interchange (floor 8).
 *
 * Uses base, doc, spec. Reads Hugging Face `config.json` files and Megatron-LM / Megatron-Core arguments; writes the
 * text of a run file (docs/interchange.md says which key becomes what). What the input does not say is chosen here and
 * listed in the notes; nothing is dropped without a word.
 */
#ifndef MOESIM_IMPORT_H
#define MOESIM_IMPORT_H

#include <moesim/run.h>

G_BEGIN_DECLS

#define MOE_IMPORT_MAX_BYTES                                                                                           \
  (4 * 1000 * 1000)             /* of one config.json or argument file: real ones have a few thousand                  \
                                 */
#define MOE_IMPORT_MAX_DEPTH 32 /* of nested JSON */

/* What a configuration does not say. 0 and NULL: chosen by the import, noted, and listed under the run's `assumptions`.
 */
typedef struct {
  const char *title;
  const char *cluster, *stack; /* names or paths, as in a run file */
  const char *data_dir; /* where stacks/ is found, to say only what differs from a stack; NULL: nothing of the stack is
                           changed */
  int64_t gpus;
  int64_t sequence_length; /* tokens */
  int64_t global_batch;    /* sequences per optimizer step */
  int64_t micro_batch;     /* sequences */
  int64_t vocabulary;      /* tokens, before padding; goes before what a tokenizer's name says */
  int64_t tensor, context, pipeline, virtual_stages, expert; /* degrees; go before those of the input */
  gboolean sharded;                                          /* beside degrees: the next three hold */
  int64_t zero;                                              /* 0..3 */
  MoeRecomputeMode recompute;
  guint recompute_modules;   /* bits of MoeModule */
  const char *const *accept; /* NULL-terminated: arguments or keys that may stay unused although not understood */
} MoeImportOptions;

/* Every argument or key of the input is in one of three lists, as "NAME VALUE -> KEY", "NAME VALUE: REASON" and "NAME
 * VALUE". */
typedef struct {
  char *text;         /* the run file, YAML */
  GPtrArray *notes;   /* of char *: what was chosen, or is taken otherwise than written */
  GPtrArray *applied; /* of char *: what became which key of the run */
  GPtrArray *ignored; /* of char *: what has no effect on time and memory, and why */
  GPtrArray *unknown; /* of char *: what is not understood and was accepted */
} MoeImport;

/* From the text of a config.json (`length` bytes, UTF-8); `name` stands in messages. NULL and *error (MOE_ERROR_INPUT)
 * when it is no JSON, of an unknown model type, or lacks a key; `options` may be NULL. */
MoeImport *moe_import_hf(const char *text, gsize length, const char *name, const MoeImportOptions *options,
                         GError **error);
/* From a torchtitan configuration in TOML; the rest as above. */
MoeImport *moe_import_torchtitan(const char *text, gsize length, const char *name, const MoeImportOptions *options,
                                 GError **error);
/* A file of the input. */
typedef struct {
  const char *text; /* `length` bytes */
  gsize length;
  const char *name; /* stands in messages */
} MoeImportText;

/* From a DeepSpeed configuration in JSON, which says nothing of the model, and the model's config.json; the rest as
 * above. */
MoeImport *moe_import_deepspeed(const MoeImportText *config, const MoeImportText *model,
                                const MoeImportOptions *options, GError **error);
/* From NULL-terminated arguments ("--num-layers", "32", ...), launcher and script among them. NULL and *error
 * (MOE_ERROR_INPUT) when one is wrong, or is not understood and not in options->accept. */
MoeImport *moe_import_megatron(const char *const *arguments, const MoeImportOptions *options, GError **error);
/* Splits the text of an argument file into words as a shell does: quotes, comments, continued lines. Free with
 * g_strfreev. */
char **moe_import_words(const char *text, gsize length, const char *name, GError **error);
/* Files that the input names: scripts that it sources, DeepSpeed's configuration, models and bases of YAML. */
typedef struct {
  /* The text of a file (UTF-8, at most MOE_IMPORT_MAX_BYTES), NULL when there is none; the caller frees it. `path` as
   * the input has it: it may be relative to the input's folder or to one above it. */
  char *(*read)(void *data, const char *path, gsize *length);
  void *data;
} MoeImportFiles;

/* The words of the launch in a bash script, which is read and never run: variables, arrays, defaults, arithmetic,
 * conditions, loops, functions and here-documents are followed. `given` (NULL-terminated, may be NULL) stands behind
 * the script: NAME=VALUE is assigned, others are $1, $2, ... A variable that nobody assigned stays in the words as
 * $NAME. `files` may be NULL: none is read. Free with g_strfreev. */
char **moe_import_script(const char *text, gsize length, const char *name, const char *const *given,
                         const MoeImportFiles *files, GError **error);
/* The same of a YAML file: MODEL_ARGS of Megatron-LM's tests, overrides of Primus, configurations of Megatron-Bridge
 * and NeMo. */
char **moe_import_yaml_words(const char *text, gsize length, const char *name, const char *const *given,
                             const MoeImportFiles *files, GError **error);
/* The words of a file of any of these forms: YAML by its name; a script (its name ends in .sh, it begins with #!, or a
 * line of it assigns), else arguments as moe_import_words splits them; then `given` must be empty. */
char **moe_import_file_words(const char *text, gsize length, const char *name, const char *const *given,
                             const MoeImportFiles *files, GError **error);
/* From Megatron's arguments in a file of any of these forms; `given` and `files` as above (both may be NULL). An error
 * has the line and column of the argument that it names, where the file itself has it. */
MoeImport *moe_import_megatron_file(const MoeImportText *file, const char *const *given, const MoeImportFiles *files,
                                    const MoeImportOptions *options, GError **error);
/* As moe_import_torchtitan; an experiment of Primus in YAML besides, whose trainer and model are read through `files`
 * (may be NULL). */
MoeImport *moe_import_torchtitan_file(const MoeImportText *file, const MoeImportFiles *files,
                                      const MoeImportOptions *options, GError **error);
/* What an import made was read back from `run` (the name in `reason`'s place) and refused: the same said of the input,
 * with the argument or key that became what is wrong, and its place where `input` (NULL: none) has it. Always FALSE. */
gboolean moe_import_refuse_run(const MoeImport *import, const MoeImportText *input, const char *run,
                               const GError *reason, GError **error);
void moe_import_free(MoeImport *import);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeImport, moe_import_free)

G_END_DECLS

#endif
