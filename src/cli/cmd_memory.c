/* moesim memory: footprint per GPU by pipeline stage and part. */
#include "cli.h"

#include "report/findings.h"

/* Remedies that a table shows. */
#define SHOWN_REMEDIES 12

static const MoeUsage usage = {
    .command = "memory",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim memory models/deepseek-v3.yaml\n"
                "  moesim memory models/deepseek-v3.yaml --snapshot v3.json\n"
                "  moesim memory models/mai-base-1/v5.yaml --set offload.activations=0 --headroom '4 GB'\n"
                "  moesim memory models/deepseek-v3.yaml --set training.micro_batch=4 --remedies\n",
    .least = 1,
    .most = 1,
};

static int memory(const char *argument, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;

  if (!moe_cli_format(options, &format) || !moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autoptr(MoeResult) result = run ? moe_study_predict_steps(run, &sim, MAX(options->steps, 1), &error) : NULL;

  if (!result || !moe_cli_add_interval(run, options, &sim, result, &error))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_memory(result, moe_cli_sheet(format)));
  if (!result->memory.fits && format == MOE_FORMAT_TABLE)
    moe_cli_note("moesim memory %s --remedies tries what would make it fit", argument);
  return result->memory.fits ? MOE_EXIT_DONE : MOE_EXIT_NO;
}

/* --remedies: what would make the run fit, tried; 1 when nothing does. */
static int remedies(const char *argument, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;
  MoeProgress progress;

  if (!moe_cli_format(options, &format) || !moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);

  if (!run)
    return moe_cli_fail(error);
  moe_cli_progress_init(&progress);
  g_autoptr(MoeRemedies) found = moe_study_remedies(run, &sim, 0, moe_cli_progress, &progress, &error);
  moe_cli_progress_end(&progress);
  if (!found)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_remedies(found, SHOWN_REMEDIES, moe_cli_sheet(format)));
  return found->n_fit > 0 || found->own->memory.fits ? MOE_EXIT_DONE : MOE_EXIT_NO;
}

/* --layers: what each layer keeps. */
static int layers(const char *argument, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  guint n = 0;

  if (!moe_cli_format(options, &format))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);

  if (!run)
    return moe_cli_fail(error);
  g_autofree MoeMemoryLayer *rows = moe_memory_layers(run, &n);

  moe_cli_show(format, moe_report_memory_layers(rows, n, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* --micro-batches: which of them are held when the fullest stage is fullest. */
static int micro_batches(const char *argument, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;
  guint n = 0;

  if (!moe_cli_format(options, &format) || !moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autoptr(MoeResult) result = run ? moe_study_predict(run, &sim, &error) : NULL;
  g_autofree MoeMemoryBatches *rows = result ? moe_memory_batches(run, &n, &error) : NULL;

  if (!rows)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_memory_batches(rows, n, result->memory.peak_role, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}

/* --snapshot: the fullest GPU's memory over one step. */
static int snapshot(const char *argument, const MoeCliRun *options, const char *path)
{
  g_autoptr(GError) error = NULL;
  MoeSimOptions sim;

  if (!moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);

  int64_t rank = run ? moe_snapshot_save(path, run, &sim, MOESIM_VERSION, &error) : -1;

  if (rank < 0)
    return moe_cli_fail(error);
  moe_cli_note("%s: rank %" G_GINT64_FORMAT " of the fullest stage, for pytorch.org/memory_viz", path, rank);
  return MOE_EXIT_DONE;
}

int moe_cmd_memory(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  g_autofree char *headroom = NULL, *file = NULL;
  gboolean wants_remedies = FALSE, wants_layers = FALSE, wants_batches = FALSE;
  const GOptionEntry entries[] = {
      {"headroom", 0, 0, G_OPTION_ARG_STRING, &headroom, "memory that has to stay free, as '2 GB' (memory.headroom)",
       "BYTES"},
      {"layers", 0, 0, G_OPTION_ARG_NONE, &wants_layers, "what each layer keeps, and which module of it", NULL},
      {"micro-batches", 0, 0, G_OPTION_ARG_NONE, &wants_batches,
       "micro-batches whose activations the fullest stage holds when it is fullest; as JSON and CSV those of every "
       "stage",
       NULL},
      {"remedies", 0, 0, G_OPTION_ARG_NONE, &wants_remedies,
       "changes that need less memory, tried by simulation, by what they cost in step time", NULL},
      {"snapshot", 0, 0, G_OPTION_ARG_FILENAME, &file,
       "write what the fullest GPU allocates and frees in a step, for PyTorch's memory viewer", "FILE"},
      {NULL},
  };
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];

  moe_cli_run_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  if (wants_layers + wants_batches + wants_remedies + (file != NULL) > 1)
    return moe_cli_complain("memory: two of --layers, --micro-batches, --remedies and --snapshot, expected one of "
                            "them");
  moe_cli_run_headroom(&options, headroom);
  if (file)
    return snapshot(argv[1], &options, file);
  if (wants_layers)
    return layers(argv[1], &options);
  if (wants_batches)
    return micro_batches(argv[1], &options);
  return wants_remedies ? remedies(argv[1], &options) : memory(argv[1], &options);
}
