/* Answers kept by the SHA-256 of what was asked, the ones used last, in bounded memory. Safe from several threads. */
#ifndef MOESIM_SERVE_CACHE_H
#define MOESIM_SERVE_CACHE_H

#include <glib.h>

typedef struct ServeCache ServeCache;

/* Keeps at most `limit_bytes` of answers, and none above an eighth of it. `folder` (may be NULL): when a file below it
 * changes, what was kept is forgotten; looked at once in a second. */
ServeCache *moe_cache_new(guint64 limit_bytes, const char *folder);
void moe_cache_free(ServeCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ServeCache, moe_cache_free)

/* Key of a request to a door. Caller frees. */
char *moe_cache_key(const char *door, const char *request, gsize length);
/* The answer, which the caller unrefs, or NULL. */
GBytes *moe_cache_get(ServeCache *cache, const char *key);
/* `asked_us`: monotonic time at which the answer was begun; one that is older than a change is not kept. */
void moe_cache_put(ServeCache *cache, const char *key, GBytes *answer, gint64 asked_us);
/* Bytes that are kept. */
guint64 moe_cache_bytes(ServeCache *cache);

#endif
