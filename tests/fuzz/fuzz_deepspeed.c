/* DeepSpeed configurations under any bytes, beside a model that is sound: a run file that is YAML, or a message of one
 * line. */
#include "doc/doc.h"
#include <moesim/import.h>
#include <string.h>

#include "fuzz.h"

static const char model[] =
    "{\"model_type\": \"llama\", \"hidden_size\": 4096, \"intermediate_size\": 14336, \"num_hidden_layers\": 32,"
    "\"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"vocab_size\": 128256}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  const MoeImportText config = {(const char *)data, size, "fuzz"}, sound = {model, sizeof model - 1, "model"};
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeImport) import = moe_import_deepspeed(&config, &sound, NULL, &error);

  if (!import) {
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz") && !strchr(error->message, '\n'));
    return 0;
  }
  g_autoptr(MoeDoc) doc = moe_doc_parse(import->text, -1, "imported", NULL, &error);

  g_assert_no_error(error);
  g_assert_nonnull(doc);
  return 0;
}
