/* Requests to the server under any bytes: nobody is let in who should not be, no path leads out, no name of a file
 * does.
 *
 * An input is lines - method, path, Host, Origin, Sec-Fetch-Site, Authorization, Content-Type - and, behind them, a
 * body. */
#include "../../src/serve/guard.h"
#include "../../src/serve/route.h"

#include <string.h>

#include "fuzz.h"

#define TOKEN "0123456789abcdef"

enum { METHOD, PATH, HOST, ORIGIN, SITE, AUTHORIZATION, TYPE, N_LINES };

/* An empty line is a header that is not there. */
static const char *value(char *line)
{
  return *line ? line : NULL;
}

static void check_guard(char *const *lines)
{
  ServeHeaders headers = {.host = value(lines[HOST]),
                          .origin = value(lines[ORIGIN]),
                          .fetch_site = value(lines[SITE]),
                          .authorization = value(lines[AUTHORIZATION]),
                          .content_type = value(lines[TYPE])};
  ServeVerdict verdict = moe_guard_door(&headers, FALSE, "own", TOKEN, TRUE);

  moe_guard_asset(&headers, TRUE, "own");
  if (verdict != GUARD_OPEN)
    return;
  g_assert_true(g_ascii_strncasecmp(headers.host, "localhost", 9) == 0 || g_str_has_prefix(headers.host, "127.0.0.1") ||
                g_str_has_prefix(headers.host, "[::1]"));
  g_assert_true(!headers.origin || g_str_has_suffix(headers.origin, headers.host) ||
                g_ascii_strcasecmp(strstr(headers.origin, "//") + 2, headers.host) == 0);
  g_assert_nonnull(strstr(headers.authorization, TOKEN));
}

static void check_route(char *const *lines)
{
  static const MoeServeDoor doors[] = {{.name = "predict"}};
  static const MoeServeOptions options = {.doors = doors, .n_doors = G_N_ELEMENTS(doors), .save = "folder"};
  ServeRoute route = moe_route(&options, lines[METHOD], lines[PATH]);

  if (route.kind == ROUTE_ASSET)
    g_assert_true(strcmp(lines[PATH], "/") == 0 || strcmp(lines[PATH], route.asset->path) == 0);
  if (route.kind == ROUTE_DOOR)
    g_assert_cmpstr(lines[PATH], ==, "/api/predict");
}

static void check_body(const char *body, gsize length)
{
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;
  const char *fault = moe_route_save(body, (gssize)length, &name, &text);

  g_assert_true(fault ? !name && !text : name && text);
  if (name)
    g_assert_true(*name != '.' && !strchr(name, '/') && strlen(name) <= 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *input = g_strndup((const char *)data, size); /* to the first NUL, with one behind */
  g_auto(GStrv) lines = g_strsplit(input, "\n", N_LINES + 1);

  if (g_strv_length(lines) <= N_LINES)
    return 0;
  check_guard(lines);
  check_route(lines);
  check_body(lines[N_LINES], strlen(lines[N_LINES]));
  moe_route_body((const char *)data, size);
  return 0;
}
