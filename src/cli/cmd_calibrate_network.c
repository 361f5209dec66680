/* moesim calibrate-network: fit collective constants to published curves, print residuals, write fabrics. */
#include "cli.h"
#include "record/output.h"
#include "record/tables.h"

#include "report/findings.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "calibrate-network",
    .arguments = "MEASUREMENTS.yaml...",
    .examples = "  moesim calibrate-network validation/measured/[ceps]*.yaml --shipped\n"
                "  moesim calibrate-network my-cluster.yaml --write clusters/fabrics\n",
    .least = 1,
    .most = -1,
};

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
  MoeFormat format = csv ? MOE_FORMAT_CSV : MOE_FORMAT_TABLE;
  MoeSheet sheet = moe_cli_sheet(format);

  moe_cli_show(format, by_row ? moe_report_network_rows(calibration, sheet) : moe_report_network(calibration, sheet));
  return MOE_EXIT_DONE;
}
