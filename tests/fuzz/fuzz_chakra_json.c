/* Chakra traces in JSON under any bytes: refused with a place, or read as a rank. */
#include "interchange/chakra.h"
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  g_autoptr(GError) error = NULL;

  if (moe_chakra_add_json(chakra, (const char *)data, size, "fuzz", &error))
    g_assert_cmpuint(moe_chakra_ranks(chakra), ==, 1);
  else
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz") && !strchr(error->message, '\n'));
  return 0;
}
