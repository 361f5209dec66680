/* moesim validate --parts, --pair: inside one step. */
#include "validate_parts.h"

#include "cli.h"

#include "report/findings.h"

int moe_cli_validate_parts(const char *dir, const char *data_dir, int64_t stage, const MoeSimOptions *sim,
                           MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) cases = moe_validate_parts(dir, data_dir, stage, sim, &error);

  if (!cases)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_parts(cases, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

int moe_cli_validate_pair(const char *path, const char *data_dir, const MoeSimOptions *sim, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoePairTrace) trace = {0};
  MoeRunOptions options = {.data_dir = data_dir};
  MoeIteration iteration;

  if (!moe_pair_trace_load(path, &trace, &error))
    return moe_cli_fail(error);
  g_autoptr(MoeRun) run = moe_run_load(trace.run, &options, &error);
  if (!run || !moe_study_iteration(run, sim, trace.stage, &iteration, &error))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_pair(&trace, &iteration, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}
