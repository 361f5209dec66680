/* moesim calibrate --profile: what the trace of a profiler shows, and measurements from it. */
#include "calibrate_profile.h"

#include "record/output.h"
#include "report/findings.h"
#include "spec/spec.h"

/* Of matrix products where none is said: what frameworks call for them. */
#define DEFAULT_FAMILY "cublaslt"

void moe_cli_profile_clear(MoeCliProfile *options)
{
  g_free(options->trace);
  g_free(options->classes);
  g_free(options->cluster);
  g_free(options->family);
  g_free(options->output);
  g_free(options->format);
}

char *moe_cli_machine(const char *cluster)
{
  return moe_lookup_is_path(cluster) ? g_canonicalize_filename(cluster, NULL) : g_strdup(cluster);
}

/* The fragment is called like the accelerator of the cluster that was profiled. */
static gboolean write_measurements(const MoeProfile *profile, const MoeCliProfile *options, const char *data_dir,
                                   GError **error)
{
  g_autoptr(MoeDoc) doc = NULL;
  MoeCluster cluster = {0};

  if (!moe_cluster_load(options->cluster, data_dir, &cluster, &doc, error))
    return FALSE;
  g_autofree char *source = g_path_get_basename(options->trace);
  g_autofree char *machine = moe_cli_machine(options->cluster);
  g_autofree char *text = moe_profile_measurements(profile, source, machine, cluster.accelerator.name,
                                                   options->family ? options->family : DEFAULT_FAMILY);
  moe_cluster_clear(&cluster);
  if (!text)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = options->trace},
                    "no matrix product with a shape, expected a trace that was made with record_shapes=True");
  return moe_output_save(options->output, text, error);
}

int moe_cli_profile(const MoeCliProfile *options, const char *data_dir)
{
  g_autoptr(GError) error = NULL;
  MoeCliRun run = {.format = options->format};
  MoeFormat format;

  if (!moe_cli_format(&run, &format))
    return MOE_EXIT_BAD_INPUT;
  if (format == MOE_FORMAT_CSV)
    return moe_cli_complain("--profile has no CSV, expected --format table or json");
  if (options->output && !options->cluster)
    return moe_cli_complain("--output without --cluster, expected the cluster that was profiled");
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(options->classes, &error);
  g_autoptr(MoeProfile) profile = table ? moe_profile_load(options->trace, table, &error) : NULL;

  if (!profile || (options->output && !write_measurements(profile, options, data_dir, &error)))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_profile(profile, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}
