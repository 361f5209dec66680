/* moesim run: simulates one run. */
#include "cli.h"
#include "replay.h"

#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "run",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim run models/mai-base-1/v5.yaml\n"
                "  moesim run models/deepseek-v3.yaml --cluster h100-hgx --gpus 1024\n"
                "  moesim run models/mai-base-1/v5.yaml --set parallelism.zero=3 --format json\n"
                "  moesim run models/mai-base-1/v5.yaml --trace v5.json.gz --trace-ranks 0,64\n"
                "  moesim run --from-chakra step.chakra --cluster gb200-nvl72\n",
    .least = 0,
    .most = 1,
};

typedef struct {
  char *trace, *ranks, *chakra;
} TraceOptions;

static void clear_trace_options(TraceOptions *options)
{
  g_free(options->trace);
  g_free(options->ranks);
  g_free(options->chakra);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TraceOptions, clear_trace_options)

/* A trace, and the ranks that stand in it; all NULL without. */
typedef struct {
  MoeTrace *trace;
  GHashTable *seen;
} Watched;

static void clear_watched(Watched *watched)
{
  g_clear_pointer(&watched->trace, moe_trace_free);
  g_clear_pointer(&watched->seen, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Watched, clear_watched)

static void watch_slice(const MoeSlice *slice, gpointer user_data)
{
  Watched *watched = user_data;

  g_hash_table_add(watched->seen, GINT_TO_POINTER(slice->rank));
  moe_trace_slice(slice, watched->trace);
}

/* A folded run simulates ranks that do the same once: those asked for that stand in the trace by another. */
static void note_folded(const GArray *ranks, GHashTable *seen)
{
  g_autoptr(GString) missing = g_string_new(NULL);

  for (guint i = 0; i < ranks->len; i++) {
    int64_t rank = g_array_index(ranks, int64_t, i);

    if (!g_hash_table_contains(seen, GINT_TO_POINTER(rank)))
      g_string_append_printf(missing, "%s%" G_GINT64_FORMAT, missing->len > 0 ? ", " : "", rank);
  }
  if (missing->len > 0)
    moe_cli_note(
        "run: ranks %s do the same as another rank, which the trace shows for them; --fidelity full shows each",
        missing->str);
}

static MoeResult *predict_traced(const MoeRun *run, const MoeSimOptions *sim, int steps, const TraceOptions *options,
                                 Watched *watched, GError **error)
{
  g_autoptr(GArray) ranks = moe_cli_parse_ranks("--trace-ranks", options->ranks, run->parallelism.gpus, error);
  MoeSimOptions traced = *sim;

  watched->trace = ranks ? moe_trace_new(options->trace, run, error) : NULL;
  if (!watched->trace)
    return NULL;
  watched->seen = g_hash_table_new(NULL, NULL);
  traced.slice = watch_slice;
  traced.slice_data = watched;
  traced.n_trace_ranks = ranks->len;
  traced.trace_ranks = (const int64_t *)(gpointer)ranks->data;
  MoeResult *result = moe_study_predict_steps(run, &traced, steps, error);

  if (result)
    note_folded(ranks, watched->seen);
  return result;
}

/* What decides, and what to try; each is simulated, so that nothing is printed or written before. */
static char *make_notes(const MoeRun *run, const MoeResult *result, const MoeSimOptions *sim)
{
  g_autofree char *deciding = moe_ask_deciding(run, result, sim), *remedies = moe_ask_remedies(run, result, sim);

  return g_strconcat(*deciding ? "\n" : "", deciding, *remedies ? "\n" : "", remedies, NULL);
}

static gboolean add_interval(const MoeRun *run, const MoeCliRun *options, MoeFormat format, MoeSimOptions sim,
                             MoeResult *result, GError **error)
{
  guint usual = format == MOE_FORMAT_TABLE ? moe_ask_usual_samples(result) : 0;
  MoeSensitivityOptions study = {.sim = sim};
  g_autofree char *data_dir = moe_data_dir();

  study.posterior = options->posterior;
  study.samples = options->samples >= 0 ? (guint)options->samples : usual;
  return moe_ask_interval(data_dir, run, &study, result, error);
}

static int run_file(const char *argument, const MoeCliRun *options, const TraceOptions *trace,
                    const MoeCliBeside *beside)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;

  if (!moe_cli_format(options, &format) || !moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  if (options->samples < -1)
    return moe_cli_complain("--samples: %d, expected a number of combinations, 0 for none", options->samples);
  if (trace->ranks && !trace->trace)
    return moe_cli_complain("run: --trace-ranks without --trace");
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autoptr(MoeNeighbour) neighbour = run && beside->run ? moe_cli_beside(beside, run, &sim, &error) : NULL;
  g_autoptr(MoeResult) result = NULL;
  g_auto(Watched) watched = {0};
  int steps = MAX(options->steps, 1);

  if (error)
    return moe_cli_fail(error);
  if (run && trace->trace)
    result = predict_traced(run, &sim, steps, trace, &watched, &error);
  else if (run)
    result = moe_study_predict_steps(run, &sim, steps, &error);
  if (!result || !add_interval(run, options, format, sim, result, &error))
    return moe_cli_fail(error);
  g_autofree char *notes = format == MOE_FORMAT_TABLE ? make_notes(run, result, &sim) : NULL;

  if (watched.trace && !moe_trace_commit(watched.trace, result, MOESIM_VERSION, &error))
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_run(result, moe_cli_sheet(format)));
  if (notes)
    moe_cli_print_text(notes);
  if (format == MOE_FORMAT_TABLE && neighbour)
    moe_cli_print_beside(beside, neighbour);
  moe_cli_warn_memory(result);
  moe_cli_warn_mfu(run, result->run, MAX(result->mfu_causal, result->mfu_full));
  return MOE_EXIT_DONE;
}

static int run_input(int argc, char **argv, const MoeCliRun *options, const TraceOptions *trace,
                     const MoeCliBeside *beside)
{
  if (trace->chakra && (argc > 1 || trace->trace))
    return moe_cli_complain("run: --from-chakra with %s, expected one of them", argc > 1 ? argv[1] : "--trace");
  if (trace->chakra)
    return moe_cli_replay(trace->chakra, options);
  if (argc < 2)
    return moe_cli_complain("run: expected %s; moesim run --help tells more", usage.arguments);
  return run_file(argv[1], options, trace, beside);
}

int moe_cmd_run(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {.samples = -1};
  g_auto(TraceOptions) trace = {0};
  g_auto(MoeCliBeside) beside = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"trace", 0, 0, G_OPTION_ARG_FILENAME, &trace.trace,
       "write a timeline: FILE.json, .perfetto-trace or .folded, also with .gz", "FILE"},
      {"trace-ranks", 0, 0, G_OPTION_ARG_STRING, &trace.ranks, "ranks in the trace (default: 0)", "R,R,..."},
      {"from-chakra", 0, 0, G_OPTION_ARG_FILENAME, &trace.chakra,
       "replay the Chakra traces in this folder instead of a run", "DIR"},
      MOE_CLI_BESIDE_ENTRIES(beside),
      {"samples", 0, 0, G_OPTION_ARG_INT, &options.samples,
       "combinations of the assumptions in the interval (default: 24 in a table of a quick run, else the model's own "
       "error alone)",
       "N"},
      {NULL},
  };

  moe_cli_interval_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  return moe_cli_load_posterior(&options) ? run_input(argc, argv, &options, &trace, &beside) : MOE_EXIT_BAD_INPUT;
}
