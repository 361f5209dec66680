/* Quantities under any bytes: what parses is finite and not negative, and its formatted text parses to nearly the same.
 */
#include "base/base.h"
#include <math.h>
#include <string.h>

#include "fuzz.h"

#define FORMATTED 1e-3 /* four significant digits */

static void check_format(double value, MoeDimension dimension)
{
  g_autofree char *text = moe_quantity_format(value, dimension);
  double again = 0;

  if (dimension != MOE_DIM_DOLLARS && value >= 1e-6 && value < 1e15 &&
      moe_quantity_parse(text, dimension, &again, NULL))
    g_assert_true(fabs(again - value) <= FORMATTED * value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);

  for (int dimension = MOE_DIM_NONE; dimension <= MOE_DIM_DOLLARS; dimension++) {
    g_autoptr(GError) error = NULL;
    double value = -1;

    if (moe_quantity_parse(text, (MoeDimension)dimension, &value, &error)) {
      g_assert_true(isfinite(value) && value >= 0);
      check_format(value, (MoeDimension)dimension);
    } else {
      g_assert_true(error && *error->message);
    }
  }
  return 0;
}
