/* moesim calibrate-network: fit collective constants to published curves, print residuals, write fabrics. */
#include "cli.h"
#include "report/output.h"
#include "report/tables.h"

#include "calibrate/network.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "calibrate-network",
    .arguments = "MEASUREMENTS.yaml...",
    .examples = "  moesim calibrate-network validation/measured/{collectives,small,expert,p2p}.yaml --shipped\n"
                "  moesim calibrate-network my-cluster.yaml --write clusters/fabrics\n",
    .least = 1,
    .most = -1,
};

static void add_residual(MoeTable *table, MoeNetworkResidual residual)
{
  moe_table_take(table, g_strdup_printf("%u", residual.rows));
  moe_table_take(table, moe_percent_format(residual.median));
  moe_table_take(table, moe_percent_format(residual.p90));
}

static void add_row(MoeTable *table, const MoeNetworkCalibration *c, const char *name, MoeNetworkPart part,
                    guint fabric)
{
  moe_table_add(table, name);
  add_residual(table, moe_network_residual(c, part, fabric, TRUE));
  add_residual(table, moe_network_residual(c, part, fabric, FALSE));
}

static char *format_residuals(const MoeNetworkCalibration *c, gboolean csv)
{
  static const char *const titles[] = {"fabric or part", "fitted rows", "median", "P90", "kept rows", "median", "P90"};
  static const char *const parts[] = {"collectives", "expert exchanges", "messages", "all"};
  g_autoptr(MoeTable) table = moe_table_new("lrrrrrr");

  for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
    moe_table_add(table, titles[i]);
  for (guint i = 0; i < c->fabrics->len; i++)
    add_row(table, c, g_array_index(c->fabrics, MoeNetworkFabric, i).name, MOE_N_NETWORK_PARTS, i);
  for (guint i = 0; i <= MOE_N_NETWORK_PARTS; i++)
    add_row(table, c, parts[i], (MoeNetworkPart)i, G_MAXUINT);
  return csv ? moe_table_csv(table) : moe_table_format(table, moe_cli_sheet());
}

/* One line per measured row: what was measured, what is predicted, which half it lies in. */
static char *format_rows(const MoeNetworkCalibration *c, gboolean csv)
{
  static const char *const titles[] = {"series", "half", "fabric", "GPUs", "bytes", "measured", "predicted", "error"};
  g_autoptr(MoeTable) table = moe_table_new("lllrrrrr");

  for (guint i = 0; i < G_N_ELEMENTS(titles); i++)
    moe_table_add(table, titles[i]);
  for (guint i = 0; i < c->n_rows; i++) {
    const MoeNetworkRow *row = &c->rows[i];
    const MoeNetworkSeries *series = &c->series[row->series];
    double predicted_s = moe_network_predict_s(c, row);

    moe_table_add(table, series->id);
    moe_table_add(table, row->fitted ? "fitted" : "kept");
    moe_table_add(table, g_array_index(c->fabrics, MoeNetworkFabric, series->fabric).name);
    moe_table_whole(table, series->gpus);
    moe_table_whole(table, (int64_t)row->bytes);
    moe_table_quantity(table, row->measured_s, MOE_DIM_SECONDS);
    moe_table_quantity(table, predicted_s, MOE_DIM_SECONDS);
    moe_table_percent(table, predicted_s / row->measured_s - 1);
  }
  return csv ? moe_table_csv(table) : moe_table_format(table, moe_cli_sheet());
}

static gboolean write_fabrics(const MoeNetworkCalibration *c, const char *folder, GError **error)
{
  g_autoptr(GPtrArray) outputs = moe_outputs_new();

  for (guint i = 0; i < c->fabrics->len; i++) {
    const MoeNetworkFabric *fabric = &g_array_index(c->fabrics, MoeNetworkFabric, i);
    g_autofree char *file = g_strconcat(fabric->name, ".yaml", NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = moe_network_fabric_print(fabric);

    if (!moe_outputs_add(outputs, path, text, error))
      return FALSE;
  }
  return moe_outputs_commit(outputs, error);
}

static gboolean write_libraries(const MoeNetworkCalibration *c, const char *folder, GError **error)
{
  for (guint i = 0; i < c->libraries->len; i++) {
    const MoeExpertLibrary *library = g_ptr_array_index(c->libraries, i);
    g_autofree char *file = g_strconcat("library-", library->name, ".yaml", NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *text = moe_network_library_print(library);

    if (*text && !moe_output_save(path, text, error))
      return FALSE;
  }
  return TRUE;
}

int moe_cmd_calibrate_network(int argc, char **argv)
{
  g_autofree char *folder = NULL, *data_dir = moe_data_dir();
  gboolean shipped = FALSE, csv = FALSE, by_row = FALSE;
  const GOptionEntry entries[] = {
      {"write", 0, 0, G_OPTION_ARG_FILENAME, &folder, "write FABRIC.yaml with the constants into DIR", "DIR"},
      {"shipped", 0, 0, G_OPTION_ARG_NONE, &shipped, "judge the constants of clusters/fabrics/, fit nothing", NULL},
      {"rows", 0, 0, G_OPTION_ARG_NONE, &by_row, "every row instead of medians: measured, predicted, error", NULL},
      {"csv", 0, 0, G_OPTION_ARG_NONE, &csv, "print CSV instead of a table", NULL},
      {NULL},
  };
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);
  g_autoptr(GError) error = NULL;

  if (status != MOE_CLI_GO)
    return status;
  g_autoptr(MoeNetworkCalibration) calibration =
      moe_network_calibration_load((const char *const *)&argv[1], data_dir, &error);
  if (!calibration)
    return moe_cli_fail(error);
  if (!shipped)
    moe_network_fit_all(calibration);
  if (folder && (!write_fabrics(calibration, folder, &error) || !write_libraries(calibration, folder, &error)))
    return moe_cli_fail(error);
  g_autofree char *text = by_row ? format_rows(calibration, csv) : format_residuals(calibration, csv);
  moe_cli_print(text);
  return MOE_EXIT_DONE;
}
