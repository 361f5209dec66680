/* Options and loading shared by all commands on runs. */
#include "certainty/posterior.h"
#include "cli.h"

#include "study/study.h"
#include <moesim/sensitivity.h>

#include <string.h>

static const char *const format_words[] = {"table", "json", "csv", NULL};

void moe_cli_run_entries(MoeCliRun *options, GOptionEntry entries[MOE_CLI_RUN_ENTRIES])
{
  const GOptionEntry known[MOE_CLI_RUN_ENTRIES] = {
      {"variant", 0, 0, G_OPTION_ARG_STRING, &options->variant, "variant of the run (default: the last one)", "NAME"},
      {"cluster", 0, 0, G_OPTION_ARG_FILENAME, &options->cluster, "another cluster, by name or file", "C"},
      {"stack", 0, 0, G_OPTION_ARG_FILENAME, &options->stack, "another software stack, by name or file", "S"},
      {"gpus", 0, 0, G_OPTION_ARG_STRING, &options->gpus_text, "another number of GPUs; the global batch follows", "N"},
      {"scaling", 0, 0, G_OPTION_ARG_STRING, &options->scaling,
       "weak: the global batch follows any number of GPUs; strong: it stays", "WORD"},
      {"set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->sets, "override any value of the run, as --set a.b=c",
       "KEY=VALUE"},
      {"fidelity", 0, 0, G_OPTION_ARG_STRING, &options->fidelity, "auto, folded or full", "WORD"},
      {"seed", 0, 0, G_OPTION_ARG_INT64, &options->seed, "seed of routing and noise", "N"},
      {"steps", 0, 0, G_OPTION_ARG_INT, &options->steps, "steps with successive seeds: mean, P50, P90, longest", "N"},
      {"format", 0, 0, G_OPTION_ARG_STRING, &options->format, "table, json or csv", "WORD"},
      {NULL},
  };

  memcpy(entries, known, sizeof known);
}

void moe_cli_interval_entries(MoeCliRun *options, GOptionEntry entries[MOE_CLI_RUN_ENTRIES])
{
  moe_cli_run_entries(options, entries);
  entries[MOE_CLI_RUN_ENTRIES - 2] =
      (GOptionEntry){"posterior",
                     0,
                     0,
                     G_OPTION_ARG_FILENAME,
                     &options->posterior_file,
                     "intervals by what moesim infer -o learned, instead of ranges and other families",
                     "FILE"};
}

void moe_cli_drop_entry(GOptionEntry entries[MOE_CLI_RUN_ENTRIES], const char *name)
{
  guint kept = 0;

  for (guint i = 0; i < MOE_CLI_RUN_ENTRIES; i++)
    if (g_strcmp0(entries[i].long_name, name) != 0)
      entries[kept++] = entries[i];
}

void moe_cli_run_clear(MoeCliRun *options)
{
  g_free(options->posterior_file);
  moe_posterior_free(options->posterior);
  g_free(options->variant);
  g_free(options->cluster);
  g_free(options->stack);
  g_free(options->fidelity);
  g_free(options->format);
  g_free(options->gpus_text);
  g_free(options->scaling);
  g_strfreev(options->sets);
  *options = (MoeCliRun){0};
}

void moe_cli_run_headroom(MoeCliRun *options, const char *text)
{
  guint n = options->sets ? g_strv_length(options->sets) : 0;

  if (!text)
    return;
  options->sets = g_renew(char *, options->sets, n + 2);
  options->sets[n] = g_strconcat("memory.headroom=", text, NULL);
  options->sets[n + 1] = NULL;
}

gboolean moe_cli_format(const MoeCliRun *options, MoeFormat *format)
{
  int word = options->format ? moe_cli_word("--format", options->format, format_words) : MOE_FORMAT_TABLE;

  *format = (MoeFormat)word;
  return word >= 0;
}

gboolean moe_cli_sim_options(const MoeCliRun *options, MoeSimOptions *sim)
{
  int word = MOE_FIDELITY_AUTO;

  if (options->fidelity)
    word = moe_cli_word("--fidelity", options->fidelity, moe_fidelity_words);
  if (word < 0)
    return FALSE;
  if (options->seed < 0 || options->steps < 0) {
    moe_cli_complain("%s: negative", options->seed < 0 ? "--seed" : "--steps");
    return FALSE;
  }
  *sim = (MoeSimOptions){.seed = (uint64_t)options->seed, .fidelity = (MoeFidelity)word, .kernel_jitter = -1};
  return TRUE;
}

static gboolean choose_variant(const char *argument, const char *inline_variant, const MoeCliRun *options,
                               const char **variant, GError **error)
{
  *variant = inline_variant ? inline_variant : options->variant;
  if (inline_variant && options->variant && strcmp(inline_variant, options->variant) != 0)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "'%s' names variant '%s' but --variant says '%s'", argument,
                    inline_variant, options->variant);
  return TRUE;
}

/* The two options that are read here, from the fields that hold them. */
static MoeSaid find_loading(const char *option, gpointer source)
{
  const MoeCliRun *options = source;
  MoeSaid said = {.text = strcmp(option, "gpus") == 0 ? options->gpus_text : options->scaling};

  g_snprintf(said.name, sizeof said.name, "--%s", option);
  if (strcmp(option, "gpus") == 0 && options->gpus > 0)
    said.text = NULL;
  return said;
}

gboolean moe_cli_load_options(const MoeCliRun *options, MoeRunOptions *load, GError **error)
{
  *load = (MoeRunOptions){.cluster = options->cluster,
                          .stack = options->stack,
                          .gpus = options->gpus,
                          .sets = (const char *const *)options->sets};
  return moe_ask_load_options(&(MoeWords){find_loading, (gpointer)options}, load, error);
}

MoeRun *moe_cli_load_run(const char *argument, const MoeCliRun *options, GError **error)
{
  g_autofree char *file = NULL;
  g_autofree char *inline_variant = NULL;
  g_autofree char *data_dir = moe_data_dir();
  MoeRunOptions load;

  moe_ask_split_variant(argument, &file, &inline_variant);
  if (!moe_cli_load_options(options, &load, error) ||
      !choose_variant(argument, inline_variant, options, &load.variant, error))
    return NULL;
  load.data_dir = data_dir;
  return moe_run_load(file, &load, error);
}

void moe_cli_warn_memory(const MoeResult *result)
{
  g_autofree char *peak = moe_quantity_format(result->memory.peak_bytes, MOE_DIM_BYTES);
  g_autofree char *capacity = moe_quantity_format(result->memory.capacity_bytes, MOE_DIM_BYTES);
  g_autofree char *headroom = moe_quantity_format(result->memory.headroom_bytes, MOE_DIM_BYTES);

  if (!result->memory.fits)
    moe_cli_warn("%s does not fit: stage %u needs %s per GPU of %s, beside %s of headroom", result->run,
                 result->memory.peak_role, peak, capacity, headroom);
}

/* More than all of the peak is an input's doing: which one is said. */
void moe_cli_warn_mfu(const MoeRun *run, const char *name, double mfu)
{
  const MoeAccelerator *chip = &run->cluster.accelerator;
  const char *reason = "the arithmetic of the run is not in its quoted peak";

  if (mfu <= 1)
    return;
  if (chip->quoted_peak_flop_per_s < chip->peak_flop_per_s[MOE_BF16])
    reason = "cluster.accelerator.quoted_peak is below peak.bf16";
  else if (run->training.precision.gemm != MOE_BF16)
    reason = "training.precision.gemm is faster than the BF16 of the quoted peak";
  moe_cli_warn("%s: an MFU above 100 %%: %s", name, reason);
}

gboolean moe_cli_add_interval(const MoeRun *run, const MoeCliRun *options, const MoeSimOptions *sim, MoeResult *result,
                              GError **error)
{
  const MoeSensitivityOptions chosen = {
      .sim = *sim, .samples = (guint)options->samples, .jobs = 1, .posterior = options->posterior};
  g_autofree char *data_dir = moe_data_dir();

  return moe_ask_interval(data_dir, run, &chosen, result, error);
}

MoeResult *moe_cli_predict(const char *argument, const MoeCliRun *options, const MoeSimOptions *sim, GError **error)
{
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, error);
  g_autoptr(MoeResult) result = run ? moe_study_predict_steps(run, sim, MAX(options->steps, 1), error) : NULL;

  if (result)
    moe_cli_warn_mfu(run, result->run, MAX(result->mfu_causal, result->mfu_full));
  if (result)
    result->training_tokens = options->tokens;
  if (result && options->samples > 0 && !moe_cli_add_interval(run, options, sim, result, error))
    return NULL;
  return g_steal_pointer(&result);
}

GArray *moe_cli_parse_ranks(const char *option, const char *text, int64_t gpus, GError **error)
{
  g_autoptr(GArray) ranks = g_array_new(FALSE, FALSE, sizeof(int64_t));
  g_auto(GStrv) words = g_strsplit(text ? text : "0", ",", -1);

  for (char **word = words; *word; word++) {
    gint64 rank = 0;

    if (!g_ascii_string_to_signed(*word, 10, 0, gpus - 1, &rank, NULL)) {
      moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0}, "%s: '%s' is no rank, expected 0 to %" G_GINT64_FORMAT, option,
               *word, gpus - 1);
      return NULL;
    }
    g_array_append_val(ranks, rank);
  }
  return g_steal_pointer(&ranks);
}

/* ---- many at once ------------------------------------------------------------------------------------------------ */

/* One prediction to make, read by several threads. */
typedef struct {
  const GPtrArray *arguments; /* "FILE" or "FILE:VARIANT" */
  const MoeCliRun *options;
  MoeSimOptions sim;
} Batch;

static MoeOutcome predict_one(guint index, gpointer user_data)
{
  const Batch *batch = user_data;
  MoeOutcome outcome = {0};

  outcome.result =
      moe_cli_predict(g_ptr_array_index(batch->arguments, index), batch->options, &batch->sim, &outcome.error);
  return outcome;
}

/* The results in order; the first error wins. */
static GPtrArray *collect(MoeOutcome *outcomes, guint n, GError **error)
{
  g_autoptr(GPtrArray) results = g_ptr_array_new_with_free_func((GDestroyNotify)moe_result_free);

  if (!moe_outcomes_check(outcomes, n, error))
    return NULL;
  for (guint i = 0; i < n; i++)
    g_ptr_array_add(results, g_steal_pointer(&outcomes[i].result));
  return g_steal_pointer(&results);
}

/* FILE becomes FILE:FIRST, FILE:SECOND, ... */
static gboolean add_variants(GPtrArray *arguments, const char *argument, GError **error)
{
  g_autofree char *file = NULL;
  g_autofree char *variant = NULL;

  moe_ask_split_variant(argument, &file, &variant);
  if (variant) {
    g_ptr_array_add(arguments, g_strdup(argument));
    return TRUE;
  }
  g_auto(GStrv) variants = moe_run_variants(file, error);

  if (!variants)
    return FALSE;
  if (!variants[0])
    g_ptr_array_add(arguments, g_strdup(file));
  for (guint i = 0; variants[i]; i++)
    g_ptr_array_add(arguments, g_strdup_printf("%s:%s", file, variants[i]));
  return TRUE;
}

static GPtrArray *list_arguments(int n, char **arguments, gboolean all_variants, GError **error)
{
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

  for (int i = 0; i < n; i++) {
    if (!all_variants)
      g_ptr_array_add(list, g_strdup(arguments[i]));
    else if (!add_variants(list, arguments[i], error))
      return NULL;
  }
  return g_steal_pointer(&list);
}

GPtrArray *moe_cli_predict_all(int n, char **arguments, gboolean all_variants, const MoeCliRun *options,
                               const MoeSimOptions *sim, GError **error)
{
  g_autoptr(GPtrArray) list = list_arguments(n, arguments, all_variants, error);
  Batch batch = {.arguments = list, .options = options, .sim = *sim};
  MoeProgress progress;

  if (!list)
    return NULL;
  moe_cli_progress_init(&progress);
  MoeOutcome *outcomes = moe_study_map(list->len, 0, predict_one, &batch, moe_cli_progress, &progress);

  moe_cli_progress_end(&progress);
  GPtrArray *results = collect(outcomes, list->len, error);

  moe_outcomes_free(outcomes, list->len);
  return results;
}
