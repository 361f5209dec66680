/*
 * replay: a Chakra execution trace executed on a cluster. Part of replay (floor 9).
 *
 * A node starts when all it depends on is done; a GPU runs one kernel at a time, in the order in which they become
 * ready, a host thread likewise; collectives and messages are planned and carried as in a simulated step, so they
 * contend for the machine's ports. Kernel times are the trace's: measured by a profiler, or modelled by whoever wrote
 * it. A kernel without a time gets the roofline's ("num_ops" at the accelerator's quoted peak, "tensor_size" at its
 * memory bandwidth).
 */
#ifndef MOESIM_REPLAY_H
#define MOESIM_REPLAY_H

#include "interchange/chakra.h"

G_BEGIN_DECLS

typedef struct {
  MoeTime step; /* when the last node ended */
  guint ranks;
  uint64_t nodes, events;
  guint unsized;    /* collectives of which the trace has neither kind nor size: kernels of their recorded time */
  guint absent;     /* control dependencies on nodes that the trace has not: left out */
  double compute_s; /* kernel time per GPU, mean */
  double host_s;    /* host time per GPU, mean */
  double nvlink_bytes, network_bytes, host_bytes; /* sent per GPU, mean */
} MoeReplay;

/* Runs the trace on a cluster with the collectives of a stack; both must outlive the call. FALSE and *error when
 * members of a collective disagree, or nodes wait for one another forever (MOE_ERROR_INPUT, names one). The trace can
 * be replayed again. */
gboolean moe_chakra_replay(MoeChakra *chakra, const MoeCluster *cluster, const MoeStack *stack, MoeReplay *replay,
                           GError **error);

G_END_DECLS

#endif
