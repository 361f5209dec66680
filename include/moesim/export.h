/*
 * export: a run's program, priced on its machine, for other simulators. Part of interchange (floor 8).
 *
 * Uses base up to metrics. GOAL is the text that LogGOPSim and ATLAHS read; Chakra execution traces are what ASTRA-sim
 * reads (chakra.h reads them back). Both hold, per rank, every kernel, transfer and host launch of one step with its
 * dependencies: operations of one stream follow one another, waits of the program become dependencies, and each
 * operation depends on the host's launch of it.
 *
 * GOAL knows messages only: all-reduce, all-gather and reduce-scatter become rings, all-to-all, dispatch and combine
 * messages between all pairs (docs/interchange.md). Programs have no broadcast.
 *
 * Besides, a run goes out as the configuration of other software: no simulation, no pricing.
 */
#ifndef MOESIM_EXPORT_H
#define MOESIM_EXPORT_H

#include <moesim/run.h>

G_BEGIN_DECLS

/* Takes `length` bytes; how a failure is kept is the taker's business. */
typedef void (*MoeWriteFunc)(const void *data, gsize length, gpointer user_data);

typedef struct MoeExport MoeExport;

/* Lowers and prices a run; `run` must outlive the export. */
MoeExport *moe_export_new(const MoeRun *run, uint64_t seed, GError **error);
void moe_export_free(MoeExport *exported);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeExport, moe_export_free)

int64_t moe_export_ranks(const MoeExport *exported);
/* Operations of all ranks in the step, before collectives become messages. */
uint64_t moe_export_operations(const MoeExport *exported);

/* What a GOAL file holds. */
typedef struct {
  uint64_t calcs, sends, receives;
  double calc_ns, send_bytes;
} MoeGoalTotals;

/* The whole GOAL file. `totals` may be NULL. */
void moe_export_goal(const MoeExport *exported, MoeWriteFunc write, gpointer user_data, MoeGoalTotals *totals);

/* Chakra trace of one rank: length-delimited protobuf. */
void moe_export_chakra(const MoeExport *exported, int64_t rank, MoeWriteFunc write, gpointer user_data);
/* Members of every process group that the traces name ("pg_name"), as ASTRA-sim's comm_group.json. Caller frees. */
char *moe_export_chakra_groups(const MoeExport *exported);

/* ---- configurations of others ------------------------------------------------------------------------------------ */

/* The launch line of Megatron-LM that gives the run, word by word: torchrun, the script, model, training, layout,
 * recomputation, and what the stack fuses, captures and dispatches with. Learning rates, data and checkpoints are not
 * in a run and not in the line. What no argument says is added to `notes` (of char *; may be NULL). moe_import_megatron
 * gives the same run back. Free with g_strfreev. */
char **moe_export_megatron(const MoeRun *run, GPtrArray *notes);
/* The same as text for a shell, an argument a line. Caller frees. */
char *moe_export_megatron_text(const MoeRun *run, GPtrArray *notes);
/* The same as a torchtitan configuration in TOML. */
char *moe_export_torchtitan_text(const MoeRun *run, GPtrArray *notes);
/* The model as a Hugging Face config.json, of the family that says its shape; nothing of training and layout. `notes`
 * as above. moe_import_hf gives the same architecture back. Caller frees. */
char *moe_export_hf_text(const MoeRun *run, GPtrArray *notes);

typedef enum { MOE_EXPORT_MEGATRON, MOE_EXPORT_TORCHTITAN, MOE_EXPORT_HF } MoeExportKind;

/* Whether such a text, read again by the import of its kind, is the run's model: parameters, in all and active, within
 * one percent. Then every key of the run that the import reads otherwise (of a Hugging Face configuration: of the
 * architecture) is added to `notes` (may be NULL); without one the run is the same. FALSE and *error
 * (MOE_ERROR_INPUT), which repeats `notes`, when it is another model or cannot be read. `data_dir` as for
 * moe_run_load. */
gboolean moe_export_check(const MoeRun *run, MoeExportKind kind, const char *text, GPtrArray *notes,
                          const char *data_dir, GError **error);

G_END_DECLS

#endif
