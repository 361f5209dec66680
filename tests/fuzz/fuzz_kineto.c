/* Profiler traces under any bytes: sums that are finite, or a message of one line. */
#include "measured/profile.h"
#include <math.h>
#include <string.h>

#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(NULL, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeProfile) profile = moe_profile_parse((const char *)data, size, "fuzz", table, &error);
  MoeSeenSum sums[MOE_N_SEEN];

  if (!profile) {
    g_assert_true(error && g_str_has_prefix(error->message, "fuzz") && !strchr(error->message, '\n'));
    return 0;
  }
  moe_profile_classes(profile, sums);
  g_autoptr(GArray) products = moe_profile_products(profile), collectives = moe_profile_collectives(profile);
  g_autofree char *text = moe_profile_measurements(profile, "fuzz", "h100-hgx", "h100", "cublaslt");

  g_assert_true(isfinite(profile->span_s) && profile->busy_s <= profile->span_s * (1 + 1e-9) + 1e-9);
  g_assert_cmpuint(products->len + collectives->len, <=, 2 * profile->kernels->len);
  g_assert_true(products->len > 0 || !text);
  return 0;
}
