/*
 * coll: collective planner. (collective, group, topology, stack) -> bytes on each member's ports, latency, SMs.
 *
 * Floor 4. Uses base, spec, topo. Knows no engine, no program. One algorithm per file under src/coll, one table
 * (coll.c).
 *
 * A plan is one activity: every member moves `out`/`in` bytes through its ports at a common pace, and it ends `latency`
 * after the last byte has left. t = latency + max over resources (bytes / rate) when nothing else uses them.
 */
#ifndef MOESIM_COLL_H
#define MOESIM_COLL_H

#include "spec/spec.h"
#include "spec/work.h"
#include "topo/topo.h"

G_BEGIN_DECLS

typedef struct {
  const char *algorithm;          /* "ring", "nvls", "hierarchical", "direct", "rail-aligned" ... static */
  MoeTime latency;                /* fixed part: steps x hops + library floor */
  double port_bytes[MOE_N_PORTS]; /* per member, protocol overhead included, so that bytes / capacity is time */
  /* Per member, bytes behind its ports: over its leaf's uplinks, its island's, its links along a dimension of a torus
   * (0 where those can never be the limit). */
  double way_bytes[MOE_N_WAYS];
  double cap_bytes_per_s;                       /* rate limit of the busiest port (channels), INFINITY for none */
  double wire_nvlink_bytes, wire_network_bytes; /* per member, payload sent: for traffic accounts */
  guint n_skew;                         /* per-member factors on IN ports (OUT for COMBINE), NULL when balanced */
  const double *in_factor, *out_factor; /* [n_skew], owned by the collective */
  int64_t sms;                          /* SMs held on every member while it runs */
  double memory_bytes;                  /* HBM traffic per member */
  gboolean scattered;                   /* members send to all others alike, not to the next of a ring */
  gboolean network;                     /* the limiting leg, alone on the machine, is the network (else NVLink) */
} MoeCollPlan;

/* The group as placed on the machine. */
typedef struct {
  guint n;
  const int64_t *gpus; /* [n] member GPUs in group order */
} MoeCollGroup;

/* Plans with the algorithm that the stack or the library's automatic choice takes. A group of one costs nothing
 * (latency 0, bytes 0, algorithm "none"). Errors: none for validated input. */
void moe_coll_plan(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollective *collective,
                   const MoeCollGroup *group, MoeCollPlan *plan);
/* The same with a named algorithm; FALSE when it cannot serve this collective on this group. */
gboolean moe_coll_plan_with(const char *algorithm, const MoeTopo *topo, const MoeStackCollectives *stack,
                            const MoeCollective *collective, const MoeCollGroup *group, MoeCollPlan *plan);
/* One message between two GPUs (pipeline send). For p2p the sender uses OUT ports and the receiver IN ports. */
void moe_coll_plan_p2p(const MoeTopo *topo, const MoeStackCollectives *stack, int64_t from, int64_t to, double bytes,
                       MoeCollPlan *plan);
/* Copy between GPU and host memory. */
void moe_coll_plan_copy(const MoeTopo *topo, const MoeCopy *copy, MoeCollPlan *plan);
/* Time of the plan alone on an undegraded machine. */
double moe_coll_alone_s(const MoeTopo *topo, const MoeCollPlan *plan);
/* nccl-tests bus bandwidth factor: busbw = factor x bytes / time. */
double moe_coll_bus_factor(MoeCollectiveKind kind, guint n);

/* What nccl-tests measures: an operation, with the library's own choice of algorithm (NULL) or a named one. */
typedef struct {
  MoeCollectiveKind kind;
  gboolean send; /* a message from the first member to the second, whatever the kind */
  const char *algorithm;
} MoeCollOperation;

/* One size of it: its plan, how long it takes alone, and what bus bandwidth is of algorithm bandwidth. */
typedef struct {
  double bytes, time_s, bus_factor;
  MoeCollPlan plan;
} MoeCollTiming;

/* FALSE when the named algorithm cannot serve the operation on this group. */
gboolean moe_coll_time(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollOperation *operation,
                       const MoeCollGroup *group, double bytes, MoeCollTiming *timing);
/* The same of `first` bytes, twice as many, and so on up to `last`; of MoeCollTiming. NULL when the algorithm cannot.
 */
GArray *moe_coll_times(const MoeTopo *topo, const MoeStackCollectives *stack, const MoeCollOperation *operation,
                       const MoeCollGroup *group, double first, double last);
/* Bytes per second as nccl-tests counts them. */
double moe_coll_bus_rate(const MoeCollTiming *timing);

/* NULL-terminated names. */
const char *const *moe_coll_algorithms(MoeCollectiveKind kind);

G_END_DECLS

#endif
