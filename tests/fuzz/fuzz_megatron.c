/* Megatron arguments under any bytes: every option is used, listed or refused, and what comes out is YAML. */
#include "doc/doc.h"
#include <moesim/import.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) words = moe_import_words((const char *)data, size, "fuzz", &error);
  g_autoptr(MoeImport) import = words ? moe_import_megatron((const char *const *)words, NULL, &error) : NULL;

  if (!import) {
    g_assert_true(error && *error->message);
    return 0;
  }
  g_autoptr(MoeDoc) doc = moe_doc_parse(import->text, -1, "imported", NULL, &error);

  g_assert_no_error(error);
  g_assert_nonnull(doc);
  return 0;
}
