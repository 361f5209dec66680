/*
 * coll, private: what an algorithm sees (MoeCollRequest), what it says (MoeCollWork), and the table of algorithms.
 *
 * An algorithm says bytes per port, steps and shares of bandwidth; timing.c turns that into a plan with the protocol
 * that is fastest.
 */
#ifndef MOESIM_COLL_INTERNAL_H
#define MOESIM_COLL_INTERNAL_H

#include "coll/coll.h"

/* How a message goes over a wire, in the order of NCCL's tables. */
typedef enum { MOE_LL, MOE_LL128, MOE_SIMPLE, MOE_N_PROTOCOLS } MoeProtocol;

/* The rows of NCCL's tuner. */
typedef enum {
  MOE_NCCL_NONE, /* not NCCL's to choose */
  MOE_NCCL_RING,
  MOE_NCCL_TREE,
  MOE_NCCL_NVLS,
  MOE_NCCL_NVLS_TREE,
  MOE_NCCL_COLLNET,
  MOE_NCCL_PAT,
} MoeNcclAlgorithm;

/* How the members of one domain lie in it (domain.c). */
typedef struct {
  double hop_s, far_s; /* latency of a hop of a ring through them, mean, and between the farthest two */
  double ring[MOE_N_WAYS], pairs[MOE_N_WAYS]; /* bytes behind the port for each that a member sends over it: to the next
                                                 of a ring, to all others alike */
  int64_t per_island;                         /* members that share an island's links */
  gboolean torus;                             /* several members in a torus */
  double steps, steps_path_s; /* of a torus: of one pass of rings along its dimensions; latency of their routes */
} MoeCollInside;

/* A collective on a group as placed on the machine. */
typedef struct {
  const MoeTopo *topo;
  const MoeCluster *cluster;
  const MoeStackCollectives *stack;
  const MoeCollective *collective;
  guint n;
  int64_t domains;      /* NVLink domains with members */
  int64_t per_domain;   /* members of the fullest domain */
  MoeReach reach;       /* farthest neighbours of a ring through the domains in order */
  double hop_path_s;    /* latency of the route of such a hop, mean over the ring; 0 in one domain */
  double hop_leaf;      /* share of such hops between domains that leave a leaf, 0..1 */
  MoeCollInside inside; /* of the fullest domain */
  double pair_leaf;     /* share of pairs of members in different domains on different leaves, same rail, 0..1 */
} MoeCollRequest;

/* What one algorithm does. */
typedef struct {
  double bytes[4];                    /* payload per member by MoePort NVLINK_OUT .. NIC_IN */
  double nvlink_share, network_share; /* of the ports' bulk rate that the algorithm reaches */
  double floor_s;
  double steps_s;                   /* all steps, Simple protocol */
  double ll_steps_s, ll128_steps_s; /* the same with the two low-latency protocols; 0 = the algorithm has none */
  double bus_bytes;                 /* bus bandwidth x time: what the LL protocol's limit applies to */
  double ll_bytes_per_s;
  double ll_levels;         /* of a tree between domains: LL forwards a small message whole, level by level */
  double chunk_s, window_s; /* domain part of the pipeline: depth x cost of one chunk */
  double network_chunk_s, network_window_s; /* network part: depth x largest chunk */
  double hidden_s;                          /* part of steps_s that hides behind bytes when a step has enough of them */
  double hide_s;           /* bandwidth time of the whole collective at which half of hidden_s is gone; 0 = never */
  double handshake_s;      /* part of steps_s that steps with few bytes do without */
  double handshake_half_s; /* bandwidth time of the whole collective at which half of it is saved */
  double limit_s;          /* least bandwidth time, from channel limits */
  double fixed_s;          /* port time of messages besides their bytes, on the limiting port */
  double leaf_share;       /* share of the network bytes that cross leaf uplinks */
  gboolean single;         /* one message, not a collective */
  gboolean scattered;      /* bytes in the domain go to all others, not to the next of a ring */
  gboolean reduces;        /* received bytes are read with the local ones */
  int64_t sms;
} MoeCollWork;

/* Fills `work`; FALSE when the algorithm cannot serve the request. */
typedef gboolean (*MoeCollWorkFunc)(const MoeCollRequest *request, MoeCollWork *work);

/* Who picks an algorithm when none is named. */
typedef enum {
  MOE_COLL_NAMED,             /* nobody: only by name */
  MOE_COLL_AUTOMATIC,         /* the library, when fastest */
  MOE_COLL_MULTICAST,         /* the library, where the stack allows NVLink SHARP */
  MOE_COLL_SWITCHES,          /* the library, where the stack and the network do in-network reduction */
  MOE_COLL_HIERARCHICAL,      /* the framework, where it builds hierarchical collectives */
  MOE_COLL_DIMENSIONS,        /* the compiler, in every torus, and nothing else there */
  MOE_COLL_WINDOWS,           /* the library, wherever it can, where the framework registers its buffers */
  MOE_COLL_WINDOWS_MULTICAST, /* the same, where the stack also allows NVLink SHARP */
} MoeCollChoice;

typedef struct {
  const char *name;
  guint kinds; /* bits of 1 << MoeCollectiveKind */
  MoeCollChoice choice;
  MoeCollWorkFunc work;
  MoeNcclAlgorithm nccl;
} MoeCollAlgorithm;

#define MOE_COLL_BIT(kind) (1u << (kind))

void moe_coll_request_init(MoeCollRequest *request, const MoeTopo *topo, const MoeStackCollectives *stack,
                           const MoeCollective *collective, const MoeCollGroup *group);

/* How `n` members of one domain, in ascending order, lie in it (domain.c). */
void moe_coll_scan_inside(const MoeTopo *topo, const int64_t *gpus, int64_t n, MoeCollInside *inside);

/* ---- steps and protocols (timing.c) ---- */

/* How steps follow one another: a ring keeps every member busy from the first step on, a tree between domains fills
 * level by level, a logarithmic exchange sends everything it has in each step; levels are rings of communicators of
 * their own, inside the domains and between them. */
typedef enum { MOE_COLL_RING, MOE_COLL_TREE, MOE_COLL_LOGARITHMIC, MOE_COLL_LEVELS } MoeCollPattern;

/* One step of `step_s` on the machine at hand: the route it was measured over is replaced by the one that is there. */
double moe_coll_domain_step_s(const MoeCollRequest *request, double step_s, double path_s);
double moe_coll_network_step_s(const MoeCollRequest *request, double step_s, double path_s);
/* Adds steps inside the domain and between domains to the work's step times and pipeline depth. */
void moe_coll_add_steps(const MoeCollRequest *request, MoeCollWork *work, MoeCollPattern pattern, int64_t nvlink_steps,
                        int64_t network_steps);
/* Network steps of a ring that add what they receive take longer by the fabric's `reduce`. */
void moe_coll_add_reductions(const MoeCollRequest *request, MoeCollWork *work, int64_t network_steps);
/* Limits the rate at which `domain_bytes` leave a domain of several members to what one communicator's channels carry.
 */
void moe_coll_limit_channels(const MoeCollRequest *request, MoeCollWork *work, double domain_bytes);
/* Sets payload of both directions of both fabrics. */
void moe_coll_set_bytes(MoeCollWork *work, double nvlink, double network);
/* Whether an algorithm has a protocol on the fabrics it crosses. */
gboolean moe_coll_has_protocol(const MoeCollWork *work, MoeProtocol protocol);
/* Work -> plan with `protocol`, which it must have, or the fastest (MOE_N_PROTOCOLS). */
void moe_coll_finish(const MoeCollRequest *request, const MoeCollWork *work, MoeProtocol protocol, const char *name,
                     MoeCollPlan *plan);

/* ---- NCCL's tuner (nccl.c) ---- */

/* First version that gathers and scatters rail by rail (rails.c). */
#define MOE_NCCL_RAILS 22907
/* Whether NCCL's logarithmic gather and scatter serve the group. */
gboolean moe_coll_nccl_has_pat(const MoeCollRequest *request);
/* Time that NCCL's tuner, of the version the stack names, expects of an algorithm with a protocol; INFINITY when it
 * does not offer that. It decides the choice, not the plan. */
double moe_coll_nccl_s(const MoeCollRequest *request, MoeNcclAlgorithm algorithm, MoeProtocol protocol);
/* Steps of a binary tree over n. */
int64_t moe_coll_log2_ceil(int64_t n);

/* ---- how routing spreads copies (copies.c) ---- */

/* Expected number of the `parts` equal parts of the experts that one token reaches, each part counted with `share` of
 * its experts, under balanced random routing with the collective's top_k, experts and group limit. */
double moe_coll_expected_parts(const MoeCollective *collective, int64_t parts, double share);

/* ---- algorithms, one file each ---- */

/* Bytes of NVLink SHARP per member of a domain (nvls.c). */
void moe_coll_nvls_bytes(const MoeCollRequest *request, double bytes, MoeCollWork *work);
/* Share of the domain's bulk rate that an all-to-all reaches; direct exchange of `each` bytes with every other member,
 * over the destination's rail when `aligned` (all_to_all.c). */
double moe_coll_all_to_all_share(const MoeCluster *cluster);
void moe_coll_pairwise(const MoeCollRequest *request, MoeCollWork *work, double each, gboolean aligned);

extern const MoeCollAlgorithm moe_coll_ring, moe_coll_tree, moe_coll_nvls, moe_coll_nvls_registered, moe_coll_nvls_tree,
    moe_coll_hierarchical, moe_coll_sharp, moe_coll_pat, moe_coll_recursive_doubling, moe_coll_direct, moe_coll_naive,
    moe_coll_rail_aligned, moe_coll_expert, moe_coll_broadcast, moe_coll_rail_ring, moe_coll_rail_scatter,
    moe_coll_torus;

/* Name of the expert library that serves the request. */
const char *moe_coll_expert_name(const MoeCollRequest *request);

#endif
