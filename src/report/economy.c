/* Dollars and energy as text. */
#include "report/goodput.h"

#include <math.h>

char *moe_dollars_format(double dollars)
{
  g_autofree char *amount = moe_count_format(dollars, NULL);

  return dollars > 0 ? g_strconcat("$", amount, NULL) : g_strdup("-");
}

char *moe_energy_format(double mwh)
{
  gboolean large = mwh >= 1000;
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  if (mwh <= 0)
    return g_strdup("-");
  return g_strconcat(g_ascii_formatd(digits, sizeof digits, "%.4g", large ? mwh / 1000 : mwh), large ? " GWh" : " MWh",
                     NULL);
}
