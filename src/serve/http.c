/* Loading of libmicrohttpd. */
#include "http.h"

#include "base/base.h"

#include <dlfcn.h>
#include <string.h>

#define LIBRARY "libmicrohttpd.so.12"

/* POSIX gives data pointers for functions: ISO C knows no cast between them. */
static gboolean find(void *library, const char *name, void *function)
{
  void *symbol = dlsym(library, name);

  memcpy(function, &symbol, sizeof symbol);
  return symbol != NULL;
}

gboolean moe_http_load(ServeHttp *http, GError **error)
{
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  gboolean whole = library != NULL;

#define FIND(name) whole = whole && find(library, "MHD_" #name, &http->name);
  SERVE_HTTP_CALLS(FIND)
#undef FIND
  return whole || moe_fail(error, MOE_ERROR_IO, (MoeMark){0}, "%s (Debian: libmicrohttpd12)", dlerror());
}
