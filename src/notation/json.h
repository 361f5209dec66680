/*
 * json: texts in JSON as json-glib's trees. Part of notation (floor 1).
 *
 * What others wrote is bounded before the parser runs, and a mistake has its place.
 */
#ifndef MOESIM_NOTATION_JSON_H
#define MOESIM_NOTATION_JSON_H

#include "base/base.h"
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define MOE_NOTATION_MAX_DEPTH 32 /* of objects and lists inside each other, also in YAML */

#define MOE_JSON_INFINITY 1e99 /* what Infinity is read as */

/* The root object of `text`; NULL and *error when the text is no JSON object, longer than `most` bytes, nested too
 * deeply or followed by more. Infinity and NaN, which Python writes, are read as numbers out of any range and as {}.
 * Free with json_node_unref. */
JsonNode *moe_json_parse(const char *text, gsize length, gsize most, const char *name, GError **error);

/* The same for what a person wrote: a key that an object has twice is an error too. */
JsonNode *moe_json_parse_once(const char *text, gsize length, gsize most, const char *name, GError **error);

/* Where `at` stands in `text`, a file of that name. */
MoeMark moe_json_mark(const char *file, const char *text, const char *at);

G_END_DECLS

#endif
