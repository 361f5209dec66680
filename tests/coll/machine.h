/* A machine of round numbers for tests: what collectives cost is bytes over rates, without latencies unless a test sets
 * them. */
#ifndef TESTS_COLL_MACHINE_H
#define TESTS_COLL_MACHINE_H

#include "coll/coll.h"

#include <math.h>

#define GB    1e9
#define US_PS 1000000 /* picoseconds in a microsecond */

/* Hosts of 8 = domains of `domain` GPUs; NVLink 400 GB/s, NIC 50 GB/s, host link 25 GB/s; no fixed times, full shares.
 */
static inline MoeCluster machine_new(int64_t domain)
{
  const MoeCollectiveFit ideal = {.generation = MOE_HOPPER, .ring = 1, .tree = 1, .multicast = 1};

  return (MoeCluster){
      .domain = {.gpus = domain,
                 .of = domain,
                 .bytes_per_s = 400 * GB,
                 .efficiency = 1,
                 .multicast = TRUE,
                 .collectives = ideal},
      .host = {.gpus = MIN(domain, 8), .memory_link_bytes_per_s = 25 * GB, .cpu = "x86"},
      .network = {.nics_per_gpu = 1,
                  .nic_bytes_per_s = 50 * GB,
                  .tiers = 2,
                  .rails = MIN(domain, 8),
                  .oversubscription = 1,
                  .efficiency = 1,
                  .staged_bytes_per_s = 20 * GB,
                  .collectives = ideal},
  };
}

static inline MoeTopo *machine_topo(const MoeCluster *cluster, int64_t gpus)
{
  g_autoptr(GError) error = NULL;
  MoeTopo *topo = moe_topo_new(cluster, gpus, 0, NULL, &error);

  g_assert_no_error(error);
  return topo;
}

/* Members 0, stride, 2 stride ... Caller frees `gpus`. */
static inline MoeCollGroup machine_group(guint n, int64_t stride)
{
  int64_t *gpus = g_new(int64_t, n);

  for (guint i = 0; i < n; i++)
    gpus[i] = i * stride;
  return (MoeCollGroup){n, gpus};
}

static inline MoeStackCollectives machine_stack(const char *library)
{
  return (MoeStackCollectives){.nvls = FALSE,
                               .nccl = MOE_NCCL_DEFAULT,
                               .expert_library = library,
                               .sms_collective = 16,
                               .sms_expert = 20,
                               .sms_p2p = 2};
}

/* Plan of `algorithm` (NULL = automatic) for the first n GPUs, `stride` apart. */
static inline MoeCollPlan machine_plan(const MoeTopo *topo, const MoeStackCollectives *stack, const char *algorithm,
                                       const MoeCollective *collective, guint n, int64_t stride)
{
  MoeCollGroup group = machine_group(n, stride);
  MoeCollPlan plan = {0};

  if (!algorithm)
    moe_coll_plan(topo, stack, collective, &group, &plan);
  else
    g_assert_true(moe_coll_plan_with(algorithm, topo, stack, collective, &group, &plan));
  g_free((gpointer)group.gpus);
  return plan;
}

#endif
