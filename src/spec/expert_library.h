/*
 * expert_library: what the libraries that carry tokens to their experts and back have in common and what tells them
 * apart, one row each. Part of spec (floor 2). The lowering asks who permutes and who counts, coll asks which way
 * copies go and how fast.
 */
#ifndef MOESIM_EXPERT_LIBRARY_H
#define MOESIM_EXPERT_LIBRARY_H

#include "base/base.h"

G_BEGIN_DECLS

/* How a token's copies travel. */
typedef enum {
  MOE_EXPERT_PAIRWISE, /* one copy per chosen expert (or rank), straight to its rank; between domains over its rail */
  MOE_EXPERT_NODE_LIMITED, /* one copy per domain over the sender's rail, there one per rank over NVLink */
} MoeExpertRoute;

typedef struct {
  const char *name;  /* as `collectives.expert_library` names it */
  const char *title; /* for listings */
  MoeExpertRoute route;
  gboolean crosses_domains;   /* FALSE: leaves groups over several domains to NCCL */
  gboolean registers_floor;   /* its fixed time is `floor_s`; else the fabric's */
  gboolean sender_permutes;   /* the sender puts rows in expert order before dispatch, and sums them after combine */
  gboolean receiver_permutes; /* the receiver puts rows in the order of its experts; with several of them */
  gboolean host_counts;       /* the host must know the counts before it can issue a dispatch */
  gboolean deduplicates;      /* one copy per destination rank unless the stack says otherwise */
  gboolean gathers_map; /* each rank gathers which token goes to which expert, from all ranks, and counts itself */
  gboolean by_index;    /* rows arrive with the numbers of their experts, and the host waits inside the dispatch
                           until it knows how many: no exchange of counts precedes it */
  /* Fitted to validation/measured/expert.yaml by moesim calibrate-network (docs/model-network.md): */
  double floor_s[2];                  /* barriers and first chunks of one call in a domain: dispatch, combine */
  double network_floor_s[2];          /* the same over several */
  double nvlink_share, network_share; /* of the wires' bulk rate; pairwise with 0: as the fabric's all-to-all */
  double combine;                     /* NVLink rate of a combine relative to a dispatch; 0 = the same */
  double row_s, sm_bytes_per_s;       /* one SM moves one copy in row_s + bytes / sm_bytes_per_s; 0 = no limit */
  double token;                       /* copies' worth of SM time per token: it is read, or its sum written, once */
  double hop[2];                      /* copies' worth of SM time per copy between domains: dispatch, combine */
  /* Measured: the kernel that tells all hosts what comes, before a dispatch and a combine over several domains.
   * Benchmarks of a transfer leave it out or print it apart. */
  double notify_s[2];
} MoeExpertLibrary;

/* The row of that name; NULL for none. `name` NULL is NCCL. */
const MoeExpertLibrary *moe_expert_library(const char *name);
/* NULL-terminated names, in the order of the table. */
extern const char *const moe_expert_library_words[];

G_END_DECLS

#endif
