/* Inside the imports: typed reading of one JSON object with messages that carry the file. */
#ifndef MOESIM_INTERCHANGE_JSON_H
#define MOESIM_INTERCHANGE_JSON_H

#include "notation/json.h"

/* Keys of interest of one JSON object. The first mistake stays in `error`; later reads then give their default. */
typedef struct {
  const char *file; /* for marks */
  const char *text; /* to find the line of a key */
  JsonObject *object;
  GHashTable *used; /* of keys that were asked for and are there, as written; may be NULL */
  GError *error;
} JsonMap;

/* Families spell some keys differently: a key stands for all its spellings (json_names.c), of which the first that is
 * present counts. */

gboolean json_map_has(const JsonMap *map, const char *key); /* present and not null */
/* An integer in [0, 2^40], or a list of one integer for every layer, all the same; absent or null gives `otherwise`. */
int64_t json_map_count(JsonMap *map, const char *key, int64_t otherwise);
/* The same, at least 1; absent is a mistake. */
int64_t json_map_need(JsonMap *map, const char *key);
gboolean json_map_flag(JsonMap *map, const char *key, gboolean otherwise);
/* NULL when absent. */
const char *json_map_text(JsonMap *map, const char *key);
/* NULL when absent; a mistake when it is no list. */
JsonArray *json_map_list(JsonMap *map, const char *key);
/* Element `i` of the list under `key`; 0 and a mistake when it is no whole number. */
int64_t json_map_element(JsonMap *map, const char *key, JsonArray *list, guint i);
/* The spelling of `key` that the object has; `key` itself when it has none. */
const char *json_map_spelling(const JsonMap *map, const char *key);
/* The spelling in use of which `key` is another with the same value; NULL when there is none. */
const char *json_map_again(const JsonMap *map, const char *key);
/* Remembers a mistake about `key`, with its line. */
void json_map_fail(JsonMap *map, const char *key, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
