/* moesim plan: which cluster, how many GPUs, which layout for a training. */
#include "cli.h"
#include "record/output.h"

#include "report/findings.h"
#include <moesim/export.h>
#include <moesim/report.h>
#include <stdio.h>
#include <string.h>

static const MoeUsage usage = {
    .command = "plan",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples =
        "  moesim plan models/mai-base-1/v5.yaml --tokens 30T --clusters gb200-nvl72,h800-hgx \\\n"
        "    --gpus 4096,8192,16384 --deadline 90d\n"
        "  moesim plan models/deepseek-v3.yaml --tokens 14.8T --gpus 1024,2048,4096 --deadline 60d --budget-usd 6M\n"
        "  moesim plan models/mixtral-8x7b.yaml --tokens 2T --clusters h100-hgx --gpus 256,512 -o best.yaml\n",
    .least = 1,
    .most = 1,
};

typedef struct {
  char *tokens, *clusters, *gpus, *deadline, *budget_usd, *price, *own, *space, *time, *output, *megatron, *headroom;
  char **limits;
  gint samples, seeds, jobs;
} Options;

static void clear_options(Options *options)
{
  char *texts[] = {options->tokens,     options->clusters, options->gpus,     options->deadline,
                   options->budget_usd, options->price,    options->space,    options->time,
                   options->output,     options->megatron, options->headroom, options->own};

  for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
    g_free(texts[i]);
  g_strfreev(options->limits);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, clear_options)

/* ---- options ----------------------------------------------------------------------------------------------------- */

static gboolean read_sizes(const char *text, GArray *sizes, GError **error)
{
  g_auto(GStrv) words = g_strsplit(text ? text : "", ",", -1);

  for (char **word = words; *word; word++) {
    int64_t gpus = 0;

    if (!moe_cli_count("--gpus", *word, &gpus, error))
      return FALSE;
    g_array_append_val(sizes, gpus);
  }
  if (sizes->len == 0)
    g_array_set_size(sizes, 1); /* cleared: the run's own */
  return TRUE;
}

static gboolean read_numbers(const Options *options, const MoeWords *words, MoePlanOptions *plan)
{
  g_autoptr(GError) error = NULL;

  if (options->samples < 0 || options->seeds < 1 || options->jobs < 0) {
    moe_cli_complain("plan: --samples and --jobs take no negative numbers, --seeds at least 1");
    return FALSE;
  }
  plan->samples = (guint)options->samples;
  plan->seeds = (guint)options->seeds;
  plan->jobs = (guint)options->jobs;
  plan->limits = (const char *const *)options->limits;
  plan->time_s = MOE_ASK_PLAN_TIME_S;
  if (moe_ask_plan(words, plan, &error))
    return TRUE;
  moe_cli_complain("%s", error->message);
  return FALSE;
}

/* ---- what is written --------------------------------------------------------------------------------------------- */

/* The whole resolved run, so that it stands alone; what was published is of another. */
static gboolean save_run(const MoePlanRow *row, const char *path, GError **error)
{
  g_autoptr(MoeDoc) doc = moe_doc_copy(row->run->doc);

  moe_doc_remove(doc, moe_doc_root(doc), "published");
  g_autofree char *yaml = moe_node_print(moe_doc_root(doc), FALSE);
  return moe_output_save(path, yaml, error);
}

static gboolean save_megatron(const MoePlanRow *row, const char *path, GError **error)
{
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  g_autofree char *text = moe_export_megatron_text(row->run, notes), *data_dir = moe_data_dir();

  for (guint i = 0; i < notes->len; i++)
    moe_cli_note("plan: --megatron: %s", (const char *)g_ptr_array_index(notes, i));
  return moe_export_check(row->run, MOE_EXPORT_MEGATRON, text, notes, data_dir, error) &&
         moe_output_save(path, text, error);
}

/* Before the search. */
static gboolean check_outputs(const Options *options, GError **error)
{
  return (!options->output || moe_output_check(options->output, error)) &&
         (!options->megatron || moe_output_check(options->megatron, error));
}

static gboolean save(const MoePlan *plan, const Options *options, GError **error)
{
  const MoePlanRow *row = plan->decided >= 0 ? &plan->rows[plan->decided] : NULL;

  if (!row || (!options->output && !options->megatron))
    return TRUE;
  return (!options->output || save_run(row, options->output, error)) &&
         (!options->megatron || save_megatron(row, options->megatron, error));
}

/* The words that all rows' commands have. */
static GPtrArray *common_words(const char *argument, const MoeCliRun *run)
{
  GPtrArray *words = g_ptr_array_new();
  const struct {
    const char *option, *value;
  } given[] = {
      {"--variant", run->variant}, {"--stack", run->stack}, {"--scaling", run->scaling}, {"--fidelity", run->fidelity}};

  g_ptr_array_add(words, (gpointer)argument);
  for (guint i = 0; i < G_N_ELEMENTS(given); i++)
    if (given[i].value) {
      g_ptr_array_add(words, (gpointer)given[i].option);
      g_ptr_array_add(words, (gpointer)given[i].value);
    }
  for (char **set = run->sets; set && *set; set++) {
    g_ptr_array_add(words, (gpointer) "--set");
    g_ptr_array_add(words, *set);
  }
  g_ptr_array_add(words, NULL);
  return words;
}

static int print_plan(const MoePlan *plan, const char *argument, const MoeCliRun *run, MoeFormat format)
{
  g_autoptr(GPtrArray) words = common_words(argument, run);
  const char *const *prefix = (const char *const *)words->pdata;

  moe_cli_show(format, moe_report_plan(plan, prefix, moe_cli_sheet(format)));
  gboolean asked = plan->deadline_s > 0 || plan->budget_dollars > 0;
  return plan->decided < 0 || (asked && plan->likely < 0) ? MOE_EXIT_NO : MOE_EXIT_DONE;
}

/* ---- the command ------------------------------------------------------------------------------------------------- */

static gboolean is_interrupted(gpointer user_data)
{
  (void)user_data;
  return moe_cli_interrupted();
}

static int answer(MoePlanOptions *plan_options, const char *argument, const Options *options, const MoeCliRun *run,
                  MoeFormat format)
{
  g_autoptr(GError) error = NULL;
  MoeProgress progress;

  moe_cli_progress_init(&progress);
  plan_options->progress = moe_cli_progress;
  plan_options->progress_data = &progress;
  plan_options->stopped = is_interrupted;
  moe_cli_hold(); /* an interrupted plan says what it has */
  g_autoptr(MoePlan) plan = moe_plan(plan_options, &error);
  moe_cli_progress_end(&progress);
  int status = plan && save(plan, options, &error) ? print_plan(plan, argument, run, format) : moe_cli_fail(error);
  fflush(stdout);
  moe_cli_release();
  return status;
}

static int plan(const char *argument, const Options *options, const MoeWords *said, const MoeCliRun *run)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *file = NULL, *variant = NULL, *data_dir = moe_data_dir();
  g_auto(GStrv) clusters = options->clusters ? g_strsplit(options->clusters, ",", -1) : g_new0(char *, 2);
  g_autoptr(GArray) sizes = g_array_new(FALSE, TRUE, sizeof(int64_t));
  MoePlanOptions plan_options = {0};
  MoeFormat format;

  if (!moe_cli_format(run, &format) || !moe_cli_sim_options(run, &plan_options.sim) ||
      !read_numbers(options, said, &plan_options))
    return MOE_EXIT_BAD_INPUT;
  moe_ask_split_variant(argument, &file, &variant);
  g_autoptr(MoeResiduals) residuals = moe_ask_residuals(data_dir, &error);
  if (error || !check_outputs(options, &error) || !read_sizes(options->gpus, sizes, &error) ||
      !moe_cli_load_options(run, &plan_options.load, &error))
    return moe_cli_fail(error);
  plan_options.path = file;
  plan_options.load.variant = variant ? variant : run->variant;
  plan_options.load.data_dir = data_dir;
  plan_options.residuals = residuals;
  plan_options.posterior = run->posterior;
  plan_options.clusters = (const char *const *)clusters;
  plan_options.n_clusters = options->clusters ? g_strv_length(clusters) : 1;
  plan_options.sizes = (const int64_t *)(gpointer)sizes->data;
  plan_options.n_sizes = sizes->len;
  return answer(&plan_options, argument, options, run, format);
}

int moe_cmd_plan(int argc, char **argv)
{
  g_auto(MoeCliRun) run = {0};
  g_auto(Options) o = {.samples = MOE_ASK_PLAN_SAMPLES, .seeds = MOE_ASK_PLAN_SEEDS};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  const GOptionEntry entries[] = {
      {"tokens", 0, 0, G_OPTION_ARG_STRING, &o.tokens, "to train on, as 30T", "N"},
      {"clusters", 0, 0, G_OPTION_ARG_STRING, &o.clusters, "to choose from (default: the run's)", "C,C,..."},
      {"gpus", 0, 0, G_OPTION_ARG_STRING, &o.gpus, "sizes to choose from (default: the run's)", "N,N,..."},
      {"deadline", 0, 0, G_OPTION_ARG_STRING, &o.deadline, "of the training, as 90d", "TIME"},
      {"budget-usd", 0, 0, G_OPTION_ARG_STRING, &o.budget_usd, "that the training may cost, as 20M", "DOLLARS"},
      {"price", 0, 0, G_OPTION_ARG_STRING, &o.price, "of a GPU-hour, instead of the clusters' prices", "DOLLARS"},
      {"own", 0, 0, G_OPTION_ARG_STRING, &o.own, "owned instead of rented: dollars per GPU, years, dollars per kWh",
       "D,Y,D"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &o.output, "write the recommended run here", "FILE.yaml"},
      {"megatron", 0, 0, G_OPTION_ARG_FILENAME, &o.megatron, "write its Megatron-LM launch line here", "FILE.sh"},
      {"headroom", 0, 0, G_OPTION_ARG_STRING, &o.headroom, "memory that has to stay free, as '2 GB'", "BYTES"},
      {"limit", 0, 0, G_OPTION_ARG_STRING_ARRAY, &o.limits, "values of a key that layouts have, as tensor=1:8:*2",
       "KEY=A,B"},
      {"space", 0, 0, G_OPTION_ARG_STRING, &o.space, "layouts that are searched: usual, all or calculon", "WORD"},
      {"samples", 0, 0, G_OPTION_ARG_INT, &o.samples, "combinations of the assumptions per row (default: 24)", "N"},
      {"seeds", 0, 0, G_OPTION_ARG_INT, &o.seeds, "simulated trainings per row (default: 24)", "N"},
      {"budget", 0, 0, G_OPTION_ARG_STRING, &o.time, "time for the answer (default: 60s); what was not reached is said",
       "TIME"},
      {"jobs", 0, 0, G_OPTION_ARG_INT, &o.jobs, "threads (default: as many as the machine has)", "N"},
      {NULL},
  };

  const MoeWords words = moe_cli_words(entries);

  moe_cli_interval_entries(&run, shared);
  moe_cli_drop_entry(shared, "gpus");
  moe_cli_drop_entry(shared, "cluster");
  moe_cli_drop_entry(shared, "steps");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  moe_cli_run_headroom(&run, o.headroom);
  return moe_cli_load_posterior(&run) ? plan(argv[1], &o, &words, &run) : MOE_EXIT_BAD_INPUT;
}
