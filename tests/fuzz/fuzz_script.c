/* Launch scripts under any bytes: words of arguments that are read, or a message of one line. */
#include <moesim/import.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const given[] = {"one", "TP=2", NULL};
  g_autoptr(GError) error = NULL;
  g_autofree char *copy = g_strndup((const char *)data, size);
  g_auto(GStrv) words = moe_import_script(copy, strlen(copy), "fuzz", given, NULL, &error);
  g_autoptr(MoeImport) import = words ? moe_import_megatron((const char *const *)words, NULL, &error) : NULL;

  g_assert_true(import || (error && *error->message && !strchr(error->message, '\n')));
  return 0;
}
