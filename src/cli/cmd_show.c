/* moesim show: the resolved run, each value with where it was written and whether it is assumed. */
#include "cli.h"

#include "record/tables.h"
#include "spec/schema.h"

#include "report/findings.h"
#include "study/stand_ins.h"

static const MoeUsage usage = {
    .command = "show",
    .arguments = "RUN.yaml[:VARIANT]",
    .examples = "  moesim show models/mai-base-1/v5.yaml\n"
                "  moesim show models/mai-base-1/v4.yaml --variant initial --set parallelism.zero=3\n"
                "  moesim show models/deepseek-v3.yaml --only training\n"
                "  moesim show models/deepseek-v3.yaml --only parallelism --defaults\n"
                "  moesim show models/deepseek-v3.yaml --format yaml\n",
    .least = 1,
    .most = 1,
};

static const char *const show_formats[] = {"table", "yaml", "csv", "json", NULL};

typedef enum { SHOW_TABLE, SHOW_YAML, SHOW_CSV, SHOW_JSON } ShowFormat;

static void print(const MoeShown *shown, ShowFormat format)
{
  static const MoeFormat formats[] = {
      [SHOW_TABLE] = MOE_FORMAT_TABLE, [SHOW_CSV] = MOE_FORMAT_CSV, [SHOW_JSON] = MOE_FORMAT_JSON};
  const MoeNode *root = moe_doc_root(shown->run->doc);

  if (format == SHOW_YAML)
    moe_cli_show(MOE_FORMAT_JSON, moe_node_print(shown->only ? moe_node_find(root, shown->only) : root, TRUE));
  else
    moe_cli_show(formats[format], moe_report_show(shown, moe_cli_sheet(formats[format])));
}

/* A run that cannot be lowered has no kernels; `check` and `run` say why. */
static void print_stand_ins(const MoeRun *run)
{
  g_autoptr(GArray) found = moe_stand_ins(run, NULL);

  for (guint i = 0; found && i < found->len; i++) {
    g_autofree char *text = moe_stand_in_text(&g_array_index(found, MoeStandIn, i));
    g_autofree char *line = g_strdup_printf("%swarning: %s\n", i == 0 ? "\n" : "", text);

    moe_cli_print_text(line);
  }
}

static int no_key(const char *key)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);
  g_autofree const char **names = g_new0(const char *, keys->len + 1);

  for (guint i = 0; i < keys->len; i++)
    names[i] = ((const MoeSchemaKey *)keys->pdata[i])->path;
  const char *nearest = moe_nearest_word(key, names);

  if (nearest)
    return moe_cli_complain("show: the run has no key '%s', did you mean '%s'?", key, nearest);
  return moe_cli_complain("show: the run has no key '%s'; moesim list keys prints those it may have", key);
}

static int show(const MoeShown *shown, ShowFormat format)
{
  if (shown->only && !moe_node_find(moe_doc_root(shown->run->doc), shown->only))
    return no_key(shown->only);
  print(shown, format);
  if (format == SHOW_TABLE && !shown->only)
    print_stand_ins(shown->run);
  return MOE_EXIT_DONE;
}

static int show_file(const char *argument, const MoeCliRun *options, MoeShown *shown)
{
  g_autoptr(GError) error = NULL;
  int format = options->format ? moe_cli_word("--format", options->format, show_formats) : SHOW_TABLE;

  if (format < 0)
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);

  shown->run = run;
  return run ? show(shown, (ShowFormat)format) : moe_cli_fail(error);
}

int moe_cmd_show(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  g_autofree char *only = NULL;
  gboolean defaults = FALSE;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &options.format, "table, yaml, csv or json", "WORD"},
      {"only", 0, 0, G_OPTION_ARG_STRING, &only, "only this key and what is below it", "KEY"},
      {"defaults", 0, 0, G_OPTION_ARG_NONE, &defaults,
       "also what holds for keys that are not given, and every key's range", NULL},
      {NULL},
  };

  moe_cli_run_entries(&options, shared);
  moe_cli_drop_entry(shared, "format");
  moe_cli_drop_entry(shared, "fidelity"); /* nothing is simulated */
  moe_cli_drop_entry(shared, "seed");
  moe_cli_drop_entry(shared, "steps");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  return status != MOE_CLI_GO ? status : show_file(argv[1], &options, &(MoeShown){.only = only, .defaults = defaults});
}
