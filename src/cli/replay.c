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
  g_auto(Machine) machine = {0};
  MoeFormat format;
  MoeReplay replay;

  if (!moe_cli_format(options, &format))
    return MOE_EXIT_BAD_INPUT;
  if (!g_file_test(folder, G_FILE_TEST_IS_DIR))
    return moe_cli_complain("run: --from-chakra %s is no folder, expected one of Chakra traces", folder);
  g_autoptr(MoeChakra) chakra =
      find_machine(folder, options, &machine, &error) ? moe_chakra_load(folder, &error) : NULL;
  if (!chakra)
    return moe_cli_fail(error);
  const MoeCluster *cluster = machine.run ? &machine.run->cluster : &machine.cluster;
  const MoeStack *stack = machine.run ? &machine.run->stack : &machine.stack;

  if (!moe_chakra_replay(chakra, cluster, stack, &replay, &error))
    return moe_cli_fail(error);

  moe_cli_show(format, moe_report_replay(&replay, cluster, machine.run, moe_cli_sheet(format)));
  return MOE_EXIT_DONE;
}
