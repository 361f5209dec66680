/* Inside the imports: YAML of others, with anchors, merges and keys that come twice, as a tree of JSON. */
#ifndef MOESIM_INTERCHANGE_YAML_JSON_H
#define MOESIM_INTERCHANGE_YAML_JSON_H

#include "base/base.h"
#include <json-glib/json-glib.h>

/* The first document of `text`: maps become objects, lists arrays, values text (a value that is quoted as it stands).
 * Of a key that comes twice the last counts, as Python's yaml has it. NULL and *error when it is no YAML in UTF-8,
 * longer than MOE_IMPORT_MAX_BYTES, nested more than MOE_IMPORT_MAX_DEPTH deep or grown too large by its aliases. Free
 * with json_node_unref. */
JsonNode *interchange_yaml_parse(const char *text, gsize length, const char *name, GError **error);

#endif
