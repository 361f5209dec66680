/* moesim run --from-chakra. */
#include "replay.h"

#include "replay/replay.h"
#include "report/findings.h"
#include <string.h>

/* The machine that a trace is replayed on: of the run that was exported, or named by the options. */
typedef struct {
  MoeRun *run; /* NULL for traces of others */
  MoeCluster cluster;
  MoeStack stack;
  MoeDoc *cluster_doc, *stack_doc;
} Machine;

static void clear_machine(Machine *machine)
{
  if (machine->cluster_doc)
    moe_cluster_clear(&machine->cluster);
  if (machine->stack_doc)
    moe_stack_clear(&machine->stack);
  moe_doc_free(machine->cluster_doc);
  moe_doc_free(machine->stack_doc);
  moe_run_free(machine->run);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Machine, clear_machine)

/* ---- files ----------------------------------------------------------------------------------- */

static gboolean map_file(const char *path, GMappedFile **file, GError **error)
{
  *file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? g_mapped_file_new(path, FALSE, NULL) : NULL;
  return *file || moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot be read, expected a file that can");
}

static gboolean read_rank(MoeChakra *chakra, const char *path, GError **error)
{
  g_autoptr(GMappedFile) file = NULL;

  if (!map_file(path, &file, error))
    return FALSE;
  const char *data = g_mapped_file_get_contents(file);
  gsize length = g_mapped_file_get_length(file);

  return g_str_has_suffix(path, ".json") ? moe_chakra_add_json(chakra, data ? data : "", length, path, error)
                                         : moe_chakra_add(chakra, data ? data : "", length, path, error);
}

static gboolean read_groups(MoeChakra *chakra, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "comm_group.json", NULL);
  g_autoptr(GMappedFile) file = NULL;

  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!map_file(path, &file, error))
    return FALSE;
  const char *text = g_mapped_file_get_contents(file);

  return moe_chakra_groups(chakra, text ? text : "", g_mapped_file_get_length(file), path, error);
}

static const char *const endings[] = {".et", ".json"}; /* protobuf goes before JSON */

/* What stands before ".0.et" in the folder, of several the first by name; NULL when there is no such file. */
static char *find_prefix(const char *folder, const char *ending)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
  g_autofree char *first = g_strconcat(".0", ending, NULL);
  char *prefix = NULL;

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *found = g_str_has_suffix(name, first) ? g_strndup(name, strlen(name) - strlen(first)) : NULL;

    if (found && (!prefix || strcmp(found, prefix) < 0)) {
      g_free(prefix);
      prefix = g_steal_pointer(&found);
    }
  }
  return prefix;
}

static gboolean read_ranks(MoeChakra *chakra, const char *folder, const char *prefix, const char *ending,
                           GError **error)
{
  for (;;) {
    g_autofree char *name = g_strdup_printf("%s.%u%s", prefix, moe_chakra_ranks(chakra), ending);
    g_autofree char *path = g_build_filename(folder, name, NULL);

    if (!g_file_test(path, G_FILE_TEST_EXISTS))
      return TRUE;
    if (!read_rank(chakra, path, error))
      return FALSE;
  }
}

static gboolean read_traces(MoeChakra *chakra, const char *folder, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS(endings); i++) {
    g_autofree char *prefix = find_prefix(folder, endings[i]);

    if (prefix)
      return read_groups(chakra, folder, error) && read_ranks(chakra, folder, prefix, endings[i], error);
  }
  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = folder},
                  "no trace, expected files NAME.0.et, NAME.1.et, ... or NAME.0.json, ... (other forms, such as "
                  "Kineto's, are not read)");
}

/* ---- machine --------------------------------------------------------------------------------- */

static gboolean find_machine(const char *folder, const MoeCliRun *options, Machine *machine, GError **error)
{
  g_autofree char *path = g_build_filename(folder, "run.yaml", NULL);
  g_autofree char *data_dir = moe_data_dir();

  if (g_file_test(path, G_FILE_TEST_EXISTS)) {
    machine->run = moe_cli_load_run(path, options, error);
    return machine->run != NULL;
  }
  if (!options->cluster || !options->stack)
    return moe_fail(error, MOE_ERROR_INPUT, (MoeMark){.file = folder},
                    "no run.yaml beside the traces, expected --cluster and --stack");
  return moe_cluster_load(options->cluster, data_dir, &machine->cluster, &machine->cluster_doc, error) &&
         moe_stack_load(options->stack, data_dir, &machine->stack, &machine->stack_doc, error);
}

int moe_cli_replay(const char *folder, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(MoeChakra) chakra = moe_chakra_new();
  g_auto(Machine) machine = {0};
  MoeFormat format;
  MoeReplay replay;

  if (!moe_cli_format(options, &format))
    return MOE_EXIT_BAD_INPUT;
  if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
    return moe_cli_complain("run: --from-chakra %s is no folder, expected one of Chakra traces", folder);
  if (!find_machine(folder, options, &machine, &error) || !read_traces(chakra, folder, &error))
    return moe_cli_fail(error);
  const MoeCluster *cluster = machine.run ? &machine.run->cluster : &machine.cluster;
  const MoeStack *stack = machine.run ? &machine.run->stack : &machine.stack;

  if (!moe_chakra_replay(chakra, cluster, stack, &replay, &error))
    return moe_cli_fail(error);

  moe_cli_show(format, moe_report_replay(&replay, cluster, machine.run, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}
