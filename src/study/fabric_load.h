/*
 * fabric_load: what one step of a run puts on the machine's links. Part of study (floor 8).
 */
#ifndef MOESIM_FABRIC_LOAD_H
#define MOESIM_FABRIC_LOAD_H

#include "sim/sim.h"

G_BEGIN_DECLS

typedef enum {
  MOE_TIER_NVLINK,
  MOE_TIER_NIC,
  MOE_TIER_LEAF, /* uplinks and downlinks of leaves */
  MOE_TIER_HOST,
  MOE_TIER_ISLAND, /* links of islands to the second tier of their domain; none elsewhere */
  MOE_TIER_TORUS,  /* links of a torus, both directions of a GPU's two along a dimension as one; none elsewhere */
  MOE_N_TIERS,
} MoeTier;

/* Tiers after MOE_TIER_HOST are shown only where the machine has them. */
extern const char *const moe_tier_words[];

/* Both directions of all links of a tier. `used`: share of the step in which the link would have been busy at its full
 * rate. */
typedef struct {
  guint links;
  double bytes; /* carried per step, protocol overhead included, all links together */
  double mean_used, most_used;
} MoeTierLoad;

typedef struct {
  guint resource;
  char *name; /* "GPU 12 NIC out" */
  double bytes, bytes_per_s, used;
} MoeLinkLoad;

/* Payload that the GPUs of a run send, by why. */
typedef struct {
  const char *name; /* "expert": a group of ranks; "pipeline messages" */
  double nvlink_bytes, network_bytes;
} MoePurposeLoad;

#define MOE_BUSIEST 10
/* Blocks of domains that traffic is told apart by, at most. */
#define MOE_TRAFFIC_BLOCKS 64

typedef struct {
  MoeRun *run;            /* not owned */
  MoeTopo *topo;          /* of the run, leaves counted whether they can limit or not */
  double step_s, alone_s; /* without the neighbour; 0: there is none */
  double *bytes;          /* [moe_topo_n_resources] */
  MoeTierLoad tier[MOE_N_TIERS];
  guint n_busiest, n_purposes;
  MoeLinkLoad busiest[MOE_BUSIEST]; /* most used first */
  MoePurposeLoad purpose[MOE_N_GROUPS + 1];
  guint n_blocks;        /* of scale-up domains, in order; 0: there is one domain */
  int64_t block_domains; /* domains of a block, the last may have fewer */
  double *between;       /* [n_blocks x n_blocks] payload over the network, from the row's to the column's */
} MoeFabricLoad;

/* Simulates one step in full and counts, with the seed and beside the neighbour of `sim`. `run` must outlive the
 * result. NULL and *error as moe_sim_run. */
MoeFabricLoad *moe_fabric_load(MoeRun *run, const MoeSimOptions *sim, GError **error);
void moe_fabric_load_free(MoeFabricLoad *load);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeFabricLoad, moe_fabric_load_free)
/* What blocks first..first + n - 1 send to blocks to..to + n - 1, bytes. */
double moe_fabric_load_between(const MoeFabricLoad *load, guint from, guint to, guint n);
/* Whether the machine has links of a tier. */
gboolean moe_fabric_load_has(const MoeFabricLoad *load, MoeTier tier);
/* Share of the step that a resource is used. */
double moe_fabric_load_used(const MoeFabricLoad *load, guint resource);

G_END_DECLS

#endif
