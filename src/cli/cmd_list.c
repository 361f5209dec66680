/* moesim list: what ships, and the words that keys and commands take. */
#include "cli.h"
#include "plot.h"

#include "cost/cost.h"
#include "report/listing.h"
#include "schedule/schedule.h"
#include "spec/expert_library.h"
#include "study/listing.h"

static const MoeUsage usage = {
    .command = "list",
    .arguments = "models|clusters|stacks|schedules|kernels|libraries|plots",
    .examples = "  moesim list clusters\n"
                "  moesim list models --format json\n",
    .least = 1,
    .most = 1,
};

static const char *const kinds[] = {"models", "clusters", "stacks", "schedules", "kernels", "libraries", "plots", NULL};
enum { MODELS, CLUSTERS, STACKS, SCHEDULES, KERNELS, LIBRARIES, PLOTS };

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

static GPtrArray *words_of(int kind)
{
  GPtrArray *listed = g_ptr_array_new_with_free_func((GDestroyNotify)moe_listed_free);

  if (kind == SCHEDULES)
    add_words(listed, moe_schedule_words);
  else if (kind == LIBRARIES)
    add_words(listed, moe_expert_library_words);
  else if (kind == KERNELS)
    add_kernels(listed);
  for (guint i = 0; kind == PLOTS && moe_plot_kind(i); i++)
    add(listed, moe_plot_kind(i)->name, moe_plot_kind(i)->summary);
  return listed;
}

static GPtrArray *list_of(int kind)
{
  g_autofree char *data_dir = moe_data_dir();

  if (kind == STACKS)
    return moe_list_stacks(data_dir);
  return kind < STACKS ? moe_list_files(data_dir, kinds[kind], kind == MODELS, TRUE) : words_of(kind);
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
  if (kind < 0 || format < 0)
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(GPtrArray) listed = list_of(kind);
  g_autofree char *text = format == 1 ? moe_listing_json(listed) : moe_listing_table(listed, moe_cli_sheet());

  moe_cli_print(text);
  return MOE_EXIT_DONE;
}
