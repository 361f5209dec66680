/*
 * topo: GPUs, NVLink domains, hosts, NICs, rails, leaves, spines -> frozen graph of resources.
 *
 * Floor 3. Uses base, spec. Knows no time, no engine.
 *
 * GPU g of a run sits in domain g / domain.gpus and host g / host.gpus; it hangs on leaf moe_topo_leaf(g). Resources
 * (directed capacities in bytes/s) are numbered: GPU g's are g * MOE_N_PORTS + port, then the leaves' uplinks and
 * downlinks, then those of the islands of a domain of two tiers, or the links of each GPU of a torus by dimension (both
 * directions as one).
 *
 *     GPU --nvlink--> [NVSwitch of the domain] --nvlink--> GPU
 *     GPU --nvlink--> [island] --up--> [second tier] --down--> [island] --nvlink--> GPU      a domain of two tiers
 *     GPU --x links--> GPU --x links--> GPU ...                                              a torus
 *     GPU --nic--> [leaf] --up--> [spine] --down--> [leaf] --nic--> GPU
 *     GPU --host link--> host memory
 */
#ifndef MOESIM_TOPO_H
#define MOESIM_TOPO_H

#include "spec/spec.h"

G_BEGIN_DECLS

typedef enum {
  MOE_PORT_NVLINK_OUT,
  MOE_PORT_NVLINK_IN,
  MOE_PORT_NIC_OUT,
  MOE_PORT_NIC_IN,
  MOE_PORT_HOST_OUT, /* GPU to host memory */
  MOE_PORT_HOST_IN,
  MOE_N_PORTS,
} MoePort;

/* What lies behind ports: a GPU's bytes go on over one resource of each of these, if it has one. */
typedef enum {
  MOE_WAY_LEAF_UP, /* shared by the GPUs below a leaf */
  MOE_WAY_LEAF_DOWN,
  MOE_WAY_ISLAND_UP, /* shared by the GPUs of an island */
  MOE_WAY_ISLAND_DOWN,
  MOE_WAY_X, /* a GPU's own two links along a dimension of a torus */
  MOE_WAY_Y,
  MOE_WAY_Z,
  MOE_N_WAYS,
} MoeWay;

/* How far apart two GPUs are. */
typedef enum { MOE_REACH_SELF, MOE_REACH_DOMAIN, MOE_REACH_LEAF, MOE_REACH_SPINE, MOE_REACH_CORE } MoeReach;

typedef struct MoeTopo MoeTopo;

/* What is broken or slow, as input. */
typedef struct {
  guint resource;
  double factor; /* capacity multiplied by this, (0, 1] */
} MoeDegradation;

/* `gpus` is at least 1 and, when above one domain, the domains fill in order. `cluster` must outlive the graph. */
MoeTopo *moe_topo_new(const MoeCluster *cluster, int64_t gpus, guint n_degradations, const MoeDegradation *degradations,
                      GError **error);
void moe_topo_free(MoeTopo *topo);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MoeTopo, moe_topo_free)

const MoeCluster *moe_topo_cluster(const MoeTopo *topo);
int64_t moe_topo_gpus(const MoeTopo *topo);
int64_t moe_topo_domain(const MoeTopo *topo, int64_t gpu);
int64_t moe_topo_host(const MoeTopo *topo, int64_t gpu);
int64_t moe_topo_rail(const MoeTopo *topo, int64_t gpu);
int64_t moe_topo_leaf(const MoeTopo *topo, int64_t gpu);
/* Domain, host and leaf of GPUs 0..n-1 at once. */
void moe_topo_sites(const MoeTopo *topo, guint n, uint32_t *domain, uint32_t *host, uint32_t *leaf);
MoeReach moe_topo_reach(const MoeTopo *topo, int64_t a, int64_t b);
/* One-way latency between two GPUs over their shortest path, seconds. */
double moe_topo_latency(const MoeTopo *topo, MoeReach reach);

/* The same inside a domain: two GPUs of it. */
double moe_topo_domain_latency(const MoeTopo *topo, int64_t a, int64_t b);
/* Island of a domain of two tiers, over the whole machine; 0 elsewhere. */
int64_t moe_topo_island(const MoeTopo *topo, int64_t gpu);
/* Position of a GPU along a dimension of its torus, 0 elsewhere. */
int64_t moe_topo_position(const MoeTopo *topo, int64_t gpu, int dimension);
/* Where `gpu` lies from `origin` inside the domain's fabric: pairs of the same offset are equally far apart, over links
 * of the same kinds. 0 where one switch joins all. */
uint64_t moe_topo_offset(const MoeTopo *topo, int64_t origin, int64_t gpu);

guint moe_topo_n_resources(const MoeTopo *topo);
const double *moe_topo_capacities(const MoeTopo *topo);
static inline guint moe_topo_port(int64_t gpu, MoePort port)
{
  return (guint)(gpu * MOE_N_PORTS + port);
}
/* Leaves are numbered level by level of a rail: leaf l hangs on rail l mod rails. A failed rail is carried by the
 * others. */
int64_t moe_topo_n_leaves(const MoeTopo *topo);
guint moe_topo_leaf_up(const MoeTopo *topo, int64_t leaf);
guint moe_topo_leaf_down(const MoeTopo *topo, int64_t leaf);
/* Islands of a domain of two tiers, 0 where there are none. */
int64_t moe_topo_n_islands(const MoeTopo *topo);
#define MOE_NO_RESOURCE G_MAXUINT
/* The resource that a GPU's bytes take behind its port; MOE_NO_RESOURCE where the machine has none such. */
guint moe_topo_way(const MoeTopo *topo, int64_t gpu, MoeWay way);
/* All that is behind ports has numbers from here on. */
guint moe_topo_first_way(const MoeTopo *topo);
/* What kind of link a resource from there on is. */
MoeWay moe_topo_way_kind(const MoeTopo *topo, guint resource);
/* Capacity of an undegraded one, bytes/s. */
double moe_topo_way_bytes_per_s(const MoeTopo *topo, MoeWay way);
/* Whether leaf uplinks can ever be the limit (oversubscription > 1 or a degraded one): otherwise routes leave them out.
 */
gboolean moe_topo_leaves_matter(const MoeTopo *topo);
/* The same for the links of islands to the second tier of their domain. */
gboolean moe_topo_islands_matter(const MoeTopo *topo);
/* Has routes include leaf uplinks and islands' even where they can never be the limit: for counting what they carry. */
void moe_topo_count_leaves(MoeTopo *topo);
/* Whether every GPU has the same ports: FALSE when a fault or degradation made some slower than others. */
gboolean moe_topo_uniform(const MoeTopo *topo);
/* "GPU 12 NIC out", for messages and traces. Caller frees. */
char *moe_topo_resource_name(const MoeTopo *topo, guint resource);
/* Achievable bytes/s of a port class with every efficiency applied (what capacities hold for an undegraded one). */
double moe_topo_port_bytes_per_s(const MoeTopo *topo, MoePort port);

G_END_DECLS

#endif
