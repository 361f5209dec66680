/* One kernel: record and page. */
#include "report/kernel.h"
#include "findings.h"
#include "record/json.h"

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

char *moe_report_kernel_json(const MoePricedKernel *priced)
{
  g_autoptr(JsonNode) record = describe_kernel(priced);

  return moe_record_json(record);
}

/* ---- page -------------------------------------------------------------------------------------------------------- */

static void append(GString *text, JsonObject *record, const char *sentence)
{
  g_autofree char *said = moe_record_say(record, sentence);

  g_string_append(text, said ? said : "");
}

static void append_constants(GString *text, JsonObject *record)
{
  append(text, record, "constants: family {constants.family}, {constants.precision}, from the {constants.origin}");
  if (!moe_record_flag(record, "constants.exact"))
    append(text, record, " (stands in for {constants.requested}, {precision})");
  append(text, record,
         "; residual median {constants.residual_median|%}, P90 {constants.residual_p90|%}, {constants.rows} rows, "
         "{constants.source}");
  g_string_append_c(text, '\n');
}

static void append_support(GString *text, JsonNode *node)
{
  JsonObject *record = json_node_get_object(node);
  JsonArray *rows = moe_record_list(node, "support.rows");
  const char *axis = moe_record_text(record, "support.axis_outside");
  guint n = json_array_get_length(rows);

  for (guint i = 0; i < n; i++) {
    g_string_append(text, i > 0 ? ", " : "rows: ");
    append(text, json_array_get_object_element(rows, i), "{axis} {least|%.6g} to {most|%.6g}");
  }
  if (axis && isfinite(moe_record_number(record, "support.times_outside")))
    append(text, record, "; {support.axis_outside} is {support.times_outside|%.1f} times outside them");
  else if (axis)
    append(text, record, "; none has {support.axis_outside}");
  else if (n > 0)
    g_string_append(text, "; this kernel is among them");
  if (n > 0 || axis)
    g_string_append_c(text, '\n');
}

char *moe_report_kernel_table(const MoePricedKernel *priced, MoeSheet sheet)
{
  static const MoeColumn columns[] = {
      {"reason", "reason", "l"},
      {"time", "time_s", "r", "s"},
      {"share", "share", "r", "%"},
  };
  g_autoptr(JsonNode) record = describe_kernel(priced);
  g_autofree char *rows = moe_record_rows(moe_record_list(record, "reasons"), columns, G_N_ELEMENTS(columns), sheet);
  GString *text = g_string_new(NULL);

  append(text, json_node_get_object(record), "{time_s|s}, {flop_per_s|FLOP/s}, {share_of_peak|%} of the quoted peak\n");
  append(text, json_node_get_object(record), "{time_s|s}, {bytes_per_s|B/s}\n");
  g_string_append(text, rows);
  append_constants(text, json_node_get_object(record));
  append_support(text, record);
  return g_string_free(text, FALSE);
}
