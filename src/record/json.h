/* json: members of JSON objects. Part of record (floor 1). */
#ifndef MOESIM_RECORD_JSON_H
#define MOESIM_RECORD_JSON_H

#include <glib.h>
G_BEGIN_DECLS

/* Of json-glib, which whoever builds JSON includes. */
typedef struct _JsonBuilder JsonBuilder;
typedef struct _JsonNode JsonNode;

/* NaN and infinity become null. */
void moe_json_number(JsonBuilder *builder, const char *key, double value);
void moe_json_integer(JsonBuilder *builder, const char *key, gint64 value);
void moe_json_bool(JsonBuilder *builder, const char *key, gboolean value);
/* NULL becomes null. */
void moe_json_text(JsonBuilder *builder, const char *key, const char *value);
/* A member that is a list of texts, NULL-terminated. */
void moe_json_texts(JsonBuilder *builder, const char *key, const char *const *texts);
void moe_json_open_object(JsonBuilder *builder, const char *key);
void moe_json_open_array(JsonBuilder *builder, const char *key);
/* The text of a node, every number of which a JSON reader takes. Caller frees. */
char *moe_json_print(JsonNode *node, gboolean indented);
/* The finished text, indented, with a line end. The caller frees it. */
char *moe_json_finish(JsonBuilder *builder);

G_END_DECLS

#endif
