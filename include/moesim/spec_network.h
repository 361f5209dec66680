/*
 * spec_network: NVLink domain, host and network sections of a cluster, collective section of a stack.
 * Part of spec (floor 2). The models that use these constants are in topo and coll.
 */
#ifndef MOESIM_SPEC_NETWORK_H
#define MOESIM_SPEC_NETWORK_H

#include <moesim/base.h>
#include <moesim/doc.h>

G_BEGIN_DECLS

/* All GPUs one NVSwitch (or xGMI) fabric joins. */
typedef struct {
  int64_t gpus;               /* used by runs */
  int64_t of;                 /* physically there */
  double bytes_per_s;         /* one direction, per GPU, as specified */
  double latency_s;
  double efficiency;          /* share of bytes_per_s that bulk transfers reach (protocol), 0..1 */
  gboolean multicast;         /* NVLink SHARP in the switch */
  double all_to_all_efficiency; /* share that all-to-all reaches; 0 = efficiency */
} MoeDomain;

typedef struct {
  int64_t gpus;                   /* per host (server) */
  double memory_link_bytes_per_s; /* GPU to host memory, one direction, per GPU, as measured */
  const char *cpu;                /* "x86", "grace": selects the stack's launch cost */
  double memory_bytes_per_s;      /* host DRAM bandwidth shared by the host's GPUs; 0 = not a limit */
} MoeHost;

typedef enum { MOE_NETWORK_INFINIBAND, MOE_NETWORK_ROCE } MoeNetworkKind;
typedef enum { MOE_RDMA_GPUDIRECT, MOE_RDMA_STAGED } MoeRdmaKind;

typedef struct {
  double nics_per_gpu;
  double nic_bytes_per_s;     /* one NIC, one direction */
  MoeNetworkKind kind;
  int64_t tiers;              /* 1, 2 or 3 switch tiers */
  int64_t rails;              /* 0 = not rail-optimised; N = GPU i of a host hangs on rail i mod N */
  double oversubscription;    /* leaf down / up capacity, >= 1 */
  int64_t leaf_gpus;          /* GPU ports below one leaf (per rail); 0 = derived from a 64-port switch */
  double leaf_latency_s, spine_latency_s;
  double efficiency;          /* share of the NIC rate that bulk transfers reach */
  MoeRdmaKind rdma;
  double staged_bytes_per_s;  /* without GPUDirect: achieved through host memory, per GPU, one direction */
  gboolean sharp;             /* in-network reduction in the switches */
} MoeNetwork;

typedef struct {
  gboolean nvls;              /* use NVLink SHARP where the domain has it (off for deterministic runs) */
  gboolean sharp;
  gboolean deterministic;
  const char *expert_library; /* "deepep", "hybridep", "nccl", "nvlink-direct" */
  int64_t sms_collective;     /* SMs a ring collective holds while it runs */
  int64_t sms_expert;         /* SMs dispatch and combine hold */
  int64_t sms_p2p;
} MoeStackCollectives;

gboolean moe_domain_read(const MoeNode *node, MoeDomain *domain, GError **error);
gboolean moe_host_read(const MoeNode *node, MoeHost *host, GError **error);
gboolean moe_network_read(const MoeNode *node, MoeNetwork *network, GError **error);
gboolean moe_stack_collectives_read(const MoeNode *node, MoeStackCollectives *collectives, GError **error);

G_END_DECLS

#endif
