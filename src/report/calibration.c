/* Residuals of fits. */
#include "report/describe.h"
#include "report/findings.h"

#include <math.h>

/* Residuals of the rows that were fitted and of those kept from the fit. */
typedef struct {
  const char *accelerator, *klass, *family, *precision, *pass; /* of a kernel */
  const char *name;                                            /* of a network */
  guint fitted_rows, kept_rows;
  double fitted_median, fitted_p90, kept_median, kept_p90;
} Row;

/* Without rows there is no residual. */
static double known(guint rows, double residual)
{
  return rows > 0 ? residual : NAN;
}

#define RESIDUALS                                                                                                      \
  {"fitted rows", "fitted.rows", "r", MOE_AT(Row, fitted_rows)},                                                       \
      {"median", "fitted.median", "r", "%", MOE_AT(Row, fitted_median), .none = RESIDUAL_NONE},                        \
      {"P90", "fitted.p90", "r", "%", MOE_AT(Row, fitted_p90), .none = RESIDUAL_NONE},                                 \
      {"kept rows", "kept.rows", "r", MOE_AT(Row, kept_rows)},                                                         \
      {"median", "kept.median", "r", "%", MOE_AT(Row, kept_median), .none = RESIDUAL_NONE},                            \
  {                                                                                                                    \
    "P90", "kept.p90", "r", "%", MOE_AT(Row, kept_p90), .none = RESIDUAL_NONE                                          \
  }

/* ---- kernels ----------------------------------------------------------------------------------------------------- */

#define RESIDUAL_NONE ""
static const MoeColumn kernel_fields[] = {
    {"accelerator", "accelerator", "l", MOE_AT(Row, accelerator)},
    {"class", "class", "n", MOE_AT(Row, klass)},
    {"family", "family", "n", MOE_AT(Row, family)},
    {"precision", "precision", "l", MOE_AT(Row, precision)},
    {"pass", "pass", "n", MOE_AT(Row, pass)},
    RESIDUALS,
};
#undef RESIDUAL_NONE

static void add_kernel_row(JsonBuilder *builder, Row row, const MoeResidual *fitted, const MoeResidual *kept)
{
  row.fitted_rows = fitted->rows;
  row.fitted_median = known(fitted->rows, fitted->median);
  row.fitted_p90 = known(fitted->rows, fitted->p90);
  row.kept_rows = kept->rows;
  row.kept_median = known(kept->rows, kept->median);
  row.kept_p90 = known(kept->rows, kept->p90);
  MOE_LIST(builder, NULL, &row, 1, kernel_fields);
}

static void add_fit(JsonBuilder *builder, const MoeCalibrationFit *fit)
{
  static const char *const passes[] = {"any", "forward", "dgrad", "wgrad"};
  const Row row = {.accelerator = fit->fragment,
                   .klass = moe_cost_class_title(fit->family.klass),
                   .family = fit->family.name,
                   .precision = fit->family.precision < 0 ? "any" : moe_precision_words[fit->family.precision],
                   .pass = passes[fit->family.pass + 1]};

  add_kernel_row(builder, row, &fit->fitted, &fit->kept);
}

/* One row of a class: of one fragment, or of all (NULL). Classes without rows are left out. */
static gboolean add_class(JsonBuilder *builder, const MoeCalibration *c, const char *fragment, MoeKernelClass klass,
                          GError **error)
{
  const Row row = {fragment ? fragment : "all", moe_cost_class_title(klass), "all", "all", "all"};
  MoeResidual fitted, kept;

  if (!moe_calibration_class(c, fragment, klass, &fitted, &kept, error))
    return FALSE;
  if (fitted.rows + kept.rows > 0)
    add_kernel_row(builder, row, &fitted, &kept);
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

char *moe_report_calibration(const MoeCalibration *c, MoeSheet sheet, GError **error)
{
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < c->n_fits; i++)
    add_fit(builder, &c->fits[i]);
  if (!add_classes(builder, c, error))
    return NULL;
  json_builder_end_array(builder);
  return MOE_EMIT_LIST(json_builder_get_root(builder), kernel_fields, sheet);
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

#define RESIDUAL_NONE NULL
static const MoeColumn network_fields[] = {{"fabric or part", "name", "l", MOE_AT(Row, name)}, RESIDUALS};
#undef RESIDUAL_NONE

static void add_network_row(JsonBuilder *builder, const MoeNetworkCalibration *c, const char *name, MoeNetworkPart part,
                            guint fabric)
{
  MoeNetworkResidual fitted = moe_network_residual(c, part, fabric, TRUE);
  MoeNetworkResidual kept = moe_network_residual(c, part, fabric, FALSE);
  const Row row = {.name = name,
                   .fitted_rows = fitted.rows,
                   .fitted_median = fitted.median,
                   .fitted_p90 = fitted.p90,
                   .kept_rows = kept.rows,
                   .kept_median = kept.median,
                   .kept_p90 = kept.p90};

  MOE_LIST(builder, NULL, &row, 1, network_fields);
}

char *moe_report_network(const MoeNetworkCalibration *c, MoeSheet sheet)
{
  static const char *const parts[] = {"collectives", "expert exchanges", "messages", "all"};
  g_autoptr(JsonBuilder) builder = json_builder_new();

  json_builder_begin_array(builder);
  for (guint i = 0; i < c->fabrics->len; i++)
    add_network_row(builder, c, g_array_index(c->fabrics, MoeNetworkFabric, i).name, MOE_N_NETWORK_PARTS, i);
  for (guint i = 0; i <= MOE_N_NETWORK_PARTS; i++)
    add_network_row(builder, c, parts[i], (MoeNetworkPart)i, G_MAXUINT);
  json_builder_end_array(builder);
  return MOE_EMIT_LIST(json_builder_get_root(builder), network_fields, sheet);
}

/* ---- rows of networks -------------------------------------------------------------------------------------------- */

static void add_measurement(JsonBuilder *builder, const MoeNetworkCalibration *c, const MoeNetworkRow *row)
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

char *moe_report_network_rows(const MoeNetworkCalibration *c, MoeSheet sheet)
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
    add_measurement(builder, c, &c->rows[i]);
  json_builder_end_array(builder);
  return MOE_EMIT_LIST(json_builder_get_root(builder), columns, sheet);
}
