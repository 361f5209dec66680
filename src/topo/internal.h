/* topo, private: the frozen graph. */
#ifndef MOESIM_TOPO_INTERNAL_H
#define MOESIM_TOPO_INTERNAL_H

#include "topo/topo.h"

struct MoeTopo {
  const MoeCluster *cluster;
  int64_t gpus;
  int64_t planes;     /* at least 1 */
  int64_t rails;      /* at least 1; 1 = not rail-optimised */
  int64_t per_rail;   /* GPUs of one host on one rail */
  int64_t leaf_gpus;  /* GPUs below one leaf */
  int64_t leaves;     /* leaves in use */
  int64_t pod_leaves; /* leaves of one pod (three tiers); G_MAXINT64 = one pod */
  int64_t islands;    /* of domains of two tiers, in use */
  gboolean leaves_matter, islands_matter;
  guint n_resources;
  double *capacity; /* [n_resources] bytes/s */
};

/* GPUs that one leaf serves: with oversubscription o, ports split o : 1 between down and up. */
int64_t moe_topo_leaf_ports(const MoeNetwork *network);
/* Of `ports` below a leaf, those that send: this run's, or also another job's. */
int64_t moe_topo_below_leaf(const MoeTopo *topo, int64_t ports);
/* Share of its rate that uplink (even) or downlink (odd) i of the leaves reaches with the ways that flows take
 * (paths.c). */
double moe_topo_path_share(const MoeTopo *topo, int64_t i);
/* What the uplinks of one undegraded leaf carry for this run where every flow has a way of its own, bytes/s. */
double moe_topo_leaf_bytes_per_s(const MoeTopo *topo);
/* Fills the capacities of islands and of the links of a torus (domain.c). */
guint moe_topo_count_domain_ways(const MoeTopo *topo);
void moe_topo_fill_domain_ways(MoeTopo *topo);
gboolean moe_topo_find_islands_matter(const MoeTopo *topo);
/* Rounding of the sum of what hangs below a switch. */
#define MOE_TOPO_ROUNDING 1e-9

/* Applies the cluster's `faults:`; FALSE and *error when one names what the machine does not have. */
gboolean moe_topo_apply_faults(MoeTopo *topo, GError **error);

#endif
