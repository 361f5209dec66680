/* moesim export: the program of a run for other simulators. */
#include "cli.h"
#include "record/output.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <moesim/export.h>
#include <moesim/report.h>
#include <string.h>
#include <unistd.h>

/* Operations that are exported at most: a larger step fills a disk and no other simulator takes it. */
#define MAX_OPERATIONS 50000000

static const MoeUsage usage = {
    .command = "export",
    .arguments = "goal | chakra | megatron | torchtitan | hf RUN.yaml[:VARIANT]",
    .examples = "  moesim export goal models/mixtral-8x7b.yaml --gpus 32 -o step.goal\n"
                "  moesim export chakra models/mixtral-8x7b.yaml --gpus 32 -o step.chakra\n"
                "  moesim run --from-chakra step.chakra --cluster gb200-nvl72\n"
                "  moesim export megatron models/deepseek-v3.yaml -o train.sh\n",
    .least = 2,
    .most = 2,
};

static void write_output(const void *data, gsize length, gpointer output)
{
  moe_output_write(output, data, (gssize)length);
}

static gboolean export_goal(const MoeExport *export, const char *path, MoeGoalTotals *totals, GError **error)
{
  g_autoptr(MoeOutput) output = moe_output_new(path, error);

  if (!output)
    return FALSE;
  moe_export_goal(export, write_output, output, totals);
  return moe_output_commit(output, error);
}

/* ---- Chakra: a folder that appears whole ----------------------------------------------------- */

static gboolean write_text(const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename(folder, name, NULL);

  return moe_output_save(path, text, error);
}

static gboolean write_rank(const MoeExport *export, int64_t rank, const char *folder, GError **error)
{
  g_autofree char *name = g_strdup_printf("moesim.%" G_GINT64_FORMAT ".et", rank);
  g_autofree char *path = g_build_filename(folder, name, NULL);
  g_autoptr(MoeOutput) output = moe_output_new(path, error);

  if (!output)
    return FALSE;
  moe_export_chakra(export, rank, write_output, output);
  return moe_output_commit(output, error);
}

static gboolean write_folder(const MoeExport *export, const MoeRun *run, const char *folder, GError **error)
{
  g_autofree char *groups = moe_export_chakra_groups(export);
  g_autofree char *text = moe_node_print(moe_doc_root(run->doc), FALSE);

  for (int64_t rank = 0; rank < moe_export_ranks(export); rank++)
    if (moe_cli_interrupted() || !write_rank(export, rank, folder, error))
      return FALSE;
  return write_text(folder, "comm_group.json", groups, error) && write_text(folder, "run.yaml", text, error);
}

static void remove_folder(const char *folder)
{
  g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);

  for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_unlink(path);
  }
  g_rmdir(folder);
}

static gboolean fail_folder(const char *path, GError **error)
{
  int reason = errno;

  return moe_fail(error, MOE_ERROR_IO, (MoeMark){.file = path}, "cannot write: %s", g_strerror(reason));
}

static char *without_end_slash(const char *path)
{
  gsize length = strlen(path);

  while (length > 1 && path[length - 1] == '/')
    length--;
  return g_strndup(path, length);
}

/* A signal waits until the folder has its name or is gone. */
static gboolean export_chakra(const MoeExport *export, const MoeRun *run, const char *path, GError **error)
{
  g_autofree char *folder = without_end_slash(path);
  g_autofree char *temporary = moe_output_temporary(folder);

  moe_cli_hold();
  gboolean made = g_mkdir(temporary, 0777) == 0 || fail_folder(path, error);
  gboolean whole = made && write_folder(export, run, temporary, error);

  if (whole && g_rename(temporary, folder) != 0)
    whole = fail_folder(path, error);
  if (made && !whole)
    remove_folder(temporary);
  moe_cli_release();
  return whole;
}

/* ---- command --------------------------------------------------------------------------------- */

static gboolean check_size(const MoeExport *export, GError **error)
{
  uint64_t n = moe_export_operations(export);

  return n <= MAX_OPERATIONS ||
         moe_fail(error, MOE_ERROR_INPUT, (MoeMark){0},
                  "export: %" G_GUINT64_FORMAT
                  " operations, expected at most %d; --gpus or training.global_batch make the step smaller",
                  n, MAX_OPERATIONS);
}

static gboolean write_goal(const MoeExport *export, const char *path, GError **error)
{
  MoeGoalTotals totals;

  if (!export_goal(export, path, &totals, error))
    return FALSE;
  g_autofree char *bytes = moe_quantity_format(totals.send_bytes, MOE_DIM_BYTES);

  moe_cli_note("%s: %" G_GINT64_FORMAT " ranks, %" G_GUINT64_FORMAT " calcs, %" G_GUINT64_FORMAT " sends of %s in all",
               path, moe_export_ranks(export), totals.calcs, totals.sends, bytes);
  return TRUE;
}

static gboolean write_chakra(const MoeExport *export, const MoeRun *run, const char *path, GError **error)
{
  if (!export_chakra(export, run, path, error))
    return FALSE;
  moe_cli_note("%s: %" G_GINT64_FORMAT " ranks, %" G_GUINT64_FORMAT " operations", path, moe_export_ranks(export),
               moe_export_operations(export));
  return TRUE;
}

static int export_run(const char *argument, gboolean goal, const char *path, const MoeCliRun *options)
{
  g_autoptr(GError) error = NULL;
  MoeSimOptions sim;

  if (!moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autoptr(MoeExport) export = run ? moe_export_new(run, sim.seed, &error) : NULL;

  if (!export || !check_size(export, &error))
    return moe_cli_fail(error);
  gboolean written = goal ? write_goal(export, path, &error) : write_chakra(export, run, path, &error);

  return written ? MOE_EXIT_DONE : moe_cli_fail(error);
}

/* ---- configurations: text, without a simulation ---------------------------------------------- */

#define FIRST_TEXT 2 /* of the words that name what is exported */

typedef char *(*TextFunc)(const MoeRun *run, GPtrArray *notes);

/* In the order of those words. */
static const struct {
  TextFunc text_of;
  MoeExportKind kind;
} texts[] = {{moe_export_megatron_text, MOE_EXPORT_MEGATRON},
             {moe_export_torchtitan_text, MOE_EXPORT_TORCHTITAN},
             {moe_export_hf_text, MOE_EXPORT_HF}};

static int export_text(const char *argument, guint which, const char *path, const MoeCliRun *options)
{
  g_autofree char *data_dir = moe_data_dir();
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
  MoeSimOptions sim; /* read for what is wrong in it: nothing is simulated */

  if (!moe_cli_sim_options(options, &sim))
    return MOE_EXIT_BAD_INPUT;
  g_autoptr(MoeRun) run = moe_cli_load_run(argument, options, &error);
  g_autofree char *text = run ? texts[which].text_of(run, notes) : NULL;

  if (!text || !moe_export_check(run, texts[which].kind, text, notes, data_dir, &error))
    return moe_cli_fail(error);
  for (guint i = 0; i < notes->len; i++)
    moe_cli_note("%s", (const char *)g_ptr_array_index(notes, i));
  return moe_cli_write(path, text, &error) ? MOE_EXIT_DONE : moe_cli_fail(error);
}

int moe_cmd_export(int argc, char **argv)
{
  g_auto(MoeCliRun) options = {0};
  g_autofree char *output = NULL;
  GOptionEntry shared[MOE_CLI_RUN_ENTRIES];
  static const char *const kinds[] = {"goal", "chakra", "megatron", "torchtitan", "hf", NULL};
  const GOptionEntry entries[] = {
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output,
       "the file; chakra: the folder, a file per rank (configurations: default standard output)", "PATH"},
      {NULL},
  };

  moe_cli_run_entries(&options, shared);
  moe_cli_drop_entry(shared, "format"); /* what is exported has its own, and is the program of one step */
  moe_cli_drop_entry(shared, "fidelity");
  moe_cli_drop_entry(shared, "steps");
  int status = moe_cli_parse(&usage, entries, shared, &argc, &argv);

  if (status != MOE_CLI_GO)
    return status;
  int kind = moe_cli_word("export", argv[1], kinds);

  if (kind < 0)
    return MOE_EXIT_BAD_INPUT;
  if (kind >= FIRST_TEXT)
    return export_text(argv[2], (guint)kind - FIRST_TEXT, output, &options);
  if (!output)
    return moe_cli_complain("export: no -o, expected the %s to write", kind == 0 ? "file" : "folder");
  return export_run(argv[2], kind == 0, output, &options);
}
