/* moesim store: what the store of a sweep holds. */
#include "cli.h"

#include <moesim/sweep.h>
#include <string.h>

static const MoeUsage usage = {
    .command = "store",
    .arguments = "check FILE.sqlite",
    .examples = "  moesim store check nic.sqlite\n",
    .least = 2,
    .most = 2,
};

static char *describe(const MoeStoreReport *report)
{
  guint n = report->n_whole + report->n_damaged;
  GString *text = g_string_new(NULL);

  g_string_append_printf(text, "sweep     %s\n", report->identity);
  g_string_append_printf(text, "points    %u of %u, %u of them cannot be\n", n, report->n_points, report->n_refused);
  if (report->builds)
    g_string_append_printf(text, "builds    %s\n", report->builds);
  if (report->structure)
    g_string_append_printf(text, "file      damaged: %s; begin another store\n", report->structure);
  if (report->damage)
    g_string_append_printf(text, "damaged   %u: %s; moesim sweep --resume computes them again\n", report->n_damaged,
                           report->damage);
  if (!report->structure && !report->damage)
    g_string_append(text, "whole\n");
  return g_string_free(text, FALSE);
}

static int check_store(const char *path)
{
  g_autoptr(GError) error = NULL;
  g_auto(MoeStoreReport) report = {0};

  if (!moe_store_check(path, &report, &error))
    return moe_cli_fail(error);
  g_autofree char *text = describe(&report);

  moe_cli_print_text(text);
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
