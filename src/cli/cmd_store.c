/* moesim store: what the store of a sweep holds. */
#include "cli.h"
#include "report/findings.h"

#include <moesim/sweep.h>

static const MoeUsage usage = {
    .command = "store",
    .arguments = "check FILE.sqlite",
    .examples = "  moesim store check nic.sqlite\n",
    .least = 2,
    .most = 2,
};

static int check_store(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoeStoreReport) report = {0};

  if (!moe_store_check(path, &report, &error))
    return moe_cli_fail(error);

  moe_cli_show(MOE_FORMAT_TABLE, moe_report_store(&report, moe_cli_sheet(MOE_FORMAT_TABLE)));
  return report.structure || report.damage ? MOE_EXIT_NO : MOE_EXIT_DONE;
}

int moe_cmd_store(int argc, char **argv)
{
  static const char *const verbs[] = {"check", NULL};
  int status = moe_cli_parse(&usage, NULL, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  return moe_cli_word("store", argv[1], verbs) < 0 ? MOE_EXIT_BAD_INPUT : check_store(argv[2]);
}
