/* Exports of Nsight Systems under any bytes: sums that are finite, or a message of one line. */
#include "measured/profile.h"
#include <math.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeProfile) profile = moe_profile_parse_nsight(data, size, "fuzz", table, &error);

  if (!profile) {
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz") && !strchr(error->message, '\n'));
    return 0;
  }
  g_autoptr(GArray) products = moe_profile_products(profile), collectives = moe_profile_collectives(profile);

  g_assert_true(isfinite(profile->span_s) && profile->busy_s <= profile->span_s * (1 + 1e-9) + 1e-9);
  g_assert_cmpuint(products->len + collectives->len, <=, 2 * profile->kernels->len);
  return 0;
}
