/* moesim list: what ships, and the words that keys and commands take. */
#include "cli.h"
#include "plot.h"

#include "report/findings.h"
#include "study/listing.h"
#include <moesim/search.h>

static const MoeUsage usage = {
    .command = "list",
    .arguments = "models | architectures | clusters | stacks | schedules | kernels | libraries | plots | keys | axes | "
                 "variants RUN.yaml",
    .examples = "  moesim list clusters\n"
                "  moesim list models --format json\n"
                "  moesim list variants models/mai-base-1/v4.yaml\n",
    .least = 1,
    .most = 2,
};

static const char *const kinds[] = {"models",    "architectures", "clusters", "stacks", "schedules", "kernels",
                                    "libraries", "plots",         "keys",     "axes",   "variants",  NULL};
enum { MODELS, ARCHITECTURES, CLUSTERS, STACKS, SCHEDULES, KERNELS, LIBRARIES, PLOTS, KEYS, AXES, VARIANTS };

/* Dimensions of searches, by the name that --limit takes, with their keys. */
static GPtrArray *axes(void)
{
  GPtrArray *found = moe_listing_new();

  for (int d = 0; d < MOE_N_DIMENSIONS; d++) {
    g_autofree char *key = moe_dimension_key((MoeDimensionKind)d);

    moe_listing_add(found, moe_dimension_names[d], key);
  }
  return found;
}

static GPtrArray *plots(void)
{
  GPtrArray *found = moe_listing_new();

  for (guint i = 0; moe_plot_kind(i); i++)
    moe_listing_add(found, moe_plot_kind(i)->name, moe_plot_kind(i)->summary);
  return found;
}

static GPtrArray *list_of(int kind, const char *file, GError **error)
{
  static GPtrArray *(*const words[])(void) = {[SCHEDULES] = moe_list_schedules, [KERNELS] = moe_list_kernels,
                                              [LIBRARIES] = moe_list_libraries, [PLOTS] = plots,
                                              [KEYS] = moe_list_keys,           [AXES] = axes};
  g_autofree char *data_dir = moe_data_dir();

  switch (kind) {
  case MODELS:
    return moe_list_models(data_dir);
  case ARCHITECTURES:
    return moe_list_files(data_dir, "models/architectures", TRUE, TRUE);
  case CLUSTERS:
    return moe_list_files(data_dir, kinds[kind], FALSE, TRUE);
  case STACKS:
    return moe_list_stacks(data_dir);
  case VARIANTS:
    return moe_list_variants(file, error);
  default:
    return words[kind]();
  }
}

int moe_cmd_list(int argc, char **argv)
{
  g_auto(MoeCliRun) said = {0};
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &said.format, "table, json or csv", "FORMAT"},
      {NULL},
  };
  MoeFormat format;
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  int kind = moe_cli_word("list", argv[1], kinds);
  g_autoptr(GError) error = NULL;

  if (kind < 0 || !moe_cli_format(&said, &format))
    return MOE_EXIT_BAD_INPUT;
  if ((kind == VARIANTS) != (argc > 2))
    return moe_cli_complain("list %s: expected %s", argv[1], kind == VARIANTS ? "a file" : "nothing behind it");
  g_autoptr(GPtrArray) listed = list_of(kind, kind == VARIANTS ? argv[2] : NULL, &error);
  if (!listed)
    return moe_cli_fail(error);
  moe_cli_show(format, moe_report_listing(listed, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}
