/* The rows of traits of expert libraries. */
#include "spec/expert_library.h"

#include <string.h>

#define US 1e-6
#define GB 1e9

/* Traits: Megatron-Core's token dispatchers and moe_utils (alltoall sorts on both sides and needs its splits on the
 * host); DeepEP, docs/legacy.md (V1: the host waits for the counts inside the dispatch, which returns indices) and
 * README (V2 and HybridEP keep them on the device; HybridEP gathers the routing map, metadata_preprocessing in
 * csrc/hybrid_ep/hybrid_ep.cu); uccl-project/uccl ep (DeepEP's interface over proxies); TensorRT-LLM's NVLink kernels
 * and device-initiated stores. Fixed times over EFA are what FP8 and BF16 dispatches of the same tokens leave besides
 * their bytes (AWS, B200: 350 and 500 us with DeepEP's proxy, 650 and 500 us with UCCL, 16 and 32 ranks). Notifies:
 * DeepEP V1 96, 153 and 161 us before a dispatch on four H100 hosts (deepseek-ai/DeepEP issue 397), before a combine
 * taken as the same; over proxies on EFA UCCL's, 67 to 81 and 331 to 385 us (uccl-project/uccl pull 498, two H200
 * hosts). */
static const MoeExpertLibrary libraries[] = {
    {.name = "deepep",
     .title = "DeepEP V1, normal kernels",
     .route = MOE_EXPERT_NODE_LIMITED,
     .crosses_domains = TRUE,
     .registers_floor = TRUE,
     .receiver_permutes = TRUE,
     .host_counts = TRUE,
     .deduplicates = TRUE,
     .by_index = TRUE,
     .floor_s = {41.31 * US, 63.39 * US},
     .network_floor_s = {100.9 * US, 203.9 * US},
     .nvlink_share = 0.8277,
     .network_share = 0.9612,
     .row_s = 0.06406 * US,
     .sm_bytes_per_s = 32.54 * GB,
     .token = 2.268,
     .hop = {1.87, 3.86},
     .notify_s = {137 * US, 137 * US}},
    {.name = "deepep-proxy",
     .title = "DeepEP V1 whose messages the host posts (NVSHMEM's proxy, EFA)",
     .route = MOE_EXPERT_NODE_LIMITED,
     .crosses_domains = TRUE,
     .registers_floor = TRUE,
     .receiver_permutes = TRUE,
     .host_counts = TRUE,
     .deduplicates = TRUE,
     .by_index = TRUE,
     .floor_s = {41.31 * US, 63.39 * US},
     .network_floor_s = {425 * US, 425 * US},
     .nvlink_share = 0.8275,
     .network_share = 0.9152,
     .row_s = 0.001262 * US,
     .sm_bytes_per_s = 63.68 * GB,
     .hop = {1.988, 3.282},
     .notify_s = {72 * US, 358 * US}},
    {.name = "deepep-v2",
     .title = "DeepEP V2, on NCCL's device-initiated network",
     .route = MOE_EXPERT_NODE_LIMITED,
     .crosses_domains = TRUE,
     .registers_floor = TRUE,
     .receiver_permutes = TRUE,
     .deduplicates = TRUE,
     .floor_s = {30 * US, 30 * US},
     .network_floor_s = {30 * US, 30 * US},
     .nvlink_share = 0.8564,
     .network_share = 0.9511,
     .row_s = 0.01 * US,
     .sm_bytes_per_s = 44.6 * GB},
    {.name = "hybridep",
     .title = "HybridEP",
     .route = MOE_EXPERT_NODE_LIMITED,
     .crosses_domains = TRUE,
     .registers_floor = TRUE,
     .receiver_permutes = TRUE,
     .deduplicates = TRUE,
     .gathers_map = TRUE,
     .floor_s = {87.14 * US, 78.25 * US},
     .network_floor_s = {208 * US, 146 * US},
     .nvlink_share = 0.9582,
     .network_share = 0.9199,
     .row_s = 0.01 * US,
     .sm_bytes_per_s = 60 * GB},
    {.name = "uccl",
     .title = "UCCL-EP, DeepEP's interface over CPU proxies",
     .route = MOE_EXPERT_NODE_LIMITED,
     .crosses_domains = TRUE,
     .registers_floor = TRUE,
     .receiver_permutes = TRUE,
     .host_counts = TRUE,
     .deduplicates = TRUE,
     .by_index = TRUE,
     .floor_s = {60 * US, 60 * US},
     .network_floor_s = {575 * US, 575 * US},
     .nvlink_share = 0.9992,
     .network_share = 1,
     .row_s = 0.3641 * US,
     .sm_bytes_per_s = 39.69 * GB,
     .hop = {0.05, 2.611},
     .notify_s = {72 * US, 358 * US}},
    {.name = "nccl",
     .title = "NCCL all-to-all",
     .route = MOE_EXPERT_PAIRWISE,
     .crosses_domains = TRUE,
     .sender_permutes = TRUE,
     .receiver_permutes = TRUE,
     .host_counts = TRUE},
    {.name = "nvlink-direct",
     .title = "device-initiated stores over NVLink",
     .route = MOE_EXPERT_PAIRWISE,
     .sender_permutes = TRUE,
     .nvlink_share = 0.806,
     .combine = 0.853},
};

const MoeExpertLibrary *moe_expert_library(const char *name)
{
  const char *wanted = name ? name : "nccl";

  for (guint i = 0; i < G_N_ELEMENTS(libraries); i++)
    if (strcmp(libraries[i].name, wanted) == 0)
      return &libraries[i];
  return NULL;
}

const char *const moe_expert_library_words[] = {"deepep", "deepep-proxy", "deepep-v2",     "hybridep",
                                                "uccl",   "nccl",         "nvlink-direct", NULL};

G_STATIC_ASSERT(G_N_ELEMENTS(moe_expert_library_words) == G_N_ELEMENTS(libraries) + 1);
