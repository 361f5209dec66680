/* moesim calibrate: fits kernel constants to measured times and prints what is left. */
#include "calibrate_profile.h"
#include "cli.h"
#include "record/output.h"
#include "record/tables.h"

#include "report/findings.h"
#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "calibrate",
    .arguments = "MEASUREMENTS.yaml... | --profile TRACE | --bench OUTPUT | --log LOG",
    .examples = "  moesim calibrate validation/measured/[abg]*.yaml\n"
                "  moesim calibrate validation/measured/[abg]*.yaml --write clusters/accelerators/fragments\n"
                "  moesim calibrate my-gemm.yaml --shipped\n"
                "  moesim calibrate --profile rank0.pt.trace.json.gz --cluster h100-hgx -o my-gemm.yaml\n"
                "  moesim calibrate --profile rank0.pt.trace.json.gz --run my-run.yaml -o my-cluster.yaml "
                "--stack-output my-stack.yaml\n"
                "  moesim calibrate --bench all_reduce_perf.txt --cluster h100-hgx -o my-network.yaml\n"
                "  moesim calibrate --log train.log --run my-run.yaml -o my-case.yaml\n",
    .least = 0,
    .most = -1,
};

static gboolean print_residuals(const MoeCalibration *c, MoeFormat format, GError **error)
{
  char *text = moe_report_calibration(c, moe_cli_sheet(format), error);

  if (text)
    moe_cli_show(format, text);
  return text != NULL;
}

static gboolean write_fragments(const MoeCalibration *c, const char *folder, GError **error)
{
  g_autoptr(GPtrArray) outputs = moe_outputs_new();
  g_autofree const char **fragments = moe_calibration_fragments(c);

  for (guint i = 0; fragments[i]; i++) {
    g_autofree char *name = g_strconcat(fragments[i], ".yaml", NULL);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *text = moe_calibration_fragment(c, fragments[i]);

    if (!moe_outputs_add(outputs, path, text, error))
      return FALSE;
  }
  return moe_outputs_commit(outputs, error);
}

static gboolean fit_all(MoeCalibration *c, GError **error)
{
  MoeProgress progress;

  moe_cli_progress_init(&progress);
  gboolean fitted = moe_calibration_fit_all(c, moe_cli_progress, &progress, error);

  moe_cli_progress_end(&progress);
  return fitted;
}

/* Measurements, or one of what is read instead. */
static gboolean is_one(gboolean measurements, const char *profile, const char *bench, const char *log)
{
  if (measurements + !!profile + !!bench + !!log <= 1)
    return TRUE;
  moe_cli_complain("calibrate: two of measurements, --profile, --bench and --log, expected one of them");
  return FALSE;
}

typedef struct {
  MoeCliProfile profile;
  MoeCliBench bench;
  char *folder, *log, *run;
  gboolean shipped, csv;
} Options;

static void clear_options(Options *options)
{
  moe_cli_profile_clear(&options->profile);
  moe_cli_bench_clear(&options->bench);
  g_free(options->folder);
  g_free(options->log);
  g_free(options->run);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

static int fit(const Options *o, const char *const *paths, const char *data_dir)
{
  const MoeCliRun said = {.format = o->profile.format};
  g_autoptr(GError) error = NULL;
  MoeFormat format;

  if (!paths[0])
    return moe_cli_complain("calibrate: expected %s; moesim calibrate --help tells more", usage.arguments);
  if (!moe_cli_format(&said, &format))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeCalibration) calibration = moe_calibration_load(paths, data_dir, &error);
  if (!calibration || !(o->shipped ? moe_calibration_take(calibration, &error) : fit_all(calibration, &error)) ||
      (o->folder && !write_fragments(calibration, o->folder, &error)) || !print_residuals(calibration, format, &error))
    return moe_cli_fail(error);
  return MOE_EXIT_DONE;
}

static int read_run(const Options *o, G_GNUC_UNUSED const char *const *paths, G_GNUC_UNUSED const char *data_dir)
{
  return moe_cli_fragment(&o->profile, o->run);
}

static int read_profile(const Options *o, G_GNUC_UNUSED const char *const *paths, const char *data_dir)
{
  return moe_cli_profile(&o->profile, data_dir);
}

static int read_bench(const Options *o, G_GNUC_UNUSED const char *const *paths, const char *data_dir)
{
  return moe_cli_bench(&o->bench, o->profile.cluster, o->profile.output, o->profile.format, data_dir);
}

static int read_log(const Options *o, G_GNUC_UNUSED const char *const *paths, G_GNUC_UNUSED const char *data_dir)
{
  return moe_cli_log(o->log, o->run, o->profile.output, o->profile.format);
}

/* --csv is --format csv. */
static gboolean settle_format(Options *o)
{
  if (o->csv && o->profile.format)
    return moe_cli_complain("calibrate: --csv and --format, expected one of them") < 0;
  if (o->csv)
    o->profile.format = g_strdup("csv");
  return TRUE;
}

/* What is read, and the options that it takes. */
static int ask(Options *o, const GOptionEntry *entries, const char *const *paths)
{
  const struct {
    gboolean given;
    const char *what, *used;
    int (*answer)(const Options *o, const char *const *paths, const char *data_dir);
  } sources[] = {
      {o->profile.trace && o->run, "calibrate --profile --run",
       "profile run classes rank profiled-steps output stack-output format csv", read_run},
      {o->profile.trace != NULL, "calibrate --profile", "profile classes cluster family output format csv",
       read_profile},
      {o->bench.file != NULL, "calibrate --bench", "bench op gpus experts cluster output format csv", read_bench},
      {o->log != NULL, "calibrate --log", "log run output format csv", read_log},
      {TRUE, "calibrate of measurements", "write shipped csv format", fit},
  };
  g_autofree char *data_dir = moe_data_dir();
  guint source = 0;

  if (!is_one(paths[0] != NULL, o->profile.trace, o->bench.file, o->log) || !settle_format(o))
    return MOE_EXIT_BAD_INPUT;
  while (!sources[source].given)
    source++;
  return moe_cli_applies(sources[source].what, entries, sources[source].used)
             ? sources[source].answer(o, paths, data_dir)
             : MOE_EXIT_BAD_INPUT;
}

int moe_cmd_calibrate(int argc, char **argv)
{
  g_auto(Options) o = {0};
  const GOptionEntry entries[] = {
      {"write", 0, 0, G_OPTION_ARG_FILENAME, &o.folder, "Write FRAGMENT.yaml with the constants into DIR", "DIR"},
      {"shipped", 0, 0, G_OPTION_ARG_NONE, &o.shipped, "Judge the constants that clusters/ has, fit nothing", NULL},
      {"csv", 0, 0, G_OPTION_ARG_NONE, &o.csv, "As --format csv", NULL},
      {"profile", 0, 0, G_OPTION_ARG_FILENAME, &o.profile.trace,
       "Instead of fitting: what a trace of PyTorch's profiler, or Nsight Systems' SQLite export, shows", "TRACE"},
      {"classes", 0, 0, G_OPTION_ARG_FILENAME, &o.profile.classes,
       "With --profile: classes of kernels by parts of their names, before those that ship", "FILE.yaml"},
      {"bench", 0, 0, G_OPTION_ARG_FILENAME, &o.bench.file,
       "Instead of fitting: what nccl-tests or DeepEP's tests printed, beside the prediction", "OUTPUT"},
      {"op", 0, 0, G_OPTION_ARG_STRING, &o.bench.op, "With --bench: the collective, where the output does not name it",
       "OP"},
      {"gpus", 0, 0, G_OPTION_ARG_INT64, &o.bench.gpus, "With --bench: how many took part, where it does not list them",
       "N"},
      {"experts", 0, 0, G_OPTION_ARG_INT64, &o.bench.experts, "With --bench: experts of DeepEP's test (default: 256)",
       "N"},
      {"log", 0, 0, G_OPTION_ARG_FILENAME, &o.log,
       "Instead of fitting: what the log of a Megatron or torchtitan training says", "LOG"},
      {"run", 0, 0, G_OPTION_ARG_FILENAME, &o.run,
       "What ran: with --log predicted beside it, with --profile all classes of its kernels are fitted", "RUN.yaml"},
      {"rank", 0, 0, G_OPTION_ARG_STRING, &o.profile.rank,
       "With --profile --run: GPU of the run to hold it against (default: the trace's)", "N"},
      {"profiled-steps", 0, 0, G_OPTION_ARG_STRING, &o.profile.steps_text,
       "With --profile --run: steps in the profile, or what part of one, 1/120 (default: those it was told of)", "N"},
      {"cluster", 0, 0, G_OPTION_ARG_STRING, &o.profile.cluster, "With --output: what was measured", "C"},
      {"family", 0, 0, G_OPTION_ARG_STRING, &o.profile.family, "With --output: kernel family (default: cublaslt)", "F"},
      {"stack-output", 0, 0, G_OPTION_ARG_FILENAME, &o.profile.stack,
       "With --profile --run: the run's stack, with the host's costs by the CPU side of the trace", "FILE.yaml"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.profile.output,
       "Measurements: products of a profile, times of a benchmark; a case of a log; a cluster of a profile with --run",
       "FILE.yaml"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &o.profile.format, "Table, json or csv", "WORD"},
      {NULL},
  };

  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  return status != MOE_CLI_GO ? status : ask(&o, entries, (const char *const *)&argv[1]);
}
