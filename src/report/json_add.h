/* Members of JSON objects. Private to report. */
#ifndef MOESIM_REPORT_JSON_ADD_H
#define MOESIM_REPORT_JSON_ADD_H

#include <glib.h>
#include <json-glib/json-glib.h>

/* NaN and infinity become null. */
void moe_json_number(JsonBuilder *builder, const char *key, double value);
void moe_json_integer(JsonBuilder *builder, const char *key, gint64 value);
void moe_json_bool(JsonBuilder *builder, const char *key, gboolean value);
/* NULL becomes null. */
void moe_json_text(JsonBuilder *builder, const char *key, const char *value);
void moe_json_open_object(JsonBuilder *builder, const char *key);
void moe_json_open_array(JsonBuilder *builder, const char *key);
/* The text of a node, every number of which a JSON reader takes. Caller frees. */
char *moe_json_print(JsonNode *node, gboolean indented);
/* The finished text, indented, with a line end. The caller frees it. */
char *moe_json_finish(JsonBuilder *builder);

#endif
