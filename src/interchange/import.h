/* Inside the imports: a run in the making and its text. */
#ifndef MOESIM_INTERCHANGE_IMPORT_H
#define MOESIM_INTERCHANGE_IMPORT_H

#include "spec/spec.h"
#include <moesim/import.h>

/* Kernels that may be fused, in the order of the words of a stack's list `fused`. Bits. */
typedef enum {
  IMPORT_FUSED_NORM = 1 << 0,
  IMPORT_FUSED_RESIDUAL_NORM = 1 << 1,
  IMPORT_FUSED_ROTARY = 1 << 2,
  IMPORT_FUSED_ACTIVATION = 1 << 3,
  IMPORT_FUSED_ROUTER = 1 << 4,
  IMPORT_FUSED_CROSS_ENTROPY = 1 << 5,
  IMPORT_FUSED_PERMUTE = 1 << 6,
  IMPORT_FUSED_OPTIMIZER = 1 << 7,
  IMPORT_FUSED_QUANTIZE = 1 << 8,
  IMPORT_FUSED_DROPOUT = 1 << 9,
  IMPORT_FUSED_NORM_CAST = 1 << 10,
  IMPORT_FUSED_NORM_AMAX = 1 << 11,
} ImportFused;

/* The stack of Megatron's arguments, and where nothing names a software. */
#define IMPORT_MEGATRON "megatron-core:2026"

/* What the input says of the software: becomes `stack: {extends: NAME, ...}`. -1, NULL and 0 bytes: nothing, the
 * stack's own. */
typedef struct {
  guint fused_known, fused; /* bits of ImportFused that are said, and those that are on */
  gboolean graphs_known;
  guint graphs;                           /* 1 << MoeScope */
  const char *expert_library, *attention; /* words of a stack */
  int deduplicate, deterministic, sharp, symmetric, per_expert, fused_mlp;
  gboolean mapped_by_kernel; /* numbers of experts that DeepEP delivers become a map by one kernel */
  gboolean shared_buffer;    /* MXFP8 weights are gathered through the gradient buffer */
  gboolean tensor_amax;      /* greatest values of delayed scales: over the ranks of a sequence alone */
  gboolean unaligned;        /* interleaved stages gather where their first micro-batch needs it */
  gboolean unchecked;        /* gradients are not checked before their reduction */
  gboolean averaged;         /* their reduction averages */
  gboolean counts_stay;      /* counts of tokens are read on the GPU alone */
  int64_t expert_sms;        /* that dispatch and combine hold; 0: the stack's own */
  double paged_stash;        /* pages for so many times the balanced rows; -1: the stack's own */
  double bucket_bytes;
} ImportStack;

typedef struct {
  const char *source; /* where the figures come from, one line */
  MoeArchitecture architecture;
  MoeTraining training;
  MoeParallelism parallelism; /* order NULL: the default */
  MoeRecompute recompute;
  MoeOffload offload;
  ImportStack stack;
  const MoeImportOptions *options;
  const char *title;         /* of the run, unless the options have one */
  const char *usual_stack;   /* of the software whose configuration it is; NULL: it names none */
  const char *usual_cluster; /* that its experiments name or ran on; NULL: it names none */
  gboolean launched;         /* DeepSpeed: the arguments of a launch say model, layout and batch */
  MoeImport *import;         /* notes go here */
  GPtrArray *open;           /* of char *: what is not understood, or cannot be said; the caller frees it */
} Draft;

/* A draft with the defaults of a run file; `options` may be NULL. What is in `draft->import` and `draft->open` is the
 * caller's to free. */
void import_begin(Draft *draft, const MoeImportOptions *options, const char *source, const char *title,
                  const char *usual_stack);
void import_note(Draft *draft, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Remembers that `argument` is known and that a run cannot say it. */
void import_refuse(Draft *draft, const char *argument, const char *what);
/* What is open must have been accepted (options.accept) and then goes to import->unknown; FALSE and *error, which names
 * all that has not. */
gboolean import_settle(Draft *draft, GError **error);
/* Whether `name` is a word of `list` (words between blanks; * at the end of one is any ending, at its start any
 * beginning; - and _ are the same). */
gboolean import_is_listed(const char *list, const char *name);
/* Text of the input in a message stays on one line. Returns NULL, for failing with it. */
MoeImport *import_fail(GError **error);
/* The same with the place of what the error is about. */
MoeImport *import_fail_in(const MoeImportText *input, GError **error);
/* What the text is where another importer than the one asked ("hf", "megatron", ...) reads it, in words of a message;
 * NULL: it is of this kind, or of none that is known. */
const char *import_other_kind(const MoeImportText *input, const char *asked);
/* As import_fail_in; the message then says what the text is instead. */
MoeImport *import_fail_kind(const MoeImportText *input, const char *asked, GError **error);
/* Chooses what neither input nor options say (layout, GPUs, sequence length, batch, cluster, stack), lists it under
 * `assumptions`, then writes import->text. */
gboolean import_finish(Draft *draft, GError **error);
/* The words of a file, as moe_import_file_words, which also says in `notes` (may be NULL) what of it was not followed.
 */
char **import_file_words(const MoeImportText *file, const char *const *given, const MoeImportFiles *files,
                         GPtrArray *notes, GError **error);
/* Whether the options say anything of the layout. */
gboolean import_has_layout(const MoeImportOptions *options);

/* What a DeepSpeed configuration says, into a draft that has its model. What is not understood is open afterwards.
 * FALSE and *error when it is no JSON or wrong. */
gboolean deepspeed_apply(const MoeImportText *config, Draft *draft, GError **error);

/* Whether a list (of gboolean) says "from *first on, every *every-th". */
gboolean import_is_regular(const GArray *list, int64_t *first, int64_t *every);
/* The n of a list whose FALSE are the last of each n; 0 when there is none. */
int64_t import_closing_period(const GArray *list);

/* Tokens of a tokenizer known by (a part of) its published name; 0 when it is not. */
int64_t import_vocabulary_of(const char *tokenizer);
/* Rows of the embedding by the class of a tokenizer of Pai-Megatron-Patch, what is added to it, and the checkpoint that
 * it lies beside (NULL: none); 0: not known. */
int64_t import_patch_vocabulary(const char *tokenizer, int64_t extra, const char *checkpoint);

/* ---- text of a run file (import_write.c) ------------------------------------------------------------------------- */

/* The run of a draft as YAML. `base`: the stack that is extended, or NULL. */
char *import_write(const Draft *draft, const char *cluster, const char *stack, const MoeStack *base,
                   GPtrArray *assumptions);
/* What the input says of the software otherwise than the stack `base`, line by line (import_stack.c). */
void import_put_changes(GString *text, const ImportStack *changes, const MoeStack *base);

#endif
