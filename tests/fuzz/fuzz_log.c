/* Logs of trainings under any bytes: medians in order and a case that is YAML, or a message of one line with its place.
 */
#include "doc/doc.h"
#include "measured/log.h"
#include <math.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(GError) error = NULL;
  g_autofree MoeLog *log = moe_log_read((const char *)data, size, "fuzz", &error);

  if (!log) {
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz:") && !strchr(error->message, '\n'));
    return 0;
  }
  g_autofree char *text = moe_log_case(log, "fuzz", "run.yaml");
  g_autoptr(MoeDoc) doc G_GNUC_UNUSED = moe_doc_parse(text, -1, "case", NULL, &error);

  g_assert_no_error(error);
  g_assert_true(log->step_s.p10 <= log->step_s.p50 && log->step_s.p50 <= log->step_s.p90);
  g_assert_true(isfinite(log->peak_bytes) && log->step_s.p50 + log->tokens_per_s.p50 > 0);
  return 0;
}
