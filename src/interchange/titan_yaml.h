/* Inside the import of torchtitan: experiments of Primus in YAML. */
#ifndef MOESIM_INTERCHANGE_TITAN_YAML_H
#define MOESIM_INTERCHANGE_TITAN_YAML_H

#include <json-glib/json-glib.h>
#include <moesim/import.h>

/* Whether a file is YAML, by its name or by the framework that it names. */
gboolean titan_is_yaml(const MoeImportText *file);
/* The sections that an experiment makes of its trainer, its model and its own keys; values are text. NULL and *error
 * when it is none of torchtitan. Free with json_node_unref. */
JsonNode *titan_yaml(const MoeImportText *file, const MoeImportFiles *files, GError **error);

#endif
