/* Inside the exports: the step of one rank as a list of nodes with dependencies. */
#ifndef MOESIM_INTERCHANGE_TRACE_H
#define MOESIM_INTERCHANGE_TRACE_H

#include "coll/coll.h"
#include "program/program.h"
#include "sim/sim.h"
#include <moesim/export.h>

typedef enum {
  TRACE_HOST,   /* launch or synchronization: host time */
  TRACE_KERNEL, /* duration depends on the GPU's state */
  TRACE_JOIN,   /* takes no time: a collective in which this rank has no partner */
  TRACE_COLLECTIVE,
  TRACE_SEND,
  TRACE_RECEIVE,
  TRACE_COPY,
} TraceKind;

#define TRACE_HOST_LANE MOE_N_STREAMS /* the host's place after the streams */

typedef struct {
  TraceKind kind;
  uint64_t id; /* 0, 1, ... in the order in which the host issues */
  const char *name;
  unsigned lane;                   /* MoeStream or TRACE_HOST_LANE */
  MoeTime duration[MOE_N_STATES];  /* HOST (all equal), KERNEL */
  const MoeKernel *kernel;         /* KERNEL, during the call; NULL for a delay */
  const MoeCollective *collective; /* COLLECTIVE */
  int64_t group;                   /* COLLECTIVE: group of its kind that the rank is in */
  guint draw;                      /* COLLECTIVE: which of the program's expert loads its micro-batch has */
  uint64_t sequence;               /* COLLECTIVE: how many before it on this stream over groups of this kind */
  int64_t peer;                    /* SEND, RECEIVE */
  uint32_t message;                /* SEND, RECEIVE: its id in the program */
  const MoeCopy *copy;             /* COPY */
  double bytes;                    /* SEND, RECEIVE, COPY */
  guint n_deps;
  const uint64_t *deps; /* ascending, without repetition */
} TraceNode;

typedef void (*TraceFunc)(const TraceNode *node, gpointer user_data);

struct MoeExport {
  const MoeRun *run;
  MoeProgram *program;
  MoeSimPrices *prices;
  MoeTopo *topo;
};

void trace_walk(const MoeExport *export, int64_t rank, TraceFunc func, gpointer user_data);

#endif
