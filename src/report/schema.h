/*
 * schema: the keys of the input files as JSON, Markdown and a table. Part of report (floor 12).
 */
#ifndef MOESIM_REPORT_SCHEMA_H
#define MOESIM_REPORT_SCHEMA_H

#include "spec/schema.h"

G_BEGIN_DECLS

/* The schema of one kind as JSON, or with `kind` MOE_N_SCHEMAS all of them ({"schemas": [...]}): for each key "key",
 * "kind" (integer, quantity, flag, text, word, words, map, any), "form" (one, list, named), "file", "required",
 * "meaning", and where they apply "unit" (SI), "units" (that may be written), "minimum", "maximum" (SI), "words",
 * "also", "folder", "default" (as it would be written, or in words), "default_value" (SI), "mechanism", "axis". Caller
 * frees. */
char *moe_schema_json(MoeSchemaKind kind);
/* The same as a Markdown list under headings of level 2, in lines of at most `width` characters; 0: a line an item.
 * Caller frees. */
char *moe_schema_markdown(MoeSchemaKind kind, guint width);

G_END_DECLS

#endif
