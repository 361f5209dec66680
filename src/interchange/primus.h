/* Inside the imports: experiments of Primus, YAML whose trainer and model stand in files of their own. */
#ifndef MOESIM_INTERCHANGE_PRIMUS_H
#define MOESIM_INTERCHANGE_PRIMUS_H

#include "yaml_text.h"
#include <moesim/import.h>

/* One map of keys, of the file at `path` (NULL: of the experiment itself); a later one counts before an earlier. */
typedef void (*PrimusLayer)(void *data, const char *path, JsonObject *map);

typedef struct {
  const char *framework;       /* whose experiments are read; what follows it in a name does not count */
  const MoeImportFiles *files; /* may be NULL */
  const char *name;            /* of the experiment, for messages */
  const YamlText *text;        /* resolves names of files */
  PrimusLayer layer;
  void *data;
  guint left; /* files that may still be read: they may name each other */
  GError *error;
} Primus;

#define PRIMUS_MAX_FILES 32

/* The cluster of an experiment, whose folder names its machine (examples/torchtitan/configs/MI355X): Primus is AMD's,
 * and what names none is taken to be of its first, MI300X. Static. */
const char *primus_cluster(const char *path);

/* Files that a map names under "extends", "bases" or "includes", from the same folder, and theirs before them. */
void primus_bases(Primus *primus, const char *folder, JsonObject *root);
/* The modules of an experiment: of each its trainer, its model, then what it changes in both. The first mistake stays
 * in primus->error. */
void primus_modules(Primus *primus, JsonObject *modules);

#endif
