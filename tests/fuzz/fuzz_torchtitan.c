/* torchtitan configurations, in TOML or an experiment of Primus, under any bytes: a run file that is YAML, or a message
 * of one line. */
#include "doc/doc.h"
#include <moesim/import.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_torchtitan((const char *)data, size, "fuzz", NULL, &error);

  if (!import) {
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz") && !strchr(error->message, '\n'));
    return 0;
  }
  g_autoptr(MoeDoc) doc = moe_doc_parse(import->text, -1, "imported", NULL, &error);

  g_assert_no_error(error);
  g_assert_nonnull(doc);
  return 0;
}
