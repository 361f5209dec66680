/* moesim check: validates input files of every kind. */
#include "check/check.h"
#include "cli.h"

static const MoeUsage usage = {
    .command = "check",
    .arguments = "FILE...",
    .examples = "  moesim check models/mai-base-1/v5.yaml\n"
                "  moesim check models/*.yaml clusters/*.yaml stacks/*.yaml\n",
    .least = 1,
    .most = -1,
};

static int check_file(const char *file, const char *data_dir)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoeChecked) checked = {0};

  if (!moe_check_file(file, data_dir, &checked, &error))
    return moe_cli_fail(error);
  g_autofree char *line = g_strdup_printf("%s: %s, %s\n", file, checked.kind, checked.says);

  moe_cli_print_text(line);
  return MOE_EXIT_DONE;
}

int moe_cmd_check(int argc, char **argv)
{
  int status = moe_cli_parse(&usage, NULL, NULL, &argc, &argv);
  int worst = MOE_EXIT_DONE;

  if (status != MOE_CLI_GO)
    return status;
  g_autofree char *data_dir = moe_data_dir();

  for (int i = 1; i < argc; i++) {
    int one = check_file(argv[i], data_dir);

    worst = MAX(worst, one);
  }
  return worst;
}
