/* moesim compare: one row per run, predicted beside published. */
#include "cli.h"

#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "compare",
    .arguments = "RUN.yaml[:VARIANT]...",
    .examples = "  moesim compare models/mai-base-1/v5.yaml models/deepseek-v3.yaml\n"
                "  moesim compare models/mai-base-1/v4.yaml --variants\n"
                "  moesim compare models/mai-base-1/v5.yaml --variants --samples 100\n"
                "  moesim compare models/mai-base-1/v5.yaml models/mai-base-1/v4.yaml --tokens 30T\n"
                "  moesim compare models/mai-base-1/v5.yaml:before models/mai-base-1/v5.yaml:after --format csv\n",
    .least = 1,
    .most = -1,
};

#define MOST_DECIDED                                                                                                   \
  3 /* runs under whose rows the deciding assumptions stand: more of them are a page of their own                      \
     */

/* What decides each run, under its name. */
static void print_deciding(int n, char **arguments, const GPtrArray *results, const MoeCliRun *options,
                           const MoeSimOptions *sim)
{
  for (int i = 0; i < n; i++) {
    const MoeResult *result = g_ptr_array_index(results, (guint)i);
    g_autoptr(MoeRun) run = moe_cli_load_run(arguments[i], options, NULL);
    g_autofree char *deciding = run ? moe_ask_deciding(run, result, sim) : NULL;
    g_autofree char *text = deciding && *deciding ? g_strdup_printf("\n%s: %s", result->run, deciding) : NULL;

    if (text)
      moe_cli_print_text(text);
  }
}

static int compare(int n, char **arguments, gboolean variants, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeFormat format;
  MoeSimOptions sim;

  if (options->samples < 0)
    return moe_cli_complain("--samples: negative");
  if (!moe_cli_format(options, &format) || !moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(GPtrArray) results = moe_cli_predict_all(n, arguments, variants, options, &sim, &error);

  if (!results)
    return moe_cli_fail(error);

  moe_cli_show(format, moe_report_compare(results, moe_cli_sheet(format)));
  if (format == MOE_FORMAT_TABLE && !variants && n <= MOST_DECIDED)
    print_deciding(n, arguments, results, options, &sim);
  else if (format == MOE_FORMAT_TABLE)
    moe_cli_print("\nmoesim sensitivity RUN tells which assumptions decide\n");
  return MOE_EXIT_DONE;
}

int moe_cmd_compare(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  gboolean variants = FALSE;
  g_autofree char *tokens = NULL;
  const GOptionEntry entries[] = {
      {"variants", 0, 0, G_OPTION_ARG_NONE, &variants, "all variants of each file, in order", NULL},
      {"samples", 0, 0, G_OPTION_ARG_INT, &options.samples,
       "beside each MFU its P10 to P90: so many combinations of the assumptions, and the model's own error", "N"},
      {"tokens", 0, 0, G_OPTION_ARG_STRING, &tokens,
       "days, dollars, energy and power of a training on so many, without interruption, as 30T", "N"},
      {NULL},
  };

  moe_cli_interval_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status == MOE_CLI_GO && !moe_cli_quantity("--tokens", tokens, MOE_DIM_NONE, &options.tokens))
    status = MOE_EXIT_BAD_INPUT;
  if (status == MOE_CLI_GO && !moe_cli_load_posterior(&options))
    status = MOE_EXIT_BAD_INPUT;
  return status != MOE_CLI_GO ? status : compare(argc - 1, argv + 1, variants, &options);
}
