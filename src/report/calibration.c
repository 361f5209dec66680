/* Residuals of fits: records, tables, CSV. */
#include "report/calibration.h"
#include "findings.h"
#include "record/json.h"

#include <math.h>

static void add_residual(JsonBuilder *builder, const char *key, guint rows, double median, double p90)
{
  moe_json_open_object(builder, key);
  moe_json_integer(builder, "rows", rows);
  moe_json_number(builder, "median", median);
  moe_json_number(builder, "p90", p90);
  json_builder_end_object(builder);
}

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

/* Without rows there is no residual. */
static double known(guint rows, double residual)
{
  return rows > 0 ? residual : NAN;
}

static void add_kernel_row(JsonBuilder *builder, const char *const names[5], const MoeResidual *fitted,
                           const MoeResidual *kept)
{
  static const char *const keys[] = {"accelerator", "class", "family", "precision", "pass"};

  json_builder_begin_object(builder);
  for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
    moe_json_text(builder, keys[i], names[i]);
  add_residual(builder, "fitted", fitted->rows, known(fitted->rows, fitted->median), known(fitted->rows, fitted->p90));
  add_residual(builder, "kept", kept->rows, known(kept->rows, kept->median), known(kept->rows, kept->p90));
  json_builder_end_object(builder);
}

static void add_fit(JsonBuilder *builder, const MoeCalibrationFit *fit)
{
  static const char *const passes[] = {"any", "forward", "dgrad", "wgrad"};
  const char *const names[] = {fit->fragment, moe_cost_class_title(fit->family.klass), fit->family.name,
                               fit->family.precision < 0 ? "any" : moe_precision_words[fit->family.precision],
                               passes[fit->family.pass + 1]};

  add_kernel_row(builder, names, &fit->fitted, &fit->kept);
}

/* One row of a class: of one fragment, or of all (NULL). Classes without rows are left out. */
static gboolean add_class(JsonBuilder *builder, const MoeCalibration *c, const char *fragment, MoeKernelClass klass,
                          GError **error)
{
  const char *const names[] = {fragment ? fragment : "all", moe_cost_class_title(klass), "all", "all", "all"};
  MoeResidual fitted, kept;

  if (!moe_calibration_class(c, fragment, klass, &fitted, &kept, error))
    return FALSE;
  if (fitted.rows + kept.rows > 0)
    add_kernel_row(builder, names, &fitted, &kept);
  return TRUE;
}

static gboolean add_classes(JsonBuilder *builder, const MoeCalibration *c, GError **error)
{
  g_autofree const char **fragments = moe_calibration_fragments(c);

  for (int klass = 0; klass < MOE_N_KERNEL_CLASSES; klass++) {
    for (guint i = 0; fragments[i]; i++)
      if (!add_class(builder, c, fragments[i], klass, error))
        return FALSE;
    if (!add_class(builder, c, NULL, klass, error))
      return FALSE;
  }
  return TRUE;
}

static MoeTable *kernel_table(const MoeCalibration *c, GError **error)
{
  static const MoeColumn columns[] = {
      {"accelerator", "accelerator", "l"},
      {"class", "class", "n"},
      {"family", "family", "n"},
      {"precision", "precision", "l"},
      {"pass", "pass", "n"},
      {"fitted rows", "fitted.rows", "r"},
      {"median", "fitted.median", "r", "%", .none = ""},
      {"P90", "fitted.p90", "r", "%", .none = ""},
      {"kept rows", "kept.rows", "r"},
      {"median", "kept.median", "r", "%", .none = ""},
      {"P90", "kept.p90", "r", "%", .none = ""},
  };
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < c->n_fits; i++)
    add_fit(builder, &c->fits[i]);
  if (!add_classes(builder, c, error))
    return NULL;
  json_builder_end_array(builder);
  g_autoptr(JsonNode) rows = json_builder_get_root(builder);

  return moe_record_table(json_node_get_array(rows), columns, G_N_ELEMENTS(columns));
}

char *moe_report_calibration_table(const MoeCalibration *calibration, MoeSheet sheet, GError **error)
{
  g_autoptr(MoeTable) table = kernel_table(calibration, error);

  return table ? moe_table_format(table, sheet) : NULL;
}

char *moe_report_calibration_csv(const MoeCalibration *calibration, GError **error)
{
  g_autoptr(MoeTable) table = kernel_table(calibration, error);

  return table ? moe_table_csv(table) : NULL;
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

static void add_network_row(JsonBuilder *builder, const MoeNetworkCalibration *c, const char *name, MoeNetworkPart part,
                            guint fabric)
{
  MoeNetworkResidual fitted = moe_network_residual(c, part, fabric, TRUE);
  MoeNetworkResidual kept = moe_network_residual(c, part, fabric, FALSE);

  json_builder_begin_object(builder);
  moe_json_text(builder, "name", name);
  add_residual(builder, "fitted", fitted.rows, fitted.median, fitted.p90);
  add_residual(builder, "kept", kept.rows, kept.median, kept.p90);
  json_builder_end_object(builder);
}

static MoeTable *network_table(const MoeNetworkCalibration *c)
{
  static const char *const parts[] = {"collectives", "expert exchanges", "messages", "all"};
  static const MoeColumn columns[] = {
      {"fabric or part", "name", "l"}, {"fitted rows", "fitted.rows", "r"}, {"median", "fitted.median", "r", "%"},
      {"P90", "fitted.p90", "r", "%"}, {"kept rows", "kept.rows", "r"},     {"median", "kept.median", "r", "%"},
      {"P90", "kept.p90", "r", "%"},
  };
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < c->fabrics->len; i++)
    add_network_row(builder, c, g_array_index(c->fabrics, MoeNetworkFabric, i).name, MOE_N_NETWORK_PARTS, i);
  for (guint i = 0; i <= MOE_N_NETWORK_PARTS; i++)
    add_network_row(builder, c, parts[i], (MoeNetworkPart)i, G_MAXUINT);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) rows = json_builder_get_root(builder);

  return moe_record_table(json_node_get_array(rows), columns, G_N_ELEMENTS(columns));
}

char *moe_report_network_table(const MoeNetworkCalibration *calibration, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = network_table(calibration);

  return moe_table_format(table, sheet);
}

char *moe_report_network_csv(const MoeNetworkCalibration *calibration)
{
  g_autoptr(MoeTable) table = network_table(calibration);

  return moe_table_csv(table);
}

/* ---- rows of networks -------------------------------------------------------------------------------------------- */

static void add_network_measurement(JsonBuilder *builder, const MoeNetworkCalibration *c, const MoeNetworkRow *row)
{
  const MoeNetworkSeries *series = &c->series[row->series];
  double predicted_s = moe_network_predict_s(c, row);

  json_builder_begin_object(builder);
  moe_json_text(builder, "series", series->id);
  moe_json_text(builder, "half", row->fitted ? "fitted" : "kept");
  moe_json_text(builder, "fabric", g_array_index(c->fabrics, MoeNetworkFabric, series->fabric).name);
  moe_json_integer(builder, "gpus", series->gpus);
  moe_json_integer(builder, "bytes", (gint64)row->bytes);
  moe_json_number(builder, "measured_s", row->measured_s);
  moe_json_number(builder, "predicted_s", predicted_s);
  moe_json_number(builder, "error", predicted_s / row->measured_s - 1);
  json_builder_end_object(builder);
}

static MoeTable *measurements_table(const MoeNetworkCalibration *c)
{
  static const MoeColumn columns[] = {
      {"series", "series", "l"},
      {"half", "half", "l"},
      {"fabric", "fabric", "l"},
      {"GPUs", "gpus", "r"},
      {"bytes", "bytes", "r"},
      {"measured", "measured_s", "r", "s"},
      {"predicted", "predicted_s", "r", "s"},
      {"error", "error", "r", "%"},
  };
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < c->n_rows; i++)
    add_network_measurement(builder, c, &c->rows[i]);
  json_builder_end_array(builder);
  g_autoptr(JsonNode) rows = json_builder_get_root(builder);

  return moe_record_table(json_node_get_array(rows), columns, G_N_ELEMENTS(columns));
}

char *moe_report_network_rows_table(const MoeNetworkCalibration *calibration, MoeSheet sheet)
{
  g_autoptr(MoeTable) table = measurements_table(calibration);

  return moe_table_format(table, sheet);
}

char *moe_report_network_rows_csv(const MoeNetworkCalibration *calibration)
{
  g_autoptr(MoeTable) table = measurements_table(calibration);

  return moe_table_csv(table);
}
