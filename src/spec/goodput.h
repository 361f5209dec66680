/*
 * goodput: what a training of weeks meets besides its steps - failures, checkpoints, slow periods.
 * Part of spec (floor 2). The model that uses it is in study (goodput.h).
 *
 * Written in the `goodput:` section of a run; `reliability:` and `storage:` of its cluster give what belongs to the
 * machine. What neither says has a default with an origin (src/spec/goodput.c).
 */
#ifndef MOESIM_SPEC_GOODPUT_H
#define MOESIM_SPEC_GOODPUT_H

#include "base/base.h"
#include "doc/doc.h"

G_BEGIN_DECLS

typedef enum {
  MOE_CHECKPOINT_ASYNC, /* the copy to host memory blocks; written in the background, at most one in flight */
  MOE_CHECKPOINT_SYNC,  /* the copy and the writing block */
} MoeCheckpointMode;

extern const char *const moe_checkpoint_words[];

/* Periods in which the whole job steps slower: it is synchronous, the slowest part decides. */
typedef struct {
  double mtbf_s;   /* mean time between their starts, per GPU; 0 = there are none */
  double lasts_s;  /* mean length, exponential */
  double slowdown; /* step time during one over the healthy step time, >= 1 */
} MoeSlowPeriods;

/* What a maker reports of its training. 0 = not given. */
typedef struct {
  double wall_s, goodput; /* goodput as a fraction */
  double recomputation_s; /* steps done again */
  double slow_s;          /* MFU drop, checkpoints included */
  double stopped_s;       /* not stepping: detection, waiting, restart */
  double overhead_s;      /* all, with what is not itemised */
  const char *source;
} MoePublishedGoodput;

typedef struct {
  double tokens;                               /* to train on; 0 = not said */
  double step_time_s;                          /* measured; 0 = predicted */
  double gpu_mtbf_s, host_mtbf_s, link_mtbf_s; /* per GPU, host, network link (NIC, cable, port); 0 = never fails */
  double weibull_shape;                        /* of the times between failures of one part; 1 = exponential */
  double detect_s;                             /* from a failure until the job is stopped */
  double restart_s;    /* from there, with healthy hosts, until it steps again, besides loading the checkpoint */
  int64_t spares;      /* healthy hosts standing by; -1 = always enough */
  double repair_s;     /* until a failed host is a spare again */
  double reschedule_s; /* until a host from elsewhere takes part when no spare is left */
  MoeCheckpointMode mode;
  double interval_s;          /* stepping time between checkpoints; 0 = the optimum */
  double checkpoint_bytes;    /* 0 = counted: parameters x (master + moments + weights) */
  double storage_bytes_per_s; /* all hosts together, writing and reading */
  MoeSlowPeriods degraded;    /* end by themselves: network, thermal */
  MoeSlowPeriods stragglers;  /* slow hosts: end when noticed, by a checkpoint and a restart without the host */
  MoePublishedGoodput published;
  const char *source;
  guint n_assumptions;
  struct MoeAssumption *assumptions; /* keys are paths in the run ("goodput.restart") */
} MoeGoodputPlan;

struct MoeCluster;

/* Reads `goodput:` of a run; `node` may be NULL. Starts from the defaults and what `cluster` says. Text belongs to the
 * document. */
gboolean moe_goodput_plan_read(const MoeNode *node, const struct MoeCluster *cluster, MoeGoodputPlan *plan,
                               GError **error);

G_END_DECLS

#endif
