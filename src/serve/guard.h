/* Who is let in, by the headers of a request: pure functions over text. */
#ifndef MOESIM_SERVE_GUARD_H
#define MOESIM_SERVE_GUARD_H

#include <glib.h>

/* ServeHeaders that decide; NULL = absent. */
typedef struct {
  const char *host, *origin, *fetch_site, *fetch_mode, *authorization, *content_type;
} ServeHeaders;

typedef enum {
  GUARD_OPEN,
  GUARD_FOREIGN_HOST,
  GUARD_FOREIGN_ORIGIN,
  GUARD_NO_TOKEN,
  GUARD_NO_JSON, /* a form of another page could have sent it */
} ServeVerdict;

/* Whether the Host header names this machine: localhost, 127.0.0.1 or [::1], with any port. With `listens`, every
 * address in digits and `own_name`, too: another's name that resolves to us is neither. */
gboolean moe_guard_host(const char *host, gboolean listens, const char *own_name);
/* Whether the request comes from the page itself, or from no page at all. */
gboolean moe_guard_origin(const ServeHeaders *headers);
/* Takes the same time wherever the two differ. */
gboolean moe_guard_token(const char *authorization, const char *token);

/* The page and its parts. Following a link from elsewhere to the page is fine. */
ServeVerdict moe_guard_asset(const ServeHeaders *headers, gboolean listens, const char *own_name);
/* Doors. `token` may be NULL; `body`: there is one. */
ServeVerdict moe_guard_door(const ServeHeaders *headers, gboolean listens, const char *own_name, const char *token,
                            gboolean body);

#endif
