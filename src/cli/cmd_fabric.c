/* moesim fabric: what a step puts on the links. */
#include "cli.h"
#include "figure/plot.h"
#include "record/output.h"

#include "report/findings.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "fabric",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples =
        "  moesim fabric models/mai-base-1/v5.yaml\n"
        "  moesim fabric models/deepseek-v3.yaml --svg fabric.svg\n"
        "  moesim fabric models/mai-base-1/v5.yaml --set 'cluster.network.faults=[{what: leaf, index: 3, factor: "
        "0.5}]'\n"
        "  moesim fabric models/deepseek-v3.yaml --beside models/llama3-70b.yaml --set "
        "cluster.network.topology.oversubscription=2\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  MoeCliRun run;
  MoeCliBeside beside;
  char *svg;
} Options;

static int fabric(const char *argument, const Options *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeNeighbour) neighbour = NULL;
  MoeFormat format;
  MoeSimOptions sim;

  if (!moe_cli_format(&options->run, &format) || !moe_cli_sim_options(&options->run, &sim))
    return MOE_EXIT_BAD_INPUT;
  if (options->svg && !moe_output_check(options->svg, &error))
    return moe_cli_fail(error);
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, &options->run, &error);
  if (run && options->beside.run)
    neighbour = moe_cli_beside(&options->beside, run, &sim, &error);
  g_autoptr(MoeFabricLoad) load = run && !error ? moe_fabric_load(run, &sim, &error) : NULL;

  if (!load)
    return moe_cli_fail(error);
  g_autofree char *svg = options->svg ? moe_plot_fabric_svg(load) : NULL;
  if (svg && !moe_output_save(options->svg, svg, &error))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_fabric(load, moe_cli_sheet(format)));
  if (neighbour && format == MOE_FORMAT_TABLE)
    moe_cli_print_beside(&options->beside, neighbour);
  return MOE_EXIT_DONE;
}

int moe_cmd_fabric(int argc, char **argv)
{
  Options options = {0};
  const GOptionEntry entries[] = {
      {"svg", 0, 0, G_OPTION_ARG_FILENAME, &options.svg,
       "draw leaves, NICs, NVLink domains and what is inside, coloured by load, and the traffic between domains",
       "FILE.svg"},
      MOE_CLI_BESIDE_ENTRIES(options.beside),
      {NULL},
  };
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];

  moe_cli_run_entries(&options.run, shared);
  moe_cli_drop_entry(shared, "fidelity");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status == MOE_CLI_GO)
    status = fabric(argv[1], &options);
  moe_cli_run_clear(&options.run);
  moe_cli_beside_clear(&options.beside);
  g_free(options.svg);
  return status;
}
