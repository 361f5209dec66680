/* moesim diff: a predicted step beside the profile of a real one. */
#include "calibrate_profile.h"
#include "cli.h"

#include "report/findings.h"
#include <math.h>

static const MoeUsage usage = {
    .command = "diff",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim diff my-run.yaml --profile rank0.pt.trace.json.gz\n"
                "  moesim diff my-run.yaml --profile trace.json --rank 8 --profiled-steps 3 --format json\n"
                "  moesim diff my-run.yaml --profile one-micro-batch-of-120.json --profiled-steps 1/120\n"
                "  moesim diff my-run.yaml --profile trace.json --classes my-kernels.yaml\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  char *profile, *classes, *steps_text, *rank_text;
  int64_t rank;
  double steps;
} Options;

static gboolean check(Options *options)
{
  if (options->steps_text)
    options->steps = moe_cli_steps(options->steps_text);
  if (!options->profile)
    moe_cli_complain("diff: no --profile, expected a trace of PyTorch's profiler or of Nsight Systems");
  else
    return moe_cli_rank(options->rank_text, &options->rank) &&
           (!options->steps_text || moe_cli_check_steps(options->steps_text, options->steps));
  return FALSE;
}

static int diff(const char *argument, const MoeCliRun *run_options, Options *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;

  if (!check(options) || !moe_cli_format(run_options, &format) || !moe_cli_sim_options(run_options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(options->classes, &error);
  g_autoptr(MoeProfile) profile = table ? moe_profile_load(options->profile, table, &error) : NULL;
  g_autoptr(MoeRun) run = profile ? moe_cli_load_run(argument, run_options, &error) : NULL;
  g_autoptr(MoeProfileDiff) found =
      run ? moe_profile_diff(run, &sim, profile, options->rank, options->steps, &error) : NULL;

  if (!found)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_diff(found, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

int moe_cmd_diff(int argc, char **argv)
{
  g_auto(MoeCliRun) run_options = {0};
  Options options = {0};
  const GOptionEntry entries[] = {
      {"profile", 0, 0, G_OPTION_ARG_FILENAME, &options.profile,
       "trace of PyTorch's profiler, also under gzip, or SQLite export of Nsight Systems", "TRACE"},
      {"classes", 0, 0, G_OPTION_ARG_FILENAME, &options.classes,
       "classes of kernels by parts of their names, before those that ship", "FILE.yaml"},
      {"rank", 0, 0, G_OPTION_ARG_STRING, &options.rank_text,
       "GPU of the run to hold it against (default: the trace's)", "N"},
      {"profiled-steps", 0, 0, G_OPTION_ARG_STRING, &options.steps_text,
       "steps in the profile, or what part of one: 1/120 (default: as many as the profiler was told of, else 1)", "N"},
      {NULL},
  };
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];

  moe_cli_run_entries(&run_options, shared);
  moe_cli_drop_entry(shared, "steps");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status == MOE_CLI_GO)
    status = diff(argv[1], &run_options, &options);
  g_free(options.profile);
  g_free(options.classes);
  g_free(options.steps_text);
  g_free(options.rank_text);
  return status;
}
