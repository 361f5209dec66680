/* The shared fit on published runs: records and tables. */
#include "findings.h"
#include "record/json.h"
#include "report/validation.h"

static void add_rate(JsonBuilder *builder, const MoeRate *rate)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "accelerator", rate->accelerator);
  moe_json_integer(builder, "rows", rate->rows);
  moe_json_number(builder, "rate", rate->rate);
  moe_json_number(builder, "low", rate->low);
  moe_json_number(builder, "high", rate->high);
  moe_json_number(builder, "dense_fitted_median", rate->fitted_median);
  moe_json_number(builder, "dense_other_median", rate->kept_median);
  moe_json_number(builder, "moe_median", rate->moe_median);
  json_builder_end_object(builder);
}

static void add_family(JsonBuilder *builder, const MoeLeftOut *out)
{
  json_builder_begin_object(builder);
  moe_json_text(builder, "family", out->family);
  moe_json_integer(builder, "cases", out->n);
  moe_json_number(builder, "median_in", out->median_in);
  moe_json_number(builder, "p90_in", out->p90_in);
  moe_json_number(builder, "median_out", out->median_out);
  moe_json_number(builder, "p90_out", out->p90_out);
  json_builder_end_object(builder);
}

static JsonNode *describe_rates(const MoeRateFit *fit)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  moe_json_integer(builder, "parameters", fit->parameters);
  moe_json_open_array(builder, "rates");
  for (guint r = 0; r < fit->n_rates; r++)
    add_rate(builder, &fit->rates[r]);
  json_builder_end_array(builder);
  moe_json_open_array(builder, "families");
  for (guint f = 0; f < fit->n_families; f++)
    add_family(builder, &fit->families[f]);
  json_builder_end_array(builder);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

char *moe_report_rates_json(const MoeRateFit *fit)
{
  g_autoptr(JsonNode) record = describe_rates(fit);

  return moe_record_json(record);
}

static char *without_one(JsonObject *rate)
{
  return moe_record_say(rate, "{low|%.3f} to {high|%.3f}");
}

char *moe_report_rates_table(const MoeRateFit *fit, MoeSheet sheet)
{
  static const MoeColumn rates[] = {
      {"accelerator", "accelerator", "l"},
      {"rows fitted", "rows", "r"},
      {"training rate", "rate", "r", "%.3f"},
      {"one family left out", .place = "r", .text = without_one},
      {"dense, fitted half", "dense_fitted_median", "r", "%"},
      {"dense, other half", "dense_other_median", "r", "%"},
      {"MoE", "moe_median", "r", "%"},
  };
  static const MoeColumn families[] = {
      {"family", "family", "l"},
      {"cases", "cases", "r"},
      {"median in", "median_in", "r", "%"},
      {"P90 in", "p90_in", "r", "%"},
      {"median left out", "median_out", "r", "%"},
      {"P90 left out", "p90_out", "r", "%"},
  };
  g_autoptr(JsonNode) record = describe_rates(fit);
  g_autofree char *first = moe_record_rows(moe_record_list(record, "rates"), rates, G_N_ELEMENTS(rates), sheet);
  g_autofree char *second =
      moe_record_rows(moe_record_list(record, "families"), families, G_N_ELEMENTS(families), sheet);

  return g_strdup_printf(
      "%u fitted parameters: the training rate of each accelerator, median |error| of step time\n\n%s\n"
      "each family with all families in the fit, and left out of it\n\n%s",
      fit->parameters, first, second);
}
