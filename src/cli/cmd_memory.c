/* moesim memory: footprint per GPU by pipeline stage and part. */
#include "cli.h"

#include <moesim/report.h>

static const MoeUsage usage = {
    .command = "memory",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim memory models/deepseek-v3.yaml\n"
                "  moesim memory models/mai-base-1/v5.yaml --set offload.activations=0 --headroom '4 GB'\n",
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
  g_autoptr(GPtrArray) results =
      moe_cli_predict_all(1, (char *[]){(char *)argument, NULL}, FALSE, options, &sim, &error);

  if (!results)
    return moe_cli_fail(error);
  const MoeResult *result = g_ptr_array_index(results, 0);
  g_autofree char *text = NULL;

  if (format == MOE_FORMAT_JSON)
    text = moe_report_json(results, FALSE);
  else if (format == MOE_FORMAT_CSV)
    text = moe_report_csv(results);
  else
    text = moe_report_memory_table(result, moe_cli_styled());
  moe_cli_print(text);
  return result->memory.fits ? MOE_EXIT_DONE : MOE_EXIT_NO;
}

int moe_cmd_memory(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  g_autofree char *headroom = NULL;
  const GOptionEntry entries[] = {
      {"headroom", 0, 0, G_OPTION_ARG_STRING, &headroom, "memory that has to stay free, as '2 GB' (memory.headroom)",
       "BYTES"},
      {NULL},
  };
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];

  moe_cli_run_entries(&options, shared);
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  moe_cli_run_headroom(&options, headroom);
  return memory(argv[1], &options);
}
