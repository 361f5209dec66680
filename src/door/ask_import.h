/*
 * ask_import: a configuration of others as a run that can exist. Part of door (floor 13).
 */
#ifndef MOESIM_DOOR_ASK_IMPORT_H
#define MOESIM_DOOR_ASK_IMPORT_H

#include "layer/layer.h"
#include <moesim/import.h>

G_BEGIN_DECLS

typedef enum {
  MOE_IMPORT_HF,
  MOE_IMPORT_MEGATRON,
  MOE_IMPORT_TORCHTITAN,
  MOE_IMPORT_DEEPSPEED,
  MOE_N_IMPORT_KINDS
} MoeImportKind;
extern const char *const moe_import_kind_words[];

/* What is imported. */
typedef struct {
  MoeImportKind kind;
  MoeImportText file;          /* its text NULL: `given` are Megatron's arguments themselves */
  MoeImportText model;         /* the model's config.json beside DeepSpeed's configuration */
  const char *const *given;    /* NULL-terminated: arguments, or what stands behind a script; NULL: nothing */
  const MoeImportFiles *files; /* that the input may name; NULL: none is read */
} MoeAskedImport;

/* Imports, and reads the run back with `load`: one that cannot exist is refused in the words of the input. `parameters`
 * (may be NULL) are its model's. NULL and *error as moe_import_hf. */
MoeImport *moe_ask_import(const MoeAskedImport *asked, const MoeImportOptions *options, const MoeRunOptions *load,
                          MoeParameters *parameters, GError **error);
/* Whether neither the input nor `options` can say a layout: then moe_ask_layout may. */
gboolean moe_ask_import_is_open(const MoeAskedImport *asked, const MoeImportOptions *options);

G_END_DECLS

#endif
