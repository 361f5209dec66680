/* moesim fabric: what a step puts on the links. */
#include "cli.h"
#include "report/output.h"

#include "report/fabric.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "fabric",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples =
        "  moesim fabric models/mai-base-1/v5.yaml\n"
        "  moesim fabric models/deepseek-v3.yaml --svg fabric.svg\n"
        "  moesim fabric models/mai-base-1/v5.yaml --set 'cluster.network.faults=[{what: leaf, index: 3, factor: "
        "0.5}]'\n",
    .least = 1,
    .most = 1,
};

static int fabric(const char *argument, const MoeCliRun *options, const char *svg_path)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;

  if (!moe_cli_format(options, &format))
    return MOE_EXIT_BAD_INPUT;
  if (format == MOE_FORMAT_JSON)
    return moe_cli_complain("fabric: --format json, expected table or csv");
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autoptr(MoeFabricLoad) load = run ? moe_fabric_load(run, (uint64_t)options->seed, &error) : NULL;

  if (!load)
    return moe_cli_fail(error);
  g_autofree char *svg = svg_path ? moe_report_fabric_svg(load) : NULL;
  if (svg && !moe_output_save(svg_path, svg, &error))
    return moe_cli_fail(error);
  g_autofree char *text =
      format == MOE_FORMAT_CSV ? moe_report_fabric_csv(load) : moe_report_fabric_table(load, moe_cli_sheet());
  moe_cli_print_as(format, text);
  return MOE_EXIT_DONE;
}

int moe_cmd_fabric(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  g_autofree char *svg = NULL;
  const GOptionEntry entries[] = {
      {"svg", 0, 0, G_OPTION_ARG_FILENAME, &svg, "draw leaves, NICs and NVLink domains, coloured by load", "FILE.svg"},
      {NULL},
  };
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];

  moe_cli_run_entries(&options, shared);
  moe_cli_drop_entry(shared, "fidelity");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status == MOE_CLI_GO ? fabric(argv[1], &options, svg) : status;
}
