/* Who is let in.
 *
 * A page of another's may send requests to this machine, in two ways. It may have its own name resolve to 127.0.0.1
 * ("DNS rebinding"): then the browser says that name as Host. Or it sends them as they are: then the browser says whose
 * page it is in Origin and Sec-Fetch-Site, or it is a form, which cannot say application/json. */
#include "guard.h"

#include <string.h>

#define BEARER "Bearer "

/* Longest Host header that is looked at, bytes: names end at 255. */
#define HOST_MAX 300

/* The name in "name:port" and "[address]:port"; NULL when it is neither. */
static char *host_name(const char *host)
{
  gsize length = strnlen(host, HOST_MAX);
  const char *end = *host == '[' ? strchr(host, ']') : strchr(host, ':');

  if (length == 0 || length == HOST_MAX || (*host == '[' && !end))
    return NULL;
  const char *port = *host == '[' ? end + 1 : (end ? end : host + length);
  if (*port != '\0' && (*port != ':' || strspn(port + 1, "0123456789") != strlen(port + 1)))
    return NULL;
  return *host == '[' ? g_strndup(host + 1, (gsize)(end - host - 1)) : g_strndup(host, (gsize)(port - host));
}

gboolean moe_guard_host(const char *host, gboolean listens, const char *own_name)
{
  g_autofree char *name = host ? host_name(host) : NULL;

  if (!name)
    return FALSE;
  if (g_ascii_strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0)
    return TRUE;
  return listens && (g_hostname_is_ip_address(name) || (own_name && g_ascii_strcasecmp(name, own_name) == 0));
}

/* "http://" or "https://" before the Host: a browser says no other scheme for a page that it got from us. */
static gboolean is_own_origin(const char *origin, const char *host)
{
  const char *authority = g_str_has_prefix(origin, "http://")    ? origin + strlen("http://")
                          : g_str_has_prefix(origin, "https://") ? origin + strlen("https://")
                                                                 : NULL;

  return authority && host && g_ascii_strcasecmp(authority, host) == 0;
}

gboolean moe_guard_origin(const ServeHeaders *headers)
{
  const char *site = headers->fetch_site;

  if (headers->origin && !is_own_origin(headers->origin, headers->host))
    return FALSE;
  return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

gboolean moe_guard_token(const char *authorization, const char *token)
{
  gsize length = strlen(token);
  guint differ = 0;

  if (!authorization || strlen(authorization) != strlen(BEARER) + length ||
      g_ascii_strncasecmp(authorization, BEARER, strlen(BEARER)) != 0)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    differ |= (guint)(guchar)authorization[strlen(BEARER) + i] ^ (guint)(guchar)token[i];
  return differ == 0;
}

/* "application/json", whatever follows behind a semicolon. */
static gboolean is_json(const char *type)
{
  static const char json[] = "application/json";

  return type && g_ascii_strncasecmp(type, json, sizeof json - 1) == 0 &&
         (type[sizeof json - 1] == '\0' || strchr("; \t", type[sizeof json - 1]));
}

ServeVerdict moe_guard_asset(const ServeHeaders *headers, gboolean listens, const char *own_name)
{
  if (!moe_guard_host(headers->host, listens, own_name))
    return GUARD_FOREIGN_HOST;
  gboolean follows_link = !headers->origin && g_strcmp0(headers->fetch_mode, "navigate") == 0;
  return follows_link || moe_guard_origin(headers) ? GUARD_OPEN : GUARD_FOREIGN_ORIGIN;
}

ServeVerdict moe_guard_door(const ServeHeaders *headers, gboolean listens, const char *own_name, const char *token,
                            gboolean body)
{
  if (!moe_guard_host(headers->host, listens, own_name))
    return GUARD_FOREIGN_HOST;
  if (!moe_guard_origin(headers))
    return GUARD_FOREIGN_ORIGIN;
  if (token && !moe_guard_token(headers->authorization, token))
    return GUARD_NO_TOKEN;
  return !body || is_json(headers->content_type) ? GUARD_OPEN : GUARD_NO_JSON;
}
