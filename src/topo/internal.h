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
  gboolean leaves_matter;
  guint n_resources;
  double *capacity; /* [n_resources] bytes/s */
};

/* Applies the cluster's `faults:`; FALSE and *error when one names what the machine does not have. */
gboolean moe_topo_apply_faults(MoeTopo *topo, GError **error);

#endif
