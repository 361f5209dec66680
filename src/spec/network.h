/*
 * network: NVLink domain, host and network sections of a cluster, collective section of a stack.
 * Part of spec (floor 2). The models that use these constants are in topo and coll.
 */
#ifndef MOESIM_SPEC_NETWORK_H
#define MOESIM_SPEC_NETWORK_H

#include "base/base.h"
#include "doc/doc.h"
#include "spec/expert_library.h"

G_BEGIN_DECLS

/* Generations of GPUs that NCCL's tuner tells apart. */
typedef enum { MOE_AMPERE, MOE_HOPPER, MOE_BLACKWELL, MOE_N_GENERATIONS } MoeGeneration;

/* Who chooses among NCCL's algorithms: its own tuner, or a plugin of the network that carries measured tables and so
 * takes the fastest. */
typedef enum { MOE_TUNER_NCCL, MOE_TUNER_PLUGIN } MoeTunerKind;

/* How collectives run on one fabric (NVLink domain or network), fitted to measured curves; equations in
 * docs/model-network.md. */
typedef struct {
  MoeGeneration generation; /* domain: row of NCCL's tables */
  MoeTunerKind tuner;
  double floor_s;  /* launch, barrier and exit of one collective; the larger of domain and network counts */
  double path_s;   /* latency of the route that steps and sends contain: where they were measured */
  double step_s;   /* one step of a bulk (Simple protocol) ring or tree */
  double reduce_s; /* network: what a ring step that adds what it receives takes longer than one that only passes on */
  double chunk_s;  /* pipelines: domain, cost of one more chunk per step; network, largest chunk's time per step */
  double window_s; /* bandwidth time at which chunks stop growing (domain) or are half their largest (network) */
  double hide_s;   /* network: bytes of one ring step that hide half of its latency, as time; 0 = never */
  double handshake_s;      /* network: part of a ring step that steps with few bytes do without */
  double handshake_half_s; /* bytes of one ring step that save half of it, as time */
  double multicast_step_s; /* domain: one step of an NVLink SHARP pass; network: one step of a tree between domains */
  double ring, tree;       /* share of the bulk bandwidth that rings and trees reach */
  double multicast; /* domain: share that NVLink SHARP reaches; network: share that in-network reduction reaches */
  double low_latency_step_s;      /* one tree step of the LL protocol */
  double low_latency_bytes_per_s; /* largest bus bandwidth of the LL protocol; 0 = no low-latency protocols */
  double domain_bytes_per_s; /* network: bytes/s that one communicator moves out of a domain, channel limit; 0 = none */
  double exchange_s;         /* network: fixed time of an all-to-all besides its messages; 0 = a bulk step */
  double message_s;          /* port time of one message of an all-to-all besides its bytes */
  double send_s;             /* latency of one send / receive */
  double send_chunk_s, send_window_s; /* as chunk_s and window_s, for one send / receive */
} MoeCollectiveFit;

/* How the GPUs of a domain are joined. */
typedef enum {
  MOE_DOMAIN_SWITCH,   /* one tier of switches: every pair is one hop apart */
  MOE_DOMAIN_TWO_TIER, /* islands (a rack, a node) of one tier, joined by a second one */
  MOE_DOMAIN_TORUS,    /* every GPU has two links per dimension, to its neighbours; no switches */
} MoeDomainKind;

#define MOE_MAX_DIMENSIONS 3

/* All GPUs one scale-up fabric (NVSwitch, xGMI, UB, ICI) joins. */
typedef struct {
  int64_t gpus;       /* used by runs */
  int64_t of;         /* physically there */
  double bytes_per_s; /* one direction, per GPU, as specified */
  double latency_s;
  double efficiency; /* share of bytes_per_s that bulk transfers reach (protocol), 0..1 */
  MoeDomainKind kind;
  int64_t island_gpus;     /* two-tier: GPUs below the switches of one island, a divisor of gpus */
  double oversubscription; /* two-tier: what an island's GPUs can send over what its second tier carries, >= 1 */
  double far_latency_s;    /* two-tier: between islands, at least latency_s */
  int64_t extent[MOE_MAX_DIMENSIONS]; /* torus: GPUs along x, y, z; their product is gpus */
  int64_t dimensions;                 /* torus: dimensions that a GPU has links for; each has its part of bytes_per_s */
  gboolean wrap;                      /* torus: the ends of a dimension of more than two GPUs are joined */
  gboolean multicast;                 /* NVLink SHARP in the switch */
  double all_to_all_efficiency;       /* share that all-to-all reaches; 0 = efficiency */
  MoeCollectiveFit collectives;
} MoeDomain;

typedef struct {
  int64_t gpus;                   /* per host (server) */
  double memory_link_bytes_per_s; /* GPU to host memory, one direction, per GPU, as measured */
  const char *cpu;                /* "x86", "grace": selects the stack's launch cost */
  double memory_bytes_per_s;      /* host DRAM bandwidth shared by the host's GPUs; 0 = not a limit */
} MoeHost;

typedef enum { MOE_NETWORK_INFINIBAND, MOE_NETWORK_ROCE } MoeNetworkKind;
typedef enum { MOE_RDMA_GPUDIRECT, MOE_RDMA_STAGED } MoeRdmaKind;

/* What is broken or slow on this machine: the rate of what `kind` and `index` name is multiplied by `factor`; 0 =
 * failed, where others can carry its share. */
typedef enum {
  MOE_FAULT_NVLINK, /* both directions of GPU `index`'s NVLink, all links of a torus */
  MOE_FAULT_NIC,    /* both directions of GPU `index`'s NICs, all planes */
  MOE_FAULT_HOST,   /* both directions of GPU `index`'s host link */
  MOE_FAULT_LEAF,   /* leaf `index` of one plane: its uplinks and downlinks, and with 0 its GPUs' ports on that plane */
  MOE_FAULT_RAIL,   /* every NIC of rail `index`; with 0 the other rails of each host carry its share */
  MOE_FAULT_PLANE,  /* plane `index` of the network: every GPU's port on it; with 0 the other planes carry its share */
  MOE_FAULT_LINK,   /* GPU `index`'s port on one plane */
  MOE_FAULT_GPU,    /* GPU `index` itself: its kernels take 1 / factor times as long */
  MOE_FAULT_ISLAND, /* both directions of island `index`'s links to the second tier of its domain */
} MoeFaultKind;

/* How a fabric spreads flows over the ways between leaves. */
typedef enum {
  MOE_ROUTING_ADAPTIVE,         /* by load, or every packet on its own */
  MOE_ROUTING_ECMP,             /* by a hash of addresses and ports: flows collide */
  MOE_ROUTING_ECMP_QUEUE_PAIRS, /* with the queue pair in the hash, and several of them per flow */
} MoeRoutingKind;

#define MOE_MAX_FAULTS 64

typedef struct {
  MoeFaultKind kind;
  int64_t index;
  double factor; /* 0 (leaf, rail, plane, link) to 1 */
  MoeMark mark;
} MoeFault;

typedef struct {
  double nics_per_gpu;
  double nic_bytes_per_s; /* one NIC, one direction */
  MoeNetworkKind kind;
  int64_t tiers;     /* 1, 2 or 3 switch tiers */
  int64_t planes;    /* planes of the network; a NIC has a port on each and sprays its bytes over them; >= 1 */
  double background; /* share of the leaves\' uplinks that other jobs take on average, 0 to below 1 */
  MoeRoutingKind routing;
  double path_share;       /* share of the uplinks that flows so spread reach; 0 = as `routing` reaches */
  int64_t flows;           /* hashed routing: flows of one NIC at a time, connections x queue pairs; 0 = as measured */
  int64_t draw;            /* hashed routing with flows: which of the possible spreads this machine has */
  int64_t rails;           /* 0 = not rail-optimised; N = GPU i of a host hangs on rail i mod N */
  double oversubscription; /* leaf down / up capacity, >= 1 */
  double leaf_share;       /* share of a leaf's ports below that this run's GPUs have; the rest are another job's */
  int64_t leaf_gpus;       /* GPU ports below one leaf (per rail); 0 = derived from a 64-port switch */
  double host_latency_s;   /* GPU to NIC and NIC to GPU together, beyond what the next three contain */
  double leaf_latency_s, spine_latency_s, core_latency_s; /* host to host below one leaf, over a spine, over a third
                                                             tier; ascending */
  double efficiency;                                      /* share of the NIC rate that bulk transfers reach */
  MoeRdmaKind rdma;
  double staged_bytes_per_s; /* without GPUDirect: achieved through host memory, per GPU, one direction */
  gboolean sharp;            /* in-network reduction in the switches */
  MoeCollectiveFit collectives;
  guint n_faults;
  MoeFault faults[MOE_MAX_FAULTS];
} MoeNetwork;

/* NCCL of a stack that names none: 2.27.3, mid 2025. */
#define MOE_NCCL_DEFAULT 22703

typedef struct {
  gboolean nvls; /* use NVLink SHARP where the domain has it (off for deterministic runs) */
  gboolean sharp;
  gboolean deterministic;
  gboolean rings_only;             /* NCCL_ALGO=Ring: neither trees nor the logarithmic gather */
  gboolean symmetric;              /* buffers of gathers and scatters are registered as symmetric windows */
  int64_t nccl;                    /* version of NCCL, major x 10000 + minor x 100 + patch */
  const char *expert_library;      /* a name of spec/expert_library.h; NULL = nccl */
  const MoeExpertLibrary *library; /* its row; NULL = by that name */
  int64_t sms_collective;          /* SMs a ring collective holds while it runs */
  int64_t sms_expert;              /* SMs dispatch and combine hold */
  int64_t sms_p2p;
  gboolean
      hierarchical; /* the framework builds data-parallel collectives from one in the domain and one along the rails */
  gboolean deduplicate; /* one copy per destination rank also inside a domain; else one per chosen expert. Follows the
                           library (deepep, hybridep: yes; nccl, nvlink-direct: no) unless given */
} MoeStackCollectives;

/* Readers of the sections `domain:`, `host:`, `network:` of a cluster and `collectives:` of a stack. They set defaults
 * for absent optional keys, refuse unknown ones, and leave an error with the mark of the offending value. Text belongs
 * to the document. */
/* A file of clusters/fabrics/, which `collectives:` of a domain or a network names. */
gboolean moe_collective_fit_read(const MoeNode *node, gboolean network, MoeCollectiveFit *fit, GError **error);
gboolean moe_domain_read(const MoeNode *node, MoeDomain *domain, GError **error);
gboolean moe_host_read(const MoeNode *node, MoeHost *host, GError **error);
gboolean moe_network_read(const MoeNode *node, MoeNetwork *network, GError **error);
gboolean moe_stack_collectives_read(const MoeNode *node, MoeStackCollectives *collectives, GError **error);

G_END_DECLS

#endif
