/* moesim list: what ships, and the words that keys and commands take. */
#include "cli.h"
#include "plot.h"

#include "cost/cost.h"
#include "report/findings.h"
#include "schedule/schedule.h"
#include "spec/expert_library.h"
#include "spec/schema.h"
#include "study/listing.h"
#include <moesim/search.h>

#include <string.h>

static const MoeUsage usage = {
    .command = "list",
    .arguments = "models|architectures|clusters|stacks|schedules|kernels|libraries|plots|keys|axes|variants RUN.yaml",
    .examples = "  moesim list clusters\n"
                "  moesim list models --format json\n"
                "  moesim list variants models/mai-base-1/v4.yaml\n",
    .least = 1,
    .most = 2,
};

static const char *const kinds[] = {"models",    "architectures", "clusters", "stacks", "schedules", "kernels",
                                    "libraries", "plots",         "keys",     "axes",   "variants",  NULL};
enum { MODELS, ARCHITECTURES, CLUSTERS, STACKS, SCHEDULES, KERNELS, LIBRARIES, PLOTS, KEYS, AXES, VARIANTS };

static void add(GPtrArray *listed, const char *name, const char *title)
{
  MoeListed *item = g_new0(MoeListed, 1);

  *item = (MoeListed){.name = g_strdup(name), .title = g_strdup(title)};
  g_ptr_array_add(listed, item);
}

/* Families of kernels as a stack's `family` names them, by class. */
static void add_kernels(GPtrArray *listed)
{
  for (int klass = 0; klass < MOE_N_KERNEL_CLASSES; klass++)
    for (const char *const *family = moe_cost_families((MoeKernelClass)klass); *family; family++)
      add(listed, *family, moe_kernel_class_words[klass]);
}

static void add_words(GPtrArray *listed, const char *const *words)
{
  for (; *words; words++)
    add(listed, *words, "");
}

/* Keys that --set and --vary give a value, with the values that they may have. */
static void add_keys(GPtrArray *listed)
{
  g_autoptr(GPtrArray) keys = moe_schema_keys(MOE_SCHEMA_RUN);

  for (guint i = 0; i < keys->len; i++) {
    const MoeSchemaKey *key = keys->pdata[i];
    g_autofree char *range = moe_field_range(key->field);

    if (key->field->kind != MOE_FIELD_MAP && !strchr(key->path, '[') && !strstr(key->path, "NAME"))
      add(listed, key->path, range ? range : "");
  }
}

/* Dimensions of searches, by the name that --limit takes, with their keys. */
static void add_axes(GPtrArray *listed)
{
  for (int d = 0; d < MOE_N_DIMENSIONS; d++) {
    g_autofree char *key = moe_dimension_key((MoeDimensionKind)d);

    add(listed, moe_dimension_names[d], key);
  }
}

static GPtrArray *words_of(int kind)
{
  GPtrArray *listed = g_ptr_array_new_with_free_func((GDestroyNotify)moe_listed_free);

  if (kind == SCHEDULES)
    add_words(listed, moe_schedule_words);
  else if (kind == LIBRARIES)
    add_words(listed, moe_expert_library_words);
  else if (kind == KERNELS)
    add_kernels(listed);
  else if (kind == KEYS)
    add_keys(listed);
  else if (kind == AXES)
    add_axes(listed);
  for (guint i = 0; kind == PLOTS && moe_plot_kind(i); i++)
    add(listed, moe_plot_kind(i)->name, moe_plot_kind(i)->summary);
  return listed;
}

/* NULL and *error when the file is no run. */
static GPtrArray *variants_of(const char *path, GError **error)
{
  g_auto(GStrv) names = moe_run_variants(path, error);
  GPtrArray *listed = names ? g_ptr_array_new_with_free_func((GDestroyNotify)moe_listed_free) : NULL;

  if (names)
    add_words(listed, (const char *const *)names);
  return listed;
}

static GPtrArray *list_of(int kind, const char *file, GError **error)
{
  g_autofree char *data_dir = moe_data_dir();

  if (kind == VARIANTS)
    return variants_of(file, error);
  if (kind == STACKS)
    return moe_list_stacks(data_dir);
  if (kind == MODELS)
    return moe_list_models(data_dir);
  if (kind == ARCHITECTURES)
    return moe_list_files(data_dir, "models/architectures", TRUE, TRUE);
  return kind == CLUSTERS ? moe_list_files(data_dir, kinds[kind], FALSE, TRUE) : words_of(kind);
}

int moe_cmd_list(int argc, char **argv)
{
  g_autofree char *word = NULL;
  const GOptionEntry entries[] = {
      {"format", 0, 0, G_OPTION_ARG_STRING, &word, "table or json", "WORD"},
      {NULL},
  };
  static const char *const formats[] = {"table", "json", NULL};
  int status = moe_cli_parse(&usage, entries, NULL, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  int kind = moe_cli_word("list", argv[1], kinds), format = word ? moe_cli_word("--format", word, formats) : 0;
  g_autoptr(GError) error = NULL;

  if (kind < 0 || format < 0)
    return MOE_EXIT_BAD_INPUT;
  if ((kind == VARIANTS) != (argc > 2))
    return moe_cli_complain("list %s: expected %s", argv[1], kind == VARIANTS ? "a file" : "nothing behind it");
  g_autoptr(GPtrArray) listed = list_of(kind, kind == VARIANTS ? argv[2] : NULL, &error);
  if (!listed)
    return moe_cli_fail(error);
  MoeFormat as = format == 1 ? MOE_FORMAT_JSON : MOE_FORMAT_TABLE;

  moe_cli_show(as, moe_report_listing(listed, moe_cli_sheet(as)));
  return MOE_EXIT_DONE;
}
