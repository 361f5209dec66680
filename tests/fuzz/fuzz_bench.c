/* Outputs of benchmarks under any bytes: measurements that are YAML, or a message of one line with its place. */
#include "doc/doc.h"
#include "measured/bench.h"
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const MoeBenchOptions options[] = {{.cluster = "h100-hgx", .source = "fuzz"},
                                            {"h100-hgx", "fuzz", "all-reduce", 64, 256}};

  for (guint i = 0; i < G_N_ELEMENTS(options); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *text = moe_bench_read((const char *)data, size, "fuzz", &options[i], &error);

    if (!text) {
      g_assert_true(error && g_str_has_prefix(error->message, "fuzz:") && !strchr(error->message, '\n'));
      continue;
    }
    g_autoptr(MoeDoc) doc G_GNUC_UNUSED = moe_doc_parse(text, -1, "rows", NULL, &error);
    g_assert_no_error(error);
  }
  return 0;
}
