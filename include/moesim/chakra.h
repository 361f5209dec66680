/*
 * chakra: Chakra execution traces read and replayed on a cluster. Part of interchange (floor 8).
 *
 * Uses base up to metrics. A trace has one file per rank: nodes with dependencies (chakra.proto under src/interchange).
 * The replay starts a node when all it depends on is done; a GPU runs one kernel at a time, in the order in which they
 * become ready, a host thread likewise; collectives and messages are planned and carried as in a simulated step, so
 * they contend for the machine's ports. Kernel times are the trace's: measured by a profiler, or modelled by whoever
 * wrote it. A kernel without a time gets the roofline's
 * ("num_ops" at the accelerator's quoted peak, "tensor_size" at its memory bandwidth).
 *
 * Collectives are matched by process group ("pg_name") and order; without a name the group is all ranks. Messages are
 * matched by sender, receiver, tag and order.
 *
 * Life cycle: moe_chakra_new -> moe_chakra_groups (optional) -> moe_chakra_add per rank, 0 first -> moe_chakra_replay
 * -> _free.
 */
#ifndef MOESIM_CHAKRA_H
#define MOESIM_CHAKRA_H

#include <moesim/spec.h>

G_BEGIN_DECLS

#define MOE_CHAKRA_MAX_RANKS (1 << 20)
#define MOE_CHAKRA_MAX_NODES 100000000 /* of all ranks: memory is the limit, about 100 bytes each */

typedef struct MoeChakra MoeChakra;

MoeChakra *moe_chakra_new(void);
void moe_chakra_free(MoeChakra *chakra);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeChakra, moe_chakra_free)

/* Process groups by name: {"NAME": [rank, ...], ...} (ASTRA-sim's comm_group.json). */
gboolean moe_chakra_groups(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error);
/* The trace of the next rank; `name` stands in messages. FALSE and *error (MOE_ERROR_INPUT) when the bytes are no
 * trace, a node depends on one that is not there, or a rank or size is out of range. */
gboolean moe_chakra_add(MoeChakra *chakra, const void *data, gsize length, const char *name, GError **error);
/* The same from Chakra's JSON form: an object with a list "workload_graph" of nodes. */
gboolean moe_chakra_add_json(MoeChakra *chakra, const char *text, gsize length, const char *name, GError **error);
guint moe_chakra_ranks(const MoeChakra *chakra);

typedef struct {
  MoeTime step; /* when the last node ended */
  guint ranks;
  uint64_t nodes, events;
  double compute_s;                               /* kernel time per GPU, mean */
  double host_s;                                  /* host time per GPU, mean */
  double nvlink_bytes, network_bytes, host_bytes; /* sent per GPU, mean */
} MoeReplay;

/* Runs the trace on a cluster with the collectives of a stack; both must outlive the call. FALSE and *error when
 * members of a collective disagree, or nodes wait for one another forever (MOE_ERROR_INPUT, names one). The trace can
 * be replayed again. */
gboolean moe_chakra_replay(MoeChakra *chakra, const MoeCluster *cluster, const MoeStack *stack, MoeReplay *replay,
                           GError **error);

G_END_DECLS

#endif
