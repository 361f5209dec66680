/* moesim sensitivity: what a prediction is worth across the assumptions behind it. */
#include "cli.h"

#include <moesim/report.h>
#include <moesim/sensitivity.h>

#define DEFAULT_SAMPLES 100 /* P10 and P90 then rest on ten samples each */

static const MoeUsage usage = {
    .command = "sensitivity",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim sensitivity models/mai-base-1/v5.yaml\n"
                "  moesim sensitivity models/deepseek-v3.yaml --samples 400 --seed 7\n"
                "  moesim sensitivity models/mai-base-1/v4.yaml:before --format json\n",
    .least = 1,
    .most = 1,
};

static int sensitivity(const char *argument, gint samples, gint jobs, const MoeCliRun *run_options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *data_dir = moe_data_dir();
  MoeProgress progress;
  MoeSensitivityOptions options = {.samples = (guint)MAX(samples, 0),
                                   .jobs = (guint)MAX(jobs, 0),
                                   .progress = moe_cli_progress,
                                   .progress_data = &progress};
  MoeFormat format;

  if (!moe_cli_format(run_options, &format) || !moe_cli_sim_options(run_options, &options.sim))
    return MOE_EXIT_BAD_INPUT;
  if (samples < 1 || jobs < 0)
    return moe_cli_complain("%s: expected a positive number", samples < 1 ? "--samples" : "--jobs");
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, run_options, &error);
  moe_cli_progress_init(&progress);
  g_autoptr(MoeSensitivity) answer = run ? moe_ask_sensitivity(data_dir, run, &options, &error) : NULL;

  moe_cli_progress_end(&progress);
  if (!answer)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_sensitivity(answer, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

int moe_cmd_sensitivity(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  gint samples = DEFAULT_SAMPLES, jobs = 0;
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"samples", 0, 0, G_OPTION_ARG_INT, &samples, "combinations of the assumptions (default: 100)", "N"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  moe_cli_run_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status != MOE_CLI_GO ? status : sensitivity(argv[1], samples, jobs, &options);
}
