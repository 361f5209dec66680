/* The shared fit on published runs. */
#include "record/json.h"
#include "report/describe.h"
#include "report/findings.h"

static char *without_one(JsonObject *rate)
{
  return moe_record_say(rate, "{low|%.3f} to {high|%.3f}");
}

static const MoeColumn rates[] = {
    {"accelerator", "accelerator", "l", MOE_AT(MoeRate, accelerator)},
    {"rows fitted", "rows", "r", MOE_AT(MoeRate, rows)},
    {"training rate", "rate", "r", "%.3f", MOE_AT(MoeRate, rate)},
    {"one family left out", .place = "r", .text = without_one},
    {NULL, "low", MOE_AT(MoeRate, low)},
    {NULL, "high", MOE_AT(MoeRate, high)},
    {"dense, fitted half", "dense_fitted_median", "r", "%", MOE_AT(MoeRate, fitted_median)},
    {"dense, other half", "dense_other_median", "r", "%", MOE_AT(MoeRate, kept_median)},
    {"MoE", "moe_median", "r", "%", MOE_AT(MoeRate, moe_median)},
};

static const MoeColumn families[] = {
    {"family", "family", "l", MOE_AT(MoeLeftOut, family)},
    {"cases", "cases", "r", MOE_AT(MoeLeftOut, n)},
    {"median in", "median_in", "r", "%", MOE_AT(MoeLeftOut, median_in)},
    {"P90 in", "p90_in", "r", "%", MOE_AT(MoeLeftOut, p90_in)},
    {"median left out", "median_out", "r", "%", MOE_AT(MoeLeftOut, median_out)},
    {"P90 left out", "p90_out", "r", "%", MOE_AT(MoeLeftOut, p90_out)},
};

char *moe_report_rates(const MoeRateFit *fit, MoeSheet sheet)
{
  static const MoePassage page[] = {
      {MOE_SAY(
          "{parameters} fitted parameters: the training rate of each accelerator, median |error| of step time\n\n")},
      {MOE_ROWS("rates", rates)},
      {MOE_SAY("\neach family with all families in the fit, and left out of it\n\n")},
      {MOE_ROWS("families", families)},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "families"};
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_integer(builder, "parameters", fit->parameters);
  MOE_LIST(builder, "rates", fit->rates, fit->n_rates, rates);
  MOE_LIST(builder, "families", fit->families, fit->n_families, families);
  json_builder_end_object(builder);
  return moe_record_emit(json_builder_get_root(builder), &forms, sheet);
}
