/* Numbers and words for readers. */
#include <moesim/report.h>

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

const char *moe_cause_title(guint cause)
{
  static const char *const titles[MOE_N_CAUSES] = {
      [MOE_CAUSE_MATH] = "model FLOPs at peak",      [MOE_CAUSE_KERNEL_INEFFICIENCY] = "kernels below peak",
      [MOE_CAUSE_RECOMPUTE] = "recomputation",       [MOE_CAUSE_PADDING] = "padding",
      [MOE_CAUSE_NVLINK_EXPOSED] = "exposed NVLink", [MOE_CAUSE_NETWORK_EXPOSED] = "exposed network",
      [MOE_CAUSE_PEER_WAIT] = "waiting for peers",   [MOE_CAUSE_BUBBLE] = "pipeline bubble",
      [MOE_CAUSE_HOST] = "host launch and sync",     [MOE_CAUSE_COPY_EXPOSED] = "exposed copies",
      [MOE_CAUSE_OPTIMIZER] = "optimizer",           [MOE_CAUSE_DATA] = "data loading",
  };

  g_assert(cause < MOE_N_CAUSES);
  return titles[cause];
}

const char *moe_reason_title(guint reason)
{
  static const char *const titles[MOE_N_REASONS] = {
      [MOE_REASON_MATH] = "model FLOPs at peak",
      [MOE_REASON_PRECISION] = "precision other than the quoted peak's",
      [MOE_REASON_PADDING] = "rows without tokens",
      [MOE_REASON_TILE] = "tiles larger than the output",
      [MOE_REASON_WAVE] = "last wave not full",
      [MOE_REASON_SUSTAINED] = "sustained rate below peak",
      [MOE_REASON_RAMP] = "prologue and short reductions",
      [MOE_REASON_MEMORY] = "memory-bound",
      [MOE_REASON_FLOOR] = "minimum kernel time",
      [MOE_REASON_CONTENTION] = "beside communication kernels",
      [MOE_REASON_RECOMPUTE] = "scores rebuilt in backward",
      [MOE_REASON_UNCOUNTED] = "math that is not counted",
  };

  g_assert(reason < MOE_N_REASONS);
  return titles[reason];
}
