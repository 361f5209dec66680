/* Numbers for readers. */
#include "record/tables.h"

#include <math.h>

char *moe_percent_format(double fraction)
{
  double percent = 100.0 * fraction;
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  /* 9.995 and above would print as "10.00". */
  const char *format = fabs(percent) < 9.995 ? "%.2f" : "%.1f";

  return g_strdup_printf("%s %%", g_ascii_formatd(text, sizeof text, format, percent));
}

/* Prefixes of thousands from 1 on, for units and for plain counts. */
static const char *const unit_prefixes[] = {"", "k", "M", "G", "T", "P", "E", "Z", "Y"};
static const char *const count_prefixes[] = {"", " K", " M", " B", " T"};

/* Four significant digits, without trailing zeros. */
static void format_short(double value, char *text, gsize size)
{
  char digits[G_ASCII_DTOSTR_BUF_SIZE];

  g_ascii_formatd(digits, sizeof digits, "%.4g", value);
  g_strlcpy(text, digits, size);
}

char *moe_count_format(double count, const char *unit)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  guint last = unit ? G_N_ELEMENTS(unit_prefixes) - 1 : G_N_ELEMENTS(count_prefixes) - 1;
  guint prefix = 0;

  /* 999.95 has four digits as "1000": the next prefix is due. */
  while (fabs(count) >= 999.95 && prefix < last) {
    count /= 1000;
    prefix++;
  }
  format_short(count, text, sizeof text);
  if (unit)
    return g_strdup_printf("%s %s%s", text, unit_prefixes[prefix], unit);
  return g_strdup_printf("%s%s", text, count_prefixes[prefix]);
}

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
