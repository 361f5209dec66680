/* The shared fit on published runs as tables. */
#include "report/tables.h"
#include "report/validation.h"

#include <math.h>

static char *rates(const MoeRateFit *fit, MoeSheet sheet)
{
  static const char *const header[] = {
      "accelerator",        "rows fitted",       "training rate", "one family left out",
      "dense, fitted half", "dense, other half", "MoE",           NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrrrrr");

  moe_table_header(table, header);
  for (guint r = 0; r < fit->n_rates; r++) {
    const MoeRate *rate = &fit->rates[r];

    moe_table_add(table, rate->accelerator);
    moe_table_whole(table, rate->rows);
    moe_table_take(table, g_strdup_printf("%.3f", rate->rate));
    moe_table_take(table, isfinite(rate->low) ? g_strdup_printf("%.3f to %.3f", rate->low, rate->high) : NULL);
    moe_table_percent(table, rate->fitted_median);
    moe_table_percent(table, rate->kept_median);
    moe_table_percent(table, rate->moe_median);
  }
  return moe_table_format(table, sheet);
}

static char *families(const MoeRateFit *fit, MoeSheet sheet)
{
  static const char *const header[] = {"family",          "cases",        "median in", "P90 in",
                                       "median left out", "P90 left out", NULL};
  g_autoptr(MoeTable) table = moe_table_new("lrrrrr");

  moe_table_header(table, header);
  for (guint f = 0; f < fit->n_families; f++) {
    const MoeLeftOut *out = &fit->families[f];

    moe_table_add(table, out->family);
    moe_table_whole(table, out->n);
    moe_table_percent(table, out->median_in);
    moe_table_percent(table, out->p90_in);
    moe_table_percent(table, out->median_out);
    moe_table_percent(table, out->p90_out);
  }
  return moe_table_format(table, sheet);
}

char *moe_report_rates_table(const MoeRateFit *fit, MoeSheet sheet)
{
  g_autofree char *first = rates(fit, sheet);
  g_autofree char *second = families(fit, sheet);

  return g_strdup_printf(
      "%u fitted parameters: the training rate of each accelerator, median |error| of step time\n\n%s\n"
      "each family with all families in the fit, and left out of it\n\n%s",
      fit->parameters, first, second);
}
