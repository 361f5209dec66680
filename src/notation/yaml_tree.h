/*
 * yaml_tree: YAML of others as a tree of JSON. Part of notation (floor 1).
 *
 * Anchors, merges and keys that come twice are taken as Python has them. Files of ours are read by doc, which keeps the
 * place of every value and is stricter.
 */
#ifndef MOESIM_NOTATION_YAML_TREE_H
#define MOESIM_NOTATION_YAML_TREE_H

#include "base/base.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The first document of `text`: maps become objects, lists arrays, values text (a value that is quoted as it stands).
 * Of a key that comes twice the last counts, as Python's yaml has it. NULL and *error when it is no YAML in UTF-8,
 * longer than `most` bytes, nested more than MOE_NOTATION_MAX_DEPTH deep or grown too large by its aliases. Free with
 * json_node_unref. */
JsonNode *moe_yaml_parse(const char *text, gsize length, gsize most, const char *name, GError **error);

G_END_DECLS

#endif
