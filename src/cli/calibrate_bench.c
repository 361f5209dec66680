/* moesim calibrate --bench: what nccl-tests or DeepEP printed, as measurements, beside the prediction. */
#include "calibrate_profile.h"

#include "measured/bench.h"
#include "record/output.h"
#include "report/findings.h"

#define MAX_GPUS 1000000

void moe_cli_bench_clear(MoeCliBench *bench)
{
  g_free(bench->file);
  g_free(bench->op);
}

static gboolean check(const MoeCliBench *bench, const char *cluster, const char *output)
{
  if (!cluster)
    moe_cli_complain("--bench without --cluster, expected the machine that was measured");
  else if (!output)
    moe_cli_complain("--bench without --output, expected a file for its measurements");
  else if (bench->gpus < 0 || bench->gpus > MAX_GPUS)
    moe_cli_complain("--gpus %" G_GINT64_FORMAT ", expected how many took part", bench->gpus);
  else if (bench->experts < 0 || bench->experts > MAX_GPUS)
    moe_cli_complain("--experts %" G_GINT64_FORMAT ", expected those of DeepEP's test", bench->experts);
  else
    return !bench->op || moe_cli_word("--op", bench->op, moe_bench_ops) >= 0;
  return FALSE;
}

/* Nothing is written for a machine that there is not. */
static gboolean is_cluster(const char *cluster, const char *data_dir, GError **error)
{
  g_autoptr(MoeDoc) doc = NULL;
  MoeCluster machine = {0};
  gboolean good = moe_cluster_load(cluster, data_dir, &machine, &doc, error);

  moe_cluster_clear(&machine);
  return good;
}

int moe_cli_bench(const MoeCliBench *bench, const char *cluster, const char *output, const char *format,
                  const char *data_dir)
{
  MoeCliRun run = {.format = (char *)format};
  const char *const paths[] = {output, NULL};
  g_autofree char *source = g_path_get_basename(bench->file);
  g_autofree char *machine = cluster ? moe_cli_machine(cluster) : NULL;
  MoeBenchOptions options = {machine, source, bench->op, bench->gpus, bench->experts};
  g_autoptr(GError) error = NULL;
  MoeFormat as;

  if (!check(bench, cluster, output) || !moe_cli_format(&run, &as))
    return MOE_EXIT_BAD_INPUT;
  g_autofree char *text = is_cluster(cluster, data_dir, &error) ? moe_bench_load(bench->file, &options, &error) : NULL;
  if (!text || !moe_output_save(output, text, &error))
    return moe_cli_fail(error);
  g_autoptr(MoeNetworkCalibration) calibration = moe_network_calibration_load(paths, data_dir, &error);
  if (!calibration)
    return moe_cli_fail(error);
  moe_cli_show(as, moe_report_network_rows(calibration, moe_cli_sheet(as)));
  return MOE_EXIT_DONE;
}
