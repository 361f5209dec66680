/* One kernel: its time and why. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* ---- record ------------------------------------------------------------------------------------------------------ */

static void add_rate(JsonBuilder *builder, const MoePricedKernel *priced)
{
  const MoeKernel *kernel = priced->kernel;
  double flop_per_s = moe_cost_flop(kernel) / priced->cost->seconds;
  gboolean bytes = moe_cost_is_memory_bound(kernel->klass);

  moe_json_text(builder, "class", moe_kernel_class_words[kernel->klass]);
  moe_json_text(builder, "precision", moe_precision_words[kernel->precision]);
  moe_json_number(builder, "time_s", priced->cost->seconds);
  moe_json_number(builder, "flop_per_s", bytes ? NAN : flop_per_s);
  moe_json_number(builder, "share_of_peak", bytes ? NAN : flop_per_s / priced->quoted_flop_per_s);
  moe_json_number(builder, "bytes_per_s",
                  bytes ? (kernel->read_bytes + kernel->write_bytes) / priced->cost->seconds : NAN);
}

static void add_reasons(JsonBuilder *builder, const MoeCost *cost)
{
  moe_json_open_array(builder, "reasons");
  for (guint reason = 0; reason < MOE_N_REASONS; reason++) {
    if (cost->part_s[reason] == 0)
      continue;
    json_builder_begin_object(builder);
    moe_json_text(builder, "reason", moe_reason_words[reason]);
    moe_json_number(builder, "time_s", cost->part_s[reason]);
    moe_json_number(builder, "share", cost->part_s[reason] / cost->seconds);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
}

/* Whose constants price it. */
static void add_constants(JsonBuilder *builder, const MoePricedKernel *priced)
{
  MoeFamilyUse use;

  moe_cost_family(priced->model, priced->kernel, &use);
  gboolean fitted = use.fit && use.fit->rows > 0;

  moe_json_open_object(builder, "constants");
  moe_json_text(builder, "family", use.used);
  moe_json_text(builder, "precision", moe_precision_words[use.precision]);
  moe_json_text(builder, "origin", moe_origin_words[use.origin]);
  moe_json_text(builder, "requested", use.requested);
  moe_json_bool(builder, "exact", use.exact);
  moe_json_number(builder, "residual_median", fitted ? use.fit->residual_median : NAN);
  moe_json_number(builder, "residual_p90", fitted ? use.fit->residual_p90 : NAN);
  moe_json_integer(builder, "rows", fitted ? use.fit->rows : 0);
  moe_json_text(builder, "source", !fitted ? NULL : use.fit->source ? use.fit->source : "source not given");
  json_builder_end_object(builder);
}

/* Which rows the price rests on, and how far outside them the kernel is. */
static void add_support(JsonBuilder *builder, const MoePricedKernel *priced)
{
  MoeCostSupport support;

  moe_cost_support(priced->model, priced->kernel, &support);
  moe_json_open_object(builder, "support");
  moe_json_text(builder, "axis_outside", support.axis);
  moe_json_number(builder, "times_outside", support.axis && support.most > 0 ? support.beyond : NAN);
  moe_json_open_array(builder, "rows");
  for (guint i = 0; support.fit && i < support.fit->n_extents; i++) {
    json_builder_begin_object(builder);
    moe_json_text(builder, "axis", support.fit->axis[i]);
    moe_json_number(builder, "least", support.fit->least[i]);
    moe_json_number(builder, "most", support.fit->most[i]);
    json_builder_end_object(builder);
  }
  json_builder_end_array(builder);
  json_builder_end_object(builder);
}

static JsonNode *describe_kernel(const MoePricedKernel *priced)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_object(builder);
  add_rate(builder, priced);
  add_reasons(builder, priced->cost);
  add_constants(builder, priced);
  add_support(builder, priced);
  json_builder_end_object(builder);
  return json_builder_get_root(builder);
}

/* ---- page -------------------------------------------------------------------------------------------------------- */

/* What the rows that the price rests on cover, and where among them the kernel is. */
static char *support_text(JsonObject *record)
{
  JsonArray *rows = json_node_get_array(moe_record_find(record, "support.rows"));
  gboolean outside = moe_record_text(record, "support.axis_outside") != NULL;
  g_autofree char *far =
      moe_record_say(record, "; {support.axis_outside} is {support.times_outside|%.1f} times outside them");
  g_autofree char *none = moe_record_say(record, "; none has {support.axis_outside}");
  guint n = json_array_get_length(rows);
  GString *text = g_string_new(NULL);

  for (guint i = 0; i < n; i++) {
    g_autofree char *axis =
        moe_record_say(json_array_get_object_element(rows, i), "{axis} {least|%.6g} to {most|%.6g}");

    g_string_append_printf(text, "%s%s", i > 0 ? ", " : "rows: ", axis);
  }
  g_string_append(text, far ? far : outside ? none : n > 0 ? "; this kernel is among them" : "");
  g_string_append(text, n > 0 || outside ? "\n" : "");
  return g_string_free(text, FALSE);
}

char *moe_report_kernel(const MoePricedKernel *priced, MoeSheet sheet)
{
  static const MoeColumn reasons[] = {
      {"reason", "reason", "l"},
      {"time", "time_s", "r", "s"},
      {"share", "share", "r", "%"},
  };
  static const MoePassage page[] = {
      {MOE_SAY("{time_s|s}, {flop_per_s|FLOP/s}, {share_of_peak|%} of the quoted peak\n")},
      {MOE_SAY("{time_s|s}, {bytes_per_s|B/s}\n")},
      {MOE_ROWS("reasons", reasons)},
      {MOE_SAY("constants: family {constants.family}, {constants.precision}, from the {constants.origin}")},
      {MOE_SAY_IF("!constants.exact", " (stands in for {constants.requested}, {precision})")},
      {MOE_SAY(
          "; residual median {constants.residual_median|%}, P90 {constants.residual_p90|%}, {constants.rows} rows, "
          "{constants.source}")},
      {MOE_SAY("\n")},
      {MOE_SAID(support_text)},
  };
  static const MoeForms forms = {MOE_PAGE(page), .rows = "reasons"};

  return moe_record_emit(describe_kernel(priced), &forms, sheet);
}
