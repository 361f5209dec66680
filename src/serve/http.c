/* Loading of libmicrohttpd. */
#include "http.h"

#include "base/base.h"

#include <dlfcn.h>

#define LIBRARY "libmicrohttpd.so.12"

gboolean moe_http_load(ServeHttp *http, GError **error)
{
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  gboolean whole = library != NULL;

#define FIND(name) whole = whole && moe_library_find(library, "MHD_" #name, &http->name);
  SERVE_HTTP_CALLS(FIND)
#undef FIND
  return whole || moe_fail(error, MOE_ERROR_IO, (MoeMark){0}, "%s (Debian: libmicrohttpd12)", dlerror());
}
