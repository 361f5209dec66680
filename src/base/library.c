#include "base/base.h"

#include <dlfcn.h>
#include <string.h>

gboolean moe_library_find(void *library, const char *name, void *to)
{
  void *symbol = dlsym(library, name);

  memcpy(to, &symbol, sizeof symbol);
  return symbol != NULL;
}
