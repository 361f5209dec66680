/*
 * schema: what every key of the input files is, from the tables that read and print them. Part of spec (floor 2).
 *
 * A schema is of one kind of file. Its keys are dotted paths as `--set` takes them; "[]" after a key stands for an item
 * of a list ("architecture.pattern[].mixer"), NAME for a key that is free ("stack.host.launch.NAME"). A run's schema
 * goes through the cluster and stack that it names: "cluster.network.nic" is a key of a cluster file, and of a run.
 */
#ifndef MOESIM_SCHEMA_H
#define MOESIM_SCHEMA_H

#include "doc/doc.h"

G_BEGIN_DECLS

typedef enum {
  MOE_SCHEMA_RUN,
  MOE_SCHEMA_CLUSTER,
  MOE_SCHEMA_STACK,
  MOE_SCHEMA_ACCELERATOR,
  MOE_SCHEMA_FABRIC,
  MOE_SCHEMA_CASE,
  MOE_N_SCHEMAS,
} MoeSchemaKind;

extern const char *const moe_schema_words[]; /* NULL-terminated */

typedef struct {
  char *path;                /* "training.precision.gemm" */
  const MoeField *field;     /* its row */
  const MoeSection *section; /* the table of the row */
  MoeSchemaKind file;    /* kind of the file that the key is written in: cluster for "cluster.network.nic" of a run */
  guint depth;           /* maps around it */
  const char *mechanism; /* of the row or of the nearest section around it; NULL = none */
} MoeSchemaKey;

/* One line on the kind of file. */
const char *moe_schema_meaning(MoeSchemaKind kind);
/* Every key, sections before what is in them, in the order of the tables. Of MoeSchemaKey; free with
 * g_ptr_array_unref. */
GPtrArray *moe_schema_keys(MoeSchemaKind kind);
/* The key of `keys` that the dotted path of a document means, its indices and free names with it; NULL when there is
 * none. */
const MoeSchemaKey *moe_schema_find(const GPtrArray *keys, const char *path);
/* The row of a run that is an axis of searches under this name, and its path, which the caller frees; NULL and *path
 * untouched when there is none. Rows live as long as the program. */
const MoeField *moe_schema_axis(const char *axis, char **path);

G_END_DECLS

#endif
