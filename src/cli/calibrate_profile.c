/* moesim calibrate --profile: what the trace of a profiler shows, and measurements from it. */
#include "calibrate_profile.h"

#include "build.h"
#include "diff/diff.h"
#include "record/output.h"
#include "report/findings.h"
#include "spec/spec.h"

#include <math.h>

/* Of matrix products where none is said: what frameworks call for them. */
#define DEFAULT_FAMILY "cublaslt"

void moe_cli_profile_clear(MoeCliProfile *options)
{
  g_free(options->trace);
  g_free(options->classes);
  g_free(options->cluster);
  g_free(options->family);
  g_free(options->output);
  g_free(options->stack);
  g_free(options->format);
  g_free(options->steps_text);
  g_free(options->rank);
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
  if (options->output && !options->cluster)
    return moe_cli_complain("--output without --cluster, expected the cluster that was profiled");
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(options->classes, &error);
  g_autoptr(MoeProfile) profile = table ? moe_profile_load(options->trace, table, &error) : NULL;

  if (!profile || (options->output && !write_measurements(profile, options, data_dir, &error)))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_profile(profile, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* ---- beside a run ------------------------------------------------------------------------------------------------ */

/* Of a profile: less than a whole one may be in it. */
#define LEAST_STEPS 1e-3
#define MOST_STEPS  1e6

double moe_cli_steps(const char *text)
{
  g_auto(GStrv) parts = g_strsplit(text, "/", 2);
  double steps[2] = {NAN, 1};

  for (guint i = 0; i < 2 && parts[i]; i++) {
    char *end = NULL;

    steps[i] = g_ascii_strtod(parts[i], &end);
    if (end == parts[i] || *end)
      return NAN;
  }
  return steps[0] / steps[1];
}

gboolean moe_cli_check_steps(const char *text, double steps)
{
  return (steps >= LEAST_STEPS && steps <= MOST_STEPS) ||
         moe_cli_complain("--profiled-steps %s, expected how many steps the profile holds, or 1/120 of one", text) < 0;
}

gboolean moe_cli_rank(const char *text, int64_t *rank)
{
  *rank = -1;
  return !text || g_ascii_string_to_signed(text, 10, 0, G_MAXINT64, rank, NULL) ||
         moe_cli_complain("--rank %s, expected a rank of the run", text) < 0;
}

/* Both files or none. */
static gboolean write_fragment(const MoeCliProfile *options, const MoeProfileFragment *fragment, GError **error)
{
  g_autoptr(GPtrArray) outputs = moe_outputs_new();

  return (!options->output || moe_outputs_add(outputs, options->output, fragment->text, error)) &&
         (!options->stack || moe_outputs_add(outputs, options->stack, fragment->stack, error)) &&
         moe_outputs_commit(outputs, error);
}

static int fragment_of(const MoeCliProfile *options, const char *argument, int64_t rank, double steps, MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  MoeCliRun none = {0};
  MoeSimOptions sim;

  if (!moe_cli_sim_options(&none, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeSeenTable) table = moe_seen_table_new(options->classes, &error);
  g_autoptr(MoeProfile) profile = table ? moe_profile_load(options->trace, table, &error) : NULL;
  g_autoptr(MoeRun) run = profile ? moe_cli_load_run(argument, &none, &error) : NULL;
  g_autofree char *source = g_path_get_basename(options->trace);
  g_autoptr(MoeProfileFragment) fragment =
      run ? moe_profile_fragment(run, &sim, profile, source, rank, steps, &error) : NULL;

  if (!fragment || !write_fragment(options, fragment, &error))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_fragment(fragment, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

int moe_cli_fragment(const MoeCliProfile *options, const char *run)
{
  MoeCliRun format_of = {.format = options->format};
  double steps = options->steps_text ? moe_cli_steps(options->steps_text) : 0;
  int64_t rank;
  MoeFormat format;

  if (!moe_cli_format(&format_of, &format) || !moe_cli_rank(options->rank, &rank) ||
      (options->steps_text && !moe_cli_check_steps(options->steps_text, steps)))
    return MOE_EXIT_BAD_INPUT;
  return fragment_of(options, run, rank, steps, format);
}
